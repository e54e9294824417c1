//! The memory gate of fan-out: 10,000 subscriptions at once, of which none is read while records come, and then all are,
//! to the last record. Exit code 0: every record came to each of its subscribers, in order, within the limit. 1: the limit
//! was exceeded. 2: not tested, or a record was not where and what it should be.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shardmill_load_tests::fan_out::{Outcome, Plan, run};
use shardmill_load_tests::server::Server;

/// Checks the server's memory with very many subscriptions that are not read
#[derive(Debug, Parser)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The server's --workers
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// Shards of the stream
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// Consumers, each of which subscribes to all shards
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=20))]
    consumers: u32,
    /// Subscriptions on one connection
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    subscriptions_per_connection: u32,
    /// Records put to each shard; by default twice of what a subscription that is not read may hold
    #[arg(long, default_value_t = 64)]
    records_per_shard: u64,
    /// Data bytes of each
    #[arg(long, default_value_t = 4096)]
    record_bytes: usize,
    /// Resident memory of the server, at most, in MiB
    #[arg(long, default_value_t = 2048.0)]
    resident_mib_max: f64,
}

fn main() -> ExitCode {
    match fan_out(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not tested: {error}");
            ExitCode::from(2)
        }
    }
}

fn fan_out(options: &Options) -> Result<bool, Box<dyn Error>> {
    let plan = Plan {
        shards: options.shards,
        consumers: options.consumers,
        subscriptions_per_connection: options.subscriptions_per_connection,
        records_per_shard: options.records_per_shard,
        record_bytes: options.record_bytes,
    };
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    let arguments = ["--workers".to_owned(), options.workers.to_string()];
    let server = Server::start(&options.server, &arguments, &variables)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(run(&server, plan))?;
    let is_kept = mib(outcome.highest_kib) <= options.resident_mib_max;
    writeln!(io::stdout(), "{}", table(&outcome, plan, options.resident_mib_max, is_kept))?;
    Ok(is_kept)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn table(outcome: &Outcome, plan: Plan, resident_mib_max: f64, is_kept: bool) -> String {
    let Outcome { subscribed_kib, waiting_kib, highest_kib, read, read_time } = *outcome;
    let subscriptions = plan.subscriptions();
    let verdict = if is_kept { "kept" } else { "EXCEEDED" };
    format!(
        "| figure | measured | at most | verdict |\n|:-------|---------:|--------:|:--------|\n\
         | {subscriptions}_subscriptions_resident_mib | {:.1} | | |\n\
         | {subscriptions}_subscriptions_not_read_resident_mib | {:.1} | | |\n\
         | {subscriptions}_subscriptions_resident_max_mib | {:.1} | {resident_mib_max} | {verdict} |\n\
         | records_read | {read} | | |\n\
         | read_s | {:.1} | | |",
        mib(subscribed_kib),
        mib(waiting_kib),
        mib(highest_kib),
        read_time.as_secs_f64()
    )
}
