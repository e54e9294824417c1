"""The README's first record: `first_record.py SCRIPT` runs the commands, and judges what they print."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

from steps import Steps, equal

steps = Steps()
replies = []


@steps.step("the README's commands succeed")
def _():
    # awslocal is beside this Python, and finds its endpoint in AWS_ENDPOINT_URL.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "AWS_ENDPOINT_URL": os.environ["KINESIS_ENDPOINT"], "AWS_PAGER": ""}
    command = ["bash", sys.argv[1]]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    equal(done.returncode, 0)
    left = done.stdout.strip()
    while left:
        reply, end = json.JSONDecoder().raw_decode(left)
        replies.append(reply)
        left = left[end:].lstrip()
    equal(len(replies), 3)


@steps.step("the record comes back as it was put")
def _():
    listed, put, got = replies
    equal(listed["StreamNames"], ["samplestream"])
    equal(put["ShardId"], "shardId-000000000000")
    (record,) = got["Records"]
    equal((record["SequenceNumber"], record["PartitionKey"]), (put["SequenceNumber"], "test1"))
    equal(json.loads(base64.b64decode(record["Data"])), {"symbol": "TEST", "sampleno": 42})
    equal(got["MillisBehindLatest"], 0)


steps.end()
