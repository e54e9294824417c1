"""Drives the workers of a consumer library through a stream's life: `consumers.py [--alone] WORKER-COMMAND…`.

A worker reads the stream `STREAM` as the application `APPLICATION`, under the name `WORKER`, and tells on its standard
output, a line each: `start SHARD`, `record SHARD SEQUENCE-NUMBER TEXT`, `end SHARD`. It checkpoints after it told.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import boto3
from steps import Steps, equal, wait_until

STREAM = "consumed"
# A library first waits for leases to run out, or for its turn to look for new shards.
PATIENCE_S = 150

arguments = sys.argv[1:]
alone = arguments[0] == "--alone"
command = arguments[1:] if alone else arguments
client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()


@dataclass(frozen=True)
class Line:
    """What a worker told."""

    worker: str
    kind: str
    shard: str
    sequence_number: int = 0
    text: str = ""


class Worker:
    """A process of the library."""

    # Of all workers, in the order of arrival.
    told = []

    def __init__(self, name):
        self.name = name
        environment = os.environ | {"STREAM": STREAM, "APPLICATION": "application", "WORKER": name}
        self.errors = open(f"{name}.log", "w")
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            kind, shard, *rest = line.split()
            self.told.append(Line(self.name, kind, shard, *([int(rest[0]), rest[1]] if rest else [])))

    def lines(self, kind):
        return [line for line in list(self.told) if line.worker == self.name and line.kind == kind]

    def end(self, how):
        """Ends it by this signal, and waits until all that it told has been read."""
        self.process.send_signal(how)
        self.process.wait(60)
        self.reader.join(10)


class Load(threading.Thread):
    """Records that arrive as long as its `with` block lasts."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.name = name
        self.texts = []
        self.ending = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.ending.wait(0.02):
                at = len(self.texts)
                self.texts += put(f"{self.name}-{i}" for i in range(at, at + 10))
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        # Some more for what the block has changed.
        time.sleep(1)
        self.ending.set()
        self.join()
        if self.error:
            raise self.error


def put(texts):
    """Puts these, all or none, and returns them."""
    texts = list(texts)
    entries = [{"Data": text.encode(), "PartitionKey": text} for text in texts]
    equal(client.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"], 0)
    return texts


def told(kind):
    return [line for line in list(Worker.told) if line.kind == kind]


def wait_for(texts):
    """Waits until each of these was told, by whichever worker."""
    missing = set(texts)

    def all_told():
        missing.difference_update(line.text for line in told("record"))
        return not missing

    try:
        wait_until("every record was told", all_told, PATIENCE_S, 0.2)
    except AssertionError as error:
        raise AssertionError(f"{error}: {len(missing)} of {len(texts)} are missing, {sorted(missing)[:3]}") from None


def active():
    def is_active():
        found = client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
        return found["StreamStatus"] == "ACTIVE"

    wait_until("the stream is ACTIVE", is_active)


def children_after_parents():
    """Waits until every open shard was started, and checks that none was before the end of its parents."""
    shards = client.list_shards(StreamName=STREAM)["Shards"]
    started_all = lambda: {line.shard for line in told("start")} >= {shard["ShardId"] for shard in shards}
    wait_until("every shard was started", started_all, PATIENCE_S, 0.2)
    lines = list(Worker.told)
    for shard in shards:
        started = next(at for at, line in enumerate(lines) if (line.kind, line.shard) == ("start", shard["ShardId"]))
        for parent in (shard.get("ParentShardId"), shard.get("AdjacentParentShardId")):
            ended = any((line.kind, line.shard) == ("end", parent) for line in lines[:started])
            assert parent is None or ended, f"{shard['ShardId']} was started before the end of {parent}"


workers = {}


@steps.step("all records of two shards")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2)
    active()
    texts = put(f"first-{i}" for i in range(300))
    workers["one"] = Worker("one")
    wait_for(texts)


@steps.step("a split while records arrive: all of them, the children after their parent")
def _():
    with Load("split") as load:
        client.split_shard(
            StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126)
        )
        active()
    wait_for(load.texts)
    children_after_parents()


@steps.step("a merge while records arrive: all of them, the child after its parents")
def _():
    with Load("merge") as load:
        client.merge_shards(
            StreamName=STREAM, ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000003"
        )
        active()
    wait_for(load.texts)
    children_after_parents()


if not alone:

    @steps.step("a second worker takes a shard, the first one is killed while records arrive: nothing is lost")
    def _():
        workers["two"] = Worker("two")
        wait_until("the second worker has a shard", lambda: workers["two"].lines("start"), PATIENCE_S, 0.2)
        with Load("kill") as load:
            time.sleep(1)
            workers["one"].end(signal.SIGKILL)
        wait_for(load.texts)


@steps.step("a stop and a start: it goes on from its checkpoints")
def _():
    workers["two" if "two" in workers else "one"].end(signal.SIGTERM)
    texts = put(f"restart-{i}" for i in range(100))
    workers["three"] = Worker("three")
    wait_for(texts)
    equal({line.text for line in workers["three"].lines("record")}, set(texts))


@steps.step("each shard in order")
def _():
    last = {}
    for line in list(Worker.told):
        if line.kind == "start":
            last[line.worker, line.shard] = 0
        elif line.kind == "record":
            before = last[line.worker, line.shard]
            assert before <= line.sequence_number, f"{line} after {before}"
            last[line.worker, line.shard] = line.sequence_number


for worker in workers.values():
    if worker.process.poll() is None:
        worker.end(signal.SIGKILL)
steps.end()
