//! Compares processor times, in rounds that take turns: the server's with that of the echo server, which reads and
//! answers the same bytes and does nothing else ([`echo`]); or, with `--forms`, on requests as real clients write them
//! with that on compact ones ([`forms`]); or, with `--shards`, at 1000 shards with that at 4 ([`shards`]); or, with
//! `--before`, that of one build of the server with that of others ([`before`]). Writes one NDJSON line per round and
//! prints a table of medians.

mod before;
mod echo;
mod forms;
mod reporting;
mod servers;
mod shards;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use shardmill_load_tests::huge_pages;
use shardmill_load_tests::interrupt::Interrupt;
use shardmill_load_tests::machine::Machine;
use shardmill_load_tests::progress::Steps;

use reporting::Sink;

const EXAMPLES: &str = "\
Examples:
  compare --server target/release/shardmill --echo target/release/shardmill-echo
  compare --server target/release/shardmill --echo target/release/shardmill-echo --case put_records --thp never
  compare --server target/release/shardmill --shards
  compare --server target/release/shardmill --before /tmp/shardmill-of-main --case put_record_
  compare --server target/release/shardmill --forms --json";

/// Compares processor times, round by round: the server's with that of an echo of the same bytes
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The echo server's program
    #[arg(long, required_unless_present_any = ["before", "forms", "shards"])]
    echo: Option<PathBuf>,
    /// Instead: another build of the server, whose processor time is compared with; may be given several times
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["echo", "forms", "shards", "floor"])]
    before: Vec<PathBuf>,
    /// Instead: requests in the forms of real clients, compared with compact ones
    #[arg(long)]
    forms: bool,
    /// Instead: PutRecords to 1000 shards, compared with PutRecords to 4
    #[arg(long, conflicts_with_all = ["forms", "case"])]
    shards: bool,
    /// Folder of the captured requests of real clients
    #[arg(long, default_value = "perf/bodies")]
    bodies: PathBuf,
    /// Rounds per case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// An eighth of the requests: a try-out, not a measurement
    #[arg(long)]
    quick: bool,
    /// Only cases whose name contains this
    #[arg(long, default_value = "")]
    case: String,
    /// Also measure the blocking echo: what the kernel alone costs
    #[arg(long, conflicts_with_all = ["forms", "shards"])]
    floor: bool,
    /// --workers of the servers
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// The server's memory limit where records are put; filled twice over before the first round [default: 512, with
    /// --shards 2048]
    #[arg(long, value_parser = clap::value_parser!(u64).range(128..=1_048_576))]
    memory_limit_mib: Option<u64>,
    /// Switch the system's transparent huge pages to this for the time of the comparison; needs root
    #[arg(long)]
    thp: Option<HugePages>,
    /// One JSON object per line of the table instead of the table
    #[arg(long)]
    json: bool,
    /// Folder of the results
    #[arg(long, default_value = "perf/results")]
    out: PathBuf,
}

impl Options {
    /// Small, so that it is soon full; but each of very many shards needs a few segments.
    fn memory_limit_mib(&self) -> u64 {
        self.memory_limit_mib.unwrap_or(if self.shards { 2048 } else { 512 })
    }
}

/// What transparent huge pages can be switched to.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum HugePages {
    /// For nobody
    Never,
}

/// What is the same for all cases.
struct Surroundings {
    machine: Machine,
    steps: Steps,
}

fn main() -> ExitCode {
    match compare(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "no comparison: {error}");
            ExitCode::from(2)
        }
    }
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // First, so that whatever ends the comparison ends it in here, where everything is put back.
        let interrupt = Interrupt::catch()?;
        interrupt.or(measure(options)).await
    })
}

async fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let held = match options.thp {
        Some(HugePages::Never) => Some(huge_pages::Held::never()?),
        None => None,
    };
    if let Some(held) = &held {
        writeln!(io::stderr(), "Transparent huge pages: {}.", held.promise())?;
    }
    let machine = Machine::here();
    let mut sink = Sink::open(options, &machine, io::stdout())?;
    let cases = match (options.forms, options.shards) {
        (true, _) => forms::pairs(options)?,
        (_, true) => 1,
        _ => echo::cases(options).len(),
    };
    if cases == 0 {
        return Err(format!("no case's name contains {:?}", options.case).into());
    }
    let around = Surroundings { machine, steps: Steps::new(cases as u64 * u64::from(options.rounds)) };
    match &options.echo {
        _ if !options.before.is_empty() => before::compare(options, &around, &mut sink).await?,
        _ if options.forms => forms::compare(options, &around, &mut sink).await?,
        Some(echo) if !options.shards => echo::compare(options, echo, &around, &mut sink).await?,
        _ => shards::compare(options, &around, &mut sink).await?,
    }
    if let Some(held) = &held {
        held.check()?;
    }
    drop(around);
    Ok(sink.close()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from("compare --server s".split(' ').chain(arguments.split_whitespace()))
    }

    /// Protects: an echo is asked for exactly where one is measured, and what contradicts itself is refused.
    #[test]
    fn options_fit_together() {
        assert!(parsed("").is_err());
        assert!(parsed("--echo e --floor --thp never").is_ok());
        assert!(parsed("--forms").is_ok() && parsed("--shards").is_ok());
        assert!(parsed("--forms --shards").is_err());
        assert!(parsed("--shards --floor").is_err());
        assert!(parsed("--before b --before c").is_ok());
        assert!(parsed("--before b --echo e").is_err());
        assert!(parsed("--echo e --thp always").is_err());
    }

    /// Protects: every example of the help is accepted.
    #[test]
    fn examples_are_accepted() {
        for example in EXAMPLES.lines().skip(1) {
            assert!(Options::try_parse_from(example.split_whitespace()).is_ok(), "{example}");
        }
    }
}
