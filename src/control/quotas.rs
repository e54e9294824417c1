//! The quotas of an account in a region: what it uses, and whether more fits.

use crate::limits::{CREATING_STREAMS_MAX, Limit, SHARD_COUNT_MAX};

use super::registry::{ControlError, NewStream, Registry};
use super::stream::{Scope, StreamMode, StreamStatus};

/// What an account uses of its quotas in one region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Open shards of provisioned streams.
    pub open_shards: u64,
    /// On-demand streams.
    pub on_demand_streams: u64,
}

impl Registry {
    /// What an account and region use now.
    #[must_use]
    pub fn usage(&self, scope: Scope) -> Usage {
        self.usage_at(scope, self.clock.now_ms())
    }

    fn usage_at(&self, scope: Scope, now_ms: u64) -> Usage {
        let mut usage = Usage::default();
        for (stream, _) in self.live(scope, now_ms) {
            // A stream that is changing its mode counts as what it will be.
            match stream.plan().target().mode {
                StreamMode::Provisioned => usage.open_shards += stream.shard_map().open_count() as u64,
                StreamMode::OnDemand => usage.on_demand_streams += 1,
            }
        }
        usage
    }

    /// Open shards of provisioned streams, with those that are on their way: what the shard quota counts.
    pub(super) fn claimed_shards(&self, scope: Scope, now_ms: u64) -> u64 {
        let streams = self.live(scope, now_ms).into_iter().map(|(stream, _)| stream);
        let provisioned = streams.filter(|stream| stream.plan().target().mode == StreamMode::Provisioned);
        provisioned.map(|stream| stream.claimed_shards()).sum()
    }

    /// Checks that a stream may be created.
    pub(super) fn check_creation(&self, new: &NewStream, now_ms: u64) -> Result<(), ControlError> {
        if self.find_at(new.scope, new.name.as_str(), now_ms).is_some() {
            return Err(ControlError::Exists);
        }
        let additional = u64::from(new.shard_count);
        let streams = self.live(new.scope, now_ms);
        let creating = streams.iter().filter(|(_, status)| *status == StreamStatus::Creating).count();
        if creating >= CREATING_STREAMS_MAX {
            return Err(ControlError::CreatingLimit);
        }
        self.check_capacity(new.scope, new.settings.mode, additional, now_ms)?;
        // There may be no quota, and still not memory for any number.
        if new.shard_count > SHARD_COUNT_MAX {
            let (limit, open) = (Limit::At(SHARD_COUNT_MAX.into()), self.claimed_shards(new.scope, now_ms));
            return Err(ControlError::ShardLimit { open, limit, additional });
        }
        Ok(())
    }

    /// Checks that one more stream of this mode, with so many open shards, passes no quota.
    pub(super) fn check_capacity(
        &self,
        scope: Scope,
        mode: StreamMode,
        additional: u64,
        now_ms: u64,
    ) -> Result<(), ControlError> {
        match mode {
            StreamMode::Provisioned => {
                let (limit, open) = (self.settings().shard_limit, self.claimed_shards(scope, now_ms));
                if !limit.allows(open + additional) {
                    return Err(ControlError::ShardLimit { open, limit, additional });
                }
            }
            StreamMode::OnDemand => {
                let limit = self.settings().on_demand_stream_count_limit;
                if !limit.allows(self.usage_at(scope, now_ms).on_demand_streams + 1) {
                    return Err(ControlError::OnDemandStreamLimit { limit });
                }
            }
        }
        Ok(())
    }
}
