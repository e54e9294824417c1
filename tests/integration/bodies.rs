//! What real clients sent, byte for byte (`perf/bodies`), sent again: every request is answered 200, and what it says is
//! stored and read.

use serde_json::{Value, json};

use crate::client::{Answer, Connection};
use crate::setup::{TestServer, shard_id};
use crate::source::root;

/// The clients, by the names of their folders.
const CLIENTS: &[&str] = &["aws-cli", "boto3", "go-sdk-v2", "js-sdk-v3", "rust-sdk"];
/// The puts of each client, by the names of their files, and the records in each.
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
/// The reads of each client.
const READS: &[&str] = &["get_records", "get_records_arn"];
/// The stream that all of them name.
const STREAM: &str = "bodies";
/// A power of two: the hash keys then split at bits.
const SHARDS: u32 = 4;
const SHARD_BITS: u32 = SHARDS.ilog2();

/// A captured request.
struct Capture {
    /// With the empty line at its end.
    head: String,
    body: String,
}

impl Capture {
    fn read(client: &str, form: &str) -> Self {
        let path = root().join("perf/bodies").join(client).join(format!("{form}.http"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, body) = text.split_once("\r\n\r\n").expect("an empty line behind the head");
        Self { head: format!("{head}\r\n\r\n"), body: body.to_owned() }
    }

    /// With another iterator in place of its own, which died with the server that gave it.
    fn with_iterator(self, iterator: &str) -> Self {
        let own = self.input()["ShardIterator"].as_str().expect("an iterator").to_owned();
        let body = self.body.replace(&own, iterator);
        let length = |body: &str| format!(": {}\r\n", body.len());
        Self { head: self.head.replace(&length(&self.body), &length(&body)), body }
    }

    fn input(&self) -> Value {
        serde_json::from_str(&self.body).expect("a body of JSON")
    }

    fn send(&self, connection: &mut Connection) -> Answer {
        connection.send([self.head.as_bytes(), self.body.as_bytes()].concat());
        connection.answer()
    }
}

/// The answer to GetRecords from this place of a shard, as a document.
fn read_from(connection: &mut Connection, shard: &Value, place: &str, sequence: &Value) -> Value {
    let iterator = iterator(connection, shard, place, sequence);
    connection.call("GetRecords", &json!({"ShardIterator": iterator})).json()
}

fn iterator(connection: &mut Connection, shard: &Value, place: &str, sequence: &Value) -> String {
    let input = json!({
        "StreamName": STREAM, "ShardId": shard, "ShardIteratorType": place, "StartingSequenceNumber": sequence,
    });
    let answer = connection.call("GetShardIterator", &input).json();
    answer["ShardIterator"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The entries of a list, or the one document that stands for itself.
fn entries(document: &Value) -> Vec<Value> {
    document["Records"].as_array().cloned().unwrap_or_else(|| vec![document.clone()])
}

/// Protects: the puts of real clients, with all their spaces, orders, escapes and header fields, one behind the other on
/// a connection: each record is acknowledged, and is read, as it was sent, from the shard and number it was given.
#[test]
fn puts_of_real_clients() {
    for client in CLIENTS {
        let server = TestServer::start();
        server.create(STREAM, SHARDS);
        let (mut writer, mut reader) = (server.connect(), server.connect());
        for (form, count) in PUTS {
            let capture = Capture::read(client, form);
            let answer = capture.send(&mut writer);
            assert_eq!(answer.status, 200, "{client} {form}: {answer:?}");
            let reply = answer.json();
            assert!(
                matches!(reply["FailedRecordCount"].as_u64(), None | Some(0)),
                "{client} {form}: {reply}"
            );
            let (sent, acknowledged) = (entries(&capture.input()), entries(&reply));
            assert_eq!((sent.len(), acknowledged.len()), (*count, *count), "{client} {form}");
            for (record, place) in sent.iter().zip(&acknowledged) {
                let (shard, sequence) = (&place["ShardId"], &place["SequenceNumber"]);
                let page = read_from(&mut reader, shard, "AT_SEQUENCE_NUMBER", sequence);
                let read = &page["Records"][0];
                for member in ["Data", "PartitionKey"] {
                    assert_eq!(read[member], record[member], "{client} {form}");
                }
                assert_eq!(&read["SequenceNumber"], sequence, "{client} {form}");
                if let Some(hash_key) = record["ExplicitHashKey"].as_str() {
                    let hash_key: u128 = hash_key.parse().unwrap();
                    let expected = u32::try_from(hash_key >> (u128::BITS - SHARD_BITS)).unwrap();
                    assert_eq!(shard, &shard_id(expected), "{client} {form}");
                }
            }
        }
    }
}

/// Protects: the reads of real clients, answered with all that the shard holds.
#[test]
fn reads_of_real_clients() {
    for client in CLIENTS {
        let server = TestServer::start();
        server.create(STREAM, 1);
        let mut connection = server.connect();
        let put = Capture::read(client, "put_records_1kib");
        assert_eq!(put.send(&mut connection).status, 200, "{client}");
        for form in READS {
            let iterator = iterator(&mut connection, &json!(shard_id(0)), "TRIM_HORIZON", &Value::Null);
            let answer = Capture::read(client, form).with_iterator(&iterator).send(&mut connection);
            assert_eq!(answer.status, 200, "{client} {form}: {answer:?}");
            let members = |records: Vec<Value>| -> Vec<_> {
                records
                    .iter()
                    .map(|record| (record["Data"].clone(), record["PartitionKey"].clone()))
                    .collect()
            };
            assert_eq!(members(entries(&answer.json())), members(entries(&put.input())), "{client} {form}");
        }
    }
}

/// Protects: this test's own lists: every capture that is kept is sent.
#[test]
fn no_capture_is_left_out() {
    let mut kept = Vec::new();
    for folder in std::fs::read_dir(root().join("perf/bodies")).unwrap().map(|entry| entry.unwrap().path()) {
        for file in std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "http") {
                kept.push(file);
            }
        }
    }
    assert_eq!(kept.len(), CLIENTS.len() * (PUTS.len() + READS.len()), "{kept:?}");
}
