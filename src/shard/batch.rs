//! One put request in its parsed form: the records, how they fall to shards, and the countdown of its reply.
//!
//! A batch owns every byte of its request, so nothing of it borrows from the connection: a client that goes
//! away cancels nothing that is queued. Each shard concerned gets one [`AppendCommand`], which shares the batch
//! and completes its share of the countdown exactly once: with what was stored when it runs, or as failed when
//! it is dropped without having run.
//!
//! # Memory ordering
//! A share's outcome is written with Relaxed stores by whoever completes it, followed by a decrement of
//! `pending` with AcqRel. The waiter reads outcomes only after it has seen zero with Acquire, so it sees them
//! all: the decrements form one release sequence.

mod again;

use std::future::poll_fn;
use std::iter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Poll;
use std::thread::LocalKey;

use atomic_waker::AtomicWaker;
use smallvec::SmallVec;

use crate::log::{self, RecordBuffer, TooLarge};
use crate::names::{HashKey, PartitionKey, md5_lanes};
use crate::pool::{Pool, Pooled, Reused};

use super::Shard;

/// The records of one request, in request order, as they are collected before any shard is touched.
#[derive(Default, Debug, Clone)]
pub struct Records {
    buffer: RecordBuffer,
    /// By ascending record number; most requests have none.
    explicit_hash_keys: Vec<(usize, HashKey)>,
}

impl Records {
    /// An empty collection, with whatever room an earlier one has left.
    #[must_use]
    pub fn take() -> Self {
        Self { buffer: RecordBuffer::take(), ..Self::default() }
    }

    /// Room for the data of the next record, as [`RecordBuffer::room`].
    #[inline]
    pub fn room(&mut self, bytes: usize) -> &mut [u8] {
        self.buffer.room(bytes)
    }

    /// Makes a record of the first `data_bytes` bytes of the [room](Self::room) and a key.
    ///
    /// # Errors
    /// [`TooLarge`] past 4 GiB of records; nothing is added then.
    pub fn finish(
        &mut self,
        data_bytes: usize,
        key: PartitionKey<'_>,
        explicit_hash_key: Option<HashKey>,
    ) -> Result<(), TooLarge> {
        self.buffer.finish(data_bytes, key.as_bytes())?;
        self.note(explicit_hash_key);
        Ok(())
    }

    /// Room for up to so many records more, as [`RecordBuffer::run`].
    pub fn run(&mut self, bytes: usize, records_max: usize) -> Run<'_> {
        Run { run: self.buffer.run(bytes, records_max), explicit_hash_keys: &mut self.explicit_hash_keys }
    }

    fn note(&mut self, explicit_hash_key: Option<HashKey>) {
        if let Some(hash_key) = explicit_hash_key {
            self.explicit_hash_keys.push((self.len() - 1, hash_key));
        }
    }

    /// Adds a record whose data is at hand.
    ///
    /// # Errors
    /// [`TooLarge`] past 4 GiB of records; nothing is added then.
    pub fn push(
        &mut self,
        key: &str,
        explicit_hash_key: Option<HashKey>,
        data: &[u8],
    ) -> Result<(), TooLarge> {
        self.room(data.len())[..data.len()].copy_from_slice(data);
        self.finish(data.len(), PartitionKey::of(key), explicit_hash_key)
    }

    /// Records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Bytes of all keys and data together.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        self.buffer.total_bytes()
    }

    /// Bytes of key and data of one record.
    #[must_use]
    pub fn record_bytes(&self, number: usize) -> usize {
        self.buffer.payload_bytes(number)
    }

    /// Key of one record, UTF-8.
    #[must_use]
    pub fn key(&self, number: usize) -> &[u8] {
        self.buffer.key(number)
    }

    /// Data of one record.
    #[must_use]
    pub fn data(&self, number: usize) -> &[u8] {
        self.buffer.data(number)
    }

    /// Where the record falls: its explicit hash key, or else the MD5 of its partition key.
    #[must_use]
    pub fn hash_key(&self, number: usize) -> HashKey {
        self.explicit_hash_key(number).unwrap_or_else(|| HashKey::of_partition_key(self.key(number)))
    }

    /// Gives every record a hash key of the caller's choice, instead of those that its own keys say.
    pub fn scatter(&mut self, mut hash_key: impl FnMut() -> HashKey) {
        self.explicit_hash_keys = (0..self.len()).map(|number| (number, hash_key())).collect();
    }

    /// The hash key that the record was given, if it was given one.
    #[must_use]
    pub fn explicit_hash_key(&self, number: usize) -> Option<HashKey> {
        let of_record = |(explicit, _): &(usize, HashKey)| explicit.cmp(&number);
        let place = self.explicit_hash_keys.binary_search_by(of_record).ok()?;
        self.explicit_hash_keys.get(place).map(|(_, hash_key)| *hash_key)
    }

    /// The upper half of where each record falls, in request order: that of [`hash_key`](Self::hash_key), for all at
    /// once.
    #[must_use]
    pub fn upper_halves(&self) -> SmallVec<[u64; 512]> {
        let mut halves: SmallVec<[u64; 512]> = SmallVec::from_elem(0, self.len());
        if self.explicit_hash_keys.len() < self.len() {
            let text = self.buffer.bytes();
            let keys = self.buffer.keys().map(|(start, bytes)| md5_lanes::Key { text, start, bytes });
            md5_lanes::upper_halves(keys, &mut halves);
        }
        for (number, hash_key) in &self.explicit_hash_keys {
            halves[*number] = hash_key.upper_half();
        }
        halves
    }
}

/// Records that are added one after the other, as a [`log::Run`]. It must be ended: hash keys are noted at once.
#[must_use = "without its end its records are not counted"]
pub struct Run<'r> {
    run: log::Run<'r>,
    explicit_hash_keys: &'r mut Vec<(usize, HashKey)>,
}

impl Run<'_> {
    /// Room for the next record, as [`log::Run::room`].
    #[inline(always)]
    pub fn room(&mut self, bytes: usize) -> Option<&mut [u8]> {
        self.run.room(bytes)
    }

    /// Makes a record, as [`log::Run::finish`].
    ///
    /// # Errors
    /// [`TooLarge`], also where the room is less; nothing is added then.
    #[inline(always)]
    pub fn finish(
        &mut self,
        data_bytes: usize,
        key_bytes: usize,
        explicit_hash_key: Option<HashKey>,
    ) -> Result<(), TooLarge> {
        self.run.finish(data_bytes, key_bytes)?;
        if let Some(hash_key) = explicit_hash_key {
            self.explicit_hash_keys.push((self.run.records_count() - 1, hash_key));
        }
        Ok(())
    }

    /// Adds the records to the collection.
    #[inline(always)]
    pub fn end(self) {
        self.run.end();
    }
}

/// How far ahead of the command that runs the memory is asked for that later ones will write to.
#[cfg(not(shardmill_loom))]
const WRITES_AHEAD: usize = 4;

/// A request that has been routed: ready to be handed to its shards, and then to be waited for.
pub struct Batch {
    records: Records,
    grouping: Grouping,
    shares: Pooled<Vec<Share>>,
    /// When it was routed, which its records' arrival is, epoch milliseconds.
    routed_ms: u64,
    pending: AtomicU32,
    /// Whether any share was.
    given_back: AtomicBool,
    waiter: AtomicWaker,
}

/// Which record goes where.
struct Grouping {
    /// The share of each record, in request order; after those, record numbers grouped by share, in request order
    /// within each. Used again by later requests; nothing for a single record.
    numbers: Pooled<Vec<u16>>,
    records: usize,
}

impl Grouping {
    /// Of a single record.
    fn of_one() -> Self {
        Self { numbers: Pooled::default(), records: 1 }
    }

    /// Sorts by counting; gives where each share's numbers are, too.
    fn new(share_of_each_record: &[u16], shares: usize) -> (Self, SmallVec<[Range<usize>; 16]>) {
        let records = share_of_each_record.len();
        let mut counts: SmallVec<[usize; 16]> = SmallVec::from_elem(0, shares);
        let counts = counts.as_mut_slice();
        for share in share_of_each_record {
            counts[usize::from(*share)] += 1;
        }
        let mut start = 0;
        let range = |count: &usize| {
            let range = start..start + count;
            start = range.end;
            range
        };
        let ranges: SmallVec<[Range<usize>; 16]> = counts.iter().map(range).collect();
        let next = counts;
        for (next, range) in next.iter_mut().zip(&ranges) {
            *next = range.start;
        }
        let mut numbers = Pooled::<Vec<u16>>::take();
        numbers.resize(2 * records, 0);
        let (of_each, order) = numbers.split_at_mut(records);
        of_each.copy_from_slice(share_of_each_record);
        for (number, share) in (0_u16..).zip(share_of_each_record) {
            let place = &mut next[usize::from(*share)];
            order[*place] = number;
            *place += 1;
        }
        (Self { numbers, records }, ranges)
    }

    /// The share of each record, in request order.
    fn shares(&self) -> &[u16] {
        if self.records == 1 { &[0] } else { &self.numbers[..self.records] }
    }

    /// Record numbers, grouped by share.
    fn order(&self) -> &[u16] {
        if self.records == 1 { &[0] } else { &self.numbers[self.records..] }
    }
}

thread_local! {
    static NUMBERS: Pool<Vec<u16>> = const { Pool::new() };
}

impl Reused for Vec<u16> {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &NUMBERS
    }

    fn kept_bytes(&self) -> usize {
        self.capacity() * size_of::<u16>()
    }

    fn renew(&mut self) {
        self.clear();
    }
}

/// The part of a batch that goes to one shard.
pub struct Share {
    shard: Arc<Shard>,
    order: Range<usize>,
    bytes: usize,
    first_counter: AtomicU64,
    arrival_ms: AtomicU64,
    stored_count: AtomicU32,
    /// Why the rest was not stored: [`Stored::reasons`].
    reasons: AtomicU8,
}

thread_local! {
    static SHARES: Pool<Vec<Share>> = const { Pool::new() };
}

impl Reused for Vec<Share> {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &SHARES
    }

    fn kept_bytes(&self) -> usize {
        self.capacity() * size_of::<Share>()
    }

    fn renew(&mut self) {
        self.clear();
    }
}

/// What became of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Counter of the first record stored; the following ones count on.
    pub first_counter: u64,
    /// Arrival of all of them, epoch milliseconds.
    pub arrival_ms: u64,
    /// How many were stored, from the share's first; the rest failed.
    pub count: u32,
    /// Whether the rest failed because the memory limit was met and its policy is to throttle.
    pub throttled: bool,
    /// Whether nothing was stored because the shard takes no more records: they belong elsewhere now.
    pub given_back: bool,
}

impl Stored {
    /// Nothing: the command was dropped.
    const NOTHING: Self =
        Self { first_counter: 0, arrival_ms: 0, count: 0, throttled: false, given_back: false };

    /// Nothing: the shard is sealed.
    pub(super) const GIVEN_BACK: Self = Self { given_back: true, ..Self::NOTHING };

    const THROTTLED_BIT: u8 = 1;
    const GIVEN_BACK_BIT: u8 = 2;

    /// Why the rest was not stored, in one byte.
    fn reasons(self) -> u8 {
        (u8::from(self.throttled) * Self::THROTTLED_BIT) | (u8::from(self.given_back) * Self::GIVEN_BACK_BIT)
    }
}

impl Batch {
    /// Makes one share per shard; `share_of_each_record` says which of `shards` a record goes to.
    ///
    /// Every shard in `shards` has at least one record.
    #[must_use]
    pub fn new(
        records: Records,
        shards: SmallVec<[Arc<Shard>; 16]>,
        share_of_each_record: &[u16],
    ) -> Arc<Self> {
        Arc::new(Self::sorted(records, shards, share_of_each_record))
    }

    /// The batch of a single record, which goes to this shard.
    #[must_use]
    pub fn of_one(records: Records, shard: Arc<Shard>) -> Arc<Self> {
        debug_assert_eq!(records.len(), 1);
        let bytes = records.total_bytes();
        Arc::new(Self::grouped(records, Grouping::of_one(), iter::once(Share::new(shard, 0..1, bytes))))
    }

    #[inline(always)]
    fn sorted(records: Records, shards: SmallVec<[Arc<Shard>; 16]>, share_of_each_record: &[u16]) -> Self {
        debug_assert_eq!(records.len(), share_of_each_record.len());
        let (grouping, ranges) = Grouping::new(share_of_each_record, shards.len());
        // Only a budget counts a share's bytes, so the average is near enough.
        let record_bytes = records.total_bytes() / records.len().max(1);
        let of_shards = shards.into_iter().zip(ranges).map(|(shard, range)| {
            let bytes = range.len() * record_bytes;
            Share::new(shard, range, bytes)
        });
        Self::grouped(records, grouping, of_shards)
    }

    #[inline(always)]
    fn grouped(records: Records, grouping: Grouping, of_shards: impl Iterator<Item = Share>) -> Self {
        let mut shares = Pooled::<Vec<Share>>::take();
        shares.extend(of_shards);
        let pending = AtomicU32::new(u32::try_from(shares.len()).unwrap_or(u32::MAX));
        let routed_ms = shares.first().map_or(0, |share| share.shard.context.clock.now_ms());
        let given_back = AtomicBool::new(false);
        Self { records, grouping, shares, routed_ms, pending, given_back, waiter: AtomicWaker::new() }
    }

    /// One command per share, to be given to its shard before the next is made.
    pub fn commands(self: &Arc<Self>) -> impl Iterator<Item = (&Arc<Shard>, AppendCommand)> {
        let shares = &self.shares;
        shares.iter().enumerate().map(move |(number, share)| {
            #[cfg(not(shardmill_loom))]
            if let Some(later) = shares.get(number + WRITES_AHEAD) {
                later.shard.fetch_next_write(later.bytes);
            }
            (&share.shard, AppendCommand { batch: Arc::clone(self), share: number, stored: None })
        })
    }

    /// Waits until every share is stored or has failed. Ready at once when all ran inline.
    pub async fn settled(&self) {
        poll_fn(|context| {
            if self.pending.load(Ordering::Acquire) == 0 {
                return Poll::Ready(());
            }
            self.waiter.register(context.waker());
            // Looked at again after registering: a completion in between saw no waker.
            if self.pending.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Where record `number` went: its shard and, if it was stored, its counter and arrival.
    #[cfg(test)]
    pub(crate) fn outcome(&self, number: usize) -> Option<(&Shard, Option<(u64, u64)>)> {
        let of_record = self.share_of_each_record();
        let share = of_record.get(number)?;
        let rank = of_record[..number].iter().filter(|other| *other == share).count() as u64;
        let share = &self.shares[usize::from(*share)];
        let stored = share.stored();
        let kept = rank < u64::from(stored.count);
        Some((&share.shard, kept.then(|| (stored.first_counter + rank, stored.arrival_ms))))
    }

    /// The share of each record, in request order; a share's records are stored in this order.
    #[must_use]
    pub fn share_of_each_record(&self) -> &[u16] {
        self.grouping.shares()
    }

    /// What became of each share. Meaningful once the batch has [settled](Self::settled).
    pub fn shares(&self) -> impl ExactSizeIterator<Item = (&Shard, Stored)> {
        self.shares.iter().map(|share| (&*share.shard, share.stored()))
    }

    /// The number of each record of a share in the request, in order, the shares as in [`Self::shares`].
    pub fn numbers_of_shares(&self) -> impl Iterator<Item = &[u16]> {
        self.shares.iter().map(|share| &self.grouping.order()[share.order.clone()])
    }

    /// The records, in request order.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.records
    }

    /// Records that were not stored.
    #[must_use]
    pub fn failed_count(&self) -> usize {
        self.shares.iter().map(|share| share.order.len() - share.stored().count as usize).sum()
    }

    fn complete(&self, share: usize, stored: Stored) {
        // Relaxed throughout: ordered by the decrement below.
        self.shares[share].note(stored);
        if stored.given_back {
            self.given_back.store(true, Ordering::Relaxed);
        }
        // Release: publishes this outcome. Acquire: the last one passes the others' on.
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiter.wake();
        }
    }
}

impl Share {
    const fn new(shard: Arc<Shard>, order: Range<usize>, bytes: usize) -> Self {
        Self {
            shard,
            order,
            bytes,
            first_counter: AtomicU64::new(0),
            arrival_ms: AtomicU64::new(0),
            stored_count: AtomicU32::new(0),
            reasons: AtomicU8::new(0),
        }
    }

    fn note(&self, stored: Stored) {
        self.first_counter.store(stored.first_counter, Ordering::Relaxed);
        self.arrival_ms.store(stored.arrival_ms, Ordering::Relaxed);
        self.stored_count.store(stored.count, Ordering::Relaxed);
        self.reasons.store(stored.reasons(), Ordering::Relaxed);
    }

    fn stored(&self) -> Stored {
        // Relaxed: read after `pending` was seen at zero with Acquire.
        let reasons = self.reasons.load(Ordering::Relaxed);
        Stored {
            first_counter: self.first_counter.load(Ordering::Relaxed),
            arrival_ms: self.arrival_ms.load(Ordering::Relaxed),
            count: self.stored_count.load(Ordering::Relaxed),
            throttled: reasons & Stored::THROTTLED_BIT != 0,
            given_back: reasons & Stored::GIVEN_BACK_BIT != 0,
        }
    }
}

/// Tells one shard to append its share of a batch.
pub struct AppendCommand {
    batch: Arc<Batch>,
    share: usize,
    stored: Option<Stored>,
}

impl AppendCommand {
    /// The records of the whole request, of which [`numbers`](Self::numbers) says which these are.
    pub(super) fn records(&self) -> &RecordBuffer {
        &self.batch.records.buffer
    }

    /// The number of each record in the request, in order.
    pub(crate) fn numbers(&self) -> &[u16] {
        &self.batch.grouping.order()[self.batch.shares[self.share].order.clone()]
    }

    /// When the request was routed, epoch milliseconds.
    pub(super) fn routed_ms(&self) -> u64 {
        self.batch.routed_ms
    }

    /// About how many bytes of keys and data.
    pub(super) fn bytes(&self) -> usize {
        self.batch.shares[self.share].bytes
    }

    /// Notes what was stored; the reply's countdown learns of it when the command is dropped.
    pub(super) fn settle(&mut self, stored: Stored) {
        self.stored = Some(stored);
    }
}

impl Drop for AppendCommand {
    /// The one place where a share is completed: run or not, a command cannot be lost without its reply.
    fn drop(&mut self) {
        self.batch.complete(self.share, self.stored.unwrap_or(Stored::NOTHING));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: explicit hash keys keep their places among those that are computed together.
    #[test]
    fn hash_keys_at_once_are_those_one_by_one() {
        let mut records = Records::take();
        for number in 0..100_u8 {
            let explicit = (number % 3 == 1).then_some(HashKey(u128::from(number)));
            records.push(&"k".repeat(usize::from(number)), explicit, &[number]).unwrap();
        }
        let one_by_one: Vec<_> =
            (0..records.len()).map(|number| records.hash_key(number).upper_half()).collect();
        assert_eq!(records.upper_halves().as_slice(), one_by_one);
    }
}
