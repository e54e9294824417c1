//! JSON both ways: what is refused, what the writer prints, and that each reads the other.

use super::*;
use proptest::prelude::*;

fn parse_text(text: &str) -> Result<Value<'static>, Malformed> {
    // Leaked, so that trees can be compared without keeping their bodies.
    parse(text.as_bytes().to_vec().leak(), &mut JsonScratch::default())
}

fn written(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    String::from_utf8(out).unwrap()
}

/// Only one whole object is a body (1.6, rule 4).
#[test]
fn malformed_bodies() {
    for text in [
        "",
        " ",
        "hello",
        "true",
        "null",
        "23",
        "\"a\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{}{}",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "\u{feff}{}",
    ] {
        assert_eq!(parse_text(text), Err(Malformed), "{text:?}");
    }
    let mut bytes = *b"{\"a\":\"\xff\"}";
    assert_eq!(parse(&mut bytes, &mut JsonScratch::default()), Err(Malformed));
}

/// Deep nesting is refused instead of overflowing the stack.
#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(parse_text(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(parse_text(&nested(DEPTH_MAX + 1)), Err(Malformed));
    assert_eq!(parse_text(&nested(1_000_000)), Err(Malformed));
    assert_eq!(parse_text(&"{\"a\":".repeat(1_000_000)), Err(Malformed));
}

/// Every kind of value, escapes, blanks, and the last of two members with one name.
#[test]
fn values() {
    let text = " {\"s\" : \"\\u00e9\\n\\ud83d\\ude00\", \"n\":[0,-1,2.5,1e3,9223372036854775808], \"b\":true,\
                \"z\":null, \"s\":\"é\", \"m\":{\"k\":{}} } ";
    let value = parse_text(text).unwrap();
    assert_eq!(value.member("s"), Some(&Value::string("é")));
    assert_eq!(
        value.member("n"),
        Some(&Value::List(vec![
            Value::Integer(0),
            Value::Integer(-1),
            Value::Float(2.5),
            Value::Float(1000.0),
            Value::Float(9_223_372_036_854_775_808.0),
        ]))
    );
    assert_eq!(value.member("b"), Some(&Value::Bool(true)));
    assert_eq!(value.member("z"), Some(&Value::Null));
    assert_eq!(value.member("m"), Some(&Value::structure([("k", Value::Map(vec![]))])));
    let Value::Map(members) = &value else { panic!("an object") };
    assert_eq!(members[0].1, Value::string("é\n😀"));
}

/// Half of a surrogate pair is no text, so the body that holds it is refused and not repaired.
#[test]
fn lone_surrogates() {
    for text in ["{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ude00\"}", "{\"a\":\"\\ud83dx\"}"] {
        assert_eq!(parse_text(text), Err(Malformed), "{text}");
    }
}

/// A number beyond 64 bits is a number, to be clamped later, and not a malformed body.
#[test]
fn huge_numbers() {
    let value = parse_text("{\"a\":100000000000000000000000}").unwrap();
    assert_eq!(value.member("a"), Some(&Value::Float(1e23)));
}

/// Buffers serve body after body, also after a refused one and a large one; more values than any request needs
/// are refused.
#[test]
fn scratch_is_reusable() {
    let mut scratch = JsonScratch::default();
    for len in [1, 500, KEPT_BODY_BYTES_MAX / 2, 3, 35_000] {
        let list = format!("{{\"a\":[{}0]}}", "0,".repeat(len));
        let mut body = list.into_bytes();
        match parse(&mut body, &mut scratch) {
            Ok(value) => {
                let Some(Value::List(elements)) = value.member("a") else { panic!("a list") };
                assert_eq!(elements.len(), len + 1);
            }
            Err(Malformed) => assert!(len > NODES_MAX),
        }
        assert!(scratch.tape.0.capacity() <= NODES_MAX);
        assert_eq!(parse(&mut b"{\"a\"".to_vec(), &mut scratch), Err(Malformed));
    }
}

/// The printed forms that clients depend on.
#[test]
fn printed_forms() {
    for (value, text) in [
        (Value::TimestampMs(1_671_562_498_449), "1671562498.449"),
        (Value::TimestampMs(1_671_562_498_400), "1671562498.4"),
        (Value::TimestampMs(1_671_562_498_050), "1671562498.05"),
        (Value::TimestampMs(1_671_562_498_000), "1671562498"),
        (Value::TimestampMs(7), "0.007"),
        (Value::TimestampMs(0), "0"),
        (Value::Float(2.5), "2.5"),
        (Value::Float(1e21), "1000000000000000000000"),
        (Value::Float(f64::NAN), "null"),
        (Value::Integer(i64::MIN), "-9223372036854775808"),
        (Value::Blob(Cow::Borrowed(b"hello")), "\"aGVsbG8=\""),
        (Value::Blob(Cow::Borrowed(b"")), "\"\""),
        (Value::List(vec![Value::Null, Value::Bool(true), Value::Bool(false)]), "[null,true,false]"),
        (Value::Map(vec![]), "{}"),
        (
            Value::structure([
                ("a", Value::Null),
                ("b", Value::Integer(1)),
                ("c", Value::Null),
                ("d", Value::string("")),
            ]),
            "{\"b\":1,\"d\":\"\"}",
        ),
        (
            Value::string("\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é\"",
        ),
    ] {
        assert_eq!(written(&value), text);
    }
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    // Floats that print as whole numbers come back as integers, so only ones with a fraction are drawn.
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<i32>().prop_map(|number| Value::Float(f64::from(number) + 0.25)),
        any::<String>().prop_map(Value::string),
        "[ -~]{0,40}".prop_map(Value::string),
        "[\\x00-\\x22\\\\a-c]{0,20}".prop_map(Value::string),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            proptest::collection::vec((any::<String>().prop_map(Cow::Owned), inner), 0..6)
                .prop_map(Value::Map),
        ]
    })
}

proptest! {
    /// What is written is read back, by a parser that shares no code with the writer.
    #[test]
    fn round_trip(value in any_value()) {
        let value = Value::structure([("a", value)]);
        prop_assert_eq!(parse_text(&written(&value)), Ok(value));
    }

    /// The announced length of a string is its written length, and what is copied as plain is so.
    #[test]
    fn string_lengths(
        text in any::<String>(),
        dense in "[\\x00-\\x25\\\\a]{0,30}",
        sparse in "[ -~é]{0,80}",
        plain in "[a-z\u{7f}-\u{ff}]{0,80}",
    ) {
        for text in [text, dense, sparse, plain] {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(out.len(), utf8_len_escaped(text.as_bytes()));
            let mut copy = vec![b'#'; text.len() + 3];
            let is_plain = copy_plain(text.as_bytes(), &mut copy);
            prop_assert_eq!(is_plain, out.len() == text.len() + 2, "{:?}", text);
            prop_assert_eq!(&copy, &[text.as_bytes(), b"###"].concat());
        }
    }

    /// Bytes of any kind are refused or read, never a panic.
    #[test]
    fn any_bytes(mut body in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:0-9a-e\\\\ ]{0,60}") {
        let mut scratch = JsonScratch::default();
        let _ = parse(&mut body, &mut scratch);
        let mut text = text.into_bytes();
        let _ = parse(&mut text, &mut scratch);
    }
}
