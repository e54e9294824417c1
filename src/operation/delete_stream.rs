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
    with_consumers: bool,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let with_consumers = input.boolean("EnforceConsumerDeletion") == Some(true);
        Ok(Self { stream: StreamRef::of(input, caller)?, with_consumers })
    }

    /// Deletes the stream; one that is still CREATING may be deleted too.
    ///
    /// # Errors
    /// E1 if there is none, E3 if it is UPDATING or DELETING, E38 if it has consumers that may not go with it.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let (scope, name) = (self.stream.scope, self.stream.name.as_str());
        service.registry.delete(scope, name, self.with_consumers).map_err(|error| match error {
            ControlError::NotActive(status) => refusals::stream_not_active(&self.stream, status.name()),
            ControlError::HasConsumers => refusals::stream_has_consumers(&self.stream),
            _ => refusals::no_stream(&self.stream),
        })
    }
}
