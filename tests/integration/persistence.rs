//! State kept in files by the program: over orderly ends, over ends without warning, and in the hands of others.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::Connection;
use crate::folder::Folder;
use crate::setup::{shard_id, wait_until};

/// The program that keeps its state in a folder.
struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::try_start(folder, variables).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// What it says instead of where it is, if it does not start.
    fn try_start(folder: &Path, variables: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shardmill"));
        command.env_clear().env("SHARDMILL_PORT", "0").env("KINESIS_LATENCY", "0");
        command.env("KINESIS_PERSISTENCE", "1").env("PERSIST_PATH", folder);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        match address {
            Some(address) => Ok(Self { child, address }),
            None => {
                let mut refusal = String::new();
                child.stderr.take().unwrap().read_to_string(&mut refusal).unwrap();
                child.wait().unwrap();
                Err(refusal)
            }
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).expect("a process that runs");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn put(connection: &mut Connection, range: std::ops::Range<u32>) -> Vec<String> {
    let record = |number: u32| {
        let data = base64_simd::STANDARD.encode_to_string(number.to_string());
        json!({"PartitionKey": "k", "Data": data})
    };
    let records: Vec<_> = range.map(record).collect();
    let answer = connection.call("PutRecords", &json!({"StreamName": "s", "Records": records})).json();
    assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
    let numbers = answer["Records"].as_array().unwrap().iter();
    numbers.map(|record| record["SequenceNumber"].as_str().unwrap().to_owned()).collect()
}

fn numbers(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| record["SequenceNumber"].as_str().unwrap().to_owned()).collect()
}

/// Protects: what a server held when it was ended is there in the next one: records, iterators, a stream that was asked
/// for at the start only once; and numbers go on above.
#[test]
fn an_orderly_end_loses_nothing() {
    for name in ["kinesis-data.json", "own.state"] {
        let folder = Folder::new();
        let variables =
            [("KINESIS_INITIALIZE_STREAMS", "s:1"), ("PERSIST_FILE_NAME", name), ("PERSIST_INTERVAL", "1h")];
        let program = Program::start(folder.path(), &variables);
        let mut connection = program.connect();
        let issued = put(&mut connection, 0..100);
        let page = connection.trim_horizon(0);
        let page = connection.call("GetRecords", &json!({"ShardIterator": page, "Limit": 40})).json();
        drop(connection);
        assert_eq!(program.end(Signal::TERM), Some(0));

        let program = Program::start(folder.path(), &variables);
        let mut connection = program.connect();
        assert_eq!(numbers(&connection.read_all(0)), issued);
        let next = json!({"ShardIterator": page["NextShardIterator"]});
        let next = connection.call("GetRecords", &next).json();
        assert_eq!(numbers(next["Records"].as_array().unwrap()), issued[40..]);
        let more = put(&mut connection, 100..110);
        assert!(more[0] > issued[99]);
        let after = json!({
            "StreamName": "s", "ShardId": shard_id(0), "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
            "StartingSequenceNumber": issued[99],
        });
        let after = connection.call("GetShardIterator", &after).json();
        let after = connection.call("GetRecords", &json!({"ShardIterator": after["ShardIterator"]})).json();
        assert_eq!(numbers(after["Records"].as_array().unwrap()), more);
        drop(connection);
        // The second time by the other signal.
        assert_eq!(program.end(Signal::INT), Some(0));
    }
}

/// Protects: a server that is killed at any moment, also while it saves, leaves a file that the next one begins with: a
/// prefix of what was acknowledged; and what that one issues is above all that was.
#[test]
fn an_end_without_warning_leaves_a_whole_file() {
    let folder = Folder::new();
    let variables = [("PERSIST_INTERVAL", "10ms"), ("KINESIS_INITIALIZE_STREAMS", "s:1")];
    let path = folder.path().join("kinesis-data.snapshot");
    let part = folder.path().join("kinesis-data.snapshot.part");
    let (mut issued, mut highest) = (Vec::<String>::new(), String::new());
    let mut killed_while_saving = 0;
    // Six times, and on until it was caught at it: a save may end between a look and the signal.
    for round in 0.. {
        if round >= 6 && killed_while_saving > 0 {
            break;
        }
        assert!(round < 30, "never killed while it saved");
        let program = Program::start(folder.path(), &variables);
        let mut connection = program.connect();
        // Of a server that has never saved, nobody can know anything.
        wait_until("it has saved once", || path.exists());
        let held = numbers(&connection.read_all(0));
        assert_eq!(held, issued[..held.len()], "round {round}");
        issued = held;
        for batch in 0..40 {
            let new = put(&mut connection, batch * 500..batch * 500 + 500);
            assert!(new[0] > highest, "{} after {highest}", new[0]);
            highest.clone_from(&new[499]);
            issued.extend(new);
            if batch == 10 {
                let bytes = || std::fs::metadata(&path).map_or(0, |about| about.len());
                wait_until("some of them are saved", || bytes() > 5_000);
            }
            if batch > 10 && part.exists() {
                break;
            }
        }
        wait_until("it saves", || {
            // So that there is something to be saved.
            let new = put(&mut connection, 0..1);
            highest.clone_from(&new[0]);
            issued.extend(new);
            part.exists()
        });
        program.end(Signal::KILL);
        killed_while_saving += u32::from(part.exists());
    }
    let program = Program::start(folder.path(), &variables);
    let held = numbers(&program.connect().read_all(0));
    assert!(!held.is_empty());
    assert_eq!(held, issued[..held.len()]);
}

/// Protects: a damaged file keeps a server from starting, in one line with its name and the place.
#[test]
fn a_damaged_file_is_refused() {
    let folder = Folder::new();
    let variables = [("KINESIS_INITIALIZE_STREAMS", "s:1")];
    let program = Program::start(folder.path(), &variables);
    put(&mut program.connect(), 0..10);
    assert_eq!(program.end(Signal::TERM), Some(0));
    let path = folder.path().join("kinesis-data.snapshot");
    let whole = std::fs::read(&path).unwrap();
    for place in [0, 13, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        std::fs::write(&path, bytes).unwrap();
        let refusal = Program::try_start(folder.path(), &variables).err().expect("no server");
        let refusal = refusal.lines().find(|line| line.starts_with("shardmill: ")).expect("why").to_owned();
        assert!(refusal.contains("kinesis-data.snapshot: ") && refusal.contains("byte "), "{refusal}");
    }
}

/// Protects: what cannot be saved at the end is told, the exit code says it, and the former file is as it was.
#[test]
fn what_cannot_be_saved_is_told() {
    let folder = Folder::new();
    let inside = folder.path().join("state");
    let program =
        Program::start(&inside, &[("KINESIS_INITIALIZE_STREAMS", "s:1"), ("PERSIST_INTERVAL", "1h")]);
    put(&mut program.connect(), 0..10);
    std::fs::write(&inside, "a file where the folder should be").unwrap();
    let mut program = program;
    let mut stderr = program.child.stderr.take().unwrap();
    assert_eq!(program.end(Signal::TERM), Some(1));
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    assert!(told.contains("could not be saved") && told.contains("kinesis-data.snapshot: "), "{told}");
}

/// Protects: state is saved while a server runs, when it has changed, and not when it has not.
#[test]
fn changes_are_saved_at_the_interval() {
    let folder = Folder::new();
    let path = folder.path().join("kinesis-data.snapshot");
    let program =
        Program::start(folder.path(), &[("KINESIS_INITIALIZE_STREAMS", "s:1"), ("PERSIST_INTERVAL", "10ms")]);
    let mut connection = program.connect();
    let saved = || std::fs::read(&path).unwrap_or_default();
    wait_until("it is there", || !saved().is_empty());
    let before = saved();
    put(&mut connection, 0..10);
    wait_until("the change is there", || saved().len() > before.len() + 10);
    let json = folder.path().join("kinesis-data.json");
    let in_json = || {
        let document: Value =
            serde_json::from_slice(&std::fs::read(&json).unwrap_or_default()).unwrap_or_default();
        document.to_string().matches("SequenceNumber\":\"").count()
    };
    wait_until("in kinesis-mock's form, too", || in_json() >= 10);
    let about = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
    wait_until("it rests", || {
        let before = about(&path);
        std::thread::sleep(Duration::from_millis(100));
        about(&path) == before
    });
}

/// Protects: what a server began with is saved again at once, though nothing has changed: a server
/// that is killed before its interval has passed leaves the next one above all that it has issued, wherever the clock goes.
#[test]
fn what_was_loaded_is_saved_again() {
    let folder = Folder::new();
    let variables = [("KINESIS_INITIALIZE_STREAMS", "s:1"), ("PERSIST_INTERVAL", "1h")];
    let program = Program::start(folder.path(), &variables);
    put(&mut program.connect(), 0..10);
    assert_eq!(program.end(Signal::TERM), Some(0));
    let path = folder.path().join("kinesis-data.snapshot");
    let former = std::fs::metadata(&path).unwrap().ino();
    let program = Program::start(folder.path(), &variables);
    wait_until("it is saved again", || std::fs::metadata(&path).unwrap().ino() != former);
    program.end(Signal::KILL);
}

/// Protects: a file with keys in it is its owner's alone, whatever was there before; kinesis-mock's file is for whom the
/// owner makes files for.
#[test]
fn keys_are_not_for_everybody() {
    let folder = Folder::new();
    let [own, json] = ["kinesis-data.snapshot", "kinesis-data.json"].map(|name| folder.path().join(name));
    std::fs::write(folder.path().join("kinesis-data.snapshot.part"), "left behind, for everybody").unwrap();
    let program = Program::start(folder.path(), &[("KINESIS_INITIALIZE_STREAMS", "s:1")]);
    assert_eq!(program.end(Signal::TERM), Some(0));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    let usual = folder.path().join("usual");
    std::fs::write(&usual, "").unwrap();
    assert_eq!((mode(&own), mode(&json)), (0o600, mode(&usual)));
}
