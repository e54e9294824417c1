//! What becomes of the runs of a measurement: one raw row each, and of all together the medians with their limits.

use super::{Run, Value};
use crate::machine::{Machine, json_string};
use crate::paired::spread;
use crate::results::{member, spread_member};

/// The head of the table.
pub const HEADER: &str = "\
| figure | median | min | max | at most | verdict |
|:-------|-------:|----:|----:|--------:|:--------|";

/// What is the same for all rows of a program's run.
#[derive(Debug)]
pub struct Context {
    /// Where.
    pub machine: Machine,
    /// The servers' --workers.
    pub workers: u16,
    /// A try-out: smaller, and its limits say nothing.
    pub quick: bool,
}

impl Context {
    /// The members of a run's raw row.
    pub fn row(&self, measurement: &str, round: u32, run: &Run) -> String {
        let values = run.values.iter().map(|value| member(value.name, value.value));
        let members: Vec<_> = values.chain(run.details.iter().cloned()).collect();
        let Self { machine, workers, quick } = self;
        format!(
            "{},\"measurement\":{},\"round\":{round},\"quick\":{quick},\"workers\":{workers},{}",
            machine.json_members(),
            json_string(measurement),
            members.join(","),
        )
    }

    /// The summaries of a measurement's runs.
    pub fn summaries(&self, runs: &[Run]) -> Vec<Summary> {
        let Some(first) = runs.first() else { return Vec::new() };
        let summary = |(place, value): (usize, &Value)| Summary {
            name: value.name,
            values: runs.iter().filter_map(|run| run.values.get(place)).map(|value| value.value).collect(),
            at_most: value.at_most.filter(|_| !self.quick),
        };
        first.values.iter().enumerate().map(summary).collect()
    }

    /// A summary as a JSON object.
    pub fn json(&self, summary: &Summary) -> String {
        let Summary { name, values, at_most } = summary;
        let at_most = at_most.map_or("null".to_owned(), |at_most| at_most.to_string());
        let Self { machine, workers, quick } = self;
        format!(
            "{{{},\"quick\":{quick},\"workers\":{workers},\"runs\":{},{},\"at_most\":{at_most},\"is_met\":{}}}",
            machine.json_members(),
            values.len(),
            spread_member(name, values),
            summary.is_met(),
        )
    }
}

/// One figure of all runs.
#[derive(Debug)]
pub struct Summary {
    name: &'static str,
    values: Vec<f64>,
    at_most: Option<f64>,
}

impl Summary {
    /// Whether the median keeps the limit. A run without a number keeps none.
    pub fn is_met(&self) -> bool {
        let (median, ..) = spread(&self.values);
        let numbers = !self.values.is_empty() && self.values.iter().all(|value| value.is_finite());
        self.at_most.is_none_or(|at_most| numbers && median <= at_most)
    }

    /// One line of the table, without a line end.
    pub fn table_row(&self) -> String {
        let (median, min, max) = spread(&self.values);
        let (at_most, verdict) = match self.at_most {
            None => (String::new(), ""),
            Some(at_most) => (at_most.to_string(), if self.is_met() { "kept" } else { "EXCEEDED" }),
        };
        format!("| {} | {median:.3} | {min:.3} | {max:.3} | {at_most} | {verdict} |", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(quick: bool) -> Context {
        Context { machine: Machine::here(), workers: 2, quick }
    }

    fn run(limited: f64, shown: f64) -> Run {
        let values = vec![Value::limited("limited", limited, 1.05), Value::shown("shown", shown)];
        Run { values, details: vec![member("detail", 7.0)] }
    }

    fn columns(line: &str) -> usize {
        line.matches('|').count()
    }

    /// Protects: the median decides, and both forms say so.
    #[test]
    fn the_median_keeps_or_exceeds_the_limit() {
        let runs = [run(1.0, 5.0), run(1.2, 6.0), run(1.05, 7.0)];
        let kept = context(false).summaries(&runs);
        assert_eq!(kept[0].table_row(), "| limited | 1.050 | 1.000 | 1.200 | 1.05 | kept |");
        assert_eq!(kept[1].table_row(), "| shown | 6.000 | 5.000 | 7.000 |  |  |");
        let exceeded = context(false).summaries(&[run(1.06, 5.0)]);
        assert!(!exceeded[0].is_met() && exceeded[0].table_row().ends_with("EXCEEDED |"));
        let json = context(false).json(&exceeded[0]);
        let limited =
            r#""limited":{"median":1.0600,"min":1.0600,"max":1.0600},"at_most":1.05,"is_met":false}"#;
        assert!(json.ends_with(limited), "{json}");
        assert_eq!(HEADER.lines().map(columns).collect::<Vec<_>>(), [columns(&kept[0].table_row()); 2]);
    }

    /// Protects: a ratio of nothing to nothing is no success, and a try-out no verdict.
    #[test]
    fn no_number_keeps_no_limit() {
        assert!(!context(false).summaries(&[run(f64::NAN, 1.0), run(1.0, 1.0), run(1.0, 1.0)])[0].is_met());
        assert!(context(true).summaries(&[run(9.0, 1.0)])[0].is_met());
        assert!(context(false).summaries(&[]).is_empty());
    }

    #[test]
    fn rows_hold_values_and_details() {
        let row = context(false).row("sustained", 3, &run(1.0, 2.0));
        let end = r#""measurement":"sustained","round":3,"quick":false,"workers":2,"limited":1.0000,"shown":2.0000,"detail":7.0000"#;
        assert!(row.ends_with(end), "{row}");
    }
}
