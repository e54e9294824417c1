//! Latencies and what is reported of them. Microseconds to three digits; the longest is exact.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::pacing::Schedule;
use crate::workload::RunError;

/// The share of the offered rate below which a server counts as saturated.
const ACHIEVED_SHARE_MIN: f64 = 0.95;
const LONGEST_US: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// The latencies of one run, or of one caller's part of it.
#[derive(Debug, Clone)]
pub struct Recording {
    latencies: Histogram<u64>,
    longest: Duration,
    /// From the intended to the actual start: waiting for a connection, and the client's own lateness.
    late: Histogram<u64>,
    answered: u64,
    unsent: u64,
    last_answer: Option<Instant>,
}

impl Recording {
    /// Nothing yet.
    ///
    /// # Errors
    /// None that happens: the bounds are fixed.
    pub fn new() -> Result<Self, RunError> {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).map_err(explain)?;
        Ok(Self {
            late: histogram.clone(),
            latencies: histogram,
            longest: Duration::ZERO,
            answered: 0,
            unsent: 0,
            last_answer: None,
        })
    }

    /// A request that was meant for `intended`, sent at `sent` and answered at `answered`.
    pub fn answer(&mut self, intended: Instant, sent: Instant, answered: Instant) {
        self.latency(answered.saturating_duration_since(intended));
        self.late.saturating_record(us(sent.saturating_duration_since(intended)));
        self.answered += 1;
        self.last_answer = self.last_answer.max(Some(answered));
    }

    /// A request that was meant for `intended` and had not been sent by `now`: it has waited at least so long.
    pub fn unsent(&mut self, intended: Instant, now: Instant) {
        self.latency(now.saturating_duration_since(intended));
        self.unsent += 1;
    }

    fn latency(&mut self, latency: Duration) {
        self.latencies.saturating_record(us(latency));
        self.longest = self.longest.max(latency);
    }

    /// Adds another part.
    ///
    /// # Errors
    /// None that happens: all parts have the same bounds.
    pub fn merge(&mut self, other: &Self) -> Result<(), RunError> {
        self.latencies.add(&other.latencies).map_err(explain)?;
        self.late.add(&other.late).map_err(explain)?;
        self.longest = self.longest.max(other.longest);
        self.answered += other.answered;
        self.unsent += other.unsent;
        self.last_answer = self.last_answer.max(other.last_answer);
        Ok(())
    }

    /// What is reported of a run by `schedule`.
    pub fn summary(&self, schedule: &Schedule) -> Summary {
        let ms = |quantile| {
            // A bucket's upper end may lie above the exact longest.
            let value = Duration::from_micros(self.latencies.value_at_quantile(quantile));
            value.min(self.longest).as_secs_f64() * 1e3
        };
        let late_ms = |quantile| self.late.value_at_quantile(quantile) as f64 / 1e3;
        let until_last = self.last_answer.map(|last| last.saturating_duration_since(schedule.start()));
        let time = schedule.length().max(until_last.unwrap_or_default());
        Summary {
            offered_per_s: schedule.rate_per_s(),
            achieved_per_s: self.answered as f64 / time.as_secs_f64().max(1e-9),
            seconds: schedule.length().as_secs_f64(),
            answered: self.answered,
            unsent: self.unsent,
            p50_ms: ms(0.5),
            p90_ms: ms(0.9),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.longest.as_secs_f64() * 1e3,
            sent_late_p50_ms: late_ms(0.5),
            sent_late_p99_ms: late_ms(0.99),
        }
    }
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn explain(error: impl std::fmt::Display) -> RunError {
    RunError(error.to_string())
}

/// What is reported of one rate.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Requests per second of the schedule.
    pub offered_per_s: u64,
    /// Answers per second, until the schedule's end or the last answer, whichever is later.
    pub achieved_per_s: f64,
    /// Length of the schedule.
    pub seconds: f64,
    /// Requests answered.
    pub answered: u64,
    /// Requests given up before they were sent; the latencies below hold their waiting time.
    pub unsent: u64,
    /// The latency that half of the requests stayed within.
    pub p50_ms: f64,
    /// ... 9 of 10.
    pub p90_ms: f64,
    /// ... 99 of 100.
    pub p99_ms: f64,
    /// ... 999 of 1,000.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// From intended to actual start, half of the requests.
    pub sent_late_p50_ms: f64,
    /// From intended to actual start, 99 of 100.
    pub sent_late_p99_ms: f64,
}

impl Summary {
    /// Whether the server could not keep up with the schedule.
    pub fn saturated(&self) -> bool {
        self.achieved_per_s < ACHIEVED_SHARE_MIN * self.offered_per_s as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A stalled double, without time passing: one connection, 1,000 requests a millisecond apart, each answered at once
    /// but for the tenth, which takes 500 ms. All that wait behind it count from their own moment.
    #[test]
    fn what_waits_behind_a_stall_is_late_by_the_schedule() {
        let schedule = Schedule::new(1_000, 1_000);
        let mut recording = Recording::new().unwrap();
        let mut free = schedule.start();
        for number in 0..1_000 {
            let intended = schedule.intended(number);
            let sent = intended.max(free);
            let answered = if number == 10 { sent + ms(500) } else { sent };
            recording.answer(intended, sent, answered);
            free = answered;
        }
        // Requests 10 to 509 took 500, 499, ... 1 ms; the other 500 took none.
        let summary = recording.summary(&schedule);
        let near = |value: f64, expected: f64| (value - expected).abs() <= expected * 0.001 + 0.001;
        assert!(near(summary.max_ms, 500.0), "{summary:?}");
        assert!(near(summary.p999_ms, 499.0), "{summary:?}");
        assert!(near(summary.p99_ms, 490.0), "{summary:?}");
        assert!(near(summary.p90_ms, 400.0), "{summary:?}");
        assert!(near(summary.p50_ms, 0.0), "{summary:?}");
        assert!(near(summary.sent_late_p99_ms, 489.0), "{summary:?}");
        assert!(near(summary.achieved_per_s, 1_000.0) && !summary.saturated(), "{summary:?}");
    }

    /// Answers that come after the schedule's end make the achieved rate smaller than the offered one.
    #[test]
    fn a_backlog_is_saturation() {
        let schedule = Schedule::new(100, 100);
        let mut recording = Recording::new().unwrap();
        for number in 0..100 {
            let intended = schedule.intended(number);
            let answered = schedule.start() + ms(20) * u32::try_from(number + 1).unwrap();
            recording.answer(intended, intended, answered);
        }
        let summary = recording.summary(&schedule);
        assert!((summary.achieved_per_s - 50.0).abs() < 0.1, "{summary:?}");
        assert!(summary.saturated());
    }

    #[test]
    fn parts_make_a_whole_and_the_unsent_count() {
        let schedule = Schedule::new(10, 10);
        let start = schedule.start();
        let (mut whole, mut part) = (Recording::new().unwrap(), Recording::new().unwrap());
        for _ in 0..4 {
            whole.answer(start, start, start + ms(1));
            part.answer(start, start + ms(2), start + ms(3));
        }
        part.unsent(start, start + ms(2_000));
        part.unsent(start, start + ms(2_001));
        whole.merge(&part).unwrap();
        let summary = whole.summary(&schedule);
        assert_eq!((summary.answered, summary.unsent), (8, 2));
        assert!((2_000.0..=2_001.0).contains(&summary.p90_ms), "{summary:?}");
        assert!((summary.max_ms - 2_001.0).abs() < 1e-6, "{summary:?}");
        assert!((summary.p50_ms - 3.0).abs() < 0.01, "{summary:?}");
    }
}
