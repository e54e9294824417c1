//! Many at once: connections, shards, and writers of one shard with a reader behind them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::setup::{TestServer, allow_many_sockets, call, shard_id, wait_until};

/// Protects: hundreds of connections open at once are all served, none starved by the others.
#[test]
fn many_connections() {
    allow_many_sockets();
    let server = TestServer::with_stream(4);
    let mut connections: Vec<_> = (0..400).map(|_| server.connect()).collect();
    for round in 0..3 {
        for (number, connection) in connections.iter_mut().enumerate() {
            let key = format!("{round}-{number}");
            let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": key});
            connection.send(call("PutRecord", put.to_string()));
        }
        for connection in &mut connections {
            assert_eq!(connection.answer().status, 200);
        }
    }
    let stored: usize = (0..4).map(|shard| connections[0].read_all(shard).len()).sum();
    assert_eq!(stored, 1_200);
}

/// Protects: a reader that follows the tip while many write to one shard sees every acknowledged record once, in the
/// order of sequence numbers, and each writer's records in the order they were written.
#[test]
fn a_reader_behind_many_writers() {
    const WRITERS: usize = 4;
    const RECORDS: usize = 250;
    let server = TestServer::with_stream(1);
    let unfinished = AtomicUsize::new(WRITERS);
    let write = |writer: usize| {
        let mut connection = server.connect();
        let mut acknowledged = BTreeMap::new();
        for number in 0..RECORDS {
            let key = format!("{writer}-{number:06}");
            let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": key});
            let answer = connection.call("PutRecord", &put).json();
            acknowledged.insert(answer["SequenceNumber"].as_str().unwrap().to_owned(), key);
        }
        unfinished.fetch_sub(1, Ordering::SeqCst);
        acknowledged
    };
    let read = || {
        let mut connection = server.connect();
        let mut iterator = connection.trim_horizon(0);
        let mut seen: Vec<(String, String)> = Vec::new();
        wait_until("the reader has caught up", || {
            let is_over = unfinished.load(Ordering::SeqCst) == 0;
            let page = connection.call("GetRecords", &json!({"ShardIterator": iterator})).json();
            let records = page["Records"].as_array().expect("records");
            let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
            seen.extend(
                records.iter().map(|record| (text(record, "SequenceNumber"), text(record, "PartitionKey"))),
            );
            page["NextShardIterator"].as_str().unwrap().clone_into(&mut iterator);
            is_over && records.is_empty()
        });
        seen
    };
    let (acknowledged, seen) = std::thread::scope(|scope| {
        let reader = scope.spawn(read);
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        let acknowledged: BTreeMap<_, _> =
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        (acknowledged, reader.join().unwrap())
    });
    assert_eq!(acknowledged.len(), WRITERS * RECORDS);
    // Numbers of one shard have one length, so the order of texts is theirs.
    assert_eq!(seen, acknowledged.into_iter().collect::<Vec<_>>());
    for writer in 0..WRITERS {
        let prefix = format!("{writer}-");
        let own: Vec<_> = seen.iter().map(|(_, key)| key).filter(|key| key.starts_with(&prefix)).collect();
        assert!(own.is_sorted(), "writer {writer}");
    }
}

/// Protects: a stream of 10,000 shards is created in one call, tiles the hash space, is listed in pages, and routes to
/// its very ends.
#[test]
fn ten_thousand_shards() {
    const SHARDS: u32 = 10_000;
    let server = TestServer::with_stream(SHARDS);
    let mut connection = server.connect();
    let mut shards: Vec<Value> = Vec::new();
    let mut input = json!({"StreamName": "s"});
    loop {
        let mut page = connection.call("ListShards", &input).json();
        let Value::Array(listed) = page["Shards"].take() else { panic!("{page}") };
        assert_eq!(listed.len(), 1_000);
        shards.extend(listed);
        if page["NextToken"].is_null() {
            break;
        }
        input = json!({"NextToken": page["NextToken"]});
    }
    assert_eq!(shards.len(), SHARDS as usize);
    let key = |shard: &Value, name: &str| {
        shard["HashKeyRange"][name].as_str().and_then(|key| key.parse::<u128>().ok()).expect("a hash key")
    };
    assert_eq!(key(&shards[0], "StartingHashKey"), 0);
    assert_eq!(key(&shards[shards.len() - 1], "EndingHashKey"), u128::MAX);
    for pair in shards.windows(2) {
        assert_eq!(key(&pair[0], "EndingHashKey") + 1, key(&pair[1], "StartingHashKey"));
    }
    for (hash_key, shard) in [(0, 0), (u128::MAX / 2, 5_000), (u128::MAX, SHARDS - 1)] {
        let put = json!({
            "StreamName": "s", "Data": "", "PartitionKey": "k", "ExplicitHashKey": hash_key.to_string()
        });
        let answer = connection.call("PutRecord", &put).json();
        assert_eq!(answer["ShardId"], shard_id(shard), "{hash_key}");
    }
}
