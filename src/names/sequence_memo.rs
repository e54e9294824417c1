//! What sequence numbers of the same moment have in common, kept from one to the next.
//!
//! Gains: 166 instructions for the digits of a number instead of 296, which counts where shares are small: a request
//! over 1000 shards prints a number afresh for nearly every record. Numbers of shards that were created together, of
//! records that arrived in the same second, differ in the counter and the shard's index alone, so the rest is kept in
//! decimal, by the index' lowest digit, which stands above the counter. Steps aside, in favour of
//! [`SequenceWriter::of_all_digits`], at counters of 2^36 and more, and where a carry runs past the fifth limb.

use std::cell::RefCell;

use super::digits::{BASE, eight_digits};
use super::sequence::shift;
use super::sequence_writer::{LOWER_WORDS, UPPER_BYTES};
use super::{SequenceNumber, SequenceValue, SequenceWriter};

/// How many of them are kept: one for each lowest digit of a shard's index.
const KEPT: usize = 16;

/// The decimal limbs of 2^80, the weight of one in the counter, lowest first.
const COUNTER_WEIGHT: [u64; LOWER_WORDS] = [74_706_176, 96_146_291, 20_892_581, 1];

/// Counters below this times a limb of their weight, and what is added to that, fit 64 bits.
const COUNTER_END: u64 = 1 << 36;

thread_local! {
    static MEMO: RefCell<[Common; KEPT]> = const { RefCell::new([Common::NOTHING; KEPT]) };
}

/// What numbers with the same upper word and the same time have in common.
#[derive(Clone, Copy)]
struct Common {
    /// The highest of the three words: the creation, and the lowest digit of the shard's index.
    high: u64,
    /// When the records arrived, epoch seconds.
    time_s: u64,
    /// Decimal limbs of the number whose counter and index are 0 but for what `high` has of them.
    lower: [u32; LOWER_WORDS],
    /// The limb above those, and the text that it is the end of.
    fifth: u32,
    upper: [u8; UPPER_BYTES],
}

impl Common {
    /// Of no number: their highest word is not 0.
    const NOTHING: Self =
        Self { high: 0, time_s: 0, lower: [0; LOWER_WORDS], fifth: 0, upper: [0; UPPER_BYTES] };

    fn of(high: u64, time_s: u64) -> Self {
        let words = [high, time_s >> (64 - shift::TIME), time_s << shift::TIME];
        let limbs = SequenceValue::from_words(words).decimal_limbs();
        let mut upper = [0; UPPER_BYTES];
        for (place, limb) in upper.as_chunks_mut().0.iter_mut().rev().zip(&limbs[LOWER_WORDS..]) {
            *place = eight_digits(*limb);
        }
        let (lower, fifth) = (std::array::from_fn(|limb| limbs[limb]), limbs[LOWER_WORDS]);
        Self { high, time_s, lower, fifth, upper }
    }

    /// The digits of one of these numbers.
    #[inline(always)]
    fn writer_at(&self, counter: u64, index_bits: u64) -> Option<SequenceWriter> {
        if counter >= COUNTER_END {
            return None;
        }
        let (mut upper, mut carry) = (self.upper, index_bits);
        let mut lower = [0; LOWER_WORDS];
        for ((word, limb), weight) in lower.iter_mut().zip(self.lower).zip(COUNTER_WEIGHT) {
            let sum = u64::from(limb) + counter * weight + carry;
            carry = sum / u64::from(BASE);
            *word = u64::from_be_bytes(eight_digits(below_base(sum)));
        }
        if carry > 0 {
            let fifth = u64::from(self.fifth) + carry;
            if fifth >= u64::from(BASE) {
                return None;
            }
            *upper.last_chunk_mut()? = eight_digits(below_base(fifth));
        }
        Some(SequenceWriter::of_words(upper, lower))
    }
}

/// The lowest eight digits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "below the base, which is below 2^27")]
fn below_base(number: u64) -> u32 {
    (number % u64::from(BASE)) as u32
}

/// The writer that stands at a number, from what was kept of others; what is new is kept.
#[inline]
pub(super) fn writer_at(number: SequenceNumber) -> Option<SequenceWriter> {
    let [high, middle, low] = number.value().words();
    let time_s = number.time_s();
    let place = (high >> (shift::INDEX_NIBBLE - 128)) as usize % KEPT;
    MEMO.with_borrow_mut(|memo| {
        let common = &mut memo[place];
        if (common.high, common.time_s) != (high, time_s) {
            *common = Common::of(high, time_s);
        }
        common.writer_at(middle >> (shift::COUNTER - 64), low & ((1 << shift::TIME) - 1))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sequence::tests::{any_number, shard};
    use super::*;

    fn assert_text(number: SequenceNumber) {
        let text = SequenceWriter::of_all_digits(number).text();
        // Whether it is new here or not.
        for _ in 0..2 {
            let near = writer_at(number).map(|writer| writer.text());
            assert!(near.is_none_or(|near| near == text), "{number:?}");
        }
    }

    /// Protects: shards that share a place, in turn; counters from the first to those that it steps aside for.
    #[test]
    fn neighbours_do_not_mix() {
        let mut known = 0;
        for power in 0..63 {
            for (index, created_s, time_s) in
                [(3, 1_700_000_000, 1_700_000_001), (19, 1_700_000_000, 1_700_000_001)]
                    .into_iter()
                    .chain([(3, 1_700_000_001, 1_700_000_001), (3, 1_700_000_000, 1_700_000_002)])
            {
                for counter in [(1 << power) - 1, 1 << power] {
                    let number = SequenceNumber::new(created_s, shard(index), counter, time_s);
                    assert_text(number);
                    known += u32::from(writer_at(number).is_some());
                }
            }
        }
        assert!(known >= 2 * 4 * 36, "it steps aside too often: {known}");
    }

    /// Protects: the carry into the fifth limb, and the one out of it.
    #[test]
    fn carries_go_up() {
        let fifth = |counter| {
            let number = SequenceNumber::new(1_700_000_000, shard(0), counter, 1_700_000_000);
            assert_text(number);
            SequenceWriter::of_all_digits(number).text()[16..24].to_vec()
        };
        let first = fifth(0);
        let changes = (0..300).filter(|step| fifth(step * 1_000_003) != first).count();
        assert!((1..300).contains(&changes), "{changes}");
    }

    proptest! {
        #[test]
        fn any_number_is_printed_as_by_itself(numbers in prop::collection::vec(any_number(), 1..20)) {
            numbers.into_iter().for_each(assert_text);
        }
    }
}
