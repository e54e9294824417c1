//! PutResourcePolicy: keeps a policy with a stream or a consumer, to the letter, instead of any before (reference 12).

use crate::control::{Attached, ConsumerStatus, Needs};
use crate::error::ApiError;
use crate::policy::Policy;

use super::refusals;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// A policy to be kept.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
    policy: Policy,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        let policy = Policy::new(input.string("Policy").unwrap_or_default());
        Ok(Self { resource: Resource::of(input)?, policy })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// E1 or E41, E3 or E39 unless the stream or the consumer is ACTIVE; where callers are known, a policy that cannot be
    /// in force.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.resource.begin_change(service, Needs::Active)?;
        if let (Resource::Consumer(arn), Some(status)) = (&self.resource, change.consumer_status())
            && status != ConsumerStatus::Active
        {
            return Err(refusals::consumer_not_active(arn));
        }
        if service.credentials.is_some() {
            self.policy.check().map_err(refusals::bad_policy)?;
        }
        change.attach(Attached { policy: Some(self.policy), ..change.attached() });
        Ok(())
    }
}
