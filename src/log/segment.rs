//! A segment: one piece of memory, filled once by one writer and read by any number of readers.
//!
//! ```text
//! | records, growing up -->            free            <-- marks, growing down |
//! record = key bytes (varint) | data bytes (varint) | data | key
//! mark   = record index (u32) | offset (u32) | arrival - base, ms (u32) | counter - base (u32)
//! ```
//! Records are dense: index 0, 1, 2, … from the segment's base position. A **mark** starts a stretch in which
//! arrival is constant and counters are consecutive, so that everything but the byte offset is arithmetic; a
//! new one is written every [`MARK_EVERY`] records, so that finding an offset walks past some
//! dozens of records at most; readers that follow find a mark where they left off, since a request starts one.
//!
//! # Memory ordering
//! The writer fills bytes above what is published, then stores `published` (bytes, records and marks packed in
//! one word) with Release. A reader loads that word with Acquire and touches only what it covers, which is
//! never written again. So the one Release/Acquire pair orders every byte, and a reader that sees record
//! n + 1 sees record n. `log/models.rs` explores this under loom.

use std::sync::Arc;

use crate::sync::{AtomicU64, Ordering};

use super::chunk::{Arena, ArenaSlice, Room};
use super::record::{EncodedRecord, HEADER_BYTES_MAX, read_header};

/// Records between two marks at the most.
const MARK_EVERY: u32 = if cfg!(shardmill_loom) { 2 } else { 64 };

/// Size of a mark in bytes.
const MARK_BYTES: usize = 16;

// The published word: | marks, 20 bits | records, 20 bits | bytes, 24 bits |.
const BYTES_BITS: u32 = 24;
const RECORDS_BITS: u32 = 20;
const BYTES_MASK: u64 = (1 << BYTES_BITS) - 1;
const RECORDS_MASK: u64 = (1 << RECORDS_BITS) - 1;

/// Largest segment: its size must fit the published word.
pub(super) const SEGMENT_BYTES_MAX: usize = (1 << BYTES_BITS) - 1;

const _: () = {
    use crate::limits::{PARTITION_KEY_CHARS_MAX, RECORD_BYTES_MAX};
    // The largest record AWS takes fits a segment of its own, and its header fits two 28-bit varints.
    assert!(
        own_segment_bytes(HEADER_BYTES_MAX + 4 * PARTITION_KEY_CHARS_MAX + RECORD_BYTES_MAX)
            <= SEGMENT_BYTES_MAX
    );
    // A record takes at least two bytes, so a segment of the largest class cannot overflow the record count.
    assert!(super::chunk::CHUNK_BYTES[super::chunk::CLASS_MAX] as u64 / 2 <= RECORDS_MASK);
};

/// Bytes that a segment needs to hold one record of so many bytes, its header included, and its mark.
pub(super) const fn own_segment_bytes(record_bytes: usize) -> usize {
    record_bytes + MARK_BYTES
}

/// The shared part: what readers see. What an append touches of it is on the first cache line of its allocation.
#[repr(C)]
pub(crate) struct Segment {
    published: AtomicU64,
    base: Base,
    arena: Arena,
    /// Bytes of the records before it, since the log last held none.
    bytes_before: u64,
}

/// Where a segment starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    /// Position of its first record.
    pub(crate) position: u64,
    /// Counter of its first record.
    pub(crate) counter: u64,
    /// Arrival of its first record, epoch milliseconds.
    pub(crate) arrival_ms: u64,
}

/// One record, as it lies in the log.
#[derive(Debug)]
pub struct Record<'a> {
    /// Dense position in the shard, from 0.
    pub position: u64,
    /// Sequence counter, strictly increasing in the shard.
    pub counter: u64,
    /// Arrival, epoch milliseconds, never decreasing in the shard.
    pub arrival_ms: u64,
    /// Partition key, UTF-8.
    pub key: ArenaSlice<'a>,
    /// Data as the producer sent it, decoded.
    pub data: ArenaSlice<'a>,
}

/// How much of a segment a reader may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// Records.
    pub(crate) count: u32,
    /// Their bytes, headers and keys included.
    pub(crate) bytes: u32,
    marks: u32,
}

impl Published {
    const NOTHING: Self = Self { count: 0, bytes: 0, marks: 0 };

    /// As if only this many records were published, if there are more.
    pub(crate) fn up_to(self, count: u32) -> Self {
        Self { count: self.count.min(count), ..self }
    }

    fn pack(self) -> u64 {
        u64::from(self.marks) << (BYTES_BITS + RECORDS_BITS)
            | u64::from(self.count) << BYTES_BITS
            | u64::from(self.bytes)
    }

    #[allow(clippy::cast_possible_truncation, reason = "each field is masked to 24 bits or fewer")]
    fn unpack(word: u64) -> Self {
        Self {
            bytes: (word & BYTES_MASK) as u32,
            count: (word >> BYTES_BITS & RECORDS_MASK) as u32,
            marks: (word >> (BYTES_BITS + RECORDS_BITS)) as u32,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    index: u32,
    offset: u32,
    arrival_delta_ms: u32,
    counter_delta: u32,
}

impl Mark {
    fn to_bytes(self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        for (place, field) in bytes.chunks_exact_mut(4).zip([
            self.index,
            self.offset,
            self.arrival_delta_ms,
            self.counter_delta,
        ]) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let field = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { index: field(0), offset: field(4), arrival_delta_ms: field(8), counter_delta: field(12) }
    }
}

impl Segment {
    /// Where it starts.
    pub(crate) const fn base(&self) -> Base {
        self.base
    }

    /// Bytes of the records before it and of those that were published in it, since the log last held none.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.bytes_before + u64::from(self.published().bytes)
    }

    /// Its memory in bytes.
    pub(crate) fn capacity_bytes(&self) -> usize {
        self.arena.capacity()
    }

    /// What may be read now. Acquire: pairs with the Release store in [`SegmentWriter::publish`].
    pub(crate) fn published(&self) -> Published {
        Published::unpack(self.published.load(Ordering::Acquire))
    }

    /// Visits records from `index` on until `visit` says no or the published end is reached.
    ///
    /// Returns the index after the last record that `visit` accepted.
    #[inline(always)]
    #[allow(clippy::useless_conversion, reason = "the model checker's slice is a copy")]
    pub(crate) fn read_from(
        &self,
        published: Published,
        index: u32,
        mut visit: impl FnMut(&Record<'_>) -> bool,
    ) -> u32 {
        if index >= published.count {
            return index;
        }
        let bytes = self.published_bytes(published);
        let mut number = self.mark_at_or_before(published, |mark| mark.index <= index);
        let mut mark = self.mark(number);
        let mut rest = &bytes[mark.offset as usize..];
        for _ in mark.index..index {
            (_, _, rest) = split_record(rest);
        }
        let mut at = index;
        loop {
            let end = self.next_mark_index(published, number).min(published.count);
            let arrival_ms = self.base.arrival_ms + u64::from(mark.arrival_delta_ms);
            let counter = self.base.counter + u64::from(mark.counter_delta);
            while at < end {
                let (key, data, after) = split_record(rest);
                #[allow(clippy::useless_conversion, reason = "the model checker's slice is a copy")]
                let record = Record {
                    position: self.base.position + u64::from(at),
                    counter: counter + u64::from(at - mark.index),
                    arrival_ms,
                    key: key.into(),
                    data: data.into(),
                };
                if !visit(&record) {
                    return at;
                }
                rest = after;
                at += 1;
            }
            if at == published.count {
                return at;
            }
            number += 1;
            mark = self.mark(number);
        }
    }

    /// Whether there are records, and all of them arrived before this.
    pub(crate) fn is_before(&self, arrival_ms: u64) -> bool {
        self.last_arrival_ms(self.published()).is_some_and(|last_ms| last_ms < arrival_ms)
    }

    /// Position of the first record that arrived at or after `arrival_ms`; the one after the last if there is none.
    pub(crate) fn position_at_time(&self, arrival_ms: u64) -> u64 {
        self.base.position + u64::from(self.index_at_time(self.published(), arrival_ms))
    }

    fn index_at_time(&self, published: Published, arrival_ms: u64) -> u32 {
        if published.count > 0 && arrival_ms <= self.base.arrival_ms {
            return 0;
        }
        // Every change of arrival starts a mark, so the answer is a mark's index.
        let earlier = |mark: &Mark| self.base.arrival_ms + u64::from(mark.arrival_delta_ms) < arrival_ms;
        let first = self.partition_marks(published, earlier);
        if first < published.marks { self.mark(first).index } else { published.count }
    }

    /// Index of the first record whose counter is at least `counter`; the count if there is none.
    pub(crate) fn index_at_counter(&self, published: Published, counter: u64) -> u32 {
        if published.count == 0 || counter <= self.base.counter {
            return 0;
        }
        let counter_of = |mark: &Mark| self.base.counter + u64::from(mark.counter_delta);
        let number = self.mark_at_or_before(published, |mark| counter_of(mark) <= counter);
        let mark = self.mark(number);
        let end = self.next_mark_index(published, number);
        // Past the end of its stretch the number falls into a gap: the next stretch's first record is it.
        let into = counter.saturating_sub(counter_of(&mark));
        u32::try_from(into).map_or(end, |into| mark.index.saturating_add(into).min(end))
    }

    /// The counter after that of the last published record, or the first one that a record can have.
    pub(crate) fn counter_after(&self, published: Published) -> u64 {
        let Some(last) = published.marks.checked_sub(1) else { return self.base.counter };
        let mark = self.mark(last);
        self.base.counter + u64::from(mark.counter_delta) + u64::from(published.count - mark.index)
    }

    /// Arrival of the last published record, if there is one.
    pub(crate) fn last_arrival_ms(&self, published: Published) -> Option<u64> {
        let last = published.marks.checked_sub(1)?;
        Some(self.base.arrival_ms + u64::from(self.mark(last).arrival_delta_ms))
    }

    /// First mark for which `earlier` no longer holds; `published.marks` if it always does.
    fn partition_marks(&self, published: Published, earlier: impl Fn(&Mark) -> bool) -> u32 {
        let (mut low, mut high) = (0, published.marks);
        while low < high {
            let middle = low.midpoint(high);
            if earlier(&self.mark(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Last mark for which `holds`; the first record always has one, so there is an answer.
    fn mark_at_or_before(&self, published: Published, holds: impl Fn(&Mark) -> bool) -> u32 {
        self.partition_marks(published, holds).saturating_sub(1)
    }

    fn next_mark_index(&self, published: Published, number: u32) -> u32 {
        if number + 1 < published.marks { self.mark(number + 1).index } else { published.count }
    }

    #[allow(unsafe_code)]
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    fn mark(&self, number: u32) -> Mark {
        let at = mark_offset(self.arena.capacity(), number);
        // SAFETY: every caller passes a number below `published.marks`, so the mark was written before the
        // Release store that this thread has acquired, and a published mark is never written again.
        let bytes = unsafe { self.arena.read(at, MARK_BYTES) };
        Mark::from_bytes(&bytes)
    }

    #[allow(unsafe_code)]
    fn published_bytes(&self, published: Published) -> ArenaSlice<'_> {
        // SAFETY: what lies below `published.bytes` was written before the Release store that this thread has
        // acquired, and is never written again.
        unsafe { self.arena.read(0, published.bytes as usize) }
    }
}

/// Key and data of the record that `bytes` begin with, and what comes after it.
#[inline(always)]
fn split_record(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (key_bytes, data_bytes, header_bytes) =
        bytes.first_chunk().and_then(read_short_header).unwrap_or_else(|| read_header(bytes));
    let (data, rest) = bytes[header_bytes..].split_at(data_bytes);
    let (key, rest) = rest.split_at(key_bytes);
    (key, data, rest)
}

/// As [`read_header`], for nearly all records: keys below 128 bytes and data below 16 KiB.
#[inline(always)]
const fn read_short_header(bytes: &[u8; 4]) -> Option<(usize, usize, usize)> {
    let word = u32::from_le_bytes(*bytes) as usize;
    let (key, data_low, data_high) = (word & 0xff, word >> 8 & 0xff, word >> 16 & 0xff);
    if key >= 0x80 {
        None
    } else if data_low < 0x80 {
        Some((key, data_low, 2))
    } else if data_high < 0x80 {
        Some((key, data_low & 0x7f | data_high << 7, 3))
    } else {
        None
    }
}

/// The one writer of a segment. Not `Clone`: owning it is the right to write.
pub(crate) struct SegmentWriter {
    segment: Arc<Segment>,
    written: Published,
    /// The stretch that the next record may continue.
    stretch: Mark,
    /// That of the segment, so that it need not be asked.
    capacity: u32,
}

impl SegmentWriter {
    /// A new, empty segment over fresh memory, and the only right to write to it.
    pub(crate) fn create(arena: Arena, base: Base, bytes_before: u64) -> Self {
        // Below 2^24 by the constants above.
        let capacity = u32::try_from(arena.capacity()).unwrap_or(u32::MAX);
        let published = AtomicU64::new(Published::NOTHING.pack());
        let segment = Segment { published, base, arena, bytes_before };
        let stretch = Mark { index: 0, offset: 0, arrival_delta_ms: 0, counter_delta: 0 };
        Self { segment: Arc::new(segment), written: Published::NOTHING, stretch, capacity }
    }

    /// What readers share.
    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Bytes of the records written, here and before.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.segment.bytes_before + u64::from(self.written.bytes)
    }

    /// Bytes used so far, records and marks.
    pub(crate) fn used_bytes(&self) -> usize {
        self.written.bytes as usize + self.written.marks as usize * MARK_BYTES
    }

    /// Writes up to `count` records above what is published, their counters consecutive from `counter` on; gives how
    /// many. The first that does not fit is left: seal, and go on elsewhere.
    ///
    /// `arrival_ms` and `counter` are not below those of the record before.
    #[allow(unsafe_code)]
    #[allow(clippy::cast_possible_truncation, reason = "sizes are below the capacity, which is below 2^24")]
    #[inline(always)]
    pub(crate) fn push_run<'r>(
        &mut self,
        count: usize,
        record: impl Fn(usize) -> EncodedRecord<'r>,
        arrival_ms: u64,
        counter: u64,
    ) -> usize {
        let base = self.segment.base;
        let delta =
            |value: u64, base: u64| value.checked_sub(base).and_then(|delta| u32::try_from(delta).ok());
        let (Some(arrival_delta_ms), Some(counter_delta), Some(_)) = (
            delta(arrival_ms, base.arrival_ms),
            delta(counter, base.counter),
            delta(counter + count as u64, base.counter),
        ) else {
            return 0;
        };
        let first = self.written.count;
        let continues = first > 0
            && arrival_delta_ms == self.stretch.arrival_delta_ms
            && u64::from(counter_delta)
                == u64::from(self.stretch.counter_delta) + u64::from(first - self.stretch.index);
        let mut until_mark =
            if continues { MARK_EVERY.saturating_sub(first - self.stretch.index) } else { 0 };
        let Published { bytes, mut marks, .. } = self.written;
        let capacity = self.capacity as usize;
        let free_end = |marks: u32| capacity - marks as usize * MARK_BYTES;
        // SAFETY: all of it is above the published bytes and below the published marks, where no reader looks, and
        // `&mut self` of the only writer keeps other writes away.
        let mut room = unsafe { self.segment.arena.room(bytes as usize..free_end(marks)) };
        let bytes = |marks: u32, room: &Room<'_>| (free_end(marks) - room.bytes()) as u32;
        let mut pushed = 0;
        while pushed < count {
            let record = record(pushed).bytes();
            if until_mark == 0 {
                if room.bytes() < own_segment_bytes(record.len()) {
                    break;
                }
                let number = pushed as u32;
                let (index, offset) = (first + number, bytes(marks, &room));
                self.stretch =
                    Mark { index, offset, arrival_delta_ms, counter_delta: counter_delta + number };
                room.put_last(&self.stretch.to_bytes());
                (until_mark, marks) = (MARK_EVERY, marks + 1);
            }
            if room.bytes() < record.len() {
                break;
            }
            room.put_first(record);
            (until_mark, pushed) = (until_mark - 1, pushed + 1);
        }
        let bytes = bytes(marks, &room);
        self.written = Published { count: first + pushed as u32, bytes, marks };
        pushed
    }

    /// What was published, in other memory: the same segment to readers. Panics if that is less than
    /// [`Self::used_bytes`].
    #[allow(unsafe_code)]
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    pub(crate) fn copy_to(&self, arena: Arena) -> Arc<Segment> {
        let Segment { base, arena: from, bytes_before, .. } = &*self.segment;
        let published = self.segment.published();
        let marks_bytes = published.marks as usize * MARK_BYTES;
        {
            // SAFETY: what lies below the published bytes and above the published marks was written before the Release
            // store that `published` has acquired, and is never written again. Nobody else knows of the other arena.
            let (records, marks, mut room) = unsafe {
                (
                    from.read(0, published.bytes as usize),
                    from.read(from.capacity() - marks_bytes, marks_bytes),
                    arena.room(0..arena.capacity()),
                )
            };
            room.put_first(&records);
            room.put_last(&marks);
        }
        let (base, bytes_before) = (*base, *bytes_before);
        Arc::new(Segment { published: AtomicU64::new(published.pack()), base, arena, bytes_before })
    }

    /// Writes one record. `false` if it does not fit.
    #[cfg(test)]
    pub(crate) fn push(&mut self, record: EncodedRecord<'_>, arrival_ms: u64, counter: u64) -> bool {
        self.push_run(1, |_| record, arrival_ms, counter) == 1
    }

    /// The addresses that the next record will be written to: the segment's count, the record, and its mark.
    #[cfg(not(shardmill_loom))]
    pub(crate) fn next_addresses(&self) -> [usize; 3] {
        let start = self.segment.arena.start_address();
        let mark = mark_offset(self.capacity as usize, self.written.marks);
        [Arc::as_ptr(&self.segment).addr(), start + self.written.bytes as usize, start + mark]
    }

    /// Lets readers see all that was pushed.
    pub(crate) fn publish(&mut self) {
        // Release: pairs with the Acquire in `Segment::published`; orders the bytes of every record and
        // mark pushed so far before the word that covers them.
        self.segment.published.store(self.written.pack(), Ordering::Release);
    }
}

fn mark_offset(capacity: usize, number: u32) -> usize {
    capacity - (number as usize + 1) * MARK_BYTES
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use super::super::chunk::ChunkPool;
    use super::super::record::{RecordBuffer, header};
    use super::*;

    /// Pushes a record given by its parts.
    fn push(writer: &mut SegmentWriter, key: &[u8], data: &[u8], arrival_ms: u64, counter: u64) -> bool {
        let mut buffer = RecordBuffer::take();
        buffer.push(key, data).unwrap();
        writer.push(buffer.record(0), arrival_ms, counter)
    }

    /// Protects: the short form of a header is never read as another one.
    #[test]
    fn short_headers_are_those_of_the_long_form() {
        let lengths = [0, 1, 20, 127, 128, 129, 1_000, 16_383, 16_384, 16_385, 300_000, (1 << 28) - 1];
        let mut short = 0;
        for (key, data) in lengths.into_iter().flat_map(|key| lengths.map(|data| (key, data))) {
            let (header, header_bytes) = header(key, data).unwrap();
            let header = &header.to_le_bytes()[HEADER_BYTES_MAX - header_bytes..];
            let padded = [header, &[0; 4]].concat();
            if let Some(parts) = read_short_header(padded.first_chunk().unwrap()) {
                assert_eq!(parts, (key, data, header_bytes));
                short += 1;
            }
        }
        assert_eq!(short, 4 * 8);
    }

    const BASE: Base = Base { position: 100, counter: 7, arrival_ms: 1_000 };

    fn writer(class: usize) -> SegmentWriter {
        SegmentWriter::create(ChunkPool::new().take(class).unwrap(), BASE, 0)
    }

    /// Protects: nothing is visible before it is published.
    #[test]
    fn pushed_records_wait_for_publication() {
        let mut writer = writer(0);
        assert!(push(&mut writer, b"k", b"d", 1_000, 7));
        let segment = Arc::clone(writer.segment());
        assert_eq!(segment.published().count, 0);
        writer.publish();
        assert_eq!(segment.published().count, 1);
    }

    /// Protects: a gap in counters and a step in time each start a stretch, and seeks land on them.
    #[test]
    fn seeks_find_gaps_and_steps() {
        let mut writer = writer(0);
        for (arrival_ms, counter) in [(1_000, 7), (1_000, 8), (1_000, 20), (1_005, 21)] {
            assert!(push(&mut writer, b"k", b"d", arrival_ms, counter));
        }
        writer.publish();
        let segment = writer.segment();
        let all = segment.published();
        let by_counter: Vec<_> = [0, 7, 8, 9, 19, 20, 21, 22, u64::MAX]
            .map(|counter| segment.index_at_counter(all, counter))
            .into();
        assert_eq!(by_counter, [0, 0, 1, 2, 2, 2, 3, 4, 4]);
        let by_time: Vec<_> = [0, 1_000, 1_001, 1_005, 1_006].map(|ms| segment.index_at_time(all, ms)).into();
        assert_eq!(by_time, [0, 0, 3, 3, 4]);
    }

    /// Protects: a full segment refuses and stays readable.
    #[test]
    fn a_full_segment_refuses() {
        let mut writer = writer(0);
        let mut count = 0;
        while push(&mut writer, b"key", &[9; 100], 1_000, 7 + count) {
            count += 1;
        }
        writer.publish();
        let mut seen = 0;
        let segment = writer.segment();
        segment.read_from(segment.published(), 0, |record| {
            assert_eq!((record.position, record.counter), (100 + seen, 7 + seen));
            seen += 1;
            true
        });
        assert_eq!(seen, count);
    }

    /// Protects: memory per stored record beyond key and data stays below 4 bytes in batches of 100, what the segment
    /// has left at its end included.
    #[test]
    fn overhead_per_record_is_small() {
        for (data_bytes, overhead_max) in [(100, 2.5), (1024, 4.0)] {
            let mut writer = writer(super::super::chunk::CLASS_MAX);
            let (key, data) = ([b'k'; 20], vec![0; data_bytes]);
            let mut count = 0;
            while push(&mut writer, &key, &data, 1_000 + count / 100, 7 + count) {
                count += 1;
            }
            let capacity_bytes = writer.segment().capacity_bytes();
            #[allow(clippy::cast_precision_loss)]
            let overhead = capacity_bytes as f64 / count as f64 - 20.0 - data_bytes as f64;
            assert!(overhead <= overhead_max, "{data_bytes} B: {overhead} B beyond key and data");
        }
    }
}
