//! DeregisterStreamConsumer: a consumer is DELETING for the transition time, then gone (reference 13).

use crate::control::{Needs, Scope};
use crate::error::ApiError;

use super::consumer_ref::ConsumerRef;
use super::schema::Input;
use super::service::Service;

/// A consumer to be deregistered.
#[derive(Debug, Clone)]
pub struct Request {
    consumer: ConsumerRef,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The consumer is not named, or its names disagree.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { consumer: ConsumerRef::of(input, caller)? })
    }

    /// Deregisters it; one that is DELETING already goes when it was to go.
    ///
    /// # Errors
    /// E41 if there is none.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.consumer.stream.begin_change(service, Needs::Existence);
        let change = change.map_err(|_| self.consumer.not_found())?;
        let (consumer, _) = self.consumer.find_in(change.stream(), change.now_ms())?;
        change.deregister_consumer(&consumer);
        Ok(())
    }
}
