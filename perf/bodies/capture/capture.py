"""Captures what a Kinesis client sends: runs it once per form against a server, through a relay that keeps the bytes.

usage: capture.py --server http://ADDRESS --out FOLDER [--records N] COMMAND...

COMMAND is one of the clients beside this file. It finds in the environment KINESIS_ENDPOINT (the relay), OPERATION and
INPUT (a JSON file: the operation's input, Data as plain text) and sends that one request. Each form becomes a file
FOLDER/FORM.http: head and body of the request, byte for byte. The lengths of the relay's reads are printed: they show
whether a client writes head and body together.
"""

import argparse
import json
import os
import random
import re
import socket
import subprocess
import tempfile
import threading
import urllib.request

STREAM = "bodies"
# Printable, and rich in the two base64 digits that some writers escape: "/" and "+".
LETTERS = "abcdefghijklmnopqrstuvwxyz?>?>?>"


def key(number):
    """20 hexadecimal digits, different for each record."""
    return f"{number * 0x9E3779B97F4A7C15 + 0x1234567 & (1 << 80) - 1:020x}"


def unicode_key(number):
    """20 characters, some beyond ASCII and one beyond 16 bits."""
    return "münchen/日本😀." + key(number)[12:]


def quoted_key(number):
    """20 characters, among them what JSON must escape and what some writers escape for HTML or JavaScript."""
    return "<a>&\tb'\"\\\u2028/=+" + key(number)[13:]


def record(number, data_bytes, key=key, hash_key=False):
    letters = random.Random(number)
    made = {"Data": "".join(letters.choices(LETTERS, k=data_bytes)), "PartitionKey": key(number)}
    if hash_key:
        made["ExplicitHashKey"] = str(letters.getrandbits(128))
    return made


def forms(arn, count, iterator):
    """Name, operation and input of each form."""
    name, resource = {"StreamName": STREAM}, {"StreamARN": arn}

    def batch(data_bytes, **more):
        return {"Records": [record(number, data_bytes, **more) for number in range(count)]}

    yield "put_records_100b", "PutRecords", name | batch(100)
    yield "put_records_1kib", "PutRecords", name | batch(1024)
    yield "put_records_100b_arn", "PutRecords", resource | batch(100)
    yield "put_records_100b_hash", "PutRecords", name | batch(100, hash_key=True)
    yield "put_records_100b_unicode_keys", "PutRecords", name | batch(100, key=unicode_key)
    yield "put_records_100b_quoted_keys", "PutRecords", name | batch(100, key=quoted_key)
    yield "put_record_100b", "PutRecord", name | record(0, 100)
    yield "put_record_100b_arn", "PutRecord", resource | record(0, 100)
    yield "put_record_100b_hash", "PutRecord", name | record(0, 100, hash_key=True)
    yield "get_records", "GetRecords", {"ShardIterator": iterator(), "Limit": 10000}
    yield "get_records_arn", "GetRecords", {"ShardIterator": iterator(), "Limit": 10000} | resource


def call(server, operation, request):
    """An operation called directly; its answer."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Kinesis_20131202.{operation}",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/kinesis/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    body = json.dumps(request).encode()
    with urllib.request.urlopen(urllib.request.Request(server, body, headers)) as answer:
        return json.loads(answer.read() or b"null")


class Relay:
    """Forwards one connection after the other, and keeps what the client sent."""

    def __init__(self, server):
        self.upstream = re.fullmatch(r"http://([^:/]+):(\d+)/?", server).groups()
        self.reads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.upstream)
            threading.Thread(target=self.pump, args=(server, client, None), daemon=True).start()
            threading.Thread(target=self.pump, args=(client, server, self.reads), daemon=True).start()

    @staticmethod
    def pump(source, sink, reads):
        while part := source.recv(1 << 20):
            if reads is not None:
                reads.append(part)
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--records", type=int, default=2)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    server = options.server
    if STREAM not in call(server, "ListStreams", {})["StreamNames"]:
        call(server, "CreateStream", {"StreamName": STREAM, "ShardCount": 1})
    arn = call(server, "DescribeStreamSummary", {"StreamName": STREAM})["StreamDescriptionSummary"]["StreamARN"]

    def iterator():
        place = {"StreamName": STREAM, "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
        return call(server, "GetShardIterator", place)["ShardIterator"]

    for form, operation, request in forms(arn, options.records, iterator):
        relay = Relay(server)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(request, file, ensure_ascii=False)
            file.flush()
            more = {"KINESIS_ENDPOINT": relay.endpoint, "OPERATION": operation, "INPUT": file.name}
            subprocess.run(options.command, env=os.environ | more, check=True, stdout=subprocess.DEVNULL)
        sent = b"".join(relay.reads)
        head, _, body = sent.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
        assert length == len(body), f"{form}: {len(body)} bytes of body, {length} declared: more than one request?"
        with open(os.path.join(options.out, form + ".http"), "wb") as file:
            file.write(sent)
        print(form, len(head) + 4, "+", length, "in reads of", [len(part) for part in relay.reads])


main()
