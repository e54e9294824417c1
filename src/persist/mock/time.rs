//! Times as kinesis-mock writes them: ISO 8601 of streams and shards, seconds with a fraction of records and consumers.

const DAY_S: u64 = 86_400;

/// `2026-11-23T12:28:50.868442Z` as epoch milliseconds, what is finer cut off; `None` for anything else, and for times
/// before 1970.
pub(super) fn parse_iso(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits = fraction.bytes().chain(*b"00").take(3);
    let ms = digits.map(|digit| digit.is_ascii_digit().then(|| u64::from(digit - b'0')));
    let ms = ms.collect::<Option<Vec<_>>>()?.into_iter().fold(0, |ms, digit| 10 * ms + digit);
    let seconds = days_since_1970(year, month, day) * DAY_S + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + ms)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Of a date of the Gregorian calendar, from 1970 on.
const fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March end with the leap day, if there is one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    days - 719_469
}

/// Epoch milliseconds in that form.
pub(super) fn iso(time_ms: u64) -> String {
    let seconds = i64::try_from(time_ms / 1_000).unwrap_or(i64::MAX);
    let time = ::time::OffsetDateTime::from_unix_timestamp(seconds);
    let time = time.unwrap_or(::time::OffsetDateTime::UNIX_EPOCH);
    let (date, clock, ms) = (time.date(), time.time(), time_ms % 1_000);
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, second) = clock.as_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Seconds with a fraction as epoch milliseconds, to the nearest; `None` for what is no time.
pub(super) fn from_seconds(seconds: f64) -> Option<u64> {
    let ms = (seconds * 1_000.0).round();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range that was looked at"
    )]
    (0.0..=1e15).contains(&ms).then_some(ms as u64)
}

/// Epoch milliseconds as seconds with a fraction.
pub(super) fn seconds(time_ms: u64) -> String {
    format!("{}.{:03}", time_ms / 1_000, time_ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        assert_eq!(parse_iso("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_iso("2026-11-23T12:28:50.868442Z"), Some(1_795_436_930_868));
        assert_eq!(parse_iso("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500));
        for text in
            ["", "2026-11-23", "2026-11-23T12:28:50", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "x"]
        {
            assert_eq!(parse_iso(text), None, "{text}");
        }
        assert_eq!(seconds(1_795_436_930_008), "1795436930.008");
        assert_eq!(from_seconds(1_795_436_930.868), Some(1_795_436_930_868));
        assert_eq!((from_seconds(-1.0), from_seconds(f64::NAN)), (None, None));
    }

    proptest! {
        /// Protects: every millisecond comes back, in both forms.
        #[test]
        fn times_come_back(time_ms in 0_u64..200_000_000_000_000) {
            prop_assert_eq!(parse_iso(&iso(time_ms)), Some(time_ms));
            prop_assert_eq!(from_seconds(seconds(time_ms).parse().unwrap()), Some(time_ms));
        }
    }
}
