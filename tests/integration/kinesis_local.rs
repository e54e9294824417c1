//! State files between shardmill and the real kinesis-mock, in both directions. It comes from npm as `kinesis-local`.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::Connection;
use crate::folder::Folder;
use crate::setup::{free_ports, shard_id, wait_until};

/// The version that writes and reads; the integrity of what is installed is npm's to check, by the registry's word.
const PACKAGE: &str = "kinesis-local@0.6.2";

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// How long a process of node's may take to serve: the mock is 20 MB of JavaScript, and a first run compiles it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the package is, installed once for all tests.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
        let package = folder.join("node_modules/kinesis-local");
        if !package.join("main.js").exists() {
            std::fs::create_dir_all(&folder).unwrap();
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"])
                .arg(&folder)
                .arg(PACKAGE);
            let output = npm.output().expect("npm, which comes with node: apt-get install npm");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        package
    })
}

/// A process that serves, and is killed if its test fails.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Either system, with its state in the file `state.json` of this folder.
    fn start(command: &mut Command, folder: &Path) -> Self {
        let [plain, tls] = free_ports();
        command
            .env("KINESIS_MOCK_PLAIN_PORT", plain.to_string())
            .env("KINESIS_MOCK_TLS_PORT", tls.to_string());
        command.env("SHOULD_PERSIST_DATA", "true").env("PERSIST_PATH", folder);
        command.env("PERSIST_FILE_NAME", "state.json").env("PERSIST_INTERVAL", "1s").env("LOG_LEVEL", "WARN");
        for name in ["CREATE_STREAM", "REGISTER_STREAM_CONSUMER", "SPLIT_SHARD", "MERGE_SHARDS"] {
            command.env(format!("{name}_DURATION"), "10ms");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("a process");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, plain));
        let deadline = std::time::Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "it has ended");
            assert!(std::time::Instant::now() < deadline, "not within {PATIENCE:?}: the port is open");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }

    fn theirs(folder: &Path) -> Self {
        // It looks for its certificate where it runs.
        Self::start(Command::new("node").arg("main.js").current_dir(installed()), folder)
    }

    fn ours(folder: &Path) -> Self {
        Self::start(Command::new(env!("CARGO_BIN_EXE_shardmill")).arg("kinesis-mock"), folder)
    }

    #[allow(clippy::needless_pass_by_value, reason = "it is written out where it is given")]
    fn call(&self, operation: &str, input: Value) -> Value {
        let answer = Connection::open(self.address).call(operation, &input);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a process that runs");
        self.child.wait().unwrap();
    }

    /// Ends the mock once it has saved all that [`fill`] asks for. It writes over its file, and may die over that when it
    /// is asked to end meanwhile: so the file is kept as it was when it was whole.
    fn end_as_saved(self, path: &Path) {
        let mut text = String::new();
        wait_until("the mock has saved its consumer", || {
            text = std::fs::read_to_string(path).unwrap_or_default();
            let state: Value = serde_json::from_str(&text).unwrap_or_default();
            state["streams"][ARN]["consumers"]["c"]["ConsumerStatus"] == "ACTIVE"
        });
        drop(self);
        std::fs::write(path, text).unwrap();
    }

    fn is_active(&self) -> bool {
        let summary = self.call("DescribeStreamSummary", json!({"StreamName": "s"}));
        summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    }

    fn put(&self, numbers: std::ops::Range<u32>) {
        let record = |number| {
            let data = base64_simd::STANDARD.encode_to_string(format!("data {number}"));
            json!({"PartitionKey": format!("k{number}"), "Data": data})
        };
        // All at once: the mock takes a tenth of a second for each call.
        let records: Vec<_> = numbers.map(record).collect();
        let answer = self.call("PutRecords", json!({"StreamName": "s", "Records": records}));
        assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
    }

    /// Number, key and data of every record, shard by shard.
    fn records(&self) -> Vec<(String, Vec<[String; 3]>)> {
        let shards = self.call("ListShards", json!({"StreamName": "s"}));
        let shards = shards["Shards"].as_array().unwrap().iter();
        let ids = shards.map(|shard| shard["ShardId"].as_str().unwrap().to_owned());
        let mut records: Vec<_> =
            ids.map(|id| (id.clone(), self.records_of(&id, "TRIM_HORIZON", None))).collect();
        records.sort();
        records
    }

    fn records_of(&self, shard: &str, start: &str, number: Option<&str>) -> Vec<[String; 3]> {
        let mut input = json!({"StreamName": "s", "ShardId": shard, "ShardIteratorType": start});
        if let Some(number) = number {
            input["StartingSequenceNumber"] = number.into();
        }
        let iterator = self.call("GetShardIterator", input)["ShardIterator"].clone();
        let page = self.call("GetRecords", json!({"ShardIterator": iterator}));
        let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
        let of = |record: &Value| ["SequenceNumber", "PartitionKey", "Data"].map(|name| text(record, name));
        page["Records"].as_array().unwrap().iter().map(of).collect()
    }
}

/// A stream of split and merged shards with a consumer and a tag.
fn fill(process: &Process) {
    process.call("CreateStream", json!({"StreamName": "s", "ShardCount": 2}));
    wait_until("the stream is ACTIVE", || process.is_active());
    process.put(0..20);
    let split = json!({"StreamName": "s", "ShardToSplit": shard_id(0), "NewStartingHashKey": "1000000"});
    process.call("SplitShard", split);
    wait_until("the shard is split", || process.is_active());
    // Children are created in the second after their parents were closed.
    std::thread::sleep(Duration::from_millis(2_100));
    process.put(20..40);
    let merge = json!({"StreamName": "s", "ShardToMerge": shard_id(2), "AdjacentShardToMerge": shard_id(3)});
    process.call("MergeShards", merge);
    wait_until("they are merged", || process.is_active());
    std::thread::sleep(Duration::from_millis(2_100));
    process.put(40..60);
    process.call("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b"}}));
    process.call("RegisterStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "c"}));
    std::thread::sleep(Duration::from_millis(100));
}

/// What goes on from one system to the other.
fn check_same(from: &[(String, Vec<[String; 3]>)], to: &Process) {
    assert_eq!(to.records(), from);
    assert_eq!(from.iter().map(|(_, records)| records.len()).sum::<usize>(), 60);
    for (shard, records) in from {
        if let [first, .., _] = records.as_slice() {
            let [number, ..] = first;
            let after = to.records_of(shard, "AFTER_SEQUENCE_NUMBER", Some(number));
            assert_eq!(after, records[1..], "{shard}");
        }
    }
    let tags = to.call("ListTagsForStream", json!({"StreamName": "s"}));
    assert_eq!(tags["Tags"], json!([{"Key": "a", "Value": "b"}]));
    let consumers = to.call("ListStreamConsumers", json!({"StreamARN": ARN}));
    assert_eq!(consumers["Consumers"][0]["ConsumerName"], "c");
    // It is written to again.
    to.put(60..70);
    let records: usize = to.records().iter().map(|(_, records)| records.len()).sum();
    assert_eq!(records, 70);
}

/// Protects: what the real kinesis-mock has written loads here, with every record under its number; consumers go on after
/// numbers that they have, and its iterators are refused as no iterators of ours.
#[test]
fn from_kinesis_mock() {
    let folder = Folder::new();
    let theirs = Process::theirs(folder.path());
    fill(&theirs);
    let records = theirs.records();
    let start = json!({"StreamName": "s", "ShardId": shard_id(1), "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = theirs.call("GetShardIterator", start)["ShardIterator"].clone();
    theirs.end_as_saved(&folder.path().join("state.json"));
    let ours = Process::ours(folder.path());
    let answer = Connection::open(ours.address).call("GetRecords", &json!({"ShardIterator": iterator}));
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("InvalidArgumentException")));
    assert_eq!(answer.json()["message"], "Invalid ShardIterator.");
    check_same(&records, &ours);
}

/// Protects: what is written here for kinesis-mock loads in the real one.
#[test]
fn to_kinesis_mock() {
    let folder = Folder::new();
    let ours = Process::ours(folder.path());
    fill(&ours);
    let records = ours.records();
    ours.end();
    let theirs = Process::theirs(folder.path());
    check_same(&records, &theirs);
    theirs.end();
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
