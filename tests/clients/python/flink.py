"""A job of Flink's that reads one stream and writes what it reads to another: `flink.py JOB-COMMAND…`."""

import os
import sys
from collections import Counter

import boto3
from steps import Steps, equal, wait_until
from workers import PATIENCE_S, STREAM, Worker, active, end_workers, split_first, stored, told, wait_for

SINK = "written"
client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()
put = []


def put_more(name):
    """Puts records, and returns their texts."""
    texts = [f"{name}-{i}" for i in range(500)]
    entries = [{"Data": text.encode(), "PartitionKey": text} for text in texts]
    equal(client.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"], 0)
    put.extend(texts)
    return texts


def all_written():
    """Waits until the stream of the sink holds what was put; nothing is there twice, as no task is begun anew."""

    def missing():
        written = Counter(record["Data"].decode() for record in stored(client, SINK))
        return Counter(put) - written, written - Counter(put)

    try:
        wait_until("every record was written", lambda: not missing()[0], PATIENCE_S, 0.5)
    finally:
        lost, surplus = missing()
        print(f"{len(put)} put, {lost.total()} not written, {surplus.total()} too many", file=sys.stderr)
    equal(surplus, Counter())


@steps.step("the source: all records of two shards")
def _():
    for name in (STREAM, SINK):
        client.create_stream(StreamName=name, ShardCount=2)
        active(client, name)
    texts = put_more("before")
    Worker("one", sys.argv[1:], SINK=SINK)
    wait_for(texts)


@steps.step("the sink: all of them, each once, under the key that the job gave it")
def _():
    all_written()
    for record in stored(client, SINK):
        equal(record["PartitionKey"], record["Data"].decode())


@steps.step("the source through a split: all records, each once")
def _():
    split_first(client, STREAM)
    texts = put_more("after")
    wait_for(texts)
    equal(sorted(line.text for line in told("record") if line.text in texts), sorted(texts))
    all_written()


@steps.step("the sink through a split: all records, each once, also on the new shards")
def _():
    split_first(client, SINK)
    put_more("last")
    all_written()
    filled = {record["ShardId"] for record in stored(client, SINK) if record["Data"].startswith(b"last-")}
    equal(filled, {"shardId-000000000001", "shardId-000000000002", "shardId-000000000003"})


end_workers()
steps.end()
