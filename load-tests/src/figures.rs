//! Figures that have a limit of their own instead of a yardstick beside them. Each measurement starts the servers that
//! it needs, so that nothing of an earlier one is left, and runs once per round:
//!
//! - [`sustained`]: processor time per record, when the memory has just become full and a minute later;
//! - [`delivery`]: from a put to the record's arrival at a poller, beside a round trip to the echo;
//! - [`starting`]: the first answer, and what an idle server holds;
//! - [`many_shards`]: what very many shards hold, untouched and with a few records each;
//! - [`reporting`]: what becomes of the runs: rows, medians, verdicts.
//!
//! A run in which a record is refused, lost or wrong is an error, not a figure.

pub mod delivery;
pub mod many_shards;
pub mod reporting;
pub mod starting;
pub mod sustained;

use std::io;
use std::path::PathBuf;

use crate::server::Server;
use crate::workload::RunError;

/// The server under test.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its program.
    pub program: PathBuf,
    /// Its --workers, and those of the echo beside it.
    pub workers: u16,
}

impl Subject {
    /// Starts it: no quota of shards, no transition times, and what else its environment should say.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, more: &[(&str, &str)]) -> io::Result<Server> {
        let variables =
            [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
        let workers = ["--workers".to_owned(), self.workers.to_string()];
        Server::start(&self.program, &workers, &[&variables, more].concat())
    }
}

/// One value of one run.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// Says all of it, the unit last.
    pub name: &'static str,
    /// Measured.
    pub value: f64,
    /// The limit that the median of all runs has to keep, if there is one.
    pub at_most: Option<f64>,
}

impl Value {
    const fn shown(name: &'static str, value: f64) -> Self {
        Self { name, value, at_most: None }
    }

    const fn limited(name: &'static str, value: f64, at_most: f64) -> Self {
        Self { name, value, at_most: Some(at_most) }
    }
}

/// What one run of a measurement brought.
#[derive(Debug, Clone)]
pub struct Run {
    /// The same values, in the same order, in every run.
    pub values: Vec<Value>,
    /// More of the run for its raw row: JSON members.
    pub details: Vec<String>,
}

const MIB: f64 = 1_048_576.0;

/// Resident memory now, in MiB.
fn resident_mib(server: &Server) -> Result<f64, RunError> {
    let resident_kib = server.memory()?.resident_kib;
    if resident_kib == 0 {
        // What a process that has ended reports; it would keep every limit.
        return Err(RunError("the server has no resident memory any more".to_owned()));
    }
    Ok(resident_kib as f64 * 1024.0 / MIB)
}

/// The value that this share of all values stays within; 0 when there are none.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    // A place in the list: never negative, and far below 2^52.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = (last * share).round() as usize;
    values.get(place).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_of_the_list() {
        let mut values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0.0, 0.5, 1.0].map(|share| quantile(&mut values, share)), [1.0, 3.0, 5.0]);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }
}
