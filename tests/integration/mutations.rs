//! Requests that nobody would send: nearly right ones in every form that a codec has, and the same with their bytes
//! mangled, to every operation. Whatever comes, the answer is one of the codec's own, the connection lives on, and both
//! codecs say the same.
//!
//! `PROPTEST_CASES` makes it longer.

mod document;
mod requests;
mod session;
mod tape;

use ciborium::Value as Cbor;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use shardmill::operation::Operation;

use crate::setup::JSON;
use requests::{Types, request};
use session::{Answer, CBOR, EVENTS, Session};
use tape::Tape;

/// Requests to one service, one after the other.
const REQUESTS: usize = 12;
/// Bytes of tape for each of them, at most.
const TAPE_BYTES: usize = 250;

/// Bytes that begin or end something in one of the codecs.
const TELLING: &[u8] = b"\x00\x1b\x3b\x5b\x5f\x7b\x7f\x9b\x9f\xbb\xbf\xc1\xc2\xdb\xf7\xf9\xff{}[]\",:\\e";

fn run(session: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(session);
}

/// Operations, mostly ones that are built, each with the tape that its request is made from.
fn any_requests() -> impl Strategy<Value = Vec<(Operation, Vec<u8>)>> {
    let built: Vec<_> = Operation::ALL.iter().copied().filter(|operation| operation.is_built()).collect();
    let operation = prop_oneof![9 => select(built), 1 => select(Operation::ALL)];
    vec((operation, vec(any::<u8>(), 0..TAPE_BYTES)), 1..=REQUESTS)
}

/// Changes a few bytes, or takes or puts some.
fn mangle(body: &mut Vec<u8>, tape: &mut Tape<'_>) {
    for _ in 0..=tape.below(4) {
        let at = tape.below(body.len() + 1);
        let end = (at + 1 + tape.below(20)).min(body.len());
        match tape.below(6) {
            0 => body.truncate(at),
            1 => drop(body.drain(at..end)),
            2 => body.insert(at, tape.byte()),
            3 => body.insert(at, TELLING[tape.below(TELLING.len())]),
            4 => body.extend_from_within(at..end),
            _ if at < end => body[at] = TELLING[tape.below(TELLING.len())],
            _ => {}
        }
    }
}

/// What an answer says, in the terms of JSON; it must be in the codec of its request, unless it is one that goes on.
fn said(answer: &Answer, content_type: &str) -> Value {
    if answer.content_type.as_deref() == Some(EVENTS) {
        let message = String::from_utf8_lossy(&answer.body);
        return json!({"is": EVENTS, "begins": message.contains("initial-response")});
    }
    assert_eq!(answer.content_type.as_deref(), Some(content_type), "{answer:?}");
    if answer.body.is_empty() {
        return Value::Null;
    }
    if content_type == JSON {
        return serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    }
    let mut rest = answer.body.as_slice();
    let document = ciborium::from_reader(&mut rest).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert!(rest.is_empty(), "more than a document: {answer:?}");
    as_json(&document)
}

fn as_json(document: &Cbor) -> Value {
    match document {
        Cbor::Bool(truth) => json!(truth),
        Cbor::Integer(number) => json!(i64::try_from(*number).expect("64 bits")),
        Cbor::Text(text) => json!(text),
        Cbor::Bytes(bytes) => json!(base64_simd::STANDARD.encode_to_string(bytes)),
        Cbor::Tag(1, time) => {
            let time_ms = i64::try_from(time.as_integer().expect("whole milliseconds")).unwrap();
            if time_ms % 1000 == 0 { json!(time_ms / 1000) } else { json!(time_ms as f64 / 1000.0) }
        }
        Cbor::Array(elements) => elements.iter().map(as_json).collect(),
        Cbor::Map(members) => {
            let name = |name: &Cbor| name.as_text().expect("a name").to_owned();
            Value::Object(members.iter().map(|(key, value)| (name(key), as_json(value))).collect())
        }
        other => panic!("not of the model: {other:?}"),
    }
}

/// Answers are replies, or refusals by name. The one failure that AWS was seen to answer is for the sequence number 0.
fn assert_sound(operation: Operation, answer: &Answer, said: &Value) {
    match answer.status {
        200 => {
            assert!(said.is_object() || said.is_null(), "{answer:?}");
            assert!(
                said["is"] != EVENTS || said["begins"] == true && operation == Operation::SubscribeToShard
            );
        }
        400 => assert!(said["__type"].as_str().is_some_and(|kind| kind.ends_with("Exception")), "{answer:?}"),
        _ => assert!(
            operation == Operation::GetShardIterator && said["__type"] == "InternalFailure",
            "{answer:?}"
        ),
    }
}

/// What is said without what differs from one service to another: tokens; and how the codecs spell an error's message.
fn comparable(said: Value, tokens: &[String]) -> Value {
    match said {
        Value::String(text) => {
            let is_token = text.starts_with("AAAAAAAAAA");
            let text = if is_token { "token".to_owned() } else { text };
            tokens.iter().fold(text, |text, token| text.replace(token, "token")).into()
        }
        Value::Array(elements) => elements.into_iter().map(|said| comparable(said, tokens)).collect(),
        Value::Object(members) => {
            let name = |name: String| if name == "Message" { "message".to_owned() } else { name };
            let member = |(key, said)| (name(key), comparable(said, tokens));
            Value::Object(members.into_iter().map(member).collect())
        }
        other => other,
    }
}

proptest! {
    /// Protects: no request, however mangled, gets anything but an answer in its own codec, and none spoils what comes
    /// behind it.
    #[test]
    fn every_request_is_answered(requests in any_requests()) {
        run(async {
            let mut session = Session::start().await;
            for (operation, bytes) in requests {
                let tape = &mut Tape::new(&bytes);
                let document = request(operation, Types::Any, tape);
                let content_type = tape.pick(&[JSON, CBOR]);
                let mut body = match content_type {
                    JSON => document.json(&session.tokens),
                    _ => document.cbor(&session.tokens, tape),
                };
                if tape.one_in(2) {
                    mangle(&mut body, tape);
                }
                let answer = session.call(operation.name(), content_type, &body, tape).await;
                assert_sound(operation, &answer, &said(&answer, content_type));
            }
        });
    }

    /// Protects: a document means the same in JSON and in any of its forms in CBOR: two services that are asked alike say
    /// alike, in replies and in refusals.
    #[test]
    fn codecs_agree(requests in any_requests()) {
        run(async {
            let (mut one, mut other) = (Session::start().await, Session::start().await);
            for (operation, bytes) in requests {
                let tape = &mut Tape::new(&bytes);
                let document = request(operation, Types::Shared, tape);
                let body = document.json(&one.tokens);
                let in_json = one.call(operation.name(), JSON, &body, tape).await;
                let body = document.cbor(&other.tokens, tape);
                let in_cbor = other.call(operation.name(), CBOR, &body, tape).await;
                assert_eq!(in_json.status, in_cbor.status, "{operation:?} {document:?}: {in_json:?} {in_cbor:?}");
                assert_eq!(
                    comparable(said(&in_json, JSON), &one.tokens),
                    comparable(said(&in_cbor, CBOR), &other.tokens),
                    "{operation:?} {document:?}"
                );
            }
        });
    }
}
