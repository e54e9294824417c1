//! Where a shard will write next, told to whoever is about to send it a record.
//!
//! A request that touches hundreds of shards finds none of them in the processor's caches: the shard itself, its
//! segment, the bytes to be written. One after the other those waits are most of what such a request costs. So while
//! one shard runs, the memory of the ones after it is asked for. Deleting this file costs speed and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::log::Writer;
use crate::sync::fetch;

use super::Shard;
use super::batch::Batch;

/// Bytes that the processor fetches at a time.
const LINE_BYTES: usize = 64;

/// Of what is appended, no more than this is asked for: what follows, the processor expects by itself.
const RECORDS_BYTES_MAX: usize = 2 << 10;

/// Shards whose places are asked for together. Each is on a page of its own that the processor has to find first, and for
/// that it does wait: for one after the other if there is other work in between, for all at once if there is none.
const GROUP: usize = 8;

/// How far ahead the memory is asked for that it will write to. Its page is found by then.
const WRITES_AHEAD: usize = 6;

/// Addresses that the next append will write to; zero until there was one. Hints, so all is Relaxed: a stale address
/// only wastes a fetch.
#[derive(Default)]
pub(super) struct NextWrite {
    segment: AtomicUsize,
    record: AtomicUsize,
    mark: AtomicUsize,
}

impl NextWrite {
    /// Notes where the writer stands.
    pub(super) fn note(&self, writer: &Writer) {
        if let Some([segment, record, mark]) = writer.next_addresses() {
            self.segment.store(segment, Ordering::Relaxed);
            self.record.store(record, Ordering::Relaxed);
            self.mark.store(mark, Ordering::Relaxed);
        }
    }
}

/// Asks for what the shares of a batch will touch, some shares ahead of the one that runs.
pub(super) struct Ahead<'b> {
    batch: &'b Batch,
}

impl<'b> Ahead<'b> {
    /// Begins with the first shares.
    pub(super) fn of(batch: &'b Batch) -> Self {
        let ahead = Self { batch };
        (0..2 * GROUP).for_each(|number| ahead.fetch_shard(number));
        (0..GROUP).for_each(|number| ahead.find_place(number));
        (0..WRITES_AHEAD).for_each(|number| ahead.fetch_write(number));
        ahead
    }

    /// The share with this number runs next.
    #[inline(always)]
    pub(super) fn fetch(&self, number: usize) {
        if number.is_multiple_of(GROUP) {
            (number + 2 * GROUP..number + 3 * GROUP).for_each(|number| self.fetch_shard(number));
            (number + GROUP..number + 2 * GROUP).for_each(|number| self.find_place(number));
        }
        self.fetch_write(number + WRITES_AHEAD);
    }

    #[inline(always)]
    fn fetch_write(&self, number: usize) {
        if let Some((shard, bytes)) = self.batch.shard_and_bytes(number) {
            shard.fetch_next_write(bytes);
        }
    }

    #[inline(always)]
    fn find_place(&self, number: usize) {
        if let Some((shard, _)) = self.batch.shard_and_bytes(number) {
            shard.find_next_write();
        }
    }

    #[inline(always)]
    fn fetch_shard(&self, number: usize) {
        if let Some((shard, _)) = self.batch.shard_and_bytes(number) {
            shard.fetch();
        }
    }
}

impl Shard {
    /// Asks for the shard itself.
    fn fetch(&self) {
        let start = std::ptr::from_ref(self).addr();
        for line in (0..size_of::<Self>()).step_by(LINE_BYTES) {
            fetch(start + line);
        }
    }

    /// Asks for the first of the memory that an append will write to. The shard was asked for before.
    #[inline(always)]
    fn find_next_write(&self) {
        let NextWrite { segment, record, mark } = &self.next_write;
        for place in [segment, record, mark] {
            fetch(place.load(Ordering::Relaxed));
        }
    }

    /// Asks for the memory that an append of so many bytes will write to, from the second line on.
    #[inline(always)]
    fn fetch_next_write(&self, bytes: usize) {
        let mut line = self.next_write.record.load(Ordering::Relaxed);
        for _ in 0..(bytes.min(RECORDS_BYTES_MAX) / LINE_BYTES + 1) {
            line = line.wrapping_add(LINE_BYTES);
            fetch(line);
        }
    }
}
