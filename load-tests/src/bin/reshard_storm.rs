//! The acceptance test of resharding: starts the server, reshards a stream without a rest while producers put and
//! followers read from closed shards on to their children, and audits every record and the whole family of shards. Exit
//! code 0: nothing violated. 1: something was; the auditor's words are on stderr. 2: not tested.

use std::collections::hash_map::RandomState;
use std::error::Error;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use shardmill_load_tests::payload::RECORD_BYTES_MIN;
use shardmill_load_tests::server::{Memory, Server};
use shardmill_load_tests::storm::{Outcome, Plan, Progress, run};

/// Reshards without a rest under load and audits every record
#[derive(Debug, Parser)]
// The last of a repeated option holds, so that a script's defaults can be overridden behind them.
#[command(args_override_self = true)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// How long the stream is resharded
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Tasks that put records
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    producers: u16,
    /// Followers that poll: every other one rests 1 ms after each look at its shards, the rest 50 ms
    #[arg(long, default_value_t = 4)]
    pollers: usize,
    /// Followers that are pushed to (SubscribeToShard), each a consumer of its own; 20 at most
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(..=20))]
    subscribers: u16,
    /// Shards at first
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    shards: u32,
    /// Open shards, at most
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    open_shards_max: u16,
    /// How long each reshard is UPDATING, in ms
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=5_000))]
    transition_ms: u64,
    /// Records of each put
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=500))]
    batch_records: u64,
    /// Data bytes of each record
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(RECORD_BYTES_MIN as i64..=10_000))]
    record_bytes: u16,
    /// How long a producer rests after each answer, in ms
    #[arg(long, default_value_t = 1)]
    put_interval_ms: u64,
    /// The server's --workers
    #[arg(long, default_value_t = 4)]
    workers: u16,
    /// What everything random follows from; drawn when absent
    #[arg(long)]
    seed: Option<u64>,
    /// A JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match storm(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not tested: {error}");
            ExitCode::from(2)
        }
    }
}

fn storm(options: &Options) -> Result<bool, Box<dyn Error>> {
    // Two threads: the machine's other work is the server.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut out = io::stdout().lock();
    let seed = options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    if !options.json {
        writeln!(out, "seed {seed} (the same choices again: --seed {seed})\n")?;
        out.flush()?;
    }
    let (outcome, cpu, memory) = runtime.block_on(one_run(options, seed))?;
    let text = if options.json { json(seed, &outcome, cpu, memory) } else { table(&outcome, cpu, memory) };
    writeln!(out, "{text}")?;
    if outcome.findings.total() > 0 {
        write!(io::stderr(), "seed {seed}:\n{}", outcome.findings)?;
    }
    Ok(outcome.findings.total() == 0)
}

async fn one_run(options: &Options, seed: u64) -> Result<(Outcome, Duration, Memory), Box<dyn Error>> {
    let transition_ms = options.transition_ms.to_string();
    let variables = [
        ("KINESIS_SHARD_LIMIT", "Infinity"),
        ("KINESIS_LATENCY", &*transition_ms),
        ("SHARDMILL_LOG_LEVEL", "warn"),
    ];
    let arguments = ["--workers".to_owned(), options.workers.to_string()];
    let server = Server::start(&options.server, &arguments, &variables)?;
    let rest = |number| Duration::from_millis(if number % 2 == 0 { 1 } else { 50 });
    let plan = Plan {
        seed,
        lasts: Duration::from_secs(options.seconds),
        shards: options.shards,
        open_shards_max: usize::from(options.open_shards_max),
        record_bytes: usize::from(options.record_bytes),
        batch_records: options.batch_records,
        producers: options.producers,
        put_interval: Duration::from_millis(options.put_interval_ms),
        poll_intervals: (0..options.pollers).map(rest).collect(),
        subscribers: usize::from(options.subscribers),
        idle_max: Duration::from_secs(30),
    };
    let progress = Arc::new(Progress::default());
    let shown = tokio::spawn(show(Arc::clone(&progress)));
    let before = server.cpu()?;
    let outcome = run(server.address(), plan, progress).await;
    shown.abort();
    let _ = shown.await;
    let outcome = outcome?;
    // A server that died under the load has no figures left; the auditor has already said so.
    let cpu = server.cpu().map_or(Duration::ZERO, |now| now.since(&before));
    let memory = server.memory().unwrap_or(Memory { resident_kib: 0, resident_max_kib: 0 });
    Ok((outcome, cpu, memory))
}

/// Shows how far the storm is, on a terminal only, until it is aborted.
async fn show(progress: Arc<Progress>) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{elapsed} {msg}") {
        bar.set_style(style);
    }
    let _cleared_at_the_end = Cleared(&bar);
    loop {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        bar.set_message(format!(
            "{} reshards, {} records written, {} read",
            count(&progress.reshards),
            count(&progress.written),
            count(&progress.read)
        ));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

struct Cleared<'a>(&'a ProgressBar);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn table(outcome: &Outcome, cpu: Duration, memory: Memory) -> String {
    let verdict = match outcome.findings.total() {
        0 => "clean".to_owned(),
        count => format!("{count} VIOLATIONS"),
    };
    format!(
        "| seconds | splits | merges | updates | shards | records | read | put p99 ms | put max ms | get p99 ms | get max ms | server CPU s | server MiB | verdict |\n\
         |--------:|-------:|-------:|--------:|-------:|--------:|-----:|-----------:|-----------:|-----------:|-----------:|-------------:|-----------:|:--------|\n\
         | {:.1} | {} | {} | {} | {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {verdict} |",
        outcome.time.as_secs_f64(),
        outcome.deeds.splits,
        outcome.deeds.merges,
        outcome.deeds.updates,
        outcome.shards,
        outcome.written,
        outcome.read,
        ms(outcome.puts.p99()),
        ms(outcome.puts.longest()),
        ms(outcome.gets.p99()),
        ms(outcome.gets.longest()),
        cpu.as_secs_f64(),
        memory.resident_max_kib / 1024,
    )
}

fn json(seed: u64, outcome: &Outcome, cpu: Duration, memory: Memory) -> String {
    format!(
        "{{\"seed\":{seed},\"seconds\":{:.3},\"splits\":{},\"merges\":{},\"updates\":{},\"shards\":{},\
         \"records_written\":{},\"records_read\":{},\"puts\":{},\"put_p99_ms\":{:.3},\"put_max_ms\":{:.3},\
         \"gets\":{},\"get_p99_ms\":{:.3},\"get_max_ms\":{:.3},\"server_cpu_s\":{:.3},\
         \"server_resident_max_kib\":{},\"violations\":{}}}",
        outcome.time.as_secs_f64(),
        outcome.deeds.splits,
        outcome.deeds.merges,
        outcome.deeds.updates,
        outcome.shards,
        outcome.written,
        outcome.read,
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

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
