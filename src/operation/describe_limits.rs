//! DescribeLimits: what the account may use in the region, and what it uses.

use crate::control::{Scope, quotas::Usage};
use crate::document::Value;
use crate::limits::Limit;

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

/// The members are 32-bit integers: no limit is the largest of them.
fn limit(limit: Limit) -> Value<'static> {
    match limit {
        Limit::At(max) => count(max),
        Limit::Infinite => Value::Integer(i64::from(i32::MAX)),
    }
}

fn count(count: u64) -> Value<'static> {
    Value::Integer(i64::from(i32::try_from(count).unwrap_or(i32::MAX)))
}
