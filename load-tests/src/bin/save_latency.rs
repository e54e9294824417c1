//! What puts notice of state being saved: latency of PutRecord at a fixed rate, the workers' processor time, and how long
//! they were kept from a core, with and without a save after the other beside it, at few and at many records held. Rounds
//! take turns, and each ends with a look at every record.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use shardmill_load_tests::latency::pacing::{Schedule, drive, warm_up};
use shardmill_load_tests::latency::puts::Puts;
use shardmill_load_tests::latency::{Subject, Workload};
use shardmill_load_tests::machine::{Machine, json_string};
use shardmill_load_tests::payload::Payloads;
use shardmill_load_tests::results::{Results, member};
use shardmill_load_tests::server::Server;
use shardmill_load_tests::wire::Connection;
use shardmill_load_tests::wire::request::Request;
use shardmill_load_tests::workload::{RunError, create_stream};

/// Puts while state is saved may take this many times as long as without, at the 99th percentile.
const P99_FACTOR_MAX: f64 = 2.0;
/// Whatever that is: below this, p99 tells of the machine more than of the server.
const P99_FLOOR_MS: f64 = 1.0;
/// The stream of what is held.
const HELD: &str = "held";
const PER_REQUEST: u64 = 500;

/// Measures what puts notice of state being saved
#[derive(Debug, Parser)]
struct Command {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// Records held while puts are measured, one case each
    #[arg(long, value_delimiter = ',', default_value = "10,1000000")]
    held: Vec<u64>,
    /// PutRecord calls per second
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// Length of each round
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds of each kind, by turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Data bytes of each record
    #[arg(long, default_value_t = 100)]
    record_bytes: usize,
    /// What the state file is called: `x.json` is kinesis-mock's form beside the snapshot
    #[arg(long, default_value = "state.snapshot")]
    file_name: String,
    /// Folder of the raw rows: one file per day and commit
    #[arg(long, default_value = "perf/results")]
    out: PathBuf,
}

/// What one round has shown.
struct Round {
    p50_ms: f64,
    p99_ms: f64,
    workers_us_per_put: f64,
    workers_waited_us_per_put: f64,
    keeper_share: f64,
    saves: u64,
}

impl Round {
    /// The members of its raw row.
    fn members(&self) -> String {
        let members = [
            ("p50_ms", self.p50_ms),
            ("p99_ms", self.p99_ms),
            ("workers_us_per_put", self.workers_us_per_put),
            ("workers_waited_us_per_put", self.workers_waited_us_per_put),
            ("keeper_share", self.keeper_share),
            ("saves", self.saves as f64),
        ];
        members.map(|(name, value)| member(name, value)).join(",")
    }
}

fn main() -> ExitCode {
    let command = Command::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let result = runtime.map_err(|error| RunError(error.to_string())).and_then(|runtime| {
        let machine = Machine::here();
        let mut results = Results::open(&command.out, &machine)?;
        let mut is_good = true;
        for held in &command.held {
            is_good &= runtime.block_on(case(&command, *held, &machine, &mut results))?;
        }
        Ok(is_good)
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("save_latency: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All rounds with so many records held; whether saving stayed within its bound.
async fn case(
    command: &Command,
    held: u64,
    machine: &Machine,
    results: &mut Results,
) -> Result<bool, RunError> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for number in 1..=command.rounds {
        for (is_saved, rounds) in [(false, &mut without), (true, &mut with)] {
            let round = round(command, held, is_saved).await?;
            results.row(&format!(
                "{},\"measurement\":\"saving\",\"round\":{number},\"file_name\":{},\"held\":{held},\"is_saved\":{is_saved},{}",
                machine.json_members(),
                json_string(&command.file_name),
                round.members(),
            ))?;
            rounds.push(round);
        }
    }
    for (name, rounds) in [("not saved", &without), ("saved", &with)] {
        println!(
            "{held:>9} held, {name:>9}: p50 {:.3} ms, p99 {:.3} ms, workers {:.1} us/put and {:.1} in line, keeper {:.2} of a core, {} saves",
            median(rounds, |round| round.p50_ms),
            median(rounds, |round| round.p99_ms),
            median(rounds, |round| round.workers_us_per_put),
            median(rounds, |round| round.workers_waited_us_per_put),
            median(rounds, |round| round.keeper_share),
            rounds.iter().map(|round| round.saves).sum::<u64>(),
        );
    }
    let [before, after] = [&without, &with].map(|rounds| median(rounds, |round| round.p99_ms));
    let is_good = after <= (before * P99_FACTOR_MAX).max(P99_FLOOR_MS);
    if !is_good {
        eprintln!("at {held} held, p99 is {after:.3} ms while state is saved, and {before:.3} ms else");
    }
    Ok(is_good)
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<_> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn round(command: &Command, held: u64, saves: bool) -> Result<Round, RunError> {
    let folder = std::env::temp_dir().join(format!("shardmill-save-latency-{}", std::process::id()));
    let mut arguments: Vec<String> =
        ["--latency-ms=0", "--shard-limit=Infinity", "--log-level=error"].map(str::to_owned).into();
    if saves {
        // As soon as one save has ended, the next one begins.
        arguments.extend(["--persistence", "--persist-interval=10ms"].map(str::to_owned));
        arguments.push(format!("--persist-path={}", folder.display()));
        arguments.push(format!("--persist-file-name={}", command.file_name));
    }
    let server = Server::start(&command.server, &arguments, &[])?;
    let saves = Saves::of(folder.join(&command.file_name).with_extension("snapshot"));
    let measured = measure(command, held, &server, &saves).await;
    drop(server);
    // What cannot be removed is the system's to clean up.
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

async fn measure(command: &Command, held: u64, server: &Server, saves: &Saves) -> Result<Round, RunError> {
    hold(command, held, server).await?;
    let workload = Workload {
        seed: 1,
        shards: 4,
        records_per_request: 1,
        record_bytes: command.record_bytes,
        connections: 16,
    };
    let (puts, callers) = Puts::open(server.address(), workload).await?;
    let callers = warm_up(callers).await?;
    let (workers, keeper, saved) = (server.threads("worker-")?, server.threads("keeper")?, saves.count());
    let requests = command.rate * command.seconds;
    let schedule = Schedule::new(command.rate, requests);
    let (callers, recording) = drive(schedule, callers).await?;
    let summary = recording.summary(&schedule);
    let (workers, keeper) =
        (server.threads("worker-")?.since(workers), server.threads("keeper")?.since(keeper));
    let saves = saves.count() - saved;
    let findings = puts.audit(callers).await?;
    if findings.total() > 0 {
        return Err(RunError(format!("what was put is not what is there: {findings:?}")));
    }
    Ok(Round {
        p50_ms: summary.p50_ms,
        p99_ms: summary.p99_ms,
        workers_us_per_put: workers.ran.as_secs_f64() * 1e6 / requests as f64,
        workers_waited_us_per_put: workers.waited.as_secs_f64() * 1e6 / requests as f64,
        keeper_share: keeper.ran.as_secs_f64() / summary.seconds,
        saves,
    })
}

/// Counts the saves of a file: each is another file under the same name.
struct Saves(Arc<AtomicU64>);

impl Saves {
    /// Of this file, as long as this lives.
    fn of(file: PathBuf) -> Self {
        let count = Arc::new(AtomicU64::new(0));
        let weak = Arc::downgrade(&count);
        tokio::spawn(async move {
            let mut last = None;
            while let Some(count) = weak.upgrade() {
                let file = std::fs::metadata(&file).ok().map(|about| about.ino());
                if file.is_some() && file != last {
                    count.fetch_add(1, Ordering::Relaxed);
                    last = file;
                }
                drop(count);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self(count)
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Puts what is to be held.
async fn hold(command: &Command, held: u64, server: &Server) -> Result<(), RunError> {
    create_stream(server.address(), HELD, 4).await?;
    let payloads = Payloads::new(2, command.record_bytes);
    let mut connection = Connection::open(server.address(), Duration::from_secs(30)).await?;
    let mut request = Request::default();
    let mut first = 0;
    while first < held {
        let count = PER_REQUEST.min(held - first);
        request.put_records(HELD, &payloads, 0, first, count);
        let answer = connection.call(request.bytes()).await.map_err(|error| RunError(error.to_string()))?;
        if answer.status != 200 {
            return Err(RunError(format!("PutRecords: {}", answer.status)));
        }
        first += count;
    }
    Ok(())
}
