//! shardmill
pub mod clock;
pub mod config;
pub mod control;
pub mod document;
pub mod error;
pub mod faults;
pub mod limits;
pub mod log;
pub mod names;
pub mod operation;
pub mod protocol;
pub mod router;
pub mod shard;
mod sync;
