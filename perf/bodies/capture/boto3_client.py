"""Sends one request with boto3: the operation and its input come from OPERATION and the file INPUT."""

import json
import os

import boto3

OPERATIONS = {"PutRecords": "put_records", "PutRecord": "put_record", "GetRecords": "get_records"}

with open(os.environ["INPUT"], encoding="utf-8") as file:
    request = json.load(file)
for record in [request, *request.get("Records", [])]:
    if "Data" in record:
        record["Data"] = record["Data"].encode()
client = boto3.client(
    "kinesis",
    endpoint_url=os.environ["KINESIS_ENDPOINT"],
    region_name="us-east-1",
    aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
    aws_secret_access_key="secret",
)
getattr(client, OPERATIONS[os.environ["OPERATION"]])(**request)
