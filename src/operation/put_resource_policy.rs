//! PutResourcePolicy: keeps a policy with a stream or a consumer, to the letter, instead of any before (reference 12).

use crate::control::{Attached, ConsumerStatus, Needs};
use crate::error::ApiError;

use super::refusals;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// A policy to be kept.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
    policy: String,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        let policy = input.string("Policy").unwrap_or_default().to_owned();
        Ok(Self { resource: Resource::of(input)?, policy })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// E1 or E41, E3 or E39 unless the stream or the consumer is ACTIVE.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.resource.begin_change(service, Needs::Active)?;
        if let (Resource::Consumer(arn), Some(status)) = (&self.resource, change.consumer_status())
            && status != ConsumerStatus::Active
        {
            return Err(refusals::consumer_not_active(arn));
        }
        change.attach(Attached { policy: Some(self.policy.into()), ..change.attached() });
        Ok(())
    }
}
