//! What a change costs: the processor time of one build of the server, with that of others on the same requests.
//!
//! Each round starts all builds anew, since where a process happens to lie in memory is worth a few per cent for as long
//! as it lives, fills their memory, and measures each twice, once there and once back: what drifts while a round lasts
//! falls on all of them alike.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use shardmill_load_tests::machine::json_string;
use shardmill_load_tests::paired::{Case, Cost, requests, round, sample, spread};
use shardmill_load_tests::results::{member, spread_member};
use shardmill_load_tests::server::Server;

use super::echo::cases;
use super::reporting::{Sink, row_members};
use super::servers::full_server;
use super::{Options, Surroundings};

/// A round measures each build twice, each time for this part of a case's requests.
const PART: u64 = 2;

const HEADER: &str = "\
| case | before | CPU us/request before | now | ratio: median | min | max |
|:-----|:-------|----------------------:|----:|--------------:|----:|----:|";

/// Measures every case and prints the table.
pub(super) async fn compare<W: Write>(
    options: &Options,
    around: &Surroundings,
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    around.steps.aside(|| sink.header(HEADER))?;
    for case in cases(options) {
        let case = Case { requests: (case.requests / PART).max(u64::from(case.connections)), ..case };
        let rounds = measure(options, around, &case, sink).await?;
        around.steps.aside(|| print(options, around, &case, &rounds, sink))?;
    }
    Ok(())
}

/// What one round cost each build, in microseconds of processor time per request.
struct Round {
    now_us: f64,
    /// In the order of `--before`.
    before_us: Vec<f64>,
}

impl Round {
    fn ratio(&self, before: usize) -> f64 {
        self.now_us / self.before_us.get(before).copied().unwrap_or(f64::NAN)
    }
}

async fn measure<W: Write>(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    sink: &mut Sink<W>,
) -> Result<Vec<Round>, Box<dyn Error>> {
    let programs: Vec<&Path> =
        [&options.server].into_iter().chain(&options.before).map(PathBuf::as_path).collect();
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        around.steps.doing(format!("{}: round {number}, filling the memory of each", case.name));
        // Each is as often the first: to take memory, and to be measured.
        let first = number as usize % programs.len();
        let mut servers = Vec::new();
        for index in (first..programs.len()).chain(0..first) {
            servers.push((index, full_server(options, programs[index], case).await?));
        }
        around.steps.doing(format!("{}: round {number}", case.name));
        let mut costs: Vec<Vec<Cost>> = programs.iter().map(|_| Vec::new()).collect();
        for (index, server) in servers.iter().chain(servers.iter().rev()) {
            costs[*index].push(cost(server, case).await?);
        }
        let us = |costs: &Vec<Cost>| {
            costs.iter().map(Cost::cpu_us_per_request).sum::<f64>() / costs.len().max(1) as f64
        };
        let round = Round { now_us: us(&costs[0]), before_us: costs.iter().skip(1).map(us).collect() };
        for (index, before) in options.before.iter().enumerate() {
            sink.row(&format!(
                "{},\"before\":{},{},{},{}",
                row_members(options, around, case, number, &costs[0][0]),
                json_string(&name(before)),
                member("server_cpu_us_per_request", round.now_us),
                member("before_cpu_us_per_request", round.before_us[index]),
                member("ratio_to_before", round.ratio(index)),
            ))?;
        }
        rounds.push(round);
        around.steps.done();
    }
    Ok(rounds)
}

async fn cost(server: &Server, case: &Case) -> Result<Cost, Box<dyn Error>> {
    let requests = requests(server.address(), case).await?;
    let reply = sample(server.address(), case, &requests).await?;
    Ok(round(server, case, requests, reply.len()).await?.0)
}

fn print<W: Write>(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    rounds: &[Round],
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    let now_us: Vec<_> = rounds.iter().map(|round| round.now_us).collect();
    for (index, before) in options.before.iter().enumerate() {
        let before_us: Vec<_> = rounds.iter().map(|round| round.before_us[index]).collect();
        let ratios: Vec<_> = rounds.iter().map(|round| round.ratio(index)).collect();
        let (median, min, max) = spread(&ratios);
        let name = name(before);
        let table_row = format!(
            "| {} | {name} | {:.2} | {:.2} | {median:.3} | {min:.3} | {max:.3} |",
            case.name,
            spread(&before_us).0,
            spread(&now_us).0,
        );
        let members = [
            format!("\"before\":{}", json_string(&name)),
            spread_member("server_cpu_us_per_request", &now_us),
            spread_member("before_cpu_us_per_request", &before_us),
            spread_member("ratio_to_before", &ratios),
        ];
        sink.figure(options, around, case.name, &table_row, &members)?;
    }
    Ok(())
}

/// A build's name: of its file, since its folder says where somebody works.
fn name(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
