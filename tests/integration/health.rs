//! What is answered besides the service: health paths, and the CORS rules of a browser (reference 1.5).

use std::time::Duration;

use serde_json::json;

use crate::client::request;
use crate::setup::{JSON, SIGNED, TestServer, call};

/// Protects: an orchestrator can ask whether the server is up, unsigned, and gets JSON.
#[test]
fn own_health() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(request("GET /_shardmill/health", &[], b""));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.json().is_object(), "{answer:?}");
}

/// Protects: what waits for LocalStack's Kinesis goes on when ours is up.
#[test]
fn localstacks_health() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(request("GET /_localstack/health", &[], b""));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json()["services"]["kinesis"], "running");
    assert!(answer.text().contains(r#""kinesis":"running""#), "{answer:?}");
}

/// Protects: kinesis-mock's health path, which compose files probe.
#[test]
fn kinesis_mocks_health() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(request("GET /healthcheck", &[], b""));
    assert_eq!(connection.answer().status, 200);
}

/// Protects: the overview of what streams hold and who reads them, with how far each reader is behind; what is not in
/// use is left out.
#[test]
fn streams_and_their_readers() {
    let server = TestServer::with_stream(100);
    let mut connection = server.connect();
    for _ in 0..3 {
        let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"});
        assert_eq!(connection.call("PutRecord", &put).status, 200);
    }
    let iterator = connection.trim_horizon(0);
    assert_eq!(connection.call("GetRecords", &json!({"ShardIterator": iterator, "Limit": 1})).status, 200);
    server.clock.advance(Duration::from_millis(250));
    connection.send(request("GET /_shardmill/streams", &[], b""));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let mut overview = answer.json();
    let reader = overview["streams"][0]["shards_in_use"][0]["readers"][0]["reader"].take();
    assert_eq!(reader.as_str().map(str::len), Some(16), "{answer:?}");
    let shard = json!({
        "shard": "shardId-000000000000",
        "records_held": 3,
        "records_ever": 3,
        "readers": [{"reader": null, "records_behind": 2, "last_seen_ms_ago": 250}],
        "readers_forgotten": 0,
    });
    let stream = json!({
        "arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "status": "ACTIVE",
        "open_shards": 100,
        "shards_in_use": [shard],
    });
    assert_eq!(overview, json!({"streams": [stream]}));
}

/// Protects: a browser's preflight is permitted what it asks for, unsigned, and a page is told nothing more.
#[test]
fn preflight() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let asked = [
        ("Origin", "http://page.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-amz-target, authorization"),
    ];
    connection.send(request("OPTIONS /", &asked, b""));
    let answer = connection.answer();
    assert_eq!(answer.both(), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", Some("*")),
        ("access-control-max-age", Some("172800")),
        ("access-control-allow-headers", Some("x-amz-target, authorization")),
        ("access-control-allow-methods", Some("POST")),
        ("content-length", Some("0")),
        ("content-type", None),
        ("x-amz-id-2", None),
        ("access-control-expose-headers", None),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("x-amzn-requestid").is_some(), "{answer:?}");
}

/// Protects: a page may read the answer to its request, an error too, and the ids in its head.
#[test]
fn answers_to_pages_are_exposed() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let fields = [SIGNED[0], SIGNED[1], ("Origin", "http://page.example"), ("Content-Type", JSON)];
    for target in ["Kinesis_20131202.ListStreams", "Kinesis_20131202.Nothing"] {
        let fields = [&fields[..], &[("X-Amz-Target", target)]].concat();
        connection.send(request("POST /", &fields, b"{}"));
        let answer = connection.answer();
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date")
        );
    }
    connection.send(call("ListStreams", "{}"));
    assert_eq!(connection.answer().header("access-control-allow-origin"), None);
}

/// Protects: the fields that every answer carries (reference 1.4): ids that differ, a date, a length, no
/// `Connection`.
#[test]
fn answers_carry_ids() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let answers = [(); 2].map(|()| connection.call("ListStreams", &json!({})));
    for answer in &answers {
        assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36), "{answer:?}");
        assert!(answer.header("x-amz-id-2").is_some_and(|id| (64..=108).contains(&id.len())), "{answer:?}");
        assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{answer:?}");
        assert_eq!(answer.header("connection"), None);
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
    let [first, second] = answers;
    for name in ["x-amzn-requestid", "x-amz-id-2"] {
        assert_ne!(first.header(name), second.header(name));
    }
}
