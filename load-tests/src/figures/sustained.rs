//! Whether the server stays as quick as it was: processor time per record in the last seconds of a minute of puts, over
//! that in the first seconds after its memory became full.
//!
//! Full is seen from outside: the first record that can be read of a shard is another one than before, so the server
//! has let the oldest go and uses their memory again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::{Run, Subject, Value};
use crate::paired::{Case, Kind, STREAM, check_answer, prepare, requests};
use crate::results::member;
use crate::sequence::Sequence;
use crate::server::{CpuReading, Server};
use crate::wire::answers::get_records;
use crate::wire::request::Request;
use crate::wire::{Answer, Connection};
use crate::workload::{RunError, good, oldest_iterator};

const LAST_OVER_FIRST_MAX: f64 = 1.05;

const CASE: Case = Case {
    name: "sustained_put_records_500x1kib_16shards_8conns",
    kind: Kind::PutRecords,
    records: 500,
    record_bytes: 1024,
    shards: 16,
    connections: 8,
    // The time ends it, not a number.
    requests: u64::MAX,
};
/// From one look at the server to the next.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// How long, and within which memory.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// From the first put to the last.
    pub length: Duration,
    /// The first and the last part that are compared.
    pub window: Duration,
    /// The server's memory limit.
    pub memory_limit_mib: u64,
}

impl Plan {
    /// What the limit is meant for.
    pub const FULL: Self =
        Self { length: Duration::from_secs(60), window: Duration::from_secs(10), memory_limit_mib: 4096 };
    /// A try-out.
    pub const QUICK: Self =
        Self { length: Duration::from_secs(12), window: Duration::from_secs(2), memory_limit_mib: 512 };
}

/// Puts as fast as the server answers, and watches it.
///
/// # Errors
/// A record is refused, or the memory is not full soon enough for two windows.
pub async fn run(subject: &Subject, plan: Plan) -> Result<Run, RunError> {
    let limit = format!("{}MiB", plan.memory_limit_mib);
    let server = subject.start(&[("SHARDMILL_MEMORY_LIMIT", &limit)])?;
    prepare(server.address(), &CASE).await?;
    let records = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let end = started + plan.length;
    let (watched, ()) =
        tokio::try_join!(watch(&server, &records, started, end), put_all(server.address(), &records, end))?;
    let resident_max_mib = server.memory()?.resident_max_kib as f64 / 1024.0;
    let windows = watched.windows(plan)?;
    let [first, last] = windows.map(|window| window.cpu_ns_per_record());
    let [first_faults, last_faults] = windows.map(|window| window.faults_per_request());
    Ok(Run {
        values: vec![
            Value::limited("sustained_cpu_per_record_last_over_first", last / first, LAST_OVER_FIRST_MAX),
            Value::shown("sustained_first_cpu_per_record_ns", first),
            Value::shown("sustained_last_cpu_per_record_ns", last),
        ],
        details: vec![
            format!("\"case\":\"{}\"", CASE.name),
            member("memory_limit_mib", plan.memory_limit_mib as f64),
            member("length_s", plan.length.as_secs_f64()),
            member("window_s", plan.window.as_secs_f64()),
            member("recycled_at_s", watched.recycled_at.unwrap_or_default().as_secs_f64()),
            member("records", records.load(Ordering::Relaxed) as f64),
            member("first_minor_faults_per_request", first_faults),
            member("last_minor_faults_per_request", last_faults),
            member("resident_max_mib", resident_max_mib),
            watched.each_second(),
        ],
    })
}

/// All connections put until the end.
async fn put_all(address: SocketAddr, records: &Arc<AtomicU64>, end: Instant) -> Result<(), RunError> {
    let mut tasks = JoinSet::new();
    for own in requests(address, &CASE).await? {
        let connection = Connection::open(address, PATIENCE).await?;
        tasks.spawn(put(connection, own, Arc::clone(records), end));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| RunError(format!("a task of the test itself died: {error}")))??;
    }
    Ok(())
}

async fn put(
    mut connection: Connection,
    requests: Vec<Request>,
    records: Arc<AtomicU64>,
    end: Instant,
) -> Result<(), RunError> {
    for request in requests.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        let Answer { status, body } = connection.call(request.bytes()).await?;
        if status != 200 {
            return Err(RunError(format!("PutRecords: {status} {}", body.escape_ascii())));
        }
        check_answer(&CASE, body)?;
        records.fetch_add(CASE.records, Ordering::Relaxed);
    }
    Ok(())
}

/// What the server had done at a moment.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// Since the first put.
    at: Duration,
    records: u64,
    cpu: Duration,
    minor_faults: u64,
}

/// What was seen of the server.
#[derive(Debug, Default)]
struct Watched {
    points: Vec<Point>,
    recycled_at: Option<Duration>,
}

async fn watch(
    server: &Server,
    records: &AtomicU64,
    started: Instant,
    end: Instant,
) -> Result<Watched, RunError> {
    let first = server.cpu()?;
    let mut oldest = Oldest::open(server.address()).await?;
    let mut watched = Watched::default();
    let mut next = started;
    while next <= end {
        sleep_until(next.into()).await;
        if watched.recycled_at.is_none() && oldest.has_changed().await? {
            watched.recycled_at = Some(started.elapsed());
        }
        watched.points.push(point(server, records, started, &first)?);
        next += LOOK;
    }
    Ok(watched)
}

fn point(
    server: &Server,
    records: &AtomicU64,
    started: Instant,
    first: &CpuReading,
) -> Result<Point, RunError> {
    let cpu = server.cpu()?.since(first);
    Ok(Point {
        at: started.elapsed(),
        records: records.load(Ordering::Relaxed),
        cpu,
        minor_faults: server.minor_faults()?,
    })
}

/// The oldest record of each shard.
struct Oldest {
    connection: Connection,
    known: Vec<Option<Sequence>>,
}

impl Oldest {
    async fn open(address: SocketAddr) -> Result<Self, RunError> {
        let connection = Connection::open(address, PATIENCE).await?;
        Ok(Self { connection, known: (0..CASE.shards).map(|_| None).collect() })
    }

    /// Whether a shard's oldest record is another one than before.
    async fn has_changed(&mut self) -> Result<bool, RunError> {
        for (shard, known) in (0..).zip(&mut self.known) {
            let iterator = oldest_iterator(&mut self.connection, STREAM, shard).await?;
            let iterator = String::from_utf8_lossy(&iterator);
            let one =
                Request::new("GetRecords", &format!("{{\"ShardIterator\":\"{iterator}\",\"Limit\":1}}"));
            let body = good(&mut self.connection, &one).await?;
            let mut now = None;
            get_records(&body, |record| now = Some(record.sequence))
                .map_err(|error| RunError(format!("GetRecords: answer: {error}")))?;
            if known.is_some() && *known != now {
                return Ok(true);
            }
            *known = now;
        }
        Ok(false)
    }
}

/// From one point to another.
#[derive(Debug, Clone, Copy)]
struct Window {
    records: u64,
    cpu: Duration,
    minor_faults: u64,
}

impl Window {
    fn between(from: &Point, to: &Point) -> Self {
        Self {
            records: to.records.saturating_sub(from.records),
            cpu: to.cpu.saturating_sub(from.cpu),
            minor_faults: to.minor_faults.saturating_sub(from.minor_faults),
        }
    }

    fn cpu_ns_per_record(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.records.max(1) as f64
    }

    fn faults_per_request(&self) -> f64 {
        self.minor_faults as f64 * CASE.records as f64 / self.records.max(1) as f64
    }
}

impl Watched {
    /// The first window after the memory became full, and the last of all.
    fn windows(&self, plan: Plan) -> Result<[Window; 2], RunError> {
        let Some(recycled_at) = self.recycled_at else {
            return Err(RunError(format!("{} MiB were not full in time", plan.memory_limit_mib)));
        };
        let end = self.points.last().map_or(Duration::ZERO, |point| point.at);
        if recycled_at + plan.window * 2 > end {
            let full = recycled_at.as_secs_f64();
            return Err(RunError(format!("full after {full:.1} s only: no two windows are left")));
        }
        let first = window(&self.points, recycled_at, recycled_at + plan.window);
        let last = window(&self.points, end.saturating_sub(plan.window), end);
        first
            .zip(last)
            .map(<[Window; 2]>::from)
            .ok_or_else(|| RunError("a window without records".to_owned()))
    }

    /// Processor time per record in each whole second, as a JSON member.
    fn each_second(&self) -> String {
        let mut seconds = Vec::new();
        let mut from = self.points.first();
        for point in &self.points {
            if let Some(start) = from.filter(|start| point.at - start.at >= Duration::from_secs(1) - LOOK / 2)
            {
                seconds.push(format!("{:.1}", Window::between(start, point).cpu_ns_per_record()));
                from = Some(point);
            }
        }
        format!("\"cpu_ns_per_record_each_s\":[{}]", seconds.join(","))
    }
}

/// From the first point at or after `from` to the last at or before `to`; nothing if no record was put in between.
fn window(points: &[Point], from: Duration, to: Duration) -> Option<Window> {
    let from = points.iter().find(|point| point.at >= from)?;
    let to = points.iter().rfind(|point| point.at <= to)?;
    Some(Window::between(from, to)).filter(|window| window.records > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan =
        Plan { length: Duration::from_secs(20), window: Duration::from_secs(4), memory_limit_mib: 1 };

    /// 1,000 records a second; 100 ns for each until the memory is full, then 200, in the last 4 seconds 300.
    fn watched(recycled_at_s: Option<u64>) -> Watched {
        let mut cpu_ns = 0;
        let points = (0..=200u64).map(|tenth| {
            let at = Duration::from_millis(tenth * 100);
            let point =
                Point { at, records: tenth * 100, cpu: Duration::from_nanos(cpu_ns), minor_faults: tenth };
            cpu_ns += 100
                * match tenth {
                    160.. => 300,
                    50.. => 200,
                    _ => 100,
                };
            point
        });
        Watched { points: points.collect(), recycled_at: recycled_at_s.map(Duration::from_secs) }
    }

    #[test]
    fn the_first_window_begins_where_memory_is_full() {
        let windows = watched(Some(5)).windows(PLAN).unwrap();
        assert_eq!(windows.map(|window| window.records), [4_000, 4_000]);
        let [first, last] = windows.map(|window| window.cpu_ns_per_record());
        assert!((first - 200.0).abs() < 1e-6 && (last - 300.0).abs() < 1e-6, "{first} {last}");
        // One fault each 100 records.
        assert!((windows[0].faults_per_request() - 5.0).abs() < 1e-9);
    }

    /// Protects: a run that says nothing about steadiness gives no figure.
    #[test]
    fn windows_that_overlap_or_are_empty_are_no_figure() {
        assert!(watched(None).windows(PLAN).is_err());
        assert!(watched(Some(13)).windows(PLAN).is_err());
        let mut idle = watched(Some(5));
        idle.points.iter_mut().for_each(|point| point.records = 7);
        assert!(idle.windows(PLAN).is_err());
    }

    #[test]
    fn seconds_are_listed() {
        let text = watched(Some(5)).each_second();
        assert!(
            text.starts_with("\"cpu_ns_per_record_each_s\":[100.0,100.0,100.0,100.0,100.0,200.0,"),
            "{text}"
        );
        assert_eq!(text.matches(',').count(), 19, "{text}");
    }
}
