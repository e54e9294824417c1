//! DescribeStreamSummary: a stream without its shards (reference 9.3).

use std::sync::Arc;

use crate::control::{Scope, Stream, StreamMode, StreamSettings, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;

use super::describe_stream::{description, integer};
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::update_stream_warm_throughput::WarmThroughput;

/// Which stream.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
}

/// A stream's description. No `StreamId`: clients that get one send it everywhere (reference 19).
pub struct Reply {
    stream: Arc<Stream>,
    status: StreamStatus,
    settings: Arc<StreamSettings>,
    consumers: u64,
    /// Told of on-demand streams of accounts with a commitment.
    warm_throughput: Option<WarmThroughput>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)? })
    }

    /// Looks the stream up.
    ///
    /// # Errors
    /// E1 if there is none.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let stream = self.stream.find(service)?;
        let now_ms = service.clock.now_ms();
        let status = stream.status(now_ms).ok_or_else(|| refusals::no_stream(&self.stream))?;
        let settings = stream.settings(now_ms);
        let is_told = settings.mode == StreamMode::OnDemand
            && service.registry.accounts().commitment(self.stream.scope, now_ms).is_in_force();
        let warm_throughput = is_told.then(|| WarmThroughput::of(&stream, now_ms));
        let consumers = stream.consumers().live(now_ms).count() as u64;
        Ok(Reply { stream, status, settings, consumers, warm_throughput })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let description = description(&self.stream, self.status, &self.settings);
        let Value::Map(mut members) = description else { return Value::Null };
        let open_shards = match self.status {
            StreamStatus::Creating => 0,
            StreamStatus::Active | StreamStatus::Updating | StreamStatus::Deleting => {
                self.stream.shard_map().open_count() as u64
            }
        };
        members.push(("OpenShardCount".into(), integer(open_shards)));
        members.push(("ConsumerCount".into(), integer(self.consumers)));
        let warm_throughput = self.warm_throughput.map_or(Value::Null, WarmThroughput::into_value);
        members.push(("WarmThroughput".into(), warm_throughput));
        members.push(("MaxRecordSizeInKiB".into(), integer(self.settings.record_bytes_max as u64 / 1024)));
        if self.settings.mode == StreamMode::OnDemand {
            let strategy = Value::string(self.settings.distribution.name());
            members.push(("RecordDistributionStrategy".into(), strategy));
        }
        Value::structure([("StreamDescriptionSummary", Value::Map(members))])
    }
}
