"""Processes of consumer libraries.

A worker reads the stream `STREAM` as the application `APPLICATION`, under the name `WORKER`, and tells on its standard
output, a line each: `start SHARD`, `record SHARD SEQUENCE-NUMBER TEXT`, `end SHARD`. It checkpoints after it told.
"""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

from steps import wait_until

STREAM = "consumed"
# A library first waits for leases to run out, or for its turn to look for new shards.
PATIENCE_S = 150


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
    all = []

    def __init__(self, name, command, **more):
        self.name = name
        self.all.append(self)
        environment = os.environ | {"STREAM": STREAM, "APPLICATION": "application", "WORKER": name} | more
        self.errors = open(f"{name}.log", "w")
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        # For whoever looks why a step failed.
        with open(f"{self.name}.told", "w") as kept:
            for line in self.process.stdout:
                print(f"{time.time():.3f} {line}", end="", file=kept, flush=True)
                kind, shard, *rest = line.split()
                self.told.append(Line(self.name, kind, shard, *([int(rest[0]), rest[1]] if rest else [])))

    def lines(self, kind):
        return [line for line in list(self.told) if line.worker == self.name and line.kind == kind]

    def end(self, how):
        """Ends it by this signal, and waits until all that it told has been read."""
        self.process.send_signal(how)
        self.process.wait(60)
        self.reader.join(10)


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


def active(client, stream=STREAM):
    """Waits until the stream is ACTIVE."""

    def is_active():
        found = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        return found["StreamStatus"] == "ACTIVE"

    wait_until(f"{stream} is ACTIVE", is_active)


def split_first(client, stream=STREAM):
    """Splits the first of a stream's two shards in the middle, into shards 2 and 3."""
    client.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    active(client, stream)


def stored(client, stream=STREAM):
    """The records that the stream holds, each with its `ShardId`, however many more are aggregated in them."""
    records = []
    for shard in client.list_shards(StreamName=stream)["Shards"]:
        position = client.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while position:
            reply = client.get_records(ShardIterator=position)
            records += [record | {"ShardId": shard["ShardId"]} for record in reply["Records"]]
            position = reply.get("NextShardIterator") if reply["Records"] else None
    return records


def end_workers():
    """Kills those that are left."""
    for worker in Worker.all:
        if worker.process.poll() is None:
            worker.end(signal.SIGKILL)
