//! The region of a stream, kept inline: it is part of every lookup and must not cost an allocation.

use std::fmt;

/// Characters of a region name, at most.
const CHARS_MAX: usize = 31;

/// How the names of regions begin that are not in the partition `aws`, and the one that they are in.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// A region name such as `us-east-1`: 1 to 31 of `[a-z0-9-]`. Any such name is served, known to AWS or not.
// Unused bytes are zero and sort before every allowed character, so the derived order is the text's order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    bytes: [u8; CHARS_MAX],
    len: u8,
}

impl Region {
    /// The region of requests that name none.
    pub const US_EAST_1: Self = Self::of(b"us-east-1");

    /// Reads a region name; `None` for an empty, long or oddly spelt one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    /// As [`Self::parse`], from the bytes of a text.
    #[must_use]
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        let allowed = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if text.is_empty() || text.len() > CHARS_MAX || !text.iter().all(allowed) {
            return None;
        }
        Some(Self::of(text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The ARN partition that the region belongs to (reference 5.1).
    #[must_use]
    pub fn partition(&self) -> &'static str {
        let name = self.as_str();
        let found = PARTITIONS.iter().find(|(prefix, _)| name.starts_with(prefix));
        found.map_or("aws", |(_, partition)| partition)
    }

    /// Copies a checked name of at most [`CHARS_MAX`] bytes.
    const fn of(text: &[u8]) -> Self {
        let mut bytes = [0; CHARS_MAX];
        bytes.split_at_mut(text.len()).0.copy_from_slice(text);
        #[allow(clippy::cast_possible_truncation, reason = "at most 31")]
        Self { bytes, len: text.len() as u8 }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_is_us_east_1() {
        assert_eq!(Region::US_EAST_1.as_str(), "us-east-1");
        assert_eq!(Region::parse("us-east-1"), Some(Region::US_EAST_1));
        assert_eq!(format!("{:?}", Region::US_EAST_1), "Region(us-east-1)");
    }

    #[test]
    fn bad_names_are_refused() {
        for text in ["", "US-EAST-1", "us_east_1", "us east", "é", "abcdefghijklmnopqrstuvwxyz-12345", "a\0"]
        {
            assert_eq!(Region::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_partition_follows_the_region() {
        let partition = |text: &str| Region::parse(text).unwrap().partition();
        assert_eq!(partition("eu-west-1"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("eusc-de-east-1"), "aws-eusc");
    }

    proptest! {
        /// A region is its text: nothing is lost, and sorting regions sorts their names.
        #[test]
        fn text_round_trips_and_orders(a in "[a-z0-9-]{1,31}", b in "[a-z0-9-]{1,31}") {
            let (left, right) = (Region::parse(&a).unwrap(), Region::parse(&b).unwrap());
            prop_assert_eq!(left.as_str(), &a);
            prop_assert_eq!(left.to_string(), a.clone());
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        }
    }
}
