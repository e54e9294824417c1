#!/usr/bin/env bash
# The AWS CLI, told of the endpoint by an option and by a variable.
set -euo pipefail
# readme:begin
endpoint=${KINESIS_ENDPOINT:-http://127.0.0.1:4566}
aws --endpoint-url "$endpoint" kinesis list-streams

export AWS_ENDPOINT_URL=$endpoint
aws kinesis list-streams
# readme:end
