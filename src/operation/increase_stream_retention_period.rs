//! IncreaseStreamRetentionPeriod: records are kept for longer from now on; what has expired stays so (reference 10).

use crate::control::{Needs, Scope};
use crate::error::ApiError;
use crate::limits::{RETENTION_HOURS_MAX, RETENTION_HOURS_MIN};

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A longer retention.
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
    /// E1, E3, E27 and E28 for hours out of range, E30 for fewer than before.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.stream.begin_change(service, Needs::Active)?;
        let (hours, existing_hours) = (in_range(self.hours)?, change.stream().retention_hours());
        if hours < existing_hours {
            return Err(refusals::retention_not_longer(&self.stream, self.hours, existing_hours));
        }
        change.retain_hours(hours);
        Ok(())
    }
}

/// A retention that a stream may have: E27 and E28.
pub(super) fn in_range(hours: i64) -> Result<u64, ApiError> {
    if hours < i64::from(RETENTION_HOURS_MIN) {
        return Err(refusals::retention_too_short(hours));
    }
    match u64::try_from(hours) {
        Ok(in_range) if in_range <= u64::from(RETENTION_HOURS_MAX) => Ok(in_range),
        _ => Err(refusals::retention_too_long(hours)),
    }
}
