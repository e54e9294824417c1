//! What the shards of a stream share: memory, time, retention and the counts that health reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::log::ChunkPool;

/// Bytes of the largest segment that records share.
const SEGMENT_BYTES_MAX: u64 = 1 << 20;

/// Shared by all shards of one stream.
pub struct ShardContext {
    /// Where segments come from.
    pub(crate) pool: Arc<ChunkPool>,
    /// The service clock.
    pub(crate) clock: Clock,
    /// What went wrong, for the whole server.
    pub(crate) tally: Arc<Tally>,
    retention_ms: AtomicU64,
    /// What had expired when retention was changed; a longer one brings nothing back.
    expired_before_ms: AtomicU64,
}

impl ShardContext {
    /// A context with its own retention; the rest is the server's.
    #[must_use]
    pub fn new(pool: Arc<ChunkPool>, clock: Clock, tally: Arc<Tally>, retention_ms: u64) -> Arc<Self> {
        let retention_ms = AtomicU64::new(retention_ms);
        Arc::new(Self { pool, clock, tally, retention_ms, expired_before_ms: AtomicU64::new(0) })
    }

    /// How long a record is kept, in milliseconds.
    #[must_use]
    pub fn retention_ms(&self) -> u64 {
        // Relaxed: one number; a change may be seen a moment late.
        self.retention_ms.load(Ordering::Relaxed)
    }

    /// What had expired when retention was last changed, epoch milliseconds.
    #[must_use]
    pub fn expired_before_ms(&self) -> u64 {
        self.expired_before_ms.load(Ordering::Relaxed)
    }

    /// Retention, and what had expired when it was last changed: of a stream that is put back.
    pub fn set_retention(&self, retention_ms: u64, expired_before_ms: u64) {
        self.expired_before_ms.store(expired_before_ms, Ordering::Relaxed);
        self.retention_ms.store(retention_ms, Ordering::Release);
    }

    /// Whether so many more bytes of records fit without any having to go. Those of a server that holds nothing else
    /// may fill as much as it may have filled that wrote them.
    #[must_use]
    pub fn has_room(&self, bytes: u64, is_alone: bool) -> bool {
        let ceiling = self.pool.ceiling();
        let (bytes_max, segment_bytes) = if is_alone {
            (ceiling.soft_bytes.midpoint(ceiling.hard_bytes), 0)
        } else {
            // Past the soft mark the oldest records go, wherever they are.
            (ceiling.soft_bytes, SEGMENT_BYTES_MAX)
        };
        self.pool.held_bytes().saturating_add(bytes).saturating_add(segment_bytes) <= bytes_max
    }

    /// Records that arrived before this have expired, in epoch milliseconds.
    #[must_use]
    pub fn not_before_ms(&self, now_ms: u64) -> u64 {
        // Acquire, for the Release in `retain_ms`: who sees a longer retention sees what had expired before it.
        let retention_ms = self.retention_ms.load(Ordering::Acquire);
        now_ms.saturating_sub(retention_ms).max(self.expired_before_ms.load(Ordering::Relaxed))
    }

    /// Keeps records for so many milliseconds from now on. What has expired stays so (reference 10). Callers take
    /// turns.
    pub fn retain_ms(&self, retention_ms: u64, now_ms: u64) {
        self.expired_before_ms.store(self.not_before_ms(now_ms), Ordering::Relaxed);
        self.retention_ms.store(retention_ms, Ordering::Release);
    }
}

/// Counts of what should not happen, kept for the life of the server. All zero is healthy.
#[derive(Debug, Default)]
pub struct Tally {
    shards_poisoned: AtomicU64,
    commands_shed: AtomicU64,
}

impl Tally {
    /// Shards that a panic has put beyond writing. Their published records stay readable.
    #[must_use]
    pub fn shards_poisoned(&self) -> u64 {
        self.shards_poisoned.load(Ordering::Relaxed)
    }

    /// Commands given up because a mailbox stayed full for a second.
    #[must_use]
    pub fn commands_shed(&self) -> u64 {
        self.commands_shed.load(Ordering::Relaxed)
    }

    pub(super) fn count_poisoned_shard(&self) {
        self.shards_poisoned.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_shed_command(&self) {
        self.commands_shed.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use super::*;

    /// Protects: a shorter retention takes effect at once, and a longer one brings nothing back (reference 10).
    #[test]
    fn what_has_expired_stays_so() {
        let context = ShardContext::new(ChunkPool::new(), Clock::system(), Arc::default(), 100);
        assert_eq!((context.not_before_ms(50), context.not_before_ms(1_000)), (0, 900));
        context.retain_ms(1_000, 1_000);
        assert_eq!([1_000, 1_500, 1_900, 2_000].map(|ms| context.not_before_ms(ms)), [900, 900, 900, 1_000]);
        context.retain_ms(10, 2_000);
        assert_eq!(context.not_before_ms(2_000), 1_990);
        context.retain_ms(1_000, 2_100);
        assert_eq!(context.not_before_ms(2_200), 2_090);
    }
}
