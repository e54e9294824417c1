//! Dates as signatures have them: ISO 8601 in its basic form, `20231114T221320Z`.

use std::fmt;
use std::time::UNIX_EPOCH;

use time::{Date, Month, OffsetDateTime, Time};

/// Epoch seconds, printed in the basic form.
pub(super) struct BasicDate(pub(super) u64);

impl BasicDate {
    /// Reads exactly that form.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            let digits = text.get(range)?;
            digits.iter().try_fold(0, |number, digit| {
                digit.is_ascii_digit().then(|| 10 * number + u32::from(digit - b'0'))
            })
        };
        let small = |range| u8::try_from(number(range)?).ok();
        if text.len() != 16 || text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let month = Month::try_from(small(4..6)?).ok()?;
        let date = Date::from_calendar_date(i32::try_from(number(0..4)?).ok()?, month, small(6..8)?).ok()?;
        let time = Time::from_hms(small(9..11)?, small(11..13)?, small(13..15)?).ok()?;
        let timestamp = OffsetDateTime::new_utc(date, time).unix_timestamp();
        u64::try_from(timestamp).ok().map(Self)
    }

    /// Reads the basic form, or that of a `Date` header field: `Tue, 14 Nov 2023 22:13:20 GMT`.
    pub(super) fn parse_any(text: &[u8]) -> Option<Self> {
        Self::parse(text).or_else(|| {
            let date = httpdate::parse_http_date(std::str::from_utf8(text).ok()?).ok()?;
            date.duration_since(UNIX_EPOCH).ok().map(|since| Self(since.as_secs()))
        })
    }
}

impl fmt::Display for BasicDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0).unwrap_or(i64::MAX);
        let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = (date.hour(), date.minute(), date.second());
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: both forms name the same second, and the basic one comes back as it was.
    #[test]
    fn dates() {
        for (text, seconds) in [
            ("20231114T221320Z", 1_700_000_000),
            ("20240229T235959Z", 1_709_251_199),
            ("19700101T000000Z", 0),
        ] {
            assert_eq!(BasicDate::parse(text.as_bytes()).map(|date| date.0), Some(seconds), "{text}");
            assert_eq!(BasicDate(seconds).to_string(), text);
        }
        let http = BasicDate::parse_any(b"Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(http.map(|date| date.0), Some(1_700_000_000));
        for text in [
            "",
            "20231114",
            "20231114t221320Z",
            "2023-11-14T22:13:20Z",
            "20231314T221320Z",
            "20230229T000000Z",
            "20231114T241320Z",
            "20231114T2213201",
            "2023111xT221320Z",
            "1969123\u{e9}T235959",
            "19691231T235959Z",
        ] {
            assert!(BasicDate::parse_any(text.as_bytes()).is_none(), "{text}");
        }
    }
}
