"""The AWS CLI, or awslocal: every operation as a command of its own, with waiters and the pages that the CLI turns."""

import json
import os
import subprocess
import sys
from pathlib import Path

from steps import Steps, equal, wait_until

PROGRAM = sys.argv[1]
STREAM = "cli"
steps = Steps()
# The commands that were given.
given = set()
kept = {}


def aws(command, *arguments):
    """The reply of `aws kinesis COMMAND`; None for one without a body. Refusals raise what the program says."""
    endpoint = [] if PROGRAM == "awslocal" else ["--endpoint-url", os.environ["KINESIS_ENDPOINT"]]
    program = Path(sys.executable).parent / PROGRAM
    # awslocal finds its endpoint in AWS_ENDPOINT_URL.
    environment = os.environ | {"AWS_ENDPOINT_URL": os.environ["KINESIS_ENDPOINT"], "AWS_PAGER": ""}
    done = subprocess.run(
        [program, *endpoint, "kinesis", command, *map(str, arguments)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    given.add(command)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def on(*arguments):
    return ["--stream-name", STREAM, *arguments]


def summary():
    return aws("describe-stream-summary", *on())["StreamDescriptionSummary"]


def commands():
    """What this CLI has, as it tells whoever mistypes."""
    try:
        aws("no-such-command")
    except AssertionError as refusal:
        _, choices = str(refusal).split("Invalid choice, valid choices are:")
        return set(choices.replace("|", " ").split()) - {"help"}


def active():
    return wait_until("the stream is ACTIVE", lambda: (it := summary())["StreamStatus"] == "ACTIVE" and it)


def read(shard, *arguments):
    iterator = aws("get-shard-iterator", *on("--shard-id", shard, *arguments))["ShardIterator"]
    return aws("get-records", "--shard-iterator", iterator)


@steps.step("create-stream, wait stream-exists")
def _():
    aws("create-stream", *on("--shard-count", 2, "--tags", "made=here"))
    aws("wait", "stream-exists", *on())
    kept["arn"] = active()["StreamARN"]


@steps.step("list-streams, describe-stream, list-shards, page by page")
def _():
    equal(aws("list-streams", "--page-size", 1)["StreamNames"], [STREAM])
    shards = aws("describe-stream", *on("--page-size", 1))["StreamDescription"]["Shards"]
    equal([shard["ShardId"] for shard in shards], ["shardId-000000000000", "shardId-000000000001"])
    equal(aws("list-shards", *on())["Shards"], shards)


@steps.step("the endpoint as the README tells it")
def _():
    script = Path(__file__).parent.parent / "shell" / "aws_cli.sh"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", script], env=os.environ | {"PATH": path}, stdout=subprocess.PIPE, text=True)
    equal((done.returncode, done.stdout.count(f'"StreamName": "{STREAM}"')), (0, 2))


@steps.step("put-record, put-records, get-shard-iterator, get-records")
def _():
    # Version 1 of the CLI takes text and shows Base64.
    first = aws("put-record", *on("--data", "one", "--partition-key", "a", "--explicit-hash-key", 0))
    records = [{"Data": "two", "PartitionKey": "b", "ExplicitHashKey": "0"}] * 2
    reply = aws("put-records", *on("--records", json.dumps(records)))
    equal((reply["FailedRecordCount"], {one["ShardId"] for one in reply["Records"]}), (0, {first["ShardId"]}))
    found = read(first["ShardId"], "--shard-iterator-type", "TRIM_HORIZON")["Records"]
    equal([record["Data"] for record in found], ["b25l", "dHdv", "dHdv"])
    number = ["--starting-sequence-number", first["SequenceNumber"]]
    found = read(first["ShardId"], "--shard-iterator-type", "AFTER_SEQUENCE_NUMBER", *number)["Records"]
    equal([record["Data"] for record in found], ["dHdv", "dHdv"])


@steps.step("split-shard, merge-shards, update-shard-count")
def _():
    half = 2**126
    aws("split-shard", *on("--shard-to-split", "shardId-000000000000", "--new-starting-hash-key", half))
    active()
    last = read("shardId-000000000000", "--shard-iterator-type", "LATEST")
    children = [child["ShardId"] for child in last["ChildShards"]]
    equal((children, "NextShardIterator" in last), (["shardId-000000000002", "shardId-000000000003"], False))
    aws("merge-shards", *on("--shard-to-merge", children[0], "--adjacent-shard-to-merge", children[1]))
    active()
    aws("update-shard-count", *on("--target-shard-count", 3, "--scaling-type", "UNIFORM_SCALING"))
    equal(active()["OpenShardCount"], 3)
    filtered = aws("list-shards", *on("--shard-filter", "Type=AT_TRIM_HORIZON"))["Shards"]
    equal([shard["ShardId"] for shard in filtered], ["shardId-000000000000", "shardId-000000000001"])


@steps.step("register-, describe-, list- and deregister-stream-consumer")
def _():
    arn = ["--stream-arn", kept["arn"]]
    consumer = aws("register-stream-consumer", *arn, "--consumer-name", "one")["Consumer"]["ConsumerARN"]

    def is_active():
        described = aws("describe-stream-consumer", "--consumer-arn", consumer)["ConsumerDescription"]
        return described["ConsumerStatus"] == "ACTIVE"

    wait_until("the consumer is ACTIVE", is_active)
    equal([one["ConsumerName"] for one in aws("list-stream-consumers", *arn)["Consumers"]], ["one"])
    aws("deregister-stream-consumer", "--consumer-arn", consumer)


@steps.step("tags of streams and of resources")
def _():
    arn = ["--resource-arn", kept["arn"]]
    aws("add-tags-to-stream", *on("--tags", "a=1"))
    aws("tag-resource", *arn, "--tags", "b=2")
    tags = {tag["Key"]: tag["Value"] for tag in aws("list-tags-for-stream", *on())["Tags"]}
    equal(tags, {"made": "here", "a": "1", "b": "2"})
    aws("remove-tags-from-stream", *on("--tag-keys", "a"))
    aws("untag-resource", *arn, "--tag-keys", "b")
    equal(aws("list-tags-for-resource", *arn)["Tags"], [{"Key": "made", "Value": "here"}])


@steps.step("retention, encryption, monitoring, record size")
def _():
    aws("increase-stream-retention-period", *on("--retention-period-hours", 48))
    aws("decrease-stream-retention-period", *on("--retention-period-hours", 24))
    key = on("--encryption-type", "KMS", "--key-id", "alias/aws/kinesis")
    active()
    aws("start-stream-encryption", *key)
    equal(active()["EncryptionType"], "KMS")
    aws("stop-stream-encryption", *key)
    active()
    aws("enable-enhanced-monitoring", *on("--shard-level-metrics", "IncomingBytes"))
    active()
    aws("disable-enhanced-monitoring", *on("--shard-level-metrics", "ALL"))
    active()
    aws("update-max-record-size", "--stream-arn", kept["arn"], "--max-record-size-in-ki-b", 2048)
    equal(active()["MaxRecordSizeInKiB"], 2048)


@steps.step("put-, get- and delete-resource-policy")
def _():
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kinesis:DescribeStreamSummary",
        "Resource": kept["arn"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    arn = ["--resource-arn", kept["arn"]]
    aws("put-resource-policy", *arn, "--policy", json.dumps(policy))
    equal(json.loads(aws("get-resource-policy", *arn)["Policy"]), policy)
    aws("delete-resource-policy", *arn)


@steps.step("stream mode, limits, account settings")
def _():
    aws("update-stream-mode", "--stream-arn", kept["arn"], "--stream-mode-details", "StreamMode=ON_DEMAND")
    active()
    equal(aws("describe-limits")["OnDemandStreamCount"], 1)
    aws("update-account-settings", "--minimum-throughput-billing-commitment", "Status=ENABLED")
    equal(aws("describe-account-settings")["MinimumThroughputBillingCommitment"]["Status"], "ENABLED")
    aws("update-stream-warm-throughput", "--stream-arn", kept["arn"], "--warm-throughput-mi-bps", 10)
    active()
    # awslocal has newer operations than the CLI of the same environment: it brings no botocore of its own.
    if "update-stream-record-distribution-strategy" in commands():
        strategy = ["--stream-arn", kept["arn"], "--record-distribution-strategy", "AUTO"]
        aws("update-stream-record-distribution-strategy", *strategy)
        equal(active()["RecordDistributionStrategy"], "AUTO")


@steps.step("an error is told as the CLI tells AWS's")
def _():
    try:
        aws("describe-stream", "--stream-name", "nowhere")
    except AssertionError as refusal:
        assert "(ResourceNotFoundException)" in str(refusal), refusal
        assert "Stream nowhere under account 000000000000 not found." in str(refusal), refusal
    else:
        raise AssertionError("described")


@steps.step("delete-stream, wait stream-not-exists")
def _():
    aws("delete-stream", *on("--enforce-consumer-deletion"))
    aws("wait", "stream-not-exists", *on())


@steps.step("every command that this CLI has was given, but for channels and queues; subscribe-to-shard it has not")
def _():
    known = commands()
    assert len(known) > 30, known
    left = known - given
    equal({command for command in left if "channel" not in command and "queue" not in command}, set())
    if left:
        try:
            aws("list-queues")
        except AssertionError as refusal:
            assert "(NotImplementedException)" in str(refusal), refusal
        else:
            raise AssertionError("listed")
    equal("subscribe-to-shard" in known, False)


steps.end()
