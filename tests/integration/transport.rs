//! Bodies and connections as clients really send them: kept alive, pipelined, chunked, announced, and too large.

use serde_json::json;

use crate::client::{Connection, request};
use crate::setup::{TestServer, call, head};

/// Bytes of a request body that are taken, at most.
const BODY_BYTES_MAX: usize = 16 << 20;

/// A body in chunks of so many bytes.
fn chunked(body: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(chunk_bytes) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

/// A PutRecord whose body has exactly this many bytes: blanks make up the difference.
fn put_of(bytes: usize) -> Vec<u8> {
    let mut body = br#"{"StreamName":"s","Data":"AA==","PartitionKey":"k""#.to_vec();
    body.resize(bytes - 1, b' ');
    body.push(b'}');
    body
}

/// Protects: one connection serves one request after the other, refused ones too, and answers keep their order
/// when the next request does not wait for them.
#[test]
fn kept_alive_and_pipelined() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    for round in 0..3 {
        let mut burst = Vec::new();
        for number in 0..20 {
            let key = format!("{round}-{number}");
            let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": key});
            burst.extend(call("PutRecord", put.to_string()));
            burst.extend(call("PutRecord", "hello"));
            burst.extend(request("GET /", &[], b""));
        }
        connection.send(burst);
        for _ in 0..20 {
            assert_eq!([(); 3].map(|()| connection.answer().status), [200, 400, 403]);
        }
    }
    let keys: Vec<_> = connection.read_all(0).iter().map(|record| record["PartitionKey"].clone()).collect();
    let sent: Vec<_> = (0..3).flat_map(|r| (0..20).map(move |n| json!(format!("{r}-{n}")))).collect();
    assert_eq!(keys, sent);
}

/// Protects: a chunked body is the same as one of declared length, cut anywhere, and leaves the connection usable.
#[test]
fn chunked_bodies() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let body = json!({"StreamName": "s", "Data": "aGVsbG8=", "PartitionKey": "k"}).to_string();
    for chunk_bytes in [1, 7, body.len()] {
        connection.send(head("PutRecord", "Transfer-Encoding: chunked"));
        connection.send(chunked(body.as_bytes(), chunk_bytes));
        assert_eq!(connection.answer().status, 200);
    }
    let data: Vec<_> = connection.read_all(0).iter().map(|record| record["Data"].clone()).collect();
    assert_eq!(data, ["aGVsbG8="; 3]);
}

/// Protects: a request that arrives in pieces, cut inside head and body, is one request.
#[test]
fn pieces() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let put = call("PutRecord", json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"}).to_string());
    for piece in put.chunks(11) {
        connection.send(piece);
    }
    assert_eq!(connection.answer().status, 200);
}

/// Protects: a client that asks before it sends a body is told to go on, and served.
#[test]
fn expect_100_continue() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let body = put_of(100_000);
    connection.begin("PutRecord", body.len());
    connection.send(&body);
    assert_eq!(connection.answer().status, 200);
}

/// Protects: a body that says it is too large is refused unread, also where the client asked first.
#[test]
fn declared_too_large() {
    let server = TestServer::with_stream(1);
    for expect in ["", "Expect: 100-continue\r\n"] {
        let mut connection = server.connect();
        let about_body = format!("{expect}Content-Length: {}", BODY_BYTES_MAX + 1);
        connection.send(head("PutRecord", &about_body));
        assert_eq!(connection.answer().status, 413, "{about_body}");
        assert!(connection.is_closed(), "the rest is not read");
    }
    let mut connection = server.connect();
    connection.send(head("PutRecord", &format!("Content-Length: {}", 1_u64 << 62)));
    assert_eq!(connection.answer().status, 413);
}

/// Protects: a chunked body that turns out too large is refused as well; the largest one is taken, either way.
#[test]
fn sent_too_large() {
    let server = TestServer::with_stream(1);
    let largest = put_of(BODY_BYTES_MAX);
    let mut connection = server.connect();
    connection.send(head("PutRecord", &format!("Content-Length: {BODY_BYTES_MAX}")));
    connection.send(&largest);
    assert_eq!(connection.answer().status, 200);
    connection.send(head("PutRecord", "Transfer-Encoding: chunked"));
    connection.send(chunked(&largest, 1 << 20));
    assert_eq!(connection.answer().status, 200);
    connection.send(head("PutRecord", "Transfer-Encoding: chunked"));
    // The server may stop reading before the end of it.
    let _ = connection.try_send(chunked(&put_of(BODY_BYTES_MAX + 1), 1 << 20));
    assert_eq!(connection.answer().status, 413);
    assert_eq!(server.connect().read_all(0).len(), 2);
}

/// Protects: a full PutRecords, 500 records and 10 MiB of them, fits; one byte more is refused whole (E22).
#[test]
fn largest_batch() {
    let server = TestServer::with_stream(4);
    // 20,970 bytes and a key of one: 500 of them are 260 bytes short of 10 MiB.
    let data = "AAAA".repeat(6_990);
    let mut records = vec![json!({"Data": data, "PartitionKey": "k"}); 500];
    records[0]["PartitionKey"] = "x".repeat(256).into();
    // With that key five bytes are missing.
    records[1]["PartitionKey"] = "y".repeat(1 + 5).into();
    let full = json!({"StreamName": "s", "Records": records});
    let answer = server.call("PutRecords", &full);
    assert_eq!((answer.status, &answer.json()["FailedRecordCount"]), (200, &json!(0)));
    records[1]["PartitionKey"] = "y".repeat(1 + 6).into();
    let answer = server.call("PutRecords", &json!({"StreamName": "s", "Records": records}));
    let expected = r#"{"__type":"InvalidArgumentException","message":"Records size exceeds 10 MB limit"}"#;
    assert_eq!(answer.both(), (400, expected));
    let mut connection = server.connect();
    let stored: usize = (0..4).map(|shard| connection.read_all(shard).len()).sum();
    assert_eq!(stored, 500);
}

/// Protects: bytes that are no HTTP end their own connection and nothing else.
#[test]
fn nonsense_ends_its_connection() {
    let server = TestServer::start();
    let mut other = server.connect();
    assert_eq!(other.call("ListStreams", &json!({})).status, 200);
    for nonsense in ["\0\u{1}\u{2}\r\n\r\n", "hello\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
    {
        let mut connection = server.connect();
        connection.send(nonsense);
        assert_eq!(Connection::answer(&mut connection).status, 400);
        assert!(connection.is_closed());
    }
    assert_eq!(other.call("ListStreams", &json!({})).status, 200);
}

/// Protects: a client that wants its connection closed gets that, after its answer, in both versions of HTTP.
#[test]
fn closed_on_request() {
    let server = TestServer::start();
    let put = String::from_utf8(call("ListStreams", "{}")).unwrap();
    for request in
        [put.replacen("Host:", "Connection: close\r\nHost:", 1), put.replacen("HTTP/1.1", "HTTP/1.0", 1)]
    {
        let mut connection = server.connect();
        connection.send(&request);
        assert_eq!(connection.answer().status, 200);
        assert!(connection.is_closed(), "{request}");
    }
}

/// Protects: a body that came with a request nobody reads the body of is not taken for the next request.
#[test]
fn bodies_that_nobody_reads() {
    let server = TestServer::start();
    let next = call("ListStreams", "{}");
    let mut connection = server.connect();
    connection.send([request("PUT /", &[("Content-Length", "4")], b"").as_slice(), b"GET ", &next].concat());
    assert_eq!(connection.answer().status, 403);
    assert_eq!(connection.answer().status, 200);
}

/// Protects: a head without end is refused, not stored.
#[test]
fn endless_heads() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let endless = format!("POST / HTTP/1.1\r\nX-Endless: {}", "x".repeat(256 << 10));
    // The server may stop reading before the end of it.
    let _ = connection.try_send(endless);
    assert_eq!(connection.answer().status, 431);
    assert!(connection.is_closed());
}
