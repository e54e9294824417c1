//! A follower that is pushed to: a consumer of its own, and a subscription for each shard that it is in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;

use super::follower::Followed;
use super::walk::Walk;
use super::{STREAM, Shared};
use crate::auditor::{Findings, Violation};
use crate::wire::answers;
use crate::wire::request::Request;
use crate::wire::shards::Child;
use crate::wire::subscription::Subscription;
use crate::workload::{PATIENCE, RunError, active_consumer};

/// Reads every shard from its first record to its end, by SubscribeToShard.
pub(super) struct Subscriber {
    shared: Arc<Shared>,
    number: usize,
    consumer: Arc<str>,
    walk: Arc<Mutex<Walk>>,
    shards: JoinSet<(u32, Result<Vec<Child>, RunError>)>,
}

impl Subscriber {
    pub(super) async fn open(shared: Arc<Shared>, number: usize) -> Result<Self, RunError> {
        let name = format!("follower-{number}");
        let consumer = active_consumer(shared.address, STREAM, &name).await?;
        let walk = Arc::new(Mutex::new(Walk::new(number)));
        let mut subscriber = Self { shared, number, consumer: consumer.into(), walk, shards: JoinSet::new() };
        for shard in 0..subscriber.shared.plan.shards {
            subscriber.walk.lock().unwrap_or_else(PoisonError::into_inner).begin(shard);
            subscriber.begin(shard);
        }
        Ok(subscriber)
    }

    fn begin(&mut self, shard: u32) {
        let (shared, consumer, walk) =
            (Arc::clone(&self.shared), Arc::clone(&self.consumer), Arc::clone(&self.walk));
        self.shards.spawn(async move { (shard, read_to_end(&shared, &consumer, shard, &walk).await) });
    }

    /// Follows until no shard is left that has not ended, or has said twice that nothing came after all else was done.
    pub(super) async fn run(mut self) -> Followed {
        let mut findings = Findings::default();
        while let Some(ended) = self.shards.join_next().await {
            let number = self.number;
            match ended {
                Ok((shard, Ok(children))) if !children.is_empty() => {
                    let ready =
                        self.walk.lock().unwrap_or_else(PoisonError::into_inner).end(shard, &children);
                    for child in ready {
                        self.begin(child);
                    }
                }
                // Open, and nothing more will come.
                Ok((_, Ok(_))) => {}
                Ok((shard, Err(error))) => {
                    findings
                        .add(Violation::Failed, || format!("subscriber {number}, shard {shard}: {error}"));
                }
                Err(error) => findings.add(Violation::Failed, || format!("subscriber {number}: {error}")),
            }
        }
        let walk = std::mem::replace(
            &mut *self.walk.lock().unwrap_or_else(PoisonError::into_inner),
            Walk::new(self.number),
        );
        let latencies = self.shared.latencies.clone();
        Followed { walk, last_progress: Instant::now(), latencies, findings }
    }
}

/// Reads a shard to its end, and gives what it became; nothing if it is open and nothing more will come.
async fn read_to_end(
    shared: &Shared,
    consumer: &str,
    shard: u32,
    walk: &Mutex<Walk>,
) -> Result<Vec<Child>, RunError> {
    let body = format!(
        r#"{{"ConsumerARN":"{consumer}","ShardId":"shardId-{shard:012}","StartingPosition":{{"Type":"TRIM_HORIZON"}}}}"#
    );
    let request = Request::new("SubscribeToShard", &body);
    let failed = |error: &dyn std::fmt::Display| RunError(format!("subscription: {error}"));
    let subscription = Subscription::open(shared.address, request.bytes(), PATIENCE).await;
    let mut subscription = subscription.map_err(|error| failed(&error))?;
    // Told twice in a row after the last put was answered: the first time may have been on its way before.
    let mut idle_events = 0;
    loop {
        let is_over = shared.producing.load(Ordering::Acquire) == 0;
        let Some(message) = subscription.next().await.map_err(|error| failed(&error))? else {
            return Err(RunError("the subscription ended before its shard".to_owned()));
        };
        match message.kind.as_str() {
            "initial-response" => continue,
            "SubscribeToShardEvent" => {}
            other => {
                let payload = String::from_utf8_lossy(&message.payload);
                return Err(RunError(format!("{other} {payload}")));
            }
        }
        let mut records = 0;
        let tail = {
            let mut walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
            answers::get_records(&message.payload, |record| {
                records += 1;
                walk.observe(shard, &shared.payloads, &record);
            })
        };
        shared.progress.read.fetch_add(records, Ordering::Relaxed);
        let tail = tail.map_err(|error| failed(&error))?;
        match (tail.next_iterator, tail.children.is_empty()) {
            (None, false) => return Ok(tail.children),
            (Some(_), true) => {}
            _ => {
                return Err(RunError(
                    "an event with children and a number to go on from, or neither".to_owned(),
                ));
            }
        }
        idle_events = if is_over && records == 0 { idle_events + 1 } else { 0 };
        if idle_events == 2 {
            return Ok(Vec::new());
        }
    }
}
