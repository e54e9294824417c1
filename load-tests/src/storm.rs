//! One storm of reshards: producers that put as fast as they are answered, followers that read from closed shards on to
//! what those became, and one task that splits, merges and updates shard counts without a rest, all at the same time.
//!
//! Afterwards every acknowledged record must have been seen by every follower once, in its shard, in the order of its
//! partition key; and the shards must be one family ([`lineage`]): each made of whole ones, with numbers above theirs.

mod follower;
mod lineage;
mod producer;
mod resharder;
mod subscriber;
mod walk;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub use resharder::Deeds;

use crate::auditor::{Acked, Findings, Ledger, View, Violation};
use crate::payload::Payloads;
use crate::workload::{Latencies, RunError, create_stream, joined};

const STREAM: &str = "storm";
/// Partition keys of each producer: enough to meet every shard, few enough that each has its order in every put.
const KEYS: NonZeroU64 = NonZeroU64::new(16).unwrap();

/// What one storm does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// How long it is resharded.
    pub lasts: Duration,
    /// Shards at first.
    pub shards: u32,
    /// Open shards, at most.
    pub open_shards_max: usize,
    /// Data bytes of each record.
    pub record_bytes: usize,
    /// Records of each put.
    pub batch_records: u64,
    /// Tasks that put, one connection each.
    pub producers: u16,
    /// How long a producer rests after each answer.
    pub put_interval: Duration,
    /// How long each poller rests after it has looked at all of its shards.
    pub poll_intervals: Vec<Duration>,
    /// Followers that are pushed to, each a consumer of its own.
    pub subscribers: usize,
    /// How long a follower goes on without progress when all else is done.
    pub idle_max: Duration,
}

/// How far a storm is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records acknowledged.
    pub written: AtomicU64,
    /// Records read, by all followers together.
    pub read: AtomicU64,
    /// Reshards done.
    pub reshards: AtomicU64,
}

/// What came of a storm.
#[derive(Debug)]
pub struct Outcome {
    /// Records acknowledged.
    pub written: u64,
    /// Records read, by all followers together.
    pub read: u64,
    /// From the first put to the last record read.
    pub time: Duration,
    /// Reshards, by kind.
    pub deeds: Deeds,
    /// Shards in the end, closed and open.
    pub shards: usize,
    /// Latency of each PutRecords.
    pub puts: Latencies,
    /// Latency of each GetRecords.
    pub gets: Latencies,
    /// What was wrong.
    pub findings: Findings,
}

/// What all tasks share.
struct Shared {
    address: SocketAddr,
    plan: Plan,
    payloads: Payloads,
    progress: Arc<Progress>,
    /// Set when the producers are to stop.
    over: AtomicBool,
    /// Producers still at work. Decremented (Release) after the last acknowledgement of each; a follower that reads 0
    /// (Acquire) and then finds nothing more has seen all there is.
    producing: AtomicUsize,
    latencies: Latencies,
}

/// Runs `plan` against the server at `address`, which must be empty and set no limit on shards, and audits it.
///
/// # Errors
/// The stream cannot be created, the tasks cannot start, or the shards cannot be listed: nothing was tested.
pub async fn run(address: SocketAddr, plan: Plan, progress: Arc<Progress>) -> Result<Outcome, RunError> {
    create_stream(address, STREAM, plan.shards).await?;
    let shared = Arc::new(Shared {
        address,
        payloads: Payloads::new(plan.seed, plan.record_bytes).with_keys(KEYS),
        progress,
        over: AtomicBool::new(false),
        producing: AtomicUsize::new(usize::from(plan.producers)),
        latencies: Latencies::new()?,
        plan,
    });
    let mut followers = JoinSet::new();
    for number in 0..shared.plan.poll_intervals.len() {
        followers.spawn(follower::Poller::open(Arc::clone(&shared), number).await?.run());
    }
    for number in 0..shared.plan.subscribers {
        let number = shared.plan.poll_intervals.len() + number;
        followers.spawn(subscriber::Subscriber::open(Arc::clone(&shared), number).await?.run());
    }
    let started = Instant::now();
    let mut producers = JoinSet::new();
    for producer in 0..shared.plan.producers {
        producers.spawn(producer::Producer::open(Arc::clone(&shared), producer).await?.run());
    }
    let (deeds, mut findings) = resharder::Resharder::open(Arc::clone(&shared)).await?.run().await;
    shared.over.store(true, Ordering::Release);
    let written = joined(producers).await?;
    let followed = joined(followers).await?;
    let shards = lineage::all_shards(address).await?;
    lineage::audit(&shards, &mut findings);
    let (mut puts, mut gets) = (shared.latencies.clone(), shared.latencies.clone());
    for part in &written {
        puts.merge(&part.latencies)?;
        findings.merge(&part.findings);
    }
    for part in &followed {
        gets.merge(&part.latencies)?;
        findings.merge(&part.findings);
    }
    let sent = lineage::by_producer(&written);
    let acked: Vec<Acked> = written.into_iter().flat_map(|part| part.acked).collect();
    lineage::audit_numbers(&shards, &acked, &mut findings);
    let count = u32::try_from(shards.len()).unwrap_or(u32::MAX);
    let ledger = Ledger::new(count, acked, sent);
    findings.merge(&ledger.findings);
    let last_read = followed.iter().map(|part| part.last_progress).max().unwrap_or(started);
    let mut read = 0;
    for part in followed {
        let views = part.walk.into_views(count, &mut findings);
        read += views.iter().map(View::records).sum::<u64>();
        findings.merge(&ledger.audit(&views));
    }
    if deeds.total() == 0 {
        findings.add(Violation::Failed, || "nothing was resharded".to_owned());
    }
    Ok(Outcome {
        written: u64::try_from(ledger.records()).unwrap_or(u64::MAX),
        read,
        time: last_read.duration_since(started),
        deeds,
        shards: shards.len(),
        puts,
        gets,
        findings,
    })
}
