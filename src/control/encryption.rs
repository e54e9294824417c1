//! When a stream's records were encrypted.
//!
//! Nothing is really encrypted here. What clients see is told truthfully: a record is marked if it arrived while
//! encryption was in force (reference 12), however often that was switched since. So the times of all switches are
//! kept, and a record's arrival tells the rest; nothing is stored per record.

use std::sync::Arc;

use crate::limits::RETENTION_HOURS_MAX;

/// The times at which a stream's encryption was switched, on first. A clone costs one counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionTimes(Option<Arc<[u64]>>);

impl EncryptionTimes {
    /// Encryption that is switched at these times, ascending: on, off, on.
    pub fn of(switches_ms: impl IntoIterator<Item = u64>) -> Self {
        let switches: Arc<[u64]> = switches_ms.into_iter().collect();
        Self(Some(switches).filter(|switches| !switches.is_empty()))
    }

    /// Those times.
    #[must_use]
    pub fn switches_ms(&self) -> &[u64] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether encryption never was in force nor will be. Then no record needs to be asked about.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a record that arrived at this time, epoch milliseconds, was encrypted.
    #[must_use]
    pub fn holds_at(&self, time_ms: u64) -> bool {
        let switches = self.0.as_deref().unwrap_or_default();
        // After an odd number of switches it is on.
        switches.partition_point(|switch_ms| *switch_ms <= time_ms) % 2 == 1
    }

    /// The times, with a switch at `from_ms` if there is anything to switch. What no record can be as old as is
    /// forgotten.
    pub(super) fn switched(&self, is_on: bool, from_ms: u64) -> Self {
        if self.holds_at(from_ms) == is_on {
            return self.clone();
        }
        let switches = self.0.as_deref().unwrap_or_default();
        let oldest_ms = from_ms.saturating_sub(u64::from(RETENTION_HOURS_MAX) * 3_600_000);
        // In pairs, so that the first one left is again one that switches on.
        let forgotten = switches.partition_point(|switch_ms| *switch_ms < oldest_ms) / 2 * 2;
        Self(Some(switches[forgotten..].iter().copied().chain([from_ms]).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a record's mark follows its arrival, to the millisecond, across switches.
    #[test]
    fn arrivals_tell() {
        let never = EncryptionTimes::default();
        assert!(never.is_never() && !never.holds_at(u64::MAX));
        let times = never.switched(true, 100).switched(true, 150).switched(false, 200).switched(true, 300);
        let held = [0, 99, 100, 150, 199, 200, 299, 300, u64::MAX].map(|time_ms| times.holds_at(time_ms));
        assert_eq!(held, [false, false, true, true, true, false, false, true, true]);
        assert!(EncryptionTimes::default().switched(false, 5).is_never(), "there was nothing to switch off");
    }

    /// Protects: what is kept does not grow for ever, and what is left still tells on from off.
    #[test]
    fn old_switches_are_forgotten() {
        let hour_ms = 3_600_000;
        let mut times = EncryptionTimes::default();
        for hour in 0..20_000_u64 {
            times = times.switched(hour % 2 == 0, hour * hour_ms);
        }
        let kept = times.0.as_deref().unwrap_or_default().len();
        assert!(kept <= 8_762, "{kept} switches");
        assert!(times.holds_at(19_998 * hour_ms) && !times.holds_at(19_999 * hour_ms));
        assert!(times.holds_at(19_000 * hour_ms) && !times.holds_at(19_001 * hour_ms));
    }
}
