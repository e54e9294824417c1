#!/usr/bin/env bash
# A first record with awslocal, as the project's README tells it.
set -euo pipefail
# readme:begin
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

awslocal kinesis create-stream --stream-name samplestream --shard-count 1
awslocal kinesis wait stream-exists --stream-name samplestream
awslocal kinesis list-streams
awslocal kinesis put-record --stream-name samplestream \
    --data '{"symbol":"TEST","sampleno":42}' --partition-key test1
iterator=$(awslocal kinesis get-shard-iterator --stream-name samplestream \
    --shard-id shardId-000000000000 --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
awslocal kinesis get-records --shard-iterator "$iterator"
# readme:end
