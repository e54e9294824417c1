//! The acceptance test under load: starts the server, writes and reads as fast as it answers, and audits every
//! record. Exit code 0: nothing violated. 1: something was; the auditor's words are on stderr. 2: not tested.

use std::collections::hash_map::RandomState;
use std::error::Error;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{ArgAction, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use shardmill_load_tests::payload::RECORD_BYTES_MIN;
use shardmill_load_tests::server::{Memory, Server};
use shardmill_load_tests::workload::{Outcome, Plan, Progress, run};

/// Writes and reads under load and audits every record
#[derive(Debug, Parser)]
// The last of a repeated option holds, so that a script's defaults can be overridden behind them.
#[command(args_override_self = true)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// Records of each run
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// Shard counts, one run each
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, default_values_t = [1, 4, 64], value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: Vec<u32>,
    /// The server's --workers, one run each
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, default_values_t = [2, 8])]
    workers: Vec<u16>,
    /// Tasks that put records
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    producers: u16,
    /// Pollers that wait 1 ms after each answer
    #[arg(long, default_value_t = 4)]
    fast_pollers: usize,
    /// Pollers that wait 200 ms after each answer
    #[arg(long, default_value_t = 2)]
    slow_pollers: usize,
    /// Data bytes of each record, 18 to 1,048,000
    #[arg(long, default_value_t = 100, value_parser = record_bytes)]
    record_bytes: usize,
    /// What everything random follows from; drawn when absent
    #[arg(long)]
    seed: Option<u64>,
    /// One JSON object per run instead of a table
    #[arg(long)]
    json: bool,
}

/// One run's setting and result.
struct Run {
    shards: u32,
    workers: u16,
    seed: u64,
    outcome: Outcome,
    cpu: Duration,
    memory: Memory,
}

fn main() -> ExitCode {
    match stress(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not tested: {error}");
            ExitCode::from(2)
        }
    }
}

fn stress(options: &Options) -> Result<bool, Box<dyn Error>> {
    // Two threads: the machine's other work is the server.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut out = io::stdout().lock();
    let seed = options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    if !options.json {
        writeln!(out, "seed {seed} (the same records again: --seed {seed})\n\n{HEADER}")?;
        out.flush()?;
    }
    let mut clean = true;
    for &workers in &options.workers {
        for &shards in &options.shards {
            let run = runtime.block_on(one_run(options, seed, workers, shards))?;
            writeln!(out, "{}", if options.json { json_line(&run) } else { table_row(&run) })?;
            out.flush()?;
            if run.outcome.findings.total() > 0 {
                clean = false;
                write!(
                    io::stderr(),
                    "{shards} shards, {workers} workers, seed {seed}:\n{}",
                    run.outcome.findings
                )?;
            }
        }
    }
    Ok(clean)
}

async fn one_run(options: &Options, seed: u64, workers: u16, shards: u32) -> Result<Run, Box<dyn Error>> {
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    let server = Server::start(&options.server, &["--workers".to_owned(), workers.to_string()], &variables)?;
    let interval = |count, ms| std::iter::repeat_n(Duration::from_millis(ms), count);
    let plan = Plan {
        seed,
        records: options.records,
        shards,
        record_bytes: options.record_bytes,
        producers: options.producers,
        poll_intervals: interval(options.fast_pollers, 1)
            .chain(interval(options.slow_pollers, 200))
            .collect(),
        idle_max: Duration::from_secs(10),
    };
    let progress = Arc::new(Progress::default());
    let all = options.records.saturating_mul(u64::try_from(plan.poll_intervals.len() + 1)?);
    let shown = tokio::spawn(show(Arc::clone(&progress), all, format!("{shards} shards, {workers} workers")));
    let before = server.cpu()?;
    let outcome = run(server.address(), plan, progress).await;
    shown.abort();
    let _ = shown.await;
    let outcome = outcome?;
    // A server that died under the load has no figures left; the auditor has already said so.
    let cpu = server.cpu().map_or(Duration::ZERO, |now| now.since(&before));
    let memory = server.memory().unwrap_or(Memory { resident_kib: 0, resident_max_kib: 0 });
    Ok(Run { shards, workers, seed, outcome, cpu, memory })
}

/// Shows how far the run is, on a terminal only, until it is aborted.
async fn show(progress: Arc<Progress>, all: u64, name: String) {
    let bar = ProgressBar::new(all).with_message(name);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {elapsed}") {
        bar.set_style(style);
    }
    let _cleared_at_the_end = Cleared(&bar);
    loop {
        bar.set_position(progress.written.load(Ordering::Relaxed) + progress.read.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

struct Cleared<'a>(&'a ProgressBar);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

const HEADER: &str = "\
| shards | workers | records | seconds | written/s | read/s | put p99 ms | put max ms | get p99 ms | get max ms | server CPU s | server MiB | verdict |
|-------:|--------:|--------:|--------:|----------:|-------:|-----------:|-----------:|-----------:|-----------:|-------------:|-----------:|:--------|";

fn table_row(run: &Run) -> String {
    let Run { shards, workers, outcome, cpu, memory, .. } = run;
    let verdict = match outcome.findings.total() {
        0 => "clean".to_owned(),
        count => format!("{count} VIOLATIONS"),
    };
    format!(
        "| {shards} | {workers} | {} | {:.1} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {verdict} |",
        outcome.written,
        outcome.read_time.as_secs_f64(),
        per_s(outcome.written, outcome.write_time),
        per_s(outcome.read, outcome.read_time),
        ms(outcome.puts.p99()),
        ms(outcome.puts.longest()),
        ms(outcome.gets.p99()),
        ms(outcome.gets.longest()),
        cpu.as_secs_f64(),
        memory.resident_max_kib / 1024,
    )
}

fn json_line(run: &Run) -> String {
    let Run { shards, workers, seed, outcome, cpu, memory } = run;
    format!(
        "{{\"seed\":{seed},\"shards\":{shards},\"workers\":{workers},\"records_written\":{},\"records_read\":{},\
         \"write_s\":{:.3},\"read_s\":{:.3},\"puts\":{},\"put_p99_ms\":{:.3},\"put_max_ms\":{:.3},\"gets\":{},\
         \"get_p99_ms\":{:.3},\"get_max_ms\":{:.3},\"server_cpu_s\":{:.3},\"server_resident_max_kib\":{},\
         \"violations\":{}}}",
        outcome.written,
        outcome.read,
        outcome.write_time.as_secs_f64(),
        outcome.read_time.as_secs_f64(),
        outcome.puts.requests(),
        ms(outcome.puts.p99()),
        ms(outcome.puts.longest()),
        outcome.gets.requests(),
        ms(outcome.gets.p99()),
        ms(outcome.gets.longest()),
        cpu.as_secs_f64(),
        memory.resident_max_kib,
        outcome.findings.total(),
    )
}

fn per_s(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Up to what fits a record of the default limit of 1 MiB, with its key.
fn record_bytes(text: &str) -> Result<usize, String> {
    const RECORD_BYTES_MAX: usize = 1_048_000;
    match text.parse() {
        Ok(bytes) if (RECORD_BYTES_MIN..=RECORD_BYTES_MAX).contains(&bytes) => Ok(bytes),
        _ => Err(format!("{RECORD_BYTES_MIN} to {RECORD_BYTES_MAX} wanted")),
    }
}
