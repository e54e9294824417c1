// Sends one request with the AWS SDK for JavaScript v3 over HTTP/1.1: the operation and its input come from OPERATION
// and the file INPUT. NODE_ROOT is the folder that holds node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_ROOT ?? process.cwd()}/client.js`);
const kinesis = require("@aws-sdk/client-kinesis");
const { NodeHttpHandler } = require("@smithy/node-http-handler");

const request = JSON.parse(readFileSync(process.env.INPUT, "utf8"));
for (const record of [request, ...(request.Records ?? [])]) {
  if (record.Data !== undefined) record.Data = Buffer.from(record.Data);
}
const client = new kinesis.KinesisClient({
  endpoint: process.env.KINESIS_ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "secret" },
  requestHandler: new NodeHttpHandler(),
});
await client.send(new kinesis[`${process.env.OPERATION}Command`](request));
client.destroy();
