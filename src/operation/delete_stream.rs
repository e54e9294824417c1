//! DeleteStream: the stream is DELETING for the transition time, then gone with its records (reference 5.6).

use crate::control::{ControlError, Scope};
use crate::error::ApiError;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A stream to be deleted.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
}

impl Request {
    /// Checks what the model leaves to the service. EnforceConsumerDeletion changes nothing while no stream can
    /// have consumers.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)? })
    }

    /// Deletes the stream; one that is still CREATING may be deleted too.
    ///
    /// # Errors
    /// E1 if there is none, E3 if it is DELETING already.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let deleted = service.registry.delete(self.stream.scope, self.stream.name.as_str());
        deleted.map_err(|error| match error {
            ControlError::NotActive(status) => refusals::stream_not_active(&self.stream, status.name()),
            _ => refusals::no_stream(&self.stream),
        })
    }
}
