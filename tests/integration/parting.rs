//! Clients that go away at the worst moment: in the middle of a request, or without waiting for the answer.

use std::collections::BTreeMap;

use serde_json::json;

use crate::setup::{TestServer, call, wait_until};

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

/// Protects: a batch whose client leaves right after sending it is stored whole or not at all, with many at once on
/// the same shards; and the server goes on.
#[test]
fn right_after_sending() {
    const BATCHES: usize = 64;
    const RECORDS: usize = 500;
    let server = TestServer::with_stream(SHARDS);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for batch in (thread..BATCHES).step_by(4) {
                    server.connect().send(put_records(batch, RECORDS));
                }
            });
        }
    });
    let mut last = server.connect();
    last.send(put_records(BATCHES, RECORDS));
    assert_eq!(last.answer().json()["FailedRecordCount"], 0);
    // A batch may still be on its way to its shards: what must come to hold is that each is whole.
    wait_until("every batch is whole", || records_by_batch(&server).values().all(|count| *count == RECORDS));
    assert_eq!(records_by_batch(&server).get(&BATCHES.to_string()), Some(&RECORDS));
}
