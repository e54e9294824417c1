//! The two programs' common part: options, a fresh server for every rate, the search for the highest rate, and where
//! the results go.

use std::collections::hash_map::RandomState;
use std::error::Error;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, value_parser};

use super::pacing::{Schedule, drive, warm_up};
use super::plot::svg;
use super::reporting::{Context, HEADER, Pause, Row, table_row};
use super::{REQUEST_BYTES_MAX, Subject, Workload};
use crate::auditor::Findings;
use crate::machine::Machine;
use crate::payload::RECORD_BYTES_MIN;
use crate::server::Server;

/// Where doubling begins, in requests per second.
const FIRST_RATE_PER_S: u64 = 50;
const RATE_MAX_PER_S: u64 = 1_000_000;
/// A moderate rate, at which a second's backlog is gone in a small part of a second.
const PAUSED_RATE_PER_S: u64 = 200;
const GIB: u64 = 1 << 30;

/// What both programs can be told.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The server's --workers; its own default when absent
    #[arg(long)]
    workers: Option<u16>,
    /// Requests per second, one run each; without it 50, doubled until less than 95 % is achieved
    #[arg(long, value_delimiter = ',', value_parser = value_parser!(u64).range(1..=RATE_MAX_PER_S))]
    rates: Vec<u64>,
    /// Length of each run; an iterator must outlive it
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Shards of the stream
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u32).range(1..=10_000))]
    shards: u32,
    /// Records that one request puts or gets
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u64).range(1..=10_000))]
    records_per_request: u64,
    /// Data bytes of each record
    #[arg(long, default_value_t = 100)]
    record_bytes: usize,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u16).range(1..))]
    connections: u16,
    /// What everything random follows from; drawn when absent
    #[arg(long)]
    seed: Option<u64>,
    /// GiB of data and keys that a run may put; a run that would put more is shortened
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u64).range(1..=1024))]
    stored_gib_max: u64,
    /// Hold the server still this many seconds after the first request, to prove the method; the rate is 200 then,
    /// unless --rates says otherwise
    #[arg(long)]
    pause_at: Option<u64>,
    /// How long to hold it still
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=20_000), requires = "pause_at")]
    pause_ms: u64,
    /// File for the results, one JSON object per rate and line
    #[arg(long)]
    json: Option<PathBuf>,
    /// File for the drawing
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// Measures and reports. Exit code 0: nothing violated. 1: something was, the words are on stderr. 2: not measured.
pub fn run<S: Subject>(options: &Options) -> ExitCode {
    match report::<S>(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not measured: {error}");
            ExitCode::from(2)
        }
    }
}

fn report<S: Subject>(options: &Options) -> Result<bool, Box<dyn Error>> {
    let workload = options.workload::<S>()?;
    let pause = options.pause()?;
    // Two threads: the machine's other work is the server.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let machine = Machine::here();
    let context = Context { operation: S::OPERATION, machine, workload, workers: options.workers, pause };
    // Opened first, so that a mistyped path costs no run.
    let mut json = options.json.as_deref().map(create).transpose()?;
    let mut out = io::stdout().lock();
    writeln!(out, "seed {} (the same records again: --seed {0})", workload.seed)?;
    writeln!(out, "{}: {}\n\n{HEADER}", S::OPERATION, context.describe().join("\n"))?;
    out.flush()?;
    let mut rows: Vec<Row> = Vec::new();
    while let Some(rate_per_s) = options.next_rate(&rows) {
        let (row, findings) = runtime.block_on(measure::<S>(options, &context, rate_per_s))?;
        writeln!(out, "{}", table_row(&row))?;
        out.flush()?;
        if let Some(file) = &mut json {
            writeln!(file, "{}", context.json(&row))?;
        }
        if row.violations > 0 {
            write!(io::stderr(), "{rate_per_s}/s, seed {}:\n{findings}", workload.seed)?;
        }
        rows.push(row);
    }
    for row in &rows {
        pause.iter().try_for_each(|pause| writeln!(out, "\n{}", pause.proof(row)))?;
    }
    if let Some(path) = &options.plot {
        create(path)?.write_all(svg(&context, &rows).as_bytes())?;
    }
    Ok(rows.iter().all(|row| row.violations == 0))
}

/// An empty file, or an error that names it.
fn create(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// One rate against a server of its own: nothing of an earlier rate's backlog, memory or content is left.
async fn measure<S: Subject>(
    options: &Options,
    context: &Context,
    rate_per_s: u64,
) -> Result<(Row, Findings), Box<dyn Error>> {
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    let workers = options.workers.map(|workers| ["--workers".to_owned(), workers.to_string()]);
    let server = Server::start(&options.server, workers.as_ref().map_or(&[], |pair| &pair[..]), &variables)?;
    let (subject, callers) = S::open(server.address(), context.workload).await?;
    let callers = warm_up(callers).await?;
    let schedule = Schedule::new(rate_per_s, options.requests::<S>(context.workload, rate_per_s));
    let (driven, held) =
        tokio::join!(drive(schedule, callers), hold_still(&server, context.pause, schedule.start()));
    held?;
    let (callers, recording) = driven?;
    let findings = subject.audit(callers).await?;
    let row = Row { summary: recording.summary(&schedule), violations: findings.total() };
    Ok((row, findings))
}

/// Stops the server for a while, as a collector's pause, a full disk or a busy neighbour would.
async fn hold_still(server: &Server, pause: Option<Pause>, start: Instant) -> io::Result<()> {
    let Some(Pause { at_s, ms }) = pause else { return Ok(()) };
    let from = start + Duration::from_secs(at_s);
    tokio::time::sleep_until(from.into()).await;
    server.pause()?;
    tokio::time::sleep_until((from + Duration::from_millis(ms)).into()).await;
    server.resume()
}

impl Options {
    fn workload<S: Subject>(&self) -> Result<Workload, String> {
        let workload = Workload {
            seed: self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
            shards: self.shards,
            records_per_request: self.records_per_request,
            record_bytes: self.record_bytes,
            connections: self.connections,
        };
        if self.record_bytes < RECORD_BYTES_MIN {
            return Err(format!("--record-bytes: at least {RECORD_BYTES_MIN}"));
        }
        if self.records_per_request > S::RECORDS_PER_REQUEST_MAX {
            return Err(format!(
                "--records-per-request: {} takes at most {}",
                S::OPERATION,
                S::RECORDS_PER_REQUEST_MAX
            ));
        }
        if workload.request_bytes() > REQUEST_BYTES_MAX {
            return Err(format!(
                "a request's records, data and keys, are {} bytes; at most {REQUEST_BYTES_MAX}",
                workload.request_bytes()
            ));
        }
        Ok(workload)
    }

    fn pause(&self) -> Result<Option<Pause>, String> {
        let Some(at_s) = self.pause_at else { return Ok(None) };
        let pause = Pause { at_s, ms: self.pause_ms };
        if at_s.saturating_mul(1000).saturating_add(pause.ms) > self.seconds * 1000 {
            return Err(format!("the pause must end within the run's {} s", self.seconds));
        }
        Ok(Some(pause))
    }

    /// Requests of a run: `seconds` of them, or as many as may be stored.
    fn requests<S: Subject>(&self, workload: Workload, rate_per_s: u64) -> u64 {
        let wanted = rate_per_s.saturating_mul(self.seconds);
        if !S::STORES {
            return wanted;
        }
        let room = self.stored_gib_max.saturating_mul(GIB) / workload.request_bytes().max(1);
        wanted.min(room).max(1)
    }

    /// The rate after those in `rows`; nothing when there is no more to learn.
    fn next_rate(&self, rows: &[Row]) -> Option<u64> {
        if !self.rates.is_empty() {
            return self.rates.get(rows.len()).copied();
        }
        match rows.last() {
            None if self.pause_at.is_some() => Some(PAUSED_RATE_PER_S),
            None => Some(FIRST_RATE_PER_S),
            Some(_) if self.pause_at.is_some() => None,
            Some(row) if row.summary.saturated() || row.violations > 0 => None,
            Some(row) => Some(row.summary.offered_per_s * 2).filter(|rate| *rate <= RATE_MAX_PER_S),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gets::Gets;
    use super::super::puts::Puts;
    use super::super::reporting::tests::row;
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &str) -> Options {
        let words = "test --server x ".split_whitespace().chain(arguments.split_whitespace());
        Command::try_parse_from(words).unwrap().options
    }

    #[test]
    fn rates_double_until_the_server_is_saturated() {
        let automatic = options("");
        assert_eq!(automatic.next_rate(&[]), Some(50));
        assert_eq!(automatic.next_rate(&[row(50, 50.0, 1.0, 2.0)]), Some(100));
        assert_eq!(automatic.next_rate(&[row(100, 94.0, 1.0, 2.0)]), None);
        let listed = options("--rates 10,7");
        assert_eq!(listed.next_rate(&[row(10, 1.0, 1.0, 2.0)]), Some(7));
        assert_eq!(listed.next_rate(&[row(10, 1.0, 1.0, 2.0); 2]), None);
        let paused = options("--pause-at 3");
        assert_eq!(paused.next_rate(&[]), Some(200));
        assert_eq!(paused.next_rate(&[row(200, 200.0, 1.0, 2.0)]), None);
    }

    /// What AWS would refuse, and a pause that outlasts its run, are said before anything is started.
    #[test]
    fn impossible_requests_are_refused() {
        assert!(options("--records-per-request 501").workload::<Puts>().is_err());
        assert!(options("--records-per-request 10000").workload::<Gets>().is_ok());
        assert!(options("--records-per-request 500 --record-bytes 21000").workload::<Puts>().is_err());
        assert!(options("--record-bytes 17").workload::<Puts>().is_err());
        assert!(options("--pause-at 9 --pause-ms 1001").pause().is_err());
        assert!(options("--pause-at 9 --pause-ms 1000").pause().unwrap().is_some());
    }

    /// 4 GiB are 8227 requests of 500 records of 1,024 + 20 bytes.
    #[test]
    fn puts_end_before_memory_does() {
        let options = options("--record-bytes 1024");
        let workload = options.workload::<Puts>().unwrap();
        assert_eq!(options.requests::<Puts>(workload, 500), 5_000);
        assert_eq!(options.requests::<Puts>(workload, 5_000), 8_227);
        assert_eq!(options.requests::<Gets>(workload, 5_000), 50_000);
    }
}
