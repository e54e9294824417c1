//! What can be changed of a stream while it lives, and when a change takes effect.
//!
//! A change that takes time is put down whole when it is asked for: the settings before it, those after it, and the
//! time between them. So every look is a function of the clock, as a stream's states are, and costs one load.

use std::sync::Arc;

use crate::limits::RECORD_BYTES_DEFAULT;

use super::encryption::EncryptionTimes;
use super::monitoring::ShardLevelMetrics;
use super::stream::StreamMode;

/// Who chooses a record's shard (reference 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordDistribution {
    /// Its keys do.
    UserPartitionKey,
    /// The service does; a record need not have a partition key.
    Auto,
}

impl RecordDistribution {
    /// AWS's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserPartitionKey => "USER_PARTITION_KEY",
            Self::Auto => "AUTO",
        }
    }

    /// What AWS calls so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::UserPartitionKey, Self::Auto].into_iter().find(|known| known.name() == name)
    }
}

/// What can be changed of a stream. Retention is with the shards, tags and consumers are by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// Who provides capacity.
    pub mode: StreamMode,
    /// Data and key of one record, at most, in bytes.
    pub record_bytes_max: usize,
    /// Who chooses a record's shard.
    pub distribution: RecordDistribution,
    /// The key that records are encrypted with, as it was given; `None` if they are not.
    pub key_id: Option<Arc<str>>,
    /// Which of the shards' metrics are published.
    pub shard_level_metrics: ShardLevelMetrics,
    /// Write throughput that was asked for in advance, in MiB/s.
    pub warm_throughput_mibps: Option<u32>,
}

impl StreamSettings {
    /// What a new stream has where the caller does not say otherwise.
    #[must_use]
    pub const fn of(mode: StreamMode) -> Self {
        Self {
            mode,
            record_bytes_max: RECORD_BYTES_DEFAULT,
            distribution: RecordDistribution::UserPartitionKey,
            key_id: None,
            shard_level_metrics: ShardLevelMetrics::NONE,
            warm_throughput_mibps: None,
        }
    }

    /// What a put has to know of them.
    #[must_use]
    pub const fn put_rules(&self) -> PutRules {
        PutRules {
            record_bytes_max: self.record_bytes_max,
            is_encrypted: self.key_id.is_some(),
            distribution: self.distribution,
        }
    }
}

/// What a put has to know of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutRules {
    /// Data and key of one record, at most, in bytes.
    pub record_bytes_max: usize,
    /// Whether the reply says that the record is encrypted.
    pub is_encrypted: bool,
    /// Who chooses the record's shard.
    pub distribution: RecordDistribution,
}

/// The settings of a stream over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The settings before the last change.
    pub before: Arc<StreamSettings>,
    /// Those after it.
    pub after: Arc<StreamSettings>,
    /// When it takes effect, epoch milliseconds.
    pub from_ms: u64,
    /// When encryption was switched.
    pub encrypted: EncryptionTimes,
}

impl Plan {
    /// Settings in force from the beginning.
    pub(super) fn new(settings: StreamSettings) -> Self {
        let settings = Arc::new(settings);
        Self {
            before: Arc::clone(&settings),
            after: settings,
            from_ms: 0,
            encrypted: EncryptionTimes::default(),
        }
    }

    /// The settings in force at this time, epoch milliseconds.
    #[must_use]
    pub fn at(&self, time_ms: u64) -> &Arc<StreamSettings> {
        if time_ms < self.from_ms { &self.before } else { &self.after }
    }

    /// What they will be once nothing changes any more.
    #[must_use]
    pub fn target(&self) -> &StreamSettings {
        &self.after
    }

    /// Which records are encrypted.
    #[must_use]
    pub const fn encrypted(&self) -> &EncryptionTimes {
        &self.encrypted
    }

    /// The plan in which these settings follow those that are in force now.
    pub(super) fn changed(&self, settings: StreamSettings, now_ms: u64, from_ms: u64) -> Self {
        Self {
            before: Arc::clone(self.at(now_ms)),
            encrypted: self.encrypted.switched(settings.key_id.is_some(), from_ms),
            after: Arc::new(settings),
            from_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a change takes effect at its time and not before, encryption of records included.
    #[test]
    fn changes_take_effect_at_their_time() {
        let old = StreamSettings::of(StreamMode::Provisioned);
        let new = StreamSettings { key_id: Some("k".into()), record_bytes_max: 2 << 20, ..old.clone() };
        let plan = Plan::new(old.clone()).changed(new.clone(), 100, 600);
        assert_eq!([0, 100, 599].map(|time_ms| plan.at(time_ms) == &Arc::new(old.clone())), [true; 3]);
        assert_eq!(**plan.at(600), new);
        assert_eq!(*plan.target(), new);
        assert_eq!([599, 600].map(|time_ms| plan.encrypted().holds_at(time_ms)), [false, true]);
        assert_eq!(plan.at(600).put_rules().record_bytes_max, 2 << 20);
        let off = plan.changed(old, 700, 700);
        assert_eq!([599, 600, 699, 700].map(|ms| off.encrypted().holds_at(ms)), [false, true, true, false]);
    }
}
