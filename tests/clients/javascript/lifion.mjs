// lifion-kinesis: what it puts, it reads, by polling, with its checkpoints in DynamoDB.

import assert from "node:assert/strict";
import Kinesis from "lifion-kinesis";
import { end, step, waitUntil } from "./steps.mjs";

// readme:begin
const aws = { region: "us-east-1", accessKeyId: "test", secretAccessKey: "test" };
const kinesis = new Kinesis({
  ...aws,
  streamName: "lifion",
  shardCount: 2,
  endpoint: process.env.KINESIS_ENDPOINT, // "http://127.0.0.1:4566"
  dynamoDb: { ...aws, endpoint: process.env.DYNAMODB_ENDPOINT }, // moto, or DynamoDB Local
  initialPositionInStream: "TRIM_HORIZON",
  leaseAcquisitionInterval: 1000,
  logger: console,
});
// readme:end
const found = [];
kinesis.on("data", ({ records }) => found.push(...records.map((record) => record.data.toString())));

await step("it creates a stream and takes its shards", async () => {
  await kinesis.startConsumer();
});

await step("it reads what it put", async () => {
  const texts = Array.from({ length: 300 }, (_, i) => `text-${i}`);
  await kinesis.putRecords({ records: texts.map((data) => ({ data, partitionKey: data })) });
  await waitUntil("all was read", () => found.length >= texts.length, 60_000);
  assert.deepEqual(found.sort(), texts.sort());
});

end();
