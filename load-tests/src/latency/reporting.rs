//! What a run tells: a table for people, one JSON object per rate for programs.

use super::Workload;
use super::recording::Summary;
use crate::machine::{Machine, json_string};

/// A server that was held still on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// From the first request to the pause, in seconds.
    pub at_s: u64,
    /// Length of the pause, in milliseconds.
    pub ms: u64,
}

/// One rate's result.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Latencies and rates.
    pub summary: Summary,
    /// Violations found in answers and content.
    pub violations: u64,
}

/// What all rows of a report share.
#[derive(Debug)]
pub struct Context {
    /// The operation's name.
    pub operation: &'static str,
    /// Where and when.
    pub machine: Machine,
    /// What each request was.
    pub workload: Workload,
    /// The server's worker threads, when they were given.
    pub workers: Option<u16>,
    /// Whether the server was held still.
    pub pause: Option<Pause>,
}

/// Heads the table's columns.
pub const HEADER: &str = "\
| offered/s | achieved/s | seconds | answered | unsent | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | sent late p99 ms | verdict |
|----------:|-----------:|--------:|---------:|-------:|-------:|-------:|-------:|---------:|-------:|-----------------:|:--------|";

/// One row of the table.
pub fn table_row(row: &Row) -> String {
    let Row { summary, violations } = row;
    let verdict = match violations {
        0 if summary.saturated() => "clean, saturated".to_owned(),
        0 => "clean".to_owned(),
        count => format!("{count} VIOLATIONS"),
    };
    format!(
        "| {} | {:.1} | {:.1} | {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {verdict} |",
        summary.offered_per_s,
        summary.achieved_per_s,
        summary.seconds,
        summary.answered,
        summary.unsent,
        summary.p50_ms,
        summary.p90_ms,
        summary.p99_ms,
        summary.p999_ms,
        summary.max_ms,
        summary.sent_late_p99_ms,
    )
}

impl Context {
    /// The machine and the workload in two lines.
    pub fn describe(&self) -> [String; 2] {
        let Machine { cpu, cores, kernel, commit, date, .. } = &self.machine;
        let Workload { shards, records_per_request, record_bytes, connections, seed } = self.workload;
        [
            format!("{cpu}, {cores} cores, kernel {kernel}, commit {commit}, {date}"),
            format!(
                "{records_per_request} records of {record_bytes} B per request, {shards} shards, \
                 {connections} connections, seed {seed}"
            ),
        ]
    }

    /// One rate's JSON object, without a line end.
    pub fn json(&self, row: &Row) -> String {
        let Workload { shards, records_per_request, record_bytes, connections, seed } = self.workload;
        let Row { summary, violations } = row;
        let workers = self.workers.map_or("null".to_owned(), |workers| workers.to_string());
        let pause = self
            .pause
            .map_or("null".to_owned(), |Pause { at_s, ms }| format!("{{\"at_s\":{at_s},\"ms\":{ms}}}"));
        format!(
            "{{{},\
             \"operation\":{},\"seed\":{seed},\"shards\":{shards},\"records_per_request\":{records_per_request},\
             \"record_bytes\":{record_bytes},\"connections\":{connections},\"workers\":{workers},\"pause\":{pause},\
             \"offered_per_s\":{},\"achieved_per_s\":{:.1},\"saturated\":{},\"seconds\":{:.3},\"answered\":{},\
             \"unsent\":{},\"p50_ms\":{:.3},\"p90_ms\":{:.3},\"p99_ms\":{:.3},\"p999_ms\":{:.3},\"max_ms\":{:.3},\
             \"sent_late_p50_ms\":{:.3},\"sent_late_p99_ms\":{:.3},\"violations\":{violations}}}",
            self.machine.json_members(),
            json_string(self.operation),
            summary.offered_per_s,
            summary.achieved_per_s,
            summary.saturated(),
            summary.seconds,
            summary.answered,
            summary.unsent,
            summary.p50_ms,
            summary.p90_ms,
            summary.p99_ms,
            summary.p999_ms,
            summary.max_ms,
            summary.sent_late_p50_ms,
            summary.sent_late_p99_ms,
        )
    }
}

impl Pause {
    /// What the pause alone makes of the 99.9th percentile: a request meant for `t` ms after its start waits for the
    /// rest of it, so the longest waits are `ms`, falling evenly to nothing. Nothing when the pause is so short that
    /// fewer than one request in a thousand meets it, or ends after a run of `seconds`.
    pub fn p999_expected_ms(&self, seconds: f64) -> Option<f64> {
        let pause_ms = self.ms as f64;
        let share = pause_ms / (seconds * 1e3);
        let within = (self.at_s as f64).mul_add(1e3, pause_ms) <= seconds * 1e3;
        (within && share > 0.001).then(|| pause_ms * (1.0 - 0.001 / share))
    }

    /// The measurement's own test, in a line.
    pub fn proof(&self, row: &Row) -> String {
        let Summary { offered_per_s, seconds, p999_ms, .. } = row.summary;
        let expected = self
            .p999_expected_ms(seconds)
            .map_or("untouched".to_owned(), |expected_ms| format!("at least {expected_ms:.0} ms"));
        format!(
            "{offered_per_s}/s, server held still for {} ms at {} s of {seconds:.0} s: p99.9 should be {expected}; \
             measured {p999_ms:.0} ms",
            self.ms, self.at_s
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn row(offered_per_s: u64, achieved_per_s: f64, p50_ms: f64, max_ms: f64) -> Row {
        let summary = Summary {
            offered_per_s,
            achieved_per_s,
            seconds: 10.0,
            answered: 100,
            unsent: 0,
            p50_ms,
            p90_ms: p50_ms * 1.5,
            p99_ms: p50_ms * 2.0,
            p999_ms: max_ms * 0.9,
            max_ms,
            sent_late_p50_ms: 0.01,
            sent_late_p99_ms: 0.1,
        };
        Row { summary, violations: 0 }
    }

    pub(crate) fn context() -> Context {
        let text = |text: &str| text.to_owned();
        Context {
            operation: "PutRecords",
            machine: Machine {
                cpu: text("Some \"CPU\" <x>"),
                cores: 2,
                kernel: text("6"),
                rustc: text("1"),
                commit: text("abc"),
                date: text("2026-01-01"),
            },
            workload: Workload {
                seed: 7,
                shards: 4,
                records_per_request: 500,
                record_bytes: 100,
                connections: 64,
            },
            workers: None,
            pause: Some(Pause { at_s: 10, ms: 1_000 }),
        }
    }

    /// A second of thirty is 3.3 % of the requests: the slowest thousandth waited for 0.97 s or more.
    #[test]
    fn a_pause_predicts_its_percentile() {
        let pause = Pause { at_s: 10, ms: 1_000 };
        let expected = pause.p999_expected_ms(30.0).unwrap();
        assert!((expected - 970.0).abs() < 1e-6, "{expected}");
        assert_eq!(Pause { at_s: 10, ms: 20 }.p999_expected_ms(30.0), None);
        assert_eq!(pause.p999_expected_ms(10.5), None);
    }

    #[test]
    fn columns_and_members_are_complete() {
        let row = row(100, 99.9, 0.5, 12.0);
        let columns = |line: &str| line.matches('|').count();
        let widths: Vec<_> = HEADER.lines().map(columns).collect();
        assert_eq!(widths, [columns(&table_row(&row)); 2]);
        let json = context().json(&row);
        assert_eq!(json.matches('{').count(), json.matches('}').count());
        for member in [
            "\"commit\":\"abc\"",
            "\"seed\":7",
            "\"offered_per_s\":100,",
            "\"pause\":{\"at_s\":10,\"ms\":1000}",
        ] {
            assert!(json.contains(member), "{member} in {json}");
        }
    }

    #[test]
    fn a_violation_outranks_saturation() {
        let mut row = row(100, 10.0, 0.5, 12.0);
        assert!(table_row(&row).ends_with("| clean, saturated |"));
        row.violations = 3;
        assert!(table_row(&row).ends_with("| 3 VIOLATIONS |"));
    }
}
