//! What the number of shards costs: the server's processor time per record at 1000 shards, with that at 4.
//!
//! Each round starts both servers anew, since where a process happens to lie in memory is worth much here for as long as
//! it lives, and fills their memory. They get the same records over as many connections, each twice, once there and once
//! back: what drifts while a round lasts falls on both alike.

use std::error::Error;
use std::io::Write;

use shardmill_load_tests::paired::{Case, Cost, Kind, requests, round, sample, spread};
use shardmill_load_tests::results::{member, spread_member};

use super::reporting::{Sink, row_members};
use super::servers::full_server;
use super::{Options, Surroundings};

const MANY: Case = Case {
    name: "put_records_500x1kib_1000shards_8conns",
    kind: Kind::PutRecords,
    records: 500,
    record_bytes: 1024,
    shards: 1000,
    connections: 8,
    requests: 4_800,
};
const FEW: Case = Case { name: "put_records_500x1kib_4shards_8conns", shards: 4, ..MANY };

const HEADER: &str = "\
| case | CPU us/record, 1000 shards | CPU us/record, 4 shards | page faults/request, 1000 shards | 4 shards | ratio: median | min | max |
|:-----|---------------------------:|------------------------:|---------------------------------:|---------:|--------------:|----:|----:|";

/// The cost of one round each.
struct Pair {
    many: Cost,
    few: Cost,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.many.cpu_us_per_request() / self.few.cpu_us_per_request().max(1e-9)
    }
}

/// Measures and prints.
pub(super) async fn compare<W: Write>(
    options: &Options,
    around: &Surroundings,
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    let [many, few] = [MANY, FEW].map(|case| if options.quick { case.quick() } else { case });
    let mut pairs = Vec::new();
    for number in 1..=options.rounds {
        around.steps.doing(format!("1000 shards and 4, round {number}"));
        let pair = pair(options, &many, &few, number).await?;
        sink.row(&format!(
            "{},{},{},{},{},{},{}",
            row_members(options, around, &many, number, &pair.many),
            member("shards", f64::from(many.shards)),
            member("cpu_us_per_record", us_per_record(&pair.many)),
            member("few_shards", f64::from(few.shards)),
            member("few_shards_cpu_us_per_record", us_per_record(&pair.few)),
            member("few_shards_minor_faults_per_request", pair.few.minor_faults_per_request()),
            member("ratio_to_few_shards", pair.ratio()),
        ))?;
        pairs.push(pair);
        around.steps.done();
    }
    around.steps.aside(|| print(options, around, &many, &pairs, sink))
}

/// A round with each server. Each is as often the first: to take memory, and to be measured.
async fn pair(options: &Options, many: &Case, few: &Case, number: u32) -> Result<Pair, Box<dyn Error>> {
    let (first, second) = if number.is_multiple_of(2) { (few, many) } else { (many, few) };
    let servers = [
        (first, full_server(options, &options.server, first).await?),
        (second, full_server(options, &options.server, second).await?),
    ];

    let (mut of_many, mut of_few): (Option<Cost>, Option<Cost>) = (None, None);
    for (case, server) in servers.iter().chain(servers.iter().rev()) {
        let half = Case { requests: case.requests.div_ceil(2), ..**case };
        let requests = requests(server.address(), &half).await?;
        let reply = sample(server.address(), &half, &requests).await?;
        let (cost, _) = round(server, &half, requests, reply.len()).await?;
        let of_case = if case.shards == many.shards { &mut of_many } else { &mut of_few };
        *of_case = Some(of_case.map_or(cost, |before| before.and(cost)));
    }
    match (of_many, of_few) {
        (Some(many), Some(few)) => Ok(Pair { many, few }),
        _ => Err("a server was not measured".into()),
    }
}

fn us_per_record(cost: &Cost) -> f64 {
    cost.cpu_us_per_request() / MANY.records as f64
}

fn print<W: Write>(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    pairs: &[Pair],
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    let of = |value: &dyn Fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<_>>();
    let (many_us, few_us) = (of(&|pair| us_per_record(&pair.many)), of(&|pair| us_per_record(&pair.few)));
    let many_faults = of(&|pair| pair.many.minor_faults_per_request());
    let few_faults = of(&|pair| pair.few.minor_faults_per_request());
    let ratios = of(&Pair::ratio);
    let (median, min, max) = spread(&ratios);
    let table_row = format!(
        "| {} | {:.3} | {:.3} | {:.3} | {:.3} | {median:.2} | {min:.2} | {max:.2} |",
        case.name,
        spread(&many_us).0,
        spread(&few_us).0,
        spread(&many_faults).0,
        spread(&few_faults).0,
    );
    let members = [
        spread_member("cpu_us_per_record", &many_us),
        spread_member("few_shards_cpu_us_per_record", &few_us),
        spread_member("minor_faults_per_request", &many_faults),
        spread_member("few_shards_minor_faults_per_request", &few_faults),
        spread_member("ratio_to_few_shards", &ratios),
    ];
    sink.header(HEADER)?;
    sink.figure(options, around, case.name, &table_row, &members)?;
    Ok(())
}
