//! JSON in: a request body as a tree. (JSON out is in `json_text`, and used from here.)
//!
//! simd-json makes a flat tape of the body, in place and into buffers that are used again; the tree is built
//! from the tape. Nesting is bounded where the tape is made, so that no later walk of the tree can run out of
//! stack.

pub use super::json_text::write;
pub(crate) use super::json_text::{copy_plain, utf8_len_escaped, write_string, write_utf8};

use super::codec::{DEPTH_MAX, Malformed, NODES_MAX};
use crate::document::Value;
use simd_json::{Buffers, Node, StaticNode, Tape};
use std::borrow::Cow;

/// A body above this size does not leave its buffers behind, so that one large request is not paid for ever.
const KEPT_BODY_BYTES_MAX: usize = 2 << 20;

/// Buffers that parsing uses again and again; one for each thread or connection.
pub struct JsonScratch {
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Default for JsonScratch {
    fn default() -> Self {
        Self { buffers: Buffers::with_max_depth(0, DEPTH_MAX), tape: Tape(Vec::new()) }
    }
}

impl std::fmt::Debug for JsonScratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonScratch").field("nodes", &self.tape.0.capacity()).finish_non_exhaustive()
    }
}

/// Reads a body. Strings borrow from it, and escapes are resolved in place: the bytes are not JSON any more
/// after.
///
/// Members with one name are all kept, in order; [`Value::member`] and `operation::schema` take the last.
///
/// # Errors
/// [`Malformed`] for anything but one object of at most 64 levels and 65,536 values and names in valid UTF-8.
pub fn parse<'a>(body: &'a mut [u8], scratch: &mut JsonScratch) -> Result<Value<'a>, Malformed> {
    let is_large = body.len() > KEPT_BODY_BYTES_MAX;
    let mut tape = std::mem::replace(&mut scratch.tape, Tape(Vec::new())).reset();
    let filled = simd_json::fill_tape(body, &mut scratch.buffers, &mut tape);
    let value = match (filled, tape.0.first()) {
        (Ok(()), Some(Node::Object { .. })) if tape.0.len() <= NODES_MAX => {
            Ok(build(&mut tape.0.iter().copied()))
        }
        _ => Err(Malformed),
    };
    if is_large || tape.0.capacity() > NODES_MAX {
        *scratch = JsonScratch::default();
    } else {
        scratch.tape = tape.reset();
    }
    value
}

/// The value that starts at the next node. A tape that ended early would read as nulls.
fn build<'a>(nodes: &mut impl Iterator<Item = Node<'a>>) -> Value<'a> {
    match nodes.next() {
        Some(Node::String(text)) => Value::String(Cow::Borrowed(text)),
        Some(Node::Object { len, .. }) => Value::Map(
            (0..len)
                .map(|_| match nodes.next() {
                    Some(Node::String(name)) => (Cow::Borrowed(name), build(nodes)),
                    _ => (Cow::Borrowed(""), Value::Null),
                })
                .collect(),
        ),
        Some(Node::Array { len, .. }) => Value::List((0..len).map(|_| build(nodes)).collect()),
        Some(Node::Static(StaticNode::Bool(truth))) => Value::Bool(truth),
        Some(Node::Static(StaticNode::I64(number))) => Value::Integer(number),
        Some(Node::Static(StaticNode::U64(number))) => {
            i64::try_from(number).map_or(Value::Float(number as f64), Value::Integer)
        }
        Some(Node::Static(StaticNode::F64(number))) => Value::Float(number),
        Some(Node::Static(StaticNode::Null)) | None => Value::Null,
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
