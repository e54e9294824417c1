//! What the form of a request costs: the server's processor time on requests as real clients write them (`perf/bodies`,
//! grown to the case's records), and on requests in compact JSON with few header fields, in turn. All carry the same
//! data to the same stream of the same server, and each ratio is between two rounds that follow each other.
//!
//! The server's memory is limited, and filled before the first round: from then on records go where trimmed ones were.
//! A page that nobody has touched can cost more than the form of a request.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use shardmill_load_tests::forms::{Form, PayloadValues};
use shardmill_load_tests::machine::json_string;
use shardmill_load_tests::paired::{Case, Cost, Kind, STREAM, requests, round, sample, spread};
use shardmill_load_tests::payload::Payloads;
use shardmill_load_tests::results::{member, spread_member};
use shardmill_load_tests::wire::Connection;
use shardmill_load_tests::workload::{RunError, oldest_iterator};

use super::reporting::{Sink, row_members};
use super::servers::full_server;
use super::{Options, Surroundings};

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

/// Different bodies per connection, used in turn.
const BODIES: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(30);

const HEADER: &str = "\
| case | form | CPU us/request | ratio to compact: median | min | max |
|:-----|:-----|---------------:|-------------------------:|----:|----:|";

/// Each case that is asked for, with the forms that are compared in it.
fn cases<'a>(options: &Options, forms: &'a [Form]) -> Vec<(Case, Vec<&'a Form>)> {
    let asked = CASES.iter().filter(|(_, case)| case.name.contains(&options.case));
    let with_forms = asked.map(|(prefix, case)| {
        let case = if options.quick { case.quick() } else { *case };
        (case, forms.iter().filter(|form| form.name.starts_with(prefix)).collect())
    });
    with_forms.collect()
}

/// How many pairs of rounds there are in each turn.
pub(super) fn pairs(options: &Options) -> Result<usize, Box<dyn Error>> {
    let forms = Form::read_all(&options.bodies)?;
    Ok(cases(options, &forms).iter().map(|(_, forms)| forms.len()).sum())
}

/// Measures every case and prints its table.
pub(super) async fn compare<W: Write>(
    options: &Options,
    around: &Surroundings,
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    let forms = Form::read_all(&options.bodies)?;
    around.steps.aside(|| sink.header(HEADER))?;
    for (case, forms) in cases(options, &forms) {
        let pairs = measure(options, around, &case, &forms, sink).await?;
        around.steps.aside(|| print(options, around, &case, &forms, &pairs, sink))?;
    }
    Ok(())
}

fn print<W: Write>(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    forms: &[&Form],
    pairs: &[Vec<Pair>],
    sink: &mut Sink<W>,
) -> Result<(), Box<dyn Error>> {
    let compact_us: Vec<_> = pairs.iter().flatten().map(|pair| pair.compact.cpu_us_per_request()).collect();
    let row = format!("| {} | compact | {:.1} | | | |", case.name, spread(&compact_us).0);
    let members = ["\"form\":null".to_owned(), spread_member("server_cpu_us_per_request", &compact_us)];
    sink.figure(options, around, case.name, &row, &members)?;
    for (form, pairs) in forms.iter().zip(pairs) {
        let form_us: Vec<_> = pairs.iter().map(|pair| pair.form.cpu_us_per_request()).collect();
        let ratios: Vec<_> = pairs.iter().map(Pair::ratio).collect();
        let (median, min, max) = spread(&ratios);
        let (name, us) = (name(form), spread(&form_us).0);
        let row = format!("| {} | {name} | {us:.1} | {median:.2} | {min:.2} | {max:.2} |", case.name);
        let members = [
            format!("\"form\":{}", json_string(&name)),
            spread_member("server_cpu_us_per_request", &form_us),
            spread_member("ratio_to_compact", &ratios),
        ];
        sink.figure(options, around, case.name, &row, &members)?;
    }
    Ok(())
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
async fn measure<W: Write>(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    forms: &[&Form],
    sink: &mut Sink<W>,
) -> Result<Vec<Vec<Pair>>, Box<dyn Error>> {
    around.steps.doing(format!("{}: making ready", case.name));
    let server = full_server(options, &options.server, case).await?;
    let reply = sample(server.address(), case, &requests(server.address(), case).await?).await?;
    let mut pairs: Vec<Vec<Pair>> = forms.iter().map(|_| Vec::new()).collect();
    for number in 1..=options.rounds {
        for (form, pairs) in forms.iter().zip(&mut pairs) {
            around.steps.doing(format!("{}: {}, round {number}", case.name, name(form)));
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
            sink.row(&json_row(options, around, case, number, &name(form), &pair))?;
            pairs.push(pair);
            around.steps.done();
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

fn json_row(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    number: u32,
    form: &str,
    pair: &Pair,
) -> String {
    format!(
        "{},\"form\":{},{},{},{}",
        row_members(options, around, case, number, &pair.form),
        json_string(form),
        member("server_cpu_us_per_request", pair.form.cpu_us_per_request()),
        member("compact_cpu_us_per_request", pair.compact.cpu_us_per_request()),
        member("ratio_to_compact", pair.ratio()),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Protects: no captured request is left out of the comparison, and none is in two cases.
    #[test]
    fn every_capture_is_compared_once() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../perf/bodies");
        for form in Form::read_all(&folder).unwrap() {
            let cases = CASES.iter().filter(|(prefix, _)| form.name.starts_with(prefix)).count();
            assert_eq!(cases, 1, "{} of {}", form.name, form.client);
        }
    }
}
