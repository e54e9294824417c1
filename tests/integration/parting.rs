//! Clients that go away at the worst moment: in the middle of a request, or without waiting for the answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use shardmill::config::Config;

use crate::setup::{TestServer, allow_many_sockets, call, config, wait_until};

const SHARDS: u32 = 4;

/// How many records of each batch stream `s` holds; the batch is the part of the key before the dash.
fn records_by_batch(server: &TestServer) -> BTreeMap<String, usize> {
    let mut connection = server.connect();
    let mut counts = BTreeMap::new();
    for record in (0..SHARDS).flat_map(|shard| connection.read_all(shard)) {
        let key = record["PartitionKey"].as_str().unwrap();
        let (batch, _) = key.split_once('-').unwrap();
        *counts.entry(batch.to_owned()).or_insert(0) += 1;
    }
    counts
}

fn put_records(batch: usize, records: usize) -> Vec<u8> {
    let entry = |number| json!({"Data": "AAAA", "PartitionKey": format!("{batch}-{number}")});
    let entries: Vec<_> = (0..records).map(entry).collect();
    call("PutRecords", json!({"StreamName": "s", "Records": entries}).to_string())
}

/// Protects: a request whose client leaves in the middle of it stores nothing, at whatever byte, and the server goes
/// on.
#[test]
fn in_the_middle_of_a_body() {
    let server = TestServer::with_stream(SHARDS);
    let whole = put_records(0, 20);
    for sent in (1..whole.len()).step_by(97) {
        let mut connection = server.connect();
        connection.send(&whole[..sent]);
    }
    let mut connection = server.connect();
    connection.send(put_records(1, 20));
    assert_eq!(connection.answer().status, 200);
    assert_eq!(records_by_batch(&server), BTreeMap::from([("1".to_owned(), 20)]));
}

/// Protects: a batch whose client leaves right after sending it is stored whole or not at all, with hundreds at once on
/// the same shards; and the server goes on.
#[test]
fn right_after_sending() {
    const BATCHES: usize = 450;
    const RECORDS: usize = 40;
    allow_many_sockets();
    // More workers than cores, so that mailboxes fill up and requests wait for room in them.
    let server = TestServer::with(Config { workers: 64, ..config() });
    server.create("s", SHARDS);
    let requests: Vec<_> = (0..BATCHES).map(|batch| put_records(batch, RECORDS)).collect();
    let mut connections: Vec<_> = requests.iter().map(|_| server.connect()).collect();
    for (connection, request) in connections.iter_mut().zip(&requests) {
        connection.send(request);
    }
    drop(connections);
    let mut last = server.connect();
    last.send(put_records(BATCHES, RECORDS));
    assert_eq!(last.answer().json()["FailedRecordCount"], 0);
    // A batch may still be on its way to its shards: what must come to hold is that each is whole.
    wait_until("every batch is whole", || records_by_batch(&server).values().all(|count| *count == RECORDS));
    assert_eq!(records_by_batch(&server).get(&BATCHES.to_string()), Some(&RECORDS));
}

/// A server whose one shard holds 9 MiB, and the iterator at its start.
fn with_nine_mebibytes() -> (TestServer, String) {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let data = "AAAA".repeat(1 << 18);
    for _ in 0..12 {
        let put = json!({"StreamName": "s", "Data": data, "PartitionKey": "0-"});
        assert_eq!(connection.call("PutRecord", &put).status, 200);
    }
    let iterator = connection.trim_horizon(0);
    (server, iterator)
}

/// Protects: a reader that leaves in the middle of a large answer takes nobody along.
#[test]
fn in_the_middle_of_an_answer() {
    let (server, iterator) = with_nine_mebibytes();
    let request = call("GetRecords", json!({"ShardIterator": iterator}).to_string());
    for _ in 0..8 {
        let mut connection = server.connect();
        connection.send(&request);
        connection.await_first_byte();
    }
    let answer = server.call("GetRecords", &json!({"ShardIterator": iterator}));
    assert_eq!(answer.json()["Records"].as_array().map(Vec::len), Some(12));
}

/// Protects: an answer that a slow reader has begun is what it was when it began, although its records expire meanwhile
/// and their memory is wanted for new ones.
#[test]
fn records_that_expire_on_their_way_out() {
    let (server, iterator) = with_nine_mebibytes();
    let mut slow = server.connect();
    slow.send(call("GetRecords", json!({"ShardIterator": iterator}).to_string()));
    slow.await_first_byte();
    server.clock.advance(Duration::from_secs(25 * 3_600));
    // Housekeeping runs once a second; what is written until it has run twice takes the memory it gave back.
    let mut writer = server.connect();
    let data = "////".repeat(1 << 16);
    let enough = Instant::now() + Duration::from_millis(2_100);
    while Instant::now() < enough {
        let put = json!({"StreamName": "s", "Data": data, "PartitionKey": "1-"});
        assert_eq!(writer.call("PutRecord", &put).status, 200);
    }
    let answer = slow.answer();
    let expected = "AAAA".repeat(1 << 18);
    let reply = answer.json();
    let records = reply["Records"].as_array().expect("records");
    assert_eq!(records.len(), 12);
    assert!(records.iter().all(|record| record["Data"] == *expected), "old records were overwritten");
}
