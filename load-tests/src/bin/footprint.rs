//! The memory gate: what the server holds when idle, full of records, and with very many shards, and how soon it
//! answers. Exit code 0: every limit kept. 1: one was exceeded; the table says which. 2: not tested.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use shardmill_load_tests::machine::Machine;
use shardmill_load_tests::paired::spread;
use shardmill_load_tests::payload::{KEY_CHARS, Payloads};
use shardmill_load_tests::server::Server;
use shardmill_load_tests::wire::Connection;
use shardmill_load_tests::wire::answers::put_records;
use shardmill_load_tests::wire::request::Request;
use shardmill_load_tests::workload::{RunError, create_stream, good, oldest_iterator};

/// The program's own pages are half of it; a heap that touches three huge pages when idle exceeds it.
const IDLE_MIB_MAX: f64 = 7.0;

/// Records of the filled server: 293.7 MiB of data and keys.
const RECORDS: u64 = 1_400_000;
const RECORD_BYTES: usize = 200;
const BATCH_RECORDS: u64 = 500;
const FILLED_SHARDS: u32 = 4;
/// So that each worker has its part in the load.
const CONNECTIONS: usize = 4;
/// 15.7 % more than data and keys.
const FILLED_MIB_MAX: f64 = 340.0;

/// As many shards as UpdateShardCount can reach.
const MANY_SHARDS: u32 = 10_000;
const MANY_SHARDS_MIB_MAX: f64 = 25.0;
const MANY_SHARDS_CREATED_MS_MAX: f64 = 100.0;

/// Starts of which the median is shown.
const STARTS: usize = 5;

const STREAM: &str = "footprint";
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks the server's memory when idle, full of records, and with 10,000 shards
#[derive(Debug, Parser)]
struct Options {
    /// The server's program
    #[arg(long)]
    server: PathBuf,
    /// The server's --workers
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match footprint(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "not tested: {error}");
            ExitCode::from(2)
        }
    }
}

fn footprint(options: &Options) -> Result<bool, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = runtime.block_on(starts(options))?.to_vec();
    figures.extend(runtime.block_on(filled(options))?);
    figures.extend(runtime.block_on(many_shards(options))?);
    let text = if options.json { json_line(&Machine::here(), &figures) } else { table(&figures) };
    writeln!(io::stdout(), "{text}")?;
    Ok(figures.iter().all(Figure::is_met))
}

/// One measurement, with its limit if it has one.
#[derive(Debug, Clone, Copy)]
struct Figure {
    /// Says all of it, the unit last.
    name: &'static str,
    value: f64,
    at_most: Option<f64>,
}

impl Figure {
    const fn shown(name: &'static str, value: f64) -> Self {
        Self { name, value, at_most: None }
    }

    const fn gated(name: &'static str, value: f64, at_most: f64) -> Self {
        Self { name, value, at_most: Some(at_most) }
    }

    /// A value that is no number keeps no limit.
    fn is_met(&self) -> bool {
        self.at_most.is_none_or(|at_most| self.value <= at_most)
    }
}

/// A server that did nothing yet, and the time from its start to its first answer.
async fn starts(options: &Options) -> Result<[Figure; 2], Box<dyn Error>> {
    let list = Request::new("ListStreams", "{}");
    let (mut ms, mut mib) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = start(options)?;
        let mut connection = Connection::open(server.address(), PATIENCE).await?;
        good(&mut connection, &list).await?;
        ms.push(ms_since(started));
        mib.push(resident_mib(&server)?);
    }
    Ok([
        Figure::shown("start_to_first_answer_ms", spread(&ms).0),
        Figure::gated("idle_resident_mib", spread(&mib).0, IDLE_MIB_MAX),
    ])
}

/// A server that holds [`RECORDS`].
async fn filled(options: &Options) -> Result<[Figure; 2], Box<dyn Error>> {
    let server = start(options)?;
    create_stream(server.address(), STREAM, FILLED_SHARDS).await?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(server.address(), PATIENCE).await?);
    }
    let empty_mib = resident_mib(&server)?;
    let payloads = Payloads::new(0, RECORD_BYTES);
    let mut request = Request::default();
    let mut first = 0;
    while first < RECORDS {
        for connection in &mut connections {
            let count = BATCH_RECORDS.min(RECORDS - first);
            if count > 0 {
                request.put_records(STREAM, &payloads, 0, first, count);
                store(connection, &request, count).await?;
                first += count;
            }
        }
    }
    let resident_mib = resident_mib(&server)?;
    let stored_bytes = (RECORD_BYTES + KEY_CHARS) as f64;
    let beyond_bytes = (resident_mib - empty_mib) * MIB / RECORDS as f64 - stored_bytes;
    Ok([
        Figure::gated("filled_1400000x200b_4shards_resident_mib", resident_mib, FILLED_MIB_MAX),
        Figure::shown("filled_beyond_data_and_key_per_record_bytes", beyond_bytes),
    ])
}

/// A server with a stream of [`MANY_SHARDS`], none of them used.
async fn many_shards(options: &Options) -> Result<[Figure; 2], Box<dyn Error>> {
    let server = start(options)?;
    let started = Instant::now();
    create_stream(server.address(), STREAM, MANY_SHARDS).await?;
    let created_ms = ms_since(started);
    let resident_mib = resident_mib(&server)?;
    // The last shard must be there, or a smaller stream would look frugal.
    let mut connection = Connection::open(server.address(), PATIENCE).await?;
    oldest_iterator(&mut connection, STREAM, MANY_SHARDS - 1).await?;
    Ok([
        Figure::gated("create_10000_shards_ms", created_ms, MANY_SHARDS_CREATED_MS_MAX),
        Figure::gated("created_10000_shards_resident_mib", resident_mib, MANY_SHARDS_MIB_MAX),
    ])
}

fn start(options: &Options) -> io::Result<Server> {
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    Server::start(&options.server, &["--workers".to_owned(), options.workers.to_string()], &variables)
}

/// Sends a put and insists that each of its records was stored: memory saved by refusing is none.
async fn store(connection: &mut Connection, request: &Request, count: u64) -> Result<(), RunError> {
    let answer = good(connection, request).await?;
    let mut entries = 0;
    let failed = put_records(&answer, |_| entries += 1).map_err(|error| RunError(error.to_string()))?;
    if failed > 0 || entries != count {
        return Err(RunError(format!("{entries} records of {count} answered, {failed} refused")));
    }
    Ok(())
}

const MIB: f64 = 1_048_576.0;

fn resident_mib(server: &Server) -> Result<f64, Box<dyn Error>> {
    let resident_kib = server.memory()?.resident_kib;
    if resident_kib == 0 {
        // What a process that has ended reports; it would keep every limit.
        return Err("the server has no resident memory any more".into());
    }
    Ok(resident_kib as f64 / 1024.0)
}

fn ms_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

fn table(figures: &[Figure]) -> String {
    let mut text =
        "| figure | measured | at most | verdict |\n|:-------|---------:|--------:|:--------|".to_owned();
    for figure in figures {
        let Figure { name, value, .. } = figure;
        let (at_most, verdict) = match figure.at_most {
            None => (String::new(), ""),
            Some(at_most) => (at_most.to_string(), if figure.is_met() { "kept" } else { "EXCEEDED" }),
        };
        text += &format!("\n| {name} | {value:.1} | {at_most} | {verdict} |");
    }
    text
}

fn json_line(machine: &Machine, figures: &[Figure]) -> String {
    let figures: Vec<_> = figures
        .iter()
        .map(|figure| {
            let Figure { name, value, .. } = figure;
            let at_most = figure.at_most.map_or("null".to_owned(), |at_most| at_most.to_string());
            let is_met = figure.is_met();
            format!("{{\"name\":\"{name}\",\"value\":{value:.3},\"at_most\":{at_most},\"is_met\":{is_met}}}")
        })
        .collect();
    format!(
        "{{{},\
         \"figures\":[{}]}}",
        machine.json_members(),
        figures.join(","),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a limit that is exceeded, or a value that is no number, fails the gate and is named in both forms.
    #[test]
    fn an_exceeded_limit_is_no_success() {
        assert!(Figure::shown("any", 1e9).is_met());
        assert!(Figure::gated("kept", 25.0, 25.0).is_met());
        assert!(!Figure::gated("exceeded", 25.1, 25.0).is_met());
        assert!(!Figure::gated("none", f64::NAN, 25.0).is_met());
        let figures = [Figure::shown("any", 3.0), Figure::gated("exceeded", 25.16, 25.0)];
        let table = table(&figures);
        assert!(table.contains("\n| any | 3.0 |  |  |\n| exceeded | 25.2 | 25 | EXCEEDED |"), "{table}");
        let json = json_line(&Machine::here(), &figures);
        assert!(
            json.ends_with(
                r#""figures":[{"name":"any","value":3.000,"at_most":null,"is_met":true},{"name":"exceeded","value":25.160,"at_most":25,"is_met":false}]}"#
            ),
            "{json}"
        );
    }
}
