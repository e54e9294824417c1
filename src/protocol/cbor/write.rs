//! CBOR out: documents and errors as bytes. Lists and maps have indefinite length, as those of AWS have (reference
//! 1.3); strings and numbers stand under the shortest head that holds them.

use super::reader::BREAK;
use crate::document::Value;

const LIST_START: u8 = 0x9f;
const MAP_START: u8 = 0xbf;
const TIME: u8 = 0xc1;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const DOUBLE: u8 = 0xfb;

/// Kinds of items that a head with a number begins, by the upper bits of its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::protocol) enum Kind {
    /// The number itself.
    Unsigned = 0x00,
    /// The number taken from -1.
    Negative = 0x20,
    /// A byte string of so many bytes.
    Bytes = 0x40,
    /// A text string of so many bytes.
    Text = 0x60,
}

/// Appends a value.
///
/// Times are tag 1 around whole milliseconds, and members that are `null` are left out.
pub fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        Value::Integer(number) => match u64::try_from(*number) {
            Ok(number) => write_head(Kind::Unsigned, number, out),
            // A complement's bits are those of the number taken from -1.
            Err(_) => write_head(Kind::Negative, !number.cast_unsigned(), out),
        },
        Value::Float(number) => {
            out.push(DOUBLE);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::String(text) => write_text(text.as_bytes(), out),
        Value::Blob(bytes) => {
            write_head(Kind::Bytes, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::TimestampMs(time_ms) => {
            out.push(TIME);
            write_head(Kind::Unsigned, *time_ms, out);
        }
        Value::List(elements) => {
            out.push(LIST_START);
            elements.iter().for_each(|element| write(element, out));
            out.push(BREAK);
        }
        Value::Map(members) => {
            out.push(MAP_START);
            for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
                write_text(name.as_bytes(), out);
                write(value, out);
            }
            out.push(BREAK);
        }
    }
}

/// The body of an error answer: `__type`, and `message` if there is one.
#[must_use]
pub fn write_error(kind: &str, message: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + kind.len() + message.map_or(0, str::len));
    out.push(MAP_START);
    write_text(b"__type", &mut out);
    write_text(kind.as_bytes(), &mut out);
    if let Some(message) = message {
        write_text(b"message", &mut out);
        write_text(message.as_bytes(), &mut out);
    }
    out.push(BREAK);
    out
}

/// Appends a text string of bytes that are known to be UTF-8.
pub(in crate::protocol) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_head(Kind::Text, text.len() as u64, out);
    out.extend_from_slice(text);
}

/// Appends the shortest head that holds a number.
pub(in crate::protocol) fn write_head(kind: Kind, number: u64, out: &mut Vec<u8>) {
    let (bytes, len) = head(kind, number);
    out.extend_from_slice(&bytes[..len]);
}

/// The shortest head that holds a number: its bytes, of which only the first so many count.
#[inline]
pub(in crate::protocol) fn head(kind: Kind, number: u64) -> ([u8; HEAD_BYTES_MAX], usize) {
    let mut bytes = [0; HEAD_BYTES_MAX];
    let len = head_len(number);
    let number_bytes = number.to_be_bytes();
    let (low_bits, following) = match len {
        1 => (number_bytes[7], 0),
        2 => (24, 1),
        3 => (25, 2),
        5 => (26, 4),
        _ => (27, 8),
    };
    bytes[0] = kind as u8 | low_bits;
    bytes[1..=following].copy_from_slice(&number_bytes[8 - following..]);
    (bytes, len)
}

/// Bytes of the longest head.
pub(in crate::protocol) const HEAD_BYTES_MAX: usize = 9;

/// Bytes of the shortest head that holds a number.
#[inline]
pub(in crate::protocol) const fn head_len(number: u64) -> usize {
    match number {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => HEAD_BYTES_MAX,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::super::parse;
    use super::super::tree::tests::is_same;
    use super::*;

    fn written(value: &Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        write(value, &mut out);
        out
    }

    /// The bytes of an error without and with a message, by hand from RFC 8949.
    #[test]
    fn errors() {
        assert_eq!(write_error("A", None), b"\xbf\x66__type\x61A\xff");
        assert_eq!(write_error("A", Some("b")), b"\xbf\x66__type\x61A\x67message\x61b\xff");
    }

    /// Heads change form at 24, 256, 65,536 and 2^32.
    #[test]
    fn heads() {
        for (number, bytes) in [
            (0, &b"\x60"[..]),
            (23, b"\x77"),
            (24, b"\x78\x18"),
            (255, b"\x78\xff"),
            (256, b"\x79\x01\x00"),
            (65_535, b"\x79\xff\xff"),
            (65_536, b"\x7a\x00\x01\x00\x00"),
            (0xffff_ffff, b"\x7a\xff\xff\xff\xff"),
            (0x1_0000_0000, b"\x7b\x00\x00\x00\x01\x00\x00\x00\x00"),
            (u64::MAX, b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        ] {
            let mut out = Vec::new();
            write_head(Kind::Text, number, &mut out);
            assert_eq!((out.as_slice(), head_len(number)), (bytes, bytes.len()), "{number}");
        }
    }

    /// Every kind of value, by hand from RFC 8949 and reference 1.3: milliseconds under tag 1, bytes as bytes.
    #[test]
    fn values() {
        for (value, bytes) in [
            (Value::Null, &b"\xf6"[..]),
            (Value::Bool(false), b"\xf4"),
            (Value::Bool(true), b"\xf5"),
            (Value::Integer(10), b"\x0a"),
            (Value::Integer(-1), b"\x20"),
            (Value::Integer(-500), b"\x39\x01\xf3"),
            (Value::Integer(i64::MIN), b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"),
            (Value::Float(1.1), b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"),
            (Value::string("\u{fc}"), b"\x62\xc3\xbc"),
            (Value::Blob(Cow::Borrowed(b"\x00\xff")), b"\x42\x00\xff"),
            (Value::TimestampMs(1_700_000_000_123), b"\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b"),
            (Value::TimestampMs(1_000), b"\xc1\x19\x03\xe8"),
            (Value::List(vec![]), b"\x9f\xff"),
            (Value::List(vec![Value::Integer(1), Value::Null]), b"\x9f\x01\xf6\xff"),
            (
                Value::structure([("a", Value::Integer(1)), ("b", Value::Null), ("c", Value::Map(vec![]))]),
                b"\xbf\x61a\x01\x61c\xbf\xff\xff",
            ),
        ] {
            assert_eq!(written(&value), bytes, "{value:?}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value<'static>> {
        let scalar = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            (-300_i64..300).prop_map(Value::Integer),
            any::<f64>().prop_filter("equal to itself", |number| !number.is_nan()).prop_map(Value::Float),
            "\\PC{0,40}".prop_map(Value::string),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Blob(Cow::Owned(bytes))),
            any::<u64>().prop_map(Value::TimestampMs),
        ];
        scalar.prop_recursive(4, 40, 8, |value| {
            prop_oneof![
                prop::collection::vec(value.clone(), 0..8).prop_map(Value::List),
                prop::collection::vec(("\\PC{0,30}".prop_map(Cow::Owned), value), 0..8).prop_map(Value::Map),
            ]
        })
    }

    /// What a decoder that shares no code with this one reads.
    fn from_outside(body: &[u8]) -> ciborium::Value {
        let mut rest = body;
        let value = ciborium::from_reader(&mut rest).expect("CBOR");
        assert!(rest.is_empty(), "more than one item");
        value
    }

    proptest! {
        /// Protects: what is written is the same document to a decoder from elsewhere, and to this one.
        #[test]
        fn documents_are_understood(value in any_value()) {
            let body = written(&Value::structure([("Document", value.clone())]));
            let seen = from_outside(&body);
            let (_, seen) = &seen.as_map().unwrap()[0];
            prop_assert!(is_same(&value, seen), "{:?} {:?}", value, seen);
            let read = parse(&body).unwrap();
            prop_assert_eq!(read.member("Document"), Some(&value));
        }
    }
}
