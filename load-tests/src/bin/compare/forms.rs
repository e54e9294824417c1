//! What the form of a request costs: the server's processor time on requests as real clients write them (`perf/bodies`,
//! grown to the case's records), and on requests in compact JSON with few header fields, in turn. All carry the same
//! data to the same stream of the same server, and each ratio is between two rounds that follow each other.
//!
//! The server's memory is limited, and filled before the first round: from then on records go where trimmed ones were.
//! A page that nobody has touched can cost more than the form of a request.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use shardmill_load_tests::forms::{Form, PayloadValues};
use shardmill_load_tests::machine::{Machine, json_string};
use shardmill_load_tests::paired::{Case, Cost, Kind, STREAM, prepare, requests, round, sample, spread};
use shardmill_load_tests::payload::Payloads;
use shardmill_load_tests::server::Server;
use shardmill_load_tests::wire::Connection;
use shardmill_load_tests::workload::{RunError, oldest_iterator};

use super::{Options, json_members, start_server};

/// The compact requests, and the start of the names of the forms that are compared with them. Rounds are short, so
/// that neighbours meet the machine in the same mood.
const CASES: [(&str, Case); 4] = [
    (
        "put_records_100b",
        Case {
            name: "forms_put_records_500x100b_4shards_4conns",
            kind: Kind::PutRecords,
            records: 500,
            record_bytes: 100,
            shards: 4,
            connections: 4,
            requests: 600,
        },
    ),
    (
        "put_records_1kib",
        Case {
            name: "forms_put_records_500x1kib_16shards_8conns",
            kind: Kind::PutRecords,
            records: 500,
            record_bytes: 1024,
            shards: 16,
            connections: 8,
            requests: 240,
        },
    ),
    (
        "put_record_100b",
        Case {
            name: "forms_put_record_100b_16conns",
            kind: Kind::PutRecord,
            records: 1,
            record_bytes: 100,
            shards: 4,
            connections: 16,
            requests: 9_600,
        },
    ),
    (
        "get_records",
        Case {
            name: "forms_get_records_1x100b_4conns",
            kind: Kind::GetRecords,
            records: 1,
            record_bytes: 100,
            shards: 1,
            connections: 4,
            requests: 9_600,
        },
    ),
];

/// What the server may take; small, so that it is soon full.
const MEMORY_LIMIT_MIB: u64 = 512;
/// Different bodies per connection, used in turn.
const BODIES: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(30);

const HEADER: &str = "\
| case | form | CPU us/request | ratio to compact: median | min | max |
|:-----|:-----|---------------:|-------------------------:|----:|----:|";

/// Measures every case and prints its table.
pub(super) async fn compare(
    options: &Options,
    machine: &Machine,
    results: &mut File,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let forms = Form::read_all(&options.bodies)?;
    writeln!(out, "{HEADER}")?;
    for (prefix, case) in CASES.iter().filter(|(_, case)| case.name.contains(&options.case)) {
        let case = if options.quick { case.quick() } else { *case };
        let forms: Vec<_> = forms.iter().filter(|form| form.name.starts_with(prefix)).collect();
        let pairs = measure(options, machine, &case, &forms, results).await?;
        let compact_us = median(pairs.iter().flatten().map(|pair| pair.compact.cpu_us_per_request()));
        writeln!(out, "| {} | compact | {compact_us:.1} | | | |", case.name)?;
        for (form, pairs) in forms.iter().zip(&pairs) {
            let form_us = median(pairs.iter().map(|pair| pair.form.cpu_us_per_request()));
            let (median, min, max) = spread(&pairs.iter().map(Pair::ratio).collect::<Vec<_>>());
            let (case, name) = (case.name, name(form));
            writeln!(out, "| {case} | {name} | {form_us:.1} | {median:.2} | {min:.2} | {max:.2} |")?;
        }
        out.flush()?;
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    spread(&values.collect::<Vec<_>>()).0
}

fn name(form: &Form) -> String {
    format!("{} {}", form.name, form.client)
}

/// What two rounds cost that followed each other.
struct Pair {
    compact: Cost,
    form: Cost,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.form.cpu_us_per_request() / self.compact.cpu_us_per_request().max(1e-9)
    }
}

/// The pairs of each form.
async fn measure(
    options: &Options,
    machine: &Machine,
    case: &Case,
    forms: &[&Form],
    results: &mut File,
) -> Result<Vec<Vec<Pair>>, Box<dyn Error>> {
    let server = full_server(options, case).await?;
    let reply = sample(server.address(), case, &requests(server.address(), case).await?).await?;
    let mut pairs: Vec<Vec<Pair>> = forms.iter().map(|_| Vec::new()).collect();
    for number in 1..=options.rounds {
        for (form, pairs) in forms.iter().zip(&mut pairs) {
            let of_form = async || {
                let requests = form_requests(server.address(), case, form).await?;
                round(&server, case, requests, reply.len()).await
            };
            let compact = async || {
                let requests = requests(server.address(), case).await?;
                round(&server, case, requests, reply.len()).await
            };
            // Each is as often the second, which finds what the first has left in the caches.
            let pair = if number % 2 == 0 {
                let ((form, _), (compact, _)) = (of_form().await?, compact().await?);
                Pair { compact, form }
            } else {
                let ((compact, _), (form, _)) = (compact().await?, of_form().await?);
                Pair { compact, form }
            };
            writeln!(results, "{}", json_line(options, machine, case, number, &name(form), &pair))?;
            pairs.push(pair);
        }
    }
    Ok(pairs)
}

/// The requests of each connection in a client's form: the same records as the compact ones.
async fn form_requests(address: SocketAddr, case: &Case, form: &Form) -> Result<Vec<Vec<Vec<u8>>>, RunError> {
    let iterator = match case.kind {
        Kind::GetRecords => {
            oldest_iterator(&mut Connection::open(address, PATIENCE).await?, STREAM, 0).await?
        }
        Kind::PutRecord | Kind::PutRecords => Vec::new(),
    };
    let payloads = Payloads::new(1, case.record_bytes);
    let own = |producer| {
        let values = PayloadValues { payloads: &payloads, producer, iterator: &iterator };
        (0..BODIES).map(|body| form.request(&values, body * case.records, case.records)).collect()
    };
    Ok((0..case.connections).map(own).collect())
}

/// A server with the case's stream; if records are to be put, with its memory full, so that what is measured is its
/// steady state: segments are recycled and no page is touched for the first time.
pub(super) async fn full_server(options: &Options, case: &Case) -> Result<Server, Box<dyn Error>> {
    let limit = format!("{MEMORY_LIMIT_MIB}MiB");
    let server = start_server(options, &[("SHARDMILL_MEMORY_LIMIT", &limit)])?;
    prepare(server.address(), case).await?;
    if case.kind != Kind::GetRecords {
        // Half a MiB each, so twice the limit.
        let fill = Case {
            name: "fill",
            kind: Kind::PutRecords,
            records: 500,
            record_bytes: 1024,
            requests: 4 * MEMORY_LIMIT_MIB,
            ..*case
        };
        let requests = requests(server.address(), &fill).await?;
        let reply = sample(server.address(), &fill, &requests).await?;
        round(&server, &fill, requests, reply.len()).await?;
    }
    Ok(server)
}

fn json_line(
    options: &Options,
    machine: &Machine,
    case: &Case,
    number: u32,
    form: &str,
    pair: &Pair,
) -> String {
    format!(
        "{{{},\"records_per_request\":{},\"form\":{},\"server_cpu_us_per_request\":{:.3},\
         \"compact_cpu_us_per_request\":{:.3},\"ratio_to_compact\":{:.4}}}",
        json_members(options, machine, case, number, &pair.form),
        case.records,
        json_string(form),
        pair.form.cpu_us_per_request(),
        pair.compact.cpu_us_per_request(),
        pair.ratio(),
    )
}
