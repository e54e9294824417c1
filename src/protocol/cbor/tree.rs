//! CBOR in: a request body as a tree. Strings in one piece borrow from the body.
//!
//! Tags say something about an item without being one. Tag 1 makes a number a time, tags 2 and 3 make bytes a large
//! number, and any other is passed over, as the one that only says "this is CBOR" must be.

use std::borrow::Cow;

use super::reader::{Head, Length, Reader};
use crate::document::Value;
use crate::protocol::codec::{DEPTH_MAX, Malformed, NODES_MAX};

const TAG_TIME: u64 = 1;
const TAG_LARGE_POSITIVE: u64 = 2;
const TAG_LARGE_NEGATIVE: u64 = 3;

/// Reads a body.
///
/// Members with one name are all kept, in order; [`Value::member`] and `operation::schema` take the last.
///
/// # Errors
/// [`Malformed`] for anything but one map of at most 64 levels and 65,536 values and names, whose names are texts.
pub fn parse(body: &[u8]) -> Result<Value<'_>, Malformed> {
    let mut tree = Tree { reader: Reader::new(body), nodes_left: NODES_MAX };
    match tree.value(DEPTH_MAX) {
        Some(value @ Value::Map(_)) if tree.reader.is_at_end() => Ok(value),
        _ => Err(Malformed),
    }
}

struct Tree<'a> {
    reader: Reader<'a>,
    nodes_left: usize,
}

impl<'a> Tree<'a> {
    /// The next item, which may have so many levels of lists and maps.
    fn value(&mut self, levels: usize) -> Option<Value<'a>> {
        self.nodes_left = self.nodes_left.checked_sub(1)?;
        let (tag, head) = self.untagged()?;
        if tag == Some(TAG_TIME)
            && let Some(time_ms) = time_ms(head)
        {
            return Some(Value::TimestampMs(time_ms));
        }
        let value = match head {
            Head::Unsigned(number) => {
                i64::try_from(number).map_or(Value::Float(number as f64), Value::Integer)
            }
            Head::Negative(number) => i64::try_from(number)
                .map_or(Value::Float(-1.0 - number as f64), |number| Value::Integer(-1 - number)),
            Head::Float(number) => Value::Float(number),
            Head::Bool(truth) => Value::Bool(truth),
            Head::Null => Value::Null,
            Head::Bytes(length) => match (tag, self.bytes(length)?) {
                (Some(TAG_LARGE_POSITIVE), bytes) => Value::Float(large(&bytes)),
                (Some(TAG_LARGE_NEGATIVE), bytes) => Value::Float(-1.0 - large(&bytes)),
                (_, bytes) => Value::Blob(bytes),
            },
            Head::Text(length) => Value::String(self.text(length)?),
            Head::Array(length) => self.list(length, levels.checked_sub(1)?)?,
            Head::Map(length) => self.map(length, levels.checked_sub(1)?)?,
            Head::Tag(_) | Head::Break => return None,
        };
        Some(value)
    }

    /// The next head that is no tag, and the tag right before it.
    fn untagged(&mut self) -> Option<(Option<u64>, Head)> {
        let mut last = None;
        loop {
            match self.reader.head()? {
                Head::Tag(tag) => last = Some(tag),
                head => return Some((last, head)),
            }
        }
    }

    fn list(&mut self, mut length: Length, levels: usize) -> Option<Value<'a>> {
        let mut elements = Vec::new();
        while self.reader.has_next(&mut length)? {
            elements.push(self.value(levels)?);
        }
        Some(Value::List(elements))
    }

    fn map(&mut self, mut length: Length, levels: usize) -> Option<Value<'a>> {
        let mut members = Vec::new();
        while self.reader.has_next(&mut length)? {
            self.nodes_left = self.nodes_left.checked_sub(1)?;
            let Head::Text(name) = self.reader.head()? else { return None };
            let name = self.text(name)?;
            members.push((name, self.value(levels)?));
        }
        Some(Value::Map(members))
    }

    fn text(&mut self, length: Length) -> Option<Cow<'a, str>> {
        match length {
            Length::Known(bytes) => std::str::from_utf8(self.reader.take(bytes)?).ok().map(Cow::Borrowed),
            Length::UntilBreak => {
                let is_text = |head| if let Head::Text(length) = head { Some(length) } else { None };
                String::from_utf8(self.pieces(is_text)?).ok().map(Cow::Owned)
            }
        }
    }

    fn bytes(&mut self, length: Length) -> Option<Cow<'a, [u8]>> {
        match length {
            Length::Known(bytes) => self.reader.take(bytes).map(Cow::Borrowed),
            Length::UntilBreak => {
                let is_bytes = |head| if let Head::Bytes(length) = head { Some(length) } else { None };
                self.pieces(is_bytes).map(Cow::Owned)
            }
        }
    }

    /// A string in pieces, each of which has a known length and passes for a piece.
    fn pieces(&mut self, piece: impl Fn(Head) -> Option<Length>) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        loop {
            match self.reader.head()? {
                Head::Break => return Some(whole),
                head => match piece(head)? {
                    Length::Known(bytes) => whole.extend_from_slice(self.reader.take(bytes)?),
                    Length::UntilBreak => return None,
                },
            }
        }
    }
}

/// The time that a number under tag 1 tells; those before 1970 become 1970. `None` if it is no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates at both ends and makes 0 of NaN"
)]
fn time_ms(head: Head) -> Option<u64> {
    match head {
        Head::Unsigned(time_ms) => Some(time_ms),
        Head::Negative(_) => Some(0),
        Head::Float(time_ms) => Some(time_ms.round() as u64),
        _ => None,
    }
}

/// The number that bytes make, the most significant first. Exact only as far as it matters: whoever asks for a number
/// gets 32 bits.
fn large(bytes: &[u8]) -> f64 {
    bytes.iter().fold(0.0, |number, byte| number * 256.0 + f64::from(*byte))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
pub(super) mod tests;
