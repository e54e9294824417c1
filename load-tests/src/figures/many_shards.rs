//! Very many shards in one process: what they hold untouched, and with a few records in each, all of which are read
//! back and checked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Run, Subject, Value, resident_mib};
use crate::auditor::{Acked, Findings, Ledger, View};
use crate::latency::checking::read_shard;
use crate::payload::Payloads;
use crate::results::member;
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::workload::{RunError, create_stream, good, put_answer};

const UNTOUCHED_MIB_MAX: f64 = 60.0;
const FILLED_MIB_MAX: f64 = 600.0;

const STREAM: &str = "shards";
const RECORD_BYTES: usize = 100;
const BATCH_RECORDS: u64 = 500;
const CONNECTIONS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(30);

/// How many shards, and how many records in each.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Shards of the one stream.
    pub shards: u32,
    /// Records in each.
    pub records_per_shard: u64,
}

impl Plan {
    /// What the limits are meant for.
    pub const FULL: Self = Self { shards: 100_000, records_per_shard: 10 };
    /// A try-out.
    pub const QUICK: Self = Self { shards: 5_000, ..Self::FULL };

    /// All records.
    fn records(&self) -> u64 {
        u64::from(self.shards) * self.records_per_shard
    }

    /// The shard that a record is for: neighbours in a request go to different shards.
    fn shard(&self, record: u64) -> u64 {
        record % u64::from(self.shards)
    }

    /// A hash key in the middle of that shard's range, whichever way an even division was rounded.
    fn hash_key(&self, record: u64) -> u128 {
        let width = u128::MAX / u128::from(self.shards.max(1));
        u128::from(self.shard(record)) * width + width / 2
    }
}

/// Creates the stream, fills it, reads it back.
///
/// # Errors
/// The server refuses any of it, or a record is not where and what it should be.
pub async fn run(subject: &Subject, plan: Plan) -> Result<Run, RunError> {
    let server = subject.start(&[])?;
    let empty_mib = resident_mib(&server)?;
    let started = Instant::now();
    create_stream(server.address(), STREAM, plan.shards).await?;
    let created_ms = started.elapsed().as_secs_f64() * 1e3;
    let untouched_mib = resident_mib(&server)?;
    let started = Instant::now();
    check(server.address(), plan).await?;
    let checked_s = started.elapsed().as_secs_f64();
    let filled_mib = resident_mib(&server)?;
    let resident_max_kib = server.memory()?.resident_max_kib;
    Ok(Run {
        values: vec![
            Value::limited("shards_untouched_resident_mib", untouched_mib, UNTOUCHED_MIB_MAX),
            Value::limited("shards_filled_and_read_resident_mib", filled_mib, FILLED_MIB_MAX),
        ],
        details: vec![
            member("shards", f64::from(plan.shards)),
            member("records_checked", plan.records() as f64),
            member("before_resident_mib", empty_mib),
            member("resident_max_mib", resident_max_kib as f64 / 1024.0),
            member("created_ms", created_ms),
            member("put_and_read_s", checked_s),
        ],
    })
}

/// Puts the plan's records into the stream, reads all shards and compares.
///
/// # Errors
/// The server refuses any of it, or a record is not where and what it should be.
pub async fn check(address: SocketAddr, plan: Plan) -> Result<(), RunError> {
    let payloads = Arc::new(Payloads::new(0, RECORD_BYTES));
    let mut findings = Findings::default();
    let mut acked = Vec::new();
    for (part, part_findings) in
        side_by_side(|connection| put(address, plan, Arc::clone(&payloads), connection)).await?
    {
        acked.extend(part);
        findings.merge(&part_findings);
    }
    let mut views: Vec<View> = Vec::new();
    for part in side_by_side(|connection| read(address, plan, Arc::clone(&payloads), connection)).await? {
        views.extend(part);
    }
    views.sort_by_key(View::shard);
    let elsewhere = acked.iter().filter(|entry| u64::from(entry.shard) != plan.shard(entry.id.number()));
    let (elsewhere, stored) = (elsewhere.count(), acked.len());
    let ledger = Ledger::new(plan.shards, acked, vec![plan.records()]);
    findings.merge(&ledger.findings);
    findings.merge(&ledger.audit(&views));
    if elsewhere > 0 || findings.total() > 0 || stored as u64 != plan.records() {
        return Err(RunError(format!(
            "{stored} records of {} stored, {elsewhere} on another shard than their hash key's\n{findings}",
            plan.records()
        )));
    }
    Ok(())
}

/// A task for each connection; what they bring, in no order.
async fn side_by_side<T, F>(task: impl Fn(u32) -> F) -> Result<Vec<T>, RunError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, RunError>> + Send + 'static,
{
    let mut tasks: JoinSet<_> = (0..CONNECTIONS).map(task).collect();
    let mut parts = Vec::new();
    while let Some(part) = tasks.join_next().await {
        parts.push(part.map_err(|error| RunError(format!("a task of the test itself died: {error}")))??);
    }
    Ok(parts)
}

/// Every so manieth batch.
async fn put(
    address: SocketAddr,
    plan: Plan,
    payloads: Arc<Payloads>,
    number: u32,
) -> Result<(Vec<Acked>, Findings), RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let (mut acked, mut findings) = (Vec::new(), Findings::default());
    let mut request = Request::default();
    let mut first = BATCH_RECORDS * u64::from(number);
    while first < plan.records() {
        let count = BATCH_RECORDS.min(plan.records() - first);
        request.put_records_to(STREAM, &payloads, first, count, |record| plan.hash_key(record));
        let body = good(&mut connection, &request).await?;
        put_answer(&body, 0, first, count, &mut acked, &mut findings);
        first += BATCH_RECORDS * u64::from(CONNECTIONS);
    }
    Ok((acked, findings))
}

/// Every so manieth shard.
async fn read(
    address: SocketAddr,
    plan: Plan,
    payloads: Arc<Payloads>,
    number: u32,
) -> Result<Vec<View>, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut views = Vec::new();
    for shard in (number..plan.shards).step_by(CONNECTIONS as usize) {
        views.push(read_shard(&mut connection, STREAM, shard, &payloads).await?);
    }
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: each shard gets its share, whether a shard's range was rounded up or down.
    #[test]
    fn hash_keys_meet_their_shards() {
        for shards in [1, 3, 7, 100_000] {
            let plan = Plan { shards, records_per_shard: 2 };
            let wide = |shard: u64| (u128::from(shard), u128::from(shards));
            for record in (0..plan.records()).step_by(997).chain([plan.records() - 1]) {
                let shard = record % u64::from(shards);
                let key = plan.hash_key(record);
                let ((low, all), (high, _)) = (wide(shard), wide(shard + 1));
                // One width is far more than any rounding.
                let slack = u128::MAX / all / 4;
                assert!(key > low * (u128::MAX / all) + slack, "{shard} of {shards}");
                assert!(
                    key < high.saturating_mul(u128::MAX / all).saturating_sub(slack),
                    "{shard} of {shards}"
                );
            }
        }
    }
}
