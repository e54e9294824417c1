//! A shard as an actor: one mailbox, one run token, one log.
//!
//! Every change of a shard goes through [`actor::change`], behind the run token, whichever thread holds it. Taking the
//! sequence number, appending and publishing are one step there, so a reader never sees record n + 1 before n. Reads do
//! not pass through here: they go to [`Shard::log`] directly.
//!
//! - [`token`]: who may change the shard, and how that right is handed on.
//! - [`mailbox`]: where commands wait while someone else holds the token; made on first contention.
//! - [`actor`]: what a command does; fairness, back-pressure and panics.
//! - `ahead`: what a request that touches many shards asks the processor to fetch meanwhile.
//! - [`batch`]: a request's records and the countdown of its reply.
//! - [`seal`]: how shards stop taking records, together.
//! - [`loading`]: shards that begin with what they held before.
//! - [`readers`]: the iterator table, which observes who reads the shard.
//! - `watchers`: who sleeps until there is something to read.

pub(crate) mod actor;
#[cfg(not(shardmill_loom))]
mod ahead;
pub mod batch;
mod context;
pub mod loading;
mod mailbox;
pub mod readers;
pub mod seal;
#[cfg(test)]
#[cfg(shardmill_loom)]
mod seal_model;
#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod stress;
pub(crate) mod token;
mod watchers;

use std::sync::OnceLock;

pub use actor::Command;
pub use context::{ShardContext, Tally};
pub use watchers::Watcher;

use crate::log::{Log, Watermark};
use crate::names::{HashKeyRange, SequenceNumber, ShardId};

use actor::{ActorState, COUNTER_FIRST};
use mailbox::Mailbox;
use readers::IteratorTable;
use std::sync::Arc;
use token::Exclusive;
use watchers::{Armed, Watchers};

/// One shard of a stream. Takes 256 bytes at most until the first record, contention or reader.
///
/// Fields in the order of who touches them: what everybody reads, what readers read, what the holder of the token
/// writes; the last begins 128 bytes into the allocation.
#[repr(C)]
pub struct Shard {
    /// The hash keys it owns.
    pub range: HashKeyRange,
    /// When it was created, epoch seconds; part of every sequence number.
    pub created_s: u64,
    /// Which one of its stream.
    pub id: ShardId,
    armed: Armed,
    context: Arc<ShardContext>,
    log: Log,
    readers: OnceLock<Box<Readers>>,
    mailbox: OnceLock<Box<Mailbox>>,
    #[cfg(not(shardmill_loom))]
    next_write: ahead::NextWrite,
    exclusive: Exclusive<ActorState>,
}

/// What only readers need.
#[derive(Default)]
struct Readers {
    table: IteratorTable,
    watchers: Watchers,
}

/// The two counts that an `Arc` puts before what it holds.
#[cfg(not(shardmill_loom))]
const ARC_BYTES: usize = 16;

#[cfg(not(shardmill_loom))]
const _: () = {
    assert!(ARC_BYTES + size_of::<Shard>() <= 256, "an untouched shard takes at most 256 bytes");
    assert!(
        ARC_BYTES + std::mem::offset_of!(Shard, exclusive) >= 128,
        "readers and writer share no cache line"
    );
};

impl Shard {
    /// A new, open, empty shard. No record of it arrives before its creation, though the clock may not be there yet: a
    /// child is created a second after its parents were closed (reference 5.4).
    #[must_use]
    pub fn new(id: ShardId, range: HashKeyRange, created_s: u64, context: Arc<ShardContext>) -> Arc<Self> {
        Self::with(id, range, created_s, context, Log::new(), ActorState::new(created_s))
    }

    /// A shard with this log and what belongs to it.
    fn with(
        id: ShardId,
        range: HashKeyRange,
        created_s: u64,
        context: Arc<ShardContext>,
        log: Log,
        state: ActorState,
    ) -> Arc<Self> {
        Arc::new(Self {
            range,
            created_s,
            id,
            armed: Armed::new(),
            context,
            log,
            readers: OnceLock::new(),
            mailbox: OnceLock::new(),
            #[cfg(not(shardmill_loom))]
            next_write: ahead::NextWrite::default(),
            exclusive: Exclusive::new(state),
        })
    }

    /// What readers read, without the mailbox.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Who reads this shard, as far as observed. Made when the first reader comes.
    pub fn readers(&self) -> &IteratorTable {
        &self.readers.get_or_init(Box::default).table
    }

    /// Who reads this shard; `None` if nobody ever has.
    pub fn known_readers(&self) -> Option<&IteratorTable> {
        self.readers.get().map(|readers| &readers.table)
    }

    /// Wakes the [`Watcher`]s. To be called once there is something new to see: records, or a map that has closed this
    /// shard.
    #[inline]
    pub fn notify_watchers(&self) {
        Self::notify_watchers_of(std::iter::once(self));
    }

    /// As [`Self::notify_watchers`] of each, with one fence for all.
    pub(super) fn notify_watchers_of<'s>(shards: impl Iterator<Item = &'s Self>) {
        watchers::after_publication();
        for shard in shards {
            if shard.armed.is_any() {
                shard.watchers().wake(&shard.armed);
            }
        }
    }

    fn watchers(&self) -> &Watchers {
        &self.readers.get_or_init(Box::default).watchers
    }

    /// Where its records begin and end now, and the counter that the next one gets.
    #[must_use]
    pub fn watermark(&self) -> Watermark {
        self.log.watermark(COUNTER_FIRST)
    }

    /// The sequence number of the record with this counter and arrival.
    #[must_use]
    pub fn sequence_number(&self, counter: u64, arrival_ms: u64) -> SequenceNumber {
        SequenceNumber::new(self.created_s, self.id, counter, arrival_ms / 1000)
    }

    /// Records that arrived before this have expired, in epoch milliseconds.
    #[must_use]
    pub fn not_before_ms(&self, now_ms: u64) -> u64 {
        self.context.not_before_ms(now_ms)
    }
}
