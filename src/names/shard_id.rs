//! The id of a shard: `shardId-` and twelve digits.

use super::digits::{BASE, eight_digits};
use crate::limits::SHARD_INDEX_MAX;
use std::fmt;

/// A shard of a stream by its index, counted from 0 and never reused (reference 5.2). At most 2^31 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(u32);

impl ShardId {
    /// The first shard of a stream.
    pub const FIRST: Self = Self(0);

    /// Bytes of the canonical text.
    pub const TEXT_BYTES: usize = 20;

    /// The shard with this index, or `None` past 2^31 - 1.
    #[must_use]
    pub const fn new(index: u32) -> Option<Self> {
        if index <= SHARD_INDEX_MAX { Some(Self(index)) } else { None }
    }

    /// Reads an id as AWS does in requests (reference 5.2): the digits after the first `-`, or the whole text if it
    /// has none. `None` is AWS's "could not find shard", with the text as given.
    #[must_use]
    pub fn parse_lenient(text: &str) -> Option<Self> {
        let digits = text.split_once('-').map_or(text, |(_, digits)| digits);
        if digits.is_empty() {
            return None;
        }
        let index = digits.bytes().try_fold(0_u32, |index, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            index.checked_mul(10)?.checked_add(digit)
        })?;
        Self::new(index)
    }

    /// The index.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }

    /// Writes the canonical text into `out` and gives it back, without the formatter: answers carry one per record.
    #[inline]
    pub fn write_to(self, out: &mut [u8; Self::TEXT_BYTES]) -> &[u8; Self::TEXT_BYTES] {
        out[..12].copy_from_slice(b"shardId-0000");
        out[12..].copy_from_slice(&eight_digits(self.0 % BASE));
        // An index has at most ten digits; the two above eight are rarely anything but 00.
        if self.0 >= BASE {
            let above = (self.0 / BASE).to_le_bytes()[0];
            out[10] += above / 10;
            out[11] += above % 10;
        }
        out
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = [0; Self::TEXT_BYTES];
        f.pad(std::str::from_utf8(self.write_to(&mut out)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(text: &str) -> Option<u32> {
        ShardId::parse_lenient(text).map(ShardId::index)
    }

    #[test]
    fn lenient_input_is_read_as_aws_reads_it() {
        assert_eq!(index("shardId-000000000000"), Some(0));
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("shard-0"), Some(0));
        assert_eq!(index("foo-0"), Some(0));
        assert_eq!(index("shardId-5"), Some(5));
        assert_eq!(index("2147483647"), Some(2_147_483_647));
        assert_eq!(index("-00002147483647"), Some(2_147_483_647));
        assert_eq!(index("a-00002147483647"), Some(2_147_483_647));
    }

    #[test]
    fn what_aws_cannot_find_is_refused() {
        for text in [
            "",
            "-",
            "a-",
            "2.14E4",
            "ABKLFD8",
            "2147483648",
            "shardId-002147483648",
            "a-b-0",
            "--1",
            "+1",
            "a- 1",
        ] {
            assert_eq!(index(text), None, "{text}");
        }
        assert_eq!(index(&"9".repeat(100)), None);
        assert_eq!(ShardId::new(1 << 31), None);
    }

    proptest! {
        /// Both writers agree with the formatter's twelve digits, and the text is read back.
        #[test]
        fn text_is_canonical(index in 0..=SHARD_INDEX_MAX) {
            let shard = ShardId::new(index).unwrap();
            let text = format!("shardId-{index:012}");
            prop_assert_eq!(shard.to_string(), text.clone());
            let mut out = [0xff; ShardId::TEXT_BYTES];
            prop_assert_eq!(shard.write_to(&mut out), text.as_bytes());
            prop_assert_eq!(ShardId::parse_lenient(&text), Some(shard));
        }
    }
}
