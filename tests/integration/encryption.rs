//! Encryption as clients see it: states, descriptions, and which records and replies are marked.

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::Config;

use crate::setup::{TestServer, config};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012";

fn described(server: &TestServer) -> [Value; 3] {
    let stream =
        server.call("DescribeStream", &json!({"StreamName": "s"})).json()["StreamDescription"].take();
    let summary = server.call("DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    let summary = &summary["StreamDescriptionSummary"];
    let members = ["StreamStatus", "EncryptionType", "KeyId"];
    assert_eq!(members.map(|member| &stream[member]), members.map(|member| &summary[member]));
    members.map(|member| stream[member].clone())
}

fn call(server: &TestServer, operation: &str, key_id: &str) {
    let input = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": key_id});
    assert_eq!(server.call(operation, &input).both(), (200, ""));
}

/// Puts one record each way; the marks of the two replies.
fn put(server: &TestServer) -> [Value; 2] {
    let single = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"});
    let batch = json!({"StreamName": "s", "Records": [{"Data": "AA==", "PartitionKey": "k"}]});
    [server.call("PutRecord", &single).json(), server.call("PutRecords", &batch).json()]
        .map(|mut reply| reply["EncryptionType"].take())
}

/// The marks of all records.
fn marks(server: &TestServer) -> Vec<bool> {
    let records = server.connect().read_all(0);
    let is_marked = |record: &Value| match record.get("EncryptionType") {
        None => false,
        Some(mark) => mark == "KMS",
    };
    records.iter().map(is_marked).collect()
}

/// Protects: encryption begins and ends with the stream's way back to ACTIVE, the key comes back as it was given, and
/// each record is marked as its time was, for ever after.
#[test]
fn begins_and_ends() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(described(&server), [json!("ACTIVE"), json!("NONE"), json!(null)]);
    assert_eq!(put(&server), [json!(null), json!(null)]);

    call(&server, "StartStreamEncryption", KEY);
    server.clock.advance(Duration::from_millis(499));
    assert_eq!(described(&server), [json!("UPDATING"), json!("NONE"), json!(null)]);
    assert_eq!(put(&server), [json!(null), json!(null)]);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(described(&server), [json!("ACTIVE"), json!("KMS"), json!(KEY)]);
    assert_eq!(put(&server), [json!("KMS"), json!("KMS")]);

    call(&server, "StartStreamEncryption", "alias/aws/kinesis");
    assert_eq!(described(&server), [json!("UPDATING"), json!("KMS"), json!(KEY)]);
    assert_eq!(put(&server), [json!("KMS"), json!("KMS")]);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(described(&server), [json!("ACTIVE"), json!("KMS"), json!("alias/aws/kinesis")]);

    call(&server, "StopStreamEncryption", "anything");
    assert_eq!(described(&server), [json!("UPDATING"), json!("KMS"), json!("alias/aws/kinesis")]);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(described(&server), [json!("ACTIVE"), json!("NONE"), json!(null)]);
    assert_eq!(put(&server), [json!(null), json!(null)]);
    let expected = [false, false, false, false, true, true, true, true, false, false];
    assert_eq!(marks(&server), expected);
}

/// Protects: the replies member for member.
#[test]
fn replies() {
    let server = TestServer::with_stream(1);
    call(&server, "StartStreamEncryption", "alias/k");
    let number = "49646437577108476416916876405827138351405044305449975810";
    let input = json!({"StreamName": "s", "Data": "AP//", "PartitionKey": "k"});
    let expected =
        format!(r#"{{"SequenceNumber":"{number}","ShardId":"shardId-000000000000","EncryptionType":"KMS"}}"#);
    assert_eq!(server.call("PutRecord", &input).both(), (200, expected.as_str()));
    let mut connection = server.connect();
    let iterator = connection.trim_horizon(0);
    let answer = connection.call("GetRecords", &json!({"ShardIterator": iterator}));
    let next = answer.json()["NextShardIterator"].as_str().expect("an open shard").to_owned();
    let expected = format!(
        "{{\"Records\":[{{\"SequenceNumber\":\"{number}\",\"ApproximateArrivalTimestamp\":1700000000,\
         \"EncryptionType\":\"KMS\",\"Data\":\"AP//\",\"PartitionKey\":\"k\"}}],\"NextShardIterator\":\"{next}\",\
         \"MillisBehindLatest\":0}}"
    );
    assert_eq!(answer.both(), (200, expected.as_str()));
    let batch = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "k"}]});
    let answer = server.call("PutRecords", &batch);
    assert!(
        answer.text().ends_with(r#""ShardId":"shardId-000000000000"}],"EncryptionType":"KMS"}"#),
        "{answer:?}"
    );
}
