//! One run: a service with one stream, warmed up, then so many requests of one case over one connection.
//!
//! Time moves on by more than half of the retention after each batch of requests, and what has expired is trimmed. So
//! from the warm-up on a shard's new segments are its old ones, as in a server that has run for days: what is counted
//! holds no first use of memory.

use std::time::Duration;

use shardmill::clock::MovableClock;
use shardmill::config::{Config, InitialStream, Limit};
use shardmill::in_memory::InMemory;
use shardmill::names::{Region, StreamName};
use shardmill_load_tests::payload::{Payloads, RecordId};
use shardmill_load_tests::wire::answers;
use shardmill_load_tests::wire::request::Request;

use crate::case::{Case, Kind, RECORDS_PER_GET, RECORDS_PER_PUT};
use crate::client::{Client, find};
use crate::counted::Served;
use crate::hyper_only;
use crate::tally::{Tallied, Tally};

/// Whatever ended a run.
pub(crate) type Failed = Box<dyn std::error::Error>;

const STREAM: &str = "s";
/// Where payloads and keys come from: the same bytes in every run.
const SEED: u64 = 1;
/// When the clock starts, epoch milliseconds.
const START_MS: u64 = 1_700_000_000_000;
/// Room between client and service for a whole request, so that neither waits in the middle of one.
const DUPLEX_BYTES: usize = 1 << 20;

/// Different requests, sent in turn.
const DIFFERENT_REQUESTS: u64 = 8;
/// Requests before those that a run is asked for: enough to fill segments of every size.
const WARM_UP_REQUESTS: u32 = 40;
/// Requests of one batch.
const BATCH_REQUESTS: u32 = 8;
/// How far the clock goes after a batch: with the 24 hours of a stream's retention, at most two batches live.
const BATCH_PERIOD: Duration = Duration::from_hours(13);

/// What a run's requests came to.
pub(crate) struct Sent {
    /// What was allocated for them, if that was counted.
    pub(crate) tally: Tally,
    /// The requests that were sent in turn.
    pub(crate) different: Vec<Request>,
    /// The body of the last answer.
    pub(crate) reply: Vec<u8>,
}

/// Runs a case; the service runs behind `door`.
///
/// # Errors
/// The service refuses, or the connection ends.
pub(crate) fn run<D>(case: &Case, requests: u32, door: impl FnOnce(Served) -> D) -> Result<Sent, Failed>
where
    D: Future<Output = ()> + Send + 'static,
{
    let clock = MovableClock::new(START_MS);
    let name = StreamName::parse(STREAM).ok_or("a stream's name is refused")?;
    let stream = InitialStream { name, shards: case.shards, region: Region::US_EAST_1 };
    let config = Config {
        workers: 1,
        shard_limit: Limit::Infinite,
        // What the machine has must not matter.
        memory_limit_bytes: Some(Limit::Infinite),
        initialize_streams: vec![stream],
        ..Config::default()
    };
    let service = InMemory::start(&config, clock.clock())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
        let served = tokio::spawn(door(Box::pin(service.serve(theirs))));
        let mut run = Run { case, clock, service, client: Client::new(ours) };
        let sent =
            if case.kind == Kind::GetRecords { run.get(requests).await? } else { run.put(requests).await? };
        drop(run);
        served.await?;
        Ok(sent)
    })
}

/// Sends requests that `run` sent to a service which only reads them and answers `reply`, and counts.
///
/// # Errors
/// The connection ends.
pub(crate) fn run_hyper_only(different: &[Request], requests: u32, reply: Vec<u8>) -> Result<Tally, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
        let served = tokio::spawn(Tallied(Box::pin(hyper_only::serve(theirs, reply.into()))));
        let mut client = Client::new(ours);
        let mut all = different.iter().cycle();
        for request in all.by_ref().take(WARM_UP_REQUESTS as usize) {
            client.call(request.bytes()).await?;
        }
        let before = Tally::now();
        for request in all.take(requests as usize) {
            client.call(request.bytes()).await?;
        }
        let tally = Tally::now().since(before);
        drop(client);
        served.await?;
        Ok(tally)
    })
}

struct Run<'a> {
    case: &'a Case,
    clock: MovableClock,
    service: InMemory,
    client: Client,
}

impl Run<'_> {
    async fn put(&mut self, requests: u32) -> Result<Sent, Failed> {
        let warm_up = self.puts(Kind::PutRecords);
        self.send(&warm_up, WARM_UP_REQUESTS).await?;
        let puts = self.puts(self.case.kind);
        // The operation's own first time.
        let reply = self.send(&puts, BATCH_REQUESTS).await?;
        let before = Tally::now();
        self.send(&puts, requests).await?;
        Ok(Sent { tally: Tally::now().since(before), different: puts, reply })
    }

    /// Fills the shard and reads it from its start, again and again.
    async fn get(&mut self, requests: u32) -> Result<Sent, Failed> {
        let puts = self.puts(Kind::PutRecords);
        for put in puts.iter().cycle().take((RECORDS_PER_GET / RECORDS_PER_PUT) as usize) {
            self.client.call(put.bytes()).await?;
        }
        let iterator = Request::new(
            "GetShardIterator",
            &format!(
                "{{\"StreamName\":\"{STREAM}\",\"ShardId\":\"shardId-000000000000\",\
                 \"ShardIteratorType\":\"TRIM_HORIZON\"}}"
            ),
        );
        let answer = self.client.call(iterator.bytes()).await?;
        let iterator = answers::find_string(answer, b"ShardIterator").ok_or("no iterator")?;
        let mut get = Request::default();
        get.get_records(&iterator);
        let mut records: u64 = 0;
        let reply = self.client.call(get.bytes()).await?.to_vec();
        answers::get_records(&reply, |_| records += 1).map_err(|error| error.to_string())?;
        if records != RECORDS_PER_GET {
            return Err(format!("{records} records were read").into());
        }
        let before = Tally::now();
        for _ in 0..requests {
            self.client.call(get.bytes()).await?;
        }
        Ok(Sent { tally: Tally::now().since(before), different: vec![get], reply })
    }

    /// The requests that are sent in turn.
    fn puts(&self, kind: Kind) -> Vec<Request> {
        let payloads = Payloads::new(SEED, self.case.record_bytes);
        let put = |number: u64| {
            let mut request = Request::default();
            let first = number * RECORDS_PER_PUT;
            if kind == Kind::PutRecord {
                request.put_record(STREAM, &payloads, RecordId::new(0, first));
            } else {
                request.put_records(STREAM, &payloads, 0, first, RECORDS_PER_PUT);
            }
            request
        };
        (0..DIFFERENT_REQUESTS).map(put).collect()
    }

    /// Returns the last answer's body.
    async fn send(&mut self, puts: &[Request], requests: u32) -> Result<Vec<u8>, Failed> {
        let mut last = Vec::new();
        for (number, put) in (1..=requests).zip(puts.iter().cycle()) {
            let answer = self.client.call(put.bytes()).await?;
            if find(answer, b"ErrorCode").is_some() {
                return Err("a record was refused".into());
            }
            if number == requests {
                last = answer.to_vec();
            }
            if number.is_multiple_of(BATCH_REQUESTS) {
                self.clock.advance(BATCH_PERIOD);
                self.service.tidy_up().await;
            }
        }
        Ok(last)
    }
}
