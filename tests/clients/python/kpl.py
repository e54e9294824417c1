"""The KPL, or one like it, to the KCL: `kpl.py [--steady] PRODUCER-COMMAND… -- WORKER-COMMAND…`.

`--steady`: the stream is not split.
"""

import os
import subprocess
import sys
import time

import boto3
from steps import Steps, equal
from workers import STREAM, Worker, active, end_workers, split_first, stored, told, wait_for

steady = sys.argv[1] == "--steady"
split_at = sys.argv.index("--")
produce, consume = sys.argv[1 + steady : split_at], sys.argv[split_at + 1 :]
client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()


def producing(prefix, count):
    """A process that puts records, and their texts."""
    with open(f"{prefix}.log", "w") as log:
        process = subprocess.Popen([*produce, STREAM, prefix, str(count)], stdout=log, stderr=log)
    return process, [f"{prefix}-{i}" for i in range(count)]


kept = {}


@steps.step("3,000 records are put, aggregated")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2)
    active(client)
    process, kept["texts"] = producing("before", 3_000)
    equal(process.wait(60), 0)
    count = len(stored(client))
    assert 0 < count < 1_500, count


@steps.step("the KCL takes them apart: each once")
def _():
    Worker("one", consume)
    wait_for(kept["texts"])
    equal(sorted(line.text for line in told("record")), sorted(kept["texts"]))


def through_a_split():
    process, texts = producing("during", 6_000)
    time.sleep(4)
    split_first(client)
    equal(process.wait(60), 0)
    wait_for(texts)
    found = {line.shard for line in told("record") if line.text.startswith("during-")}
    assert found >= {"shardId-000000000001", "shardId-000000000002", "shardId-000000000003"}, found


if not steady:
    steps.step("a split while records are put: nothing is lost")(through_a_split)
end_workers()
steps.end()
