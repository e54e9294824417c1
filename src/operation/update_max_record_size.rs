//! UpdateMaxRecordSize: how large one record of a stream may be, from 1 to 10 MiB (reference 11).

use crate::control::{Needs, Scope, StreamSettings};
use crate::error::ApiError;
use crate::transitions::Transition;

use super::create_stream::record_bytes_max;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Another size.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    record_bytes_max: usize,
}

impl Request {
    /// Checks what the model leaves to the service; the size itself is within the bounds of the model.
    ///
    /// # Errors
    /// The stream is not named.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of_arn(input, caller)?, record_bytes_max: record_bytes_max(input) })
    }

    /// Puts it in force once the stream is ACTIVE again.
    ///
    /// # Errors
    /// E1 and E3.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.stream.begin_change(service, Needs::Active)?;
        let settings = StreamSettings::clone(&change.settings());
        change.update(
            StreamSettings { record_bytes_max: self.record_bytes_max, ..settings },
            Transition::UpdateLimits,
        );
        Ok(())
    }
}
