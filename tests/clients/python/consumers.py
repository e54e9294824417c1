"""Drives a consumer library's workers through a stream's life: `consumers.py [--alone | --short] WORKER-COMMAND…`.

`--alone`: one worker at a time. `--short`: one worker, through a split only.
"""

import os
import signal
import sys
import threading
import time

import boto3
from steps import Steps, equal, wait_until
from workers import PATIENCE_S, STREAM, Worker, active, end_workers, told, wait_for

# What a library waits for before it reads a shard; not each waits for both shards of a merge.
PARENTS = os.environ.get("PARENTS", "ParentShardId AdjacentParentShardId").split()
short, alone = (sys.argv[1] == option for option in ("--short", "--alone"))
command = sys.argv[2:] if short or alone else sys.argv[1:]
client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()


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


def children_after_parents():
    """Waits until every open shard was started, and checks that none was before the end of its parents."""
    shards = client.list_shards(StreamName=STREAM)["Shards"]
    started_all = lambda: {line.shard for line in told("start")} >= {shard["ShardId"] for shard in shards}
    wait_until("every shard was started", started_all, PATIENCE_S, 0.2)
    lines = list(Worker.told)
    for shard in shards:
        started = next(at for at, line in enumerate(lines) if (line.kind, line.shard) == ("start", shard["ShardId"]))
        for parent in map(shard.get, PARENTS):
            ended = any((line.kind, line.shard) == ("end", parent) for line in lines[:started])
            assert parent is None or ended, f"{shard['ShardId']} was started before the end of {parent}"


def only(name, wanted):
    """A step that a short run leaves out, and others do where it is not wanted."""
    return steps.step(name) if wanted and not short else lambda function: None


workers = {}


@steps.step("all records of two shards")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2)
    active(client)
    texts = put(f"first-{i}" for i in range(300))
    workers["one"] = Worker("one", command)
    wait_for(texts)


@only("a second worker takes a shard, the first is killed in the middle of the load: nothing is lost", not alone)
def _():
    def shards_of(name):
        """Whose records of this load the worker has told."""
        return {line.shard for line in workers[name].lines("record") if line.text.startswith("kill-")}

    # Before any shard is closed, and under load: the KCL 3 may move leases of closed shards, or none as long as nothing
    # arrives, and take that for a fair share.
    with Load("kill") as load:
        workers["two"] = Worker("two", command)
        wait_until("the second worker has a shard", lambda: shards_of("two"), PATIENCE_S)
        told_before = len(workers["one"].lines("record"))
        at_it = lambda: len(workers["one"].lines("record")) > told_before
        wait_until("the first worker has one still", at_it, PATIENCE_S)
        workers["one"].end(signal.SIGKILL)
    wait_for(load.texts)
    assert shards_of("one") <= shards_of("two"), f"{shards_of('one')} were not taken over"


@steps.step("a split while records arrive: all of them, the children after their parent")
def _():
    with Load("split") as load:
        client.split_shard(
            StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126)
        )
        active(client)
    wait_for(load.texts)
    children_after_parents()


@only("a merge while records arrive: all of them, the child after its parents", True)
def _():
    with Load("merge") as load:
        client.merge_shards(
            StreamName=STREAM, ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000003"
        )
        active(client)
    wait_for(load.texts)
    children_after_parents()


@only("a stop and a start: it goes on from its checkpoints", True)
def _():
    workers["two" if "two" in workers else "one"].end(signal.SIGTERM)
    texts = put(f"restart-{i}" for i in range(100))
    workers["three"] = Worker("three", command)
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


end_workers()
steps.end()
