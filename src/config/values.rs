//! Readers of single values: strict, so that a typing error stops the start instead of changing a test run.

use super::{InitialStream, Limit};
use crate::limits::{MEMORY_LIMIT_BYTES_MIN, ON_DEMAND_SHARDS_INITIAL, SHARD_COUNT_MAX, WORKERS_MAX};
use crate::names::{Region, StreamName};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// A value that its setting does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadValue {
    /// The part that is wrong, where the value is a list.
    pub(super) part: Option<String>,
}

const BAD: BadValue = BadValue { part: None };

/// An IP address, or `localhost` for 127.0.0.1.
pub(super) fn host(text: &str) -> Result<IpAddr, BadValue> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().map_err(|_| BAD)
}

/// Decimal digits that make a number within `range`.
pub(super) fn whole<N: FromStr + PartialOrd>(text: &str, range: RangeInclusive<N>) -> Result<N, BadValue> {
    // `parse` alone would take a plus sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BAD);
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or(BAD)
}

/// A count of worker threads.
pub(super) fn workers(text: &str) -> Result<usize, BadValue> {
    whole(text, 1..=WORKERS_MAX)
}

/// A share, 0.0 to 1.0.
pub(super) fn probability(text: &str) -> Result<f64, BadValue> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or(BAD)
}

/// A whole number, or `Infinity` in any case.
pub(super) fn limit(text: &str) -> Result<Limit, BadValue> {
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(Limit::Infinite);
    }
    whole(text, 0..=u64::MAX).map(Limit::At)
}

/// A size in bytes, with KiB, MiB or GiB after it if one likes, or `Infinity`.
pub(super) fn bytes_limit(text: &str) -> Result<Limit, BadValue> {
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(Limit::Infinite);
    }
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let with_unit =
        units.into_iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.trim_end(), bytes)));
    let (number, unit_bytes): (&str, u64) = with_unit.unwrap_or((text, 1));
    let bytes = whole(number, 0..=u64::MAX)?.checked_mul(unit_bytes).ok_or(BAD)?;
    if bytes < MEMORY_LIMIT_BYTES_MIN { Err(BAD) } else { Ok(Limit::At(bytes)) }
}

/// Where a file is, or is to be. Whether it can be used is seen when it is.
pub(super) fn path(text: &str) -> Result<PathBuf, BadValue> {
    if text.is_empty() { Err(BAD) } else { Ok(PathBuf::from(text)) }
}

/// One word of a closed list, in any case: kinesis-mock's levels are in capitals.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, BadValue> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value).ok_or(BAD)
}

/// `name[:shards[:region]],...`; blanks around items and a comma after the last are tolerated, as by kinesis-mock.
pub(super) fn streams(text: &str) -> Result<Vec<InitialStream>, BadValue> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut streams: Vec<InitialStream> = Vec::new();
    for item in text.strip_suffix(',').unwrap_or(text).split(',') {
        let bad_item = || BadValue { part: Some(item.trim().to_owned()) };
        let stream = stream(item.trim()).ok_or_else(bad_item)?;
        if streams.iter().any(|other| (&other.name, other.region) == (&stream.name, stream.region)) {
            return Err(bad_item());
        }
        streams.push(stream);
    }
    Ok(streams)
}

fn stream(item: &str) -> Option<InitialStream> {
    let mut parts = item.split(':').map(str::trim);
    let name = StreamName::parse(parts.next()?)?;
    let shards = match parts.next() {
        Some(count) => whole(count, 1..=SHARD_COUNT_MAX).ok()?,
        None => ON_DEMAND_SHARDS_INITIAL,
    };
    let region = match parts.next() {
        Some(region) => Region::parse(region)?,
        None => Region::US_EAST_1,
    };
    parts.next().is_none().then_some(InitialStream { name, shards, region })
}

/// One worker per core that the process may use, within the limit.
pub(super) fn available_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, u32, String)> {
        let streams = streams(text).unwrap();
        streams.iter().map(|s| (s.name.to_string(), s.shards, s.region.to_string())).collect()
    }

    fn expected(streams: &[(&str, u32, &str)]) -> Vec<(String, u32, String)> {
        streams.iter().map(|(name, shards, region)| ((*name).into(), *shards, (*region).into())).collect()
    }

    #[test]
    fn initial_streams_have_defaults_from_the_right() {
        assert_eq!(parts(""), []);
        assert_eq!(parts("a"), expected(&[("a", 4, "us-east-1")]));
        assert_eq!(
            parts(" a:1 ,\tb:2:eu-west-1,  c , a : 3 : eu-west-1 ,"),
            expected(&[
                ("a", 1, "us-east-1"),
                ("b", 2, "eu-west-1"),
                ("c", 4, "us-east-1"),
                ("a", 3, "eu-west-1")
            ])
        );
    }

    /// The message names the item, since a list may be long.
    #[test]
    fn one_bad_item_spoils_the_list() {
        for (text, part) in [
            ("a,b:0", "b:0"),
            ("a:x", "a:x"),
            ("a:-1", "a:-1"),
            ("a:", "a:"),
            ("a::eu-west-1", "a::eu-west-1"),
            ("a:1:", "a:1:"),
            ("a:1:EU", "a:1:EU"),
            ("a:1:eu-west-1:x", "a:1:eu-west-1:x"),
            ("a:1000001", "a:1000001"),
            ("a b:1", "a b:1"),
            (":1", ":1"),
            ("a,,b", ""),
            ("a,,", ""),
            (",", ""),
            ("a:1,a:2", "a:2"),
            ("a,a:4:us-east-1", "a:4:us-east-1"),
        ] {
            assert_eq!(streams(text), Err(BadValue { part: Some(part.to_owned()) }), "{text}");
        }
    }

    #[test]
    fn numbers_are_digits_within_their_range() {
        assert_eq!(whole("0", 0..=9), Ok(0_u8));
        assert_eq!(whole("007", 0..=9), Ok(7_u8));
        for text in ["", "-1", "+1", "1.0", "1e1", " 1", "10", "0x1", "９", "99999999999999999999"] {
            assert_eq!(whole(text, 0..=9_u8), Err(BAD), "{text}");
        }
    }

    #[test]
    fn shares_lie_between_none_and_all() {
        for (text, share) in
            [("0", 0.0), ("0.0", 0.0), (".5", 0.5), ("1", 1.0), ("1.0", 1.0), ("1e-3", 0.001)]
        {
            assert_eq!(probability(text), Ok(share), "{text}");
        }
        for text in ["", "-0.1", "1.1", "NaN", "inf", "50%", "0,5"] {
            assert_eq!(probability(text), Err(BAD), "{text}");
        }
    }

    #[test]
    fn hosts_are_addresses() {
        assert_eq!(host("localhost").unwrap().to_string(), "127.0.0.1");
        assert_eq!(host("0.0.0.0").unwrap().to_string(), "0.0.0.0");
        assert_eq!(host("::1").unwrap().to_string(), "::1");
        for text in ["", "example.com", "127.0.0", "127.0.0.1:80", "[::1]"] {
            assert_eq!(host(text), Err(BAD), "{text}");
        }
    }

    #[test]
    fn there_is_always_a_worker() {
        assert!((1..=WORKERS_MAX).contains(&available_workers()));
    }
}
