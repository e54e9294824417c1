//! Until when a key is good, as the tools that write credentials files say it.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// Reads a date and time of ISO 8601, such as `2030-01-02T00:47:31+02:00`; gives epoch seconds.
///
/// A blank may stand for the `T`, as in Python's form; a fraction of a second is passed over; without a zone it is UTC.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (fields, zone) = text.as_bytes().split_first_chunk::<19>()?;
    let [y @ .., b'-', m1, m2, b'-', d1, d2, b'T' | b' ', h1, h2, b':', i1, i2, b':', s1, s2] = fields else {
        return None;
    };
    let year = u16::from(number(&y[..2])?) * 100 + u16::from(number(&y[2..])?);
    let month = Month::try_from(number(&[*m1, *m2])?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, number(&[*d1, *d2])?).ok()?;
    let time = Time::from_hms(number(&[*h1, *h2])?, number(&[*i1, *i2])?, number(&[*s1, *s2])?).ok()?;
    let at = OffsetDateTime::new_in_offset(date, time, offset(without_fraction(zone)?)?);
    u64::try_from(at.unix_timestamp()).ok()
}

/// What follows the fraction of a second, if there is one.
fn without_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some(text) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &fraction[digits..])
}

/// `Z`, `+02:00`, `+0200`, or nothing.
fn offset(zone: &[u8]) -> Option<UtcOffset> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z'] => return Some(UtcOffset::UTC),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let part = |digits: [u8; 2]| Some(sign * i8::try_from(number(&digits)?).ok()?);
    UtcOffset::from_hms(part(hours)?, part(minutes)?, 0).ok()
}

/// A number of two digits.
fn number(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| 10 * number + (digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the forms that tools write, to the second.
    #[test]
    fn forms_of_one_time() {
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.999Z",
            "2023-11-14T22:13:20+00:00",
            "2023-11-15T00:13:20+02:00",
            "2023-11-14T18:43:20-0330",
            "2023-11-14 22:13:20",
            "2023-11-14 22:13:20.000001+0000",
        ] {
            assert_eq!(parse(text), Some(1_700_000_000), "{text}");
        }
    }

    /// Protects: what is no such time is told, not taken for another.
    #[test]
    fn no_times() {
        for text in [
            "",
            "soon",
            "1700000000",
            "2023-11-14",
            "2023-11-14T22:13Z",
            "2023-13-14T22:13:20Z",
            "2023-02-29T22:13:20Z",
            "2023-11-14T24:13:20Z",
            "2023-11-14T22:13:2xZ",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20 Z",
            "2023-11-14T22:13:20+2",
            "2023-11-14T22:13:20*02:00",
            "2023-11-14T22:13:20+02:60",
            "2023-11-14T22:13:20+99:00",
            "1969-12-31T23:59:59Z",
            "2023-11-14T22:13:é0Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
