//! The decimal texts of a run of sequence numbers, one addition each.
//!
//! Records of a run differ by one in the counter, which is a constant in the number. So the number is kept in limbs
//! of eight decimal digits, 56 digits being exactly seven of them: adding is four small additions and no division,
//! and only limbs that changed are printed again. Three limbs of nineteen digits took half as long again when
//! measured (18 to 12 ns per number), because printing them needs divisions.

use super::SequenceNumber;
use super::digits::{BASE, eight_digits};

/// Limbs of a sequence number's text.
const LIMBS: usize = SequenceNumber::TEXT_BYTES / 8;

/// The weight of one in the counter, 2^80, in limbs of eight digits, lowest first.
const STEP: [u32; 4] = [74_706_176, 96_146_291, 20_892_581, 1];

/// Writes the texts of consecutive sequence numbers without allocating.
#[derive(Debug, Clone)]
pub struct SequenceWriter {
    /// The number, lowest limb first.
    limbs: [u32; LIMBS],
    text: [u8; SequenceNumber::TEXT_BYTES],
}

impl SequenceWriter {
    /// A writer that stands at `first`.
    #[must_use]
    pub fn new(first: SequenceNumber) -> Self {
        let [limbs @ .., _always_zero] = first.value().decimal_limbs();
        let mut writer = Self { limbs, text: [0; SequenceNumber::TEXT_BYTES] };
        (0..LIMBS).for_each(|index| writer.print(index));
        writer
    }

    /// The decimal text of the number that the writer stands at: 56 digits.
    #[must_use]
    pub const fn text(&self) -> &[u8; SequenceNumber::TEXT_BYTES] {
        &self.text
    }

    /// Moves on to the next counter of the same shard and time. At [`SequenceNumber::COUNTER_MAX`] there is none.
    pub fn advance(&mut self) {
        let mut carry = 0;
        for (index, step) in STEP.into_iter().enumerate() {
            carry = self.add(index, step + carry);
        }
        // Once in a hundred million records or so.
        let mut index = STEP.len();
        while carry != 0 && index < LIMBS {
            carry = self.add(index, carry);
            index += 1;
        }
    }

    /// Adds to one limb, prints it and gives the carry.
    fn add(&mut self, index: usize, addend: u32) -> u32 {
        let sum = self.limbs[index] + addend;
        let carry = u32::from(sum >= BASE);
        self.limbs[index] = sum - carry * BASE;
        self.print(index);
        carry
    }

    fn print(&mut self, index: usize) {
        let start = (LIMBS - 1 - index) * 8;
        self.text[start..start + 8].copy_from_slice(&eight_digits(self.limbs[index]));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::{any_number, shard};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_step_is_one_of_the_counter() {
        let step =
            STEP.iter().rev().fold(0_u128, |number, limb| number * u128::from(BASE) + u128::from(*limb));
        assert_eq!(step, 1 << super::super::sequence::shift::COUNTER);
    }

    /// Follows the writer for `count` numbers and compares each text with the one printed afresh.
    fn assert_run(first: SequenceNumber, count: u64) {
        let mut writer = SequenceWriter::new(first);
        for offset in 0..count {
            let shard = shard(first.shard_index());
            let number =
                SequenceNumber::new(first.created_s(), shard, first.counter() + offset, first.time_s());
            assert_eq!(writer.text(), number.to_string().as_bytes(), "{offset} after {first:?}");
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
        fn any_run_is_printed_right(first in any_number(), count in 1_u64..300) {
            let counter = first.counter().min(SequenceNumber::COUNTER_MAX - count);
            let first = SequenceNumber::new(first.created_s(), shard(first.shard_index()), counter, first.time_s());
            assert_run(first, count);
        }
    }
}
