//! The control plane: which streams exist, in which account and region, and in which state they are.
//!
//! - [`registry`]: all streams; created, found, listed, deleted; quotas.
//! - [`stream`]: one stream: its description, its shard map, its life.
//! - [`reshard`]: splits, merges and new shard counts: when shards are sealed, and what takes their place.
//!
//! Reads of the registry (every put and get finds its stream here) load one pointer and wait for nobody.
//! States are not driven by timers: a stream knows when it becomes ACTIVE and when it is gone, and every look at
//! it asks the service clock. What a clock alone cannot do, sealing shards, is done by the first look after its time;
//! housekeeping looks once a second, and gives memory back.

pub mod registry;
pub mod reshard;
mod reshard_plan;
#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod reshard_tests;
pub mod stream;

pub use registry::{ControlError, ControlSettings, NewStream, Registry};
pub use reshard::ReshardError;
pub use stream::{Scope, Stream, StreamMode, StreamStatus};
