#!/bin/sh
# Sends one request with the AWS CLI, version 1: the operation and its input come from OPERATION and the file INPUT.
set -eu
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=secret AWS_DEFAULT_REGION=us-east-1
case $OPERATION in
    PutRecords) command=put-records ;;
    PutRecord) command=put-record ;;
    GetRecords) command=get-records ;;
esac
aws --endpoint-url "$KINESIS_ENDPOINT" kinesis "$command" --cli-input-json "file://$INPUT"
