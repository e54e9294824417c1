//! Segment memory under the model checker: tiny chunks, one checked cell per byte.
//!
//! A segment of 48 bytes holds four records, so that seals and trims happen within the few steps
//! that a model can explore; a read of a byte that is being written fails the model.

use std::ops::Range;
use std::sync::Arc;

use loom::cell::UnsafeCell;

use super::ceiling::Ceiling;

/// One size is enough to cross seals.
pub(crate) const CHUNK_BYTES: [usize; 1] = [48];

/// The index into [`CHUNK_BYTES`].
pub(crate) type Class = usize;

/// The only class.
pub(crate) const CLASS_MAX: Class = 0;

/// Stand-in for the pool: every chunk is fresh.
pub struct ChunkPool;

impl ChunkPool {
    pub fn new() -> Arc<Self> {
        Arc::new(Self)
    }

    pub fn with_ceiling(_ceiling: Ceiling) -> Arc<Self> {
        Arc::new(Self)
    }

    pub fn held_bytes(&self) -> u64 {
        0
    }

    pub fn ceiling(&self) -> &Ceiling {
        &Ceiling::NONE
    }

    pub async fn pressure(&self) {
        std::future::pending().await
    }

    pub(crate) fn has_room(&self, _bytes: usize) -> bool {
        true
    }

    pub(crate) fn open_log(self: &Arc<Self>) -> OpenLog {
        OpenLog
    }

    pub(crate) fn class_max(&self) -> Class {
        CLASS_MAX
    }

    #[allow(clippy::unnecessary_wraps, reason = "the real one can fail")]
    pub(crate) fn take(self: &Arc<Self>, class: Class) -> std::io::Result<Arena> {
        Ok(Arena::of_bytes(CHUNK_BYTES[class]))
    }

    #[allow(clippy::unnecessary_wraps, reason = "the real one can fail")]
    pub(crate) fn take_own(self: &Arc<Self>, bytes: usize) -> std::io::Result<Arena> {
        Ok(Arena::of_bytes(bytes))
    }
}

/// Stand-in for the count of open logs.
pub(crate) struct OpenLog;

/// Segment memory, one checked cell per byte: a read of a byte that is being written fails the model.
pub(crate) struct Arena {
    bytes: Vec<UnsafeCell<u8>>,
}

/// What a read gives: a copy, since checked cells cannot lend a slice.
pub(crate) type ArenaSlice<'a> = std::borrow::Cow<'a, [u8]>;

// SAFETY: the segment's protocol decides who touches which byte; loom checks it.
#[allow(unsafe_code)]
unsafe impl Sync for Arena {}
// SAFETY: nothing in it belongs to a thread; who touches which byte is as above.
#[allow(unsafe_code)]
unsafe impl Send for Arena {}

impl Arena {
    fn of_bytes(bytes: usize) -> Self {
        Self { bytes: (0..bytes).map(|_| UnsafeCell::new(0)).collect() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// See the real one.
    ///
    /// # Safety
    /// The range must not be published.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn room(&self, range: Range<usize>) -> Room<'_> {
        Room(&self.bytes[range])
    }

    /// See the real one.
    ///
    /// # Safety
    /// The range must be published.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn read(&self, at: usize, bytes: usize) -> ArenaSlice<'_> {
        // SAFETY: the caller's contract, checked by loom.
        let copy = self.bytes[at..at + bytes].iter().map(|cell| cell.with(|cell| unsafe { *cell }));
        copy.collect::<Vec<u8>>().into()
    }
}

/// See the real one. It is lent cells, and each write is one that loom checks.
pub(crate) struct Room<'a>(&'a [UnsafeCell<u8>]);

impl Room<'_> {
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn put_first(&mut self, bytes: &[u8]) {
        let (place, left) = self.0.split_at(bytes.len());
        fill(place, bytes);
        self.0 = left;
    }

    pub(crate) fn put_last(&mut self, bytes: &[u8]) {
        let (left, place) = self.0.split_at(self.bytes() - bytes.len());
        fill(place, bytes);
        self.0 = left;
    }
}

#[allow(unsafe_code)]
fn fill(place: &[UnsafeCell<u8>], bytes: &[u8]) {
    for (cell, byte) in place.iter().zip(bytes) {
        // SAFETY: the contract of `Arena::room`, checked by loom.
        cell.with_mut(|cell| unsafe { *cell = *byte });
    }
}
