//! What the shards of a stream share: memory, time, retention and the counts that health reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::log::ChunkPool;

/// Shared by all shards of one stream.
pub struct ShardContext {
    /// Where segments come from.
    pub(crate) pool: Arc<ChunkPool>,
    /// The service clock.
    pub(crate) clock: Clock,
    /// What went wrong, for the whole server.
    pub(crate) tally: Arc<Tally>,
    retention_ms: AtomicU64,
}

impl ShardContext {
    /// A context with its own retention; the rest is the server's.
    #[must_use]
    pub fn new(pool: Arc<ChunkPool>, clock: Clock, tally: Arc<Tally>, retention_ms: u64) -> Arc<Self> {
        Arc::new(Self { pool, clock, tally, retention_ms: AtomicU64::new(retention_ms) })
    }

    /// How long a record is kept, in milliseconds.
    #[must_use]
    pub fn retention_ms(&self) -> u64 {
        // Relaxed: one number; a change may be seen a moment late.
        self.retention_ms.load(Ordering::Relaxed)
    }

    /// Records that arrived before this have expired, in epoch milliseconds.
    #[must_use]
    pub fn not_before_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.retention_ms())
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
