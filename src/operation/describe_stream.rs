//! DescribeStream: a stream and a page of its shards (reference 9.2).

use std::sync::Arc;

use crate::control::{Scope, Stream, StreamSettings, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::DESCRIBE_STREAM_PAGE_MAX;
use crate::names::{SequenceNumber, ShardId};
use crate::router::{Listed, ShardMap};
use crate::shard::Shard;

use super::enable_enhanced_monitoring::metrics_list;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Which stream, and from which shard on.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    after: Option<ShardId>,
    shards_max: usize,
}

/// A stream's description.
pub struct Reply {
    stream: Arc<Stream>,
    status: StreamStatus,
    settings: Arc<StreamSettings>,
    /// As members.
    shards: Vec<Value<'static>>,
    has_more_shards: bool,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or E7 for a shard id that cannot be read.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::of(input, caller)?;
        let after = start_shard(input.string("ExclusiveStartShardId"), &stream)?;
        let shards_max = page_size(input.integer("Limit"), DESCRIBE_STREAM_PAGE_MAX);
        Ok(Self { stream, after, shards_max })
    }

    /// Looks the stream up.
    ///
    /// # Errors
    /// E1 if there is none.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let stream = self.stream.find(service)?;
        let now_ms = service.clock.now_ms();
        let status = stream.status(now_ms).ok_or_else(|| refusals::no_stream(&self.stream))?;
        let map = stream.shard_map();
        let (shards, has_more_shards) = match status {
            // New shards are not visible before the stream is ACTIVE.
            StreamStatus::Creating => (Vec::new(), false),
            StreamStatus::Active | StreamStatus::Updating | StreamStatus::Deleting => {
                self.page_of(&map, stream.horizon_ms(now_ms))
            }
        };
        Ok(Reply { settings: stream.settings(now_ms), stream, status, shards, has_more_shards })
    }

    /// A page of the shards that can still be read, and whether there are more.
    fn page_of(&self, map: &ShardMap, horizon_ms: u64) -> (Vec<Value<'static>>, bool) {
        let mut listed = map.listed(horizon_ms).filter(|listed| Some(listed.shard.id) > self.after);
        let page = listed.by_ref().take(self.shards_max).map(shard_value).collect();
        (page, listed.next().is_some())
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let description = description(&self.stream, self.status, &self.settings);
        let Value::Map(mut members) = description else { return Value::Null };
        members.push(("Shards".into(), Value::List(self.shards)));
        members.push(("HasMoreShards".into(), Value::Bool(self.has_more_shards)));
        Value::structure([("StreamDescription", Value::Map(members))])
    }
}

/// What DescribeStream and DescribeStreamSummary both tell.
pub(super) fn description(
    stream: &Stream,
    status: StreamStatus,
    settings: &StreamSettings,
) -> Value<'static> {
    let monitoring = Value::structure([("ShardLevelMetrics", metrics_list(settings.shard_level_metrics))]);
    let (encryption_type, key_id) = match &settings.key_id {
        None => ("NONE", Value::Null),
        Some(key_id) => ("KMS", Value::string(key_id.to_string())),
    };
    Value::structure([
        ("StreamName", Value::string(stream.name().to_string())),
        ("StreamARN", Value::string(stream.arn.to_string())),
        ("StreamStatus", Value::string(status.name())),
        ("StreamModeDetails", mode_details(settings)),
        ("RetentionPeriodHours", integer(stream.retention_hours())),
        ("StreamCreationTimestamp", creation_time(stream)),
        ("EnhancedMonitoring", Value::List(vec![monitoring])),
        ("EncryptionType", Value::string(encryption_type)),
        ("KeyId", key_id),
    ])
}

/// A `StreamModeDetails` structure.
pub(super) fn mode_details(settings: &StreamSettings) -> Value<'static> {
    Value::structure([("StreamMode", Value::string(settings.mode.name()))])
}

/// Creation is told in whole seconds (reference 5.7).
pub(super) fn creation_time(stream: &Stream) -> Value<'static> {
    Value::TimestampMs(stream.created_ms / 1000 * 1000)
}

/// A `Shard` structure.
pub(super) fn shard_value(listed: Listed<'_>) -> Value<'static> {
    let shard = listed.shard;
    let id = |id: Option<ShardId>| id.map_or(Value::Null, |id| Value::string(id.to_string()));
    let starting = SequenceNumber::starting(shard.created_s, shard.id);
    let ending = listed.ending_number().map_or(Value::Null, |ending| Value::string(ending.to_string()));
    Value::structure([
        ("ShardId", Value::string(shard.id.to_string())),
        ("ParentShardId", id(listed.parents.parent())),
        ("AdjacentParentShardId", id(listed.parents.adjacent())),
        ("HashKeyRange", hash_key_range(shard)),
        (
            "SequenceNumberRange",
            Value::structure([
                ("StartingSequenceNumber", Value::string(starting.to_string())),
                ("EndingSequenceNumber", ending),
            ]),
        ),
    ])
}

/// A `HashKeyRange` structure.
pub(super) fn hash_key_range(shard: &Shard) -> Value<'static> {
    Value::structure([
        ("StartingHashKey", Value::string(shard.range.start.to_string())),
        ("EndingHashKey", Value::string(shard.range.end.to_string())),
    ])
}

/// A member that names the shard to start after.
pub(super) fn start_shard(text: Option<&str>, stream: &StreamRef) -> Result<Option<ShardId>, ApiError> {
    text.map(|text| ShardId::parse_lenient(text).ok_or_else(|| refusals::shard_not_found(stream, text)))
        .transpose()
}

/// What a page may hold: the caller's wish, but no more than the service gives.
pub(super) fn page_size(wish: Option<i64>, max: usize) -> usize {
    wish.and_then(|wish| usize::try_from(wish).ok()).map_or(max, |wish| wish.min(max))
}

/// A count as an integer member.
pub(super) fn integer(count: u64) -> Value<'static> {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}
