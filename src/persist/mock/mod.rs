//! kinesis-mock's file: one JSON document with every stream and every record, as it writes and reads it.
//!
//! - [`write()`]: for kinesis-mock, in the newest form.
//! - [`load`]: from kinesis-mock, of any age: members that came later may be missing, others that we do not know are passed
//!   over.
//! - [`json`]: a document is read piece by piece, never whole; [`time`]: its two forms of time.
//!
//! Sequence numbers have the same layout there as here, so each record keeps its own. What kinesis-mock does not know of
//! is lost in its file: who chooses a record's shard, what is under way.

mod json;
mod read;
mod time;
mod write;

pub use read::load;
pub use write::write;

/// The EndingSequenceNumber of every closed shard there.
const ENDING_NUMBER: &str = "9223372036854775807";
