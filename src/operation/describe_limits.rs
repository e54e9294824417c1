//! DescribeLimits: what the account may use in the region, and what it uses.

use crate::control::{Scope, quotas::Usage};
use crate::document::Value;
use crate::limits::{Limit, SHARD_COUNT_MAX};

use super::describe_stream::integer;
use super::service::Service;

/// Asks for one account and region.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    scope: Scope,
}

/// Quotas and their use.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    usage: Usage,
    shard_limit: Limit,
    on_demand_stream_count_limit: Limit,
}

impl Request {
    /// There is nothing to check.
    #[must_use]
    pub const fn validate(caller: Scope) -> Self {
        Self { scope: caller }
    }

    /// Looks them up.
    #[must_use]
    pub fn execute(self, service: &Service) -> Reply {
        let settings = service.registry.settings();
        Reply {
            usage: service.registry.usage(self.scope),
            shard_limit: settings.shard_limit,
            on_demand_stream_count_limit: settings.on_demand_stream_count_limit,
        }
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("ShardLimit", limit(self.shard_limit)),
            ("OpenShardCount", count(self.usage.open_shards)),
            ("OnDemandStreamCount", count(self.usage.on_demand_streams)),
            ("OnDemandStreamCountLimit", limit(self.on_demand_stream_count_limit)),
        ])
    }
}

/// No limit is the most that a member may tell.
fn limit(limit: Limit) -> Value<'static> {
    match limit {
        Limit::At(max) => count(max),
        Limit::Infinite => count(u64::MAX),
    }
}

/// The model has one range for all four members.
fn count(count: u64) -> Value<'static> {
    integer(count.min(SHARD_COUNT_MAX.into()))
}
