//! One stress run: a stream, producers that put as fast as they are answered, and pollers that read every shard from
//! its start at the same time. It proposes; what must hold is the auditor's business.

mod acknowledged;
mod calls;
mod parts;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

pub use acknowledged::put_answer;
pub(crate) use calls::{good_body, note_latency};

use crate::auditor::{Acked, Findings, Ledger, View};
use crate::payload::{KEY_CHARS, Payloads};
use crate::wire::answers::find_string;
use crate::wire::request::Request;
use crate::wire::{Connection, WireError};

/// A request that takes this long is a stall.
pub const STALL: Duration = Duration::from_secs(2);
/// A request that takes this long will not be answered.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// PutRecords limits: entries, and bytes of data and keys (reference section 6).
const BATCH_RECORDS_MAX: u64 = 500;
const BATCH_BYTES_MAX: usize = 10 * 1024 * 1024;
const STREAM: &str = "stress";

/// What one run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// Records in all.
    pub records: u64,
    /// Shards of the stream.
    pub shards: u32,
    /// Data bytes of each record.
    pub record_bytes: usize,
    /// Tasks that put, one connection each.
    pub producers: u16,
    /// Waiting time after each answer, one entry per poller; a poller is one task and connection per shard.
    pub poll_intervals: Vec<Duration>,
    /// How long a poller goes on without progress when the producers are done.
    pub idle_max: Duration,
}

/// How far a run is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records acknowledged.
    pub written: AtomicU64,
    /// Records read, by all pollers together.
    pub read: AtomicU64,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Records acknowledged.
    pub written: u64,
    /// Records read, by all pollers together.
    pub read: u64,
    /// From the first put to the last acknowledgement.
    pub write_time: Duration,
    /// From the first put to the last record read.
    pub read_time: Duration,
    /// Latency of each PutRecords.
    pub puts: Latencies,
    /// Latency of each GetRecords.
    pub gets: Latencies,
    /// What was wrong.
    pub findings: Findings,
}

/// Latencies of one kind of request, in microseconds, to two digits; the longest is exact.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u64>,
    longest: Duration,
}

impl Latencies {
    pub(crate) fn new() -> Result<Self, RunError> {
        let longest_us = 60_000_000;
        let histogram =
            Histogram::new_with_bounds(1, longest_us, 2).map_err(|error| RunError(error.to_string()))?;
        Ok(Self { histogram, longest: Duration::ZERO })
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        self.longest = self.longest.max(latency);
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), RunError> {
        self.longest = self.longest.max(other.longest);
        self.histogram.add(&other.histogram).map_err(|error| RunError(error.to_string()))
    }

    /// The longest of all.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The latency that 99 of 100 requests stayed within.
    pub fn p99(&self) -> Duration {
        // A bucket's upper end may lie above the exact longest.
        Duration::from_micros(self.histogram.value_at_quantile(0.99)).min(self.longest)
    }

    /// Number of requests.
    pub fn requests(&self) -> u64 {
        self.histogram.len()
    }
}

/// Why a run could not even be set up; not a verdict.
#[derive(Debug)]
pub struct RunError(pub String);

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RunError {}

impl From<WireError> for RunError {
    fn from(error: WireError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What all tasks of a run share.
struct Shared {
    address: SocketAddr,
    plan: Plan,
    payloads: Payloads,
    batch_records: u64,
    progress: Arc<Progress>,
    /// Records acknowledged per shard: what a poller must reach.
    acked: Vec<AtomicU64>,
    /// Producers still at work. Decremented (Release) after the last addition to `acked`; a poller that reads 0
    /// (Acquire) knows the final counts.
    producing: AtomicUsize,
    latencies: Latencies,
}

/// Runs `plan` against the server at `address`, which must be empty, and audits it.
///
/// # Errors
/// The stream cannot be created or the pollers cannot start: nothing was tested.
pub async fn run(address: SocketAddr, plan: Plan, progress: Arc<Progress>) -> Result<Outcome, RunError> {
    create_stream(address, STREAM, plan.shards).await?;
    let batch_bytes = plan.record_bytes + KEY_CHARS;
    let shared = Arc::new(Shared {
        address,
        payloads: Payloads::new(plan.seed, plan.record_bytes),
        batch_records: BATCH_RECORDS_MAX
            .min(u64::try_from(BATCH_BYTES_MAX / batch_bytes).unwrap_or(1))
            .max(1),
        progress,
        acked: (0..plan.shards).map(|_| AtomicU64::new(0)).collect(),
        producing: AtomicUsize::new(usize::from(plan.producers)),
        latencies: Latencies::new()?,
        plan,
    });
    let mut pollers = JoinSet::new();
    for poller in 0..shared.plan.poll_intervals.len() {
        for shard in 0..shared.plan.shards {
            // Each has its iterator and connection before the first record is written.
            let task = parts::Poller::open(Arc::clone(&shared), poller, shard).await?;
            pollers.spawn(task.run());
        }
    }
    let started = Instant::now();
    let mut producers = JoinSet::new();
    for producer in 0..shared.plan.producers {
        let task = parts::Producer::open(Arc::clone(&shared), producer).await?;
        producers.spawn(task.run());
    }
    let written = joined(producers).await?;
    let write_time = started.elapsed();
    let polled = joined(pollers).await?;
    verdict(&shared, started, write_time, written, polled)
}

fn verdict(
    shared: &Shared,
    started: Instant,
    write_time: Duration,
    mut written: Vec<parts::Written>,
    mut polled: Vec<parts::Polled>,
) -> Result<Outcome, RunError> {
    let (mut puts, mut gets) = (shared.latencies.clone(), shared.latencies.clone());
    let mut findings = Findings::default();
    for part in &written {
        puts.merge(&part.latencies)?;
        findings.merge(&part.findings);
    }
    for part in &polled {
        gets.merge(&part.latencies)?;
        findings.merge(&part.findings);
    }
    written.sort_unstable_by_key(|part| part.producer);
    polled.sort_unstable_by_key(|part| (part.poller, part.shard));
    let sent = written.iter().map(|part| part.sent).collect();
    let acked: Vec<Vec<Acked>> = written.into_iter().map(|part| part.acked).collect();
    let ledger = Ledger::new(shared.plan.shards, acked.into_iter().flatten(), sent);
    findings.merge(&ledger.findings);
    let last_read = polled.iter().map(|part| part.last_progress).max().unwrap_or(started);
    let views: Vec<View> = polled.into_iter().map(|part| part.view).collect();
    for views in views.chunks(shared.acked.len()) {
        findings.merge(&ledger.audit(views));
    }
    Ok(Outcome {
        written: u64::try_from(ledger.records()).unwrap_or(u64::MAX),
        read: views.iter().map(View::records).sum(),
        write_time,
        read_time: last_read.duration_since(started),
        puts,
        gets,
        findings,
    })
}

pub(crate) async fn joined<T: 'static>(mut tasks: JoinSet<T>) -> Result<Vec<T>, RunError> {
    let mut parts = Vec::with_capacity(tasks.len());
    while let Some(part) = tasks.join_next().await {
        parts.push(part.map_err(|error| RunError(format!("a task of the test itself died: {error}")))?);
    }
    Ok(parts)
}

/// Creates a stream and waits until it is ACTIVE.
///
/// # Errors
/// The server refuses, or the stream is not ACTIVE after 10 s.
pub async fn create_stream(address: SocketAddr, stream: &str, shards: u32) -> Result<(), RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let body = format!("{{\"StreamName\":\"{stream}\",\"ShardCount\":{shards}}}");
    good(&mut connection, &Request::new("CreateStream", &body)).await?;
    let describe = Request::new("DescribeStreamSummary", &format!("{{\"StreamName\":\"{stream}\"}}"));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = good(&mut connection, &describe).await?;
        match find_string(&answer, b"StreamStatus").as_deref() {
            Some(b"ACTIVE") => return Ok(()),
            _ if Instant::now() > deadline => {
                return Err(RunError(format!("stream {stream} does not become ACTIVE")));
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Registers a consumer of a stream and waits until it is ACTIVE; gives its ARN.
///
/// # Errors
/// The server refuses it or does not answer, or it stays CREATING.
pub async fn active_consumer(address: SocketAddr, stream: &str, name: &str) -> Result<String, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let stream = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}");
    let body = format!(r#"{{"StreamARN":"{stream}","ConsumerName":"{name}"}}"#);
    let registered = good(&mut connection, &Request::new("RegisterStreamConsumer", &body)).await?;
    let consumer = find_string(&registered, b"ConsumerARN")
        .and_then(|arn| String::from_utf8(arn.into_owned()).ok())
        .ok_or_else(|| RunError("a consumer without an ARN".to_owned()))?;
    let describe = Request::new("DescribeStreamConsumer", &format!(r#"{{"ConsumerARN":"{consumer}"}}"#));
    let opened = Instant::now();
    loop {
        let described = good(&mut connection, &describe).await?;
        if find_string(&described, b"ConsumerStatus").as_deref() == Some(b"ACTIVE") {
            return Ok(consumer);
        }
        if opened.elapsed() > PATIENCE {
            return Err(RunError(format!("{consumer} does not become ACTIVE")));
        }
        // It is CREATING for the transition time.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An iterator at the oldest record of a shard.
///
/// # Errors
/// The server gives none.
pub async fn oldest_iterator(
    connection: &mut Connection,
    stream: &str,
    shard: u32,
) -> Result<Vec<u8>, RunError> {
    let body = format!(
        "{{\"StreamName\":\"{stream}\",\"ShardId\":\"shardId-{shard:012}\",\"ShardIteratorType\":\"TRIM_HORIZON\"}}"
    );
    let answer = good(connection, &Request::new("GetShardIterator", &body)).await?;
    let iterator = find_string(&answer, b"ShardIterator").map(std::borrow::Cow::into_owned);
    iterator.ok_or_else(|| RunError("GetShardIterator answered without an iterator".to_owned()))
}

/// Calls and insists on a 200; returns the body.
///
/// # Errors
/// Any other answer, with its text.
pub async fn good(connection: &mut Connection, request: &Request) -> Result<Vec<u8>, RunError> {
    let answer = connection.call(request.bytes()).await?;
    if answer.status != 200 {
        return Err(RunError(format!("{} {}", answer.status, excerpt(answer.body))));
    }
    Ok(answer.body.to_vec())
}

/// The start of a body, fit to print.
fn excerpt(body: &[u8]) -> impl fmt::Display + '_ {
    body[..body.len().min(300)].escape_ascii()
}
