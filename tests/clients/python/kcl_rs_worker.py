"""One worker of kcl-rs, which tells what it hears and checkpoints after each batch: see workers.py."""

import os
import signal
import sys
import threading

from kcl_rs import CheckpointError, RecordProcessorBase, Scheduler

telling = threading.Lock()


def tell(*words):
    with telling:
        print(*words, flush=True)


def checkpoint(checkpointer):
    try:
        checkpointer.checkpoint()
    except CheckpointError as error:
        # Whoever has the lease next goes on from the checkpoint before.
        print(error, file=sys.stderr)


class Processor(RecordProcessorBase):
    """Tells of one shard."""

    def initialize(self, started):
        self.shard = started.shard_id
        tell("start", self.shard)

    def process_records(self, heard):
        for record in heard.records:
            tell("record", self.shard, record.sequence_number, record.data.decode())
        if heard.records:
            checkpoint(heard.checkpointer)

    def lease_lost(self, lost):
        pass

    def shard_ended(self, ended):
        tell("end", self.shard)
        checkpoint(ended.checkpointer)

    def shutdown_requested(self, requested):
        checkpoint(requested.checkpointer)


# readme:begin
# Before the scheduler is made, whose clients listen to these.
os.environ["AWS_ENDPOINT_URL_KINESIS"] = os.environ["KINESIS_ENDPOINT"]  # "http://127.0.0.1:4566"
os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = os.environ["DYNAMODB_ENDPOINT"]  # moto, or DynamoDB Local
os.environ["AWS_ENDPOINT_URL_CLOUDWATCH"] = os.environ["DYNAMODB_ENDPOINT"]  # moto again
# readme:end

polling = {"idle_time_between_reads_millis": 250} if os.environ["RETRIEVAL"] == "POLLING" else {}
scheduler = Scheduler(
    stream_name=os.environ["STREAM"],
    application_name=os.environ["APPLICATION"],
    worker_identifier=os.environ["WORKER"],
    record_processor_factory=Processor,
    region="us-east-1",
    initial_position="TRIM_HORIZON",
    retrieval_mode=os.environ["RETRIEVAL"],
    shard_sync_interval_millis=1_000,
    **polling,
)
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
scheduler.start()
stopping.wait()
scheduler.shutdown()
