//! The one writer of a log: append, commit, trim, close.

use std::sync::Arc;

use crate::limits::AtMemoryLimit;
use crate::sync::Ordering;

use super::chunk::{Arena, CHUNK_BYTES, CLASS_MAX, ChunkPool, Class, OpenLog};
use super::record::EncodedRecord;
use super::segment::{Base, Segment, SegmentWriter, own_segment_bytes};
use super::{Log, Spine};

/// What a closed log takes memory of its own in. Each piece is a mapping, and a process may have some 65,000 of them.
const OWN_UNIT_BYTES: usize = if cfg!(shardmill_loom) { 8 } else { 64 << 10 };

/// Why a record could not be appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The system refused memory for another segment, or the hard mark of the ceiling was met.
    #[error("no memory for another segment")]
    Memory(#[source] std::io::Error),
    /// The ceiling was met, and its policy is to throttle.
    #[error("the memory limit was met")]
    Throttled,
}

/// The right to append to one log. Whoever owns it is the log's only writer.
pub struct Writer {
    tail: Option<SegmentWriter>,
    /// While there is a tail.
    open_log: Option<OpenLog>,
    /// What the log's spine and horizon are: the writer is the only one to change them, so it need not look.
    spine: Option<Arc<Spine>>,
    horizon: u64,
    class: Class,
    next_position: u64,
    next_counter: u64,
    last_arrival_ms: u64,
}

impl Writer {
    /// The writer of a new log. The first record gets counter `first_counter`; `born_ms` is a floor for
    /// arrival, in epoch milliseconds.
    #[must_use]
    pub const fn new(first_counter: u64, born_ms: u64) -> Self {
        Self {
            tail: None,
            open_log: None,
            spine: None,
            horizon: 0,
            class: 0,
            next_position: 0,
            next_counter: first_counter,
            last_arrival_ms: born_ms,
        }
    }

    /// The arrival a record gets now: `now_ms`, but never before the last one.
    #[must_use]
    pub fn arrival_ms(&self, now_ms: u64) -> u64 {
        now_ms.max(self.last_arrival_ms)
    }

    /// The counter that the next record gets.
    #[must_use]
    pub const fn next_counter(&self) -> u64 {
        self.next_counter
    }

    /// The position that the next record gets.
    #[must_use]
    pub const fn next_position(&self) -> u64 {
        self.next_position
    }

    /// Leaves out counters: the next record gets this one, if it is not below what it would get.
    pub const fn skip_counters(&mut self, next_counter: u64) {
        if next_counter > self.next_counter {
            self.next_counter = next_counter;
        }
    }

    /// Has the log itself say which counter comes next, where that does not follow from its last record.
    pub fn tell_counter(&mut self, log: &Log) {
        let segments = self.spine.as_ref().map_or_else(Vec::new, |spine| spine.segments.clone());
        self.replace_spine(log, segments);
    }

    /// Goes on at a later position, as if all records before it had been trimmed. What was appended must be committed.
    pub fn skip_positions(&mut self, log: &Log, next_position: u64) {
        debug_assert!(next_position >= self.next_position);
        self.next_position = next_position;
        self.horizon = next_position;
        // Release, and before the spine, as in `trim`.
        log.horizon.store(next_position, Ordering::Release);
        self.tail = None;
        self.open_log = None;
        self.class = 0;
        self.replace_spine(log, Vec::new());
    }

    /// Writes `count` records with the next positions and counters; readers see them after [`Self::commit`].
    ///
    /// `arrival_ms` comes from [`Self::arrival_ms`].
    ///
    /// # Errors
    /// How many were stored before there was no memory for another segment, or none allowed; the rest are not stored.
    pub fn append_run<'r>(
        &mut self,
        log: &Log,
        pool: &Arc<ChunkPool>,
        count: usize,
        record: impl Fn(usize) -> EncodedRecord<'r>,
        arrival_ms: u64,
    ) -> Result<(), (usize, AppendError)> {
        // The other side of the reader's promise: time never runs back within a shard.
        debug_assert!(arrival_ms >= self.last_arrival_ms);
        let mut stored = self.push_run(count, &record, arrival_ms);
        while stored < count {
            let opened =
                self.open_segment(log, pool, own_segment_bytes(record(stored).bytes().len()), arrival_ms);
            opened.map_err(|error| (stored, error))?;
            let more = self.push_run(count - stored, |number| record(stored + number), arrival_ms);
            assert!(more > 0, "a record did not fit the segment that was sized for it");
            stored += more;
        }
        Ok(())
    }

    /// As many as the open segment takes.
    #[inline(always)]
    fn push_run<'r>(
        &mut self,
        count: usize,
        record: impl Fn(usize) -> EncodedRecord<'r>,
        arrival_ms: u64,
    ) -> usize {
        let Some(tail) = &mut self.tail else { return 0 };
        let stored = tail.push_run(count, record, arrival_ms, self.next_counter);
        if stored > 0 {
            self.next_position += stored as u64;
            self.next_counter += stored as u64;
            self.last_arrival_ms = arrival_ms;
        }
        stored
    }

    /// Writes one record, as [`Self::append_run`].
    ///
    /// # Errors
    /// No memory for another segment, or none allowed.
    pub fn append(
        &mut self,
        log: &Log,
        pool: &Arc<ChunkPool>,
        record: EncodedRecord<'_>,
        arrival_ms: u64,
    ) -> Result<(), AppendError> {
        self.append_run(log, pool, 1, |_| record, arrival_ms).map_err(|(_, error)| error)
    }

    /// Publishes all that was appended: one Release store.
    pub fn commit(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.publish();
        }
    }

    /// The addresses that the next record will be written to; none while there is no open segment.
    #[cfg(not(shardmill_loom))]
    pub(crate) fn next_addresses(&self) -> Option<[usize; 3]> {
        self.tail.as_ref().map(SegmentWriter::next_addresses)
    }

    /// Publishes what was appended and lets go of what only further records would need: a tail that is less than half
    /// full goes to memory of its size. Who reads the old one keeps it for as long.
    pub fn close(&mut self, log: &Log, pool: &Arc<ChunkPool>) {
        self.commit();
        self.open_log = None;
        let (Some(tail), Some(spine)) = (self.tail.take(), &self.spine) else { return };
        let Some(arena) = closed_arena(pool, &tail) else { return };
        let mut segments = spine.segments.clone();
        if let Some(newest) = segments.last_mut() {
            *newest = tail.copy_to(arena);
        }
        self.replace_spine(log, segments);
    }

    /// Moves the horizon past every record that arrived before `not_before_ms` and lets go of the segments
    /// that hold none of the others.
    pub fn trim(&mut self, log: &Log, not_before_ms: u64) {
        let Some(spine) = self.spine.clone() else { return };
        let segments = &spine.segments;
        // From the oldest on: each that is passed is let go of, and most often there is one.
        let kept_from = segments.iter().take_while(|segment| segment.is_before(not_before_ms)).count();
        let horizon = match segments.get(kept_from) {
            Some(kept) => kept.position_at_time(not_before_ms),
            None => self.next_position,
        };
        if horizon <= self.horizon {
            return;
        }
        // Release, and before the spine: a reader that misses the trimmed segments knows why.
        self.horizon = horizon;
        log.horizon.store(horizon, Ordering::Release);
        if kept_from == 0 {
            return;
        }
        if kept_from == segments.len() {
            // Even the open segment has expired: the next record starts a new one.
            self.tail = None;
            self.open_log = None;
            self.class = 0;
        }
        self.replace_spine(log, segments[kept_from..].to_vec());
    }

    /// Seals the tail and opens the next segment, large enough for a record that needs `record_bytes`.
    fn open_segment(
        &mut self,
        log: &Log,
        pool: &Arc<ChunkPool>,
        record_bytes: usize,
        arrival_ms: u64,
    ) -> Result<(), AppendError> {
        self.make_room(log, pool, record_bytes)?;
        self.open_log.get_or_insert_with(|| pool.open_log());
        let arena = self.next_arena(pool, record_bytes).map_err(AppendError::Memory)?;
        // The sealed segment's count is final before the spine that follows it is released.
        self.commit();
        let bytes = self.tail.as_ref().map_or(0, SegmentWriter::log_bytes);
        let base = Base { position: self.next_position, counter: self.next_counter, arrival_ms };
        let tail = SegmentWriter::create(arena, base, bytes);
        let live: &[_] = self.spine.as_ref().map_or(&[], |spine| &spine.segments);
        let mut segments = Vec::with_capacity(live.len() + 1);
        segments.extend_from_slice(live);
        segments.push(Arc::clone(tail.segment()));
        self.replace_spine(log, segments);
        self.tail = Some(tail);
        Ok(())
    }

    /// At the ceiling: lets go of own sealed segments, oldest first, until as much is free as may be taken next; or
    /// refuses, as the policy says.
    fn make_room(&mut self, log: &Log, pool: &ChunkPool, record_bytes: usize) -> Result<(), AppendError> {
        let wanted_bytes = record_bytes.max(CHUNK_BYTES[pool.class_max()]);
        if pool.has_room(wanted_bytes) {
            return Ok(());
        }
        if pool.ceiling().policy == AtMemoryLimit::Throttle {
            return Err(AppendError::Throttled);
        }
        let Some(spine) = self.spine.clone() else { return Ok(()) };
        // The open segment stays: it holds the newest records.
        let sealed = spine.segments.len().saturating_sub(1);
        let (mut dropped, mut freed_bytes) = (0, 0);
        while dropped < sealed && freed_bytes < wanted_bytes {
            freed_bytes += spine.segments[dropped].capacity_bytes();
            dropped += 1;
        }
        if dropped > 0 {
            self.horizon = self.horizon.max(spine.segments[dropped].base().position);
            // Release, and before the spine, as in `trim`.
            log.horizon.store(self.horizon, Ordering::Release);
            self.replace_spine(log, spine.segments[dropped..].to_vec());
        }
        Ok(())
    }

    fn replace_spine(&mut self, log: &Log, segments: Vec<Arc<Segment>>) {
        let spine = Arc::new(Spine { segments, next_counter: self.next_counter });
        log.spine.store(Arc::clone(&spine));
        self.spine = Some(spine);
    }

    /// The next size up; a mapping of its own for a record over a quarter of the largest segment.
    fn next_arena(&mut self, pool: &Arc<ChunkPool>, record_bytes: usize) -> std::io::Result<Arena> {
        if !is_shared(CLASS_MAX, record_bytes) {
            // The segment left behind may be nearly empty; the next one need not be larger than it was used.
            if let Some(tail) = &self.tail {
                let used_bytes = tail.used_bytes();
                self.class =
                    (0..self.class).find(|class| CHUNK_BYTES[*class] > used_bytes).unwrap_or(self.class);
            }
            return pool.take_own(record_bytes);
        }
        let class = if self.tail.is_some() { (self.class + 1).min(pool.class_max()) } else { 0 };
        self.class = (class..=CLASS_MAX).find(|class| is_shared(*class, record_bytes)).unwrap_or(CLASS_MAX);
        pool.take(self.class)
    }
}

/// Memory for a segment that takes no more records, if it would be half of what it has or less: a chunk, or a mapping of
/// its own. Without memory to go to it stays where it is.
fn closed_arena(pool: &Arc<ChunkPool>, tail: &SegmentWriter) -> Option<Arena> {
    let (used_bytes, capacity_bytes) = (tail.used_bytes(), tail.segment().capacity_bytes());
    let class = CHUNK_BYTES.iter().position(|bytes| used_bytes <= *bytes && 2 * bytes <= capacity_bytes);
    let own_bytes = used_bytes.next_multiple_of(OWN_UNIT_BYTES);
    match class {
        Some(class) => pool.take(class).ok(),
        None if 2 * own_bytes <= capacity_bytes => pool.take_own(own_bytes).ok(),
        None => None,
    }
}

/// Whether a record of this size may share a segment of the class: four or more of its kind fit.
const fn is_shared(class: Class, record_bytes: usize) -> bool {
    cfg!(shardmill_loom) || record_bytes <= CHUNK_BYTES[class] / 4
}
