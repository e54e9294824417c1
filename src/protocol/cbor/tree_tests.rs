//! Requests in every spelling that CBOR has, and what is refused: by hand from RFC 8949, and against a decoder that
//! shares no code with this one.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

/// The value of the one member of a map, its body given.
fn value_of(bytes: &[u8]) -> Option<Value<'static>> {
    let body = [b"\xa1\x61v", bytes].concat();
    let value = parse(&body).ok()?;
    Some(owned(value.member("v")?))
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(truth) => Value::Bool(*truth),
        Value::Integer(number) => Value::Integer(*number),
        Value::Float(number) => Value::Float(*number),
        Value::String(text) => Value::String(Cow::Owned(text.clone().into_owned())),
        Value::Blob(bytes) => Value::Blob(Cow::Owned(bytes.clone().into_owned())),
        Value::TimestampMs(time_ms) => Value::TimestampMs(*time_ms),
        Value::List(elements) => Value::List(elements.iter().map(owned).collect()),
        Value::Map(members) => Value::Map(
            members
                .iter()
                .map(|(name, value)| (Cow::Owned(name.clone().into_owned()), owned(value)))
                .collect(),
        ),
    }
}

fn blob(bytes: &'static [u8]) -> Value<'static> {
    Value::Blob(Cow::Borrowed(bytes))
}

/// Protects: every kind of value, in known and in indefinite length, in the shortest and in longer forms.
#[test]
fn values() {
    for (bytes, value) in [
        (&b"\x07"[..], Value::Integer(7)),
        (b"\x1b\x00\x00\x00\x00\x00\x00\x00\x07", Value::Integer(7)),
        (b"\x29", Value::Integer(-10)),
        (b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", Value::Integer(i64::MIN)),
        (b"\x3b\x80\x00\x00\x00\x00\x00\x00\x00", Value::Float(-9_223_372_036_854_775_808.0)),
        (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", Value::Float(18_446_744_073_709_551_615.0)),
        (b"\xc2\x42\x01\x00", Value::Float(256.0)),
        (b"\xc3\x5f\x41\x01\x41\x00\xff", Value::Float(-257.0)),
        (b"\xf9\x3e\x00", Value::Float(1.5)),
        (b"\xf4", Value::Bool(false)),
        (b"\xf6", Value::Null),
        (b"\xf7", Value::Null),
        (b"\x62\xc3\xa9", Value::string("é")),
        (b"\x7a\x00\x00\x00\x01a", Value::string("a")),
        (b"\x7f\x61a\x60\x62\xc3\xa9\xff", Value::string("aé")),
        (b"\x7f\xff", Value::string("")),
        (b"\x43\x00\x01\xff", blob(b"\x00\x01\xff")),
        (b"\x5f\x42\x00\x01\x40\x41\xff\xff", blob(b"\x00\x01\xff")),
        (b"\x80", Value::List(vec![])),
        (b"\x9f\xff", Value::List(vec![])),
        (b"\x82\x01\x9f\x02\xff", Value::List(vec![Value::Integer(1), Value::List(vec![Value::Integer(2)])])),
        (
            b"\xbf\x61a\x01\x7f\x61b\xff\x02\xff",
            Value::structure([("a", Value::Integer(1)), ("b", Value::Integer(2))]),
        ),
        (b"\xa2\x61a\x01\x61a\x02", Value::structure([("a", Value::Integer(1)), ("a", Value::Integer(2))])),
    ] {
        assert_eq!(value_of(bytes).as_ref(), Some(&value), "{bytes:x?}");
    }
}

/// Protects: a time is milliseconds under tag 1, whole or not; what is no number keeps its own type under any tag, and
/// other tags are passed over (reference 1.3).
#[test]
fn tags() {
    for (bytes, value) in [
        (&b"\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b"[..], Value::TimestampMs(1_700_000_000_123)),
        (b"\xc1\x00", Value::TimestampMs(0)),
        (b"\xc1\x20", Value::TimestampMs(0)),
        (b"\xc1\xf9\x3e\x00", Value::TimestampMs(2)),
        (b"\xc1\xfb\x42\x78\xbc\xfe\x56\x87\xb6\x66", Value::TimestampMs(1_700_000_000_123)),
        (b"\xc1\xf9\x7e\x00", Value::TimestampMs(0)),
        (b"\xc1\xf9\x7c\x00", Value::TimestampMs(u64::MAX)),
        (b"\xc1\x61a", Value::string("a")),
        (b"\xc1\xf6", Value::Null),
        (b"\xc0\x61a", Value::string("a")),
        (b"\xd9\xd9\xf7\xc1\x05", Value::TimestampMs(5)),
        (b"\xc1\xd9\xd9\xf7\x05", Value::Integer(5)),
        (b"\xd5\x41\x05", blob(b"\x05")),
    ] {
        assert_eq!(value_of(bytes).as_ref(), Some(&value), "{bytes:x?}");
    }
    assert_eq!(parse(b"\xd9\xd9\xf7\xa0"), Ok(Value::Map(vec![])));
}

/// Protects: what is not one map of CBOR, whole and nothing more, is refused.
#[test]
fn malformed_bodies() {
    for body in [
        &b""[..],
        b"\x01",
        b"\x80",
        b"\xf6",
        b"\x61a",
        b"\xff",
        b"\xc1",
        b"\xa0\xa0",
        b"\xa1",
        b"\xa1\x61a",
        b"\xa1\x01\x01",
        b"\xa1\x41a\x01",
        b"\xa1\xf6\x01",
        b"\xa1\xc1\x61a\x01",
        b"\xa1\x61a\xff",
        b"\xbf",
        b"\xbf\x61a\xff",
        b"\xbf\x61a\x01",
        b"\xa1\x61a\x9f\x01",
        b"\xa1\x61a\x82\x01\xff",
        b"\xa1\x61a\x62a",
        b"\xa1\x61a\x61\xff",
        b"\xa1\x61a\x7f\x41a\xff",
        b"\xa1\x61a\x5f\x61a\xff",
        b"\xa1\x61a\x7f\x7f\x61a\xff\xff",
        b"\xa1\x61a\x7f\x61\xc3\xff",
        b"\xa1\x61a\x7f\x01\xff",
        b"\xa1\x61a\xc1\xff",
        b"\xa1\x61a\xf8\x20",
        b"\xa1\x61a\xe0",
        b"\xa1\x61a\x1c",
        b"\xa1\x61a\x1f",
        b"\xa1\x61a\xdf\x01",
        b"{\"a\":1}",
    ] {
        assert_eq!(parse(body), Err(Malformed), "{body:x?}");
    }
}

/// Protects: lengths that no body could have cost nothing, at each place where there is one.
#[test]
fn lengths_are_not_believed() {
    for initial in [b"\x5b", b"\x7b", b"\x9b", b"\xbb"] {
        let value = [&initial[..], &[0xff; 8], b"\x01\x02"].concat();
        assert_eq!(value_of(&value), None, "{initial:x?}");
    }
    assert_eq!(parse(&[&b"\xbb"[..], &[0xff; 8]].concat()), Err(Malformed));
    assert_eq!(parse(&[&b"\xa1\x7b"[..], &[0xff; 8], b"a\x01"].concat()), Err(Malformed));
}

/// Protects: 64 levels are read and 65 are not, whatever they are made of; tags are no levels. A body of nothing but
/// openings ends early and not in a full stack.
#[test]
fn nesting_is_bounded() {
    for (open, close) in
        [(&b"\x81"[..], &b""[..]), (b"\x9f", b"\xff"), (b"\xa1\x61a", b""), (b"\xbf\x61a", b"\xff")]
    {
        let nested = |levels: usize| [&open.repeat(levels), &b"\x01"[..], &close.repeat(levels)].concat();
        assert!(value_of(&nested(DEPTH_MAX - 1)).is_some(), "{open:x?}");
        assert_eq!(value_of(&nested(DEPTH_MAX)), None, "{open:x?}");
        assert_eq!(value_of(&open.repeat(1 << 20)), None, "{open:x?}");
    }
    assert_eq!(value_of(&[&b"\xc2".repeat(1 << 20)[..], b"\x07"].concat()), Some(Value::Integer(7)));
    assert_eq!(value_of(&b"\xc1".repeat(1 << 20)), None);
}

/// Protects: as many values and names as JSON may have, and no more; pieces of strings are none.
#[test]
fn items_are_bounded() {
    // The map, its one name and the list come first.
    let list = |values: usize| [&b"\x9f"[..], &vec![0x01; values], b"\xff"].concat();
    assert!(value_of(&list(NODES_MAX - 3)).is_some());
    assert_eq!(value_of(&list(NODES_MAX - 2)), None);
    let members = |count: usize| [&b"\xbf"[..], &b"\x60\x01".repeat(count), b"\xff"].concat();
    assert!(parse(&members((NODES_MAX - 1) / 2)).is_ok());
    assert_eq!(parse(&members(NODES_MAX / 2)), Err(Malformed));
    let pieces = [&b"\x5f"[..], &b"\x40".repeat(1 << 20), b"\xff"].concat();
    assert_eq!(value_of(&pieces), Some(blob(b"")));
}

/// Whether a decoder from elsewhere has seen the same document.
pub(in crate::protocol::cbor) fn is_same(value: &Value<'_>, seen: &ciborium::Value) -> bool {
    use ciborium::Value as Seen;
    match (value, seen) {
        (Value::Null, Seen::Null) => true,
        (Value::Bool(truth), Seen::Bool(seen)) => truth == seen,
        (Value::Integer(number), Seen::Integer(seen)) => i128::from(*number) == i128::from(*seen),
        (Value::Float(number), Seen::Float(seen)) => number == seen || (number.is_nan() && seen.is_nan()),
        // Beyond 64 bits, only as exact as it must be.
        (Value::Float(number), Seen::Integer(seen)) => {
            let seen = i128::from(*seen) as f64;
            (number - seen).abs() <= seen.abs() * 1e-12
        }
        (Value::String(text), Seen::Text(seen)) => text == seen,
        (Value::Blob(bytes), Seen::Bytes(seen)) => bytes.as_ref() == seen,
        // Of several tags the last one counts.
        (Value::TimestampMs(_), Seen::Tag(_, seen)) if seen.is_tag() => is_same(value, seen),
        (Value::TimestampMs(time_ms), Seen::Tag(1, seen)) => match seen.as_ref() {
            Seen::Integer(seen) => i128::from(*seen).max(0) == i128::from(*time_ms),
            // Rounded; by hand above.
            seen => seen.is_float(),
        },
        // A number of more than 128 bits.
        (Value::Float(_), Seen::Tag(2 | 3, seen)) if seen.is_bytes() => true,
        (_, Seen::Tag(_, seen)) => is_same(value, seen),
        (Value::List(elements), Seen::Array(seen)) => {
            elements.len() == seen.len()
                && elements.iter().zip(seen).all(|(value, seen)| is_same(value, seen))
        }
        (Value::Map(members), Seen::Map(seen)) => {
            members.len() == seen.len()
                && members.iter().zip(seen).all(|((name, value), (seen_name, seen))| {
                    seen_name.as_text() == Some(name) && is_same(value, seen)
                })
        }
        _ => false,
    }
}

/// Protects: no bytes make the reader panic, and what it takes is what another decoder reads. That one minds the tag of a
/// large number on something else, and a letter that is cut between two pieces; this one does not.
fn check(body: &[u8]) {
    let Ok(value) = parse(body) else { return };
    match ciborium::from_reader::<ciborium::Value, _>(body) {
        Ok(seen) => assert!(is_same(&value, &seen), "{body:x?} is {value:?} and {seen:?}"),
        Err(error) => {
            let is_minded = body.iter().any(|byte| matches!(byte, 0x7f | 0xc2 | 0xc3));
            assert!(is_minded, "{error} in {body:x?}");
        }
    }
}

/// Bytes that are likely to be items.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    const ITEMS: &[&[u8]] = &[
        b"\x61a",
        b"\x61b",
        b"\x01",
        b"\x38\x20",
        b"\x42ab",
        b"\x5f",
        b"\x7f",
        b"\x9f",
        b"\xbf",
        b"\xff",
        b"\xff",
        b"\x82",
        b"\xa1",
        b"\xc1",
        b"\xc2",
        b"\xf5",
        b"\xf6",
        b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
    ];
    prop::collection::vec(prop::sample::select(ITEMS), 0..24).prop_map(|items| items.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        check(&bytes);
        check(&[b"\xa1\x61a", &bytes[..]].concat());
    }

    #[test]
    fn likely_items(bytes in likely_bytes()) {
        check(&[b"\xbf\x61a", &bytes[..]].concat());
        check(&[b"\xbf\x61a", &bytes[..], b"\xff"].concat());
    }
}
