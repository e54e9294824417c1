//! The account that owns a stream: twelve decimal digits.

use std::fmt;

/// An AWS account id, kept as a number below 10^12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountId(u64);

impl AccountId {
    /// The account of callers whose access key names none (reference 2).
    pub const DEFAULT: Self = Self(0);

    /// Reads exactly twelve ASCII digits; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    /// As [`Self::parse`], from the bytes of a text.
    #[must_use]
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        if text.len() != 12 || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self(text.iter().fold(0, |number, digit| 10 * number + u64::from(digit - b'0'))))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_come_back_with_their_zeros() {
        for text in ["000000000000", "000000000012", "123456789012", "999999999999"] {
            assert_eq!(AccountId::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(AccountId::DEFAULT.to_string(), "000000000000");
    }

    #[test]
    fn anything_but_twelve_digits_is_refused() {
        for text in
            ["", "12345678901", "1234567890123", "12345678901a", "+12345678901", "1234-5678-90", "１２３４"]
        {
            assert_eq!(AccountId::parse(text), None, "{text}");
        }
    }
}
