//! A sequence number as the integer that orders it: wider than 128 bits, so with its own small arithmetic.

use super::digits::{BASE, eight_digits};
use crate::limits::SEQUENCE_NUMBER_DIGITS_MAX;
use std::fmt;

/// Limbs of eight decimal digits that hold any 192-bit number.
const LIMBS: usize = 8;

/// Decimal limbs, lowest first.
pub(super) type DecimalLimbs = [u32; LIMBS];

/// The integer of a sequence number of any version, below 2^192. Ordering is numeric: compare these, never texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceValue {
    // Highest word first, so that the derived order is the numeric one.
    words: [u64; 3],
}

impl SequenceValue {
    /// Reads AWS's form `0|([1-9]\d{0,128})`; `None` for anything else and for 2^192 and above, which no
    /// version of sequence number reaches.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let padded = digits.len() > 1 && digits.first() == Some(&b'0');
        if digits.is_empty() || digits.len() > SEQUENCE_NUMBER_DIGITS_MAX || padded {
            return None;
        }
        let mut value = Self { words: [0; 3] };
        for chunk in digits.chunks(19) {
            let (mut addend, mut weight) = (0_u64, 1_u64);
            for byte in chunk {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
                addend = addend * 10 + digit;
                weight *= 10;
            }
            value = value.checked_mul_add(weight, addend)?;
        }
        Some(value)
    }

    /// The number made of three words, highest first.
    pub(super) const fn from_words(words: [u64; 3]) -> Self {
        Self { words }
    }

    /// The words, highest first.
    pub(super) const fn words(self) -> [u64; 3] {
        self.words
    }

    /// 2^`exponent`, for an exponent below 192.
    pub(super) const fn power_of_two(exponent: u32) -> Self {
        let mut words = [0; 3];
        words[2 - (exponent / 64) as usize] = 1 << (exponent % 64);
        Self { words }
    }

    /// The field of `width` bits (1 to 64) that begins `shift` bits above the lowest one (below 192).
    pub(super) const fn bits(self, shift: u32, width: u32) -> u64 {
        let [high, middle, low] = self.words;
        let (above, below) = match shift / 64 {
            0 => (middle, low),
            1 => (high, middle),
            _ => (0, high),
        };
        let window = ((above as u128) << 64 | below as u128) >> (shift % 64);
        // The mask leaves at most 64 bits of the window.
        #[expect(clippy::cast_possible_truncation)]
        let field = window as u64 & (u64::MAX >> (64 - width));
        field
    }

    /// `self + other`, or `None` past 192 bits.
    pub(super) fn checked_add(self, other: Self) -> Option<Self> {
        let mut words = [0; 3];
        let mut carry = false;
        for index in (0..3).rev() {
            let (sum, over) = self.words[index].overflowing_add(other.words[index]);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            words[index] = sum;
            carry = over || over_again;
        }
        (!carry).then_some(Self { words })
    }

    /// `self * factor + addend`, or `None` past 192 bits.
    fn checked_mul_add(self, factor: u64, addend: u64) -> Option<Self> {
        let mut words = [0; 3];
        let mut carry = u128::from(addend);
        for index in (0..3).rev() {
            let wide = u128::from(self.words[index]) * u128::from(factor) + carry;
            // The low half stays in the word, the high half is carried.
            #[expect(clippy::cast_possible_truncation)]
            {
                words[index] = wide as u64;
            }
            carry = wide >> 64;
        }
        (carry == 0).then_some(Self { words })
    }

    /// The decimal limbs: each 32-bit half word times the limbs of its weight, then one pass of carries.
    ///
    /// A limb's sum is at most 6 products below 2^59 and so fits 64 bits; there is no wide division. A run of
    /// records is printed from one such conversion, and single puts make a run each.
    pub(super) fn decimal_limbs(self) -> DecimalLimbs {
        const WEIGHTS: [DecimalLimbs; 6] = weights();
        let mut sums = [0_u64; LIMBS];
        for (half, weight) in (0..).zip(WEIGHTS) {
            let half = self.bits(half * 32, 32);
            for (sum, limb) in sums.iter_mut().zip(weight) {
                *sum += half * u64::from(limb);
            }
        }
        let mut carry = 0;
        sums.map(|sum| {
            let sum = sum + carry;
            carry = sum / u64::from(BASE);
            // A remainder of BASE is below 2^27.
            #[expect(clippy::cast_possible_truncation)]
            let limb = (sum % u64::from(BASE)) as u32;
            limb
        })
    }
}

/// The decimal limbs of 2^0, 2^32, 2^64 and so on.
const fn weights() -> [DecimalLimbs; 6] {
    let mut weights = [[0; LIMBS]; 6];
    weights[0][0] = 1;
    let mut row = 1;
    while row < weights.len() {
        let mut carry = 0_u64;
        let mut limb = 0;
        while limb < LIMBS {
            let wide = ((weights[row - 1][limb] as u64) << 32) + carry;
            carry = wide / BASE as u64;
            #[expect(clippy::cast_possible_truncation)]
            {
                weights[row][limb] = (wide % BASE as u64) as u32;
            }
            limb += 1;
        }
        row += 1;
    }
    weights
}

impl fmt::Display for SequenceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LIMBS * 8];
        for (slot, limb) in text.as_chunks_mut::<8>().0.iter_mut().zip(self.decimal_limbs().iter().rev()) {
            *slot = eight_digits(*limb);
        }
        let zeros = text.iter().take_while(|byte| **byte == b'0').count().min(text.len() - 1);
        f.pad(std::str::from_utf8(&text[zeros..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_model_pattern_is_kept() {
        for text in ["0", "5", "340282366920938463463374607431768211456"] {
            assert_eq!(SequenceValue::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "00", "05", "-1", "+1", " 1", "1 ", "1e9", "٣", "5x", "LATEST"] {
            assert_eq!(SequenceValue::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_width_is_192_bits() {
        let highest = "6277101735386680763835789423207666416102355444464034512895";
        assert_eq!(SequenceValue::parse(highest).unwrap().words, [u64::MAX; 3]);
        assert_eq!(SequenceValue::parse("6277101735386680763835789423207666416102355444464034512896"), None);
        assert_eq!(SequenceValue::parse(&"9".repeat(129)), None);
        assert_eq!(SequenceValue::parse(&"1".repeat(130)), None);
        assert_eq!(
            SequenceValue::from_words([u64::MAX; 3]).checked_add(SequenceValue::power_of_two(0)),
            None
        );
    }

    proptest! {
        /// 128 bits have an oracle in the language.
        #[test]
        fn narrow_numbers_agree_with_u128(a: u128, b: u128, shift in 0_u32..128, width in 1_u32..=64) {
            let value = SequenceValue::parse(&a.to_string()).unwrap();
            prop_assert_eq!(value.to_string(), a.to_string());
            prop_assert_eq!(u128::from(value.bits(shift, width)), (a >> shift) & ((1 << width) - 1));
            let other = SequenceValue::parse(&b.to_string()).unwrap();
            prop_assert_eq!(value.cmp(&other), a.cmp(&b));
            if let Some(sum) = a.checked_add(b) {
                prop_assert_eq!(value.checked_add(other).unwrap().to_string(), sum.to_string());
            }
        }

        /// Above that, text and number must agree with each other, and order with length then text.
        #[test]
        fn wide_numbers_round_trip(a: [u64; 3], b: [u64; 3]) {
            let (left, right) = (SequenceValue::from_words(a), SequenceValue::from_words(b));
            let (left_text, right_text) = (left.to_string(), right.to_string());
            prop_assert_eq!(SequenceValue::parse(&left_text), Some(left));
            let by_text = left_text.len().cmp(&right_text.len()).then(left_text.cmp(&right_text));
            prop_assert_eq!(left.cmp(&right), by_text);
        }
    }
}
