//! The iterator table of a shard: an observer's note of who reads it, where, and when last.
//!
//! A reader is a chain of shard iterators, each returned by the GetRecords of the one before, named by a random
//! number that the chain carries. The table is bounded and lock-free; a new reader takes the least recent place
//! among the few it may use, and that is counted. It *observes*: two readers that take one place at the same
//! moment may leave a mixed note, and nothing but reports depends on it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Readers that are remembered per shard.
const READERS_MAX: usize = 32;

/// Places that one reader may take: looked through on each read, so few.
const PLACES_PER_READER: usize = 8;

/// Who reads a shard, as far as there is room to remember.
pub struct IteratorTable {
    places: [ReaderPlace; READERS_MAX],
    evictions: AtomicU64,
}

/// What is known of one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The iterator chain.
    pub chain: u64,
    /// Position it will read next.
    pub position: u64,
    /// When it read last, epoch milliseconds.
    pub seen_ms: u64,
}

#[derive(Default)]
struct ReaderPlace {
    /// 0 is nobody.
    chain: AtomicU64,
    position: AtomicU64,
    seen_ms: AtomicU64,
}

impl Default for IteratorTable {
    fn default() -> Self {
        Self { places: std::array::from_fn(|_| ReaderPlace::default()), evictions: AtomicU64::new(0) }
    }
}

impl IteratorTable {
    /// Notes that `chain` has read up to `position`. Relaxed throughout: each field stands for itself.
    pub fn note(&self, reader: Reader) {
        let place = self.place_of(reader.chain, reader.seen_ms);
        place.position.store(reader.position, Ordering::Relaxed);
        place.seen_ms.store(reader.seen_ms, Ordering::Relaxed);
    }

    /// The readers seen since `since_ms`, in no order.
    pub fn seen_since(&self, since_ms: u64) -> impl Iterator<Item = Reader> {
        self.places.iter().filter_map(move |place| {
            let reader = Reader {
                chain: place.chain.load(Ordering::Relaxed),
                position: place.position.load(Ordering::Relaxed),
                seen_ms: place.seen_ms.load(Ordering::Relaxed),
            };
            (reader.chain != 0 && reader.seen_ms >= since_ms).then_some(reader)
        })
    }

    /// Readers that lost their place to another.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    fn place_of(&self, chain: u64, now_ms: u64) -> &ReaderPlace {
        // Chains are random but for their lowest bit, which keeps them from being 0.
        #[allow(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
        let first = (chain >> 1) as usize % (READERS_MAX / PLACES_PER_READER) * PLACES_PER_READER;
        let places = &self.places[first..first + PLACES_PER_READER];
        let mut oldest = &places[0];
        let mut oldest_ms = u64::MAX;
        for place in places {
            let holder = place.chain.load(Ordering::Relaxed);
            if holder == chain {
                return place;
            }
            let seen_ms = if holder == 0 { 0 } else { place.seen_ms.load(Ordering::Relaxed).max(1) };
            if seen_ms < oldest_ms {
                (oldest, oldest_ms) = (place, seen_ms);
            }
        }
        if oldest.chain.swap(chain, Ordering::Relaxed) != 0 {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
        oldest.seen_ms.store(now_ms, Ordering::Relaxed);
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(chain: u64, seen_ms: u64) -> Reader {
        Reader { chain, position: chain * 10, seen_ms }
    }

    /// Protects: a chain keeps its place and its latest position.
    #[test]
    fn a_chain_is_one_reader() {
        let table = IteratorTable::default();
        table.note(reader(5, 100));
        table.note(Reader { chain: 5, position: 99, seen_ms: 200 });
        assert_eq!(
            table.seen_since(0).collect::<Vec<_>>(),
            [Reader { chain: 5, position: 99, seen_ms: 200 }]
        );
        assert_eq!(table.seen_since(201).count(), 0);
    }

    /// Protects: capacity is bounded, the least recent goes first, and evictions are counted.
    #[test]
    fn the_least_recent_is_evicted() {
        let table = IteratorTable::default();
        let same_places = |number: u64| 1 + 2 * number * (READERS_MAX / PLACES_PER_READER) as u64;
        for number in 0..=PLACES_PER_READER as u64 {
            table.note(reader(same_places(number), 100 + number));
        }
        assert_eq!((table.seen_since(0).count(), table.evictions()), (PLACES_PER_READER, 1));
        assert!(table.seen_since(0).all(|seen| seen.chain != same_places(0)));
    }

    /// Protects: the names that GetShardIterator draws, all odd, reach every place.
    #[test]
    fn odd_names_reach_every_place() {
        let table = IteratorTable::default();
        for number in 0..1_000 {
            table.note(reader(number * 2 + 1, 100));
        }
        assert_eq!(table.seen_since(0).count(), READERS_MAX);
    }
}
