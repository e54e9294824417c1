//! HTTP/2 by prior knowledge: what Java's SDK speaks to an endpoint without TLS.

use std::net::TcpListener;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::setup::{TestServer, shard_id, wait_until};
use crate::speakers::{Http2, begun, head, whole, within};

fn put(key: &str) -> Value {
    json!({"StreamName": "s", "Data": "AAAA", "PartitionKey": key})
}

/// Every record of shard 0 of stream `s`.
async fn read_all(client: &Http2) -> Vec<Value> {
    let input = json!({"StreamName": "s", "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
    let mut iterator = client.call("GetShardIterator", &input).await.json()["ShardIterator"].take();
    let mut records = Vec::new();
    loop {
        let mut page = client.call("GetRecords", &json!({"ShardIterator": iterator})).await.json();
        let Value::Array(some) = page["Records"].take() else { panic!("{page}") };
        if some.is_empty() {
            return records;
        }
        records.extend(some);
        iterator = page["NextShardIterator"].take();
    }
}

/// Protects: the same answers as over HTTP/1.1, with the fields that every answer carries, on a port that goes on to take
/// HTTP/1.1.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn prior_knowledge() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let answer = client.call("PutRecord", &put("k")).await;
    assert_eq!(answer.head.status(), 200);
    for name in ["x-amzn-requestid", "x-amz-id-2", "date", "content-length"] {
        assert!(answer.head.headers().contains_key(name), "{answer:?}");
    }
    assert!(!answer.head.headers().contains_key("connection"));
    assert_eq!(answer.head.headers()["content-type"], "application/x-amz-json-1.1");
    assert_eq!(read_all(&client).await[0]["PartitionKey"], "k");
    let refusal = client.call("DescribeStreamSummary", &json!({"StreamName": "other"})).await;
    let over_http1 = server.call("DescribeStreamSummary", &json!({"StreamName": "other"}));
    assert_eq!(refusal.both(), over_http1.both());
    assert_eq!(client.get("/_shardmill/health").await.json()["status"], "ok");
}

/// Protects: an operation without output has an empty body in HTTP/2 as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn empty_bodies() {
    let server = TestServer::start();
    let client = Http2::open(server.address).await;
    let answer = client.call("CreateStream", &json!({"StreamName": "s", "ShardCount": 1})).await;
    assert_eq!(answer.both(), (200, ""));
    let (answer, mut stream) = client.begin("ListStreams", Some(0)).await;
    stream.send_data(Bytes::new(), true).unwrap();
    assert_eq!(whole(answer).await.both(), (400, r#"{"__type":"SerializationException"}"#));
}

/// Protects: requests of one connection do not wait for each other, and a thousand at once are all answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_streams() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let body = Bytes::from(put("first").to_string());
    let (first, mut stream) = client.begin("PutRecord", Some(body.len())).await;
    let others: Vec<_> = (0..1_000)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(
                async move { client.call("PutRecord", &put(&number.to_string())).await.head.status() },
            )
        })
        .collect();
    for other in others {
        assert_eq!(within(other).await.unwrap(), 200);
    }
    stream.send_data(body, true).unwrap();
    assert_eq!(whole(first).await.head.status(), 200);
    let records = read_all(&client).await;
    assert_eq!((records.len(), &records[1_000]["PartitionKey"]), (1_001, &json!("first")));
}

/// Protects: a client that sends its preface byte by byte is understood, and one that ends in the middle of it ends alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_preface_in_pieces() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let server = TestServer::start();
    for sent in [1, 2, 3, 4, PREFACE.len() - 1, PREFACE.len()] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        for byte in &PREFACE[..sent] {
            socket.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        if sent < PREFACE.len() {
            socket.shutdown().await.unwrap();
            let mut rest = Vec::new();
            within(socket.read_to_end(&mut rest)).await.unwrap();
            continue;
        }
        socket.write_all(EMPTY_SETTINGS).await.unwrap();
        let mut frame = [0; 9];
        within(socket.read_exact(&mut frame)).await.unwrap();
        assert_eq!(frame[3], 4, "settings come first: {frame:?}");
    }
    assert_eq!(server.call("ListStreams", &json!({})).status, 200);
}

/// Protects: the largest batch and the largest page go through windows that are far smaller.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn large_bodies() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let data = "AAAA".repeat(6_990);
    let records = vec![json!({"Data": data, "PartitionKey": "k"}); 500];
    let put = client.call("PutRecords", &json!({"StreamName": "s", "Records": records})).await;
    assert_eq!(put.json()["FailedRecordCount"], 0);
    let read = read_all(&client).await;
    assert_eq!(read.len(), 500);
    assert!(read.iter().all(|record| record["Data"] == *data));
}

/// Protects: what is too large is refused in its stream, declared or not, and the connection goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn too_large() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let (answer, _stream) = client.begin("PutRecord", Some((16 << 20) + 1)).await;
    assert_eq!(begun(answer).await.0.status(), 413);
    let (answer, mut stream) = client.begin("PutRecord", None).await;
    let part = Bytes::from(vec![b' '; 1 << 20]);
    for _ in 0..17 {
        let _ = stream.send_data(part.clone(), false);
    }
    assert_eq!(begun(answer).await.0.status(), 413);
    let mut long = head("ListStreams", Some(2));
    for number in 0..40 {
        let name: http::HeaderName = format!("x-long-{number}").parse().unwrap();
        long.headers_mut().insert(name, "x".repeat(1 << 10).parse().unwrap());
    }
    let (answer, _stream) = client.send(long).await;
    assert_eq!(begun(answer).await.0.status(), 431);
    assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200);
}

/// Protects: a reader that takes nothing of its answer holds up no other stream of its connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_reader() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let data = "AAAA".repeat(1 << 18);
    for _ in 0..9 {
        let answer =
            client.call("PutRecord", &json!({"StreamName": "s", "Data": data, "PartitionKey": "k"})).await;
        assert_eq!(answer.head.status(), 200);
    }
    let input = json!({"StreamName": "s", "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = client.call("GetShardIterator", &input).await.json()["ShardIterator"].take();
    let body = Bytes::from(json!({"ShardIterator": iterator}).to_string());
    let mut slow = Vec::new();
    for _ in 0..4 {
        let (answer, mut stream) = client.begin("GetRecords", Some(body.len())).await;
        stream.send_data(body.clone(), true).unwrap();
        slow.push(begun(answer).await.1);
    }
    assert_eq!(client.post("GetRecords", body).await.json()["Records"].as_array().map(Vec::len), Some(9));
    for stream in &mut slow {
        assert!(within(stream.data()).await.is_some_and(|part| part.is_ok()));
    }
}

/// Protects: when the server stops, a stream that has begun is finished, idle connections are told to go, and nobody
/// counts as cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn graceful() {
    let server = TestServer::with_stream(1);
    let address = server.address;
    let (idle, busy) = (Http2::open(address).await, Http2::open(address).await);
    assert_eq!(idle.call("ListStreams", &json!({})).await.head.status(), 200);
    let body = Bytes::from(put("k").to_string());
    let (answer, mut stream) = busy.begin("PutRecord", Some(body.len())).await;
    // The stream has begun for certain when one after it was answered.
    assert_eq!(busy.call("ListStreams", &json!({})).await.head.status(), 200);
    let server = server.into_server();
    let ending = tokio::task::spawn_blocking(move || server.shutdown());
    let refused = tokio::task::spawn_blocking(move || {
        wait_until("the port is free", || TcpListener::bind(address).is_ok());
    });
    within(refused).await.unwrap();
    stream.send_data(body, true).unwrap();
    assert_eq!(whole(answer).await.json()["ShardId"], shard_id(0));
    assert_eq!(within(ending).await.unwrap().connections_cut, 0);
}

/// An HTTP/2 connection of raw frames, past its preface.
async fn raw(server: &TestServer) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    socket
}

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const END_STREAM_AND_HEADERS: u8 = 0x5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET of the health page: `:method`, `:scheme` and `:path` from HPACK's static table, and another header field.
fn head_block(name: &str, value: &str) -> Vec<u8> {
    let path = "/_shardmill/health";
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend_from_slice(path.as_bytes());
    // A field with a new name, not to be remembered.
    block.push(0x00);
    for text in [name, value] {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend_from_slice(text.as_bytes());
    }
    block
}

/// The kind, stream and payload of the next frame; `None` at the end of the connection.
async fn next_frame(socket: &mut TcpStream) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    within(socket.read_exact(&mut head)).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    within(socket.read_exact(&mut payload)).await.ok()?;
    Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// Protects: a client that opens streams and resets them at once (CVE-2023-44487) is told to go, and holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rapid_reset() {
    let server = TestServer::start();
    let mut socket = raw(&server).await;
    let mut burst = Vec::new();
    for number in 0..20_000 {
        let stream = 2 * number + 1;
        burst.extend(frame(HEADERS, END_STREAM_AND_HEADERS, stream, &head_block("a", "b")));
        burst.extend(frame(RESET, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may stop reading before the end of it.
    let _ = socket.write_all(&burst).await;
    loop {
        // A connection that is cut off instead is as good.
        let Some((kind, _, payload)) = next_frame(&mut socket).await else { break };
        if kind == GO_AWAY {
            const ENHANCE_YOUR_CALM: u8 = 0xb;
            assert_eq!(payload[7], ENHANCE_YOUR_CALM);
            break;
        }
    }
    assert_eq!(server.call("ListStreams", &json!({})).status, 200);
}

/// Protects: settings and pings without end are answered one by one or ended, but not stored while their client reads no
/// answer; others do not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn floods_of_settings_and_pings() {
    let server = TestServer::start();
    for flood in [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[7; 8])] {
        let mut socket = raw(&server).await;
        let flood = flood.repeat(10_000);
        // Ends when neither side's buffers take any more, as they must if the server stores nothing.
        let sent = async { while socket.write_all(&flood).await.is_ok() {} };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(300), sent).await;
        let client = Http2::open(server.address).await;
        assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200);
    }
}

/// Protects: fields that belong to a connection have no place in HTTP/2 (RFC 9113, 8.2.2): such a stream is reset, and the
/// connection goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn fields_of_connections() {
    let server = TestServer::start();
    let mut socket = raw(&server).await;
    let fields = [("connection", "close"), ("transfer-encoding", "chunked"), ("keep-alive", "1"), ("a", "b")];
    for (number, (name, value)) in (0..).zip(fields) {
        let head = frame(HEADERS, END_STREAM_AND_HEADERS, 2 * number + 1, &head_block(name, value));
        socket.write_all(&head).await.unwrap();
    }
    let mut ended = Vec::new();
    while ended.len() < fields.len() {
        let (kind, stream, payload) = next_frame(&mut socket).await.expect("a frame");
        if stream > 0 && (kind == RESET || kind == HEADERS) {
            const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];
            assert!(kind == HEADERS || payload == PROTOCOL_ERROR, "{payload:?}");
            ended.push((stream, kind));
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, [(1, RESET), (3, RESET), (5, RESET), (7, HEADERS)]);
}

/// Protects: fields after a body are let by.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn trailers() {
    let server = TestServer::with_stream(1);
    let client = Http2::open(server.address).await;
    let body = Bytes::from(put("k").to_string());
    let (answer, mut stream) = client.begin("PutRecord", Some(body.len())).await;
    stream.send_data(body, false).unwrap();
    let mut fields = http::HeaderMap::new();
    fields.insert("x-checksum", "1".parse().unwrap());
    stream.send_trailers(fields).unwrap();
    assert_eq!(whole(answer).await.head.status(), 200);
}
