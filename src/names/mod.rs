//! The names of Kinesis: accounts, users, regions, streams, consumers, shards, hash keys, sequence numbers.
//!
//! Each type can only hold a valid name, so that whoever receives one need not check again. Parsing says no with
//! `None` or a small error; the text of AWS's answer is the caller's matter.

mod account;
mod arn;
mod consumer;
mod digits;
mod hash_key;
pub(crate) mod md5_lanes;
mod partition_key;
mod region;
mod sequence;
mod sequence_memo;
mod sequence_parse;
mod sequence_value;
#[cfg(target_arch = "x86_64")]
pub(crate) mod sequence_vectors;
mod sequence_writer;
mod shard_id;
mod stream;
mod user_arn;

pub use account::AccountId;
pub use arn::StreamArn;
pub use consumer::{ConsumerArn, ConsumerName};
pub use hash_key::{HashKey, HashKeyError, HashKeyRange};
pub use partition_key::PartitionKey;
pub use region::Region;
pub use sequence::SequenceNumber;
pub use sequence_parse::Parsed;
pub use sequence_value::SequenceValue;
pub use sequence_writer::SequenceWriter;
pub use shard_id::ShardId;
pub use stream::StreamName;
pub use user_arn::UserArn;
