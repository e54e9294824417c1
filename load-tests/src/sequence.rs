//! Sequence numbers as the auditor needs them: read from decimal text, compared as numbers, equal only when every
//! digit is.

/// A sequence number of up to 57 decimal digits, as base 10^19 limbs, most significant first, so that the derived
/// order is numeric order. AWS's numbers have 56 digits (reference 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sequence([u64; 3]);

const LIMB_DIGITS: usize = 19;

impl Sequence {
    /// Reads 1 to 57 decimal digits without a leading zero.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > 3 * LIMB_DIGITS || (text.len() > 1 && text[0] == b'0') || text.is_empty() {
            return None;
        }
        let (rest, low) = text.split_at(text.len().saturating_sub(LIMB_DIGITS));
        let (high, middle) = rest.split_at(rest.len().saturating_sub(LIMB_DIGITS));
        Some(Self([limb(high)?, limb(middle)?, limb(low)?]))
    }

    /// Sixty-four bits that tell two numbers apart for the auditor's comparison. Neighbouring numbers of one shard
    /// never collide, and a chance collision needs 2^-64.
    pub fn digest(self) -> u64 {
        self.0.iter().fold(0, |hash, limb| {
            let mixed = (hash ^ limb).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mixed ^ (mixed >> 32)
        })
    }
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [0, 0, low] => write!(f, "{low}"),
            [0, middle, low] => write!(f, "{middle}{low:019}"),
            [high, middle, low] => write!(f, "{high}{middle:019}{low:019}"),
        }
    }
}

/// At most 19 digits, which is below 2^64.
fn limb(digits: &[u8]) -> Option<u64> {
    let (words, rest) = digits.as_chunks::<8>();
    let mut value = 0u64;
    for word in words {
        value = value * 100_000_000 + eight_digits(*word)?;
    }
    for digit in rest {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    Some(value)
}

/// Eight digits at once: pairs, then fours, then all eight, each step one multiplication.
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const HIGH_NIBBLES: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let word = u64::from_le_bytes(text);
    let above_nine = word.wrapping_add(0x0606_0606_0606_0606) & HIGH_NIBBLES;
    if word & HIGH_NIBBLES != ZEROS || above_nine != ZEROS {
        return None;
    }
    let pairs = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(10 * 256 + 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 65_536 + 1) >> 16;
    Some((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Sequence {
        Sequence::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn text_survives_the_round_trip() {
        for text in [
            "0",
            "5",
            "9999999999999999999",
            "10000000000000000000",
            "99999999999999999999999999999999999999",
            "100000000000000000000000000000000000000",
            "49646437577108476416916876405825929425585429676275269634",
            "999999999999999999999999999999999999999999999999999999999",
        ] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn order_is_numeric_across_limbs_and_lengths() {
        let ascending = [
            "9",
            "10",
            "9999999999999999999",
            "10000000000000000000",
            "10000000000000000001",
            "49646437577108476416916876405825929425585429676275269634",
            "49646437577108476416916876405825929425585429676275269635",
            "49646437577119626789516141717395488358902386617969803266",
        ];
        for pair in ascending.windows(2) {
            assert!(parsed(pair[0]) < parsed(pair[1]), "{pair:?}");
            assert_ne!(parsed(pair[0]).digest(), parsed(pair[1]).digest());
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        let long = "1".repeat(58);
        for text in ["", "00", "01", "-1", "1 ", "1234567a", "123:5678", "12345/78", long.as_str()] {
            assert_eq!(Sequence::parse(text.as_bytes()), None, "{text}");
        }
    }
}
