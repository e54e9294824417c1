//! Where segment memory comes from: chunks carved from 2 MiB slabs, recycled when a segment is dropped.
//!
//! A fresh page costs more than the record written to it (768 ns against 39 to 111 ns for 1 KiB), so memory
//! that a trimmed segment leaves goes to the next one. Slabs are advised to be huge pages, best effort.
//! Chunks come in three sizes; each slab holds one size. A record too large for a chunk gets a mapping of
//! its own. Chunks are taken once per segment and given back once, so a mutex is enough here: no reader
//! passes through it except to return the last reference to a segment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::{Advice, MmapMut, MmapRaw};

/// The three sizes a segment grows through, in bytes.
pub(crate) const CHUNK_BYTES: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];

/// A slab: the unit that is mapped, advised as a huge page, and unmapped.
const SLAB_BYTES: usize = 2 << 20;

/// Wholly free slabs that are kept for the next segment before any is given back to the system.
const IDLE_SLABS_MAX: usize = 32;

/// Where to find an empty class: the index into [`CHUNK_BYTES`].
pub(crate) type Class = usize;

/// The largest class.
pub(crate) const CLASS_MAX: Class = CHUNK_BYTES.len() - 1;

/// Hands out chunks and takes them back. One for a server; shared by all shards.
pub struct ChunkPool {
    classes: Mutex<[Slabs; CHUNK_BYTES.len()]>,
}

impl ChunkPool {
    /// An empty pool: maps nothing until the first record.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { classes: Mutex::new([Slabs::of(0), Slabs::of(1), Slabs::of(2)]) })
    }

    /// Memory for one segment of a class.
    ///
    /// # Errors
    /// The system's refusal to map another slab.
    pub(crate) fn take(self: &Arc<Self>, class: Class) -> std::io::Result<Arena> {
        let (slab, slab_index, chunk) = self.lock()[class].take()?;
        let place = Place { pool: Arc::clone(self), class, slab_index, chunk };
        Ok(Arena {
            slab,
            offset: chunk * CHUNK_BYTES[class],
            capacity: CHUNK_BYTES[class],
            place: Some(place),
        })
    }

    /// Memory of its own for one large record.
    ///
    /// # Errors
    /// The system's refusal to map it.
    pub(crate) fn take_own(bytes: usize) -> std::io::Result<Arena> {
        let slab = Slab { map: MmapMut::map_anon(bytes.max(1))?.into(), aligned_at: 0 };
        Ok(Arena { slab: Arc::new(slab), offset: 0, capacity: bytes, place: None })
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
}

struct SlabState {
    slab: Arc<Slab>,
    free: Vec<usize>,
}

impl Slabs {
    const fn of(class: Class) -> Self {
        Self { class, slabs: Vec::new(), open: Vec::new(), idle_count: 0 }
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
            if self.idle_count >= IDLE_SLABS_MAX {
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
pub(crate) struct Arena {
    slab: Arc<Slab>,
    offset: usize,
    capacity: usize,
    place: Option<Place>,
}

/// What a read gives.
pub(crate) type ArenaSlice<'a> = &'a [u8];

struct Place {
    pool: Arc<ChunkPool>,
    class: Class,
    slab_index: usize,
    chunk: usize,
}

impl Arena {
    /// Size in bytes.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Copies `bytes` to offset `at`.
    ///
    /// # Safety
    /// No other thread may read or write the range `at..at + bytes.len()` until a later publication orders
    /// this write before it. Out-of-range offsets panic before anything is written.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at <= self.capacity && bytes.len() <= self.capacity - at, "write past the end of a segment");
        // SAFETY: the assertion keeps the range inside this arena's exclusive piece of the mapping; the
        // pointer is the raw map's own, which lives as long as `slab`. Exclusivity of the range is the
        // caller's contract. Safe code cannot do it: readers hold `&Arena` at the same time.
        unsafe {
            let start = self.slab.map.as_mut_ptr().add(self.slab.aligned_at + self.offset + at);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        }
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
        unsafe {
            let start = self.slab.map.as_ptr().add(self.slab.aligned_at + self.offset + at);
            std::slice::from_raw_parts(start, bytes)
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            place.pool.lock()[place.class].give_back(place.slab_index, place.chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let first = pool.take(2).unwrap();
        let kept = pool.take(2).unwrap();
        let offset = first.offset;
        drop(first);
        let again = pool.take(2).unwrap();
        assert_eq!((again.offset, pool.lock()[2].slabs.len()), (offset, 1));
        drop(kept);
    }

    /// Protects: memory goes back to the system once enough idle slabs are kept, and the pool still works.
    #[test]
    fn idle_slabs_are_capped() {
        let pool = ChunkPool::new();
        let arenas: Vec<_> = (0..2 * (IDLE_SLABS_MAX + 8)).map(|_| pool.take(2).unwrap()).collect();
        drop(arenas);
        let kept = pool.lock()[2].slabs.iter().flatten().count();
        assert_eq!(kept, IDLE_SLABS_MAX);
        drop(pool.take(2).unwrap());
        assert_eq!(pool.lock()[2].idle_count, IDLE_SLABS_MAX);
    }
}
