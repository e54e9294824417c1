//! shardmill
pub mod clock;
pub mod document;
pub mod error;
pub mod limits;
pub mod log;
pub mod names;
pub mod shard;
mod sync;
