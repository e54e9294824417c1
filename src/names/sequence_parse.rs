//! Reading a sequence number that a client sent: versions 0 to 2 (reference 5.4).
//!
//! Old versions no longer come from any stream, but AWS still decodes them, and which error a client gets depends on
//! what they say. What is not checked here is left to the caller: another shard, another stream, a time to come.

use super::sequence::{TIME_BITS, shift};
use super::{SequenceNumber, SequenceValue};

/// A well-formed sequence number of some version, not necessarily one that was ever issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// 0, 1 or 2.
    pub version: u8,
    /// When the shard was created, in epoch seconds.
    pub created_s: u64,
    /// Index of the shard. It can be negative, and AWS prints it so (reference 5.2); see [`Parsed::shard_text`].
    pub shard: i32,
    /// When the record arrived, in epoch seconds; version 0 does not say.
    pub time_s: Option<u64>,
    /// The counter of version 2.
    pub counter: Option<u64>,
    /// The integer, to compare with a [`SequenceNumber`]. A number below 2^124 has 2^124 added, as in AWS's answers.
    pub value: SequenceValue,
}

/// Creation times of version 0 from here on are refused, in epoch seconds.
const VERSION_0_CREATED_S_END: u64 = 16_025_175_000;

impl Parsed {
    /// Reads a number in AWS's decimal form; `None` if it breaks the model's pattern, belongs to no version from 0
    /// to 2, or holds a field that AWS refuses.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value = SequenceValue::parse(text)?;
        if value < SequenceValue::power_of_two(129) {
            return Self::version_0(value);
        }
        // 47 nibbles of which the first is 2, or there is no version to look at.
        if value.bits(shift::TAG, 8) != 2 {
            return None;
        }
        match value.bits(0, 4) {
            1 => Some(Self::version_1(value)),
            2 => Self::version_2(value),
            _ => None,
        }
    }

    /// The shard as AWS prints it in an answer: `shardId-000000000005`, `shardId--02147483648`.
    #[must_use]
    pub fn shard_text(&self) -> String {
        format!("shardId-{:012}", self.shard)
    }

    /// 32 nibbles: a first one that is not looked at, creation time (9), a byte (2), unknown (16), shard index (4).
    fn version_0(value: SequenceValue) -> Option<Self> {
        let lowest = SequenceValue::power_of_two(124);
        let value = if value < lowest { value.checked_add(lowest)? } else { value };
        // Fields are counted from the top, and from 2^128 on there is one nibble more.
        let spare = if value < SequenceValue::power_of_two(128) { 0 } else { 4 };
        let created_s = value.bits(88 + spare, TIME_BITS);
        if created_s >= VERSION_0_CREATED_S_END {
            return None;
        }
        let shard = i32::try_from(value.bits(spare, 16)).ok()?;
        Some(Self { version: 0, created_s, shard, time_s: None, counter: None, value })
    }

    /// As version 2 up to the shard's nibble, then a byte (2), time (9), random (14), a short counter (2), shard (8).
    fn version_1(value: SequenceValue) -> Self {
        Self {
            version: 1,
            created_s: value.bits(shift::CREATED, TIME_BITS),
            shard: signed_shard(value),
            time_s: Some(value.bits(100, TIME_BITS)),
            counter: None,
            value,
        }
    }

    fn version_2(value: SequenceValue) -> Option<Self> {
        let counter = value.bits(shift::COUNTER, 64);
        (counter <= SequenceNumber::COUNTER_MAX).then(|| Self {
            version: 2,
            created_s: value.bits(shift::CREATED, TIME_BITS),
            shard: signed_shard(value),
            time_s: Some(value.bits(shift::TIME, TIME_BITS)),
            counter: Some(counter),
            value,
        })
    }
}

/// The 32 bits of the shard index, read as a signed number.
fn signed_shard(value: SequenceValue) -> i32 {
    // The field has 32 bits; the wrap is what is meant.
    #[expect(clippy::cast_possible_truncation)]
    let shard = value.bits(shift::SHARD, 32) as i32;
    shard
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::any_number;
    use super::*;
    use proptest::prelude::*;

    /// The number of 47 nibbles or fewer.
    fn hex(nibbles: &str) -> Option<Parsed> {
        let padded = format!("{nibbles:0>48}");
        let word = |index: usize| u64::from_str_radix(&padded[index * 16..][..16], 16).unwrap();
        Parsed::parse(&SequenceValue::from_words([word(0), word(1), word(2)]).to_string())
    }

    /// A number that Kinesis issued in 2019.
    #[test]
    fn a_production_number_is_understood() {
        let parsed = Parsed::parse("49594189147623985939251953501666965394405037144469929986").unwrap();
        assert_eq!((parsed.version, parsed.shard, parsed.counter), (2, 0, Some(195)));
        // 2019-03-26T02:51:52Z and 02:52:15Z.
        assert_eq!((parsed.created_s, parsed.time_s), (1_553_568_712, Some(1_553_568_735)));
    }

    /// Recorded on AWS: a small integer is version 0 with the shard in its lowest nibbles, printed with 2^124 added.
    #[test]
    fn small_integers_are_version_0() {
        let parsed = Parsed::parse("5").unwrap();
        assert_eq!((parsed.version, parsed.shard, parsed.created_s, parsed.time_s), (0, 5, 0, None));
        assert_eq!(parsed.shard_text(), "shardId-000000000005");
        assert_eq!(Parsed::parse("0").unwrap().value.to_string(), "21267647932558653966460912964485513216");
        let parsed = Parsed::parse("425352958651173072921826052383309826").unwrap();
        assert_eq!(parsed.shard, 2);
        assert_eq!(parsed.value.to_string(), "21693000891209827039382739016868823042");
    }

    /// Recorded on AWS for version 0; version 2 takes any creation time (`all_ones_are_accepted`).
    #[test]
    fn late_creation_is_refused_in_version_0() {
        assert_eq!(hex("13bb2cc3d80000000000000000000000"), None);
        let parsed = hex("13bb2cc3d7ff7fffffffffffffff0000").unwrap();
        assert_eq!((parsed.version, parsed.created_s, parsed.shard), (0, 16_025_174_999, 0));
    }

    #[test]
    fn version_0_reaches_to_2_to_the_129() {
        let parsed = hex("100000000520000000000000000000070").unwrap();
        assert_eq!((parsed.version, parsed.created_s, parsed.shard), (0, 5, 7));
        assert_eq!(hex("1000000005200000000000000000007").unwrap().version, 0);
        assert_eq!(hex("200000000000000000000000000000000"), None);
    }

    #[test]
    fn version_1_is_read() {
        let parsed = hex("20655f3c405ab0655f3c46123456789abcdef0000000051").unwrap();
        assert_eq!((parsed.version, parsed.shard, parsed.counter), (1, 5, None));
        assert_eq!((parsed.created_s, parsed.time_s), (0x0_655f_3c40, Some(0x0_655f_3c46)));
        assert_eq!(hex("20000000000000000000000000000000000000000000001").unwrap().version, 1);
    }

    /// The numbers that AWS took and refused when they were tried on it.
    #[test]
    fn all_ones_are_accepted() {
        let parsed = hex("2ffffffffff7fffffffffffffff000000000007fffffff2").unwrap();
        assert_eq!(
            (parsed.version, parsed.shard, parsed.counter),
            (2, i32::MAX, Some(SequenceNumber::COUNTER_MAX))
        );
        assert_eq!((parsed.created_s, parsed.time_s), (SequenceNumber::TIME_S_MAX, Some(0)));
        let negative = hex("20000000000000000000000000000000000000800000002").unwrap();
        assert_eq!(negative.shard_text(), "shardId--02147483648");
        assert_eq!(hex("20000000000000000000000000000000000000000000002").unwrap().counter, Some(0));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        // A counter with its top bit, each version that is not known, each first nibble that is not 2.
        assert_eq!(hex("20000000000800000000000000000000000000000000002"), None);
        for version in ["0", "3", "4", "f"] {
            assert_eq!(
                hex(&format!("2000000000000000000000000000000000000000000000{version}")),
                None,
                "{version}"
            );
        }
        assert_eq!(hex("30000000000000000000000000000000000000000000001"), None);
        assert_eq!(hex("1ffffffffff7fffffffffffffff000000000007fffffff2"), None);
        assert_eq!(hex("120000000000000000000000000000000000000000000002"), None);
        for text in ["", "05", "-5", "5 ", "shardId-5", &"9".repeat(129), &"1".repeat(130)] {
            assert_eq!(Parsed::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// What a shard issues, it understands again.
        #[test]
        fn issued_numbers_round_trip(number in any_number()) {
            let parsed = Parsed::parse(&number.to_string()).unwrap();
            prop_assert_eq!(parsed.version, 2);
            prop_assert_eq!(parsed.created_s, number.created_s());
            prop_assert_eq!(u32::try_from(parsed.shard), Ok(number.shard_index()));
            prop_assert_eq!(parsed.counter, Some(number.counter()));
            prop_assert_eq!(parsed.time_s, Some(number.time_s()));
            prop_assert_eq!(parsed.value, number.value());
        }

        /// Whatever a client sends, reading it does not panic.
        #[test]
        fn any_text_is_survived(text in "[0-9]{0,140}|.*") {
            let _ = Parsed::parse(&text);
        }
    }
}
