//! Every row of reference 3, to the letter, and the conversions that are not errors.

use super::super::shapes::{
    CREATE_STREAM, DELETE_STREAM, GET_RECORDS, GET_SHARD_ITERATOR, LIST_SHARDS, PUT_RECORD, PUT_RECORDS,
    Structure,
};
use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;

const NUMBER_CLASS: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";

fn number() -> Value<'static> {
    Value::Integer(23)
}

fn list() -> Value<'static> {
    Value::List(vec![])
}

fn map() -> Value<'static> {
    Value::Map(vec![])
}

/// Checks the type error of one member.
fn check(structure: &'static Structure, member: &'static str, value: &Value<'static>, message: &str) {
    let error = convert_structure(Scalars::Textual, structure, Value::structure([(member, value.clone())]))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Serialization);
    assert_eq!(error.message.as_deref(), Some(message), "{member} given {value:?}");
}

/// The conversion of one member that is right.
fn converted(structure: &'static Structure, member: &'static str, value: Value<'static>) -> Input<'static> {
    convert_structure(Scalars::Textual, structure, Value::structure([(member, value)])).unwrap()
}

/// S1, S2, S10, S11 for texts.
#[test]
fn strings() {
    let name = "StreamName";
    let given = [Value::Bool(true), number(), Value::Float(2.5), list(), map()];
    let messages = [
        "class java.lang.Boolean can not be converted to an String".to_owned(),
        format!("{NUMBER_CLASS} can not be converted to an String"),
        format!("{NUMBER_CLASS} can not be converted to an String"),
        "Start of list found where not expected".to_owned(),
        "Start of structure or map found where not expected.".to_owned(),
    ];
    for (value, message) in given.into_iter().zip(&messages) {
        check(&CREATE_STREAM, name, &value, message);
    }
}

/// S1, S3, S10, S11 for numbers.
#[test]
fn integers() {
    check(
        &GET_RECORDS,
        "Limit",
        &Value::Bool(false),
        "class java.lang.Boolean can not be converted to an Integer",
    );
    check(
        &GET_RECORDS,
        "Limit",
        &Value::string("1"),
        "class java.lang.String can not be converted to an Integer",
    );
    check(&GET_RECORDS, "Limit", &list(), "Start of list found where not expected");
    check(&GET_RECORDS, "Limit", &map(), "Start of structure or map found where not expected.");
}

/// S2, S4, S10, S11 for truth values.
#[test]
fn booleans() {
    let member = "EnforceConsumerDeletion";
    check(&DELETE_STREAM, member, &number(), &format!("{NUMBER_CLASS} can not be converted to an Boolean"));
    check(&DELETE_STREAM, member, &Value::string("23"), "'23' can not be converted to an Boolean");
    check(&DELETE_STREAM, member, &Value::string("maybe"), "'MAYBE' can not be converted to an Boolean");
    check(&DELETE_STREAM, member, &list(), "Start of list found where not expected");
    check(&DELETE_STREAM, member, &map(), "Start of structure or map found where not expected.");
    for (text, truth) in
        [("true", true), ("1", true), ("yEs", true), ("FALSE", false), ("0", false), ("no", false)]
    {
        assert_eq!(
            converted(&DELETE_STREAM, member, Value::string(text)).boolean(member),
            Some(truth),
            "{text}"
        );
    }
}

/// S5 to S8, S10, S11 for bytes.
#[test]
fn blobs() {
    check(&PUT_RECORD, "Data", &Value::Bool(true), "class java.lang.Boolean can not be converted to a Blob");
    check(&PUT_RECORD, "Data", &number(), &format!("{NUMBER_CLASS} can not be converted to a Blob"));
    check(&PUT_RECORD, "Data", &list(), "Start of list found where not expected");
    check(&PUT_RECORD, "Data", &map(), "Start of structure or map found where not expected.");
    for (text, fault) in [
        ("a", "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
        ("éé", "Base64 encoded length is expected a multiple of 4 bytes but found: 2"),
        ("====a", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ("abc;", "Invalid Base64 character: ';'"),
        ("a=bc", "Invalid Base64 character: '='"),
        ("ab-_", "Invalid Base64 character: '-'"),
        ("ab c", "Invalid Base64 character: ' '"),
        ("abcé", "Invalid Base64 character: 'é'"),
        ("YR==", "Invalid last non-pad Base64 character dectected"),
        ("YWJ=", "Invalid last non-pad Base64 character dectected"),
        ("====", "Invalid last non-pad Base64 character dectected"),
    ] {
        let message = format!("'{text}' can not be converted to a Blob: {fault}");
        check(&PUT_RECORD, "Data", &Value::string(text), &message);
    }
    assert_eq!(converted(&PUT_RECORD, "Data", Value::string("")).blob("Data"), Some(&b""[..]));
    assert_eq!(converted(&PUT_RECORD, "Data", Value::string("aGVsbG8=")).blob("Data"), Some(&b"hello"[..]));
    let bytes = Value::Blob(Cow::Borrowed(b"\x00\xff"));
    assert_eq!(converted(&PUT_RECORD, "Data", bytes).blob("Data"), Some(&b"\x00\xff"[..]));
}

/// S9, S10, S11 for times, and the rounding to milliseconds.
#[test]
fn timestamps() {
    let member = "Timestamp";
    check(
        &GET_SHARD_ITERATOR,
        member,
        &Value::string("1"),
        "class java.lang.String can not be converted to milliseconds since epoch",
    );
    check(
        &GET_SHARD_ITERATOR,
        member,
        &Value::Bool(true),
        "class java.lang.Boolean can not be converted to milliseconds since epoch",
    );
    check(&GET_SHARD_ITERATOR, member, &list(), "Start of list found where not expected");
    check(&GET_SHARD_ITERATOR, member, &map(), "Start of structure or map found where not expected.");
    for (value, time_ms) in [
        (Value::Integer(1_671_562_498), 1_671_562_498_000),
        (Value::Float(1_671_562_498.449), 1_671_562_498_449),
        (Value::Float(0.0004), 0),
        (Value::Float(0.0006), 1),
        (Value::TimestampMs(7), 7),
        (Value::Integer(-5), 0),
        (Value::Integer(i64::MIN), 0),
        (Value::Integer(i64::MAX), u64::MAX),
        (Value::Float(-0.5), 0),
        (Value::Float(f64::NAN), 0),
        (Value::Float(f64::INFINITY), u64::MAX),
    ] {
        let input = converted(&GET_SHARD_ITERATOR, member, value.clone());
        assert_eq!(input.timestamp_ms(member), Some(time_ms), "{value:?}");
    }
}

/// Where a codec has types of its own, a text is no blob and a plain number is milliseconds; what belongs nowhere is
/// named by its class (inferred).
#[test]
fn binary_scalars() {
    let refused = |structure, member, value| {
        let error = read_binary(structure, Value::structure([(member, value)])).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Serialization);
        error.message.unwrap()
    };
    let bytes = || Value::Blob(Cow::Borrowed(b"s"));
    let time = || Value::TimestampMs(7);
    for (structure, member, value, message) in [
        (&PUT_RECORD, "Data", Value::string("aGk="), "class java.lang.String can not be converted to a Blob"),
        (&PUT_RECORD, "Data", time(), "class java.util.Date can not be converted to a Blob"),
        (
            &PUT_RECORD,
            "PartitionKey",
            bytes(),
            "class java.nio.HeapByteBuffer can not be converted to an String",
        ),
        (&PUT_RECORD, "PartitionKey", time(), "class java.util.Date can not be converted to an String"),
        (
            &CREATE_STREAM,
            "ShardCount",
            bytes(),
            "class java.nio.HeapByteBuffer can not be converted to an Integer",
        ),
        (&CREATE_STREAM, "ShardCount", time(), "class java.util.Date can not be converted to an Integer"),
        (
            &DELETE_STREAM,
            "EnforceConsumerDeletion",
            bytes(),
            "class java.nio.HeapByteBuffer can not be converted to an Boolean",
        ),
        (
            &GET_SHARD_ITERATOR,
            "Timestamp",
            bytes(),
            "class java.nio.HeapByteBuffer can not be converted to milliseconds since epoch",
        ),
        (&PUT_RECORDS, "Records", bytes(), "Expected list or null"),
        (&CREATE_STREAM, "Tags", time(), "Expected map or null"),
        (&LIST_SHARDS, "ShardFilter", bytes(), "Expected null"),
    ] {
        assert_eq!(refused(structure, member, value), message);
    }
    for (value, time_ms) in [
        (time(), 7),
        (Value::Integer(1_671_562_498_449), 1_671_562_498_449),
        (Value::Float(1_671_562_498_449.4), 1_671_562_498_449),
        (Value::Integer(-5), 0),
        (Value::Float(f64::INFINITY), u64::MAX),
    ] {
        let member = Value::structure([("Timestamp", value.clone())]);
        let input = convert_structure(Scalars::Binary, &GET_SHARD_ITERATOR, member).unwrap();
        assert_eq!(input.timestamp_ms("Timestamp"), Some(time_ms), "{value:?}");
    }
}

/// S11, S12 for lists; S10, S13 for maps; S10, S14 for structures; and elements have types too.
#[test]
fn containers() {
    for scalar in [Value::Bool(true), number(), Value::string("a")] {
        check(&PUT_RECORDS, "Records", &scalar.clone(), "Expected list or null");
        check(&CREATE_STREAM, "Tags", &scalar.clone(), "Expected map or null");
        check(&LIST_SHARDS, "ShardFilter", &scalar.clone(), "Expected null");
        check(&PUT_RECORDS, "Records", &Value::List(vec![scalar]), "Expected null");
    }
    check(&PUT_RECORDS, "Records", &map(), "Start of structure or map found where not expected.");
    check(&CREATE_STREAM, "Tags", &list(), "Start of list found where not expected");
    check(&LIST_SHARDS, "ShardFilter", &list(), "Start of list found where not expected");
    check(&PUT_RECORDS, "Records", &Value::List(vec![list()]), "Start of list found where not expected");
    check(
        &CREATE_STREAM,
        "Tags",
        &Value::structure([("a", Value::Bool(true))]),
        "class java.lang.Boolean can not be converted to an String",
    );
}

/// Fractions are cut off and large values clamped.
#[test]
fn numbers_are_coerced() {
    for (value, number) in [
        (Value::Integer(100_000_000_000), 2_147_483_647),
        (Value::Integer(-100_000_000_000), -2_147_483_648),
        (Value::Float(1e30), 2_147_483_647),
        (Value::Float(5.9), 5),
        (Value::Float(-5.9), -5),
        (Value::Integer(7), 7),
    ] {
        assert_eq!(
            converted(&CREATE_STREAM, "ShardCount", value.clone()).integer("ShardCount"),
            Some(number)
        );
    }
}

/// Unknown members and `null` are nothing; the last of several members with one name is meant; names are
/// exact.
#[test]
fn absence() {
    let value = Value::structure([
        ("Nope", Value::List(vec![Value::Bool(true)])),
        ("streamName", Value::Integer(5)),
        ("StreamName", Value::string("first")),
        ("StreamName", Value::string("second")),
        ("ShardCount", Value::Null),
        (
            "Tags",
            Value::structure([("k", Value::string("1")), ("n", Value::Null), ("k", Value::string("2"))]),
        ),
    ]);
    let input = read(&CREATE_STREAM, value).unwrap();
    assert_eq!(input.string("StreamName"), Some("second"));
    assert_eq!(input.integer("ShardCount"), None);
    assert_eq!(input.map("Tags"), Some(&[(Cow::Borrowed("k"), Cow::Borrowed("2"))][..]));
}

/// The type check covers the whole input before any constraint is looked at.
#[test]
fn types_come_before_constraints() {
    let value = Value::structure([("StreamName", Value::string("")), ("ShardCount", Value::string("a"))]);
    assert_eq!(read(&CREATE_STREAM, value).unwrap_err().kind, ErrorKind::Serialization);
}

proptest! {
    /// A text decodes exactly when it is the encoding of what it decodes to, and otherwise has a fault to
    /// name.
    #[test]
    fn base64_is_canonical(text in "[A-Da-d+/=; ]{0,12}") {
        let decoded = convert_blob(Scalars::Textual, Value::string(text.clone()));
        let is_canonical = base64_simd::STANDARD
            .decode_to_vec(text.as_bytes())
            .is_ok_and(|bytes| base64_simd::STANDARD.encode_to_string(bytes) == text);
        prop_assert_eq!(decoded.is_ok(), is_canonical);
    }

    /// Encoded bytes come back as they were.
    #[test]
    fn base64_round_trips(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = base64_simd::STANDARD.encode_to_string(&bytes);
        prop_assert_eq!(convert_blob(Scalars::Textual, Value::string(text)).unwrap().into_owned(), bytes);
    }
}
