//! State saved and loaded over HTTP and by `shardmill snapshot`, while the server goes on serving.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::client::{Answer, Connection, request};
use crate::folder::Folder;
use crate::setup::{TestServer, config, shard_id};

const PATH: &str = "/_shardmill/snapshot";

/// `shardmill snapshot` with these arguments: its exit code, stdout and stderr.
fn shardmill(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shardmill"));
    let Output { status, stdout, stderr } = command.arg("snapshot").args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn endpoint(server: &TestServer) -> String {
    format!("http://{}", server.address)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The answer to a request for the path.
fn ask(server: &TestServer, method: &str, query: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut connection = server.connect();
    connection.send(request(&format!("{method} {PATH}{query}"), fields, body));
    connection.answer()
}

/// What every reader is told of a server: streams, shards, consumers, tags, and all records of all shards.
fn told(server: &TestServer) -> Value {
    let names = server.call("ListStreams", &json!({})).json()["StreamNames"].clone();
    let mut told = Vec::new();
    for name in names.as_array().unwrap() {
        let input = json!({"StreamName": name});
        let summary = server.call("DescribeStreamSummary", &input).json();
        let arn = summary["StreamDescriptionSummary"]["StreamARN"].clone();
        let shards = server.call("ListShards", &input).json();
        let records: Vec<_> =
            shards["Shards"].as_array().unwrap().iter().map(|shard| read(server, name, shard)).collect();
        let consumers = server.call("ListStreamConsumers", &json!({"StreamARN": arn})).json();
        let tags = server.call("ListTagsForStream", &input).json();
        told.push(json!([summary, shards, records, consumers, tags]));
    }
    json!(told)
}

fn read(server: &TestServer, stream: &Value, shard: &Value) -> Vec<Value> {
    let mut connection = server.connect();
    let start =
        json!({"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
    let mut iterator = connection.call("GetShardIterator", &start).json()["ShardIterator"].clone();
    let mut records = Vec::new();
    while !iterator.is_null() {
        let page = connection.call("GetRecords", &json!({"ShardIterator": iterator})).json();
        let found = page["Records"].as_array().unwrap_or_else(|| panic!("{page}"));
        if found.is_empty() {
            break;
        }
        records.extend(found.iter().cloned());
        iterator = page["NextShardIterator"].clone();
    }
    records
}

fn put(connection: &mut Connection, numbers: std::ops::Range<u64>) -> Value {
    let records: Vec<_> = numbers
        .map(|number| {
            let data = base64_simd::STANDARD.encode_to_string(number.to_le_bytes());
            json!({"PartitionKey": format!("k{}", number % 97), "Data": data})
        })
        .collect();
    connection.call("PutRecords", &json!({"StreamName": "s", "Records": records})).json()
}

/// A stream with split shards, a consumer and a tag.
fn fill(server: &TestServer) {
    server.create("s", 2);
    let mut connection = server.connect();
    for batch in 0..10 {
        put(&mut connection, batch * 100..batch * 100 + 100);
    }
    let split = json!({"StreamName": "s", "ShardToSplit": shard_id(0), "NewStartingHashKey": "1000000"});
    assert_eq!(server.call("SplitShard", &split).status, 200);
    server.clock.advance(std::time::Duration::from_secs(2));
    put(&mut connection, 1_000..1_200);
    assert_eq!(server.call("AddTagsToStream", &json!({"StreamName": "s", "Tags": {"a": "b"}})).status, 200);
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let register = json!({"StreamARN": arn, "ConsumerName": "c"});
    assert_eq!(server.call("RegisterStreamConsumer", &register).status, 200);
}

/// Protects: `shardmill snapshot save`, `inspect` and `load`: all that readers are told is the same in the other server,
/// iterators go on there, and numbers go on above.
#[test]
fn the_program_saves_and_loads() {
    let (from, folder) = (TestServer::start(), Folder::new());
    fill(&from);
    let file = folder.path().join("state.snapshot");
    let (code, stdout, stderr) = shardmill(&["save", "--endpoint", &endpoint(&from), text(&file)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("saved ") && stdout.contains("state.snapshot"), "{stdout}");
    let (code, stdout, _) = shardmill(&["inspect", "--json", text(&file)]);
    let inspected: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &inspected["records"]), (Some(0), &json!(1_200)));
    assert_eq!(inspected["streams"][0]["shards"], 4);

    let last_read = from.connect().trim_horizon(1);
    let page = from.call("GetRecords", &json!({"ShardIterator": last_read, "Limit": 10})).json();
    let to = TestServer::start();
    to.clock.advance(std::time::Duration::from_secs(2));
    let (code, stdout, stderr) = shardmill(&["load", "--endpoint", &endpoint(&to), text(&file)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert_eq!(told(&to), told(&from));
    let next = json!({"ShardIterator": page["NextShardIterator"], "Limit": 10});
    assert_eq!(
        to.call("GetRecords", &next).json()["Records"],
        from.call("GetRecords", &next).json()["Records"]
    );

    let [mut old, mut new] = [&from, &to].map(TestServer::connect);
    let numbers = |answer: &Value| -> Vec<String> {
        let records = answer["Records"].as_array().unwrap();
        records.iter().map(|record| record["SequenceNumber"].as_str().unwrap().to_owned()).collect()
    };
    let (old, new) = (numbers(&put(&mut old, 0..100)), numbers(&put(&mut new, 0..100)));
    assert!(old.iter().zip(&new).all(|(old, new)| old < new), "{old:?} {new:?}");

    let (code, _, stderr) = shardmill(&["load", "--endpoint", &endpoint(&to), text(&file)]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("state.snapshot: stream arn:aws:kinesis") && stderr.contains("exists"),
        "{stderr}"
    );
    let (code, _, stderr) = shardmill(&["load", "--replace", "--endpoint", &endpoint(&to), text(&file)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(told(&to), told_before_puts(&from, &file));
}

/// Protects: `--format kinesis-mock`, which is known again by its first byte: the same records, lineage, consumers and tags.
#[test]
fn the_program_writes_for_kinesis_mock() {
    let (from, folder) = (TestServer::start(), Folder::new());
    fill(&from);
    let file = folder.path().join("kinesis-data.json");
    let (code, _, stderr) =
        shardmill(&["save", "--format", "kinesis-mock", "--endpoint", &endpoint(&from), text(&file)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).expect("a document");
    assert_eq!(told_before_puts(&from, &file), told(&from));
}

/// What a third server tells that has just loaded the file.
fn told_before_puts(like: &TestServer, file: &Path) -> Value {
    let third = TestServer::start();
    let ahead_ms = like.clock.clock().now_ms() - third.clock.clock().now_ms();
    third.clock.advance(std::time::Duration::from_millis(ahead_ms));
    let (code, ..) = shardmill(&["load", "--endpoint", &endpoint(&third), text(file)]);
    assert_eq!(code, Some(0));
    told(&third)
}

/// Protects: damage is told by the name of the file and the place, by `inspect` and `load` alike, and nothing is loaded.
#[test]
fn damage_is_told_by_name_and_place() {
    let (from, to, folder) = (TestServer::start(), TestServer::start(), Folder::new());
    fill(&from);
    let file = folder.path().join("state.snapshot");
    shardmill(&["save", "--endpoint", &endpoint(&from), text(&file)]);
    let mut bytes = std::fs::read(&file).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    for args in [&["inspect"][..], &["load", "--endpoint", &endpoint(&to)]] {
        let (code, stdout, stderr) = shardmill(&[args, &[text(&file)]].concat());
        assert_eq!((code, stdout.as_str(), stderr.lines().count()), (Some(1), "", 1));
        assert!(stderr.contains("state.snapshot: damaged at byte "), "{stderr}");
    }
    assert_eq!(to.call("ListStreams", &json!({})).json()["StreamNames"], json!([]));
    let (code, _, stderr) = shardmill(&["inspect", "/nowhere/state"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("/nowhere/state: "), "{stderr}");
}

/// Protects: other methods, words that mean nothing, web pages, and whoever comes through a proxy are refused.
#[test]
fn what_is_refused() {
    let server = TestServer::start();
    for (method, query, fields, status) in [
        ("DELETE", "", &[][..], 405),
        ("GET", "?format=xml", &[], 400),
        ("PUT", "?replace=perhaps", &[], 400),
        ("GET", "", &[("Origin", "http://localhost:3000")], 403),
        ("GET", "", &[("Host", "rebound.example.com:4566")], 403),
        ("GET", "", &[("X-Forwarded-For", "203.0.113.7")], 403),
        ("PUT", "", &[("Forwarded", "for=203.0.113.7")], 403),
        ("PUT", "", &[], 400),
    ] {
        let answer = ask(&server, method, query, fields, b"no snapshot");
        assert_eq!(answer.status, status, "{method} {query} {}", answer.text());
    }
    let answer = ask(&server, "PUT", "", &[], b"no snapshot");
    assert_eq!(answer.json()["message"], "damaged at byte 0: this is no shardmill snapshot");
}

/// Protects: a snapshot of a server under load: of every shard a prefix of what was acknowledged, record by record, with
/// all that was acknowledged before it was begun.
#[test]
fn a_server_under_load_is_saved() {
    let (server, folder) = (TestServer::with(config()), Folder::new());
    server.create("s", 8);
    let (stop, before) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..4_u64)
        .map(|writer| {
            let (mut connection, stop, before) = (server.connect(), Arc::clone(&stop), Arc::clone(&before));
            std::thread::spawn(move || {
                let mut number = writer << 32;
                while !stop.load(Ordering::Relaxed) {
                    let answer = put(&mut connection, number..number + 200);
                    assert_eq!(answer["FailedRecordCount"], 0);
                    before.fetch_add(200, Ordering::Relaxed);
                    number += 200;
                }
            })
        })
        .collect();
    crate::setup::wait_until("there are records", || before.load(Ordering::Relaxed) > 4_000);
    let acknowledged = before.load(Ordering::Relaxed);
    let file = folder.path().join("state.snapshot");
    let (code, _, stderr) = shardmill(&["save", "--endpoint", &endpoint(&server), text(&file)]);
    assert_eq!(code, Some(0), "{stderr}");
    stop.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let loaded = TestServer::start();
    let (code, _, stderr) = shardmill(&["load", "--endpoint", &endpoint(&loaded), text(&file)]);
    assert_eq!(code, Some(0), "{stderr}");
    let mut records = 0;
    for shard in 0..8 {
        let (had, has) = (server.connect().read_all(shard), loaded.connect().read_all(shard));
        assert_eq!(has, had[..has.len()], "shard {shard}");
        records += has.len() as u64;
    }
    assert!(records >= acknowledged, "{records} of {acknowledged}");
}
