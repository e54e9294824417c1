//! DisableEnhancedMonitoring: fewer of the shards' metrics are published (reference 12).

use crate::control::{Scope, ShardLevelMetrics};
use crate::error::ApiError;

use super::enable_enhanced_monitoring::{Reply, change_metrics, metrics_of};
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Metrics no longer to be published.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    metrics: ShardLevelMetrics,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)?, metrics: metrics_of(input) })
    }

    /// Publishes them no longer.
    ///
    /// # Errors
    /// E1 and E3.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream, metrics } = self;
        change_metrics(stream, service, |before| before.without(metrics))
    }
}
