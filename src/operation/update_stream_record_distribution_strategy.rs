//! UpdateStreamRecordDistributionStrategy: whether the keys of records or the service choose their shards
//! (reference 6, 11).

use crate::control::{Needs, RecordDistribution, Scope, StreamMode, StreamSettings};
use crate::error::ApiError;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Another strategy.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    distribution: RecordDistribution,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of_arn(input, caller)?, distribution: distribution_of(input) })
    }

    /// Puts it in force at once. Records that are there stay where they are.
    ///
    /// # Errors
    /// E1, E3, or AUTO for a provisioned stream.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, distribution } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        let settings = StreamSettings::clone(&change.settings());
        check_distribution(distribution, settings.mode, &stream)?;
        change.apply(StreamSettings { distribution, ..settings });
        Ok(())
    }
}

/// The member RecordDistributionStrategy.
pub(super) fn distribution_of(input: &Input<'_>) -> RecordDistribution {
    let strategy = input.string("RecordDistributionStrategy").and_then(RecordDistribution::parse);
    strategy.unwrap_or(RecordDistribution::UserPartitionKey)
}

/// Whether a stream of this mode may have it.
pub(super) fn check_distribution(
    distribution: RecordDistribution,
    mode: StreamMode,
    stream: &StreamRef,
) -> Result<(), ApiError> {
    match (distribution, mode) {
        (RecordDistribution::Auto, StreamMode::Provisioned) => Err(refusals::auto_on_provisioned(stream)),
        _ => Ok(()),
    }
}
