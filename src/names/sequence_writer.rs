//! The decimal texts of a run of sequence numbers, one addition each.
//!
//! Records of a run differ by one in the counter, which is a constant in the number. So the text itself is added to:
//! eight digits at a time, one per byte of a word. There is no division, no second form of the number, and 40
//! instructions per number instead of the 156 of limbs that are printed again.

use super::digits::eight_digits;
use super::{SequenceNumber, sequence_memo};

/// Digits of one word.
const WORD_DIGITS: usize = 8;
/// Words that a step adds to.
pub(super) const LOWER_WORDS: usize = 4;
/// The digits before them: a step changes those only by a carry, once in a hundred million records or so.
pub(super) const UPPER_BYTES: usize = SequenceNumber::TEXT_BYTES - LOWER_WORDS * WORD_DIGITS;

/// The weight of one in the counter, 2^80, in words of eight digits, lowest first.
const STEP: [u64; LOWER_WORDS] = [
    addend(eight_digits(74_706_176)),
    addend(eight_digits(96_146_291)),
    addend(eight_digits(20_892_581)),
    addend(eight_digits(1)),
];
/// Nothing to add but a carry.
const ZERO: u64 = addend([b'0'; WORD_DIGITS]);

/// Writes the texts of consecutive sequence numbers without allocating.
#[derive(Debug, Clone)]
pub struct SequenceWriter {
    upper: [u8; UPPER_BYTES],
    /// The rest of the text, in words as big-endian numbers, lowest first.
    lower: [u64; LOWER_WORDS],
}

impl SequenceWriter {
    /// A writer that stands at `first`.
    #[inline]
    #[must_use]
    pub fn new(first: SequenceNumber) -> Self {
        sequence_memo::writer_at(first).unwrap_or_else(|| Self::of_all_digits(first))
    }

    /// The same, without what was kept of other numbers.
    #[cold]
    pub(super) fn of_all_digits(first: SequenceNumber) -> Self {
        let [limbs @ .., _always_zero] = first.value().decimal_limbs();
        let (mut words, mut upper) = (limbs.map(eight_digits).into_iter(), [0; UPPER_BYTES]);
        let lower = [(); LOWER_WORDS].map(|()| u64::from_be_bytes(words.next().unwrap_or_default()));
        for (place, word) in upper.as_chunks_mut().0.iter_mut().rev().zip(words) {
            *place = word;
        }
        Self { upper, lower }
    }

    /// The writer of these digits: first the upper ones as text, then words of eight as big-endian numbers, lowest first.
    pub(super) const fn of_words(upper: [u8; UPPER_BYTES], lower: [u64; LOWER_WORDS]) -> Self {
        Self { upper, lower }
    }

    /// The decimal text of the number that the writer stands at: 56 digits.
    #[must_use]
    pub fn text(&self) -> [u8; SequenceNumber::TEXT_BYTES] {
        let mut text = [0; SequenceNumber::TEXT_BYTES];
        self.write(&mut text);
        text
    }

    /// Writes that text. It goes there from registers: a wide copy of words that were written just before would wait for
    /// them.
    #[inline(always)]
    pub fn write(&self, out: &mut [u8; SequenceNumber::TEXT_BYTES]) {
        let (upper, lower) = out.split_at_mut(UPPER_BYTES);
        upper.copy_from_slice(&self.upper);
        for (place, word) in lower.as_chunks_mut().0.iter_mut().rev().zip(self.lower) {
            *place = word.to_be_bytes();
        }
    }

    /// Moves on to the next counter of the same shard and time. At [`SequenceNumber::COUNTER_MAX`] there is none.
    #[inline(always)]
    pub fn advance(&mut self) {
        let mut carry = false;
        for (word, step) in self.lower.iter_mut().zip(STEP) {
            (*word, carry) = add(*word, step, carry);
        }
        if carry {
            self.carry_on();
        }
    }

    /// As [`advance`](Self::advance), and [writes](Self::write) the text to `out` as well.
    #[inline(always)]
    pub fn advance_into(&mut self, out: &mut [u8; SequenceNumber::TEXT_BYTES]) {
        self.advance();
        self.write(out);
    }

    #[cold]
    fn carry_on(&mut self) {
        let mut carry = true;
        for place in self.upper.as_chunks_mut().0.iter_mut().rev() {
            let (word, carried) = add(u64::from_be_bytes(*place), ZERO, carry);
            (*place, carry) = (word.to_be_bytes(), carried);
        }
    }
}

/// What to add to a word of digits: each digit and 0xc6, which makes 0xf6 with the digit's ASCII form. So a sum above
/// nine leaves its byte, as a carry to the next digit.
const fn addend(digits: [u8; WORD_DIGITS]) -> u64 {
    u64::from_be_bytes(digits) + (0xc6 - b'0' as u64) * ONES
}

const ONES: u64 = u64::from_ne_bytes([1; WORD_DIGITS]);

/// Adds eight digits at once; gives the sum's digits and the carry.
#[inline(always)]
fn add(digits: u64, addend: u64, carry: bool) -> (u64, bool) {
    let (sum, carry) = digits.carrying_add(addend, carry);
    // A byte that was left by a carry holds its digit; any other holds it and 0xf6, of which the mask leaves 6.
    let surplus = (sum >> 4) & (6 * ONES);
    ((sum & (0x0f * ONES)) - surplus + b'0' as u64 * ONES, carry)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::SequenceValue;
    use super::super::digits::BASE;
    use super::super::sequence::shift;
    use super::super::sequence::tests::{any_number, shard};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_step_is_one_of_the_counter() {
        let digits = STEP.map(|step| (step - ZERO).to_be_bytes());
        let digits = digits.as_flattened().chunks(8).rev().flatten();
        let step = digits.fold(0_u128, |number, digit| number * 10 + u128::from(*digit));
        assert_eq!(step, 1 << shift::COUNTER);
    }

    impl SequenceWriter {
        /// A writer that stands at the number with this text.
        pub(in crate::names) fn of_text(text: &[u8; SequenceNumber::TEXT_BYTES]) -> Self {
            let (upper, lower) = text.split_first_chunk().unwrap();
            let mut words = lower.as_chunks().0.iter().rev().map(|word| u64::from_be_bytes(*word));
            Self { upper: *upper, lower: std::array::from_fn(|_| words.next().unwrap()) }
        }
    }

    /// Any text of a number, runs of nines the most, so that carries run far.
    pub(in crate::names) fn any_text() -> impl Strategy<Value = [u8; SequenceNumber::TEXT_BYTES]> {
        let digit = prop_oneof![4 => Just(b'9'), 1 => b'0'..=b'9'];
        (b'1'..=b'8', prop::collection::vec(digit, SequenceNumber::TEXT_BYTES)).prop_map(|(first, digits)| {
            let mut text = [first; SequenceNumber::TEXT_BYTES];
            text[1..].copy_from_slice(&digits[1..]);
            text
        })
    }

    /// One step from `text`, compared with the sum of integers.
    fn assert_step(text: [u8; SequenceNumber::TEXT_BYTES]) {
        let value = SequenceValue::parse(std::str::from_utf8(&text).unwrap()).unwrap();
        let expected = value.checked_add(SequenceValue::power_of_two(shift::COUNTER)).unwrap().to_string();
        let mut writer = SequenceWriter::of_text(&text);
        let mut out = [b'?'; SequenceNumber::TEXT_BYTES];
        writer.advance_into(&mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        assert_eq!(writer.text(), out);
    }

    /// Protects: a carry to the first digit, which no number of a shard gives.
    #[test]
    fn a_carry_runs_to_the_end() {
        let mut text = [b'9'; SequenceNumber::TEXT_BYTES];
        text[0] = b'1';
        assert_step(text);
    }

    /// Follows the writer for `count` numbers and compares each text with the one printed afresh.
    fn assert_run(first: SequenceNumber, count: u64) {
        let mut writer = SequenceWriter::new(first);
        for offset in 0..count {
            let shard = shard(first.shard_index());
            let number =
                SequenceNumber::new(first.created_s(), shard, first.counter() + offset, first.time_s());
            assert_eq!(&writer.text()[..], number.to_string().as_bytes(), "{offset} after {first:?}");
            writer.advance();
        }
    }

    #[test]
    fn a_long_run_is_printed_right() {
        assert_run(SequenceNumber::new(1_700_000_000, shard(17), 0, 1_700_000_100), 100_000);
    }

    /// The fifth limb changes once in 82 million records; begin just before, so that the carry runs through.
    #[test]
    fn a_carry_runs_through_the_upper_limbs() {
        let upper = |counter| {
            let limbs =
                SequenceNumber::new(1_700_000_000, shard(0), counter, 1_700_000_000).value().decimal_limbs();
            (u64::from(limbs[5]), u64::from(limbs[4]))
        };
        // Bisect for the counters at which the fifth and then the sixth limb move on.
        for pick in [|limbs: (u64, u64)| limbs.0 * u64::from(BASE) + limbs.1, |limbs: (u64, u64)| limbs.0] {
            let (mut low, mut high) = (0_u64, 1 << 54);
            let start = pick(upper(low));
            assert_ne!(pick(upper(high)), start);
            while high - low > 1 {
                let middle = u64::midpoint(low, high);
                if pick(upper(middle)) == start { low = middle } else { high = middle }
            }
            assert_run(SequenceNumber::new(1_700_000_000, shard(0), low.saturating_sub(3), 1_700_000_000), 8);
        }
    }

    proptest! {
        #[test]
        fn any_step_is_added_right(text in any_text()) {
            assert_step(text);
        }

        #[test]
        fn any_run_is_printed_right(first in any_number(), count in 1_u64..300) {
            let counter = first.counter().min(SequenceNumber::COUNTER_MAX - count);
            let first = SequenceNumber::new(first.created_s(), shard(first.shard_index()), counter, first.time_s());
            assert_run(first, count);
        }
    }
}
