"""boto3: every operation that a program in Python can call, with its waiters and paginators."""

import datetime
import json
import os
import time

from botocore import xform_name
from botocore.config import Config
from steps import Steps, equal, refused, wait_until

endpoint = os.environ["KINESIS_ENDPOINT"]

# readme:begin
import boto3

client = boto3.client(
    "kinesis",
    endpoint_url=endpoint,  # "http://127.0.0.1:4566"
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
# readme:end

STREAM = "boto3"
steps = Steps()
# The operations that were called.
called = set()
client.meta.events.register("before-call.kinesis", lambda model, **_: called.add(model.name))
# What later steps need of earlier ones.
kept = {}


def summary(name=STREAM):
    return client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def active(name=STREAM):
    """The stream's summary once it is ACTIVE."""
    return wait_until(f"{name} is ACTIVE", lambda: (it := summary(name))["StreamStatus"] == "ACTIVE" and it)


def iterator(shard, kind="TRIM_HORIZON", **where):
    reply = client.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType=kind, **where)
    return reply["ShardIterator"]


def drained(position):
    """All records from here to the tip or the end of the shard, and the last reply."""
    records = []
    while True:
        reply = client.get_records(ShardIterator=position)
        records += reply["Records"]
        position = reply.get("NextShardIterator")
        if position is None or (not reply["Records"] and reply["MillisBehindLatest"] == 0):
            return records, reply


def shards(**how):
    return client.list_shards(StreamName=STREAM, **how)["Shards"]


def middle(shard):
    hashes = shard["HashKeyRange"]
    return str((int(hashes["StartingHashKey"]) + int(hashes["EndingHashKey"])) // 2)


@steps.step("CreateStream, waiter stream_exists")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2, Tags={"made": "here"})
    client.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    equal(refused(lambda: client.create_stream(StreamName=STREAM, ShardCount=1)), "ResourceInUseException")


@steps.step("DescribeStream, DescribeStreamSummary")
def _():
    found = active()
    kept["arn"] = found["StreamARN"]
    equal((found["OpenShardCount"], found["RetentionPeriodHours"]), (2, 24))
    assert isinstance(found["StreamCreationTimestamp"], datetime.datetime)
    described = client.describe_stream(StreamARN=kept["arn"], Limit=1)["StreamDescription"]
    equal((len(described["Shards"]), described["HasMoreShards"]), (1, True))
    pages = client.get_paginator("describe_stream").paginate(StreamName=STREAM, PaginationConfig={"PageSize": 1})
    equal([len(page["StreamDescription"]["Shards"]) for page in pages], [1, 1])


@steps.step("ListStreams and its paginator")
def _():
    for name in ("boto3-b", "boto3-c"):
        client.create_stream(StreamName=name, ShardCount=1)
    pages = list(client.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1}))
    equal([name for page in pages for name in page["StreamNames"]], [STREAM, "boto3-b", "boto3-c"])
    equal([one["StreamARN"] for one in pages[0]["StreamSummaries"]], [kept["arn"]])
    for name in ("boto3-b", "boto3-c"):
        active(name)
        client.delete_stream(StreamName=name)
        client.get_waiter("stream_not_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


@steps.step("ListShards, its pages and its filters")
def _():
    # Page by page not by boto3's paginator: it repeats StreamName beside NextToken, which AWS refuses (botocore issue
    # 2009).
    paginator = client.get_paginator("list_shards")
    equal([page["Shards"] for page in paginator.paginate(StreamName=STREAM)], [shards()])
    pages = paginator.paginate(StreamName=STREAM, PaginationConfig={"PageSize": 1})
    equal(refused(lambda: list(pages)), "InvalidArgumentException")
    first = client.list_shards(StreamName=STREAM, MaxResults=1)
    second = client.list_shards(NextToken=first["NextToken"], MaxResults=1)
    equal(first["Shards"] + second["Shards"], shards())
    equal("NextToken" in second, False)
    equal(shards(ShardFilter={"Type": "AT_LATEST"}), shards())
    kept["shards"] = shards()


@steps.step("PutRecord in order")
def _():
    first = client.put_record(StreamName=STREAM, Data=b"\x00\xffone", PartitionKey="p")
    second = client.put_record(
        StreamName=STREAM, Data=b"two", PartitionKey="p", SequenceNumberForOrdering=first["SequenceNumber"]
    )
    equal(first["ShardId"], second["ShardId"])
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    kept["first"], kept["second"] = first, second


@steps.step("PutRecords of 500 with explicit hash keys, and not 501")
def _():
    # A shard takes 1,000 records a second on AWS; this stays below.
    batch = [{"Data": b"%d" % i, "PartitionKey": str(i), "ExplicitHashKey": "0"} for i in range(500)]
    reply = client.put_records(StreamARN=kept["arn"], Records=batch)
    equal((reply["FailedRecordCount"], len(reply["Records"])), (0, 500))
    equal({one["ShardId"] for one in reply["Records"]}, {"shardId-000000000000"})
    numbers = [int(one["SequenceNumber"]) for one in reply["Records"]]
    equal(numbers, sorted(set(numbers)))
    equal(refused(lambda: client.put_records(StreamName=STREAM, Records=batch + batch[:1])), "ValidationException")


@steps.step("GetRecords: everything once, in order, and what is left behind")
def _():
    found = []
    for shard in kept["shards"]:
        records, reply = drained(iterator(shard["ShardId"]))
        numbers = [int(record["SequenceNumber"]) for record in records]
        equal(numbers, sorted(set(numbers)))
        equal(reply["MillisBehindLatest"], 0)
        found += [record["Data"] for record in records]
    equal(sorted(found), sorted([b"\x00\xffone", b"two", *(b"%d" % i for i in range(500))]))
    some = client.get_records(ShardIterator=iterator("shardId-000000000000"), Limit=10)
    equal(len(some["Records"]), 10)
    age = datetime.datetime.now(datetime.timezone.utc) - some["Records"][0]["ApproximateArrivalTimestamp"]
    assert 0 <= age.total_seconds() < 600, age


@steps.step("GetShardIterator of each type")
def _():
    shard, number = kept["first"]["ShardId"], kept["first"]["SequenceNumber"]

    def read(kind, **where):
        return [record["Data"] for record in drained(iterator(shard, kind, **where))[0]]

    equal(read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)[:2], [b"\x00\xffone", b"two"])
    equal(read("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)[0], b"two")
    equal(read("AT_TIMESTAMP", Timestamp=time.time() - 600)[0], b"\x00\xffone")
    equal(read("LATEST"), [])
    equal(refused(lambda: client.get_records(ShardIterator="AAAA")), "InvalidArgumentException")
    equal(refused(lambda: iterator("shardId-000000000099")), "ResourceNotFoundException")


@steps.step("SplitShard: the parent ends with its children")
def _():
    position = iterator("shardId-000000000000")
    client.split_shard(
        StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=middle(kept["shards"][0])
    )
    equal(summary()["StreamStatus"], "UPDATING")
    equal(active()["OpenShardCount"], 3)
    kept["children"] = [shard["ShardId"] for shard in shards() if shard.get("ParentShardId") == "shardId-000000000000"]
    records, last = drained(position)
    equal(len([record for record in records if record["PartitionKey"] != "p"]), 500)
    equal([child["ShardId"] for child in last["ChildShards"]], kept["children"])
    equal(len(shards(ShardFilter={"Type": "AT_LATEST"})), 3)
    equal(len(shards(ShardFilter={"Type": "AT_TRIM_HORIZON"})), 2)


@steps.step("MergeShards")
def _():
    one, other = kept["children"]
    client.merge_shards(StreamName=STREAM, ShardToMerge=one, AdjacentShardToMerge=other)
    equal(active()["OpenShardCount"], 2)
    merged = shards()[-1]
    equal((merged["ParentShardId"], merged["AdjacentParentShardId"]), (one, other))


@steps.step("UpdateShardCount")
def _():
    reply = client.update_shard_count(StreamName=STREAM, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    equal(reply["TargetShardCount"], 4)
    equal(active()["OpenShardCount"], 4)


@steps.step("RegisterStreamConsumer, DescribeStreamConsumer, ListStreamConsumers")
def _():
    made = client.register_stream_consumer(StreamARN=kept["arn"], ConsumerName="one")["Consumer"]
    kept["consumer"] = made["ConsumerARN"]
    client.register_stream_consumer(StreamARN=kept["arn"], ConsumerName="two")

    def status():
        described = client.describe_stream_consumer(StreamARN=kept["arn"], ConsumerName="one")
        return described["ConsumerDescription"]["ConsumerStatus"]

    wait_until("the consumer is ACTIVE", lambda: status() == "ACTIVE")
    pages = client.get_paginator("list_stream_consumers").paginate(
        StreamARN=kept["arn"], PaginationConfig={"PageSize": 1}
    )
    equal(sorted(one["ConsumerName"] for page in pages for one in page["Consumers"]), ["one", "two"])


def subscribed(shard, kind="TRIM_HORIZON"):
    """The events of a subscription."""
    reply = client.subscribe_to_shard(
        ConsumerARN=kept["consumer"], ShardId=shard, StartingPosition={"Type": kind}
    )
    return reply["EventStream"]


@steps.step("SubscribeToShard: a closed shard to its end")
def _():
    events = [event["SubscribeToShardEvent"] for event in subscribed("shardId-000000000000")]
    assert sum(len(event["Records"]) for event in events) >= 500
    equal([child["ShardId"] for child in events[-1]["ChildShards"]], kept["children"])
    assert all("ContinuationSequenceNumber" in event for event in events[:-1])


@steps.step("SubscribeToShard: an idle shard is heard of every 5 s")
def _():
    # A consumer and shard can be subscribed to again 5 s later.
    events = iter(subscribed(shards(ShardFilter={"Type": "AT_LATEST"})[-1]["ShardId"], "LATEST"))
    next(events)
    at = time.monotonic()
    equal(next(events)["SubscribeToShardEvent"]["Records"], [])
    assert time.monotonic() - at < 7


@steps.step("DeregisterStreamConsumer")
def _():
    client.deregister_stream_consumer(ConsumerARN=kept["consumer"])
    wait_until(
        "only the other consumer is left",
        lambda: len(client.list_stream_consumers(StreamARN=kept["arn"])["Consumers"]) == 1,
    )


@steps.step("tags of both kinds of call")
def _():
    client.add_tags_to_stream(StreamName=STREAM, Tags={"a": "1"})
    client.tag_resource(ResourceARN=kept["arn"], Tags={"b": "2"})
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_for_stream(StreamName=STREAM)["Tags"]}
    equal(tags, {"made": "here", "a": "1", "b": "2"})
    client.remove_tags_from_stream(StreamName=STREAM, TagKeys=["a"])
    client.untag_resource(ResourceARN=kept["arn"], TagKeys=["b"])
    equal(client.list_tags_for_resource(ResourceARN=kept["arn"])["Tags"], [{"Key": "made", "Value": "here"}])


@steps.step("IncreaseStreamRetentionPeriod, DecreaseStreamRetentionPeriod")
def _():
    client.increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=48)
    equal(active()["RetentionPeriodHours"], 48)
    client.decrease_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=24)
    equal(active()["RetentionPeriodHours"], 24)


@steps.step("StartStreamEncryption, StopStreamEncryption")
def _():
    key = {"StreamName": STREAM, "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    client.start_stream_encryption(**key)
    equal(active()["EncryptionType"], "KMS")
    equal(client.put_record(StreamName=STREAM, Data=b"e", PartitionKey="p")["EncryptionType"], "KMS")
    client.stop_stream_encryption(**key)
    equal(active()["EncryptionType"], "NONE")


@steps.step("EnableEnhancedMonitoring, DisableEnhancedMonitoring")
def _():
    reply = client.enable_enhanced_monitoring(StreamName=STREAM, ShardLevelMetrics=["IncomingBytes"])
    equal(reply["DesiredShardLevelMetrics"], ["IncomingBytes"])
    active()
    client.disable_enhanced_monitoring(StreamName=STREAM, ShardLevelMetrics=["ALL"])
    equal(active()["EnhancedMonitoring"], [{"ShardLevelMetrics": []}])


@steps.step("PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy")
def _():
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kinesis:DescribeStreamSummary",
        "Resource": kept["arn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client.put_resource_policy(ResourceARN=kept["arn"], Policy=policy)
    equal(json.loads(client.get_resource_policy(ResourceARN=kept["arn"])["Policy"]), json.loads(policy))
    client.delete_resource_policy(ResourceARN=kept["arn"])


@steps.step("UpdateMaxRecordSize")
def _():
    client.update_max_record_size(StreamARN=kept["arn"], MaxRecordSizeInKiB=2048)
    equal(active()["MaxRecordSizeInKiB"], 2048)
    client.put_record(StreamName=STREAM, Data=bytes(2000 * 1024), PartitionKey="large")


@steps.step("UpdateStreamMode, DescribeLimits")
def _():
    client.update_stream_mode(StreamARN=kept["arn"], StreamModeDetails={"StreamMode": "ON_DEMAND"})
    equal(active()["StreamModeDetails"], {"StreamMode": "ON_DEMAND"})
    limits = client.describe_limits()
    equal((limits["ShardLimit"] > 0, limits["OnDemandStreamCount"]), (True, 1))


@steps.step("UpdateStreamRecordDistributionStrategy")
def _():
    for strategy in ("AUTO", "USER_PARTITION_KEY"):
        client.update_stream_record_distribution_strategy(StreamARN=kept["arn"], RecordDistributionStrategy=strategy)
        equal(active()["RecordDistributionStrategy"], strategy)


@steps.step("UpdateAccountSettings, DescribeAccountSettings, UpdateStreamWarmThroughput")
def _():
    asked = {"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}}
    equal(client.update_account_settings(**asked)["MinimumThroughputBillingCommitment"]["Status"], "ENABLED")
    equal(client.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"], "ENABLED")
    client.update_stream_warm_throughput(StreamARN=kept["arn"], WarmThroughputMiBps=10)
    active()


@steps.step("errors have their classes and texts")
def _():
    try:
        client.describe_stream(StreamName="nowhere")
    except client.exceptions.ResourceNotFoundException as error:
        equal(error.response["Error"]["Message"], "Stream nowhere under account 000000000000 not found.")
        assert error.response["ResponseMetadata"]["RequestId"]
    else:
        raise AssertionError("described")


@steps.step("DeleteStream, waiter stream_not_exists")
def _():
    client.delete_stream(StreamName=STREAM, EnforceConsumerDeletion=True)
    client.get_waiter("stream_not_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})


@steps.step("every operation that boto3 knows was called, or is answered that it is not built")
def _():
    unchecked = boto3.client("kinesis", endpoint_url=endpoint, config=Config(parameter_validation=False))
    left = set(client.meta.service_model.operation_names) - called
    # Channels and queues.
    equal(len(left), 17)
    for name in left:
        equal(refused(getattr(unchecked, xform_name(name))), "NotImplementedException")


steps.end()
