//! Readers of single values: strict, so that a typing error stops the start instead of changing a test run.

use super::{InitialStream, Limit};
use crate::limits::{MEMORY_LIMIT_BYTES_MIN, ON_DEMAND_SHARDS_INITIAL, SHARD_COUNT_MAX, WORKERS_MAX};
use crate::names::{AccountId, Region, StreamName};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// A value that its setting does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadValue {
    /// The part that is wrong, where the value is a list.
    pub(super) part: Option<String>,
}

/// A value that is wrong as a whole.
pub(super) const BAD: BadValue = BadValue { part: None };

/// An IP address, or `localhost` for 127.0.0.1.
pub(super) fn host(text: &str) -> Result<IpAddr, BadValue> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().map_err(|_| BAD)
}

/// `[host][:port],...`, the host of an IPv6 address in brackets; what an item leaves out is as in `usual`. Blanks around
/// items are tolerated.
pub(super) fn addresses(text: &str, usual: SocketAddr) -> Result<Vec<SocketAddr>, BadValue> {
    let mut addresses = Vec::new();
    for item in text.split(',').map(str::trim) {
        let bad_item = || BadValue { part: Some(item.to_owned()) };
        let address = address(item, usual).ok_or_else(bad_item)?;
        // Port 0 is a free one, and there are many.
        if address.port() != 0 && addresses.contains(&address) {
            return Err(bad_item());
        }
        addresses.push(address);
    }
    Ok(addresses)
}

fn address(item: &str, usual: SocketAddr) -> Option<SocketAddr> {
    let (host, port) = match item.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => item.split_once(':').map_or((item, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() && port.is_none() {
        return None;
    }
    let host = if host.is_empty() { usual.ip() } else { self::host(host).ok()? };
    let port = port.map_or(Some(usual.port()), |port| whole(port, 0..=u16::MAX).ok())?;
    Some(SocketAddr::new(host, port))
}

/// Decimal digits that make a number within `range`.
pub(super) fn whole<N: FromStr + PartialOrd>(text: &str, range: RangeInclusive<N>) -> Result<N, BadValue> {
    // `parse` alone would take a plus sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BAD);
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or(BAD)
}

/// `true` or `false`, `1` or `0`, in any case.
pub(super) fn truth(text: &str) -> Result<bool, BadValue> {
    word(text, &[("true", true), ("false", false), ("1", true), ("0", false)])
}

/// The longest time of a setting, in ms: a day.
pub(super) const DURATION_MS_MAX: u64 = 24 * 3_600_000;

/// Units of time as kinesis-mock spells them: the short form, the words, which may end in an `s`, and the length in ns.
const UNITS_NS: &[(&str, &[&str], f64)] = &[
    ("ns", &["nano", "nanosecond"], 1.0),
    ("\u{b5}s", &["micro", "microsecond"], 1e3),
    ("us", &[], 1e3),
    ("ms", &["milli", "millisecond"], 1e6),
    ("s", &["sec", "second"], 1e9),
    ("m", &["min", "minute"], 60e9),
    ("h", &["hr", "hour"], 3_600e9),
    ("d", &["day"], 86_400e9),
];

/// A time such as `500ms`, `1 second` or `1.5 minutes`, or a bare number of milliseconds; at most a day. In ms, to the
/// nearest.
pub(super) fn duration_ms(text: &str) -> Result<u64, BadValue> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(BAD);
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    if unit.is_empty() {
        return whole(number, 0..=DURATION_MS_MAX);
    }
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    let of_unit = UNITS_NS.iter().find(|(short, words, _)| *short == unit || words.contains(&singular));
    let (.., unit_ns) = of_unit.ok_or(BAD)?;
    let ms = (number.parse::<f64>().map_err(|_| BAD)? * unit_ns / 1e6).round();
    // Compared first, so that nothing is cut off.
    if ms > DURATION_MS_MAX as f64 {
        return Err(BAD);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a day's milliseconds")]
    Ok(ms as u64)
}

/// An account: twelve digits.
pub(super) fn account(text: &str) -> Result<AccountId, BadValue> {
    AccountId::parse(text).ok_or(BAD)
}

/// A region.
pub(super) fn region(text: &str) -> Result<Region, BadValue> {
    Region::parse(text).ok_or(BAD)
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

/// The name of a file, without a folder.
pub(super) fn file_name(text: &str) -> Result<String, BadValue> {
    if ["", ".", ".."].contains(&text) || text.contains('/') { Err(BAD) } else { Ok(text.to_owned()) }
}

/// One word of a closed list, in any case: kinesis-mock's levels are in capitals.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, BadValue> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value).ok_or(BAD)
}

/// `name[:shards[:region]],...`; a number or region that is left out or empty is four or the usual one. Blanks around
/// items and a comma after the last are tolerated, as by kinesis-mock.
pub(super) fn streams(text: &str, usual: Region) -> Result<Vec<InitialStream>, BadValue> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut streams: Vec<InitialStream> = Vec::new();
    for item in text.strip_suffix(',').unwrap_or(text).split(',') {
        let bad_item = || BadValue { part: Some(item.trim().to_owned()) };
        let stream = stream(item.trim(), usual).ok_or_else(bad_item)?;
        if streams.iter().any(|other| (&other.name, other.region) == (&stream.name, stream.region)) {
            return Err(bad_item());
        }
        streams.push(stream);
    }
    Ok(streams)
}

fn stream(item: &str, usual: Region) -> Option<InitialStream> {
    let mut parts = item.split(':').map(str::trim);
    let name = StreamName::parse(parts.next()?)?;
    let shards = match parts.next().unwrap_or_default() {
        "" => ON_DEMAND_SHARDS_INITIAL,
        count => whole(count, 1..=SHARD_COUNT_MAX).ok()?,
    };
    let region = match parts.next().unwrap_or_default() {
        "" => usual,
        region => Region::parse(region)?,
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
        let streams = streams(text, Region::US_EAST_1).unwrap();
        streams.iter().map(|s| (s.name.to_string(), s.shards, s.region.to_string())).collect()
    }

    fn expected(streams: &[(&str, u32, &str)]) -> Vec<(String, u32, String)> {
        streams.iter().map(|(name, shards, region)| ((*name).into(), *shards, (*region).into())).collect()
    }

    #[test]
    fn initial_streams_have_defaults_from_the_right() {
        assert_eq!(parts(""), []);
        assert_eq!(parts("a"), expected(&[("a", 4, "us-east-1")]));
        let region = Region::parse("eu-west-1").unwrap();
        assert_eq!(streams("a,b:1", region).unwrap().iter().filter(|s| s.region == region).count(), 2);
        assert_eq!(
            parts("a:,b::us-west-2,c:1:,d::"),
            expected(&[
                ("a", 4, "us-east-1"),
                ("b", 4, "us-west-2"),
                ("c", 1, "us-east-1"),
                ("d", 4, "us-east-1")
            ])
        );
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
            assert_eq!(
                streams(text, Region::US_EAST_1),
                Err(BadValue { part: Some(part.to_owned()) }),
                "{text}"
            );
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

    /// Protects: LocalStack's forms of an address, each part of which may be left out, and brackets around IPv6.
    #[test]
    fn addresses_may_leave_out_a_part() {
        let usual = "127.0.0.1:4566".parse().unwrap();
        let read = |text: &str| {
            addresses(text, usual)
                .map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for (text, all) in [
            ("0.0.0.0:4566", "0.0.0.0:4566"),
            ("0.0.0.0", "0.0.0.0:4566"),
            (":4510", "127.0.0.1:4510"),
            ("localhost:1", "127.0.0.1:1"),
            ("[::]:4566", "[::]:4566"),
            ("[::1]", "[::1]:4566"),
            ("0.0.0.0:4566, 0.0.0.0:443", "0.0.0.0:4566 0.0.0.0:443"),
            (":0,:0", "127.0.0.1:0 127.0.0.1:0"),
        ] {
            assert_eq!(read(text), Ok(all.to_owned()), "{text}");
        }
        for (text, part) in [
            ("", ""),
            ("0.0.0.0:1,", ""),
            (":", ":"),
            (":x", ":x"),
            ("::1", "::1"),
            ("[::1", "[::1"),
            ("[::1]4566", "[::1]4566"),
            ("example.com:1", "example.com:1"),
            ("0.0.0.0:65536", "0.0.0.0:65536"),
            (":1,127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(read(text), Err(BadValue { part: Some(part.to_owned()) }), "{text}");
        }
    }

    /// Protects: the spellings of kinesis-mock's durations, of which the README of that system shows `500ms`.
    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("500ms", 500),
            ("0ms", 0),
            ("0", 0),
            ("250", 250),
            ("1 second", 1_000),
            ("1second", 1_000),
            ("2 seconds", 2_000),
            ("5s", 5_000),
            ("3 sec", 3_000),
            ("1.5 minutes", 90_000),
            ("1m", 60_000),
            ("2 mins", 120_000),
            ("1 h", 3_600_000),
            ("3 hrs", 10_800_000),
            ("2 hours", 7_200_000),
            ("1 day", 86_400_000),
            ("10 millis", 10),
            ("7 milliseconds", 7),
            ("1500 micros", 2),
            ("1500us", 2),
            ("400\u{b5}s", 0),
            ("2000000 nanos", 2),
        ] {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in [
            "",
            "ms",
            "-1s",
            "+1s",
            "1.5",
            "1.2.3s",
            ".5s",
            "1 fortnight",
            "1 mss",
            "2 days",
            "86400001",
            "1e3s",
            "Inf",
            "5 s s",
        ] {
            assert_eq!(duration_ms(text), Err(BAD), "{text}");
        }
    }

    #[test]
    fn truth_is_a_word_or_a_digit() {
        for (text, value) in [("true", true), ("False", false), ("1", true), ("0", false)] {
            assert_eq!(truth(text), Ok(value));
        }
        for text in ["", "yes", "on", "2", "t"] {
            assert_eq!(truth(text), Err(BAD), "{text}");
        }
    }

    #[test]
    fn there_is_always_a_worker() {
        assert!((1..=WORKERS_MAX).contains(&available_workers()));
    }
}
