//! The one who splits, merges and updates shard counts, without a rest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::lineage::{page, tile};
use super::{STREAM, Shared};
use crate::auditor::{Findings, Violation};
use crate::wire::Connection;
use crate::wire::answers::find_string;
use crate::wire::request::Request;
use crate::wire::shards::Listed;
use crate::workload::{PATIENCE, RunError, good};

/// How often the shard count of one stream may be updated within a day (reference 8.3).
const UPDATES_MAX: u32 = 10;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deeds {
    /// SplitShard.
    pub splits: u64,
    /// MergeShards.
    pub merges: u64,
    /// UpdateShardCount.
    pub updates: u64,
}

impl Deeds {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.splits + self.merges + self.updates
    }
}

/// Reshards one stream.
pub(super) struct Resharder {
    shared: Arc<Shared>,
    connection: Connection,
    random: Xoshiro256PlusPlus,
    deeds: Deeds,
    findings: Findings,
}

/// One thing to do.
struct Deed {
    request: Request,
    /// Open shards afterwards.
    open: usize,
    count: fn(&mut Deeds) -> &mut u64,
}

impl Resharder {
    pub(super) async fn open(shared: Arc<Shared>) -> Result<Self, RunError> {
        let connection = Connection::open(shared.address, PATIENCE).await?;
        let random = Xoshiro256PlusPlus::seed_from_u64(shared.plan.seed);
        Ok(Self { shared, connection, random, deeds: Deeds::default(), findings: Findings::default() })
    }

    /// Goes on until its time is over, or something is wrong.
    pub(super) async fn run(mut self) -> (Deeds, Findings) {
        let started = Instant::now();
        let mut open = usize::try_from(self.shared.plan.shards).unwrap_or(usize::MAX);
        while started.elapsed() < self.shared.plan.lasts {
            match self.once(started, open).await {
                Ok(left) => open = left,
                Err(error) => {
                    self.findings.add(Violation::Failed, || format!("resharding: {error}"));
                    break;
                }
            }
        }
        (self.deeds, self.findings)
    }

    /// Does one thing to a stream of so many open shards, and waits until it is done.
    async fn once(&mut self, started: Instant, open: usize) -> Result<usize, RunError> {
        let shards = self.open_shards().await?;
        if shards.len() != open {
            return Err(RunError(format!("{} open shards are listed, and {open} wanted", shards.len())));
        }
        let Deed { request, open, count } = self.choose(started, &shards);
        good(&mut self.connection, &request).await?;
        *count(&mut self.deeds) += 1;
        self.shared.progress.reshards.fetch_add(1, Ordering::Relaxed);
        self.until_active().await?;
        // Sometimes the next follows at once, sometimes the children have a while to themselves.
        tokio::time::sleep(Duration::from_millis(self.below(20))).await;
        Ok(open)
    }

    async fn open_shards(&mut self) -> Result<Vec<Listed>, RunError> {
        let body = format!("{{\"StreamName\":\"{STREAM}\",\"ShardFilter\":{{\"Type\":\"AT_LATEST\"}}}}");
        let (mut shards, token) = page(&mut self.connection, &body).await?;
        let ranges = shards.iter().map(|listed| listed.keys).collect();
        if token.is_some() || !tile(ranges) {
            return Err(RunError(format!("the open shards do not tile the hash space: {shards:?}")));
        }
        shards.sort_unstable_by_key(|listed| listed.keys.start);
        Ok(shards)
    }

    /// An update of the count when it is time for one, else a split or a merge of some shard. There is at least one.
    fn choose(&mut self, started: Instant, open: &[Listed]) -> Deed {
        let max = self.shared.plan.open_shards_max;
        let updates = u32::try_from(self.deeds.updates).unwrap_or(u32::MAX);
        let next_update = self.shared.plan.lasts * (updates + 1) / (UPDATES_MAX + 1);
        if updates < UPDATES_MAX && started.elapsed() >= next_update {
            let (least, most) = (open.len().div_ceil(2), (2 * open.len()).min(max));
            let targets: Vec<_> = (least..=most).filter(|target| *target != open.len()).collect();
            if let Some(target) = targets.get(self.place_in(targets.len())) {
                return update(*target);
            }
        }
        let pair = open.windows(2).nth(self.place_in(open.len() - 1));
        let may_split = open.len() < max;
        if let Some([one, other]) = pair
            && (!may_split || self.below(2) == 0)
        {
            let (shard, adjacent) = if self.below(2) == 0 { (one, other) } else { (other, one) };
            return merge(shard.shard, adjacent.shard, open.len());
        }
        let Listed { shard, keys, .. } = &open[self.place_in(open.len())];
        // Anywhere in the middle half.
        let quarter = (keys.end - keys.start) / 4;
        let random = u128::from(self.random.next_u64()) << 64 | u128::from(self.random.next_u64());
        split(*shard, keys.start + quarter + 2 + random % (2 * quarter).max(1), open.len())
    }

    async fn until_active(&mut self) -> Result<(), RunError> {
        let describe = Request::new("DescribeStreamSummary", &format!("{{\"StreamName\":\"{STREAM}\"}}"));
        let begun = Instant::now();
        loop {
            let answer = good(&mut self.connection, &describe).await?;
            match find_string(&answer, b"StreamStatus").as_deref() {
                Some(b"ACTIVE") => return Ok(()),
                _ if begun.elapsed() > PATIENCE => {
                    return Err(RunError(format!("UPDATING for more than {} s", PATIENCE.as_secs())));
                }
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound.max(1)
    }

    /// A place in a list of so many.
    fn place_in(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }
}

fn split(shard: u32, at: u128, open: usize) -> Deed {
    let body = format!(
        "{{\"StreamName\":\"{STREAM}\",\"ShardToSplit\":\"shardId-{shard:012}\",\"NewStartingHashKey\":\"{at}\"}}"
    );
    Deed { request: Request::new("SplitShard", &body), open: open + 1, count: |deeds| &mut deeds.splits }
}

fn merge(shard: u32, adjacent: u32, open: usize) -> Deed {
    let body = format!(
        "{{\"StreamName\":\"{STREAM}\",\"ShardToMerge\":\"shardId-{shard:012}\",\
         \"AdjacentShardToMerge\":\"shardId-{adjacent:012}\"}}"
    );
    Deed { request: Request::new("MergeShards", &body), open: open - 1, count: |deeds| &mut deeds.merges }
}

fn update(target: usize) -> Deed {
    let body = format!(
        "{{\"StreamName\":\"{STREAM}\",\"TargetShardCount\":{target},\"ScalingType\":\"UNIFORM_SCALING\"}}"
    );
    Deed { request: Request::new("UpdateShardCount", &body), open: target, count: |deeds| &mut deeds.updates }
}
