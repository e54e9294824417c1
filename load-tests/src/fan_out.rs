//! Very many subscriptions at once: what the server holds for them when nothing comes, when none of them is read, and
//! what they see once they are.
//!
//! Every consumer subscribes to every shard, over HTTP/2. Then records are put, more to each shard than the connections
//! may hold, while nobody reads. Then all is read and checked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::payload::{Payloads, RecordId};
use crate::server::Server;
use crate::wire::answers::{get_records, put_records};
use crate::wire::multiplexed::{Events, Multiplexed};
use crate::wire::request::Request;
use crate::wire::{Connection, WireError};
use crate::workload::{RunError, active_consumer, create_stream, good};

/// Records of one put.
const BATCH_RECORDS: u64 = 500;
const STREAM: &str = "fan-out";
/// More than this without a message, though there are some to come, is an error.
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory that has not changed for so long will not.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
const SETTLED_KIB: u64 = 1024;

/// How many, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Shards of the stream.
    pub shards: u32,
    /// Consumers, each of which subscribes to all of them.
    pub consumers: u32,
    /// Subscriptions on one connection.
    pub subscriptions_per_connection: u32,
    /// Records put to each shard.
    pub records_per_shard: u64,
    /// Data bytes of each.
    pub record_bytes: usize,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Resident memory with all subscriptions, in KiB.
    pub subscribed_kib: u64,
    /// The same with records waiting for each of them.
    pub waiting_kib: u64,
    /// Its highest until all was read.
    pub highest_kib: u64,
    /// Records read, by all subscriptions together.
    pub read: u64,
    /// How long that took.
    pub read_time: Duration,
}

/// One subscription.
struct Subscriber {
    events: Events,
    shard: u32,
}

impl Plan {
    /// Subscriptions in all.
    pub fn subscriptions(&self) -> u32 {
        self.shards * self.consumers
    }

    /// The records of a shard, in their order.
    fn record(&self, shard: u32, place: u64) -> RecordId {
        RecordId::new(0, place * u64::from(self.shards) + u64::from(shard))
    }
}

/// Subscribes, puts, and reads.
///
/// # Errors
/// The server refuses any of it, or a subscription sees anything but the records of its shard, in order.
pub async fn run(server: &Server, plan: Plan) -> Result<Outcome, RunError> {
    create_stream(server.address(), STREAM, plan.shards).await?;
    let subscribers = subscribe(server, plan).await?;
    let subscribed_kib = server.memory()?.resident_kib;
    let payloads = Arc::new(Payloads::new(0, plan.record_bytes));
    put(server, plan, &payloads).await?;
    let waiting_kib = settled_kib(server).await?;
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for subscriber in subscribers {
        tasks.spawn(subscriber.read(plan, Arc::clone(&payloads)));
    }
    let mut read = 0;
    while let Some(part) = tasks.join_next().await {
        read += part.map_err(|error| RunError(format!("a task of the test itself died: {error}")))??;
    }
    let highest_kib = server.memory()?.resident_max_kib;
    Ok(Outcome { subscribed_kib, waiting_kib, highest_kib, read, read_time: started.elapsed() })
}

async fn subscribe(server: &Server, plan: Plan) -> Result<Vec<Subscriber>, RunError> {
    let mut wanted = Vec::new();
    for consumer in 0..plan.consumers {
        let arn = active_consumer(server.address(), STREAM, &format!("c{consumer}")).await?;
        wanted.extend((0..plan.shards).map(|shard| (arn.clone(), shard)));
    }
    let mut subscribers = Vec::with_capacity(wanted.len());
    for part in wanted.chunks(plan.subscriptions_per_connection as usize) {
        let mut connection = Multiplexed::open(server.address(), plan.subscriptions_per_connection).await?;
        for (consumer, shard) in part {
            let body = format!(
                r#"{{"ConsumerARN":"{consumer}","ShardId":"shardId-{shard:012}","StartingPosition":{{"Type":"LATEST"}}}}"#
            );
            let mut events = connection.subscribe(&Request::new("SubscribeToShard", &body)).await?;
            match next(&mut events).await? {
                (kind, _) if kind == "initial-response" => {}
                (kind, _) => return Err(RunError(format!("a subscription begins with {kind}"))),
            }
            subscribers.push(Subscriber { events, shard: *shard });
        }
    }
    Ok(subscribers)
}

async fn put(server: &Server, plan: Plan, payloads: &Payloads) -> Result<(), RunError> {
    let mut connection = Connection::open(server.address(), PATIENCE).await?;
    let mut request = Request::default();
    let records = u64::from(plan.shards) * plan.records_per_shard;
    let width = u128::MAX / u128::from(plan.shards.max(1));
    // In the middle of the shard's range, whichever way an even division was rounded.
    let hash_key = |number: u64| u128::from(number % u64::from(plan.shards)) * width + width / 2;
    let mut first = 0;
    while first < records {
        let count = BATCH_RECORDS.min(records - first);
        request.put_records_to(STREAM, payloads, first, count, hash_key);
        let answer = good(&mut connection, &request).await?;
        let failed = put_records(&answer, |_| ()).map_err(|error| RunError(error.to_string()))?;
        if failed > 0 {
            return Err(RunError(format!("{failed} records of {count} refused")));
        }
        first += count;
    }
    Ok(())
}

/// Resident memory once it does not change any more.
async fn settled_kib(server: &Server) -> Result<u64, RunError> {
    let (mut kib, mut since) = (0, Instant::now());
    while since.elapsed() < SETTLED_AFTER {
        sleep(Duration::from_millis(100)).await;
        let now_kib = server.memory()?.resident_kib;
        if now_kib.abs_diff(kib) > SETTLED_KIB {
            (kib, since) = (now_kib, Instant::now());
        }
    }
    Ok(kib)
}

/// The next message, which is not the end.
async fn next(events: &mut Events) -> Result<(String, Vec<u8>), RunError> {
    let message =
        timeout(PATIENCE, events.next()).await.map_err(|_elapsed| WireError::Silent(PATIENCE))??;
    let message = message.ok_or_else(|| RunError("a subscription ended".to_owned()))?;
    Ok((message.kind, message.payload))
}

impl Subscriber {
    /// Reads the records of its shard to the last, and tells how many there were.
    async fn read(mut self, plan: Plan, payloads: Arc<Payloads>) -> Result<u64, RunError> {
        let mut place = 0;
        while place < plan.records_per_shard {
            let (kind, payload) = next(&mut self.events).await?;
            if kind != "SubscribeToShardEvent" {
                return Err(RunError(format!("{kind} {}", String::from_utf8_lossy(&payload))));
            }
            let mut wrong = None;
            let event = get_records(&payload, |record| {
                let expected = plan.record(self.shard, place);
                match payloads.identify(&record.key, &record.data) {
                    Ok(id) if id == expected => {}
                    Ok(id) => wrong = wrong.take().or(Some(format!("{id} instead of {expected}"))),
                    Err(altered) => wrong = wrong.take().or(Some(altered.to_string())),
                }
                place += 1;
            });
            event.map_err(|error| RunError(error.to_string()))?;
            if let Some(wrong) = wrong {
                return Err(RunError(format!("shard {}: {wrong}", self.shard)));
            }
        }
        Ok(place)
    }
}
