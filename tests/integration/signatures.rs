//! A server that requires signatures: what is let in, and what is said to the rest, over the wire.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use shardmill::Server;
use shardmill::clock::MovableClock;
use shardmill::config::Config;

use crate::client::{Answer, request, socket};
use crate::setup::{JSON, START_MS, TestServer, call, config, shard_id};
use crate::signer::{GUEST, LEAVING, OWNER, PASSING, Signer};
use crate::speakers::{Http2, whole};

const CBOR: &str = "application/x-amz-cbor-1.1";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// The answer of a refusal in JSON.
fn error(kind: &str, message: &str) -> Value {
    json!({"__type": kind, "message": message})
}

fn check_refused(answer: &Answer, kind: &str, message: &str) {
    assert_eq!((answer.status, answer.json()), (400, error(kind, message)));
}

/// What shard 0 of the owner's stream `s` holds.
fn stored(server: &TestServer) -> Vec<Value> {
    let input = json!({"StreamName": "s", "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = server.call_as(OWNER, "GetShardIterator", &input).json()["ShardIterator"].take();
    let mut page = server.call_as(OWNER, "GetRecords", &json!({"ShardIterator": iterator})).json();
    serde_json::from_value(page["Records"].take()).expect("records")
}

/// Whether these bytes, which may be no request at all, are answered with 200.
fn is_taken(server: &TestServer, bytes: &[u8]) -> bool {
    let mut socket = socket(server.address);
    // One that is waited for will not come any more.
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = [0; 12];
    socket.write_all(bytes).is_ok() && socket.read_exact(&mut answer).is_ok() && answer.ends_with(b" 200")
}

/// Protects: each key acts for its account, in the header form and presigned, with its token; streams of accounts are
/// apart.
#[test]
fn keys_act_for_their_accounts() {
    let server = TestServer::signed_with_stream();
    let list = |answer: Answer| answer.json()["StreamNames"].take();
    assert_eq!(list(server.call_as(OWNER, "ListStreams", &json!({}))), json!(["s"]));
    assert_eq!(list(server.exchange(&OWNER.presigned("ListStreams", 60, b"{}"))), json!(["s"]));
    for signer in [GUEST, PASSING, Signer { region: "eu-west-1", ..OWNER }] {
        assert_eq!(list(server.call_as(signer, "ListStreams", &json!({}))), json!([]));
        assert_eq!(list(server.exchange(&signer.presigned("ListStreams", 60, b"{}"))), json!([]));
    }
    let summary = server.call_as(OWNER, "DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    let arn = &summary["StreamDescriptionSummary"]["StreamARN"];
    assert_eq!(arn, "arn:aws:kinesis:us-east-1:111111111111:stream/s");
}

/// Protects: the wrong secret, an unknown key, a token that does not fit, another region than was signed, too early, too
/// late: each in AWS's words, and nothing is done.
#[test]
fn what_does_not_hold() {
    let server = TestServer::signed_with_stream();
    let ask = |signer: Signer| server.call_as(signer, "ListStreams", &json!({}));
    let mismatch = |answer: &Answer| check_refused(answer, "InvalidSignatureException", MISMATCH);
    let stranger = |answer: &Answer| {
        let text = "The security token included in the request is invalid.";
        check_refused(answer, "UnrecognizedClientException", text);
    };
    mismatch(&ask(Signer { secret: "other", ..OWNER }));
    stranger(&ask(Signer { key_id: "NOBODY", ..OWNER }));
    stranger(&ask(Signer { session_token: None, ..PASSING }));
    stranger(&ask(Signer { session_token: Some("passport"), ..PASSING }));
    stranger(&ask(Signer { session_token: Some("passport"), ..OWNER }));
    let signed = String::from_utf8(OWNER.post("ListStreams", JSON, b"{}")).unwrap();
    mismatch(&server.exchange(signed.replace("/us-east-1/", "/us-west-2/").as_bytes()));
    mismatch(&server.exchange(signed.replace(".ListStreams", ".DescribeLimits").as_bytes()));
    let presigned = OWNER.presigned("ListStreams", 60, b"{}");
    server.clock.advance(Duration::from_secs(61));
    check_refused(
        &server.exchange(&presigned),
        "InvalidSignatureException",
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221421Z - 1 min.)",
    );
    server.clock.advance(Duration::from_secs(240));
    check_refused(
        &ask(OWNER),
        "InvalidSignatureException",
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221821Z - 5 min.)",
    );
    check_refused(
        &ask(Signer { date: "20231114T222322Z", ..OWNER }),
        "InvalidSignatureException",
        "Signature not yet current: 20231114T222322Z is still later than 20231114T222321Z (20231114T221821Z + 5 min.)",
    );
    assert_eq!(ask(Signer { date: "20231114T221821Z", ..OWNER }).status, 200);
}

/// Protects: a temporary key is good until the time that the file says, by the service clock, in either form; then its
/// owner is told so, and its account's other keys go on.
#[test]
fn keys_expire() {
    let server = TestServer::signed_with_stream();
    let lists = |signer: Signer| {
        let presigned = server.exchange(&signer.presigned("ListStreams", 60, b"{}"));
        [server.call_as(signer, "ListStreams", &json!({})), presigned]
    };
    let at = |signer: Signer, date| Signer { date, ..signer };
    server.clock.advance(Duration::from_secs(7199));
    for answer in lists(at(LEAVING, "20231115T001319Z")) {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    server.clock.advance(Duration::from_secs(1));
    for answer in lists(at(LEAVING, "20231115T001320Z")) {
        check_refused(
            &answer,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        );
    }
    for answer in lists(at(PASSING, "20231115T001320Z")) {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Protects: the order of refusals stays: a body that cannot be read, an unknown operation and missing credentials come
/// before a signature that does not hold, and that before a wrong type.
#[test]
fn signatures_have_their_place_among_refusals() {
    let server = TestServer::signed_with_stream();
    let liar = Signer { secret: "other", ..OWNER };
    let post = |operation, body: &[u8]| server.exchange(&liar.post(operation, JSON, body));
    assert_eq!(post("ListStreams", b"{").both(), (400, "{\"__type\":\"SerializationException\"}"));
    assert_eq!(post("Nope", b"{}").both(), (400, "{\"__type\":\"UnknownOperationException\"}"));
    check_refused(&post("ListStreams", b"{\"Limit\":\"x\"}"), "InvalidSignatureException", MISMATCH);
    check_refused(&post("CreateQueue", b"{}"), "InvalidSignatureException", MISMATCH);
    let unsigned =
        request("POST /", &[("Content-Type", JSON), ("X-Amz-Target", "Kinesis_20131202.ListStreams")], b"{}");
    let text = "Missing Authentication Token";
    check_refused(&server.exchange(&unsigned), "MissingAuthenticationTokenException", text);
    // Health is nobody's secret; what streams there are is, and what is in them.
    for (path, status) in [("health", 200), ("streams", 403), ("snapshot", 403)] {
        let line = format!("GET /_shardmill/{path}");
        assert_eq!(server.exchange(&request(&line, &[], b"")).status, status, "{path}");
    }
}

/// Protects: of a put whose body is another than was signed nothing is stored, in either codec, though records are read
/// while they arrive.
#[test]
fn altered_puts_store_nothing() {
    let server = TestServer::signed_with_stream();
    let many: Vec<_> =
        (0..500).map(|number| json!({"Data": "AAAA", "PartitionKey": format!("k{number}")})).collect();
    let many = json!({"StreamName": "s", "Records": many});
    let one = json!({"StreamName": "s", "Data": "AAAA", "PartitionKey": "k499"});
    for (operation, input) in [("PutRecords", &many), ("PutRecord", &one)] {
        let mut cbor = Vec::new();
        ciborium::into_writer(input, &mut cbor).unwrap();
        for (content_type, body) in [(JSON, input.to_string().into_bytes()), (CBOR, cbor)] {
            let mut signed = OWNER.post(operation, content_type, &body);
            // The last record's key, well-formed as before.
            let at = signed.windows(4).rposition(|window| window == b"k499").unwrap();
            signed[at] = b'x';
            let answer = server.exchange(&signed);
            assert_eq!(answer.status, 400, "{operation} {content_type}");
            assert!(String::from_utf8_lossy(&answer.body).contains(MISMATCH), "{operation} {content_type}");
        }
        assert_eq!(stored(&server).len(), 0);
    }
    assert_eq!(server.call_as(OWNER, "PutRecords", &many).json()["FailedRecordCount"], 0);
    assert_eq!(server.call_as(OWNER, "PutRecord", &one).status, 200);
    assert_eq!(stored(&server).len(), 501);
}

/// Protects: of requests that were signed and changed on the way, by any one byte of head or body, only what was signed is
/// stored, whether it is put while it arrives or whole, in either form of signature.
#[test]
fn changed_bytes_store_nothing_else() {
    let server = TestServer::signed_with_stream();
    let record = json!({"Data": "c2lnbmVk", "PartitionKey": "k"});
    let many = json!({"StreamName": "s", "Records": [record]}).to_string();
    let one = json!({"StreamName": "s", "Data": "c2lnbmVk", "PartitionKey": "k"}).to_string();
    for signed in
        [OWNER.post("PutRecords", JSON, many.as_bytes()), OWNER.presigned("PutRecord", 60, one.as_bytes())]
    {
        assert_eq!(server.exchange(&signed).status, 200);
        let body = signed.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        for at in 0..signed.len() {
            // Another letter or digit, the other case, and none at all.
            for change in [1, 0x20, 0x80] {
                let mut changed = signed.clone();
                changed[at] ^= change;
                assert!(!is_taken(&server, &changed) || at < body, "{}", String::from_utf8_lossy(&changed));
            }
        }
    }
    for record in stored(&server) {
        assert_eq!((&record["Data"], &record["PartitionKey"]), (&json!("c2lnbmVk"), &json!("k")));
    }
}

/// Protects: what is added, moved or spelled otherwise on the way counts if it was signed, by either form; what was not
/// signed does not get in by way of it, nor by way of a connection that a signed request has come over.
#[test]
fn requests_of_another_form() {
    let server = TestServer::signed_with_stream();
    let header = String::from_utf8(OWNER.post("ListStreams", JSON, b"{}")).unwrap();
    let query = String::from_utf8(OWNER.presigned("ListStreams", 60, b"{}")).unwrap();
    let length = "Content-Length: 2\r\n\r\n{}";
    for (signed, from, to, status) in [
        (&header, "x-amz-date: ", "X-AMZ-Date:    ", 200),
        (&header, "authorization: ", "user-agent: x\r\nauthorization: ", 200),
        (&header, "POST / ", "POST /a/.././/b/../ ", 200),
        (&header, length, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200),
        (&header, length, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n2\r\n }\r\n0\r\n\r\n", 400),
        (&header, length, "Content-Length: 3\r\n\r\n{ }", 400),
        (&header, "POST / ", "POST /?Action=ListStreams ", 400),
        (&header, "POST / ", "POST /b ", 400),
        (&header, "POST / ", "GET / ", 404),
        (&header, "x-amz-target: ", "x-amz-target: Kinesis_20131202.DescribeLimits\r\nx-amz-target: ", 400),
        (&header, "authorization: ", "x-amz-target: Kinesis_20131202.DescribeLimits\r\nauthorization: ", 400),
        (&header, "authorization: ", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nauthorization: ", 400),
        (&header, "authorization: ", "host: elsewhere\r\nauthorization: ", 400),
        (&header, "authorization: ", "authorization: AWS4-HMAC-SHA256 Credential=x\r\nauthorization: ", 400),
        (&header, "Signature=", "Credential=GUEST/20231114/us-east-1/kinesis/aws4_request, Signature=", 400),
        (&header, "content-type;host;", "content-type;", 400),
        (&query, "OWNER%2F", "OWNER/", 200),
        (
            &query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&",
            "X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256&",
            400,
        ),
        (&query, "X-Amz-Expires=60", "X-Amz-Expires=61", 400),
        (&query, "X-Amz-Expires=60", "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Expires=60", 400),
        (&query, "X-Amz-Signature=", "X-Amz-Credential=GUEST&X-Amz-Signature=", 400),
        (&query, "host%3Bx-amz-target", "x-amz-target", 400),
        (&query, "host%3Bx-amz-target", "host", 400),
        (&query, length, "Content-Length: 3\r\n\r\n{ }", 400),
    ] {
        assert!(signed.contains(from), "{from}");
        let answer = server.exchange(signed.replacen(from, to, 1).as_bytes());
        assert_eq!(answer.status, status, "{to}: {}", answer.text());
    }
    let liar = Signer { secret: "other", ..OWNER };
    let mut connection = server.connect();
    for (bytes, status) in [
        (OWNER.post("ListStreams", JSON, b"{}"), 200),
        (call("ListStreams", b"{}"), 400),
        (liar.post("ListStreams", JSON, b"{}"), 400),
        (liar.presigned("ListStreams", 60, b"{}"), 400),
        (OWNER.presigned("ListStreams", 60, b"{}"), 200),
    ] {
        connection.send(&bytes);
        assert_eq!(connection.answer().status, status, "{}", String::from_utf8_lossy(&bytes));
    }
    let register =
        json!({"StreamARN": "arn:aws:kinesis:us-east-1:111111111111:stream/s", "ConsumerName": "c"});
    let registered = server.call_as(OWNER, "RegisterStreamConsumer", &register).json();
    let subscribe = json!({
        "ConsumerARN": registered["Consumer"]["ConsumerARN"],
        "ShardId": shard_id(0),
        "StartingPosition": {"Type": "LATEST"},
    });
    check_refused(
        &server.call_as(liar, "SubscribeToShard", &subscribe),
        "InvalidSignatureException",
        MISMATCH,
    );
    connection.send(OWNER.post("SubscribeToShard", JSON, subscribe.to_string().as_bytes()));
    assert_eq!(connection.begin_answer().status, 200);
}

/// Protects: over HTTP/2 the host is signed as `host` and sent as `:authority`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_http2() {
    let server = TestServer::signed_with_stream();
    let client = Http2::open(server.address).await;
    let body = Bytes::from_static(b"{\"StreamName\":\"s\",\"Data\":\"AAAA\",\"PartitionKey\":\"k\"}");
    for (authority, status) in [("localhost", 200), ("localhost:80", 400)] {
        let mut head = Request::post(format!("http://{authority}/"));
        for (name, value) in OWNER.fields("PutRecord", JSON, &body) {
            head = head.header(name, value);
        }
        let (answer, mut stream) = client.send(head.body(()).unwrap()).await;
        stream.send_data(body.clone(), true).unwrap();
        assert_eq!(whole(answer).await.head.status(), status, "{authority}");
    }
}

/// Protects: a server that was told half of it does not start, and says what is missing.
#[test]
fn half_told_servers_do_not_start() {
    let clock = MovableClock::new(START_MS);
    let refusal = |config: Config| {
        let error = Server::start(config, clock.clock()).err().expect("a refusal");
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    let required = Config { require_signature: true, ..config() };
    assert_eq!(refusal(required.clone()), "--require-signature is given without --credentials");
    let idle = Config { credentials: Some("/nowhere/keys".into()), ..config() };
    assert_eq!(refusal(idle), "--credentials is given without --require-signature");
    let missing = Config { credentials: Some("/nowhere/keys".into()), ..required };
    assert!(refusal(missing).starts_with("cannot read /nowhere/keys: "));
}
