//! Replies to the letter, on a clock that stands still: member for member, no more and no less. Sequence numbers were
//! made from reference 5.4 by other means than the server's.

use std::time::Duration;

use serde_json::json;

use crate::setup::{TestServer, shard_id};

/// Counters 1 and 2 of shard 0 of a stream created at 1700000000, stored in that second.
const FIRST: &str = "49646437577108476416916876405827138351405044305449975810";
const SECOND: &str = "49646437577108476416916876405828347277224658934624681986";
/// Counter 1 of shard 1 of the same stream.
const FIRST_OF_SHARD_1: &str = "49646437577130777162115407028968674069677692666955956242";

/// Protects: PutRecord answers with two members, and no EncryptionType (reference 6).
#[test]
fn put_record() {
    let server = TestServer::with_stream(1);
    let input = json!({"StreamName": "s", "Data": "aGVsbG8=", "PartitionKey": "k"});
    let expected = format!(r#"{{"SequenceNumber":"{FIRST}","ShardId":"shardId-000000000000"}}"#);
    assert_eq!(server.call("PutRecord", &input).both(), (200, expected.as_str()));
}

/// Protects: PutRecords answers in request order, each record with two members; the recorded placement of keys on
/// three shards.
#[test]
fn put_records() {
    let server = TestServer::with_stream(3);
    let records: Vec<_> = ["a", "b", "a"].map(|key| json!({"Data": "", "PartitionKey": key})).to_vec();
    let input = json!({"StreamName": "s", "Records": records});
    let expected = format!(
        "{{\"FailedRecordCount\":0,\"Records\":[\
         {{\"SequenceNumber\":\"{FIRST}\",\"ShardId\":\"shardId-000000000000\"}},\
         {{\"SequenceNumber\":\"{FIRST_OF_SHARD_1}\",\"ShardId\":\"shardId-000000000001\"}},\
         {{\"SequenceNumber\":\"{SECOND}\",\"ShardId\":\"shardId-000000000000\"}}]}}"
    );
    assert_eq!(server.call("PutRecords", &input).both(), (200, expected.as_str()));
}

/// Protects: GetRecords answers with decimal seconds, escaped keys, data as it came, and no EncryptionType
/// (reference 19, 13); and tells how far the reader is behind.
#[test]
fn get_records() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    for (data, key) in [("AP//", "é\"\\\n"), ("", "k")] {
        server.clock.advance(Duration::from_millis(7));
        let input = json!({"StreamName": "s", "Data": data, "PartitionKey": key});
        assert_eq!(connection.call("PutRecord", &input).status, 200);
    }
    server.clock.advance(Duration::from_millis(100));
    let iterator = connection.trim_horizon(0);
    let answer = connection.call("GetRecords", &json!({"ShardIterator": iterator, "Limit": 1}));
    let next = answer.json()["NextShardIterator"].as_str().expect("an open shard").to_owned();
    assert_ne!(next, iterator);
    let expected = format!(
        "{{\"Records\":[{{\"SequenceNumber\":\"{FIRST}\",\"ApproximateArrivalTimestamp\":1700000000.007,\
         \"Data\":\"AP//\",\"PartitionKey\":\"é\\\"\\\\\\n\"}}],\"NextShardIterator\":\"{next}\",\
         \"MillisBehindLatest\":107}}"
    );
    assert_eq!(answer.both(), (200, expected.as_str()));

    let answer = connection.call("GetRecords", &json!({"ShardIterator": next}));
    let next = answer.json()["NextShardIterator"].as_str().expect("an open shard").to_owned();
    let expected = format!(
        "{{\"Records\":[{{\"SequenceNumber\":\"{SECOND}\",\"ApproximateArrivalTimestamp\":1700000000.014,\
         \"Data\":\"\",\"PartitionKey\":\"k\"}}],\"NextShardIterator\":\"{next}\",\"MillisBehindLatest\":0}}"
    );
    assert_eq!(answer.both(), (200, expected.as_str()));

    let answer = connection.call("GetRecords", &json!({"ShardIterator": next}));
    let after = answer.json()["NextShardIterator"].as_str().expect("an open shard").to_owned();
    assert_ne!(after, next, "each answer has an iterator of its own");
    let expected = format!("{{\"Records\":[],\"NextShardIterator\":\"{after}\",\"MillisBehindLatest\":0}}");
    assert_eq!(answer.both(), (200, expected.as_str()));
}

/// Protects: GetShardIterator answers with one member, a token in AWS's form (reference 5.5).
#[test]
fn get_shard_iterator() {
    let server = TestServer::with_stream(1);
    let input = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "LATEST"});
    let answer = server.call("GetShardIterator", &input);
    let token = answer.json()["ShardIterator"].as_str().expect("a token").to_owned();
    assert_eq!(answer.text(), format!(r#"{{"ShardIterator":"{token}"}}"#));
    assert!(token.starts_with("AAAAAAAAAA") && token.len() <= 512, "{token}");
}

/// Protects: DescribeStream, with the recorded ranges and starting numbers; creation in whole seconds.
#[test]
fn describe_stream() {
    let server = TestServer::start();
    server.clock.advance(Duration::from_millis(999));
    server.create("s", 3);
    let shard = |index: u32, start: &str, end: &str, number: &str| {
        format!(
            "{{\"ShardId\":\"{}\",\"HashKeyRange\":{{\"StartingHashKey\":\"{start}\",\"EndingHashKey\":\"{end}\"}},\
             \"SequenceNumberRange\":{{\"StartingSequenceNumber\":\"{number}\"}}}}",
            shard_id(index)
        )
    };
    let first = "113427455640312821154458202477256070484";
    let (second, third) =
        ("113427455640312821154458202477256070485", "226854911280625642308916404954512140970");
    let shards = [
        shard(0, "0", first, "49646437577108476416916876405825929425585429676275269634"),
        shard(
            1,
            second,
            "226854911280625642308916404954512140969",
            "49646437577130777162115407028967465143858078037781250066",
        ),
        shard(
            2,
            third,
            "340282366920938463463374607431768211455",
            "49646437577153077907313937652109000862130726399287230498",
        ),
    ];
    let expected = format!(
        "{{\"StreamDescription\":{{\"StreamName\":\"s\",\"StreamARN\":\"arn:aws:kinesis:us-east-1:000000000000:stream/s\",\
         \"StreamStatus\":\"ACTIVE\",\"StreamModeDetails\":{{\"StreamMode\":\"PROVISIONED\"}},\
         \"RetentionPeriodHours\":24,\"StreamCreationTimestamp\":1700000000,\
         \"EnhancedMonitoring\":[{{\"ShardLevelMetrics\":[]}}],\"EncryptionType\":\"NONE\",\"Shards\":[{}],\
         \"HasMoreShards\":false}}}}",
        shards.join(",")
    );
    let answer = server.call("DescribeStream", &json!({"StreamName": "s"}));
    assert_eq!(answer.both(), (200, expected.as_str()));
}

/// Protects: DescribeStreamSummary has no shards and above all no StreamId (reference 19, 18).
#[test]
fn describe_stream_summary() {
    let server = TestServer::with_stream(2);
    let answer = server.call("DescribeStreamSummary", &json!({"StreamName": "s"}));
    let expected = json!({"StreamDescriptionSummary": {
        "StreamName": "s",
        "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 1_700_000_000,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
        "OpenShardCount": 2,
        "ConsumerCount": 0,
        "MaxRecordSizeInKiB": 1024,
    }});
    assert_eq!((answer.status, answer.json()), (200, expected));
}

/// Protects: what has no modelled output answers with an empty body, not `{}` (reference 19, 7).
#[test]
fn operations_without_output_have_no_body() {
    let server = TestServer::with_stream(1);
    let answer = server.call("DeleteStream", &json!({"StreamName": "s"}));
    assert_eq!((answer.both(), answer.header("content-length")), ((200, ""), Some("0")));
}
