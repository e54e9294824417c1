//! MergeShards: two neighbouring shards become one; the stream is UPDATING for the transition time (reference 8.2).

use crate::control::{ReshardError, Scope};
use crate::error::ApiError;
use crate::names::ShardId;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::split_shard::shard_id;
use super::stream_ref::StreamRef;
use super::update_shard_count::refused;

/// Two shards to be merged.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    shard: ShardId,
    adjacent: ShardId,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice; E7 for a shard id that cannot be read.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::of(input, caller)?;
        let shard = shard_id(input, "ShardToMerge", &stream)?;
        let adjacent = shard_id(input, "AdjacentShardToMerge", &stream)?;
        Ok(Self { stream, shard, adjacent })
    }

    /// Has the shards merged. Either may be the one with the lower keys.
    ///
    /// # Errors
    /// E1, E3, E43, E7, E25, E26, in this order.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, shard, adjacent } = self;
        let merged = service.registry.merge_shards(stream.scope, stream.name.as_str(), shard, adjacent);
        merged.map_err(|error| match error {
            ReshardError::NotAdjacent => refusals::not_adjacent(shard, adjacent, &stream),
            other => refused(&other, &stream),
        })
    }
}
