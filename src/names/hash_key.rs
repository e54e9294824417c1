//! Hash keys: where a record falls in the ring of 2^128 that a stream's shards divide (reference 5.3).

use crate::limits::HASH_KEY_DIGITS_MAX;
use md5::{Digest, Md5};
use std::fmt;

/// A point on the ring, 0 to 2^128 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(pub u128);

/// Why a text is no hash key. AWS answers the two with different exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashKeyError {
    /// Not `0|([1-9]\d{0,38})`: a constraint of the model.
    #[error("not a decimal number of 1 to 39 digits")]
    Pattern,
    /// Well formed, yet above 2^128 - 1: an invalid argument.
    #[error("above 2^128-1")]
    AboveMax,
}

impl HashKey {
    /// The lowest key.
    pub const MIN: Self = Self(0);
    /// The highest key, 2^128 - 1.
    pub const MAX: Self = Self(u128::MAX);

    /// Reads a decimal number.
    ///
    /// # Errors
    /// [`HashKeyError::Pattern`] if the model's pattern is broken, [`HashKeyError::AboveMax`] past 2^128 - 1.
    pub fn parse(text: &str) -> Result<Self, HashKeyError> {
        Self::parse_digits(text.as_bytes())
    }

    /// As [`Self::parse`], from bytes.
    ///
    /// # Errors
    /// [`HashKeyError`].
    pub fn parse_digits(digits: &[u8]) -> Result<Self, HashKeyError> {
        let padded = digits.len() > 1 && digits.first() == Some(&b'0');
        if digits.is_empty() || digits.len() > HASH_KEY_DIGITS_MAX || padded {
            return Err(HashKeyError::Pattern);
        }
        if let Some((rest, words)) = digits.split_last_chunk() {
            return Self::of_long(digits, rest.len(), words);
        }
        let (rest, words) = digits.as_rchunks();
        let mut number = 0_u128;
        for digit in rest {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return Err(HashKeyError::Pattern);
            }
            number = number * 10 + u128::from(digit);
        }
        for word in words {
            let word = eight_digits(u64::from_le_bytes(*word)).ok_or(HashKeyError::Pattern)?;
            // Fewer digits than the largest has.
            number = number * 100_000_000 + u128::from(word);
        }
        Ok(Self(number))
    }

    /// Of 32 digits and up to seven before them, as nearly all have that are spread over the whole range: no loop, and
    /// no branch that depends on how many there are.
    #[inline]
    fn of_long(digits: &[u8], more: usize, last: &[u8; 32]) -> Result<Self, HashKeyError> {
        const SIXTEEN_DIGITS: u64 = 10_000_000_000_000_000;
        // The first ones, behind as many zeros as make them eight.
        let first = digits.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let zeros = u64::from_le_bytes([b'0'; 8]);
        let first = match more {
            0 => zeros,
            _ => first << (u64::BITS as usize - 8 * more) | zeros >> (8 * more),
        };
        let (words, _) = last.as_chunks();
        let word = |number: usize| words.get(number).map_or(0, |word| u64::from_le_bytes(*word));
        let pair = |high, low| {
            let (high, low) = (eight_digits(high)?, eight_digits(low)?);
            Some(u64::from(high) * 100_000_000 + u64::from(low))
        };
        // What is no digit is told before what is too large.
        let parts = (|| Some((eight_digits(first)?, pair(word(0), word(1))?, pair(word(2), word(3))?)))();
        let (first, middle, last) = parts.ok_or(HashKeyError::Pattern)?;
        let number = u128::from(first) * u128::from(SIXTEEN_DIGITS) + u128::from(middle);
        let number = number.checked_mul(SIXTEEN_DIGITS.into()).and_then(|all| all.checked_add(last.into()));
        number.map(Self).ok_or(HashKeyError::AboveMax)
    }

    /// The upper 64 of its bits.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "half of 128 bits is 64 bits")]
    pub const fn upper_half(self) -> u64 {
        (self.0 >> u64::BITS) as u64
    }

    /// The MD5 of a partition key's UTF-8 bytes, read as a big-endian number.
    #[must_use]
    pub fn of_partition_key(partition_key: &[u8]) -> Self {
        Self(u128::from_be_bytes(Md5::digest(partition_key).into()))
    }
}

/// The number that eight digits make, the first in the lowest byte: pairs in bytes, fours in halves of a word, then all
/// of them. `None` if one is no digit.
fn eight_digits(text: u64) -> Option<u32> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const BYTE_OF_EACH_HALF: u64 = 0x0000_00ff_0000_00ff;
    let digits = text ^ (ONES * u64::from(b'0'));
    // Ten and more, with 0x76 added, reach the highest bit of their byte.
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7) != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first_and_third = (pairs & BYTE_OF_EACH_HALF).wrapping_mul(1_000_000 << 32 | 100);
    let second_and_fourth = (pairs >> 16 & BYTE_OF_EACH_HALF).wrapping_mul(10_000 << 32 | 1);
    u32::try_from(first_and_third.wrapping_add(second_and_fourth) >> 32).ok()
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The keys of one shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashKeyRange {
    /// The lowest key.
    pub start: HashKey,
    /// The highest key, not below `start`.
    pub end: HashKey,
}

impl HashKeyRange {
    /// The whole ring.
    pub const WHOLE: Self = Self { start: HashKey::MIN, end: HashKey::MAX };

    /// Whether `key` falls into the range.
    #[must_use]
    pub const fn contains(&self, key: HashKey) -> bool {
        self.start.0 <= key.0 && key.0 <= self.end.0
    }

    /// Cuts the range into `count` parts of floor(size / count) keys, in order; the last takes the remainder too.
    ///
    /// This is how AWS lays out a new stream (reference 5.3). No part for a count of 0, and never more parts than
    /// the range has keys.
    pub fn split_evenly(self, count: u32) -> impl ExactSizeIterator<Item = Self> {
        // The whole ring has 2^128 keys, one too many for a u128, so the arithmetic is on size - 1.
        let span = self.end.0.saturating_sub(self.start.0);
        let count = u32::try_from(span).map_or(count, |span| count.min(span.saturating_add(1)));
        let parts = u128::from(count.max(1));
        // Only one part of the whole ring saturates, and it uses no width.
        let width = (span / parts).saturating_add(u128::from(span % parts == parts - 1));
        (0..count).map(move |index| {
            let start = self.start.0 + u128::from(index) * width;
            let end = if index + 1 == count { self.end.0 } else { start + (width - 1) };
            Self { start: HashKey(start), end: HashKey(end) }
        })
    }
}

impl fmt::Display for HashKeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pattern_and_the_range_fail_apart() {
        assert_eq!(HashKey::parse("0"), Ok(HashKey::MIN));
        assert_eq!(HashKey::parse("340282366920938463463374607431768211455"), Ok(HashKey::MAX));
        assert_eq!(HashKey::parse("340282366920938463463374607431768211456"), Err(HashKeyError::AboveMax));
        assert_eq!(HashKey::parse(&"9".repeat(39)), Err(HashKeyError::AboveMax));
        for text in ["", "00", "01", "-1", "+1", " 1", "1e3", "１", &"1".repeat(40)] {
            assert_eq!(HashKey::parse(text), Err(HashKeyError::Pattern), "{text}");
        }
    }

    /// Reference 5.3, recorded on AWS: the hashes, and the shards of a three-shard stream that they fall into.
    #[test]
    fn partition_keys_fall_where_aws_puts_them() {
        let shards: Vec<_> = HashKeyRange::WHOLE.split_evenly(3).collect();
        for (key, hash, shard) in [
            ("a", "16955237001963240173058271559858726497", 0),
            ("b", "195289424170611159128911017612795795343", 1),
            ("e", "299611584147932843547128611849858313266", 2),
            ("f", "190917122200326810055233066464581373159", 1),
        ] {
            let hash_key = HashKey::of_partition_key(key.as_bytes());
            assert_eq!(hash_key.to_string(), hash);
            assert_eq!(shards.iter().position(|range| range.contains(hash_key)), Some(shard), "{key}");
        }
    }

    #[test]
    fn the_last_of_three_shards_takes_the_remainder() {
        let ranges: Vec<_> = HashKeyRange::WHOLE.split_evenly(3).map(|range| range.to_string()).collect();
        assert_eq!(
            ranges,
            [
                "0..113427455640312821154458202477256070484",
                "113427455640312821154458202477256070485..226854911280625642308916404954512140969",
                "226854911280625642308916404954512140970..340282366920938463463374607431768211455",
            ]
        );
    }

    #[test]
    fn splits_at_the_edges() {
        assert_eq!(HashKeyRange::WHOLE.split_evenly(0).count(), 0);
        assert_eq!(HashKeyRange::WHOLE.split_evenly(1).collect::<Vec<_>>(), [HashKeyRange::WHOLE]);
        let halves: Vec<_> = HashKeyRange::WHOLE.split_evenly(2).map(|range| range.end.0).collect();
        assert_eq!(halves, [u128::MAX / 2, u128::MAX]);
        let two_keys = HashKeyRange { start: HashKey(7), end: HashKey(8) };
        let parts: Vec<_> = two_keys.split_evenly(5).map(|range| (range.start.0, range.end.0)).collect();
        assert_eq!(parts, [(7, 7), (8, 8)]);
    }

    proptest! {
        /// No key is lost and none is covered twice, whatever the range and the count.
        #[test]
        fn parts_tile_the_range(a: u128, b: u128, whole: bool, count in 1_u32..5_000) {
            let range = HashKeyRange { start: HashKey(a.min(b)), end: HashKey(a.max(b)) };
            let range = if whole { HashKeyRange::WHOLE } else { range };
            let parts: Vec<_> = range.split_evenly(count).collect();
            prop_assert_eq!(parts.first().map(|part| part.start), Some(range.start));
            prop_assert_eq!(parts.last().map(|part| part.end), Some(range.end));
            for pair in parts.windows(2) {
                prop_assert!(pair[0].start <= pair[0].end);
                prop_assert_eq!(pair[0].end.0.checked_add(1), Some(pair[1].start.0));
            }
        }

        #[test]
        fn decimal_text_round_trips(key: u128) {
            prop_assert_eq!(HashKey::parse(&key.to_string()), Ok(HashKey(key)));
        }
    }

    proptest! {
        /// Protects: parts of digits make the number that the whole text says, up to the largest and no further.
        #[test]
        fn parsing_agrees_with_the_standard_library(key in any::<u128>(), shift in 0_u32..128, text in "[1-9][0-9]{0,38}") {
            for text in [(key >> shift).to_string(), text, u128::MAX.to_string(), "340282366920938463463374607431768211456".to_owned()] {
                prop_assert_eq!(HashKey::parse(&text).ok().map(|key| key.0), text.parse::<u128>().ok());
            }
        }
    }
}
