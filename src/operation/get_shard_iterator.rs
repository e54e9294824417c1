//! GetShardIterator: a place in a shard as a token (reference 7.1).

use rand_xoshiro::rand_core::Rng;

use crate::control::{Scope, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;
use crate::names::ShardId;

use super::iterator::ShardIterator;
use super::refusals;
use super::schema::Input;
use super::seal::with_random;
use super::service::Service;
use super::start::Start;
use super::stream_ref::StreamRef;

/// Where to start reading.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    shard: ShardId,
    start: Start,
    dry_run: bool,
}

/// The iterator.
#[derive(Debug, Clone)]
pub struct Reply {
    token: String,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or E7 for a shard id that cannot be read, even if the stream is unknown.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::of(input, caller)?;
        let shard = input.string("ShardId").unwrap_or_default();
        let shard = ShardId::parse_lenient(shard).ok_or_else(|| refusals::shard_not_found(&stream, shard))?;
        let start = Start {
            kind: input.string("ShardIteratorType").unwrap_or_default().to_owned(),
            number: input.string("StartingSequenceNumber").map(str::to_owned),
            timestamp_ms: input.timestamp_ms("Timestamp"),
        };
        Ok(Self { stream, shard, start, dry_run: input.boolean("DryRun") == Some(true) })
    }

    /// Finds the place.
    ///
    /// # Errors
    /// E6 if stream or shard do not exist (or the stream is CREATING, or all that a closed shard held has expired), then
    /// E10 to E16 about the start.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let no_shard = || refusals::no_shard(&self.stream, self.shard);
        let scope = self.stream.scope;
        let stream = service.registry.find(scope, self.stream.name.as_str()).ok_or_else(no_shard)?;
        let now_ms = service.clock.now_ms();
        if stream.status(now_ms).is_none_or(|status| status == StreamStatus::Creating) {
            return Err(no_shard());
        }
        let map = stream.shard_map();
        let listed = map.find(self.shard, stream.horizon_ms(now_ms)).ok_or_else(no_shard)?;
        let position = self.start.position(listed.shard, &self.stream, now_ms)?;
        if self.dry_run {
            return Err(refusals::dry_run());
        }
        let iterator = ShardIterator {
            stream: self.stream,
            incarnation: stream.incarnation,
            shard: self.shard,
            position,
            chain: with_random(|random| random.next_u64() | 1),
            issued_ms: now_ms,
        };
        Ok(Reply { token: iterator.seal(&service.sealer) })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([("ShardIterator", Value::string(self.token))])
    }
}
