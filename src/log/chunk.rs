//! Where segment memory comes from: chunks carved from 2 MiB slabs, recycled when a segment is dropped.
//!
//! A fresh page costs more than the record written to it (768 ns against 39 to 111 ns for 1 KiB), so memory
//! that a trimmed segment leaves goes to the next one. Slabs are advised to be huge pages, best effort.
//! Chunks come in four sizes; each slab holds one size. A record too large for a chunk gets a mapping of
//! its own, and so may what a closed log holds. Chunks are taken once per segment and given back once, so a mutex is enough here: no reader
//! passes through it except to return the last reference to a segment.
//!
//! The pool counts what is held, pinned by readers or not, against a [`Ceiling`]. At the soft mark it asks to be
//! relieved ([`ChunkPool::pressure`]) and writers make room first; at the hard mark it refuses, so that writes never
//! end with the process killed for its memory.

use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::{Advice, MmapMut, MmapRaw};
use tokio::sync::Notify;

use crate::limits::AtMemoryLimit;

use super::ceiling::Ceiling;

/// The sizes a segment grows through, in bytes.
pub(crate) const CHUNK_BYTES: [usize; 4] = [4 << 10, 64 << 10, 256 << 10, 1 << 20];

/// A slab: the unit that is mapped, advised as a huge page, and unmapped.
const SLAB_BYTES: usize = 2 << 20;

/// Wholly free slabs of a class that are kept for the next segment before any is given back to the system: at least,
/// and at most. In between, what making room at the ceiling frees at once.
const IDLE_SLABS: std::ops::RangeInclusive<usize> = 2..=64;

/// Where to find an empty class: the index into [`CHUNK_BYTES`].
pub(crate) type Class = usize;

/// The largest class.
pub(crate) const CLASS_MAX: Class = CHUNK_BYTES.len() - 1;

/// Hands out chunks and takes them back. One for a server; shared by all shards.
pub struct ChunkPool {
    classes: Mutex<[Slabs; CHUNK_BYTES.len()]>,
    /// Bytes of all arenas that live.
    held_bytes: AtomicU64,
    /// Logs with an open segment.
    open_logs: AtomicU64,
    ceiling: Ceiling,
    pressure: Notify,
}

impl ChunkPool {
    /// An empty pool without a ceiling: maps nothing until the first record.
    pub fn new() -> Arc<Self> {
        Self::with_ceiling(Ceiling::NONE)
    }

    /// An empty pool with a ceiling.
    #[must_use]
    pub fn with_ceiling(ceiling: Ceiling) -> Arc<Self> {
        let relief_slabs = usize::try_from(ceiling.relief_bytes() / SLAB_BYTES as u64).unwrap_or(usize::MAX);
        let idle_max = relief_slabs.clamp(*IDLE_SLABS.start(), *IDLE_SLABS.end());
        Arc::new(Self {
            classes: Mutex::new([0, 1, 2, 3].map(|class| Slabs::of(class, idle_max))),
            held_bytes: AtomicU64::new(0),
            open_logs: AtomicU64::new(0),
            ceiling,
            pressure: Notify::new(),
        })
    }

    /// Bytes that segments hold, those that only readers keep included.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        // Relaxed: a count that stands for itself.
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// The ceiling.
    #[must_use]
    pub const fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// Resolves when the soft mark was met since the last time.
    pub async fn pressure(&self) {
        self.pressure.notified().await;
    }

    /// Whether a segment of this size may be taken without making room first. Past the soft mark asks to be
    /// relieved of the oldest records wherever they are; only half-way to the hard mark is that not awaited any more.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let Ceiling { soft_bytes, hard_bytes, policy } = self.ceiling;
        let wanted_bytes = self.held_bytes() + bytes as u64;
        if wanted_bytes <= soft_bytes {
            return true;
        }
        self.pressure.notify_one();
        policy == AtMemoryLimit::Trim && wanted_bytes <= soft_bytes.midpoint(hard_bytes)
    }

    /// Counts a log that has an open segment, for as long as the count is kept.
    pub(crate) fn open_log(self: &Arc<Self>) -> OpenLog {
        // Relaxed, as all of it: a count that stands for itself.
        self.open_logs.fetch_add(1, Ordering::Relaxed);
        OpenLog { pool: Arc::clone(self) }
    }

    /// The largest class for a log's next segment. Open segments, which cannot be trimmed, are to take no more than a
    /// quarter of the ceiling together: many shards get small ones.
    pub(crate) fn class_max(&self) -> Class {
        let bytes_max = self.ceiling.soft_bytes / 4 / self.open_logs.load(Ordering::Relaxed).max(1);
        CHUNK_BYTES.iter().rposition(|bytes| *bytes as u64 <= bytes_max).unwrap_or(0)
    }

    /// Counts a segment in, if it is within the hard mark.
    fn reserve(self: &Arc<Self>, bytes: usize) -> std::io::Result<Reservation> {
        let bytes = bytes as u64;
        let held_bytes = self.held_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let reservation = Reservation { pool: Arc::clone(self), bytes };
        if held_bytes > self.ceiling.hard_bytes {
            self.pressure.notify_one();
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        Ok(reservation)
    }

    /// Memory for one segment of a class.
    ///
    /// # Errors
    /// The hard mark is met, or the system refuses to map another slab.
    pub(crate) fn take(self: &Arc<Self>, class: Class) -> std::io::Result<Arena> {
        let reservation = self.reserve(CHUNK_BYTES[class])?;
        let (slab, slab_index, chunk) = self.lock()[class].take()?;
        let place = Some(Place { class, slab_index, chunk });
        Ok(Arena::of(slab, chunk * CHUNK_BYTES[class], CHUNK_BYTES[class], place, reservation))
    }

    /// Memory of its own, for one large record or for what a closed log holds.
    ///
    /// # Errors
    /// The hard mark is met, or the system refuses to map it.
    pub(crate) fn take_own(self: &Arc<Self>, bytes: usize) -> std::io::Result<Arena> {
        let reservation = self.reserve(bytes)?;
        let slab = Slab { map: MmapMut::map_anon(bytes.max(1))?.into(), aligned_at: 0 };
        Ok(Arena::of(Arc::new(slab), 0, bytes, None, reservation))
    }

    /// A poisoned lock is taken all the same: every step under it leaves the lists whole.
    fn lock(&self) -> MutexGuard<'_, [Slabs; CHUNK_BYTES.len()]> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slabs of one class and which of their chunks are free.
struct Slabs {
    class: Class,
    slabs: Vec<Option<SlabState>>,
    /// Indexes of slabs with at least one free chunk.
    open: Vec<usize>,
    idle_count: usize,
    idle_max: usize,
}

struct SlabState {
    slab: Arc<Slab>,
    free: Vec<usize>,
}

impl Slabs {
    const fn of(class: Class, idle_max: usize) -> Self {
        Self { class, slabs: Vec::new(), open: Vec::new(), idle_count: 0, idle_max }
    }

    const fn chunks_per_slab(&self) -> usize {
        SLAB_BYTES / CHUNK_BYTES[self.class]
    }

    fn take(&mut self) -> std::io::Result<(Arc<Slab>, usize, usize)> {
        let full = self.chunks_per_slab();
        if self.open.is_empty() {
            self.add_slab()?;
        }
        // The most recently opened slab first: its pages are the warmest.
        let taken = self.open.last().copied().and_then(|index| {
            let state = self.slabs.get_mut(index)?.as_mut()?;
            let was_idle = state.free.len() == full;
            let chunk = state.free.pop()?;
            Some((Arc::clone(&state.slab), index, chunk, was_idle, state.free.is_empty()))
        });
        let Some((slab, index, chunk, was_idle, now_full)) = taken else {
            return Err(std::io::Error::other("the chunk pool lists an open slab without a free chunk"));
        };
        if was_idle {
            self.idle_count -= 1;
        }
        if now_full {
            self.open.pop();
        }
        Ok((slab, index, chunk))
    }

    fn add_slab(&mut self) -> std::io::Result<()> {
        let state = SlabState {
            slab: Arc::new(Slab::map()?),
            // Popped from the end, so that a slab fills from its start.
            free: (0..self.chunks_per_slab()).rev().collect(),
        };
        let index = if let Some(index) = self.slabs.iter().position(Option::is_none) {
            self.slabs[index] = Some(state);
            index
        } else {
            self.slabs.push(Some(state));
            self.slabs.len() - 1
        };
        self.open.push(index);
        self.idle_count += 1;
        Ok(())
    }

    fn give_back(&mut self, index: usize, chunk: usize) {
        let full = self.chunks_per_slab();
        let Some(state) = self.slabs.get_mut(index).and_then(Option::as_mut) else { return };
        state.free.push(chunk);
        if state.free.len() == 1 {
            self.open.push(index);
        }
        if state.free.len() == full {
            if self.idle_count >= self.idle_max {
                self.slabs[index] = None;
                self.open.retain(|open| *open != index);
            } else {
                self.idle_count += 1;
            }
        }
    }
}

/// One mapping. Twice the slab's size is reserved so that an aligned slab fits whatever address the
/// system picks; the slack is never touched and so costs address space only. The map is a raw one, because no
/// reference may span bytes that a writer is filling.
struct Slab {
    map: MmapRaw,
    aligned_at: usize,
}

impl Slab {
    fn map() -> std::io::Result<Self> {
        let map = MmapMut::map_anon(2 * SLAB_BYTES)?;
        let aligned_at = map.as_ptr().align_offset(SLAB_BYTES);
        #[cfg(target_os = "linux")]
        // A kernel without transparent huge pages refuses the advice; small pages serve as well.
        let _ = map.advise_range(Advice::HugePage, aligned_at, SLAB_BYTES);
        Ok(Self { map: map.into(), aligned_at })
    }
}

/// Memory of one segment: an exclusive piece of a slab, given back when dropped.
///
/// Writing and reading are `unsafe`, since who may touch which byte is the segment's protocol
/// (`log/segment.rs`) and not known here.
#[repr(C)]
pub(crate) struct Arena {
    /// Its first byte, in the slab: kept here so that a writer need not look there. Never changes; an atomic only because
    /// that may be shared between threads.
    start: AtomicPtr<u8>,
    capacity: usize,
    /// Keeps what `start` points to.
    slab: Arc<Slab>,
    place: Option<Place>,
    reservation: Reservation,
}

/// Counts a log with an open segment.
pub(crate) struct OpenLog {
    pool: Arc<ChunkPool>,
}

impl Drop for OpenLog {
    fn drop(&mut self) {
        self.pool.open_logs.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that count as held for as long as this lives.
struct Reservation {
    pool: Arc<ChunkPool>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.pool.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What a read gives.
pub(crate) type ArenaSlice<'a> = &'a [u8];

/// A part of an arena that nobody reads yet. It is filled from both ends.
pub(crate) struct Room<'a>(&'a mut [u8]);

impl Room<'_> {
    /// What is left of it.
    #[inline(always)]
    pub(crate) const fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Copies `bytes` to its start. Panics if it is less than that.
    #[inline(always)]
    pub(crate) fn put_first(&mut self, bytes: &[u8]) {
        let (place, left) = std::mem::take(&mut self.0).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        self.0 = left;
    }

    /// Copies `bytes` to its end. Panics if it is less than that.
    #[inline(always)]
    pub(crate) fn put_last(&mut self, bytes: &[u8]) {
        let at = self.bytes() - bytes.len();
        let (left, place) = std::mem::take(&mut self.0).split_at_mut(at);
        place.copy_from_slice(bytes);
        self.0 = left;
    }
}

struct Place {
    class: Class,
    slab_index: usize,
    chunk: usize,
}

impl Arena {
    /// Size in bytes.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// A piece of a slab, which has it in full.
    fn of(
        slab: Arc<Slab>,
        offset: usize,
        capacity: usize,
        place: Option<Place>,
        reservation: Reservation,
    ) -> Self {
        // Within the mapping, whose slack is on both sides of the slab.
        let start = slab.map.as_mut_ptr().wrapping_add(slab.aligned_at + offset);
        Self { start: AtomicPtr::new(start), capacity, slab, place, reservation }
    }

    fn start(&self) -> *mut u8 {
        // Relaxed: written once, before anything else knows of it.
        self.start.load(Ordering::Relaxed)
    }

    /// Where it begins, to be asked for ahead.
    pub(crate) fn start_address(&self) -> usize {
        self.start().addr()
    }

    /// Lends a part that nobody reads yet, to be written.
    ///
    /// # Safety
    /// No other thread may read or write the range until a later publication orders what is written before it, and
    /// nobody else is lent any of it meanwhile. Out-of-range offsets panic.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn room(&self, range: Range<usize>) -> Room<'_> {
        assert!(range.start <= range.end && range.end <= self.capacity, "a room past the end of a segment");
        // SAFETY: the assertion keeps the range inside this arena's exclusive piece of the mapping, which is
        // initialised (anonymous mappings start as zeroes); the pointer comes from the raw map, which lives as long
        // as `slab`. Exclusivity of the range is the caller's contract. Safe code cannot do it: readers hold `&Arena` at
        // the same time.
        Room(unsafe { std::slice::from_raw_parts_mut(self.start().add(range.start), range.len()) })
    }

    /// Lends `bytes` bytes from offset `at`.
    ///
    /// # Safety
    /// The range must have been published before (its writes happen before this call) and never be written
    /// again while this arena lives.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn read(&self, at: usize, bytes: usize) -> ArenaSlice<'_> {
        assert!(at <= self.capacity && bytes <= self.capacity - at, "read past the end of a segment");
        // SAFETY: in range by the assertion, initialised (anonymous mappings start as zeroes), immutable by
        // the caller's contract, alive as long as the borrow of `self` keeps the slab.
        unsafe { std::slice::from_raw_parts(self.start().add(at), bytes) }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            self.reservation.pool.lock()[place.class].give_back(place.slab_index, place.chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the more logs are open, the smaller are their next segments; a log that closes makes room again.
    #[test]
    fn many_logs_get_small_segments() {
        let ceiling = Ceiling { soft_bytes: 32 << 20, hard_bytes: 64 << 20, policy: AtMemoryLimit::Trim };
        let pool = ChunkPool::with_ceiling(ceiling);
        assert_eq!(pool.class_max(), CLASS_MAX);
        let mut logs: Vec<_> = (0..9).map(|_| pool.open_log()).collect();
        assert_eq!(pool.class_max(), 2);
        logs.extend((9..100).map(|_| pool.open_log()));
        assert_eq!(pool.class_max(), 1);
        logs.extend((100..200).map(|_| pool.open_log()));
        assert_eq!(pool.class_max(), 0);
        logs.truncate(8);
        assert_eq!(pool.class_max(), CLASS_MAX);
        assert_eq!(ChunkPool::new().class_max(), CLASS_MAX);
    }

    /// Protects: two live chunks never share a byte.
    #[test]
    fn live_chunks_never_overlap() {
        let pool = ChunkPool::new();
        for class in 0..=CLASS_MAX {
            let arenas: Vec<_> = (0..9).map(|_| pool.take(class).unwrap()).collect();
            let mut ranges: Vec<_> = arenas
                .iter()
                .map(|arena| {
                    #[allow(unsafe_code)]
                    // SAFETY: nothing writes in this test.
                    let start = unsafe { arena.read(0, 1) }.as_ptr() as usize;
                    (start, start + arena.capacity())
                })
                .collect();
            ranges.sort_unstable();
            assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }

    /// Protects: a dropped chunk is the next one taken, so that steady state maps nothing new.
    #[test]
    fn dropped_chunks_are_reused() {
        let pool = ChunkPool::new();
        let first = pool.take(CLASS_MAX).unwrap();
        let kept = pool.take(CLASS_MAX).unwrap();
        let start = first.start_address();
        drop(first);
        let again = pool.take(CLASS_MAX).unwrap();
        assert_eq!((again.start_address(), pool.lock()[CLASS_MAX].slabs.len()), (start, 1));
        drop(kept);
    }

    /// Protects: memory goes back to the system once enough idle slabs are kept, and the pool still works.
    #[test]
    fn idle_slabs_are_capped() {
        let pool = ChunkPool::new();
        let idle_max = pool.lock()[CLASS_MAX].idle_max;
        let arenas: Vec<_> = (0..2 * (idle_max + 8)).map(|_| pool.take(CLASS_MAX).unwrap()).collect();
        drop(arenas);
        let kept = pool.lock()[CLASS_MAX].slabs.iter().flatten().count();
        assert_eq!(kept, idle_max);
        drop(pool.take(CLASS_MAX).unwrap());
        assert_eq!(pool.lock()[CLASS_MAX].idle_count, idle_max);
    }

    /// Protects: what is held is counted to the byte, own mappings too, and the hard mark refuses.
    #[test]
    fn the_ceiling_counts_and_refuses() {
        let ceiling = Ceiling { soft_bytes: 1 << 20, hard_bytes: 2 << 20, policy: AtMemoryLimit::Trim };
        let pool = ChunkPool::with_ceiling(ceiling);
        let held = (pool.take(0).unwrap(), pool.take_own(300_000).unwrap());
        assert_eq!(pool.held_bytes(), 4096 + 300_000);
        assert!(pool.has_room(1 << 20) && !pool.has_room(3 << 19));
        let large = pool.take(CLASS_MAX).unwrap();
        assert!(pool.take(CLASS_MAX).is_err());
        drop((held, large));
        assert_eq!(pool.held_bytes(), 0);
    }
}
