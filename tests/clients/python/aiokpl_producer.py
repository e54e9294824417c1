"""aiokpl, which aggregates as the KPL does: `aiokpl_producer.py STREAM PREFIX COUNT` puts as many, one a millisecond."""

import asyncio
import os
import sys

from aiokpl.config import Config
from aiokpl.producer import Producer


async def main(stream, prefix, count):
    # readme:begin
    config = Config(
        region="us-east-1",
        endpoint_url=os.environ["KINESIS_ENDPOINT"],  # "http://127.0.0.1:4566"
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    # readme:end
    async with Producer(config) as producer:
        outcomes = []
        for i in range(int(count)):
            text = f"{prefix}-{i}"
            outcomes.append(await producer.put_record(stream=stream, partition_key=text, data=text.encode()))
            await asyncio.sleep(0.001)
        await producer.flush()
        results = [await outcome.wait() for outcome in outcomes]
    assert all(result.success for result in results), next(result for result in results if not result.success)


asyncio.run(main(*sys.argv[1:]))
