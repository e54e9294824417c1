//! Shard iterators that were forged, damaged, overtaken by time, or outlived their stream.

use std::time::Duration;

use serde_json::json;

use crate::client::{Answer, Connection};
use crate::setup::TestServer;

const INVALID: &str = r#"{"__type":"InvalidArgumentException","message":"Invalid ShardIterator."}"#;

fn read(connection: &mut Connection, iterator: &str) -> Answer {
    connection.call("GetRecords", &json!({"ShardIterator": iterator}))
}

/// Protects: no letter of a token can be changed, dropped or added without the token being refused, and none opens
/// another shard.
#[test]
fn damaged() {
    let server = TestServer::with_stream(2);
    let mut connection = server.connect();
    let token = connection.trim_horizon(0);
    let letters = token.trim_end_matches('=').len();
    for at in 0..letters {
        let by = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let changed = format!("{}{by}{}", &token[..at], &token[at + 1..]);
        assert_eq!(read(&mut connection, &changed).both(), (400, INVALID), "letter {at}");
    }
    for changed in [&token[1..], &token[..token.len() - 4], &token[..8], &format!("{token}AAAA")] {
        assert_eq!(read(&mut connection, changed).both(), (400, INVALID), "{changed}");
    }
}

/// Protects: what merely looks like a token is refused, and so is one that another server made.
#[test]
fn forged() {
    let (server, other) = (TestServer::with_stream(1), TestServer::with_stream(1));
    let foreign = other.connect().trim_horizon(0);
    let zeroes = format!("AAAAAAAAAAE{}", "A".repeat(213));
    let mut connection = server.connect();
    for forged in [foreign.as_str(), &zeroes, "AAAAAAAAAAE=", "x", "\"\"", "é", "%00"] {
        assert_eq!(read(&mut connection, forged).both(), (400, INVALID), "{forged}");
    }
    let token = connection.trim_horizon(0);
    assert_eq!(read(&mut connection, &format!("\"{token}\"")).status, 200, "AWS tolerates literal quotes");
}

/// Protects: a token lives 300 s from its issue and not a millisecond more, and its successor starts anew.
#[test]
fn expired() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let token = connection.trim_horizon(0);
    server.clock.advance(Duration::from_millis(300_000));
    let answer = read(&mut connection, &token);
    let next = answer.json()["NextShardIterator"].as_str().expect("an open shard").to_owned();
    server.clock.advance(Duration::from_millis(1));
    let expected = "{\"__type\":\"ExpiredIteratorException\",\"message\":\"Iterator expired. The iterator was created \
                    at time Tue Nov 14 22:13:20 UTC 2023 while right now it is Tue Nov 14 22:18:20 UTC 2023 which is \
                    further in the future than the tolerated delay of 300000 milliseconds.\"}";
    assert_eq!(read(&mut connection, &token).both(), (400, expected));
    assert_eq!(read(&mut connection, &next).status, 200);
}

/// Protects: a token dies with its stream, even if another one takes the name.
#[test]
fn outlived() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let token = connection.trim_horizon(0);
    let gone = "{\"__type\":\"ResourceNotFoundException\",\"message\":\"Shard shardId-000000000000 in stream s under \
                account 000000000000 does not exist\"}";
    assert_eq!(connection.call("DeleteStream", &json!({"StreamName": "s"})).status, 200);
    assert_eq!(read(&mut connection, &token).both(), (400, gone));
    server.create("s", 1);
    assert_eq!(read(&mut connection, &token).both(), (400, gone));
}

/// Protects: a token is no state: it can be read again, by anyone, with the same result.
#[test]
fn read_again() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let token = connection.trim_horizon(0);
    let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"});
    assert_eq!(connection.call("PutRecord", &put).status, 200);
    let first = read(&mut connection, &token).json();
    let again = read(&mut server.connect(), &token).json();
    assert_eq!(first["Records"].as_array().map(Vec::len), Some(1));
    assert_eq!(first["Records"], again["Records"]);
}
