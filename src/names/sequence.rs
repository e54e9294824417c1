//! Sequence numbers as AWS lays them out (reference 5.4, version 2): clients and error answers depend on it.
//!
//! As 47 nibbles from the top: `2`, creation time of the shard (9), low nibble of the shard index (1), counter (16),
//! an unknown byte that is always 00 (2), time of the record (9), shard index (8), `2`. Times are epoch seconds.

use super::{SequenceValue, ShardId};
use std::fmt;

/// Bits above the lowest one at which each field begins.
pub(super) mod shift {
    pub(in crate::names) const TAG: u32 = 184;
    pub(in crate::names) const CREATED: u32 = 148;
    pub(in crate::names) const COUNTER: u32 = 80;
    pub(in crate::names) const TIME: u32 = 36;
    pub(in crate::names) const SHARD: u32 = 4;
    pub(in crate::names) const INDEX_NIBBLE: u32 = 144;
}

/// Bits of a time in epoch seconds: nine nibbles.
pub(super) const TIME_BITS: u32 = 36;

/// The sequence number of one record. Ordered by shard creation, low nibble of the shard index, counter, time and
/// shard, which is the numeric order; within a shard that is the order of writing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(SequenceValue);

impl SequenceNumber {
    /// Bytes of the decimal text: a number of this layout has 56 digits, no more and no fewer.
    pub const TEXT_BYTES: usize = 56;

    /// The highest counter; AWS refuses a number above it, and ends a closed shard's range with it.
    pub const COUNTER_MAX: u64 = 0x7fff_ffff_ffff_ffff;

    /// The latest time that fits, in epoch seconds (year 4147).
    pub const TIME_S_MAX: u64 = (1 << TIME_BITS) - 1;

    /// The number of a record.
    ///
    /// `created_s` is when the shard was created and `time_s` when the record arrived, both in epoch seconds;
    /// `counter` rises by one for each record of the shard. What is too large for its field counts as the field's
    /// maximum, so that one field can never reach into another.
    #[must_use]
    pub const fn new(created_s: u64, shard: ShardId, counter: u64, time_s: u64) -> Self {
        let created_s = at_most(created_s, Self::TIME_S_MAX);
        let counter = at_most(counter, Self::COUNTER_MAX);
        let time_s = at_most(time_s, Self::TIME_S_MAX);
        let shard = shard.index() as u64;
        Self(SequenceValue::from_words([
            2 << (shift::TAG - 128)
                | created_s << (shift::CREATED - 128)
                | (shard & 0xf) << (shift::INDEX_NIBBLE - 128)
                | counter >> (128 - shift::COUNTER),
            counter << (shift::COUNTER - 64) | time_s >> (64 - shift::TIME),
            time_s << shift::TIME | shard << shift::SHARD | 2,
        ]))
    }

    /// The StartingSequenceNumber of a shard: counter 0 at its creation. It is below every record of the shard as
    /// long as their counters begin at 1.
    #[must_use]
    pub const fn starting(created_s: u64, shard: ShardId) -> Self {
        Self::new(created_s, shard, 0, created_s)
    }

    /// The EndingSequenceNumber of a closed shard: above every record, wherever the counter stood.
    #[must_use]
    pub const fn ending(created_s: u64, shard: ShardId, closed_s: u64) -> Self {
        Self::new(created_s, shard, Self::COUNTER_MAX, closed_s)
    }

    /// When the shard was created, in epoch seconds.
    #[must_use]
    pub const fn created_s(self) -> u64 {
        self.0.bits(shift::CREATED, TIME_BITS)
    }

    /// Index of the shard.
    #[must_use]
    pub const fn shard_index(self) -> u32 {
        // The field is 32 bits wide.
        #[expect(clippy::cast_possible_truncation)]
        let index = self.0.bits(shift::SHARD, 32) as u32;
        index
    }

    /// The counter within the shard.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.0.bits(shift::COUNTER, 64)
    }

    /// When the record arrived, in epoch seconds.
    #[must_use]
    pub const fn time_s(self) -> u64 {
        self.0.bits(shift::TIME, TIME_BITS)
    }

    /// The integer, to compare with a number that a client sent.
    #[must_use]
    pub const fn value(self) -> SequenceValue {
        self.0
    }
}

const fn at_most(value: u64, max: u64) -> u64 {
    if value < max { value } else { max }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequenceNumber")
            .field("created_s", &self.created_s())
            .field("shard_index", &self.shard_index())
            .field("counter", &self.counter())
            .field("time_s", &self.time_s())
            .finish()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::names) fn shard(index: u32) -> ShardId {
        ShardId::new(index).unwrap()
    }

    /// Any number that a shard can issue.
    pub(in crate::names) fn any_number() -> impl Strategy<Value = SequenceNumber> {
        (0..=SequenceNumber::TIME_S_MAX, 0..1_u32 << 31, 0..1_u64 << 63, 0..=SequenceNumber::TIME_S_MAX)
            .prop_map(|(created_s, index, counter, time_s)| {
                SequenceNumber::new(created_s, shard(index), counter, time_s)
            })
    }

    /// Reference 5.4.
    #[test]
    fn the_reference_vectors_hold() {
        for (number, text) in [
            (
                SequenceNumber::starting(1_700_000_000, shard(0)),
                "49646437577108476416916876405825929425585429676275269634",
            ),
            (
                SequenceNumber::starting(1_700_000_000, shard(1)),
                "49646437577130777162115407028967465143858078037781250066",
            ),
            (
                SequenceNumber::ending(1_700_000_000, shard(0), 1_700_003_600),
                "49646437577119626789516141717395488358902386617969803266",
            ),
            (
                SequenceNumber::new(1_700_000_000, shard(17), 5, 1_700_000_100),
                "49646437577130777162115407028973509772956158055602454802",
            ),
        ] {
            assert_eq!(number.to_string(), text);
        }
    }

    /// Recorded on AWS: the starting numbers of consecutive shards of a new stream lie this far apart.
    #[test]
    fn consecutive_shards_start_at_the_recorded_distance() {
        let distance = SequenceValue::parse("22300745198530623141535718272648361505980432").unwrap();
        for index in 0..15 {
            let start = SequenceNumber::starting(1_700_000_000, shard(index));
            let next = SequenceNumber::starting(1_700_000_000, shard(index + 1));
            assert_eq!(start.value().checked_add(distance), Some(next.value()));
        }
    }

    #[test]
    fn what_is_too_large_stays_in_its_field() {
        let number = SequenceNumber::new(u64::MAX, shard(3), u64::MAX, u64::MAX);
        assert_eq!(number.created_s(), SequenceNumber::TIME_S_MAX);
        assert_eq!(number.counter(), SequenceNumber::COUNTER_MAX);
        assert_eq!(number.time_s(), SequenceNumber::TIME_S_MAX);
        assert_eq!(number.shard_index(), 3);
    }

    /// A child is created one second after its parent closed, and a record falls between its shard's two ends.
    #[test]
    fn a_shards_range_holds_its_records() {
        let (start, end) =
            (SequenceNumber::starting(100, shard(9)), SequenceNumber::ending(100, shard(9), 200));
        for counter in [1, 2, SequenceNumber::COUNTER_MAX - 1] {
            let record = SequenceNumber::new(100, shard(9), counter, 201);
            assert!(start < record && record < end);
        }
        assert!(end < SequenceNumber::starting(201, shard(10)));
    }

    proptest! {
        #[test]
        fn fields_come_back(created_s in 0_u64..1 << 36, index in 0_u32..1 << 31, counter in 0_u64..1 << 63, time_s in 0_u64..1 << 36) {
            let number = SequenceNumber::new(created_s, shard(index), counter, time_s);
            prop_assert_eq!(number.created_s(), created_s);
            prop_assert_eq!(number.shard_index(), index);
            prop_assert_eq!(number.counter(), counter);
            prop_assert_eq!(number.time_s(), time_s);
            prop_assert_eq!(number.to_string().len(), SequenceNumber::TEXT_BYTES);
        }

        /// The order of the fields is the order of the numbers. Small ranges make ties of the leading fields common.
        #[test]
        fn order_is_creation_nibble_counter_time_shard(
            a in (0_u64..2, 0_u32..40, 0_u64..3, 0_u64..3), b in (0_u64..2, 0_u32..40, 0_u64..3, 0_u64..3),
        ) {
            let key = |(created_s, index, counter, time_s)| (created_s, index & 0xf, counter, time_s, index);
            let number = |(created_s, index, counter, time_s)| SequenceNumber::new(created_s, shard(index), counter, time_s);
            prop_assert_eq!(number(a).cmp(&number(b)), key(a).cmp(&key(b)));
        }
    }
}
