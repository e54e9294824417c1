//! shardmill: an Amazon Kinesis Data Streams emulator fast enough to load-test against.
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod document;
pub mod error;
pub mod faults;
mod http;
pub mod limits;
pub mod log;
pub mod names;
pub mod operation;
pub mod protocol;
pub mod router;
mod server;
pub mod shard;
mod sync;

pub use server::{Server, ShutdownReport, StartError};
