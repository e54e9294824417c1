"""async-kinesis: what its producer puts, its consumer reads, through a split."""

import asyncio
import os
import time

from aiobotocore.session import get_session
from kinesis import Consumer, Producer
from kinesis.processors import StringProcessor
from steps import Steps, equal

STREAM = "async-kinesis"
ENDPOINT = os.environ["KINESIS_ENDPOINT"]
steps = Steps()

# readme:begin
# Credentials are taken from the environment.
HOW = {"endpoint_url": ENDPOINT, "region_name": "us-east-1", "processor": StringProcessor()}  # "http://127.0.0.1:4566"


async def produce(texts, **how):
    async with Producer(stream_name=STREAM, buffer_time=0.1, **HOW, **how) as producer:
        for text in texts:
            await producer.put(text)
        await producer.flush()
# readme:end


async def consumed(consumer, count):
    """As many records, or as many as come in time."""
    found = []
    end = time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        async for text in consumer:
            found.append(text)
            if len(found) == count:
                break
    return sorted(found)


async def split():
    async with get_session().create_client("kinesis", endpoint_url=ENDPOINT, region_name="us-east-1") as client:
        await client.split_shard(
            StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126)
        )
        await client.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})


@steps.step("it creates a stream and reads what it put")
def _():
    async def run():
        texts = [f"before-{i}" for i in range(500)]
        await produce(texts, create_stream=True, create_stream_shards=2)
        async with Consumer(stream_name=STREAM, sleep_time_no_records=0.2, **HOW) as consumer:
            equal(await consumed(consumer, len(texts)), sorted(texts))

    asyncio.run(run())


@steps.step("through a split: all of it")
def _():
    async def run():
        async with Consumer(stream_name=STREAM, sleep_time_no_records=0.2, **HOW) as consumer:
            await consumed(consumer, 500)
            await split()
            texts = [f"after-{i}" for i in range(500)]
            await produce(texts)
            equal(await consumed(consumer, len(texts)), sorted(texts))

    asyncio.run(run())


steps.end()
