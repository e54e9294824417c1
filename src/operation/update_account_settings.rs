//! UpdateAccountSettings: begins or ends an account's commitment to a minimum throughput (reference 11).

use crate::control::Scope;
use crate::error::ApiError;

use super::describe_account_settings::Reply;
use super::schema::Input;
use super::service::Service;

/// Whether the account is to be committed.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    scope: Scope,
    is_enabled: bool,
}

impl Request {
    /// There is nothing to check that the model has not.
    ///
    /// # Errors
    /// None.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let commitment = input.structure("MinimumThroughputBillingCommitment");
        let status = commitment.and_then(|commitment| commitment.string("Status"));
        Ok(Self { scope: caller, is_enabled: status == Some("ENABLED") })
    }

    /// Begins or ends it. One that may not end yet ends as soon as it may.
    ///
    /// # Errors
    /// None.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let (accounts, now_ms) = (service.registry.accounts(), service.clock.now_ms());
        let commitment = match self.is_enabled {
            true => accounts.enable_commitment(self.scope, now_ms),
            false => accounts.disable_commitment(self.scope, now_ms),
        };
        Ok(Reply { commitment })
    }
}
