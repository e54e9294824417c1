//! Where a shard will write next, told to whoever is about to send it a record.
//!
//! A request that touches hundreds of shards finds none of them in the processor's caches: the shard itself, its
//! segment, the bytes to be written. One after the other those waits are most of what such a request costs. So while
//! one shard runs, the memory of the ones after it is asked for. Deleting this file costs speed and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::log::Writer;
use crate::sync::fetch_to_write;

use super::Shard;

/// Bytes that the processor fetches at a time.
const LINE_BYTES: usize = 64;

/// Of a record, no more than this is asked for: what follows, the processor expects by itself.
const RECORD_BYTES_MAX: usize = 1 << 10;

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

impl Shard {
    /// Asks for the shard itself.
    pub(crate) fn fetch(&self) {
        let start = std::ptr::from_ref(self).addr();
        for line in (0..size_of::<Self>()).step_by(LINE_BYTES) {
            fetch_to_write(start + line);
        }
    }

    /// Asks for the memory that an append of so many bytes will write to. The shard was asked for before.
    pub(super) fn fetch_next_write(&self, bytes: usize) {
        let NextWrite { segment, record, mark } = &self.next_write;
        fetch_to_write(segment.load(Ordering::Relaxed));
        fetch_to_write(mark.load(Ordering::Relaxed));
        let start = record.load(Ordering::Relaxed);
        for line in (0..bytes.min(RECORD_BYTES_MAX)).step_by(LINE_BYTES) {
            fetch_to_write(start.wrapping_add(line));
        }
    }
}
