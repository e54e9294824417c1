//! From the moment a put is sent to the moment its record has reached a reader, beside a round trip to the echo: a poller
//! that reads without a pause, and a fan-out subscriber.
//!
//! Puts follow a schedule, so they meet the poller at any point of its own round trips. The reader has a thread and a
//! runtime of its own: it neither waits for the putting connection's turn nor wakes it.
//!
//! The echo is measured three times: one connection that sends without a pause and is alone, which the limits are about;
//! alone at the puts' pace, when cores fall asleep between two requests as they do while a subscriber waits; and at that
//! pace beside a connection that calls without a pause, which is the poller's traffic without an emulator.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::{Run, Subject, Value, quantile};
use crate::echo::Echo;
use crate::latency::pacing::{Answered, Caller, Schedule, drive};
use crate::payload::{Payloads, RecordId};
use crate::results::member;
use crate::wire::answers::{GetTail, find_string, get_records};
use crate::wire::request::Request;
use crate::wire::subscription::Subscription;
use crate::wire::{Answer, Connection};
use crate::workload::{RunError, active_consumer, create_stream, good, oldest_iterator};

const POLLED_OVER_ECHO_MAX: f64 = 3.0;
const PUSHED_OVER_ECHO_MAX: f64 = 2.0;

/// Where the answer comes from that the echo repeats.
const SAMPLE_STREAM: &str = "sample";
const RECORD_BYTES: usize = 100;
const SEED: u64 = 3;
/// One request in so many, from the start, is sent before the clock counts.
const WARM_UP: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests, and how close together.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Records put, and requests of each kind to the echo.
    pub puts: u64,
    /// Puts per second: far fewer than the server could take.
    pub rate_per_s: u64,
}

impl Plan {
    /// What the limit is meant for.
    pub const FULL: Self = Self { puts: 5_000, rate_per_s: 500 };
    /// A try-out.
    pub const QUICK: Self = Self { puts: 500, ..Self::FULL };
}

/// Who waits for the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// GetRecords, without a pause.
    Poller,
    /// SubscribeToShard.
    Subscriber,
}

impl Reader {
    /// The stream that is its own.
    const fn stream(self) -> &'static str {
        match self {
            Self::Poller => "delivery-polled",
            Self::Subscriber => "delivery-pushed",
        }
    }
}

/// Measures the server and the echo; `echo_first` should differ from round to round.
///
/// # Errors
/// A record is refused, lost or wrong.
pub async fn run(subject: &Subject, echo: &Path, plan: Plan, echo_first: bool) -> Result<Run, RunError> {
    let server = subject.start(&[])?;
    let echo = Echo::start(echo, subject.workers, &sample(server.address()).await?, false)?;
    let echo_address = echo.server().address();
    let deliver = |reader| deliver(server.address(), plan, reader);
    let (mut delivered, mut pushed, mut echoed);
    if echo_first {
        echoed = round_trips(echo_address, plan).await?;
        delivered = deliver(Reader::Poller).await?;
        pushed = deliver(Reader::Subscriber).await?;
    } else {
        pushed = deliver(Reader::Subscriber).await?;
        delivered = deliver(Reader::Poller).await?;
        echoed = round_trips(echo_address, plan).await?;
    }
    let received_us = quantile(&mut delivered.received_us, 0.5);
    let pushed_us = quantile(&mut pushed.received_us, 0.5);
    let echo_us = quantile(&mut echoed.alone_us, 0.5);
    let paced_us = quantile(&mut echoed.paced_us, 0.5);
    let beside_us = quantile(&mut echoed.beside_poller_us, 0.5);
    let detail = |name: &str, values: &mut Vec<f64>, share| member(name, quantile(values, share));
    Ok(Run {
        values: vec![
            Value::limited(
                "put_to_received_p50_over_echo_round_trip",
                received_us / echo_us,
                POLLED_OVER_ECHO_MAX,
            ),
            Value::limited(
                "put_to_pushed_p50_over_echo_round_trip",
                pushed_us / echo_us,
                PUSHED_OVER_ECHO_MAX,
            ),
            Value::shown("put_to_received_p50_over_echo_beside_a_poller", received_us / beside_us),
            Value::shown("put_to_pushed_p50_over_echo_at_the_same_pace", pushed_us / paced_us),
            Value::shown("put_to_received_p50_us", received_us),
            Value::shown("put_to_pushed_p50_us", pushed_us),
            Value::shown("echo_round_trip_p50_us", echo_us),
        ],
        details: vec![
            member("puts", plan.puts as f64),
            member("puts_per_s", plan.rate_per_s as f64),
            detail("put_to_received_p90_us", &mut delivered.received_us, 0.9),
            detail("put_to_received_p99_us", &mut delivered.received_us, 0.99),
            detail("put_to_received_max_us", &mut delivered.received_us, 1.0),
            detail("put_to_answered_p50_us", &mut delivered.answered_us, 0.5),
            detail("put_to_pushed_p90_us", &mut pushed.received_us, 0.9),
            detail("put_to_pushed_p99_us", &mut pushed.received_us, 0.99),
            detail("put_to_pushed_max_us", &mut pushed.received_us, 1.0),
            member("polls", delivered.answers as f64),
            member("events", pushed.answers as f64),
            detail("echo_round_trip_p99_us", &mut echoed.alone_us, 0.99),
            member("echo_at_the_same_pace_p50_us", paced_us),
            member("echo_beside_poller_p50_us", beside_us),
        ],
    })
}

/// What became of the puts, in microseconds from the sending, without the first tenth.
#[derive(Debug)]
pub struct Delivered {
    /// Until the reader had the answer or event with the record.
    pub received_us: Vec<f64>,
    /// Until the put was answered.
    pub answered_us: Vec<f64>,
    /// Answers or events that the reader got.
    pub answers: u64,
}

/// Puts by the plan to a reader.
///
/// # Errors
/// A record is refused, lost or wrong.
pub async fn deliver(address: SocketAddr, plan: Plan, reader: Reader) -> Result<Delivered, RunError> {
    let stream = reader.stream();
    create_stream(address, stream, 1).await?;
    let consumer = match reader {
        Reader::Poller => None,
        Reader::Subscriber => Some(active_consumer(address, stream, "reader").await?),
    };
    let payloads = Arc::new(Payloads::new(SEED, RECORD_BYTES));
    let stop = Stop::default();
    let reading = {
        let (flag, payloads) = (Arc::clone(&stop.0), Arc::clone(&payloads));
        on_its_own(async move {
            let came = Came { payloads, at: Vec::new(), answers: 0 };
            match consumer {
                None => poll(address, stream, came, plan.puts, &flag).await,
                Some(consumer) => subscribe(address, &consumer, came, plan.puts, &flag).await,
            }
        })
    };
    let times = on_its_own(put_by_schedule(address, stream, payloads, plan)).await.map_err(died)??;
    // What does not come in all this time, with all puts answered, never comes.
    let came = timeout(PATIENCE, reading).await;
    let lost = |_elapsed| RunError("a record was put and answered, but never received".to_owned());
    let came = came.map_err(lost)?.map_err(died)??;
    let received_us = times.iter().zip(&came.at).map(|(time, at)| us(time.sent, *at));
    Ok(Delivered {
        received_us: steady(received_us),
        answered_us: steady(times.iter().map(|time| us(time.sent, time.answered))),
        answers: came.answers,
    })
}

/// The echo's round trips, in microseconds, without the first tenth.
#[derive(Debug)]
struct RoundTrips {
    alone_us: Vec<f64>,
    paced_us: Vec<f64>,
    beside_poller_us: Vec<f64>,
}

async fn round_trips(echo: SocketAddr, plan: Plan) -> Result<RoundTrips, RunError> {
    let payloads = Arc::new(Payloads::new(SEED, RECORD_BYTES));
    let alone = {
        let payloads = Arc::clone(&payloads);
        on_its_own(async move {
            let mut putter = Putter::open(echo, Reader::Poller.stream(), payloads).await?;
            for _ in 0..plan.puts {
                putter.prepare();
                putter.call().await;
            }
            putter.times()
        })
    };
    let alone = alone.await.map_err(died)??;
    let by_schedule =
        || on_its_own(put_by_schedule(echo, Reader::Poller.stream(), Arc::clone(&payloads), plan));
    let paced = by_schedule().await.map_err(died)??;
    let stop = Stop::default();
    let flag = Arc::clone(&stop.0);
    let beside = on_its_own(async move { call_without_pause(echo, &flag).await });
    let beside_poller = by_schedule().await.map_err(died)?;
    drop(stop);
    beside.await.map_err(died)??;
    let trips = |times: Vec<Time>| steady(times.iter().map(|time| us(time.sent, time.answered)));
    Ok(RoundTrips { alone_us: trips(alone), paced_us: trips(paced), beside_poller_us: trips(beside_poller?) })
}

/// Tells a task on a thread of its own to end, at the latest when it is dropped.
#[derive(Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a task on a thread and a runtime of its own. It cannot be aborted, only told to end.
fn on_its_own<T: Send + 'static>(
    task: impl Future<Output = Result<T, RunError>> + Send + 'static,
) -> JoinHandle<Result<T, RunError>> {
    spawn_blocking(|| tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(task))
}

/// When a put was sent and answered.
#[derive(Debug, Clone, Copy)]
struct Time {
    sent: Instant,
    answered: Instant,
}

/// Puts one record after the other.
struct Putter {
    stream: &'static str,
    payloads: Arc<Payloads>,
    connection: Connection,
    request: Request,
    times: Vec<Time>,
    failed: Option<RunError>,
}

impl Putter {
    async fn open(
        address: SocketAddr,
        stream: &'static str,
        payloads: Arc<Payloads>,
    ) -> Result<Self, RunError> {
        let connection = Connection::open(address, PATIENCE).await?;
        let request = Request::default();
        Ok(Self { stream, payloads, connection, request, times: Vec::new(), failed: None })
    }

    fn times(self) -> Result<Vec<Time>, RunError> {
        match self.failed {
            None => Ok(self.times),
            Some(error) => Err(error),
        }
    }
}

impl Caller for Putter {
    fn prepare(&mut self) {
        let id = RecordId::new(0, self.times.len() as u64);
        self.request.put_record(self.stream, &self.payloads, id);
    }

    async fn call(&mut self) -> Answered {
        let sent = Instant::now();
        let answer = self.connection.call(self.request.bytes()).await;
        let answered = Instant::now();
        self.times.push(Time { sent, answered });
        let failed = match answer {
            Ok(Answer { status: 200, body }) if find_string(body, b"SequenceNumber").is_some() => None,
            Ok(Answer { status, body }) => {
                Some(RunError(format!("PutRecord: {status} {}", body.escape_ascii())))
            }
            Err(error) => Some(error.into()),
        };
        self.failed = self.failed.take().or(failed);
        Answered { at: answered, goes_on: self.failed.is_none() }
    }
}

async fn put_by_schedule(
    address: SocketAddr,
    stream: &'static str,
    payloads: Arc<Payloads>,
    plan: Plan,
) -> Result<Vec<Time>, RunError> {
    let putter = Putter::open(address, stream, payloads).await?;
    let schedule = Schedule::new(plan.rate_per_s, plan.puts);
    let (putters, _) = drive(schedule, vec![putter]).await?;
    let mut times = Vec::new();
    for putter in putters {
        times.append(&mut putter.times()?);
    }
    if times.len() as u64 != plan.puts {
        return Err(RunError(format!("{} of {} records were put in time", times.len(), plan.puts)));
    }
    Ok(times)
}

/// What the reader got.
struct Came {
    payloads: Arc<Payloads>,
    /// When each record came, in the order of the puts.
    at: Vec<Instant>,
    answers: u64,
}

impl Came {
    /// Takes the records of an answer or event that came now, and insists on their order and content.
    fn take<'a>(&mut self, body: &'a [u8]) -> Result<GetTail<'a>, RunError> {
        let at = Instant::now();
        self.answers += 1;
        let mut wrong = None;
        let tail = get_records(body, |record| {
            let expected = RecordId::new(0, self.at.len() as u64);
            self.at.push(at);
            match self.payloads.identify(&record.key, &record.data) {
                Ok(id) if id == expected => {}
                Ok(id) => wrong = Some(format!("{id} came in place of {expected}")),
                Err(altered) => wrong = Some(altered.to_string()),
            }
        });
        let tail = tail.map_err(|error| RunError(format!("records: {error}")))?;
        match wrong {
            None => Ok(tail),
            Some(wrong) => Err(RunError(wrong)),
        }
    }

    /// Whether so many have come.
    ///
    /// # Errors
    /// They have not, and there will be no more.
    fn is_all(&self, records: u64, stop: &AtomicBool) -> Result<bool, RunError> {
        if self.at.len() as u64 >= records {
            return Ok(true);
        }
        match stop.load(Ordering::Relaxed) {
            true => Err(RunError("the puts ended early".to_owned())),
            false => Ok(false),
        }
    }
}

/// Reads until all records have come.
async fn poll(
    address: SocketAddr,
    stream: &str,
    mut came: Came,
    records: u64,
    stop: &AtomicBool,
) -> Result<Came, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut request = Request::default();
    request.get_records(&oldest_iterator(&mut connection, stream, 0).await?);
    while !came.is_all(records, stop)? {
        let Answer { status, body } = connection.call(request.bytes()).await?;
        if status != 200 {
            return Err(RunError(format!("GetRecords: {status} {}", body.escape_ascii())));
        }
        match came.take(body)?.next_iterator {
            Some(next) => request.get_records(&next),
            None => return Err(RunError("no next iterator, but the shard is open".to_owned())),
        }
    }
    Ok(came)
}

/// Is pushed to until all records have come.
async fn subscribe(
    address: SocketAddr,
    consumer: &str,
    mut came: Came,
    records: u64,
    stop: &AtomicBool,
) -> Result<Came, RunError> {
    let body = format!(
        r#"{{"ConsumerARN":"{consumer}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"TRIM_HORIZON"}}}}"#
    );
    let request = Request::new("SubscribeToShard", &body);
    let mut subscription = Subscription::open(address, request.bytes(), PATIENCE).await?;
    while !came.is_all(records, stop)? {
        match subscription.next().await? {
            Some(message) if message.kind == "initial-response" => {}
            Some(message) if message.kind == "SubscribeToShardEvent" => {
                came.take(&message.payload)?;
            }
            Some(message) => return Err(RunError(format!("subscription: {}", message.kind))),
            None => return Err(RunError("the subscription ended, but the shard is open".to_owned())),
        }
    }
    Ok(came)
}

/// What the poller does, to a server that answers always the same.
async fn call_without_pause(address: SocketAddr, stop: &AtomicBool) -> Result<(), RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut request = Request::default();
    // As long as a real one.
    request.get_records(&[b'A'; 200]);
    while !stop.load(Ordering::Relaxed) {
        good(&mut connection, &request).await?;
    }
    Ok(())
}

/// A real answer to a put, for the echo to repeat.
async fn sample(address: SocketAddr) -> Result<Vec<u8>, RunError> {
    create_stream(address, SAMPLE_STREAM, 1).await?;
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut request = Request::default();
    request.put_record(SAMPLE_STREAM, &Payloads::new(SEED, RECORD_BYTES), RecordId::new(0, 0));
    good(&mut connection, &request).await
}

fn us(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e6
}

/// Without the warm-up.
fn steady(times: impl ExactSizeIterator<Item = f64>) -> Vec<f64> {
    let warm_up = times.len() / WARM_UP;
    times.skip(warm_up).collect()
}

fn died(error: impl std::fmt::Display) -> RunError {
    RunError(format!("a task of the test itself died: {error}"))
}
