//! The control plane: which streams exist, in which account and region, in which state they are, and how they are set.
//!
//! - [`registry`]: all streams; created, found, listed, deleted.
//! - [`stream`]: one stream: its description, its shard map, its life.
//! - [`changes`]: a stream that is there is changed, one change at a time.
//! - [`settings`]: what can be changed of it, and when a change takes effect; with [`encryption`] and [`monitoring`].
//! - [`consumers`]: its consumers, [`subscriptions`]: what those are subscribed to; [`attached`], [`tags`]: what hangs on streams and consumers.
//! - [`saved`]: streams as they are kept in files: taken, and put back.
//! - [`account`]: what is set for a whole account; [`quotas`], [`rolling_day`]: how much and how often.
//! - [`reshard`]: splits, merges and new shard counts: when shards are sealed, and what takes their place; `on_demand`: when
//!   the service does that by itself.
//!
//! Reads of the registry (every put and get finds its stream here) load one pointer and wait for nobody.
//! States are not driven by timers: a stream knows when it becomes ACTIVE and when it is gone, and every look at
//! it asks the service clock. What a clock alone cannot do, sealing shards, is done by the first look after its time;
//! housekeeping looks once a second, and gives memory back.

pub mod account;
pub mod attached;
pub mod changes;
pub mod consumers;
pub mod encryption;
pub mod monitoring;
mod on_demand;
pub mod quotas;
pub mod registry;
pub mod relief;
pub mod reshard;
pub mod reshard_plan;
#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod reshard_tests;
pub mod rolling_day;
pub mod saved;
pub mod settings;
pub mod stream;
pub mod subscriptions;
pub mod tags;

pub use account::{Commitment, CommitmentStatus};
pub use attached::Attached;
pub use changes::{Needs, StreamChange};
pub use consumers::{Consumer, ConsumerStatus, RegisterError};
pub use encryption::EncryptionTimes;
pub use monitoring::ShardLevelMetrics;
pub use registry::{ControlError, ControlSettings, NewStream, Registry};
pub use relief::Relief;
pub use reshard::{Pending, ReshardError};
pub use rolling_day::DailyQuota;
pub use saved::{LoadError, LoadedStream, SavedShard, SavedStream, Taken};
pub use settings::{Plan, PutRules, RecordDistribution, StreamSettings};
pub use stream::{Life, Scope, Stream, StreamMode, StreamStatus};
pub use subscriptions::{Ending, Subscription, TooSoon};
pub use tags::{Tags, TooManyTags};
