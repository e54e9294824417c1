//! SubscribeToShard over HTTP/1.1: what is pushed, message by message, read by a parser of the test's own (reference
//! 13.1).

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::Config;

use crate::client::{Answer, Connection};
use crate::setup::{TestServer, config, shard_id};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const CONSUMER: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1700000000";
const EVENT: &str = "event SubscribeToShardEvent application/json";

/// A subscription, with what has come in of it.
struct Subscription {
    connection: Connection,
    unread: Vec<u8>,
}

impl Subscription {
    /// Subscribes consumer `c` of stream `s` to its first shard.
    fn to(server: &TestServer, position: &Value) -> Self {
        Self::to_shard(server, 0, position)
    }

    fn to_shard(server: &TestServer, shard: u32, position: &Value) -> Self {
        let mut connection = server.connect();
        let head = begin(&mut connection, shard, position);
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("content-type"), Some("application/vnd.amazon.eventstream"));
        assert_eq!(
            (head.header("content-length"), head.header("transfer-encoding")),
            (None, Some("chunked"))
        );
        assert!(head.header("x-amzn-requestid").is_some() && head.header("x-amz-id-2").is_some());
        let mut subscription = Self { connection, unread: Vec::new() };
        let first = subscription.message().unwrap();
        assert_eq!(first, ("event initial-response application/x-amz-json-1.1".to_owned(), json!({})));
        subscription
    }

    /// The next message: its three headers and its payload.
    fn message(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(message) = take_message(&mut self.unread) {
                return Some(message);
            }
            match self.connection.chunk() {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => {
                    assert_eq!(self.unread, b"");
                    return None;
                }
            }
        }
    }

    /// The next message, which is an event.
    fn event(&mut self) -> Value {
        let (kind, event) = self.message().expect("an event");
        assert_eq!(kind, EVENT, "{event}");
        event
    }

    /// What is told at the end.
    fn exception(&mut self) -> (String, Value) {
        let exception = self.message().expect("an exception");
        assert_eq!(self.message(), None, "nothing follows an exception");
        exception
    }
}

fn begin(connection: &mut Connection, shard: u32, position: &Value) -> Answer {
    let input = json!({"ConsumerARN": CONSUMER, "ShardId": shard_id(shard), "StartingPosition": position});
    connection.send(crate::setup::call("SubscribeToShard", input.to_string()));
    connection.begin_answer()
}

/// The first message in `bytes`, if it is whole: lengths and both checksums hold.
fn take_message(bytes: &mut Vec<u8>) -> Option<(String, Value)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().unwrap()));
    let (length, headers_length) = (number(0)? as usize, number(4)? as usize);
    if bytes.len() < length {
        return None;
    }
    assert_eq!(number(8), Some(crc32fast::hash(&bytes[..8])));
    assert_eq!(number(length - 4), Some(crc32fast::hash(&bytes[..length - 4])));
    let mut headers = &bytes[12..12 + headers_length];
    let mut values = Vec::new();
    for names in [&[":message-type"][..], &[":event-type", ":exception-type"], &[":content-type"]] {
        let (name, rest) = headers[1..].split_at(usize::from(headers[0]));
        assert!(names.contains(&std::str::from_utf8(name).unwrap()), "{name:?}");
        assert_eq!(rest[0], 7, "a text");
        let value_length = usize::from(u16::from_be_bytes([rest[1], rest[2]]));
        let (value, rest) = rest[3..].split_at(value_length);
        values.push(String::from_utf8(value.to_vec()).unwrap());
        headers = rest;
    }
    assert_eq!(headers, b"");
    let payload = serde_json::from_slice(&bytes[12 + headers_length..length - 4]).unwrap();
    bytes.drain(..length);
    Some((values.join(" "), payload))
}

/// A server with stream `s` and its consumer `c`, ACTIVE.
fn server() -> TestServer {
    server_with(config())
}

fn server_with(config: Config) -> TestServer {
    let transition = Duration::from_millis(config.latency_ms);
    let server = TestServer::with(config);
    server.create("s", 1);
    server.clock.advance(transition);
    let answer = server.call("RegisterStreamConsumer", &json!({"StreamARN": ARN, "ConsumerName": "c"}));
    assert_eq!(answer.json()["Consumer"]["ConsumerARN"], CONSUMER);
    server.clock.advance(transition);
    server
}

fn latest() -> Value {
    json!({"Type": "LATEST"})
}

fn put(server: &TestServer, data: &str) -> String {
    let input = json!({"StreamName": "s", "PartitionKey": "k", "Data": data});
    let answer = server.call("PutRecord", &input);
    answer.json()["SequenceNumber"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn data(event: &Value) -> Vec<&str> {
    event["Records"].as_array().unwrap().iter().map(|record| record["Data"].as_str().unwrap()).collect()
}

/// Protects: records are pushed as they are put, exactly as GetRecords shows them, each event with the number of its
/// last record to go on from.
#[test]
fn records_are_pushed() {
    let server = server();
    put(&server, "AAAA");
    let mut subscription = Subscription::to(&server, &latest());
    for data in ["BBBB", "CCCC"] {
        let number = put(&server, data);
        let event = subscription.event();
        assert_eq!(event["ContinuationSequenceNumber"], number);
        assert_eq!((event["MillisBehindLatest"].as_u64(), event.get("ChildShards")), (Some(0), None));
        let stored = server.connect().read_all(0);
        assert_eq!(event["Records"], json!([stored.last()]));
        let members: Vec<_> = event["Records"][0].as_object().unwrap().keys().collect();
        assert_eq!(members, ["ApproximateArrivalTimestamp", "Data", "PartitionKey", "SequenceNumber"]);
    }
}

/// Protects: the five starting positions.
#[test]
fn starting_positions() {
    let server = server();
    let numbers: Vec<_> = ["AAAA", "BBBB", "CCCC"]
        .into_iter()
        .map(|data| {
            server.clock.advance(Duration::from_secs(10));
            put(&server, data)
        })
        .collect();
    for (position, expected) in [
        (json!({"Type": "TRIM_HORIZON"}), &["AAAA", "BBBB", "CCCC"][..]),
        (json!({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}), &["BBBB", "CCCC"]),
        (json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}), &["CCCC"]),
        (json!({"Type": "AT_TIMESTAMP", "Timestamp": 1_700_000_020}), &["BBBB", "CCCC"]),
        (latest(), &[]),
    ] {
        server.clock.advance(Duration::from_secs(5));
        let mut subscription = Subscription::to(&server, &position);
        if expected.is_empty() {
            server.clock.advance(Duration::from_secs(5));
        }
        assert_eq!(data(&subscription.event()), expected, "{position}");
    }
}

/// Protects: a subscriber that hears nothing hears so every 5 s, with a number that moves on, belongs to the shard, and
/// loses nothing when reading goes on at or after it; also where nothing was ever put.
#[test]
fn idle_subscribers_hear_from_us() {
    let server = server();
    let mut resumed = Vec::new();
    for stored in ["", "AAAA"] {
        if !stored.is_empty() {
            put(&server, stored);
        }
        let mut subscription = Subscription::to(&server, &latest());
        let mut last = String::new();
        for _ in 0..3 {
            server.clock.advance(Duration::from_secs(5));
            let event = subscription.event();
            assert_eq!((data(&event), event["MillisBehindLatest"].as_u64()), (vec![], Some(0)));
            let number = event["ContinuationSequenceNumber"].as_str().unwrap().to_owned();
            assert!(number > last, "{number} after {last}");
            last = number;
        }
        resumed.push(last);
    }
    put(&server, "BBBB");
    let mut seen = Vec::new();
    for number in &resumed {
        for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            server.clock.advance(Duration::from_secs(5));
            let position = json!({"Type": kind, "SequenceNumber": number});
            let event = Subscription::to(&server, &position).event();
            seen.push(data(&event).join(" "));
        }
    }
    assert_eq!(seen, ["AAAA BBBB", "AAAA BBBB", "AAAA BBBB", "BBBB"]);
}

/// Protects: a subscription ends after five minutes, in order, and its connection serves on.
#[test]
fn five_minutes() {
    let server = server();
    let mut subscription = Subscription::to(&server, &latest());
    server.clock.advance(Duration::from_millis(299_999));
    assert_eq!(data(&subscription.event()), Vec::<&str>::new());
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(subscription.message(), None);
    assert_eq!(subscription.connection.call("DescribeLimits", &json!({})).status, 200);
}

/// Protects: E40 within 5 s of a success; after them the newer subscription takes over, and the older one is told.
#[test]
fn one_subscription_for_a_consumer_and_shard() {
    let server = server();
    let text = "Another active subscription exists for this consumer: 000000000000:s:shardId-000000000000:c";
    let mut older = Subscription::to(&server, &latest());
    server.clock.advance(Duration::from_millis(4_999));
    let refused = begin(&mut server.connect(), 0, &latest());
    assert_eq!(refused.status, 400);
    let input = json!({"ConsumerARN": CONSUMER, "ShardId": shard_id(0), "StartingPosition": latest()});
    let refused = server.call("SubscribeToShard", &input);
    let body = json!({"__type": "ResourceInUseException", "message": text});
    assert_eq!((refused.status, refused.json()), (400, body));
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(data(&older.event()), Vec::<&str>::new());
    let mut newer = Subscription::to(&server, &latest());
    let kind = "exception ResourceInUseException application/json".to_owned();
    assert_eq!(older.exception(), (kind, json!({"message": text})));
    put(&server, "AAAA");
    assert_eq!(data(&newer.event()), ["AAAA"]);
}

/// Protects: a subscription whose client has gone is forgotten, and others need not wait for it longer than 5 s.
#[test]
fn clients_that_go() {
    let server = server();
    for _ in 0..3 {
        drop(Subscription::to(&server, &latest()));
        server.clock.advance(Duration::from_secs(5));
    }
}

/// Protects: deregistration, and deletion of the stream, end subscriptions with an exception.
#[test]
fn consumers_that_go() {
    let not_found = |consumer: &str| {
        let kind = "exception ResourceNotFoundException application/json".to_owned();
        (kind, json!({"message": format!("Consumer {consumer}, account 000000000000 not found.")}))
    };
    for (operation, input) in [
        ("DeregisterStreamConsumer", json!({"ConsumerARN": CONSUMER})),
        ("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": true})),
    ] {
        let server = server();
        let mut subscription = Subscription::to(&server, &latest());
        assert_eq!(server.call(operation, &input).both(), (200, ""));
        assert_eq!(subscription.exception(), not_found(CONSUMER), "{operation}");
    }
}

/// Protects: the end of a closed shard: what is left of it, then its children and no number to go on from, then the end;
/// the same for who comes later.
#[test]
fn the_end_of_a_shard() {
    let server = server();
    let mut subscription = Subscription::to(&server, &latest());
    put(&server, "AAAA");
    assert_eq!(data(&subscription.event()), ["AAAA"]);
    let split = json!({"StreamName": "s", "ShardToSplit": shard_id(0), "NewStartingHashKey": "170141183460469231731687303715884105728"});
    assert_eq!(server.call("SplitShard", &split).both(), (200, ""));
    let last = subscription.event();
    let child = |shard: u32, start: &str, end: &str| {
        json!({
            "ShardId": shard_id(shard),
            "ParentShards": [shard_id(0)],
            "HashKeyRange": {"StartingHashKey": start, "EndingHashKey": end},
        })
    };
    let half = "170141183460469231731687303715884105727";
    let expected = json!({
        "Records": [],
        "MillisBehindLatest": 0,
        "ChildShards": [
            child(1, "0", half),
            child(2, "170141183460469231731687303715884105728", "340282366920938463463374607431768211455"),
        ],
    });
    assert_eq!((&last, subscription.message()), (&expected, None));
    for (position, records) in [(latest(), 0), (json!({"Type": "TRIM_HORIZON"}), 1)] {
        server.clock.advance(Duration::from_secs(5));
        let mut late = Subscription::to(&server, &position);
        let event = late.event();
        assert_eq!(data(&event).len(), records);
        assert_eq!((&event["ChildShards"], late.message()), (&expected["ChildShards"], None));
        assert_eq!(event.get("ContinuationSequenceNumber"), None);
    }
}

/// Protects: what is refused before anything is pushed, to the letter: E6, E7, E10 to E16, E39, E41, and a dry run.
#[test]
fn refusals() {
    let server = server_with(Config { latency_ms: 500, ..config() });
    let number = put(&server, "AAAA");
    let register = json!({"StreamARN": ARN, "ConsumerName": "young"});
    let young = server.call("RegisterStreamConsumer", &register).json()["Consumer"]["ConsumerARN"].take();
    let young_text = "Consumer young with creation timestamp 1700000001 under stream: s , account 000000000000 is not in \
                      ACTIVE status.";
    let base = json!({"ConsumerARN": CONSUMER, "ShardId": shard_id(0), "StartingPosition": latest()});
    let with = |name: &str, value: Value| {
        let mut input = base.clone();
        input[name] = value;
        input
    };
    let start = |position: Value| with("StartingPosition", position);
    for (input, kind, text) in [
        (
            with("ConsumerARN", json!(CONSUMER.replace("/c:", "/d:"))),
            "ResourceNotFoundException",
            "Consumer arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/d:1700000000, account 000000000000 not \
             found.",
        ),
        (with("ConsumerARN", young), "ResourceInUseException", young_text),
        (
            with("ShardId", json!("shardId-000000000007")),
            "ResourceNotFoundException",
            "Shard shardId-000000000007 in stream s under account 000000000000 does not exist",
        ),
        (
            with("ShardId", json!("nonsense")),
            "ResourceNotFoundException",
            "Could not find shard nonsense in stream s under account 000000000000.",
        ),
        (
            start(json!({"Type": "AT_SEQUENCE_NUMBER"})),
            "InvalidArgumentException",
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified AT_SEQUENCE_NUMBER and no \
             StartingSequenceNumber.",
        ),
        (
            start(json!({"Type": "LATEST", "SequenceNumber": number})),
            "InvalidArgumentException",
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified LATEST and also a \
             StartingSequenceNumber.",
        ),
        (
            start(json!({"Type": "AT_TIMESTAMP"})),
            "InvalidArgumentException",
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp \
             parameter.",
        ),
        (with("DryRun", json!(true)), "DryRunOperationException", ""),
    ] {
        let answer = server.call("SubscribeToShard", &input);
        let body = answer.json();
        assert_eq!((answer.status, body["__type"].as_str()), (400, Some(kind)), "{input}: {body}");
        if !text.is_empty() {
            assert_eq!(body["message"], text, "{input}");
        }
    }
    // None of these counts as a subscription.
    Subscription::to(&server, &latest());
}

/// Protects: the largest record there may be comes in one event, and what is small comes many to an event, but not
/// without end.
#[test]
fn large_and_many() {
    let server = server();
    let size = json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240});
    assert_eq!(server.call("UpdateMaxRecordSize", &size).status, 200);
    let large = "A".repeat(((10 << 20) - 4) / 3 * 4);
    put(&server, &large);
    let records: Vec<_> = (0..500).map(|_| json!({"Data": "AAAA", "PartitionKey": "k"})).collect();
    let answer = server.call("PutRecords", &json!({"StreamName": "s", "Records": records}));
    assert_eq!(answer.json()["FailedRecordCount"], 0);
    let mut subscription = Subscription::to(&server, &json!({"Type": "TRIM_HORIZON"}));
    assert_eq!(data(&subscription.event()), [large]);
    let mut counts = Vec::new();
    while counts.iter().sum::<usize>() < 500 {
        let event = subscription.event();
        counts.push(data(&event).len());
        let is_last = counts.iter().sum::<usize>() == 500;
        assert_eq!(event["MillisBehindLatest"] == 0, is_last);
    }
    assert_eq!(counts, [128, 128, 128, 116]);
}

/// Protects: a server that stops does not wait for subscriptions to end by themselves.
#[test]
fn a_stop_ends_subscriptions() {
    let server = server();
    let mut subscription = Subscription::to(&server, &latest());
    let stopped = std::thread::spawn(move || server.into_server().shutdown());
    assert_eq!(subscription.message(), None);
    assert_eq!(stopped.join().unwrap().connections_cut, 0);
}
