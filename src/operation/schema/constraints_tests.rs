//! Every rule of reference 4, to the letter.

use super::super::shapes::{
    CREATE_STREAM, DESCRIBE_STREAM, GET_RECORDS, GET_SHARD_ITERATOR, LIST_SHARDS, MemberShape, PUT_RECORD,
    PUT_RECORDS, Structure,
};
use super::super::types::read;
use super::*;
use crate::document::Value;
use crate::error::ErrorKind;

/// Checks the whole message of a request that breaks constraints.
fn check_message(structure: &'static Structure, value: Value<'_>, message: &str) {
    let error = read(structure, value).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.message.as_deref(), Some(message));
}

/// Checks a request that breaks exactly one constraint.
fn check_one(structure: &'static Structure, value: Value<'_>, violation: &str) {
    check_message(structure, value, &format!("1 validation error detected: {violation}"));
}

fn entry(data: &'static str, key: &'static str) -> Value<'static> {
    Value::structure([("Data", Value::string(data)), ("PartitionKey", Value::string(key))])
}

/// V1, with the wording for one and for several.
#[test]
fn null_members() {
    check_one(
        &GET_RECORDS,
        Value::Map(vec![]),
        "Value null at 'shardIterator' failed to satisfy constraint: Member must not be null",
    );
    check_message(
        &PUT_RECORD,
        Value::Map(vec![]),
        "2 validation errors detected: \
         Value null at 'data' failed to satisfy constraint: Member must not be null; \
         Value null at 'partitionKey' failed to satisfy constraint: Member must not be null",
    );
    check_one(
        &CREATE_STREAM,
        Value::structure([("StreamName", Value::string("a")), ("StreamModeDetails", Value::Map(vec![]))]),
        "Value null at 'streamModeDetails.streamMode' failed to satisfy constraint: Member must not be null",
    );
}

/// V1 inside a list, for a member and for a whole element.
#[test]
fn null_members_of_elements() {
    let records =
        Value::List(vec![entry("", "a"), Value::structure([("Data", Value::string(""))]), Value::Null]);
    check_message(
        &PUT_RECORDS,
        Value::structure([("Records", records)]),
        "2 validation errors detected: \
         Value null at 'records.2.member.partitionKey' failed to satisfy constraint: Member must not be null; \
         Value null at 'records.3.member' failed to satisfy constraint: Member must not be null",
    );
}

/// V2 in both directions, and the clamped value in the message.
#[test]
fn ranges() {
    let limit =
        |limit| Value::structure([("StreamName", Value::string("a")), ("Limit", Value::Integer(limit))]);
    check_one(
        &DESCRIBE_STREAM,
        limit(0),
        "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    check_one(
        &DESCRIBE_STREAM,
        limit(100_000_000_000),
        "Value '2147483647' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    );
    for good in [1, 10_000] {
        assert!(read(&DESCRIBE_STREAM, limit(good)).is_ok());
    }
}

/// V3 for texts counts characters, not bytes; V4 comes first where both are broken.
#[test]
fn lengths_and_patterns() {
    check_message(
        &CREATE_STREAM,
        Value::structure([("StreamName", Value::string(""))]),
        "2 validation errors detected: \
         Value '' at 'streamName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; \
         Value '' at 'streamName' failed to satisfy constraint: \
         Member must have length greater than or equal to 1",
    );
    let name = "a".repeat(129);
    check_one(
        &CREATE_STREAM,
        Value::structure([("StreamName", Value::string(name.clone()))]),
        &format!(
            "Value '{name}' at 'streamName' failed to satisfy constraint: \
             Member must have length less than or equal to 128"
        ),
    );
    for (hash_key, sequence_number) in [("340282366920938463463374607431768211456", "5"), ("0", "0")] {
        let value = Value::structure([
            ("Data", Value::string("")),
            ("PartitionKey", Value::string("é".repeat(256))),
            ("ExplicitHashKey", Value::string(hash_key)),
            ("SequenceNumberForOrdering", Value::string(sequence_number)),
        ]);
        assert!(read(&PUT_RECORD, value).is_ok());
    }
    let value = Value::structure([
        ("Data", Value::string("")),
        ("PartitionKey", Value::string("a")),
        ("ExplicitHashKey", Value::string("01")),
        ("SequenceNumberForOrdering", Value::string("x")),
    ]);
    check_message(
        &PUT_RECORD,
        value,
        r"2 validation errors detected: Value '01' at 'explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\d{0,38}); Value 'x' at 'sequenceNumberForOrdering' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\d{0,128})",
    );
}

/// V3 for bytes counts them decoded and prints them as a buffer.
#[test]
fn blob_lengths() {
    let data = vec![0; 10_485_761];
    let records = Value::List(vec![Value::structure([
        ("Data", Value::Blob(Cow::Borrowed(&data))),
        ("PartitionKey", Value::string("a")),
    ])]);
    check_one(
        &PUT_RECORDS,
        Value::structure([("Records", records)]),
        "Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'records.1.member.data' \
         failed to satisfy constraint: Member must have length less than or equal to 10485760",
    );
}

/// V3 for lists prints structures by name and hash.
#[test]
fn list_lengths() {
    check_one(
        &PUT_RECORDS,
        Value::structure([("Records", Value::List(vec![]))]),
        "Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    let records = Value::List(vec![entry("", "a"); 501]);
    let error = read(&PUT_RECORDS, Value::structure([("Records", records)])).unwrap_err();
    let message = error.message.unwrap();
    let prefix =
        "1 validation error detected: Value '[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@";
    let suffix =
        "]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500";
    assert!(message.starts_with(prefix) && message.ends_with(suffix), "{message}");
    assert_eq!(message.matches("PutRecordsRequestEntry@").count(), 501);
}

/// However much is wrong, ten violations are counted and listed, and a huge list is not printed whole.
#[test]
fn ten_at_most() {
    let records = Value::List(vec![Value::Map(vec![]); 5000]);
    let error = read(&PUT_RECORDS, Value::structure([("Records", records)])).unwrap_err();
    let message = error.message.unwrap();
    assert!(message.starts_with("10 validation errors detected: "), "{message}");
    assert_eq!(message.matches(" failed to satisfy constraint: ").count(), 10);
    assert_eq!(message.matches("PutRecordsRequestEntry@").count(), 1000);
    assert!(message.contains(", ...]'"));
}

/// V5, in the recorded order.
#[test]
fn enumerations() {
    let value = Value::structure([
        ("StreamName", Value::string("a")),
        ("ShardId", Value::string("0")),
        ("ShardIteratorType", Value::string("Latest")),
    ]);
    check_one(
        &GET_SHARD_ITERATOR,
        value,
        "Value 'Latest' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: \
         [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
    );
    let value = Value::structure([("ShardFilter", Value::structure([("Type", Value::string("x"))]))]);
    let message = read(&LIST_SHARDS, value).unwrap_err().message.unwrap();
    assert!(message.contains("Value 'x' at 'shardFilter.type' failed"), "{message}");
}

static TAG_KEY: Shape = Shape::String(Text { len: Some((1, 128)), pattern: None, values: &[] });
static TAG_KEYS: Shape = Shape::List { element: &TAG_KEY, len: (1, 50) };
static REMOVE_TAGS: Structure = Structure {
    name: "RemoveTagsFromStreamInput",
    members: &[MemberShape { name: "TagKeys", shape: &TAG_KEYS, required: true }],
};

/// V6: texts of a list are reported once, with the list.
#[test]
fn texts_of_a_list() {
    let keys = Value::List(vec![Value::string("a"), Value::string(""), Value::string("")]);
    check_one(
        &REMOVE_TAGS,
        Value::structure([("TagKeys", keys)]),
        "Value '[a, , ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: \
         [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
    );
}

/// V3, V7 and V8 for maps.
#[test]
fn maps() {
    let create =
        |tags: Value<'static>| Value::structure([("StreamName", Value::string("a")), ("Tags", tags)]);
    check_one(
        &CREATE_STREAM,
        create(Value::Map(vec![])),
        "Value '{}' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    check_one(
        &CREATE_STREAM,
        create(Value::structure([("", Value::string("v")), ("k", Value::string(""))])),
        "Value '{=v, k=}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: \
         [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
    );
    let long = "v".repeat(257);
    check_one(
        &CREATE_STREAM,
        create(Value::structure([("k", Value::string(long.clone()))])),
        &format!(
            "Value '{{k={long}}}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: \
             [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]"
        ),
    );
}
