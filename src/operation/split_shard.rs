//! SplitShard: one shard becomes two at a key; the stream is UPDATING for the transition time (reference 8.1).

use crate::control::{ReshardError, Scope};
use crate::error::ApiError;
use crate::names::{HashKey, ShardId};

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::update_shard_count::refused;

/// A shard to be split.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    shard: ShardId,
    /// As the caller gave it: one above 2^128 - 1 is refused only after stream and shard.
    key: String,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice; E7 for a shard id that cannot be read.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::of(input, caller)?;
        let shard = shard_id(input, "ShardToSplit", &stream)?;
        let key = input.string("NewStartingHashKey").unwrap_or_default().to_owned();
        Ok(Self { stream, shard, key })
    }

    /// Has the shard split.
    ///
    /// # Errors
    /// E1, E3, E43, E7, E26, E4, E24, in this order.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, shard, key } = self;
        let at = HashKey::parse(&key).ok();
        let split = service.registry.split_shard(stream.scope, stream.name.as_str(), shard, at);
        split.map_err(|error| match error {
            ReshardError::BadSplit(range) => refusals::bad_split_key(&key, shard, range, &stream),
            other => refused(&other, &stream),
        })
    }
}

/// A member that names a shard.
pub(super) fn shard_id(input: &Input<'_>, member: &str, stream: &StreamRef) -> Result<ShardId, ApiError> {
    let text = input.string(member).unwrap_or_default();
    ShardId::parse_lenient(text).ok_or_else(|| refusals::shard_not_found(stream, text))
}
