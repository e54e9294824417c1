// The AWS SDK for JavaScript v3, with its default handler, which speaks HTTP/2, or with the one for HTTP/1.1 (`HANDLER=http1`).

import assert from "node:assert/strict";
import { end, step, waitUntil } from "./steps.mjs";
import * as kinesis from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const endpoint = process.env.KINESIS_ENDPOINT;

// readme:begin
import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";

const settings = {
  endpoint, // "http://127.0.0.1:4566"
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};
const client = new KinesisClient(settings); // speaks HTTP/2
const put = (StreamName, PartitionKey, text) =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(text) }));
// readme:end

const http1 = process.env.HANDLER === "http1";
const used = http1 ? new KinesisClient({ ...settings, requestHandler: new NodeHttpHandler() }) : client;
const StreamName = "javascript";
let arn, shards, consumer;

// Sends the operation of this name.
const send = (name, input) => used.send(new kinesis[`${name}Command`](input));

const summary = async () => (await send("DescribeStreamSummary", { StreamName })).StreamDescriptionSummary;
const active = () =>
  waitUntil("the stream is ACTIVE", async () => {
    const found = await summary();
    return found.StreamStatus === "ACTIVE" && found;
  });

// All records of a shard up to its tip or end, and the last reply.
async function drained(ShardId) {
  let { ShardIterator } = await send("GetShardIterator", { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" });
  for (const records = []; ; ) {
    const reply = await send("GetRecords", { ShardIterator });
    records.push(...reply.Records);
    ShardIterator = reply.NextShardIterator;
    if (!ShardIterator || reply.Records.length === 0) return { records, reply };
  }
}

await step("create, wait, describe", async () => {
  await send("CreateStream", { StreamName, ShardCount: 2 });
  await kinesis.waitUntilStreamExists({ client: used, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { StreamName });
  const found = await active();
  arn = found.StreamARN;
  assert.ok(found.StreamCreationTimestamp instanceof Date);
  shards = (await send("ListShards", { StreamName })).Shards;
  assert.equal(shards.length, 2);
});

await step("put 500, get 500, in order", async () => {
  const Records = Array.from({ length: 500 }, (_, i) => ({ Data: Buffer.from(`r${i}`), PartitionKey: `k${i}` }));
  const reply = await send("PutRecords", { StreamName, Records });
  assert.equal(reply.FailedRecordCount, 0);
  const found = [];
  for (const { ShardId } of shards) {
    const { records } = await drained(ShardId);
    const numbers = records.map((record) => BigInt(record.SequenceNumber));
    assert.ok(numbers.every((number, i) => i === 0 || numbers[i - 1] < number));
    found.push(...records.map((record) => Buffer.from(record.Data).toString()));
    assert.ok(records.every((record) => record.ApproximateArrivalTimestamp instanceof Date));
  }
  assert.deepEqual(found.sort(), Records.map((record) => record.Data.toString()).sort());
});

await step("50 puts at once", async () => {
  const numbers = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      http1
        ? send("PutRecord", { StreamName, PartitionKey: "same", Data: Buffer.from(`p${i}`) })
        : put(StreamName, "same", `p${i}`),
    ),
  );
  assert.equal(new Set(numbers.map((reply) => reply.SequenceNumber)).size, 50);
});

await step("a refusal has its class", async () => {
  await assert.rejects(
    send("DescribeStream", { StreamName: "nowhere" }),
    (error) =>
      error instanceof kinesis.ResourceNotFoundException &&
      error.message === "Stream nowhere under account 000000000000 not found.",
  );
});

await step("paginators", async () => {
  await send("RegisterStreamConsumer", { StreamARN: arn, ConsumerName: "other" });
  const made = await send("RegisterStreamConsumer", { StreamARN: arn, ConsumerName: "one" });
  consumer = made.Consumer.ConsumerARN;
  await waitUntil("the consumer is ACTIVE", async () => {
    const found = await send("DescribeStreamConsumer", { ConsumerARN: consumer });
    return found.ConsumerDescription.ConsumerStatus === "ACTIVE";
  });
  const names = [];
  for await (const page of kinesis.paginateListStreamConsumers({ client: used, pageSize: 1 }, { StreamARN: arn }))
    names.push(...page.Consumers.map((one) => one.ConsumerName));
  assert.deepEqual(names.sort(), ["one", "other"]);
  const streams = [];
  for await (const page of kinesis.paginateListStreams({ client: used, pageSize: 1 }, {}))
    streams.push(...page.StreamNames);
  assert.deepEqual(streams, [StreamName]);
});

// Subscribes, and hands over each event until `done` says so or the subscription ends.
async function subscribed(ShardId, done) {
  const reply = await send("SubscribeToShard", {
    ConsumerARN: consumer,
    ShardId,
    StartingPosition: { Type: "TRIM_HORIZON" },
  });
  for await (const event of reply.EventStream) {
    assert.ok(event.SubscribeToShardEvent, JSON.stringify(event));
    if (done(event.SubscribeToShardEvent)) return;
  }
}

await step("SubscribeToShard: what is put meanwhile, through a split, to the shard's end", async () => {
  const before = (await drained("shardId-000000000000")).records.length;
  let found = 0;
  let last;
  const change = async () => {
    const record = { PartitionKey: "p", ExplicitHashKey: "0", Data: Buffer.from("meanwhile") };
    await send("PutRecord", { StreamName, ...record });
    const NewStartingHashKey = (2n ** 126n).toString();
    await send("SplitShard", { StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey });
  };
  let changing;
  await subscribed("shardId-000000000000", (event) => {
    found += event.Records.length;
    last = event;
    changing ??= change();
    return false;
  });
  await changing;
  assert.equal(found, before + 1);
  assert.deepEqual(
    last.ChildShards.map((child) => child.ShardId),
    ["shardId-000000000002", "shardId-000000000003"],
  );
});

await step("reshard: the parent ends with its children", async () => {
  assert.equal((await active()).OpenShardCount, 3);
  const { reply } = await drained("shardId-000000000000");
  assert.deepEqual(
    reply.ChildShards.map((child) => child.ShardId),
    ["shardId-000000000002", "shardId-000000000003"],
  );
});

await step("delete, wait", async () => {
  await send("DeleteStream", { StreamName, EnforceConsumerDeletion: true });
  await kinesis.waitUntilStreamNotExists({ client: used, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { StreamName });
});

end();
