//! The paired comparison: the same requests, over the same number of connections, to one process after the other,
//! and the processor time that each spent on them. Rounds alternate, so that a change of the machine's mood meets
//! both; the ratio of a round is what is worth keeping, absolute times are the machine's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::payload::{Payloads, RecordId};
use crate::server::Server;
use crate::wire::answers::{find_string, get_records, put_records};
use crate::wire::request::Request;
use crate::wire::{Answer, Connection};
use crate::workload::{RunError, create_stream, good, oldest_iterator};

/// The stream of every case: the one that the captured requests of `perf/bodies` name.
pub const STREAM: &str = "bodies";
const PATIENCE: Duration = Duration::from_secs(30);
/// Different bodies per connection, used in turn.
const BODIES: u64 = 4;
/// Records per PutRecords: AWS's limit.
const BATCH_RECORDS_MAX: u64 = 500;
/// Share of a round's requests sent before the clock starts.
const WARM_UP: u64 = 20;

/// What the requests of a case are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PutRecords.
    PutRecords,
    /// PutRecord.
    PutRecord,
    /// GetRecords, always from the shard's start.
    GetRecords,
}

/// One case of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Says all of it: operation, records, size, shards, connections.
    pub name: &'static str,
    /// What is requested.
    pub kind: Kind,
    /// Records in one request or its answer.
    pub records: u64,
    /// Data bytes of each record.
    pub record_bytes: usize,
    /// Shards of the stream.
    pub shards: u32,
    /// Connections, each with one request at a time.
    pub connections: u16,
    /// Requests of a round.
    pub requests: u64,
}

impl Case {
    /// The case with an eighth of its requests: a try-out, not a measurement.
    pub fn quick(mut self) -> Self {
        self.requests = (self.requests / 8).max(u64::from(self.connections));
        self
    }
}

/// Makes a fresh server ready for a case: its stream, and for reads its records.
///
/// # Errors
/// The server refuses any of it.
pub async fn prepare(address: SocketAddr, case: &Case) -> Result<(), RunError> {
    create_stream(address, STREAM, case.shards).await?;
    if case.kind == Kind::GetRecords {
        let payloads = Payloads::new(0, case.record_bytes);
        let mut connection = Connection::open(address, PATIENCE).await?;
        let mut request = Request::default();
        for first in (0..case.records).step_by(500) {
            let batch = Case {
                kind: Kind::PutRecords,
                records: BATCH_RECORDS_MAX.min(case.records - first),
                ..*case
            };
            request.put_records(STREAM, &payloads, 0, first, batch.records);
            check_answer(&batch, &good(&mut connection, &request).await?)?;
        }
    }
    Ok(())
}

/// The requests of each connection. Iterators come from `address`, so this is asked anew for each fresh server.
///
/// # Errors
/// The server gives no iterator.
pub async fn requests(address: SocketAddr, case: &Case) -> Result<Vec<Vec<Request>>, RunError> {
    let payloads = Payloads::new(1, case.record_bytes);
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut all = Vec::new();
    for producer in 0..case.connections {
        let mut own = Vec::new();
        for body in 0..BODIES {
            let mut request = Request::default();
            match case.kind {
                Kind::PutRecords => {
                    request.put_records(STREAM, &payloads, producer, body * case.records, case.records);
                }
                Kind::PutRecord => request.put_record(STREAM, &payloads, RecordId::new(producer, body)),
                Kind::GetRecords => request.get_records(&oldest_iterator(&mut connection, STREAM, 0).await?),
            }
            own.push(request);
        }
        all.push(own);
    }
    Ok(all)
}

/// One real answer's body, for the echo server to repeat; checked in full.
///
/// # Errors
/// The answer is not a good one.
pub async fn sample(
    address: SocketAddr,
    case: &Case,
    requests: &[Vec<Request>],
) -> Result<Vec<u8>, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let request = requests.first().and_then(|own| own.first());
    let request = request.ok_or_else(|| RunError("a case without connections".to_owned()))?;
    let body = good(&mut connection, request).await?;
    check_answer(case, &body)?;
    Ok(body)
}

/// What a round cost one process.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Requests counted.
    pub requests: u64,
    /// Processor time of the process, user and system.
    pub cpu: Duration,
    /// Page faults of the process that needed no disk.
    pub minor_faults: u64,
    /// From the first request to the last answer.
    pub wall: Duration,
}

impl Cost {
    /// What both cost together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            cpu: self.cpu + other.cpu,
            minor_faults: self.minor_faults + other.minor_faults,
            wall: self.wall + other.wall,
        }
    }

    /// Processor time per request, in microseconds.
    pub fn cpu_us_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }

    /// Page faults per request.
    pub fn minor_faults_per_request(&self) -> f64 {
        self.minor_faults as f64 / self.requests.max(1) as f64
    }

    /// Requests per second.
    pub fn requests_per_s(&self) -> f64 {
        self.requests as f64 / self.wall.as_secs_f64().max(1e-9)
    }
}

/// Sends a round of requests to one process and measures it.
///
/// # Errors
/// Any answer that is not a good one: what was shed or failed must not count as fast.
pub async fn round<R: AsRef<[u8]> + Send + Sync + 'static>(
    server: &Server,
    case: &Case,
    requests: Vec<Vec<R>>,
    answer_bytes: usize,
) -> Result<(Cost, Vec<Vec<R>>), RunError> {
    let mut clients = Vec::new();
    for requests in requests {
        let connection = Connection::open(server.address(), PATIENCE).await?;
        clients.push(Client { connection, requests, case: *case, answer_bytes });
    }
    let per_client = case.requests.div_ceil(u64::from(case.connections));
    let clients = drive(clients, per_client.div_ceil(WARM_UP)).await?;
    let faults_before = server.minor_faults()?;
    let before = server.cpu()?;
    let started = Instant::now();
    let clients = drive(clients, per_client).await?;
    let wall = started.elapsed();
    let cpu = server.cpu()?.since(&before);
    let minor_faults = server.minor_faults()?.saturating_sub(faults_before);
    let cost = Cost { requests: per_client * u64::from(case.connections), cpu, minor_faults, wall };
    Ok((cost, clients.into_iter().map(|client| client.requests).collect()))
}

/// All clients send `each` requests, side by side.
async fn drive<R: AsRef<[u8]> + Send + Sync + 'static>(
    clients: Vec<Client<R>>,
    each: u64,
) -> Result<Vec<Client<R>>, RunError> {
    let mut tasks = JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move { client.send(each).await.map(|()| client) });
    }
    let mut clients = Vec::new();
    while let Some(client) = tasks.join_next().await {
        clients.push(client.map_err(|error| RunError(format!("a task of the test itself died: {error}")))??);
    }
    Ok(clients)
}

struct Client<R> {
    connection: Connection,
    requests: Vec<R>,
    case: Case,
    answer_bytes: usize,
}

impl<R: AsRef<[u8]> + Send + Sync> Client<R> {
    async fn send(&mut self, count: u64) -> Result<(), RunError> {
        let mut whole = true;
        for request in self.requests.iter().cycle().zip(0..count).map(|(request, _)| request) {
            let Answer { status, body } = self.connection.call(request.as_ref()).await?;
            if status != 200 {
                let body = body[..body.len().min(300)].escape_ascii();
                return Err(RunError(format!("{}: answer {status} {body}", self.case.name)));
            }
            // A read answer is megabytes: one in full, the others by their length, so that the client's own work does
            // not push the server's data out of the caches they share.
            if std::mem::take(&mut whole) || self.case.kind != Kind::GetRecords {
                check_answer(&self.case, body)?;
            }
            if body.len().abs_diff(self.answer_bytes) > self.answer_bytes / 50 + 16 {
                return Err(RunError(format!("{}: answer of {} bytes", self.case.name, body.len())));
            }
        }
        Ok(())
    }
}

/// Nothing refused, and as many records as asked for.
pub(crate) fn check_answer(case: &Case, body: &[u8]) -> Result<(), RunError> {
    let mut records = 0u64;
    let wrong = |error: &dyn std::fmt::Display| RunError(format!("{}: answer: {error}", case.name));
    let mut failed = 0;
    match case.kind {
        Kind::PutRecords => {
            failed = put_records(body, |_| records += 1).map_err(|error| wrong(&error))?;
        }
        Kind::PutRecord => records = u64::from(find_string(body, b"SequenceNumber").is_some()),
        Kind::GetRecords => {
            get_records(body, |_| records += 1).map_err(|error| wrong(&error))?;
        }
    }
    if failed > 0 || records != case.records {
        return Err(wrong(&format!("{records} records of {}, {failed} refused", case.records)));
    }
    Ok(())
}

/// Median, smallest and largest of some values; zeros when there are none.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let upper = sorted.len() / 2;
    let lower = sorted.len().saturating_sub(1) / 2;
    (f64::midpoint(at(lower), at(upper)), at(0), at(sorted.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), (2.5, 1.0, 4.0));
        assert_eq!(spread(&[7.0]), (7.0, 7.0, 7.0));
        assert_eq!(spread(&[]), (0.0, 0.0, 0.0));
    }

    /// A round in which something was refused or missing must not become a figure.
    #[test]
    fn short_and_refused_answers_are_no_measurement() {
        let case = Case {
            name: "case",
            kind: Kind::PutRecords,
            records: 500,
            record_bytes: 100,
            shards: 1,
            connections: 1,
            requests: 8,
        };
        let stored = r#"{"SequenceNumber":"1","ShardId":"shardId-000000000000"}"#;
        let full = vec![stored; 500].join(",");
        let body = |failed: u64, records: &str| {
            format!("{{\"FailedRecordCount\":{failed},\"Records\":[{records}]}}")
        };
        assert!(check_answer(&case, body(0, &full).as_bytes()).is_ok());
        assert!(check_answer(&case, body(1, &full).as_bytes()).is_err());
        assert!(check_answer(&case, body(0, stored).as_bytes()).is_err());
        let single = Case { kind: Kind::PutRecord, records: 1, ..case };
        assert!(check_answer(&single, stored.as_bytes()).is_ok());
        assert!(check_answer(&single, b"{}").is_err());
        let read = Case { kind: Kind::GetRecords, records: 1, ..case };
        assert!(check_answer(&read, br#"{"Records":[],"MillisBehindLatest":0}"#).is_err());
    }
}
