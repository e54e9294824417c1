//! Error bodies to the letter: one request per text of reference 3, 4 and 14.

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::{Config, Limit};

use crate::setup::{TestServer, call, config, shard_id};

const BODY: &str = r#""__type":"#;

/// An error's body.
fn error(name: &str, message: &str) -> String {
    format!(r#"{{{BODY}"{name}","message":{}}}"#, Value::from(message))
}

pub(crate) fn check(server: &TestServer, operation: &str, input: &Value, name: &str, message: &str) {
    let answer = server.call(operation, input);
    assert_eq!(answer.both(), (400, error(name, message).as_str()), "{operation} {input}");
}

/// Protects: E1, E2, E6 and E7, what is said of streams and shards that are missing or taken.
#[test]
fn missing_and_taken() {
    let server = TestServer::with_stream(1);
    let no_stream = "Stream nope under account 000000000000 not found.";
    let nope = json!({"StreamName": "nope"});
    for operation in ["DescribeStream", "DescribeStreamSummary", "DeleteStream", "ListShards"] {
        check(&server, operation, &nope, "ResourceNotFoundException", no_stream);
    }
    let put = json!({"StreamName": "nope", "Data": "", "PartitionKey": "k"});
    check(&server, "PutRecord", &put, "ResourceNotFoundException", no_stream);
    let puts = json!({"StreamName": "nope", "Records": [{"Data": "", "PartitionKey": "k"}]});
    check(&server, "PutRecords", &puts, "ResourceNotFoundException", no_stream);

    let again = json!({"StreamName": "s", "ShardCount": 1});
    let taken = "Stream s under account 000000000000 already exists.";
    check(&server, "CreateStream", &again, "ResourceInUseException", taken);

    // An unknown stream is told as a missing shard here (reference 19, 2).
    for (stream, shard, message) in [
        ("nope", "0", "Shard shardId-000000000000 in stream nope under account 000000000000 does not exist"),
        (
            "s",
            "shardId-7",
            "Shard shardId-000000000007 in stream s under account 000000000000 does not exist",
        ),
        ("nope", "2.14E4", "Could not find shard 2.14E4 in stream nope under account 000000000000."),
        ("s", "2147483648", "Could not find shard 2147483648 in stream s under account 000000000000."),
    ] {
        let input = json!({"StreamName": stream, "ShardId": shard, "ShardIteratorType": "LATEST"});
        check(&server, "GetShardIterator", &input, "ResourceNotFoundException", message);
    }
}

/// Protects: E10 to E16, what is said of a start that cannot be.
#[test]
fn bad_starts() {
    let server = TestServer::with_stream(2);
    let either = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
                  TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified";
    let of_shard_1 = "49646437577130777162115407028967465143858078037781250066";
    // As that of shard 0, but of a stream created one second earlier.
    let of_another = "49646437576751664493740386435561357933223055823460106242";
    for (more, message) in [
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}),
            format!("{either} AT_SEQUENCE_NUMBER and no StartingSequenceNumber."),
        ),
        (
            json!({"ShardIteratorType": "LATEST", "StartingSequenceNumber": "5"}),
            format!("{either} LATEST and also a StartingSequenceNumber."),
        ),
        (
            json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": of_shard_1}),
            "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard \
             with shardId-000000000000"
                .to_owned(),
        ),
        (
            json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": of_another}),
            format!(
                "StartingSequenceNumber {of_another} used in GetShardIterator on shard shardId-000000000000 in stream s \
                 under account 000000000000 is invalid because it did not come from this stream."
            ),
        ),
        (
            json!({"ShardIteratorType": "AT_TIMESTAMP"}),
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp \
             parameter."
                .to_owned(),
        ),
        (
            json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.001}),
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
             1700000000001, currentTimestampInMillis: 1700000000000"
                .to_owned(),
        ),
    ] {
        let mut input = json!({"StreamName": "s", "ShardId": shard_id(0)});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        check(&server, "GetShardIterator", &input, "InvalidArgumentException", &message);
    }
}

/// Protects: E13, a number that is none at all; and E53, the recorded 500 for "0".
#[test]
fn numbers_that_are_none() {
    let server = TestServer::with_stream(1);
    let number = "9".repeat(129);
    let start = |number: &str| {
        json!({
            "StreamName": "s", "ShardId": "0", "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "StartingSequenceNumber": number
        })
    };
    let message = format!(
        "StartingSequenceNumber {number} used in GetShardIterator on shard shardId-000000000000 in stream s under account \
         000000000000 is invalid."
    );
    check(&server, "GetShardIterator", &start(&number), "InvalidArgumentException", &message);
    let answer = server.call("GetShardIterator", &start("0"));
    assert_eq!(answer.both(), (500, r#"{"__type":"InternalFailure"}"#));
}

/// Protects: where there is no quota, a stream of more shards than an account can be told of is refused before any is
/// made, and the limits that are told are within the model's range.
#[test]
fn no_shard_quota() {
    let server = TestServer::with(Config { on_demand_stream_count_limit: Limit::Infinite, ..config() });
    let limits = "{\"ShardLimit\":1000000,\"OpenShardCount\":0,\"OnDemandStreamCount\":0,\
                  \"OnDemandStreamCountLimit\":1000000}";
    assert_eq!(server.call("DescribeLimits", &json!({})).both(), (200, limits));
    let refused = server.call("CreateStream", &json!({"StreamName": "s", "ShardCount": i32::MAX})).json();
    assert_eq!(refused["__type"], "LimitExceededException");
    let message = refused["message"].as_str().expect("a message");
    assert!(message.contains(
        "Limit: 1000000. Number of additional shards that would have resulted from this request: 2147483647."
    ));
}

/// Protects: E4 with its numbers, and that a refused stream does not count.
#[test]
fn shard_quota() {
    let server = TestServer::with(Config { shard_limit: Limit::At(3), ..config() });
    server.create("s", 2);
    let message = "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard \
                   count for the account: 2. Limit: 3. Number of additional shards that would have resulted from this \
                   request: 2. Refer to the AWS Service Limits page \
                   (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
                   request higher limits.";
    let input = json!({"StreamName": "t", "ShardCount": 2});
    check(&server, "CreateStream", &input, "LimitExceededException", message);
    server.create("t", 1);
}

/// Protects: E3 and E1 about a stream that is not ACTIVE yet, and E3 about one that is going.
#[test]
fn streams_in_other_states() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    let name = json!({"StreamName": "s"});
    let creating = "Stream s under account 000000000000 not ACTIVE, instead in state CREATING";
    check(&server, "ListShards", &name, "ResourceInUseException", creating);
    let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k"});
    let not_found = "Stream s under account 000000000000 not found.";
    check(&server, "PutRecord", &put, "ResourceNotFoundException", not_found);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(server.call("DeleteStream", &name).both(), (200, ""));
    let deleting = "Stream s under account 000000000000 not ACTIVE, instead in state DELETING";
    check(&server, "DeleteStream", &name, "ResourceInUseException", deleting);
}

/// Protects: E17, an explicit hash key above the hash space, in either put; nothing of the request is stored.
#[test]
fn hash_keys_above_the_space() {
    let server = TestServer::with_stream(1);
    let key = "340282366920938463463374607431768211456";
    let message = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {key}"
    );
    let bad = json!({"Data": "", "PartitionKey": "k", "ExplicitHashKey": key});
    let mut put = bad.clone();
    put["StreamName"] = "s".into();
    check(&server, "PutRecord", &put, "InvalidArgumentException", &message);
    let puts = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "k"}, bad]});
    check(&server, "PutRecords", &puts, "InvalidArgumentException", &message);
    assert!(server.connect().read_all(0).is_empty());
}

/// Protects: E18, a number for ordering that cannot be read or lies in the future.
#[test]
fn numbers_for_ordering() {
    let server = TestServer::with_stream(1);
    // Shard 0 of a stream created now, record time one second from now.
    let future = "49646437577108476416916876405825929425585429744994746370";
    for number in [future.to_owned(), "9".repeat(129)] {
        let input =
            json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "SequenceNumberForOrdering": number});
        let message = format!(
            "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream s under account 000000000000 is invalid."
        );
        check(&server, "PutRecord", &input, "InvalidArgumentException", &message);
    }
}

/// Protects: the validation texts, one violation and several, in both puts and elsewhere.
#[test]
fn validation() {
    let server = TestServer::with_stream(1);
    for (operation, input, message) in [
        (
            "CreateStream",
            json!({"StreamName": "", "ShardCount": 0}),
            "3 validation errors detected: Value '' at 'streamName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'streamName' failed to satisfy constraint: Member \
             must have length greater than or equal to 1; Value '0' at 'shardCount' failed to satisfy constraint: Member \
             must have value greater than or equal to 1",
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": ""}),
            "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be \
             null",
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "k"}]}),
            "1 validation error detected: Value null at 'records.1.member.data' failed to satisfy constraint: Member must \
             not be null",
        ),
        (
            "GetRecords",
            json!({"ShardIterator": "x", "Limit": 10_001}),
            "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value \
             less than or equal to 10000",
        ),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "latest"}),
            "1 validation error detected: Value 'latest' at 'shardIteratorType' failed to satisfy constraint: Member must \
             satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
        ),
    ] {
        check(&server, operation, &input, "ValidationException", message);
    }
}

/// Protects: the record over the stream's size, in the recorded form of E23, by its path in a batch.
#[test]
fn records_over_the_size() {
    let server = TestServer::with_stream(1);
    // 1,048,578 bytes of data: the largest record and one quantum more.
    let data = "AAAA".repeat(349_526);
    let message = |path: &str| {
        format!(
            "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048578 cap=1048578]' at '{path}' \
             failed to satisfy constraint: Member must have length less than or equal to 1048576"
        )
    };
    let put = json!({"StreamName": "s", "Data": data, "PartitionKey": "k"});
    check(&server, "PutRecord", &put, "ValidationException", &message("data"));
    let records = json!([{"Data": "", "PartitionKey": "k"}, {"Data": data, "PartitionKey": "k"}]);
    let puts = json!({"StreamName": "s", "Records": records});
    check(&server, "PutRecords", &puts, "ValidationException", &message("records.2.member.data"));
    assert!(server.connect().read_all(0).is_empty());
}

/// Protects: type errors spell `Message` with a capital and come before constraints, in both put routes.
#[test]
fn type_errors() {
    let server = TestServer::with_stream(1);
    for (operation, body, message) in [
        (
            "CreateStream",
            r#"{"StreamName":true}"#,
            "class java.lang.Boolean can not be converted to an String",
        ),
        (
            "CreateStream",
            r#"{"StreamName":"","ShardCount":"1"}"#,
            "class java.lang.String can not be converted to an Integer",
        ),
        (
            "PutRecord",
            r#"{"StreamName":"s","Data":"abc","PartitionKey":"k"}"#,
            "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
        ),
        (
            "PutRecord",
            r#"{"StreamName":"s","Data":"ab*d","PartitionKey":"k"}"#,
            "'ab*d' can not be converted to a Blob: Invalid Base64 character: '*'",
        ),
        ("PutRecords", r#"{"Records":"x"}"#, "Expected list or null"),
        ("PutRecords", r#"{"Records":[1]}"#, "Expected null"),
        (
            "PutRecords",
            r#"{"Records":[{"Data":1,"PartitionKey":"k"}]}"#,
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob",
        ),
        ("ListShards", r#"{"ShardFilter":[]}"#, "Start of list found where not expected"),
    ] {
        let mut connection = server.connect();
        connection.send(call(operation, body));
        let expected = format!(r#"{{{BODY}"SerializationException","Message":{}}}"#, Value::from(message));
        assert_eq!(connection.answer().both(), (400, expected.as_str()), "{operation} {body}");
    }
}

/// Protects: E35 and E36, listing needs a stream or a token and not both.
#[test]
fn listing_arguments() {
    let server = TestServer::with_stream(2);
    let neither = "Either NextToken or StreamName should be provided.";
    check(&server, "ListShards", &json!({}), "InvalidArgumentException", neither);
    let page = server.call("ListShards", &json!({"StreamName": "s", "MaxResults": 1})).json();
    let both = "NextToken and StreamName cannot be provided together.";
    let input = json!({"StreamName": "s", "NextToken": page["NextToken"]});
    check(&server, "ListShards", &input, "InvalidArgumentException", both);
}

/// Protects: a token of ListStreams goes on in the account and region that it was given for, and in no other.
#[test]
fn listings_stay_in_their_region() {
    let server = TestServer::start();
    for name in ["a", "b"] {
        server.create(name, 1);
    }
    let page = server.call("ListStreams", &json!({"Limit": 1})).json();
    let input = json!({"NextToken": page["NextToken"]});
    assert_eq!(server.call("ListStreams", &input).json()["StreamNames"], json!(["b"]));
    let request = String::from_utf8(call("ListStreams", input.to_string())).unwrap();
    let mut connection = server.connect();
    connection.send(request.replace("us-east-1", "eu-west-1"));
    let refused = r#"{"__type":"InvalidArgumentException","message":"Invalid NextToken."}"#;
    assert_eq!(connection.answer().both(), (400, refused));
}

/// Protects: a request that is wrong in all its length is not repeated two and three times in the answer.
#[test]
fn long_values_are_cut() {
    let server = TestServer::with_stream(1);
    let long = "é;".repeat(5 << 20);
    for (operation, input, end) in [
        ("AddTagsToStream", json!({"StreamName": "s", "Tags": {&*long: &long[..3]}}), "]"),
        ("DescribeStream", json!({"StreamARN": long}), "equal to 2048"),
        (
            "PutRecord",
            json!({"StreamName": "s", "PartitionKey": "k", "Data": long}),
            "Invalid Base64 character: 'é'",
        ),
        (
            "DeleteStream",
            json!({"StreamName": "s", "EnforceConsumerDeletion": long}),
            "' can not be converted to an Boolean",
        ),
    ] {
        let answer = server.call(operation, &input);
        let error = answer.json();
        let message = error["message"].as_str().or(error["Message"].as_str()).expect("a message");
        assert_eq!(answer.status, 400);
        assert!((2 << 20..(2 << 20) + 500).contains(&message.len()), "{operation}: {} bytes", message.len());
        assert!(message.ends_with(end), "{operation}");
    }
}
