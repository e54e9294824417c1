"""A job of Flink's that reads a stream: `flink.py JOB-COMMAND…`."""

import os
import sys

import boto3
from steps import Steps, equal
from workers import STREAM, Worker, active, end_workers, told, wait_for

client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()


def put(name):
    """Puts records, and returns their texts."""
    texts = [f"{name}-{i}" for i in range(500)]
    entries = [{"Data": text.encode(), "PartitionKey": text} for text in texts]
    equal(client.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"], 0)
    return texts


@steps.step("all records of two shards")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2)
    active(client)
    texts = put("before")
    Worker("one", sys.argv[1:])
    wait_for(texts)


@steps.step("through a split: all of them, each once")
def _():
    client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    active(client)
    texts = put("after")
    wait_for(texts)
    equal(sorted(line.text for line in told("record") if line.text in texts), sorted(texts))


end_workers()
steps.end()
