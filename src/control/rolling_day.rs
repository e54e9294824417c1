//! Quotas "per rolling 24 hours": how often something was done to a stream lately (reference 16).

use std::sync::{Mutex, PoisonError};

use crate::limits::{
    ENCRYPTION_STARTS_PER_DAY_MAX, ENCRYPTION_STOPS_PER_DAY_MAX, MODE_SWITCHES_PER_DAY_MAX, ROLLING_DAY_MS,
    SHARD_COUNT_UPDATES_PER_DAY_MAX,
};

/// What may be done to a stream only so often a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DailyQuota {
    /// UpdateStreamMode to another mode.
    ModeSwitches,
    /// UpdateShardCount to another count.
    ShardCountUpdates,
    /// StartStreamEncryption.
    EncryptionStarts,
    /// StopStreamEncryption.
    EncryptionStops,
}

impl DailyQuota {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::ModeSwitches, Self::ShardCountUpdates, Self::EncryptionStarts, Self::EncryptionStops];

    /// Times within any 24 hours, at most.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Self::ModeSwitches => MODE_SWITCHES_PER_DAY_MAX,
            Self::ShardCountUpdates => SHARD_COUNT_UPDATES_PER_DAY_MAX,
            Self::EncryptionStarts => ENCRYPTION_STARTS_PER_DAY_MAX,
            Self::EncryptionStops => ENCRYPTION_STOPS_PER_DAY_MAX,
        }
    }
}

/// When each was done to one stream, as far back as it counts.
#[derive(Debug, Default)]
pub(super) struct DailyUse(Mutex<Vec<(DailyQuota, u64)>>);

impl DailyUse {
    /// Whether it may be done once more now.
    pub(super) fn allows(&self, quota: DailyQuota, now_ms: u64) -> bool {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        done.retain(|(_, done_ms)| now_ms.saturating_sub(*done_ms) < ROLLING_DAY_MS);
        done.iter().filter(|(other, _)| *other == quota).count() < quota.max()
    }

    /// Each use that may still count.
    pub(super) fn all(&self) -> Vec<(DailyQuota, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These uses.
    pub(super) const fn of(done: Vec<(DailyQuota, u64)>) -> Self {
        Self(Mutex::new(done))
    }

    /// Notes that it was done.
    pub(super) fn note(&self, quota: DailyQuota, now_ms: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((quota, now_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the window rolls: each use counts for 24 hours from its own time, and quotas do not share.
    #[test]
    fn the_window_rolls() {
        let (used, hour_ms) = (DailyUse::default(), 3_600_000);
        let mut switch = |hour: u64| {
            let allowed = used.allows(DailyQuota::ModeSwitches, hour * hour_ms);
            if allowed {
                used.note(DailyQuota::ModeSwitches, hour * hour_ms);
            }
            allowed
        };
        assert_eq!(
            [0, 10, 20, 23, 24, 33, 34].map(&mut switch),
            [true, true, false, false, true, false, true]
        );
        assert!(used.allows(DailyQuota::EncryptionStarts, 34 * hour_ms));
    }
}
