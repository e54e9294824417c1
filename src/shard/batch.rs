//! One put request in its parsed form: the records, how they fall to shards, and the countdown of its reply.
//!
//! A batch owns every byte of its request, so nothing of it borrows from the connection: a client that goes
//! away cancels nothing that is queued. Shares whose shards are idle run at once ([`Batch::run`]), one after the other.
//! A shard that is busy gets an [`AppendCommand`], which shares the batch and completes its share of the countdown
//! exactly once: with what was stored when it runs, or as failed when it is dropped without having run.
//!
//! # Memory ordering
//! A share's outcome is written with Relaxed stores by whoever completes it, followed by a decrement of
//! `pending` with AcqRel, one for all that ran at once. The waiter reads outcomes only after it has seen zero with
//! Acquire, so it sees them all: the decrements form one release sequence.

mod again;
mod destination;

use std::future::poll_fn;
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
#[cfg(not(shardmill_loom))]
use super::ahead::Ahead;

pub use destination::Destination;

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

/// A request that has been routed: ready to be handed to its shards, and then to be waited for.
pub struct Batch {
    records: Records,
    grouping: Grouping,
    /// Those that the request might have gone to; each share says which is its own.
    shards: Arc<[Arc<Shard>]>,
    shares: Pooled<Vec<Share>>,
    /// Bytes of key and data of a record on average.
    record_bytes: usize,
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
    /// Puts the numbers of each share's records where the share says they are.
    fn new(share_of_each_record: &[u16], shares: &[Share]) -> Self {
        let records = share_of_each_record.len();
        if records == 1 {
            return Self { numbers: Pooled::default(), records };
        }
        // Where a share's next number goes.
        let mut next: SmallVec<[u16; 16]> = shares.iter().map(|share| share.order.start).collect();
        let next = next.as_mut_slice();
        let mut numbers = Pooled::<Vec<u16>>::take();
        numbers.resize(2 * records, 0);
        let (of_each, order) = numbers.split_at_mut(records);
        of_each.copy_from_slice(share_of_each_record);
        for (number, share) in (0_u16..).zip(share_of_each_record) {
            let place = &mut next[usize::from(*share)];
            order[usize::from(*place)] = number;
            *place += 1;
        }
        Self { numbers, records }
    }

    /// The share of each record, in request order.
    fn shares(&self) -> &[u16] {
        if self.records == 1 { &[0] } else { &self.numbers[..self.records] }
    }

    /// The numbers of a share's records, in order.
    #[inline(always)]
    fn numbers(&self, share: &Share) -> &[u16] {
        let order = if self.records == 1 { &[0] } else { &self.numbers[self.records..] };
        &order[usize::from(share.order.start)..usize::from(share.order.end)]
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

/// The part of a batch that goes to one shard. Small: a request has hundreds of them.
pub struct Share {
    /// Which of the batch's shards.
    shard: u32,
    order: Range<u16>,
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
    pub(super) const NOTHING: Self =
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
    /// Makes one share for each destination, whose places are those in `shards`; `share_of_each_record` says which share
    /// a record belongs to.
    ///
    /// Every share has at least one record.
    #[must_use]
    pub fn new(
        records: Records,
        shards: &Arc<[Arc<Shard>]>,
        destinations: &[Destination],
        share_of_each_record: &[u16],
    ) -> Arc<Self> {
        Arc::new(Self::sorted(records, Arc::clone(shards), destinations, share_of_each_record))
    }

    #[inline(always)]
    fn sorted(
        records: Records,
        shards: Arc<[Arc<Shard>]>,
        destinations: &[Destination],
        share_of_each_record: &[u16],
    ) -> Self {
        debug_assert_eq!(records.len(), share_of_each_record.len());
        let record_bytes = records.total_bytes() / records.len().max(1);
        let mut shares = Pooled::<Vec<Share>>::take();
        let mut start = 0;
        shares.extend(destinations.iter().map(|destination| {
            let order = start..start + destination.records_count;
            start = order.end;
            Share::new(destination.shard, order)
        }));
        debug_assert_eq!(usize::from(start), records.len());
        let grouping = Grouping::new(share_of_each_record, &shares);
        let pending = AtomicU32::new(u32::try_from(shares.len()).unwrap_or(u32::MAX));
        let routed_ms = shards.first().map_or(0, |shard| shard.context.clock.now_ms());
        let given_back = AtomicBool::new(false);
        let waiter = AtomicWaker::new();
        Self { records, grouping, shards, shares, record_bytes, routed_ms, pending, given_back, waiter }
    }

    /// Has the shares run: here and now if their shards are idle, all others as commands that `busy` gives to theirs.
    ///
    /// What was published here is told to watchers once all of it is.
    pub fn run(self: &Arc<Self>, mut busy: impl FnMut(&Arc<Shard>, AppendCommand)) {
        #[cfg(not(shardmill_loom))]
        let ahead = Ahead::of(self);
        let (mut completed, mut given_back) = (0, false);
        for (number, share) in self.shares.iter().enumerate() {
            #[cfg(not(shardmill_loom))]
            ahead.fetch(number);
            let shard = self.shard(share);
            if let Some(stored) = shard.append_if_idle(&self.part(share)) {
                share.note(stored);
                (completed, given_back) = (completed + 1, given_back | stored.given_back);
            } else {
                busy(shard, AppendCommand { batch: Arc::clone(self), share: number, stored: None });
            }
        }
        Shard::notify_watchers_of(self.shares.iter().map(|share| &**self.shard(share)));
        self.complete(completed, given_back);
    }

    /// One command per share, to be given to its shard.
    #[cfg(test)]
    pub(crate) fn commands(self: &Arc<Self>) -> impl Iterator<Item = (&Arc<Shard>, AppendCommand)> {
        let command = |number| AppendCommand { batch: Arc::clone(self), share: number, stored: None };
        self.shares.iter().enumerate().map(move |(number, share)| (self.shard(share), command(number)))
    }

    #[inline(always)]
    fn shard(&self, share: &Share) -> &Arc<Shard> {
        &self.shards[share.shard as usize]
    }

    /// What a share's shard is to append.
    #[inline(always)]
    fn part(&self, share: &Share) -> Part<'_> {
        let numbers = self.grouping.numbers(share);
        Part { records: &self.records.buffer, numbers, routed_ms: self.routed_ms }
    }

    /// About how many bytes of keys and data a share has: only budgets and hints count them, so the average will do.
    fn share_bytes(&self, share: &Share) -> usize {
        share.order.len() * self.record_bytes
    }

    /// The shard of a share, if there are so many, and the bytes that it is to append, as [`Self::share_bytes`].
    #[cfg(not(shardmill_loom))]
    #[inline(always)]
    pub(super) fn shard_and_bytes(&self, share: usize) -> Option<(&Shard, usize)> {
        let share = self.shares.get(share)?;
        Some((self.shard(share), self.share_bytes(share)))
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
        Some((self.shard(share), kept.then(|| (stored.first_counter + rank, stored.arrival_ms))))
    }

    /// The share of each record, in request order; a share's records are stored in this order.
    #[must_use]
    pub fn share_of_each_record(&self) -> &[u16] {
        self.grouping.shares()
    }

    /// What became of each share. Meaningful once the batch has [settled](Self::settled).
    pub fn shares(&self) -> impl ExactSizeIterator<Item = (&Shard, Stored)> {
        self.shares.iter().map(|share| (&**self.shard(share), share.stored()))
    }

    /// The number of each record of a share in the request, in order, the shares as in [`Self::shares`].
    pub fn numbers_of_shares(&self) -> impl Iterator<Item = &[u16]> {
        self.shares.iter().map(|share| self.grouping.numbers(share))
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

    /// Counts down as many shares, whose outcomes were noted.
    fn complete(&self, shares: u32, given_back: bool) {
        if given_back {
            // Relaxed, as the outcomes: ordered by the decrement below.
            self.given_back.store(true, Ordering::Relaxed);
        }
        // Release: publishes the outcomes. Acquire: the last one passes the others' on.
        if shares > 0 && self.pending.fetch_sub(shares, Ordering::AcqRel) == shares {
            self.waiter.wake();
        }
    }
}

impl Share {
    const fn new(shard: u32, order: Range<u16>) -> Self {
        Self {
            shard,
            order,
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

/// What one shard is to append.
pub(crate) struct Part<'b> {
    /// The records of the whole request, of which `numbers` says which these are.
    pub(crate) records: &'b RecordBuffer,
    /// The number of each record in the request, in order.
    pub(crate) numbers: &'b [u16],
    /// When the request was routed, epoch milliseconds.
    pub(crate) routed_ms: u64,
}

/// Tells one shard to append its share of a batch.
pub struct AppendCommand {
    batch: Arc<Batch>,
    share: usize,
    stored: Option<Stored>,
}

impl AppendCommand {
    /// What is to be appended.
    pub(crate) fn part(&self) -> Part<'_> {
        self.batch.part(&self.batch.shares[self.share])
    }

    /// About how many bytes of keys and data.
    pub(super) fn bytes(&self) -> usize {
        self.batch.share_bytes(&self.batch.shares[self.share])
    }

    /// Notes what was stored; the reply's countdown learns of it when the command is dropped.
    pub(super) fn settle(&mut self, stored: Stored) {
        self.stored = Some(stored);
    }
}

impl Drop for AppendCommand {
    /// The one place where a command completes its share: run or not, a command cannot be lost without its reply.
    fn drop(&mut self) {
        let stored = self.stored.unwrap_or(Stored::NOTHING);
        self.batch.shares[self.share].note(stored);
        self.batch.complete(1, stored.given_back);
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
