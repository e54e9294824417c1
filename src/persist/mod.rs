//! State in files: taken from a running server, and put back into one.
//!
//! - [`state`]: everything that a server knows, taken while it goes on serving.
//! - [`snapshot`]: our own format, written and read; [`block`]: its checksummed blocks, [`codec`]: what stands in them.
//! - [`format`]: which format a file is in.
//! - [`mock`]: kinesis-mock's file, written and read.
//! - [`loading`]: what is read becomes streams, which are put back all at once or not at all.
//! - [`keeper`]: state kept in files while a server runs.
//! - [`file`]: a file that is there whole or not at all; [`pace`]: how much of a core may be used, and until when.
//! - [`error`]: what can be wrong, and where.
//!
//! # Taken without stopping anybody
//! What streams there are and how they are set is taken as one cut ([`crate::control::saved`]), and of each shard where
//! its log ends then. Up to there its records are read as any reader reads them: without the mailbox, without a lock, a
//! slice at a time, so that nothing is pinned for long. What is trimmed meanwhile is missing in the file as it is in the
//! server: blocks of records say where they begin, and whoever loads them lets go of what came before a gap.
//!
//! # Put back
//! A file is read to its end before anybody sees anything of it. Sequence numbers go on above all that can have been
//! issued, also after the file was written ([`crate::control::saved::COUNTERS_PER_MS`]). Shard iterators are sealed under
//! keys that are in the file, so they go on too.

pub mod block;
pub mod codec;
pub mod error;
pub mod file;
pub mod format;
pub mod keeper;
pub mod loading;
pub mod mock;
pub mod pace;
pub mod snapshot;
pub mod state;

pub use error::{FileError, PersistError};
pub use format::{Format, load, write};
pub use loading::Putting;
pub use pace::Pace;
pub use state::{State, Totals};

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests;
