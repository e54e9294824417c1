//! A service without sockets, with a little of everything in it, and one connection to it.

use serde_json::{Value, json};
use shardmill::clock::MovableClock;
use shardmill::config::{Config, InitialStream, Limit};
use shardmill::in_memory::InMemory;
use shardmill::names::{Region, StreamName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::tape::Tape;
use crate::client::request;
use crate::setup::{JSON, SIGNED, START_MS};

/// The media type of the other codec.
pub(super) const CBOR: &str = "application/x-amz-cbor-1.1";
/// The media type of an answer that goes on, whatever the codec of its request.
pub(super) const EVENTS: &str = "application/vnd.amazon.eventstream";
/// Bytes that the connection carries at once: bodies come in several frames.
const CARRIED_BYTES: usize = 4 << 10;

/// A service and a connection, another one after each answer that goes on.
pub(super) struct Session {
    stream: DuplexStream,
    /// Tokens of it: an iterator, and what the three listings go on with.
    pub(super) tokens: Vec<String>,
    service: InMemory,
}

/// An answer; of one that goes on, its first message.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Session {
    /// Streams `s` and `t`, a record, consumers `c` and `d`.
    pub(super) async fn start() -> Self {
        let initial = |name| InitialStream {
            name: StreamName::parse(name).unwrap(),
            shards: 2,
            region: Region::US_EAST_1,
        };
        let config = Config {
            latency_ms: 0,
            shard_limit: Limit::At(12),
            initialize_streams: vec![initial("s"), initial("t")],
            ..Config::default()
        };
        let service = InMemory::start(&config, MovableClock::new(START_MS).clock()).expect("a service");
        let mut session = Self { stream: connect(&service), tokens: Vec::new(), service };
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        for name in ["c", "d"] {
            session.ask("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": name})).await;
        }
        session.ask("PutRecord", json!({"StreamName": "s", "Data": "AAAA", "PartitionKey": "k"})).await;
        for (operation, input, token) in [
            (
                "GetShardIterator",
                json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"}),
                "ShardIterator",
            ),
            ("ListShards", json!({"StreamName": "s", "MaxResults": 1}), "NextToken"),
            ("ListStreams", json!({"Limit": 1}), "NextToken"),
            ("ListStreamConsumers", json!({"StreamARN": arn, "MaxResults": 1}), "NextToken"),
        ] {
            let reply = session.ask(operation, input).await;
            session.tokens.push(reply[token].as_str().expect("a token").to_owned());
        }
        session
    }

    async fn ask(&mut self, operation: &str, input: Value) -> Value {
        let answer = self.call(operation, JSON, input.to_string().as_bytes(), &mut Tape::new(&[])).await;
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// The answer to a signed request, whose bytes come in pieces of the tape's choice.
    pub(super) async fn call(
        &mut self,
        operation: &str,
        content_type: &str,
        body: &[u8],
        tape: &mut Tape<'_>,
    ) -> Answer {
        let target = format!("Kinesis_20131202.{operation}");
        let fields = [SIGNED[0], SIGNED[1], ("Content-Type", content_type), ("X-Amz-Target", &target)];
        let request = request("POST /", &fields, body);
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            let bytes = if tape.one_in(2) { 1 + tape.below(rest.len().min(600)) } else { rest.len() };
            let (piece, more) = rest.split_at(bytes);
            self.stream.write_all(piece).await.expect("the service reads");
            tokio::task::yield_now().await;
            rest = more;
        }
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("a head of text");
        let field = |wanted: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
        };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let content_type = field("content-type");
        let body = if content_type.as_deref() == Some(EVENTS) {
            let message = self.first_message().await;
            self.stream = connect(&self.service);
            message
        } else {
            let mut body = vec![0; field("content-length").expect("a length").parse().unwrap()];
            self.stream.read_exact(&mut body).await.expect("a whole body");
            body
        };
        Answer { status, content_type, body }
    }

    /// The first message of an answer that goes on, which begins its first chunk.
    async fn first_message(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.stream.read_u8().await.expect("a chunk"));
        }
        let line = str::from_utf8(&line).expect("a line of text").trim_end();
        let mut chunk = vec![0; usize::from_str_radix(line, 16).expect("a length")];
        self.stream.read_exact(&mut chunk).await.expect("a whole chunk");
        let length = chunk.first_chunk().map(|length| u32::from_be_bytes(*length)).expect("a message");
        chunk.truncate(length.try_into().unwrap());
        chunk
    }
}

fn connect(service: &InMemory) -> DuplexStream {
    let (stream, other) = tokio::io::duplex(CARRIED_BYTES);
    tokio::spawn(service.serve(other));
    stream
}
