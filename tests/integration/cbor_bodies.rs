//! What a CBOR client really sent, byte for byte (`perf/bodies-cbor`), sent again: every request is answered 200, and what
//! it says is stored and read.

use std::path::PathBuf;

use ciborium::Value;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Connection};
use crate::setup::{TestServer, shard_id};
use crate::source::root;

/// The puts, by the names of their files, and the records in each.
const PUTS: &[(&str, usize)] = &[
    ("put_records_100b", 2),
    ("put_records_1kib", 2),
    ("put_records_100b_arn", 2),
    ("put_records_100b_hash", 2),
    ("put_records_100b_unicode_keys", 2),
    ("put_records_100b_quoted_keys", 2),
    ("put_record_100b", 1),
    ("put_record_100b_arn", 1),
    ("put_record_100b_hash", 1),
];
/// The reads.
const READS: &[&str] = &["get_records", "get_records_arn"];
/// The stream that all of them name.
const STREAM: &str = "bodies";
/// A power of two: the hash keys then split at bits.
const SHARDS: u32 = 4;
const SHARD_BITS: u32 = SHARDS.ilog2();

fn folder() -> PathBuf {
    root().join("perf/bodies-cbor/java-sdk-v2")
}

/// A captured request.
struct Capture {
    /// With the empty line at its end.
    head: String,
    body: Vec<u8>,
}

impl Capture {
    fn read(form: &str) -> Self {
        let path = folder().join(form).with_extension("http");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let end =
            bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("an empty line behind the head");
        let (head, body) = bytes.split_at(end + 4);
        Self { head: String::from_utf8(head.to_vec()).expect("a head of text"), body: body.to_vec() }
    }

    /// With another iterator in place of its own, which died with the server that gave it.
    fn with_iterator(self, iterator: &str) -> Self {
        let own = text(&self.input(), "ShardIterator").expect("an iterator");
        assert_eq!(own.len(), iterator.len(), "an iterator of another form");
        let at = self.body.windows(own.len()).position(|part| part == own.as_bytes()).expect("in one piece");
        let mut body = self.body;
        body[at..at + own.len()].copy_from_slice(iterator.as_bytes());
        Self { body, ..self }
    }

    fn input(&self) -> Value {
        document(&self.body)
    }

    fn send(&self, connection: &mut Connection) -> Answer {
        connection.send([self.head.as_bytes(), &self.body].concat());
        connection.answer()
    }
}

fn document(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap_or_else(|error| panic!("{error} in {bytes:x?}"))
}

fn member<'a>(document: &'a Value, name: &str) -> Option<&'a Value> {
    let members = document.as_map().expect("a map");
    members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn text(document: &Value, name: &str) -> Option<String> {
    member(document, name).map(|text| text.as_text().expect("a text").to_owned())
}

/// The entries of a list, or the one document that stands for itself.
fn entries(document: &Value) -> Vec<Value> {
    match member(document, "Records") {
        Some(records) => records.as_array().expect("a list").clone(),
        None => vec![document.clone()],
    }
}

/// Data, in the Base64 of JSON, and key.
fn data_and_key(record: &Value) -> (String, String) {
    let data = member(record, "Data").and_then(Value::as_bytes).expect("bytes");
    (base64_simd::STANDARD.encode_to_string(data), text(record, "PartitionKey").expect("a key"))
}

/// The answer to GetRecords from this place of a shard, in JSON.
fn read_from(connection: &mut Connection, shard: &str, sequence: &str) -> Json {
    let input = json!({
        "StreamName": STREAM, "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": sequence,
    });
    let answer = connection.call("GetShardIterator", &input).json();
    connection.call("GetRecords", &json!({"ShardIterator": answer["ShardIterator"]})).json()
}

/// Protects: the puts of a real client, one behind the other on a connection: each record is acknowledged, and is read in
/// JSON as it was sent, from the shard and number it was given.
#[test]
fn puts_of_a_real_client() {
    let server = TestServer::start();
    server.create(STREAM, SHARDS);
    let (mut writer, mut reader) = (server.connect(), server.connect());
    for (form, count) in PUTS {
        let capture = Capture::read(form);
        let answer = capture.send(&mut writer);
        assert_eq!(answer.status, 200, "{form}: {answer:?}");
        let (sent, acknowledged) = (entries(&capture.input()), entries(&document(&answer.body)));
        assert_eq!((sent.len(), acknowledged.len()), (*count, *count), "{form}");
        for (record, place) in sent.iter().zip(&acknowledged) {
            let shard = text(place, "ShardId").expect("a shard");
            let sequence = text(place, "SequenceNumber").expect("a number");
            let page = read_from(&mut reader, &shard, &sequence);
            let read = &page["Records"][0];
            let (data, key) = data_and_key(record);
            assert_eq!((&read["Data"], &read["PartitionKey"]), (&json!(data), &json!(key)), "{form}");
            if let Some(hash_key) = text(record, "ExplicitHashKey") {
                let hash_key: u128 = hash_key.parse().unwrap();
                let expected = u32::try_from(hash_key >> (u128::BITS - SHARD_BITS)).unwrap();
                assert_eq!(shard, shard_id(expected), "{form}");
            }
        }
    }
}

/// Protects: the reads of a real client, answered with all that the shard holds.
#[test]
fn reads_of_a_real_client() {
    let server = TestServer::start();
    server.create(STREAM, 1);
    let mut connection = server.connect();
    let put = Capture::read("put_records_1kib");
    assert_eq!(put.send(&mut connection).status, 200);
    let sent: Vec<_> = entries(&put.input()).iter().map(data_and_key).collect();
    for form in READS {
        let start =
            json!({"StreamName": STREAM, "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = connection.call("GetShardIterator", &start).json();
        let iterator = iterator["ShardIterator"].as_str().expect("an iterator");
        let answer = Capture::read(form).with_iterator(iterator).send(&mut connection);
        assert_eq!(answer.status, 200, "{form}: {answer:?}");
        let read: Vec<_> = entries(&document(&answer.body)).iter().map(data_and_key).collect();
        assert_eq!(read, sent, "{form}");
    }
}

/// Protects: this test's own lists: every capture that is kept is sent.
#[test]
fn no_capture_is_left_out() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "http")).collect();
    assert_eq!(kept.len(), PUTS.len() + READS.len(), "{kept:?}");
}
