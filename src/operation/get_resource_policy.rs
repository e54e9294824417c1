//! GetResourcePolicy: the policy of a stream or a consumer, as it was put (reference 12).

use crate::document::Value;
use crate::error::ApiError;
use crate::policy::Policy;

use super::resource::Resource;
use super::schema::Input;
use super::service::Service;

/// Which resource.
#[derive(Debug, Clone)]
pub struct Request {
    resource: Resource,
}

/// Its policy, if it has one.
#[derive(Debug, Clone)]
pub struct Reply {
    policy: Option<Policy>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The ARN is of no kind of resource that is served.
    pub fn validate(input: &Input<'_>) -> Result<Self, ApiError> {
        Ok(Self { resource: Resource::of(input)? })
    }

    /// Looks it up.
    ///
    /// # Errors
    /// E1 or E41 if there is no such resource.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        Ok(Reply { policy: self.resource.attached(service)?.policy })
    }
}

impl Reply {
    /// The reply's members; without a policy an empty one is told (recorded).
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let policy = self.policy.as_ref().map_or("{}", Policy::text).to_owned();
        Value::structure([("Policy", Value::string(policy))])
    }
}
