//! CBOR over HTTP, written and read by a codec that shares no code with the server's: the same answers as in JSON, in the
//! forms of reference 1.3; and what is no CBOR is refused without harm.

use ciborium::Value;
use serde_json::{Value as Json, json};
use shardmill::config::Config;
use shardmill::operation::Operation;

use crate::client::{Answer, Connection, request};
use crate::setup::{JSON, SIGNED, START_MS, TestServer, config, shard_id};

const CBOR: &str = "application/x-amz-cbor-1.1";
/// Counters 1 and 2 of shard 0 of a stream created at 1700000000, stored in that second, and counter 1 of shard 1.
const FIRST: &str = "49646437577108476416916876405827138351405044305449975810";
const SECOND: &str = "49646437577108476416916876405828347277224658934624681986";
const FIRST_OF_SHARD_1: &str = "49646437577130777162115407028968674069677692666955956242";

/// The bytes of a signed request in CBOR.
pub(crate) fn call(operation: &str, body: &[u8]) -> Vec<u8> {
    let target = format!("Kinesis_20131202.{operation}");
    let fields = [SIGNED[0], SIGNED[1], ("Content-Type", CBOR), ("X-Amz-Target", &target)];
    request("POST /", &fields, body)
}

impl Connection {
    /// The answer to bytes of CBOR.
    fn call_bytes(&mut self, operation: &str, body: &[u8]) -> Answer {
        self.send(call(operation, body));
        self.answer()
    }

    /// The answer to a document; it must come in CBOR, or be empty.
    fn call_cbor(&mut self, operation: &str, input: &Value) -> (u16, Value) {
        let answer = self.call_bytes(operation, &bytes(input));
        assert_eq!(answer.header("content-type"), Some(CBOR), "{answer:?}");
        (answer.status, document(&answer))
    }

    /// The members of an answer that is 200.
    pub(crate) fn ask(&mut self, operation: &str, input: &Value) -> Value {
        let (status, document) = self.call_cbor(operation, input);
        assert_eq!(status, 200, "{operation} {input:?}: {document:?}");
        document
    }
}

/// A document in known lengths.
pub(crate) fn bytes(document: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(document, &mut bytes).unwrap();
    bytes
}

/// The same in indefinite lengths, as the SDKs for Java write it.
fn bytes_until_break(document: &Value) -> Vec<u8> {
    match document {
        Value::Map(members) => {
            let members =
                members.iter().map(|(name, value)| [bytes(name), bytes_until_break(value)].concat());
            [vec![0xbf], members.collect::<Vec<_>>().concat(), vec![0xff]].concat()
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(bytes_until_break).collect();
            [vec![0x9f], elements.concat(), vec![0xff]].concat()
        }
        other => bytes(other),
    }
}

/// The document of an answer, which is one and nothing more; an empty body is `null`.
pub(crate) fn document(answer: &Answer) -> Value {
    if answer.body.is_empty() {
        return Value::Null;
    }
    let mut rest = answer.body.as_slice();
    let document = ciborium::from_reader(&mut rest).unwrap_or_else(|error| panic!("{error} in {answer:?}"));
    assert!(rest.is_empty(), "more than a document in {answer:?}");
    document
}

pub(crate) fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

pub(crate) fn blob(bytes: &[u8]) -> Value {
    bytes.into()
}

fn time(time_ms: u64) -> Value {
    Value::Tag(1, Box::new(time_ms.into()))
}

pub(crate) fn member<'a>(document: &'a Value, name: &str) -> &'a Value {
    let members = document.as_map().unwrap_or_else(|| panic!("no map: {document:?}"));
    let found = members.iter().find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("no {name} in {document:?}")).1
}

/// What a document would be in JSON: Base64 for bytes, seconds for times; an error spells its message as JSON does.
pub(crate) fn as_json(document: &Value) -> Json {
    match document {
        Value::Null => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Integer(number) => json!(i64::try_from(*number).unwrap()),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!(base64_simd::STANDARD.encode_to_string(bytes)),
        Value::Tag(1, time) => {
            let time_ms = u64::try_from(time.as_integer().expect("whole milliseconds")).unwrap();
            if time_ms.is_multiple_of(1000) { json!(time_ms / 1000) } else { json!(time_ms as f64 / 1000.0) }
        }
        Value::Array(elements) => elements.iter().map(as_json).collect(),
        Value::Map(members) => {
            let is_type_error = members.first().is_some_and(|(name, value)| {
                name.as_text() == Some("__type") && value.as_text() == Some("SerializationException")
            });
            let name = |name: &Value| match name.as_text().expect("a name") {
                "message" if is_type_error => "Message".to_owned(),
                name => name.to_owned(),
            };
            Json::Object(members.iter().map(|(key, value)| (name(key), as_json(value))).collect())
        }
        other => panic!("nothing that Kinesis sends: {other:?}"),
    }
}

fn iterator_of(connection: &mut Connection, more: &[(&str, Value)]) -> Value {
    let mut members = vec![("StreamName".into(), "s".into()), ("ShardId".into(), shard_id(0).into())];
    members.extend(more.iter().map(|(name, value)| ((*name).into(), value.clone())));
    member(&connection.ask("GetShardIterator", &Value::Map(members)), "ShardIterator").clone()
}

fn error(kind: &str, message: &str) -> Value {
    map([("__type", kind.into()), ("message", message.into())])
}

/// Protects: the whole life of a stream in CBOR, each reply to the letter: bytes as bytes, whole milliseconds under tag 1,
/// an empty body where there is nothing to say.
#[test]
fn a_streams_life() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let stream = map([("StreamName", "s".into())]);
    let create = map([("StreamName", "s".into()), ("ShardCount", 3.into())]);
    assert_eq!(connection.ask("CreateStream", &create), Value::Null);

    let put = map([("StreamName", "s".into()), ("Data", blob(b"\x00\xff")), ("PartitionKey", "a".into())]);
    let expected = map([("SequenceNumber", FIRST.into()), ("ShardId", shard_id(0).into())]);
    assert_eq!(connection.ask("PutRecord", &put), expected);

    let record = |key: &str, data: &[u8]| map([("PartitionKey", key.into()), ("Data", blob(data))]);
    let records = Value::Array(vec![record("b", b""), record("a", "é".as_bytes())]);
    let puts = map([("Records", records), ("StreamName", "s".into())]);
    let entry =
        |number: &str, shard| map([("SequenceNumber", number.into()), ("ShardId", shard_id(shard).into())]);
    let entries = Value::Array(vec![entry(FIRST_OF_SHARD_1, 1), entry(SECOND, 0)]);
    let expected = map([("FailedRecordCount", 0.into()), ("Records", entries)]);
    assert_eq!(connection.ask("PutRecords", &puts), expected);

    server.clock.advance(std::time::Duration::from_millis(107));
    let iterator = iterator_of(&mut connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
    let read = map([("ShardIterator", iterator), ("Limit", 1.into())]);
    let reply = connection.ask("GetRecords", &read);
    let expected = map([
        ("SequenceNumber", FIRST.into()),
        ("ApproximateArrivalTimestamp", time(START_MS)),
        ("Data", blob(b"\x00\xff")),
        ("PartitionKey", "a".into()),
    ]);
    assert_eq!(*member(&reply, "Records"), Value::Array(vec![expected]));
    assert_eq!(*member(&reply, "MillisBehindLatest"), 107.into());
    let reply =
        connection.ask("GetRecords", &map([("ShardIterator", member(&reply, "NextShardIterator").clone())]));
    let records = member(&reply, "Records").as_array().unwrap();
    assert_eq!((records.len(), member(&records[0], "Data")), (1, &blob("é".as_bytes())));

    let description = connection.ask("DescribeStream", &stream);
    let description = member(&description, "StreamDescription");
    assert_eq!(*member(description, "StreamCreationTimestamp"), time(START_MS));
    assert_eq!(member(description, "Shards").as_array().unwrap().len(), 3);
    assert_eq!(*member(description, "HasMoreShards"), Value::Bool(false));
    let summaries = connection.ask("ListStreams", &map([]));
    assert_eq!(*member(&summaries, "StreamNames"), Value::Array(vec!["s".into()]));
    assert_eq!(connection.ask("DeleteStream", &stream), Value::Null);
}

/// Protects: every operation that is built takes CBOR, and says in it what it says in JSON to another server of the same
/// history: to no members at all, to a stream that is not there, to a wrong type, to a broken constraint.
#[test]
fn both_codecs_say_the_same() {
    let (server, twin) = (TestServer::with_stream(2), TestServer::with_stream(2));
    let (mut connection, mut other) = (server.connect(), twin.connect());
    let inputs = [
        (json!({}), map([])),
        (json!({"Unknown": [null, {"a": 1}], "StreamName": null}), map([("Unknown", Value::Array(vec![]))])),
        (json!({"StreamName": "nope"}), map([("StreamName", "nope".into())])),
        (json!({"StreamName": true}), map([("StreamName", true.into())])),
        (json!({"StreamName": 5}), map([("StreamName", 5.into())])),
        (json!({"StreamName": []}), map([("StreamName", Value::Array(vec![]))])),
        (json!({"StreamName": {}}), map([("StreamName", map([]))])),
        (json!({"StreamName": "!"}), map([("StreamName", "!".into())])),
        (json!({"StreamName": "s", "Limit": 0}), map([("StreamName", "s".into()), ("Limit", 0.into())])),
        (json!({"StreamARN": "arn"}), map([("StreamARN", "arn".into())])),
        (json!({"ResourceARN": 1.5}), map([("ResourceARN", 1.5.into())])),
        (json!({"Records": {}}), map([("Records", map([]))])),
        (json!({"ShardIterator": "x"}), map([("ShardIterator", "x".into())])),
    ];
    let mut compared = 0;
    for operation in Operation::ALL.iter().filter(|operation| operation.is_built()) {
        for (input, cbor_input) in &inputs {
            let in_json = other.call(operation.name(), input);
            let (status, in_cbor) = connection.call_cbor(operation.name(), cbor_input);
            let expected = if in_json.body.is_empty() { Json::Null } else { in_json.json() };
            assert_eq!(
                (status, as_json(&in_cbor)),
                (in_json.status, expected),
                "{} {input}",
                operation.name()
            );
            compared += 1;
        }
    }
    assert!(compared >= 11 * inputs.len(), "only {compared} were compared");
}

/// Protects: what one codec has written the other reads, byte for byte, whatever the bytes; and known and indefinite
/// lengths mean the same.
#[test]
fn codecs_mix_on_one_connection() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let all: Vec<u8> = (0..=255).collect();
    let base64 = base64_simd::STANDARD.encode_to_string(&all);
    let keys = ["k", "é\"\\\n", "😀"];
    for key in keys {
        let put = json!({"StreamName": "s", "Data": base64, "PartitionKey": key});
        assert_eq!(connection.call("PutRecord", &put).status, 200);
        let record =
            map([("Data", blob(&all)), ("PartitionKey", key.into()), ("ExplicitHashKey", "7".into())]);
        let Value::Map(mut members) = record.clone() else { unreachable!() };
        members.push(("StreamName".into(), "s".into()));
        let put = Value::Map(members);
        let puts = map([("StreamName", "s".into()), ("Records", Value::Array(vec![record; 2]))]);
        for (operation, body) in [
            ("PutRecord", bytes(&put)),
            ("PutRecord", bytes_until_break(&put)),
            ("PutRecords", bytes(&puts)),
            ("PutRecords", bytes_until_break(&puts)),
        ] {
            assert_eq!(connection.call_bytes(operation, &body).status, 200, "{body:x?}");
        }
    }
    let in_json = connection.read_all(0);
    let iterator = iterator_of(&mut connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
    let reply = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
    assert_eq!(as_json(member(&reply, "Records")), Json::Array(in_json.clone()));
    assert_eq!(in_json.len(), keys.len() * 7);
    for (number, record) in in_json.iter().enumerate() {
        assert_eq!(record["Data"], json!(base64));
        assert_eq!(record["PartitionKey"], json!(keys[number / 7]));
    }
}

/// Protects: a time may be whole milliseconds under tag 1, or a plain number of them, or either with a fraction (reference
/// 1.3); and creation is told as whole milliseconds, never as a number with a fraction.
#[test]
fn times_are_milliseconds() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    for later_ms in [0, 10, 10] {
        server.clock.advance(std::time::Duration::from_millis(later_ms));
        let put = map([("StreamName", "s".into()), ("Data", blob(b"")), ("PartitionKey", "k".into())]);
        connection.ask("PutRecord", &put);
    }
    let at_ms = START_MS + 10;
    let tagged = |value: Value| Value::Tag(1, Box::new(value));
    for timestamp in [time(at_ms), at_ms.into(), tagged((at_ms as f64).into()), (at_ms as f64 - 0.25).into()]
    {
        let start = [("ShardIteratorType", "AT_TIMESTAMP".into()), ("Timestamp", timestamp.clone())];
        let iterator = iterator_of(&mut connection, &start);
        let reply = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
        let records = member(&reply, "Records").as_array().unwrap();
        let arrivals: Vec<_> =
            records.iter().map(|record| member(record, "ApproximateArrivalTimestamp")).collect();
        assert_eq!(arrivals, [&time(at_ms), &time(at_ms + 10)], "{timestamp:?}");
    }
    let answer = connection.call_bytes("DescribeStreamSummary", b"\xbf\x6aStreamName\x61s\xff");
    let name = b"StreamCreationTimestamp";
    let at = answer.body.windows(name.len()).position(|window| window == name).expect("a creation time");
    assert_eq!(&answer.body[at + name.len()..][..2], b"\xc1\x1b");
}

/// Protects: the replies of a stream that encrypts, to puts and reads, say so; what it stored before does not.
#[test]
fn encryption_is_told() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let record = map([("Data", blob(b"d")), ("PartitionKey", "k".into())]);
    let puts = map([("StreamName", "s".into()), ("Records", Value::Array(vec![record]))]);
    connection.ask("PutRecords", &puts);
    server.clock.advance(std::time::Duration::from_secs(1));
    let key = [("EncryptionType", "KMS".into()), ("KeyId", "alias/aws/kinesis".into())];
    let start = map([("StreamName", "s".into()), key[0].clone(), key[1].clone()]);
    assert_eq!(connection.ask("StartStreamEncryption", &start), Value::Null);
    let kms = Value::from("KMS");
    assert_eq!(*member(&connection.ask("PutRecords", &puts), "EncryptionType"), kms);
    let put = map([("StreamName", "s".into()), ("Data", blob(b"d")), ("PartitionKey", "k".into())]);
    assert_eq!(*member(&connection.ask("PutRecord", &put), "EncryptionType"), kms);
    let iterator = iterator_of(&mut connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
    let reply = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
    let told = |record: &Value| as_json(record).get("EncryptionType").cloned();
    let told: Vec<_> = member(&reply, "Records").as_array().unwrap().iter().map(told).collect();
    assert_eq!(told, [None, Some(json!("KMS")), Some(json!("KMS"))]);
}

/// Protects: at the end of a closed shard there is no iterator, and its children are told as in JSON.
#[test]
fn the_end_of_a_closed_shard() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let split = map([
        ("StreamName", "s".into()),
        ("ShardToSplit", shard_id(0).into()),
        ("NewStartingHashKey", "7".into()),
    ]);
    assert_eq!(connection.ask("SplitShard", &split), Value::Null);
    server.clock.advance(std::time::Duration::from_secs(2));
    let iterator = iterator_of(&mut connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
    let in_json = connection.call("GetRecords", &json!({"ShardIterator": iterator.as_text()})).json();
    let in_cbor = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
    assert_eq!(as_json(&in_cbor), in_json);
    assert_eq!(member(&in_cbor, "ChildShards").as_array().map(Vec::len), Some(2));
}

/// Protects: a record of 10 MiB, key included, through PutRecord, PutRecords and GetRecords.
#[test]
fn ten_mebibytes() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let size = map([("StreamARN", arn.into()), ("MaxRecordSizeInKiB", 10_240.into())]);
    assert_eq!(connection.ask("UpdateMaxRecordSize", &size), Value::Null);
    let data: Vec<u8> = (0..(10_u32 << 20) - 1).map(|at| at.to_le_bytes()[1] ^ at.to_le_bytes()[2]).collect();
    let record = vec![("Data".into(), blob(&data)), ("PartitionKey".into(), "k".into())];
    let puts = Value::Array(vec![Value::Map(record.clone())]);
    let put = Value::Map([record, vec![("StreamName".into(), "s".into())]].concat());
    connection.ask("PutRecord", &put);
    connection.ask("PutRecords", &map([("Records", puts), ("StreamName", "s".into())]));
    let mut iterator = iterator_of(&mut connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
    for _ in 0..2 {
        let reply = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
        let records = member(&reply, "Records").as_array().unwrap();
        assert_eq!(records.len(), 1);
        assert!(member(&records[0], "Data").as_bytes() == Some(&data), "the record changed");
        iterator = member(&reply, "NextShardIterator").clone();
    }
}

/// Protects: the recorded error of reference 1.3, and that each kind of error has its form: a lower-case message always,
/// none where AWS sends none.
#[test]
fn errors() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let nope = map([("StreamName", "wrong-stream-name".into())]);
    let text = "Stream wrong-stream-name under account 000000000000 not found.";
    assert_eq!(
        connection.call_cbor("DescribeStream", &nope),
        (400, error("ResourceNotFoundException", text))
    );
    let put =
        |data: Value, key: Value| map([("StreamName", "s".into()), ("Data", data), ("PartitionKey", key)]);
    for (data, key, message) in [
        ("aGk=".into(), "k".into(), "class java.lang.String can not be converted to a Blob"),
        (blob(b""), blob(b"k"), "class java.nio.HeapByteBuffer can not be converted to an String"),
        (true.into(), "k".into(), "class java.lang.Boolean can not be converted to a Blob"),
        (
            5.into(),
            "k".into(),
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob",
        ),
        (time(5), "k".into(), "class java.util.Date can not be converted to a Blob"),
        (map([]), "k".into(), "Start of structure or map found where not expected."),
        (blob(b""), Value::Array(vec![]), "Start of list found where not expected"),
    ] {
        let put = put(data, key);
        let expected = (400, error("SerializationException", message));
        assert_eq!(connection.call_cbor("PutRecord", &put), expected, "{put:?}");
        let Value::Map(members) = put else { unreachable!() };
        let puts = map([
            ("StreamName", "s".into()),
            ("Records", Value::Array(vec![Value::Map(members[1..].to_vec())])),
        ]);
        assert_eq!(connection.call_cbor("PutRecords", &puts), expected, "{puts:?}");
    }
    let text = "1 validation error detected: Value '' at 'partitionKey' failed to satisfy constraint: Member must have \
                length greater than or equal to 1";
    let expected = (400, error("ValidationException", text));
    assert_eq!(connection.call_cbor("PutRecord", &put(blob(b""), "".into())), expected);
    let zero = [("ShardIteratorType", "AT_SEQUENCE_NUMBER"), ("StartingSequenceNumber", "0")];
    let start = map([
        ("StreamName", "s".into()),
        ("ShardId", "0".into()),
        (zero[0].0, zero[0].1.into()),
        (zero[1].0, zero[1].1.into()),
    ]);
    let bare = map([("__type", "InternalFailure".into())]);
    assert_eq!(connection.call_cbor("GetShardIterator", &start), (500, bare));
    let record = connection.read_all(0);
    assert!(record.is_empty(), "stored by a refused put: {record:?}");
}

/// Protects: a throttle that someone switched on is told per record, in CBOR.
#[test]
fn planned_throttles() {
    let server = TestServer::with(Config { error_probability: 1.0, seed: Some(7), ..config() });
    server.create("s", 1);
    let record = map([("Data", blob(b"")), ("PartitionKey", "k".into())]);
    let puts = map([("StreamName", "s".into()), ("Records", Value::Array(vec![record; 2]))]);
    let reply = server.connect().ask("PutRecords", &puts);
    let failed = map([
        ("ErrorCode", "ProvisionedThroughputExceededException".into()),
        ("ErrorMessage", "Rate exceeded for shard X in stream Y under account Z.".into()),
    ]);
    let expected = map([("FailedRecordCount", 2.into()), ("Records", Value::Array(vec![failed; 2]))]);
    assert_eq!(reply, expected);
}

/// Protects: rules 3, 4 and 7 of reference 1.6 in CBOR; nesting without end and lengths that no body has are refused like
/// any body that is none, and the connection lives on.
#[test]
fn bodies_that_are_none() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let bare = |kind: &str| (400, map([("__type", kind.into())]));
    let long = [&b"\xbf\x64Data\x5b"[..], &[0xff; 8], b"\x00"].concat();
    let records = [&b"\xbf\x67Records\x9b"[..], &[0xff; 8]].concat();
    let deep = [&b"\xbf\x67Records"[..], &b"\x9f".repeat(1 << 20)].concat();
    let deep_maps = b"\xbf\x61a".repeat(1 << 18);
    let many = [&b"\xbf\x61a\x9f"[..], &b"\xf6".repeat(1 << 20), b"\xff\xff"].concat();
    let bodies: [&[u8]; 12] = [
        b"",
        b"\xbf",
        b"\xf6",
        b"\x9f\xff",
        b"{}",
        b"\xbf\xff\xff",
        b"\xa1\x01\x01",
        &long,
        &records,
        &deep,
        &deep_maps,
        &many,
    ];
    for operation in ["ListStreams", "PutRecord", "PutRecords", "GetRecords"] {
        for body in bodies {
            let answer = connection.call_bytes(operation, body);
            let shown = &body[..body.len().min(20)];
            let expected = bare("SerializationException");
            assert_eq!((answer.status, document(&answer)), expected, "{operation} {shown:x?}");
            assert_eq!(answer.header("content-type"), Some(CBOR));
        }
    }
    let (body, target) = (b"\xbf\xff", ("X-Amz-Target", "Kinesis_20131202.ListStreams"));
    connection.send(request("POST /", &[("Content-Type", CBOR), target], body));
    let missing = error("MissingAuthenticationTokenException", "Missing Authentication Token");
    assert_eq!(document(&connection.answer()), missing);
    assert_eq!(connection.call_cbor("Nothing", &map([])), bare("UnknownOperationException"));
    let fields = [SIGNED[0], SIGNED[1], ("Content-Type", JSON), target];
    connection.send(request("POST /", &fields, b"{}"));
    assert_eq!(connection.answer().json()["StreamNames"], json!(["s"]));
}

/// Protects: records as large as they may be, ten MiB in one request that comes in many frames and one reply that goes in
/// many windows, whole and in order; and 500 in one request.
#[test]
fn large_and_many() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let read_all = |connection: &mut Connection| {
        let iterator = iterator_of(connection, &[("ShardIteratorType", "TRIM_HORIZON".into())]);
        let reply = connection.ask("GetRecords", &map([("ShardIterator", iterator)]));
        let Value::Array(records) = member(&reply, "Records").clone() else { panic!("no list in {reply:?}") };
        records
    };
    let data: Vec<Vec<u8>> = (0..9_u8)
        .map(|number| (0..(1 << 20) - 1).map(|at: u32| at.to_le_bytes()[1] ^ number).collect())
        .collect();
    let record = |data: &Vec<u8>| map([("Data", blob(data)), ("PartitionKey", "k".into())]);
    let puts =
        map([("StreamName", "s".into()), ("Records", Value::Array(data.iter().map(record).collect()))]);
    assert_eq!(connection.call_bytes("PutRecords", &bytes_until_break(&puts)).status, 200);
    let records = read_all(&mut connection);
    assert_eq!(records.len(), data.len());
    for (record, data) in records.iter().zip(&data) {
        assert!(member(record, "Data").as_bytes() == Some(data), "a record of {} bytes changed", data.len());
    }

    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let keys: Vec<_> = (0..500).map(|number| format!("key-{number}")).collect();
    let record = |key: &String| map([("PartitionKey", key.as_str().into()), ("Data", blob(key.as_bytes()))]);
    let puts =
        map([("StreamName", "s".into()), ("Records", Value::Array(keys.iter().map(record).collect()))]);
    let reply = connection.ask("PutRecords", &puts);
    assert_eq!(member(&reply, "Records").as_array().unwrap().len(), 500);
    let records = read_all(&mut connection);
    let found: Vec<_> =
        records.iter().map(|record| member(record, "PartitionKey").as_text().unwrap()).collect();
    assert_eq!(found, keys);
}
