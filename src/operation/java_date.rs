//! Dates as Java prints them, for the error texts that hold one.

use std::fmt::Display;

/// Epoch seconds as Java prints a date: `Wed Mar 04 01:02:40 UTC 2020`.
pub(super) struct JavaDate(pub(super) u64);

impl Display for JavaDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil_date(days);
        let weekday = usize::try_from(days % 7).map_or("", |index| DAYS[index]);
        let month = MONTHS.get(month).copied().unwrap_or_default();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
    }
}

/// Year, month from 0, and day from 1 of a day counted from the epoch (proleptic Gregorian calendar).
fn civil_date(days: u64) -> (u64, usize, u64) {
    // Counted from 1 March of year 0, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(march_month >= 10);
    (year, usize::try_from(month).unwrap_or(0), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the recorded date form of E9, and the calendar around leap days and centuries.
    #[test]
    fn dates_are_javas() {
        let texts =
            [1_583_283_760, 0, 951_827_696, 4_107_542_399, 1_735_689_599].map(|s| JavaDate(s).to_string());
        assert_eq!(
            texts,
            [
                "Wed Mar 04 01:02:40 UTC 2020",
                "Thu Jan 01 00:00:00 UTC 1970",
                "Tue Feb 29 12:34:56 UTC 2000",
                "Sun Feb 28 23:59:59 UTC 2100",
                "Tue Dec 31 23:59:59 UTC 2024",
            ]
        );
    }
}
