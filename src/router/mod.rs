//! From records to shards: a hash key's owner, and a request split into one share per shard.
//!
//! A [`ShardMap`] is immutable; control swaps a whole one in ([`ShardMaps`]) when shards change. Finding an owner is a
//! look-up by the key's top bits, then a search among the shards that begin in that bucket, of which there are rarely
//! more than two: the same few nanoseconds at any number of shards. A key that no shard owns is a bug of ours and is said
//! to be one; it never falls to some default shard.

mod closed;
mod maps;
mod parents;

use std::cell::RefCell;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::names::{HashKey, ShardId};
use crate::shard::batch::{Batch, Destination, Records};
use crate::shard::{Command, Shard};

pub use closed::{ClosedShard, Listed};
pub use maps::ShardMaps;
pub use parents::Parents;

/// More buckets than this only take memory: with two per shard a look-up already ends in a step or two.
const BUCKET_BITS_MAX: u32 = 17;

/// Ranges looked at one after the other before the whole map is searched.
const LOOKED_AT_MAX: usize = 4;

/// The shards of a stream and who owns which hash keys.
pub struct ShardMap {
    /// All shards that hold what can still be read, by index.
    shards: Vec<Arc<Shard>>,
    /// What each of them was made of.
    parents: Vec<Parents>,
    /// What became of those that are closed, by index.
    closed: Vec<ClosedShard>,
    /// Open shards, by the start of their range. Shared with the requests that are routed by this map: those count one
    /// reference, not one for each shard that they touch.
    open: Arc<[Arc<Shard>]>,
    /// The upper half of each one's last key, side by side: most look-ups touch nothing else. None if the open shards
    /// do not own all keys: then each look-up checks.
    ends: Vec<u64>,
    /// For each value of a key's top bits: which shards may own it.
    buckets: Vec<Bucket>,
    bucket_shift: u32,
}

/// The open shards that own keys with the same top bits.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// The first of them.
    first: u32,
    /// Keys whose upper 32 bits are below this are its own: mostly all that are in the bucket, or half of them. None in
    /// a map with a hole.
    end: u32,
}

/// A hash key that no open shard owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no shard owns hash key {0}: the shard map has a hole, which is a bug in shardmill")]
pub struct Unowned(pub HashKey);

impl ShardMap {
    /// The map of these shards, given by ascending index, all open.
    #[must_use]
    pub fn new(shards: Vec<Arc<Shard>>) -> Self {
        let parents = vec![Parents::NONE; shards.len()];
        Self::with_closed(shards, parents, Vec::new())
    }

    /// The map of these shards, each with its parents, of which those are closed; all by ascending index.
    #[must_use]
    pub fn with_closed(shards: Vec<Arc<Shard>>, parents: Vec<Parents>, closed: Vec<ClosedShard>) -> Self {
        debug_assert_eq!(shards.len(), parents.len());
        let is_open = |shard: &&Arc<Shard>| closed::position(&closed, shard.id).is_none();
        let mut open: Vec<_> = shards.iter().filter(is_open).cloned().collect();
        open.sort_unstable_by_key(|shard| shard.range.start);
        let bucket_bits = (2 * open.len()).next_power_of_two().trailing_zeros().clamp(1, BUCKET_BITS_MAX);
        let bucket_shift = u64::BITS - bucket_bits;
        let is_whole = open.first().is_some_and(|first| first.range.start == HashKey::MIN)
            && open.last().is_some_and(|last| last.range.end == HashKey::MAX)
            && open.windows(2).all(|pair| pair[0].range.end.0.checked_add(1) == Some(pair[1].range.start.0));
        let mut first = 0;
        let buckets = (0..1_u64 << bucket_bits)
            .map(|bucket| {
                let start = bucket << bucket_shift;
                while open.get(first as usize).is_some_and(|shard| shard.range.end.upper_half() < start) {
                    first += 1;
                }
                let end = open.get(first as usize).filter(|_| is_whole);
                let end = end.map_or(0, |shard| (shard.range.end.upper_half() >> 32) as u32);
                Bucket { first, end }
            })
            .collect();
        let ends = open.iter().filter(|_| is_whole).map(|shard| shard.range.end.upper_half()).collect();
        Self { shards, parents, closed, open: open.into(), ends, buckets, bucket_shift }
    }

    /// Whether the open shards divide all hash keys among them.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.ends.is_empty()
    }

    /// All shards, by ascending index: open ones, and closed ones until what they hold has expired.
    #[must_use]
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// Shards that take writes.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Shards that take writes, by the start of their range.
    #[must_use]
    pub fn open(&self) -> &[Arc<Shard>] {
        &self.open
    }

    /// One shard.
    #[must_use]
    pub fn shard(&self, id: ShardId) -> Option<&Arc<Shard>> {
        self.shards.get(self.place(id)?)
    }

    /// Where a shard stands among all.
    fn place(&self, id: ShardId) -> Option<usize> {
        // As long as none has expired, a shard's place is its index.
        let guess = id.index() as usize;
        if self.shards.get(guess).is_some_and(|shard| shard.id == id) {
            return Some(guess);
        }
        self.shards.binary_search_by_key(&id, |shard| shard.id).ok()
    }

    /// The open shard that owns a key.
    ///
    /// # Errors
    /// [`Unowned`] if the map has a hole.
    pub fn owner(&self, key: HashKey) -> Result<&Arc<Shard>, Unowned> {
        self.owner_index(key).map(|index| &self.open[index])
    }

    /// Groups the records of a request by shard.
    ///
    /// # Errors
    /// [`Unowned`] if the map has a hole; nothing was handed to any shard then.
    pub fn route(&self, records: Records) -> Result<Arc<Batch>, Unowned> {
        if records.len() == 1 {
            let index = self.owner_index(records.hash_key(0))?;
            let destination = Destination { shard: place(index), records_count: 1 };
            return Ok(Batch::new(records, &self.open, &[destination], &[0]));
        }
        let upper_halves = records.upper_halves();
        let mut targets: SmallVec<[u16; 512]> = SmallVec::from_elem(0, records.len());
        let mut touched: SmallVec<[Destination; 64]> = SmallVec::new();
        SHARE_OF_SHARD.with_borrow_mut(|share_of| {
            if share_of.len() < self.open.len() {
                share_of.resize(self.open.len(), Counted::NOTHING);
            }
            let mut routed = Ok(());
            let share_of = share_of.as_mut_slice();
            for (number, (upper_half, target)) in upper_halves.iter().zip(&mut targets).enumerate() {
                let index = match self.owner_by_half(*upper_half) {
                    Some(index) => index,
                    None => match self.search(records.hash_key(number)) {
                        Ok(index) => index,
                        Err(unowned) => {
                            routed = Err(unowned);
                            break;
                        }
                    },
                };
                let counted = &mut share_of[index];
                if counted.records_count == 0 {
                    // A request has at most 500 records, hence shares.
                    counted.share = u16::try_from(touched.len()).unwrap_or(u16::MAX);
                    touched.push(Destination { shard: place(index), records_count: 0 });
                }
                counted.records_count += 1;
                *target = counted.share;
            }
            for destination in &mut touched {
                let counted = std::mem::replace(&mut share_of[destination.shard as usize], Counted::NOTHING);
                destination.records_count = counted.records_count;
            }
            routed
        })?;
        Ok(Batch::new(records, &self.open, &touched, &targets))
    }

    /// The open shard that owns a key, by its place in `open`.
    fn owner_index(&self, key: HashKey) -> Result<usize, Unowned> {
        self.owner_by_half(key.upper_half()).map_or_else(|| self.search(key), Ok)
    }

    /// The same, as far as the upper half of the key tells.
    #[inline]
    fn owner_by_half(&self, upper_half: u64) -> Option<usize> {
        #[allow(clippy::cast_possible_truncation, reason = "shifted down to at most 17 bits")]
        let bucket = self.buckets[(upper_half >> self.bucket_shift) as usize];
        let first = bucket.first as usize;
        if upper_half >> 32 < u64::from(bucket.end) {
            return Some(first);
        }
        // A map with a hole has no ends to look at.
        for (steps, end) in self.ends.get(first..)?.iter().take(LOOKED_AT_MAX).enumerate() {
            if upper_half <= *end {
                return (upper_half < *end).then_some(first + steps);
            }
        }
        None
    }

    /// Searches the whole map: for a key at a range's edge, a bucket crowded by splits, a map with a hole.
    #[cold]
    fn search(&self, key: HashKey) -> Result<usize, Unowned> {
        let index = self.open.partition_point(|shard| shard.range.end < key);
        match self.open.get(index) {
            Some(shard) if shard.range.contains(key) => Ok(index),
            _ => Err(Unowned(key)),
        }
    }
}

/// Hands every share of a batch to its shard and waits until all are settled.
///
/// All are handed over before anything is waited for, and a share that finds a full mailbox waits in a task of its
/// own: a busy shard holds up no other, and a client that goes away takes nothing back.
pub async fn store(batch: &Arc<Batch>) {
    batch.run(|shard, command| {
        if let Err(command) = shard.submit(Command::Append(command)) {
            tokio::spawn(Arc::clone(shard).submit_waiting(command));
        }
    });
    batch.settled().await;
}

/// An index among the open shards, of which there are at most a million.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The share of a shard, once it has records.
#[derive(Clone, Copy)]
struct Counted {
    share: u16,
    records_count: u16,
}

impl Counted {
    const NOTHING: Self = Self { share: 0, records_count: 0 };
}

thread_local! {
    /// While a request is routed: the share of each open shard. Touched entries are put back, so that routing
    /// costs what the request has records, not what the stream has shards.
    static SHARE_OF_SHARD: RefCell<Vec<Counted>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::log::ChunkPool;
    use crate::names::HashKeyRange;
    use crate::shard::{ShardContext, Tally};

    fn map_of(ranges: impl IntoIterator<Item = HashKeyRange>) -> ShardMap {
        let context =
            ShardContext::new(ChunkPool::new(), Clock::system(), Arc::new(Tally::default()), u64::MAX);
        let shards = (0..)
            .zip(ranges)
            .map(|(index, range)| Shard::new(ShardId::new(index).unwrap(), range, 0, Arc::clone(&context)));
        ShardMap::new(shards.collect())
    }

    fn even(count: u32) -> ShardMap {
        map_of(HashKeyRange::WHOLE.split_evenly(count))
    }

    /// Protects: the recorded placements on three shards (reference 5.3).
    #[test]
    fn recorded_keys_fall_to_their_shards() {
        let map = even(3);
        let index = |key: &str| map.owner(HashKey::of_partition_key(key.as_bytes())).unwrap().id.index();
        assert_eq!(["a", "b", "e", "f"].map(index), [0, 1, 2, 1]);
    }

    /// Protects: a hole is an error by name, never another shard.
    #[test]
    fn a_hole_is_not_shard_0() {
        let mut ranges: Vec<_> = HashKeyRange::WHOLE.split_evenly(4).collect();
        let missing = ranges.remove(2);
        let map = map_of(ranges);
        assert_eq!(map.owner(missing.start).err(), Some(Unowned(missing.start)));
        let mut records = Records::take();
        records.push("k", Some(HashKey::MIN), b"").unwrap();
        records.push("k", Some(missing.end), b"").unwrap();
        assert_eq!(map.route(records).err(), Some(Unowned(missing.end)));
    }

    proptest! {
        /// Protects: the bucket look-up finds what a search through all ranges finds, at any shard count.
        #[test]
        fn owner_is_who_contains(count in 1_u32..3_000, keys in prop::collection::vec(any::<u128>(), 1..50)) {
            let map = even(count);
            for key in keys.into_iter().map(HashKey).chain(map.shards().iter().flat_map(|s| [s.range.start, s.range.end])) {
                let owner = map.owner(key).unwrap();
                prop_assert!(owner.range.contains(key));
            }
        }

        /// Protects: the same for ranges as uneven as splits can make them.
        #[test]
        fn owner_is_who_contains_in_uneven_maps(cuts in prop::collection::btree_set(any::<u128>(), 1..200), shift in 0_u32..120, keys in prop::collection::vec(any::<u128>(), 1..50)) {
            let cuts: std::collections::BTreeSet<_> = cuts.into_iter().map(|cut| cut >> shift).filter(|cut| *cut > 0).collect();
            let starts: Vec<u128> = std::iter::once(0).chain(cuts).collect();
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([u128::MAX]);
            let map = map_of(starts.iter().zip(ends).map(|(start, end)| HashKeyRange { start: HashKey(*start), end: HashKey(end) }));
            for key in keys.iter().flat_map(|key| [*key, key >> shift]).chain(starts.iter().copied()) {
                prop_assert!(map.owner(HashKey(key)).unwrap().range.contains(HashKey(key)));
            }
        }

        /// Protects: routing keeps every record, groups by owner, and keeps request order within a shard.
        #[test]
        fn routing_groups_and_keeps_order(count in 1_u32..40, keys in prop::collection::vec(any::<u128>(), 1..500)) {
            let map = even(count);
            let mut records = Records::take();
            for (number, key) in keys.iter().enumerate() {
                records.push("k", Some(HashKey(*key)), &number.to_le_bytes()).unwrap();
            }
            let batch = map.route(records).unwrap();
            let mut last_rank = std::collections::HashMap::new();
            for (number, key) in keys.iter().enumerate() {
                let (shard, _) = batch.outcome(number).unwrap();
                prop_assert_eq!(shard.id, map.owner(HashKey(*key)).unwrap().id);
            }
            let mut seen = 0;
            for (shard, command) in batch.commands() {
                for &number in command.part().numbers {
                    let before = last_rank.insert(shard.id, number);
                    prop_assert!(before.is_none_or(|before| before < number));
                    seen += 1;
                }
            }
            prop_assert_eq!(seen, keys.len());
        }
    }
}
