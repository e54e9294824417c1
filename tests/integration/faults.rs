//! KINESIS_ERROR_PROBABILITY: how many puts fail, what they are told, and that what failed is not there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shardmill::config::Config;

use crate::setup::{TestServer, config};

const THROTTLED: &str = "{\"__type\":\"ProvisionedThroughputExceededException\",\"message\":\"Rate exceeded for shard X in \
                         stream Y under account Z.\"}";

fn server(error_probability: f64) -> TestServer {
    let server = TestServer::with(Config { error_probability, seed: Some(11), ..config() });
    server.create("s", 4);
    server
}

/// Every partition key that stream `s` holds, and how many records that is.
fn stored(server: &TestServer) -> (BTreeSet<String>, usize) {
    let mut connection = server.connect();
    let records: Vec<Value> = (0..4).flat_map(|shard| connection.read_all(shard)).collect();
    let keys = records.iter().map(|record| record["PartitionKey"].as_str().unwrap().to_owned());
    (keys.collect(), records.len())
}

/// Protects: at 0.3 three in ten of 10,000 puts fail, from a fixed seed, over several connections at once; exactly
/// the others are readable, once each.
#[test]
fn three_in_ten() {
    const CONNECTIONS: usize = 4;
    const PUTS: usize = 10_000;
    let server = server(0.3);
    let put_all = |connection_number: usize| {
        let mut connection = server.connect();
        let mut acknowledged = Vec::new();
        for number in 0..PUTS / CONNECTIONS {
            let key = format!("{connection_number}-{number}");
            let input = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": key});
            let answer = connection.call("PutRecord", &input);
            match answer.status {
                200 => acknowledged.push(key),
                _ => assert_eq!(answer.both(), (400, THROTTLED)),
            }
        }
        acknowledged
    };
    let acknowledged: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(move || put_all(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let failed = PUTS - acknowledged.len();
    assert!((2_800..=3_200).contains(&failed), "{failed} of {PUTS} failed");
    assert_eq!(stored(&server), (acknowledged, PUTS - failed));
}

/// Protects: a batch fails whole and says so record by record, in a 200; its count is right; nothing of it is stored.
#[test]
fn batches_fail_whole() {
    let server = server(0.3);
    let mut connection = server.connect();
    let mut acknowledged = BTreeSet::new();
    let (mut failed, batches) = (0, 400);
    for batch in 0..batches {
        let keys: Vec<_> = (0..5).map(|number| format!("{batch}-{number}")).collect();
        let records: Vec<_> = keys.iter().map(|key| json!({"Data": "", "PartitionKey": key})).collect();
        let answer = connection.call("PutRecords", &json!({"StreamName": "s", "Records": records}));
        let entry = json!({
            "ErrorCode": "ProvisionedThroughputExceededException",
            "ErrorMessage": "Rate exceeded for shard X in stream Y under account Z.",
        });
        let reply = answer.json();
        match reply["FailedRecordCount"].as_u64() {
            Some(0) => acknowledged.extend(keys),
            _ => {
                failed += 1;
                let whole = json!({"FailedRecordCount": 5, "Records": vec![entry; 5]});
                assert_eq!((answer.status, reply), (200, whole));
            }
        }
    }
    assert!((80..=160).contains(&failed), "{failed} of {batches} failed");
    let count = acknowledged.len();
    assert_eq!(stored(&server), (acknowledged, count));
}

/// Protects: at 1 every put fails, and nothing but puts.
#[test]
fn always() {
    let server = server(1.0);
    let mut connection = server.connect();
    for _ in 0..20 {
        let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k"});
        assert_eq!(connection.call("PutRecord", &put).both(), (400, THROTTLED));
        let puts = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "k"}]});
        assert_eq!(connection.call("PutRecords", &puts).json()["FailedRecordCount"], 1);
        for operation in ["DescribeStream", "ListShards"] {
            assert_eq!(connection.call(operation, &json!({"StreamName": "s"})).status, 200);
        }
    }
    assert_eq!(stored(&server).1, 0);
}

/// Protects: the seed repeats a run: the same calls fail.
#[test]
fn a_seed_repeats() {
    let statuses = || {
        let server = server(0.5);
        let mut connection = server.connect();
        let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k"});
        (0..64).map(|_| connection.call("PutRecord", &put).status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(), statuses());
}

/// Protects: a put that would be refused anyhow gets its own error, not the injected one.
#[test]
fn real_errors_come_first() {
    let server = server(1.0);
    let put = json!({"StreamName": "nope", "Data": "", "PartitionKey": "k"});
    let answer = server.call("PutRecord", &put);
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("ResourceNotFoundException")));
}
