//! DescribeAccountSettings: an account's commitment to a minimum throughput (reference 11).

use crate::control::{Commitment, Scope};
use crate::document::Value;

use super::service::Service;

/// Asks for one account and region.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    scope: Scope,
}

/// What is set.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub(super) commitment: Commitment,
}

impl Request {
    /// There is nothing to check.
    #[must_use]
    pub const fn validate(caller: Scope) -> Self {
        Self { scope: caller }
    }

    /// Looks it up.
    #[must_use]
    pub fn execute(self, service: &Service) -> Reply {
        Reply { commitment: service.registry.accounts().commitment(self.scope, service.clock.now_ms()) }
    }
}

impl Reply {
    /// The reply's members; times that there are not are left out.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let Commitment { status, started_ms, ended_ms, earliest_allowed_end_ms } = self.commitment;
        let time = |time_ms: Option<u64>| time_ms.map_or(Value::Null, Value::TimestampMs);
        let commitment = Value::structure([
            ("Status", Value::string(status.name())),
            ("StartedAt", time(started_ms)),
            ("EndedAt", time(ended_ms)),
            ("EarliestAllowedEndAt", time(earliest_allowed_end_ms)),
        ]);
        Value::structure([("MinimumThroughputBillingCommitment", commitment)])
    }
}
