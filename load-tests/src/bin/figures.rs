//! The figures that have a limit of their own: rounds of all measurements, one after the other, so that a change of
//! the machine's mood meets all of them. Each run is kept as a line of NDJSON. Exit code 0: the median of every figure
//! keeps its limit. 1: one does not. 2: not measured.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use shardmill_load_tests::figures::reporting::{Context, HEADER, Summary};
use shardmill_load_tests::figures::{Run, Subject, delivery, many_shards, starting, sustained};
use shardmill_load_tests::interrupt::Interrupt;
use shardmill_load_tests::machine::Machine;
use shardmill_load_tests::progress::Steps;
use shardmill_load_tests::results::Results;

const EXAMPLES: &str = "\
Examples:
  figures --server target/release/shardmill --echo target/release/shardmill-echo
  figures --server target/release/shardmill --only start,shards
  figures --server target/release/shardmill --only sustained --rounds 1 --quick --out results-tried";

/// Measures what has a limit of its own: steadiness, delivery, start, very many shards
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The echo server's program; needed for the delivery
    #[arg(long)]
    echo: Option<PathBuf>,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Measurement::value_variants().to_vec())]
    only: Vec<Measurement>,
    /// Rounds, in each of which every measurement runs once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Everything smaller and shorter: a try-out, not a measurement, and no limit holds
    #[arg(long)]
    quick: bool,
    /// --workers of the servers
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// One JSON object per figure instead of a table
    #[arg(long)]
    json: bool,
    /// Folder of the raw rows
    #[arg(long, default_value = "perf/results")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// A minute of puts under 4 GiB: processor time per record at its end over that when memory became full
    Sustained,
    /// From a put to its record's arrival at a poller that never pauses, over the echo's round trip
    Delivery,
    /// Start to first answer, and idle memory
    Start,
    /// Memory of 100,000 shards, untouched and with ten records each
    Shards,
}

impl Measurement {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

fn main() -> ExitCode {
    match figures(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not measured: {error}");
            ExitCode::from(2)
        }
    }
}

fn figures(options: &Options) -> Result<bool, Box<dyn Error>> {
    let needs_echo = options.only.contains(&Measurement::Delivery);
    if needs_echo && options.echo.is_none() {
        return Err("the delivery is compared with the echo: --echo PROGRAM, or --only for the others".into());
    }
    let context = Context { machine: Machine::here(), workers: options.workers, quick: options.quick };
    let mut results = Results::open(&options.out, &context.machine)?;
    // Two threads: the machine's other work is the server.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let runs = runtime.block_on(async {
        let interrupt = Interrupt::catch()?;
        interrupt.or(measure(options, &context, &mut results)).await
    })?;
    print(options, &context, &runs, results.path())
}

/// The runs of each measurement.
async fn measure(
    options: &Options,
    context: &Context,
    results: &mut Results,
) -> Result<Vec<Vec<Run>>, Box<dyn Error>> {
    let steps = Steps::new(options.only.len() as u64 * u64::from(options.rounds));
    let mut runs: Vec<Vec<Run>> = options.only.iter().map(|_| Vec::new()).collect();
    for round in 1..=options.rounds {
        for (measurement, runs) in options.only.iter().zip(&mut runs) {
            let name = measurement.name();
            steps.doing(format!("round {round}: {name}"));
            let run = once(options, *measurement, round).await.map_err(|error| format!("{name}: {error}"))?;
            results.row(&context.row(&name, round, &run))?;
            runs.push(run);
            steps.done();
        }
    }
    Ok(runs)
}

async fn once(options: &Options, measurement: Measurement, round: u32) -> Result<Run, Box<dyn Error>> {
    let subject = Subject { program: options.server.clone(), workers: options.workers };
    let quick = options.quick;
    Ok(match measurement {
        Measurement::Sustained => {
            let plan = if quick { sustained::Plan::QUICK } else { sustained::Plan::FULL };
            sustained::run(&subject, plan).await?
        }
        Measurement::Delivery => {
            let plan = if quick { delivery::Plan::QUICK } else { delivery::Plan::FULL };
            let echo = options.echo.as_deref().ok_or("no echo")?;
            delivery::run(&subject, echo, plan, round.is_multiple_of(2)).await?
        }
        Measurement::Start => starting::run(&subject).await?,
        Measurement::Shards => {
            let plan = if quick { many_shards::Plan::QUICK } else { many_shards::Plan::FULL };
            many_shards::run(&subject, plan).await?
        }
    })
}

/// The table or the objects. True if every limit is kept.
fn print(
    options: &Options,
    context: &Context,
    runs: &[Vec<Run>],
    kept: &Path,
) -> Result<bool, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let summaries: Vec<_> = runs.iter().flat_map(|runs| context.summaries(runs)).collect();
    if options.json {
        for summary in &summaries {
            writeln!(out, "{}", context.json(summary))?;
        }
    } else {
        let Machine { cpu, cores, kernel, rustc, commit, .. } = &context.machine;
        writeln!(out, "{cpu}, {cores} cores, kernel {kernel}, {rustc}, commit {commit}\n\n{HEADER}")?;
        for summary in &summaries {
            writeln!(out, "{}", summary.table_row())?;
        }
        writeln!(out, "\nEach run: {}", kept.display())?;
    }
    Ok(summaries.iter().all(Summary::is_met))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: every example of the help is accepted, and all measurements run where none is chosen.
    #[test]
    fn options_are_accepted() {
        for example in EXAMPLES.lines().skip(1) {
            assert!(Options::try_parse_from(example.split_whitespace()).is_ok(), "{example}");
        }
        let options = Options::try_parse_from(["figures", "--server", "s"]).unwrap();
        assert_eq!(options.only, Measurement::value_variants());
        assert!(figures(&options).is_err(), "the echo is missing");
        assert!(Options::try_parse_from(["figures", "--server", "s", "--only", "nothing"]).is_err());
    }
}
