//! EnableEnhancedMonitoring: more of the shards' metrics are published (reference 12).

use crate::control::{Needs, Scope, ShardLevelMetrics, StreamSettings};
use crate::document::Value;
use crate::error::ApiError;

use super::remove_tags_from_stream::texts_of;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Metrics to be published.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    metrics: ShardLevelMetrics,
}

/// What was published, and what is now.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    before: ShardLevelMetrics,
    after: ShardLevelMetrics,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)?, metrics: metrics_of(input) })
    }

    /// Publishes them from now on.
    ///
    /// # Errors
    /// E1 and E3.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream, metrics } = self;
        change_metrics(stream, service, |before| before.and(metrics))
    }
}

impl Reply {
    /// The reply's members. What was is called current, what is now desired (reference 12).
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("StreamName", Value::string(self.stream.name.to_string())),
            ("CurrentShardLevelMetrics", metrics_list(self.before)),
            ("DesiredShardLevelMetrics", metrics_list(self.after)),
            ("StreamARN", Value::string(self.stream.arn().to_string())),
        ])
    }
}

/// Changes a stream's metrics at once.
pub(super) fn change_metrics(
    stream: StreamRef,
    service: &Service,
    after: impl FnOnce(ShardLevelMetrics) -> ShardLevelMetrics,
) -> Result<Reply, ApiError> {
    let change = stream.begin_change(service, Needs::Active)?;
    let settings = change.settings();
    let before = settings.shard_level_metrics;
    let after = after(before);
    change.apply(StreamSettings { shard_level_metrics: after, ..StreamSettings::clone(&settings) });
    Ok(Reply { stream, before, after })
}

/// The member ShardLevelMetrics.
pub(super) fn metrics_of(input: &Input<'_>) -> ShardLevelMetrics {
    let names = texts_of(input, "ShardLevelMetrics");
    ShardLevelMetrics::of(names.iter().map(String::as_str))
}

/// A `MetricsNameList`.
pub(super) fn metrics_list(metrics: ShardLevelMetrics) -> Value<'static> {
    Value::List(metrics.names().map(Value::string).collect())
}
