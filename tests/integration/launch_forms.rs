//! Started as kinesis-mock and kinesalite are: through the npm package in `packaging/npm`, as a program of their name, with
//! LocalStack's environment; and what passes through the package's launcher.
//!
//! Needs `node`, of any version from 16.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use shardmill::config::{Config, Invocation};

use crate::cbor::{blob, map, member};
use crate::client::Connection;
use crate::folder::Folder;
use crate::setup::{free_ports, shard_id, wait_until};
use crate::source::root;
use crate::speakers::Tls;

const PROGRAM: &str = env!("CARGO_BIN_EXE_shardmill");

/// The settings that these variables make, on any free port.
pub(crate) fn from_environment(variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    match Config::resolve(["shardmill"], variables).expect("settings") {
        Invocation::Serve { config, .. } => Config { port: 0, ..*config },
        other => panic!("{other:?}"),
    }
}

/// The npm package as it is installed, around the given program.
fn package(program: &Path) -> Folder {
    let folder = Folder::new();
    for name in ["package.json", "main.js", "cli.js", "launch.js"] {
        std::fs::copy(root().join("packaging/npm").join(name), folder.path().join(name)).unwrap();
    }
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(program, folder.path().join("bin/shardmill")).unwrap();
    folder
}

/// The package around a shell script, which says what a server would not.
fn package_around(script: &str) -> Folder {
    let folder = package(Path::new("/bin/sh"));
    let program = folder.path().join("bin/shardmill");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// `node` with one of the package's files, and nothing of the test's environment but where programs are.
fn node(folder: &Folder, file: &str) -> Command {
    let version = Command::new("node").arg("--version").output();
    assert!(version.is_ok(), "node is not installed: apt-get install nodejs");
    let mut command = Command::new("node");
    command.arg(folder.path().join(file));
    command.env_clear().env("PATH", std::env::var_os("PATH").expect("a PATH"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A process that is killed if its test fails.
struct Process(Child);

impl Process {
    /// Starts it, and waits until its port is open, as LocalStack does.
    fn serving(command: &mut Command, port: u16) -> Self {
        let mut process = Self(command.spawn().expect("a process"));
        wait_until("the port is open", || {
            assert_eq!(process.0.try_wait().unwrap(), None, "it has ended: {}", process.errors());
            TcpStream::connect(here(port)).is_ok()
        });
        process
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.0.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }

    fn first_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().expect("a pipe")).read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("a process that runs");
    }

    fn ended(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended, as it should have.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What LocalStack 4.9 starts its backend with, state files off; and what its own environment leaves there.
fn localstacks_environment(folder: &Folder, plain_port: u16, tls_port: u16) -> Vec<(&'static str, String)> {
    let of_backend = [
        ("KINESIS_MOCK_CERT_PATH", folder.path().join("server.json").display().to_string()),
        ("KINESIS_MOCK_PLAIN_PORT", plain_port.to_string()),
        ("KINESIS_MOCK_TLS_PORT", tls_port.to_string()),
        ("SHARD_LIMIT", "100".to_owned()),
        ("ON_DEMAND_STREAM_COUNT_LIMIT", "10".to_owned()),
        ("AWS_ACCOUNT_ID", "000000000000".to_owned()),
    ];
    let durations = [
        "CREATE_STREAM_DURATION",
        "DELETE_STREAM_DURATION",
        "REGISTER_STREAM_CONSUMER_DURATION",
        "START_STREAM_ENCRYPTION_DURATION",
        "STOP_STREAM_ENCRYPTION_DURATION",
        "DEREGISTER_STREAM_CONSUMER_DURATION",
        "MERGE_SHARDS_DURATION",
        "SPLIT_SHARD_DURATION",
        "UPDATE_SHARD_COUNT_DURATION",
        "UPDATE_STREAM_MODE_DURATION",
    ];
    let left_there = [
        ("GATEWAY_LISTEN", "0.0.0.0:4566,0.0.0.0:443"),
        ("KINESIS_ERROR_PROBABILITY", "1.0"),
        ("KINESIS_LATENCY", "500"),
        ("KINESIS_PERSISTENCE", "0"),
    ];
    let durations = durations.map(|name| (name, "500ms".to_owned()));
    let left_there = left_there.map(|(name, value)| (name, value.to_owned()));
    of_backend
        .into_iter()
        .chain(durations)
        .chain([("LOG_LEVEL", "INFO".to_owned())])
        .chain(left_there)
        .collect()
}

/// Short connections, each for one request, in JSON or CBOR by turns.
fn put_in_turns(port: u16, count: usize) {
    for number in 0..count {
        let (data, mut connection) = (number.to_string(), Connection::open(here(port)));
        if number % 2 == 0 {
            let data = base64_simd::STANDARD.encode_to_string(&data);
            let put = json!({"StreamName": "s", "PartitionKey": "k", "Data": data});
            assert_eq!(connection.call("PutRecord", &put).json()["ShardId"], shard_id(0));
        } else {
            let put =
                [("StreamName", "s".into()), ("PartitionKey", "k".into()), ("Data", blob(data.as_bytes()))];
            assert_eq!(member(&connection.ask("PutRecord", &map(put)), "ShardId"), &shard_id(0).into());
        }
    }
}

/// Records of a state file of kinesis-mock's.
fn records_in(path: &Path) -> usize {
    let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).expect("a whole document");
    let streams = document["streams"].as_object().unwrap().values();
    let shards = streams.flat_map(|stream| stream["shards"].as_object().unwrap().values());
    shards.map(|records| records.as_array().unwrap().len()).sum()
}

/// Protects: the same with state files, as LocalStack asks for them: whole after the end, and there again after the next
/// start, with as many records; also where only the file that LocalStack knows of was kept.
#[test]
fn behind_localstack_with_state_files() {
    const RECORDS: usize = 100;
    let (folder, state) = (package(Path::new(PROGRAM)), Folder::new());
    let file = state.path().join("000000000000.json");
    let [plain_port, tls_port] = free_ports();
    let start = || {
        let mut variables = localstacks_environment(&folder, plain_port, tls_port);
        variables.extend([
            ("SHOULD_PERSIST_DATA", "true".to_owned()),
            ("PERSIST_PATH", state.path().display().to_string()),
            ("PERSIST_FILE_NAME", "000000000000.json".to_owned()),
            ("PERSIST_INTERVAL", "5s".to_owned()),
        ]);
        Process::serving(node(&folder, "main.js").envs(variables), plain_port)
    };
    let call =
        |operation: &str, input: Value| Connection::open(here(plain_port)).call(operation, &input).json();
    let mut process = start();
    Connection::open(here(plain_port)).call("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    let is_active = || {
        let summary = call("DescribeStreamSummary", json!({"StreamName": "s"}));
        summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    };
    wait_until("the stream is ACTIVE", is_active);
    for round in 1..=3 {
        put_in_turns(plain_port, RECORDS);
        process.signal(Signal::TERM);
        assert_eq!(process.ended().code(), Some(0));
        assert_eq!(records_in(&file), round * RECORDS);
        if round == 2 {
            std::fs::remove_file(file.with_extension("snapshot")).unwrap();
        }
        process = start();
        assert_eq!(Connection::open(here(plain_port)).read_all(0).len(), round * RECORDS);
        assert!(is_active());
    }
}

/// Protects: the package takes kinesis-mock's place behind LocalStack: its environment, both ports, both codecs over many
/// short connections, none of LocalStack's own settings, and an orderly end.
#[test]
fn behind_localstack() {
    const RECORDS: usize = 200;
    let folder = package(Path::new(PROGRAM));
    let [plain_port, tls_port] = free_ports();
    let variables = localstacks_environment(&folder, plain_port, tls_port);
    let mut process = Process::serving(node(&folder, "main.js").envs(variables), plain_port);
    let call = |operation: &str, input: Value| Connection::open(here(plain_port)).call(operation, &input);

    assert_eq!(call("DescribeLimits", json!({})).json()["ShardLimit"], 100);
    assert_eq!(call("CreateStream", json!({"StreamName": "s", "ShardCount": 1})).status, 200);
    let state = || {
        let summary = call("DescribeStreamSummary", json!({"StreamName": "s"})).json();
        summary["StreamDescriptionSummary"]["StreamStatus"].as_str().map(str::to_owned)
    };
    wait_until("the stream is ACTIVE", || state().as_deref() == Some("ACTIVE"));
    put_in_turns(plain_port, RECORDS);
    let records = Connection::open(here(plain_port)).read_all(0);
    let data =
        records.iter().map(|record| base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()));
    let data: Vec<_> = data.map(|data| String::from_utf8(data.unwrap()).unwrap()).collect();
    assert_eq!(data, (0..RECORDS).map(|number| number.to_string()).collect::<Vec<_>>());
    let names = Connection::open(here(tls_port)).call("ListStreams", &json!({})).json();
    assert_eq!(names["StreamNames"], json!(["s"]));

    let mut idle = Connection::open(here(plain_port));
    process.signal(Signal::TERM);
    assert_eq!(process.ended().code(), Some(0));
    assert!(idle.is_closed());
    for port in [plain_port, tls_port] {
        assert!(TcpStream::connect(here(port)).is_err(), "{port} is still open");
    }
}

/// Protects: kinesalite's command line as LocalStack wrote it, and the line that its users wait for.
#[test]
fn kinesalites_command_line() {
    let (folder, [port]) = (package(Path::new(PROGRAM)), free_ports());
    let mut command = node(&folder, "cli.js");
    command.args(["--shardLimit", "3", "--port", &port.to_string()]);
    command.args(["--createStreamMs", "0", "--deleteStreamMs", "0", "--updateStreamMs", "0"]);
    let mut process = Process::serving(&mut command, port);
    assert_eq!(process.first_line(), format!("Listening at http://0.0.0.0:{port}\n"));
    let mut connection = Connection::open(here(port));
    assert_eq!(connection.call("DescribeLimits", &json!({})).json()["ShardLimit"], 3);
    connection.call("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    let summary = connection.call("DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    assert_eq!(summary["StreamDescriptionSummary"]["StreamStatus"], "ACTIVE", "without waiting");
    process.signal(Signal::INT);
    assert_eq!(process.ended().code(), Some(0));
}

/// Protects: the native program of kinesis-mock, replaced by a link to ours and started as LocalStack started it.
#[test]
fn the_native_form() {
    let folder = Folder::new();
    let link = folder.path().join("kinesis-mock-linux-amd64-static");
    symlink(PROGRAM, &link).unwrap();
    let [plain_port, tls_port] = free_ports();
    let mut command = Command::new(link);
    command.arg("--gc=G1").env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("KINESIS_MOCK_PLAIN_PORT", plain_port.to_string());
    command.env("KINESIS_MOCK_TLS_PORT", tls_port.to_string());
    command.env("INITIALIZE_STREAMS", "a,b:1");
    let mut process = Process::serving(&mut command, plain_port);
    let line = process.first_line();
    assert!(line.contains(&format!("http://0.0.0.0:{plain_port} (also on 0.0.0.0:{tls_port}; ")), "{line}");
    assert!(line.contains("in the place of kinesis-mock") && line.contains("shard limit 50"), "{line}");
    let names = Connection::open(here(plain_port)).call("ListStreams", &json!({})).json();
    assert_eq!(names["StreamNames"], json!(["a", "b"]));
    process.signal(Signal::TERM);
    assert_eq!(process.ended().code(), Some(0));
    assert!(process.errors().contains("--gc is accepted without effect"));
}

/// Protects: LocalStack's list of addresses and kinesis-mock's TLS port, where every one takes both plain HTTP and TLS; a
/// server that cannot have all of them has none.
#[test]
fn several_addresses() {
    let variables = [("GATEWAY_LISTEN", ":0,127.0.0.1:0")];
    let mut config = from_environment(&variables);
    let folder = Folder::new();
    config.tls_port = Some(0);
    config.tls_ca_out = Some(folder.path().join("ca.pem"));
    let server = crate::setup::TestServer::with(config.clone()).into_server();
    let [tls, other] = server.other_addrs() else { panic!("{:?}", server.other_addrs()) };
    let trusting = Tls::trusting(&std::fs::read(folder.path().join("ca.pem")).unwrap());
    for address in [server.local_addr(), *tls, *other] {
        assert_eq!(Connection::open(address).call("ListStreams", &json!({})).status, 200);
        let mut over_tls = trusting.http1(address, "localhost");
        assert_eq!(over_tls.call("ListStreams", &json!({})).status, 200);
    }
    config.also_listen = vec![server.local_addr()];
    let refused =
        shardmill::Server::start(config, shardmill::clock::Clock::system()).err().expect("no server");
    assert!(refused.to_string().starts_with(&format!("{} is taken", server.local_addr())), "{refused}");
    server.shutdown();
}

/// Protects: arguments, environment, stdin, stdout, stderr and the exit code of what the launcher runs.
#[test]
fn everything_passes_through() {
    let folder = package_around(r#"cat; echo "$1 $3 $4" >&2; echo "$SOMETHING"; exit 7"#);
    let mut command = node(&folder, "main.js");
    command.args(["--port", "a b"]).env("SOMETHING", "of the environment").stdin(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(b"in and ").unwrap();
    let Output { status, stdout, stderr } = process.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(7));
    assert_eq!(String::from_utf8(stdout).unwrap(), "in and of the environment\n");
    assert_eq!(String::from_utf8(stderr).unwrap(), "kinesis-mock --port a b\n");
}

/// Protects: the launcher ends as the program does: by its signal, by its refusal, and by a line about a program that is
/// not there.
#[test]
fn the_launcher_ends_as_the_program_does() {
    let ended = |folder: &Folder, variables: &[(&str, &str)]| {
        let Output { status, stderr, .. } =
            node(folder, "main.js").envs(variables.iter().copied()).output().unwrap();
        (status, String::from_utf8(stderr).unwrap())
    };
    let (status, _) = ended(&package_around("kill -KILL $$"), &[]);
    assert_eq!(status.signal(), Some(9));
    let (status, _) = ended(&package_around("kill -TERM $$"), &[]);
    assert_eq!(status.signal(), Some(15));
    let (status, stderr) = ended(&package(Path::new(PROGRAM)), &[("SHARD_LIMIT", "many")]);
    assert_eq!((status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.contains("SHARD_LIMIT is \"many\""), "{stderr}");
    let folder = package(Path::new(PROGRAM));
    std::fs::remove_file(folder.path().join("bin/shardmill")).unwrap();
    let (status, stderr) = ended(&folder, &[]);
    assert_eq!((status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("cannot run") && stderr.contains("bin/shardmill"), "{stderr}");
}

/// Protects: a launcher that is killed leaves no server behind, where the system can tell.
#[test]
#[cfg(target_os = "linux")]
fn a_killed_launcher_leaves_nothing_behind() {
    let (folder, [port]) = (package(Path::new(PROGRAM)), free_ports());
    let mut command = node(&folder, "main.js");
    command.env("KINESIS_MOCK_PLAIN_PORT", port.to_string()).env("KINESIS_MOCK_TLS_PORT", "0");
    let mut process = Process::serving(&mut command, port);
    process.signal(Signal::KILL);
    assert_eq!(process.ended().signal(), Some(9));
    wait_until("the server has ended", || TcpStream::connect(here(port)).is_err());
}

/// Protects: what npm is told: the crate's version, and files that are there, which can be run.
#[test]
fn the_package_is_whole() {
    let folder: PathBuf = root().join("packaging/npm");
    let package: Value =
        serde_json::from_slice(&std::fs::read(folder.join("package.json")).unwrap()).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    for file in package["files"].as_array().unwrap() {
        let name = file.as_str().unwrap();
        assert!(name == "bin/shardmill" || folder.join(name).is_file(), "{name}");
    }
    for (command, file) in package["bin"].as_object().unwrap() {
        let file = folder.join(file.as_str().unwrap());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{command}: {} cannot be run", file.display());
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("#!/usr/bin/env node\n"), "{command}");
    }
}
