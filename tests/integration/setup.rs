//! A server for each test, on a clock that stands still, and the requests that most tests make.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use shardmill::Server;
use shardmill::clock::MovableClock;
use shardmill::config::{Config, Limit};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::client::{Answer, Connection, request};

/// When the clock of every test starts, epoch milliseconds.
pub(crate) const START_MS: u64 = 1_700_000_000_000;
/// The media type of the JSON codec.
pub(crate) const JSON: &str = "application/x-amz-json-1.1";
/// A condition that does not hold after this long fails its test.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fields of a signed request; the signature itself is not checked by anyone.
pub(crate) const SIGNED: [(&str, &str); 2] = [
    (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=abcdef",
    ),
    ("X-Amz-Date", "20231114T221320Z"),
];

/// A server that ends with its test.
pub(crate) struct TestServer {
    server: Option<Server>,
    pub(crate) clock: MovableClock,
    pub(crate) address: SocketAddr,
}

/// The settings of most tests: any free port, no transition times, no shard quota.
pub(crate) fn config() -> Config {
    Config { port: 0, latency_ms: 0, shard_limit: Limit::Infinite, ..Config::default() }
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        let clock = MovableClock::new(START_MS);
        let server = Server::start(config, clock.clock()).expect("a server");
        Self { address: server.local_addr(), server: Some(server), clock }
    }

    /// A server with one stream `s` of so many shards.
    pub(crate) fn with_stream(shards: u32) -> Self {
        let server = Self::start();
        server.create("s", shards);
        server
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// The answer to one operation, on a connection of its own.
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Answer {
        self.connect().call(operation, input)
    }

    pub(crate) fn create(&self, name: &str, shards: u32) {
        let answer = self.call("CreateStream", &json!({"StreamName": name, "ShardCount": shards}));
        assert_eq!(answer.both(), (200, ""));
    }

    /// Hands the server out, for tests about its end.
    pub(crate) fn into_server(mut self) -> Server {
        self.server.take().expect("a server that runs")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let runtime = Handle::try_current().map(|runtime| runtime.runtime_flavor());
            assert!(
                !matches!(runtime, Ok(RuntimeFlavor::CurrentThread)) || std::thread::panicking(),
                "a client on the thread that waits for the server's end cannot see it: take a runtime of several"
            );
            server.shutdown();
        }
    }
}

impl Connection {
    /// The answer to one operation.
    pub(crate) fn call(&mut self, operation: &str, input: &Value) -> Answer {
        self.send(call(operation, input.to_string()));
        self.answer()
    }

    /// Sends the head of a request and waits until the server has begun with it and wants the body.
    pub(crate) fn begin(&mut self, operation: &str, body_bytes: usize) {
        self.send(head(operation, &format!("Expect: 100-continue\r\nContent-Length: {body_bytes}")));
        assert_eq!(self.answer().status, 100);
    }

    /// A shard iterator of stream `s` at its horizon.
    pub(crate) fn trim_horizon(&mut self, shard: u32) -> String {
        let input =
            json!({"StreamName": "s", "ShardId": shard_id(shard), "ShardIteratorType": "TRIM_HORIZON"});
        let answer = self.call("GetShardIterator", &input);
        answer.json()["ShardIterator"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Every record that a shard of stream `s` holds now.
    pub(crate) fn read_all(&mut self, shard: u32) -> Vec<Value> {
        let mut iterator = self.trim_horizon(shard);
        let mut records = Vec::new();
        loop {
            let answer = self.call("GetRecords", &json!({"ShardIterator": iterator}));
            assert_eq!(answer.status, 200, "{answer:?}");
            let mut page = answer.json();
            match page["Records"].take() {
                Value::Array(page) if page.is_empty() => return records,
                Value::Array(page) => records.extend(page),
                other => panic!("Records is {other}"),
            }
            iterator = page["NextShardIterator"].as_str().expect("an open shard").to_owned();
        }
    }
}

/// The bytes of a signed request for an operation.
pub(crate) fn call(operation: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let target = target(operation);
    let fields = [SIGNED[0], SIGNED[1], ("Content-Type", JSON), ("X-Amz-Target", &target)];
    request("POST /", &fields, body.as_ref())
}

/// The head of a signed request, with these fields about its body.
pub(crate) fn head(operation: &str, about_body: &str) -> String {
    let [(authorization, credential), (date_name, date)] = SIGNED;
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{authorization}: {credential}\r\n{date_name}: {date}\r\n\
         Content-Type: {JSON}\r\nX-Amz-Target: {}\r\n{about_body}\r\n\r\n",
        target(operation)
    )
}

/// The target of an operation.
pub(crate) fn target(operation: &str) -> String {
    format!("Kinesis_20131202.{operation}")
}

pub(crate) fn shard_id(index: u32) -> String {
    format!("shardId-{index:012}")
}

/// Waits until a condition holds; fails the test if it does not within [`PATIENCE`].
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// Different ports that nobody listens on, for servers that are told theirs. The system gives them to nobody who asks for
/// any, so that no other test has them by the time the server takes them, or takes them again.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    const PORTS: std::ops::Range<u16> = 10_000..30_000;
    static TRIED: AtomicU32 = AtomicU32::new(0);
    // Other processes may run the same tests.
    let first = std::process::id().wrapping_mul(97);
    let next = || {
        let number =
            first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % u32::from(PORTS.end - PORTS.start);
        PORTS.start + u16::try_from(number).unwrap()
    };
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    [(); N].map(|()| std::iter::repeat_with(next).take(PORTS.len()).find(is_free).expect("a free port"))
}

/// Lets this process have as many sockets as the system would give it. Both ends of each connection are in it, and the
/// usual first limit is 1,024.
pub(crate) fn allow_many_sockets() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("the system's own limit");
}
