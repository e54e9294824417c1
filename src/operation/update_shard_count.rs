//! UpdateShardCount: splits and merges until a stream has so many open shards (reference 8.3).

use crate::control::{ControlError, ReshardError, Scope};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::{SHARD_COUNT_UPDATES_PER_DAY_MAX, UPDATED_SHARD_COUNT_MAX};
use crate::names::StreamArn;

use super::describe_stream::integer;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// How many shards a stream is to have.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    target: usize,
}

/// What it has, and what it will have.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    current: usize,
    target: usize,
}

impl Request {
    /// Checks what the model leaves to the service. There is but one ScalingType.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::of(input, caller)?;
        let target = input.integer("TargetShardCount").and_then(|target| usize::try_from(target).ok());
        Ok(Self { stream, target: target.unwrap_or_default() })
    }

    /// Has the shards split and merged; the same number as now changes nothing.
    ///
    /// # Errors
    /// E1, E3, E43, E46, E44 and E45, E4, in this order.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream, target } = self;
        let updated = service.registry.update_shard_count(stream.scope, stream.name.as_str(), target);
        match updated {
            Ok(current) => Ok(Reply { stream, current, target }),
            Err(ReshardError::AboveDouble { open }) => Err(refusals::above_double(open, target)),
            Err(ReshardError::BelowHalf { open }) => Err(refusals::below_half(open, target)),
            Err(ReshardError::AboveMax) => {
                Err(refusals::above_max_shard_count(UPDATED_SHARD_COUNT_MAX, target))
            }
            Err(other) => Err(refused(&other, &stream)),
        }
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let Self { stream, current, target } = self;
        let StreamRef { scope: Scope { account, region }, name } = stream;
        let arn = StreamArn { account, region, name: name.clone() };
        Value::structure([
            ("StreamName", Value::string(name.to_string())),
            ("CurrentShardCount", integer(current as u64)),
            ("TargetShardCount", integer(target as u64)),
            ("StreamARN", Value::string(arn.to_string())),
        ])
    }
}

/// What AWS says where a stream cannot be resharded, for all three operations that do it.
pub(super) fn refused(error: &ReshardError, stream: &StreamRef) -> ApiError {
    match *error {
        ReshardError::Control(ControlError::NotActive(status)) => {
            refusals::stream_not_active(stream, status.name())
        }
        ReshardError::Control(ControlError::ShardLimit { open, limit, additional }) => {
            refusals::shard_limit(stream, open, limit, additional)
        }
        ReshardError::Control(_) => refusals::no_stream(stream),
        ReshardError::OnDemand => refusals::stream_on_demand(stream),
        ReshardError::NoShard(shard) => refusals::shard_not_found(stream, shard),
        ReshardError::Closed(shard) => refusals::shard_closed(shard, stream),
        ReshardError::TooOften => {
            refusals::daily_limit("UpdateShardCount", SHARD_COUNT_UPDATES_PER_DAY_MAX, stream)
        }
        ReshardError::TooNarrow => refusals::shards_too_narrow(stream),
        // Told by the operation that asked for it, with its own arguments.
        ReshardError::BadSplit(_)
        | ReshardError::NotAdjacent
        | ReshardError::AboveDouble { .. }
        | ReshardError::BelowHalf { .. }
        | ReshardError::AboveMax => refusals::internal_failure(),
    }
}
