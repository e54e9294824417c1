//! Partition keys as bytes that are known to be UTF-8.

/// A partition key, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionKey<'a>(&'a [u8]);

impl<'a> PartitionKey<'a> {
    /// A key at hand as text.
    #[must_use]
    pub const fn of(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// A key whose bytes were seen to be UTF-8, as those of a parsed string are.
    #[must_use]
    pub fn of_utf8(bytes: &'a [u8]) -> Self {
        debug_assert!(std::str::from_utf8(bytes).is_ok());
        Self(bytes)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Protects: characters are counted as `str` counts them.
        #[test]
        fn characters_are_counted(text in "\\PC{0,40}") {
            prop_assert_eq!(PartitionKey::of(&text).chars_count(), text.chars().count());
        }
    }
}
