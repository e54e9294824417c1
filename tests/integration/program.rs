//! The program itself, as a shell or a container runs it: its start-up line, its signals, its exit codes.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::client::Connection;
use crate::setup::{allow_many_sockets, wait_until};
use crate::speakers::{Http2, Tls};

/// The program with these variables and no others of the test's environment.
fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shardmill"));
    command.env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A program that serves, and is killed if its test fails.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    line: String,
    address: SocketAddr,
}

impl Program {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).env("SHARDMILL_PORT", "0").spawn().expect("a process");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("not a start-up line: {line:?}"));
        Self { child, stdout, line, address }
    }

    /// The memory that it has touched, in KiB; only Linux tells.
    fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a process that runs");
    }

    /// Its exit code, and what it wrote to stdout after the start-up line.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Exit code, stdout and stderr of a program that starts no server.
fn refusal(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("a process");
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Protects: settings from the environment, one line on stdout that names the address and what is on, and an orderly
/// end on either signal.
#[test]
fn serves_until_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::start(&[
            ("KINESIS_INITIALIZE_STREAMS", "a:1,b:2:us-west-2"),
            ("KINESIS_ERROR_PROBABILITY", "0.5"),
            ("SHARDMILL_SEED", "7"),
            ("SHARDMILL_LOG_LEVEL", "error"),
        ]);
        assert!(program.line.contains("error probability 0.5, seed 7"), "{}", program.line);
        let mut connection = Connection::open(program.address);
        assert_eq!(connection.call("ListStreams", &json!({})).json()["StreamNames"], json!(["a"]));
        program.signal(signal);
        assert_eq!(program.end(), (Some(0), String::new()));
        assert!(connection.is_closed());
    }
}

/// Protects: the CA is in its file by the time the start-up line says where the server is, the line tells of the
/// certificate, and whoever trusts that CA is served over TLS.
#[test]
fn the_ca_is_written_before_the_server_can_be_reached() {
    let path = std::env::temp_dir().join(format!("shardmill-program-{}.pem", std::process::id()));
    let program = Program::start(&[("SHARDMILL_TLS_CA_OUT", path.to_str().unwrap())]);
    assert!(program.line.contains("TLS certificate generated"), "{}", program.line);
    let ca = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut connection = Tls::trusting(&ca).http1(program.address, "localhost");
    assert_eq!(connection.call("ListStreams", &json!({})).status, 200);
    program.signal(Signal::TERM);
    assert_eq!(program.end().0, Some(0));
}

/// Protects: a server that was started with few files for it takes what the system allows.
#[test]
fn it_takes_all_files_that_it_may() {
    let program = Program::start(&[]);
    // Only Linux tells.
    let Ok(limits) = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())) else { return };
    let files: Vec<_> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert_eq!(files[3], files[4], "{files:?}");
}

/// Protects: a connection in HTTP/2 that has nothing to say costs what README says, which no limit bounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn idle_http2_connections_cost_little() {
    const CONNECTIONS: u64 = 1_000;
    const KIB_MAX: u64 = 48;
    allow_many_sockets();
    let program = Program::start(&[("SHARDMILL_MEMORY_LIMIT", "128MiB"), ("SHARDMILL_WORKERS", "2")]);
    let mut clients = Vec::new();
    let Some(before_kib) = program.resident_kib() else { return };
    for _ in 0..CONNECTIONS {
        let client = Http2::open(program.address).await;
        assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200);
        clients.push(client);
    }
    let each_kib = (program.resident_kib().unwrap() - before_kib) / CONNECTIONS;
    println!("{each_kib} KiB for each of {CONNECTIONS} connections");
    assert!(each_kib <= KIB_MAX, "{each_kib} KiB each");
    // None of them was given up for another.
    for client in &clients {
        assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200);
    }
}

/// Protects: a signal right after the start-up line is not lost.
#[test]
fn a_signal_at_once() {
    for _ in 0..5 {
        let program = Program::start(&[]);
        program.signal(Signal::TERM);
        assert_eq!(program.end().0, Some(0));
    }
}

/// Protects: whoever cannot wait for a request in flight gets out with a second signal.
#[test]
fn a_second_signal_cuts_the_wait_short() {
    let program = Program::start(&[]);
    let mut connection = Connection::open(program.address);
    connection.begin("ListStreams", 2);
    program.signal(Signal::TERM);
    wait_until("new connections are refused", || TcpStream::connect(program.address).is_err());
    program.signal(Signal::INT);
    assert_eq!(program.end().0, Some(130));
}

/// Protects: what keeps a server from starting is told in one line on stderr, by its name, with its exit code.
#[test]
fn refusals() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, address) = {
        let address = holder.local_addr().unwrap();
        (address.port().to_string(), address.to_string())
    };
    let one_stream_too_many = [("KINESIS_INITIALIZE_STREAMS", "a:3"), ("KINESIS_SHARD_LIMIT", "2")];
    for (variables, code, named) in [
        (&[("SHARDMILL_PORT", port.as_str())][..], 1, address.as_str()),
        (&[("KINESIS_ERROR_PROBABILITY", "1.5")], 2, "KINESIS_ERROR_PROBABILITY"),
        (&[("KINESIS_LATENCY", "-1")], 2, "KINESIS_LATENCY"),
        (&one_stream_too_many, 2, "stream a"),
        (&[("CUSTOM_SSL_CERT_PATH", "/nowhere/server.pem")], 2, "/nowhere/server.pem"),
    ] {
        let (status, stdout, stderr) = refusal(&mut command(variables));
        assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(code), "", 1), "{stderr}");
        assert!(stderr.contains(named), "{stderr}");
    }
    let (status, stdout, stderr) = refusal(command(&[]).arg("--nonsense"));
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("--nonsense"), "{stderr}");
}

/// Protects: help names every setting, and it and the version are no failure.
#[test]
fn help_and_version() {
    let (status, stdout, _) = refusal(command(&[]).arg("--help"));
    assert_eq!(status, Some(0));
    let table = shardmill::config::settings_table_markdown();
    let flags = table.split('`').filter_map(|part| part.strip_prefix("--")?.split([' ', '[']).next());
    for flag in flags {
        assert!(stdout.contains(&format!("--{flag}")), "{flag} is not in\n{stdout}");
    }
    let (status, stdout, _) = refusal(command(&[]).arg("--version"));
    assert_eq!((status, stdout.trim()), (Some(0), concat!("shardmill ", env!("CARGO_PKG_VERSION"))));
}
