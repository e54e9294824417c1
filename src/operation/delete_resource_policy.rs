//! DeleteResourcePolicy: takes the policy of a stream or a consumer away (reference 12).

use crate::control::{Attached, Needs};
use crate::error::ApiError;

use super::refusals;
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// A policy to be deleted.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
    arn: String,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        let arn = input.string("ResourceARN").unwrap_or_default().to_owned();
        Ok(Self { resource: Resource::of(input)?, arn })
    }

    /// Deletes it.
    ///
    /// # Errors
    /// E1 or E41 if there is no such resource, E50 if it has no policy.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let change = self.resource.begin_change(service, Needs::Existence)?;
        let attached = change.attached();
        if attached.policy.is_none() {
            return Err(refusals::no_policy(&self.arn));
        }
        change.attach(Attached { policy: None, ..attached });
        Ok(())
    }
}
