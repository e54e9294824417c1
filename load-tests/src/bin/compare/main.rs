//! Compares the server's processor time with that of the echo server, which reads and answers the same bytes and
//! does nothing else: how much of a request is the emulator's own work. With `--forms`, what the server spends on
//! requests as real clients write them, with what it spends on compact ones ([`forms`]). Writes one NDJSON line per
//! round and prints a table of medians.

mod forms;

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use shardmill_load_tests::machine::{Machine, json_string};
use shardmill_load_tests::paired::{Case, Cost, Kind, requests, round, sample, spread};
use shardmill_load_tests::server::Server;
use shardmill_load_tests::wire::request::Request;

/// Requests are chosen so that a round costs the server a second or two of processor time.
const CASES: [Case; 5] = [
    Case {
        name: "put_records_500x100b_4shards_4conns",
        kind: Kind::PutRecords,
        records: 500,
        record_bytes: 100,
        shards: 4,
        connections: 4,
        requests: 12_000,
    },
    Case {
        name: "put_records_500x1kib_16shards_8conns",
        kind: Kind::PutRecords,
        records: 500,
        record_bytes: 1024,
        shards: 16,
        connections: 8,
        requests: 4_800,
    },
    Case {
        name: "put_record_100b_16conns",
        kind: Kind::PutRecord,
        records: 1,
        record_bytes: 100,
        shards: 4,
        connections: 16,
        requests: 96_000,
    },
    Case {
        name: "get_records_10000x100b",
        kind: Kind::GetRecords,
        records: 10_000,
        record_bytes: 100,
        shards: 1,
        connections: 4,
        requests: 1_200,
    },
    Case {
        name: "get_records_1kib_10mib",
        kind: Kind::GetRecords,
        records: 10_000,
        record_bytes: 1024,
        shards: 1,
        connections: 4,
        requests: 320,
    },
];

/// Compares the server's processor time with that of an echo of the same bytes
#[derive(Debug, Parser)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The echo server's program
    #[arg(long, required_unless_present = "forms")]
    echo: Option<PathBuf>,
    /// Instead: requests in the forms of real clients, compared with compact ones
    #[arg(long)]
    forms: bool,
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
    #[arg(long, conflicts_with = "forms")]
    floor: bool,
    /// --workers of the servers
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// Folder of the results
    #[arg(long, default_value = "perf/results")]
    out: PathBuf,
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
    let machine = Machine::here();
    fs::create_dir_all(&options.out)?;
    let file = options.out.join(format!("{}-{}.ndjson", machine.date, machine.commit));
    let mut results = OpenOptions::new().create(true).append(true).open(&file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut out = io::stdout().lock();
    let Machine { cpu, cores, kernel, rustc, commit, .. } = &machine;
    writeln!(out, "{cpu}, {cores} cores, kernel {kernel}, {rustc}, commit {commit}\n")?;
    runtime.block_on(async {
        match &options.echo {
            Some(echo) if !options.forms => {
                compare_with_echo(options, echo, &machine, &mut results, &mut out).await
            }
            _ => forms::compare(options, &machine, &mut results, &mut out).await,
        }
    })?;
    writeln!(out, "\nEach round: {}", file.display())?;
    Ok(())
}

async fn compare_with_echo(
    options: &Options,
    echo: &Path,
    machine: &Machine,
    results: &mut File,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{HEADER}")?;
    for case in CASES.into_iter().filter(|case| case.name.contains(&options.case)) {
        let case = if options.quick { case.quick() } else { case };
        let rounds = measure(options, echo, machine, &case, results).await?;
        writeln!(out, "{}", table_row(&case, &rounds))?;
        out.flush()?;
    }
    Ok(())
}

/// What one round cost each.
struct Round {
    server: Cost,
    echo: Cost,
    floor: Option<Cost>,
    resident_max_kib: u64,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.server.cpu_us_per_request() / self.echo.cpu_us_per_request().max(1e-9)
    }
}

/// The server under test with the requests that fit its present life.
struct Subject {
    server: Server,
    requests: Vec<Vec<Request>>,
}

impl Subject {
    async fn start(options: &Options, case: &Case) -> Result<Self, Box<dyn Error>> {
        let server = forms::full_server(options, case).await?;
        let requests = requests(server.address(), case).await?;
        Ok(Self { server, requests })
    }

    /// With fresh iterators, which live 300 s.
    async fn ready(self, case: &Case) -> Result<Self, Box<dyn Error>> {
        let requests = requests(self.server.address(), case).await?;
        Ok(Self { requests, ..self })
    }
}

async fn measure(
    options: &Options,
    echo_program: &Path,
    machine: &Machine,
    case: &Case,
    results: &mut File,
) -> Result<Vec<Round>, Box<dyn Error>> {
    let mut subject = Subject::start(options, case).await?;
    let reply = sample(subject.server.address(), case, &subject.requests).await?;
    let reply_file = ReplyFile::write(&reply)?;
    let echo = start_echo(options, echo_program, &reply_file.0, false)?;
    let floor =
        if options.floor { Some(start_echo(options, echo_program, &reply_file.0, true)?) } else { None };
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        subject = subject.ready(case).await?;
        let (server_cost, requests) = round(&subject.server, case, subject.requests, reply.len()).await?;
        let (echo_cost, requests) = round(&echo, case, requests, reply.len()).await?;
        let (floor_cost, requests) = match &floor {
            Some(floor) => {
                let (cost, requests) = round(floor, case, requests, reply.len()).await?;
                (Some(cost), requests)
            }
            None => (None, requests),
        };
        subject.requests = requests;
        let resident_max_kib = subject.server.memory()?.resident_max_kib;
        let round = Round { server: server_cost, echo: echo_cost, floor: floor_cost, resident_max_kib };
        writeln!(results, "{}", json_line(options, machine, case, number, &round))?;
        rounds.push(round);
    }
    Ok(rounds)
}

fn workers(options: &Options) -> [String; 2] {
    ["--workers".to_owned(), options.workers.to_string()]
}

/// The server under test: no quota of shards, no transition times, and what else its environment should say.
fn start_server(options: &Options, more: &[(&str, &str)]) -> io::Result<Server> {
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    Server::start(&options.server, &workers(options), &[&variables, more].concat())
}

fn start_echo(options: &Options, program: &Path, reply: &Path, blocking: bool) -> io::Result<Server> {
    let mut arguments = workers(options).to_vec();
    arguments.extend(["--reply".to_owned(), reply.to_string_lossy().into_owned()]);
    if blocking {
        arguments.push("--blocking".to_owned());
    }
    Server::start(program, &arguments, &[])
}

/// The answer that the echo repeats; removed with the value.
struct ReplyFile(PathBuf);

impl ReplyFile {
    fn write(body: &[u8]) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("shardmill-echo-reply-{}", std::process::id()));
        fs::write(&path, body)?;
        Ok(Self(path))
    }
}

impl Drop for ReplyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const HEADER: &str = "\
| case | server CPU us/request | echo CPU us/request | server CPU us/record | ratio: median | min | max | server requests/s |
|:-----|----------------------:|--------------------:|---------------------:|--------------:|----:|----:|------------------:|";

fn table_row(case: &Case, rounds: &[Round]) -> String {
    let median = |of: fn(&Round) -> f64| spread(&rounds.iter().map(of).collect::<Vec<_>>()).0;
    let (ratio, ratio_min, ratio_max) = spread(&rounds.iter().map(Round::ratio).collect::<Vec<_>>());
    let server_us = median(|round| round.server.cpu_us_per_request());
    let floor = match rounds.iter().filter_map(|round| round.floor).map(|cost| cost.cpu_us_per_request()) {
        costs if rounds.iter().any(|round| round.floor.is_some()) => {
            format!(" (blocking {:.1})", spread(&costs.collect::<Vec<_>>()).0)
        }
        _ => String::new(),
    };
    format!(
        "| {} | {server_us:.1} | {:.1}{floor} | {:.3} | {ratio:.2} | {ratio_min:.2} | {ratio_max:.2} | {:.0} |",
        case.name,
        median(|round| round.echo.cpu_us_per_request()),
        server_us / case.records as f64,
        median(|round| round.server.requests_per_s()),
    )
}

fn json_line(options: &Options, machine: &Machine, case: &Case, number: u32, round: &Round) -> String {
    let floor = round.floor.map_or("null".to_owned(), |cost| format!("{:.3}", cost.cpu_us_per_request()));
    format!(
        "{{{},\"records_per_request\":{},\
         \"server_cpu_us_per_request\":{:.3},\"echo_cpu_us_per_request\":{:.3},\
         \"blocking_cpu_us_per_request\":{floor},\"ratio\":{:.4},\"server_requests_per_s\":{:.1},\
         \"echo_requests_per_s\":{:.1},\"server_resident_max_kib\":{}}}",
        json_members(options, machine, case, number, &round.server),
        case.records,
        round.server.cpu_us_per_request(),
        round.echo.cpu_us_per_request(),
        round.ratio(),
        round.server.requests_per_s(),
        round.echo.requests_per_s(),
        round.resident_max_kib,
    )
}

/// The members that the rows of both comparisons begin with.
fn json_members(options: &Options, machine: &Machine, case: &Case, number: u32, server: &Cost) -> String {
    format!(
        "{},\
         \"case\":{},\"round\":{number},\"quick\":{},\"workers\":{},\"requests\":{}",
        machine.json_members(),
        json_string(case.name),
        options.quick,
        options.workers,
        server.requests,
    )
}
