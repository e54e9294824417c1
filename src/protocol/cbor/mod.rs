//! CBOR (RFC 8949) as Kinesis speaks it (reference 1.3), to and from the same tree that JSON has.
//!
//! Three things differ from JSON, in both directions: a blob is a byte string, a time is tag 1 around whole
//! *milliseconds*, and an error spells its `message` in lower case always. Answers hold maps and lists of indefinite
//! length, as AWS's do; requests may hold either.
//!
//! A request comes from anywhere. Nothing is allocated by a length that it declares, nesting and the number of items
//! are bounded as those of JSON are, and a text is UTF-8 or is refused.

mod reader;
mod tree;
mod write;

pub(in crate::protocol) use reader::{BREAK, Length, Reader};
pub use tree::parse;
pub(in crate::protocol) use write::{HEAD_BYTES_MAX, Kind, head, head_len, write_head, write_text};
pub use write::{write, write_error};
