//! The log of one shard: appended by one writer, read by anyone without waiting.
//!
//! # Contract
//! - Records have dense **positions** from 0 and strictly increasing **counters** (the part of a sequence
//!   number that counts); arrival never decreases. Order of positions, counters and arrivals is one order.
//! - One [`Writer`] appends; [`Writer::commit`] publishes what was appended. A reader sees a prefix of the
//!   appended records, never record n + 1 without record n, and each either whole or not at all.
//! - A reader holds the segments it reads ([`Slice`]), so trimming never takes a record from under it.
//! - Records before the **trim horizon** are gone: a reader positioned before it goes on at it.
//!
//! # How
//! Records lie in segments ([`segment`]) of 4 KiB, 64 KiB, 256 KiB, then 1 MiB, from a recycling pool ([`chunk`]).
//! The **spine** is the list of live segments; it is replaced as a whole, only when a segment is opened, trimmed, or
//! moved as the log closes (its cost, a reference count per live segment, is paid once per MiB, or once per record over
//! 256 KiB).
//! Seeking by counter or time is a binary search over the spine, then over the marks of one segment.
//!
//! How much is held is bounded by retention and by the pool's ceiling. At the ceiling a writer lets go of its own
//! oldest segment before it takes another, so a busy shard recycles its memory; housekeeping sees to the shards that
//! have stopped writing.
//!
//! # Memory ordering
//! A segment publishes with one Release store (see there). The spine's store releases the final count of the
//! segment before the new one, so a reader that sees a later segment sees the earlier one complete. The
//! horizon is stored before the spine that lacks the trimmed segments, and read after the spine is loaded:
//! whoever sees the shorter spine sees the horizon that explains it. Explored under loom in `models`:
//! append and publish against a reader across a seal, trim against a reader, a search by time against an append, and
//! closing against a reader. That a counter or arrival fits its mark, and that retired memory is reused only after its
//! last reader, rest on argument (`Arc`).

mod ceiling;
#[cfg(not(shardmill_loom))]
pub(crate) mod chunk;
#[cfg(shardmill_loom)]
#[path = "chunk_model.rs"]
pub(crate) mod chunk;
#[cfg(test)]
#[cfg(shardmill_loom)]
mod models;
#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod properties;
mod record;
pub(crate) mod segment;
mod slice;
mod writer;

use std::sync::Arc;

use crate::sync::{AtomicU64, Ordering, Swap};

pub use ceiling::Ceiling;
pub use chunk::ChunkPool;
pub use record::{EncodedRecord, RecordBuffer, Run, TooLarge};
pub use segment::Record;
pub use slice::{Cursor, ReadLimits, Slice};
pub use writer::{AppendError, Writer};

use segment::Segment;

/// The shared part of a shard's log: what readers use. Takes 16 bytes until the first record.
pub struct Log {
    spine: Swap<Spine>,
    /// Position of the oldest record that still counts. Only the writer moves it, and only forward.
    horizon: AtomicU64,
}

/// The live segments, oldest first; positions run on from one to the next.
struct Spine {
    segments: Vec<Arc<Segment>>,
    /// Counter of the next record when this spine was made: no later one is below it.
    next_counter: u64,
}

impl Log {
    /// An empty log.
    #[cfg(not(shardmill_loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self { spine: Swap::empty(), horizon: AtomicU64::new(0) }
    }

    /// An empty log; the model checker's primitives have no constant constructors.
    #[cfg(shardmill_loom)]
    #[must_use]
    pub fn new() -> Self {
        Self { spine: Swap::empty(), horizon: AtomicU64::new(0) }
    }

    /// Reads from `position` on, or from the horizon if that is later.
    ///
    /// Records that arrived before `not_before_ms` are passed over even if no trim has met them yet, so that
    /// retention holds at every moment. `visit` sees each record that the slice will hold, once, in order.
    /// The first record is taken whatever its size; after it `limits` hold.
    pub fn read(
        &self,
        position: u64,
        not_before_ms: u64,
        limits: ReadLimits,
        visit: impl FnMut(&Record<'_>),
    ) -> Slice {
        let view = self.view();
        let mut start = position.max(view.horizon);
        let arrival_ms = view.record_at(start, |record| record.arrival_ms);
        if arrival_ms.is_some_and(|arrival_ms| arrival_ms < not_before_ms) {
            start = start.max(view.position_at_time(not_before_ms));
        }
        Slice::collect(view.segments(), view.tip(), start, limits, visit)
    }

    /// Position after the newest record.
    #[must_use]
    pub fn tip(&self) -> u64 {
        self.view().tip()
    }

    /// Position of the oldest record that trimming has left.
    #[must_use]
    pub fn horizon(&self) -> u64 {
        // Acquire: pairs with the Release in `Writer::trim`, for callers that compare it with other state.
        self.horizon.load(Ordering::Acquire)
    }

    /// Position of the first record that arrived at or after `arrival_ms`; the tip if there is none.
    #[must_use]
    pub fn position_at_time(&self, arrival_ms: u64) -> u64 {
        let view = self.view();
        view.position_at_time(arrival_ms).max(view.horizon)
    }

    /// Position of the first record whose counter is at least `counter`; the tip if there is none yet, so
    /// that a number from the future can never make a reader miss a record.
    #[must_use]
    pub fn position_at_counter(&self, counter: u64) -> u64 {
        let view = self.view();
        view.position_at_counter(counter).max(view.horizon)
    }

    /// The counter of the last record before `position`; `None` if trimming has left none there.
    #[must_use]
    pub fn counter_before(&self, position: u64) -> Option<u64> {
        self.view().record_at(position.checked_sub(1)?, |record| record.counter)
    }

    /// Where the log begins and ends now, in one look. `first_counter` is what the first record gets.
    #[must_use]
    pub fn watermark(&self, first_counter: u64) -> Watermark {
        let view = self.view();
        let newest = view.segments().last().map(|newest| (newest, newest.published()));
        let said = view.spine.as_ref().map_or(first_counter, |spine| spine.next_counter);
        let next_counter =
            newest.map_or(said, |(newest, published)| newest.counter_after(published).max(said));
        let tip = newest.map_or(0, |(newest, published)| newest.base().position + u64::from(published.count));
        Watermark { horizon: view.horizon, tip: tip.max(view.horizon), next_counter }
    }

    /// How much was appended so far.
    #[must_use]
    pub fn appended(&self) -> Appended {
        let view = self.view();
        let bytes = view.segments().last().map_or(0, |newest| newest.log_bytes());
        Appended { records: view.tip(), bytes }
    }

    /// The oldest segment: trimming past its last arrival frees it.
    #[must_use]
    pub fn oldest_segment(&self) -> Option<OldestSegment> {
        let view = self.view();
        let oldest = view.segments().first()?;
        let last_arrival_ms = oldest.last_arrival_ms(oldest.published())?;
        Some(OldestSegment { last_arrival_ms, bytes: oldest.capacity_bytes() as u64 })
    }

    fn view(&self) -> View {
        let spine = self.spine.load();
        // After the spine: whoever sees a spine without the trimmed segments sees the horizon as well.
        let horizon = self.horizon.load(Ordering::Acquire);
        View { spine, horizon }
    }
}

/// Where a log begins and ends at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// Position of the oldest record that trimming has left.
    pub horizon: u64,
    /// Position after the newest record.
    pub tip: u64,
    /// The counter that the next record gets.
    pub next_counter: u64,
}

/// How much was appended to a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Records, from the first one on.
    pub records: u64,
    /// Bytes of data, keys, and headers of two or three bytes. Begins anew when nothing is held any more.
    pub bytes: u64,
}

/// What trimming the oldest segment would take and give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestSegment {
    /// Arrival of its last record, epoch milliseconds.
    pub last_arrival_ms: u64,
    /// Its memory in bytes.
    pub bytes: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

/// One consistent look at the log.
struct View {
    spine: Option<Arc<Spine>>,
    horizon: u64,
}

impl View {
    fn segments(&self) -> &[Arc<Segment>] {
        self.spine.as_ref().map_or(&[], |spine| &spine.segments)
    }

    fn tip(&self) -> u64 {
        let newest = self.segments().last();
        newest.map_or(self.horizon, |segment| {
            (segment.base().position + u64::from(segment.published().count)).max(self.horizon)
        })
    }

    /// What `of` says of the record at a position, if there is one.
    fn record_at(&self, position: u64, of: impl Fn(&Record<'_>) -> u64) -> Option<u64> {
        let segments = self.segments();
        let number =
            segments.partition_point(|segment| segment.base().position <= position).checked_sub(1)?;
        let segment = segments.get(number)?;
        let index = u32::try_from(position - segment.base().position).ok()?;
        let mut said = None;
        segment.read_from(segment.published(), index, |record| {
            said = Some(of(record));
            false
        });
        said
    }

    fn position_at_time(&self, arrival_ms: u64) -> u64 {
        let segments = self.segments();
        let passed = segments.partition_point(|segment| segment.is_before(arrival_ms));
        // The newest is asked even if it was passed, in one look: a tip that is read later may be behind what is sought.
        let asked = passed.min(segments.len().saturating_sub(1));
        segments.get(asked).map_or(self.horizon, |segment| segment.position_at_time(arrival_ms))
    }

    fn position_at_counter(&self, counter: u64) -> u64 {
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.base().counter <= counter);
        let Some(segment) = segments.get(after.saturating_sub(1)) else { return self.tip() };
        segment.base().position + u64::from(segment.index_at_counter(segment.published(), counter))
    }
}
