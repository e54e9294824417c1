//! Documents, and their bytes in both codecs: in CBOR in any of the forms that mean the same.

use super::tape::Tape;

/// A document of a request. Tokens are known only to the service that gave them: by their places among those.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Token(usize),
    Bytes(Vec<u8>),
    /// Epoch milliseconds.
    Time(u64),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// What tag 1 says, and tags 2 and 3.
const TIME: u64 = 1;
const LARGE: [u64; 2] = [2, 3];
/// A tag that says nothing about what follows.
const SELF_DESCRIBED: u64 = 55_799;

impl Document {
    /// The document in JSON.
    pub(super) fn json(&self, tokens: &[String]) -> Vec<u8> {
        let mut out = String::new();
        self.write_json(tokens, &mut out);
        out.into_bytes()
    }

    fn write_json(&self, tokens: &[String], out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(truth) => out.push_str(&truth.to_string()),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Float(number) if number.is_finite() => out.push_str(&format!("{number:?}")),
            Self::Float(_) => out.push_str("1e999"),
            Self::Text(text) => out.push_str(&serde_json::to_string(text).unwrap()),
            Self::Token(place) => out.push_str(&serde_json::to_string(&tokens[*place]).unwrap()),
            Self::Bytes(bytes) => {
                out.push('"');
                out.push_str(&base64_simd::STANDARD.encode_to_string(bytes));
                out.push('"');
            }
            Self::Time(time_ms) => out.push_str(&format!("{}.{:03}", time_ms / 1000, time_ms % 1000)),
            Self::List(elements) => {
                let write = |(element, out): (&Self, &mut String)| element.write_json(tokens, out);
                joined(['[', ']'], elements, out, write);
            }
            Self::Map(members) => joined(['{', '}'], members, out, |((name, value), out)| {
                out.push_str(&serde_json::to_string(name).unwrap());
                out.push(':');
                value.write_json(tokens, out);
            }),
        }
    }

    /// The document in CBOR, in forms of the tape's choice.
    pub(super) fn cbor(&self, tokens: &[String], tape: &mut Tape<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_cbor(tokens, tape, &mut out);
        out
    }

    fn write_cbor(&self, tokens: &[String], tape: &mut Tape<'_>, out: &mut Vec<u8>) {
        if tape.one_in(60) {
            head(6, SELF_DESCRIBED, tape, out);
        }
        match self {
            Self::Null => out.push(*tape.pick(&[&0xf6, &0xf7])),
            Self::Bool(truth) => out.push(0xf4 + u8::from(*truth)),
            Self::Integer(number) => write_integer(*number, tape, out),
            Self::Float(number) => write_float(*number, tape, out),
            Self::Text(text) => write_string(3, text.as_bytes(), tape, out),
            Self::Token(place) => write_string(3, tokens[*place].as_bytes(), tape, out),
            Self::Bytes(bytes) => write_string(2, bytes, tape, out),
            Self::Time(time_ms) => {
                head(6, TIME, tape, out);
                head(0, *time_ms, tape, out);
            }
            Self::List(elements) => {
                let ends = start(4, elements.len(), tape, out);
                elements.iter().for_each(|element| element.write_cbor(tokens, tape, out));
                out.extend(ends);
            }
            Self::Map(members) => {
                let ends = start(5, members.len(), tape, out);
                for (name, value) in members {
                    write_string(3, name.as_bytes(), tape, out);
                    value.write_cbor(tokens, tape, out);
                }
                out.extend(ends);
            }
        }
    }
}

fn joined<T>(
    [open, close]: [char; 2],
    items: &[T],
    out: &mut String,
    mut write: impl FnMut((&T, &mut String)),
) {
    out.push(open);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write((item, out));
    }
    out.push(close);
}

/// A head in the shortest form or a longer one.
fn head(major: u8, number: u64, tape: &mut Tape<'_>, out: &mut Vec<u8>) {
    let shortest = match number {
        0..24 => 0,
        24..0x100 => 1,
        0x100..0x1_0000 => 2,
        0x1_0000..0x1_0000_0000 => 3,
        _ => 4,
    };
    let longer = if tape.one_in(8) { tape.below(5 - shortest) } else { 0 };
    let bytes = number.to_be_bytes();
    match shortest + longer {
        0 => out.push(major << 5 | bytes[7]),
        form => {
            out.push(major << 5 | [24, 25, 26, 27][form - 1]);
            out.extend_from_slice(&bytes[8 - (1 << (form - 1))..]);
        }
    }
}

/// Begins a list or map; gives what ends it.
fn start(major: u8, len: usize, tape: &mut Tape<'_>, out: &mut Vec<u8>) -> Option<u8> {
    if tape.one_in(2) {
        head(major, len as u64, tape, out);
        return None;
    }
    out.push(major << 5 | 31);
    Some(0xff)
}

/// In one piece, or in several.
fn write_string(major: u8, string: &[u8], tape: &mut Tape<'_>, out: &mut Vec<u8>) {
    if !tape.one_in(8) {
        head(major, string.len() as u64, tape, out);
        out.extend_from_slice(string);
        return;
    }
    out.push(major << 5 | 31);
    let mut rest = string;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(1 + tape.below(rest.len()));
        head(major, piece.len() as u64, tape, out);
        out.extend_from_slice(piece);
        rest = more;
    }
    out.push(0xff);
}

/// As a number, as bytes that make one, or as a number with a fraction of none.
fn write_integer(number: i128, tape: &mut Tape<'_>, out: &mut Vec<u8>) {
    let is_negative = number < 0;
    let magnitude = if is_negative { -1 - number } else { number }.unsigned_abs();
    match u64::try_from(magnitude) {
        Ok(_) if tape.one_in(16) => write_float(number as f64, tape, out),
        Ok(small) if !tape.one_in(16) => head(u8::from(is_negative), small, tape, out),
        _ => {
            head(6, LARGE[usize::from(is_negative)], tape, out);
            write_string(2, &magnitude.to_be_bytes(), tape, out);
        }
    }
}

/// In 64 bits, or in fewer if that is the same number.
fn write_float(number: f64, tape: &mut Tape<'_>, out: &mut Vec<u8>) {
    #[allow(clippy::cast_possible_truncation, reason = "whether it truncates is asked")]
    let single = number as f32;
    match number {
        0.0 if tape.one_in(2) => out.extend_from_slice(b"\xf9\x00\x00"),
        1.0 if tape.one_in(2) => out.extend_from_slice(b"\xf9\x3c\x00"),
        _ if f64::from(single) == number && tape.one_in(2) => {
            out.push(0xfa);
            out.extend_from_slice(&single.to_be_bytes());
        }
        _ => {
            out.push(0xfb);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}
