//! The server's processor time with that of the echo, which reads and answers the same bytes and does nothing else:
//! how much of a request is the emulator's own work.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use shardmill_load_tests::echo::Echo;
use shardmill_load_tests::paired::{Case, Cost, Kind, requests, round, sample, spread};
use shardmill_load_tests::results::{member, spread_member};
use shardmill_load_tests::server::Server;
use shardmill_load_tests::wire::request::Request;

use super::reporting::{Sink, row_members};
use super::servers::full_server;
use super::{Options, Surroundings};

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

const HEADER: &str = "\
| case | server CPU us/request | echo CPU us/request | server CPU us/record | ratio: median | min | max | server page faults/request | max | server requests/s |
|:-----|----------------------:|--------------------:|---------------------:|--------------:|----:|----:|---------------------------:|----:|------------------:|";

/// The cases that are asked for.
pub(super) fn cases(options: &Options) -> Vec<Case> {
    let cases = CASES.into_iter().filter(|case| case.name.contains(&options.case));
    cases.map(|case| if options.quick { case.quick() } else { case }).collect()
}

/// Measures every case and prints the table.
pub(super) async fn compare<W: Write>(
    options: &Options,
    echo: &Path,
    around: &Surroundings,
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    around.steps.aside(|| sink.header(HEADER))?;
    for case in cases(options) {
        let rounds = measure(options, echo, around, &case, sink).await?;
        let members = figure_members(&rounds);
        around
            .steps
            .aside(|| sink.figure(options, around, case.name, &table_row(&case, &rounds), &members))?;
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

/// Every round starts all processes anew, since where one happens to lie in memory is worth a few per cent for as long as
/// it lives, and measures each twice, once there and once back: what drifts while a round lasts falls on all alike.
async fn measure<W: Write>(
    options: &Options,
    echo_program: &Path,
    around: &Surroundings,
    case: &Case,
    sink: &mut Sink<W>,
) -> Result<Vec<Round>, Box<dyn Error>> {
    let half = Case { requests: case.requests.div_ceil(2), ..*case };
    let mut rounds = Vec::new();
    let mut reply: Option<Vec<u8>> = None;
    for number in 1..=options.rounds {
        around.steps.doing(format!("{}: round {number}, making ready", case.name));
        // Each is as often started first; the echo has to be given an answer, so not in the first round.
        let early = reply.as_ref().filter(|_| number % 2 == 0);
        let early = early.map(|reply| Echoes::start(options, echo_program, reply)).transpose()?;
        let server = full_server(options, &options.server, case).await?;
        let requests = requests(server.address(), case).await?;
        let reply = reply.insert(sample(server.address(), case, &requests).await?);
        let echoes = match early {
            Some(early) => early,
            None => Echoes::start(options, echo_program, reply)?,
        };
        around.steps.doing(format!("{}: round {number}", case.name));
        let round = there_and_back(&server, &echoes, &half, requests, reply.len()).await?;
        sink.row(&json_row(options, around, case, number, &round))?;
        rounds.push(round);
        around.steps.done();
    }
    Ok(rounds)
}

/// The echo, and the blocking one if it is asked for.
struct Echoes {
    echo: Echo,
    floor: Option<Echo>,
}

impl Echoes {
    fn start(options: &Options, program: &Path, reply: &[u8]) -> io::Result<Self> {
        let echo = Echo::start(program, options.workers, reply, false)?;
        let floor = options.floor.then(|| Echo::start(program, options.workers, reply, true)).transpose()?;
        Ok(Self { echo, floor })
    }
}

/// What half a round's requests cost each, twice.
async fn there_and_back(
    server: &Server,
    echoes: &Echoes,
    half: &Case,
    mut requests: Vec<Vec<Request>>,
    reply_bytes: usize,
) -> Result<Round, Box<dyn Error>> {
    let processes: Vec<&Server> =
        [server, echoes.echo.server()].into_iter().chain(echoes.floor.as_ref().map(Echo::server)).collect();
    let mut costs: Vec<Option<Cost>> = processes.iter().map(|_| None).collect();
    for index in (0..processes.len()).chain((0..processes.len()).rev()) {
        let (cost, back) = round(processes[index], half, requests, reply_bytes).await?;
        requests = back;
        costs[index] = Some(costs[index].map_or(cost, |there| there.and(cost)));
    }
    let mut costs = costs.into_iter().flatten();
    let (Some(server_cost), Some(echo)) = (costs.next(), costs.next()) else {
        return Err("a process was not measured".into());
    };
    let resident_max_kib = server.memory()?.resident_max_kib;
    Ok(Round { server: server_cost, echo, floor: costs.next(), resident_max_kib })
}

fn values(rounds: &[Round], of: fn(&Round) -> f64) -> Vec<f64> {
    rounds.iter().map(of).collect()
}

fn floor_us(rounds: &[Round]) -> Vec<f64> {
    rounds.iter().filter_map(|round| round.floor).map(|cost| cost.cpu_us_per_request()).collect()
}

fn table_row(case: &Case, rounds: &[Round]) -> String {
    let (ratio, ratio_min, ratio_max) = spread(&values(rounds, Round::ratio));
    let (faults, _, faults_max) = spread(&values(rounds, |round| round.server.minor_faults_per_request()));
    let (server_us, ..) = spread(&values(rounds, |round| round.server.cpu_us_per_request()));
    let floor = match floor_us(rounds) {
        none if none.is_empty() => String::new(),
        costs => format!(" (blocking {:.1})", spread(&costs).0),
    };
    format!(
        "| {} | {server_us:.1} | {:.1}{floor} | {:.3} | {ratio:.2} | {ratio_min:.2} | {ratio_max:.2} | {faults:.3} | \
         {faults_max:.3} | {:.0} |",
        case.name,
        spread(&values(rounds, |round| round.echo.cpu_us_per_request())).0,
        server_us / case.records as f64,
        spread(&values(rounds, |round| round.server.requests_per_s())).0,
    )
}

fn figure_members(rounds: &[Round]) -> Vec<String> {
    let mut members = vec![
        spread_member(
            "server_cpu_us_per_request",
            &values(rounds, |round| round.server.cpu_us_per_request()),
        ),
        spread_member("echo_cpu_us_per_request", &values(rounds, |round| round.echo.cpu_us_per_request())),
        spread_member("ratio", &values(rounds, Round::ratio)),
        spread_member(
            "server_minor_faults_per_request",
            &values(rounds, |round| round.server.minor_faults_per_request()),
        ),
    ];
    let floor = floor_us(rounds);
    if !floor.is_empty() {
        members.push(spread_member("blocking_cpu_us_per_request", &floor));
    }
    members
}

fn json_row(options: &Options, around: &Surroundings, case: &Case, number: u32, round: &Round) -> String {
    let floor = round.floor.map_or("null".to_owned(), |cost| format!("{:.3}", cost.cpu_us_per_request()));
    format!(
        "{},{},{},\"blocking_cpu_us_per_request\":{floor},{},{},{},\"server_resident_max_kib\":{}",
        row_members(options, around, case, number, &round.server),
        member("server_cpu_us_per_request", round.server.cpu_us_per_request()),
        member("echo_cpu_us_per_request", round.echo.cpu_us_per_request()),
        member("ratio", round.ratio()),
        member("server_requests_per_s", round.server.requests_per_s()),
        member("echo_requests_per_s", round.echo.requests_per_s()),
        round.resident_max_kib,
    )
}
