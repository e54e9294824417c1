"""A writer of stock trades, and a reader that tells the popular stocks: `stock_trades.py WRITER… -- READER…`."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter

import boto3
from steps import Steps, equal, wait_until
from workers import stored

STREAM = "trades"
COUNT = 2_000

split_at = sys.argv.index("--")
write, read = sys.argv[1:split_at], sys.argv[split_at + 1 :]
client = boto3.client("kinesis", endpoint_url=os.environ["KINESIS_ENDPOINT"])
steps = Steps()
# (stock, kind): how many trades the stream holds.
written = Counter()


@steps.step("trades are written to two shards")
def _():
    client.create_stream(StreamName=STREAM, ShardCount=2)
    client.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    equal(subprocess.run([*write, STREAM, str(COUNT)], timeout=60).returncode, 0)
    trades = [json.loads(record["Data"]) for record in stored(client, STREAM)]
    written.update((trade["stock"], trade["kind"]) for trade in trades)
    equal(written.total(), COUNT)


@steps.step("the reader's popular stocks are those that were traded")
def _():
    # The reader's last word on each stock.
    found = {}

    def listen():
        for line in reader.stdout:
            if line.startswith("popular "):
                _, stock, bought, sold = line.split()
                found[stock] = (int(bought), int(sold))

    with open("reader.log", "w") as log:
        reader = subprocess.Popen([*read, STREAM], stdout=subprocess.PIPE, stderr=log, text=True)
    threading.Thread(target=listen, daemon=True).start()
    expected = {stock: (written[stock, "BUY"], written[stock, "SELL"]) for stock, _ in written}
    try:
        wait_until("the reader has read all trades", lambda: found == expected, 150)
    finally:
        reader.kill()


steps.end()
