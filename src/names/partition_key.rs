//! Partition keys as bytes that are known to be UTF-8.

/// A partition key, borrowed. Holding one is proof that its bytes are UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionKey<'a>(&'a [u8]);

impl<'a> PartitionKey<'a> {
    /// A key at hand as text.
    #[must_use]
    pub const fn of(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// A key as it stands in a JSON string without escapes; `None` if such a string cannot hold these bytes.
    ///
    /// Nearly all keys are plain ASCII, which one look at each eight bytes tells.
    #[must_use]
    pub fn of_json(bytes: &'a [u8]) -> Option<Self> {
        if is_plain(bytes) {
            return Some(Self(bytes));
        }
        let has_control = bytes.iter().any(|byte| *byte < b' ');
        (!has_control && std::str::from_utf8(bytes).is_ok()).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Characters in the key.
    #[must_use]
    pub fn chars_count(self) -> usize {
        // In UTF-8, every byte that does not go on with a character begins one.
        self.0.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }
}

/// Whether all bytes are ASCII from the blank up. May say no where that is so; says yes only where it is.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(tail) = bytes.last_chunk::<8>() else {
        return bytes.iter().all(|byte| (b' '..0x80).contains(byte));
    };
    // The tail may overlap the last whole word, which does no harm.
    let words = bytes.chunks_exact(8).map(|word| {
        u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]])
    });
    let hits =
        words.chain([u64::from_le_bytes(*tail)]).fold(0, |hits, word| hits | below_blank_or_high(word));
    hits == 0
}

/// Bits for bytes below 0x20 or above 0x7f; a borrow between bytes can only add some.
const fn below_blank_or_high(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    (word.wrapping_sub(ONES * 0x20) | word) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Protects: exactly what a JSON string may hold without escapes is a key, wherever in it the odd byte is.
        #[test]
        fn keys_are_utf8_without_controls(bytes in prop::collection::vec(prop_oneof![20 => 32_u8..127, 1 => any::<u8>()], 0..40)) {
            let good = std::str::from_utf8(&bytes).is_ok() && bytes.iter().all(|byte| *byte >= b' ');
            prop_assert_eq!(PartitionKey::of_json(&bytes).is_some(), good);
        }

        /// Protects: characters are counted as `str` counts them.
        #[test]
        fn characters_are_counted(text in "\\PC{0,40}") {
            prop_assert_eq!(PartitionKey::of(&text).chars_count(), text.chars().count());
        }
    }
}
