//! DecreaseStreamRetentionPeriod: records are kept for less; what is older than that is gone at once (reference 10).

use crate::control::{Needs, Scope};
use crate::error::ApiError;

use super::increase_stream_retention_period::in_range;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A shorter retention.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    hours: i64,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let hours = input.integer("RetentionPeriodHours").unwrap_or_default();
        Ok(Self { stream: StreamRef::of(input, caller)?, hours })
    }

    /// Puts it in force at once. As long as before is no error (reference 10).
    ///
    /// # Errors
    /// E1, E3, E27 and E28 for hours out of range, E29 for more than before.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.stream.begin_change(service, Needs::Active)?;
        let (hours, existing_hours) = (in_range(self.hours)?, change.stream().retention_hours());
        if hours > existing_hours {
            return Err(refusals::retention_not_shorter(&self.stream, self.hours, existing_hours));
        }
        change.retain_hours(hours);
        Ok(())
    }
}
