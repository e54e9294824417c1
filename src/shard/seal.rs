//! How shards stop taking records: several at once, and one moment when the last of them has.
//!
//! A sealed shard gives the records of an append back ([`Stored::given_back`](super::batch::Stored)), unstored; its log
//! is final. Sealing is a command, so it has a place among the appends: what is before it is stored, what is after it
//! is given back. It waits in no line: a full mailbox has a place for it.
//!
//! # Memory ordering
//! Each seal is counted down with AcqRel, after the last append to its shard in the order of the token. Whoever counts
//! to zero has therefore acquired every record of all the shards, and whatever it publishes releases them: a reader
//! that learns from it that a shard is closed sees the whole of its log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::{Command, Shard};

/// Shards that are being sealed, and what comes then.
pub struct Seal {
    pending: AtomicUsize,
    last_arrival_ms: AtomicU64,
    then: Box<dyn Fn(u64) + Send + Sync>,
}

impl Seal {
    /// Seals these shards, of which there is at least one, each for the first time.
    ///
    /// `then` runs once, when the last one is sealed, with the latest arrival in any of them (their creation counts as
    /// one), in epoch milliseconds. It runs on whichever thread comes to that shard's seal, under its token: it must
    /// not wait, nor give a command to a shard.
    pub fn shards(shards: &[Arc<Shard>], then: impl Fn(u64) + Send + Sync + 'static) {
        let seal = Arc::new(Self {
            pending: AtomicUsize::new(shards.len()),
            last_arrival_ms: AtomicU64::new(0),
            then: Box::new(then),
        });
        for shard in shards {
            let sent = shard.submit(Command::Seal(SealCommand { seal: Arc::clone(&seal) }));
            debug_assert!(sent.is_ok(), "a seal has a place of its own");
        }
    }
}

/// Tells one shard to take no more records. Dropped without having run, by a shard that a panic has put beyond
/// writing, it counts as run: that shard takes no more either.
pub struct SealCommand {
    seal: Arc<Seal>,
}

impl SealCommand {
    /// Notes the last arrival in the shard.
    pub(super) fn note(&self, last_arrival_ms: u64) {
        // Relaxed: ordered by the countdown.
        self.seal.last_arrival_ms.fetch_max(last_arrival_ms, Ordering::Relaxed);
    }
}

impl Drop for SealCommand {
    fn drop(&mut self) {
        // Release: passes this shard's records on. Acquire: the last one has them all.
        if self.seal.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            (self.seal.then)(self.seal.last_arrival_ms.load(Ordering::Relaxed));
        }
    }
}
