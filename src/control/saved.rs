//! Streams as they are kept in files: all of a stream but its records, taken while everything goes on, and put back.
//!
//! What is taken is one cut through the registry: streams, their settings, consumers and shard maps as they are at one
//! moment, under the registry's lock, which is held for a pointer or two per stream. Then each shard is looked at once:
//! where its log ends then is where it ends in the file ([`SavedShard::tip`]). The records up to there are read later, as
//! any reader reads them.

use std::sync::{Arc, PoisonError};

use crate::names::{HashKeyRange, SequenceNumber, ShardId, StreamArn};
use crate::router::{ClosedShard, Listed, Parents, ShardMap};
use crate::shard::{Shard, ShardContext};

use super::attached::Attached;
use super::consumers::Consumer;
use super::registry::Registry;
use super::reshard::Pending;
use super::rolling_day::DailyQuota;
use super::settings::Plan;
use super::stream::{Life, Stream};
use super::subscriptions::Ending;

/// How far counters jump, at least, when a shard is put back: what was issued after its file was written is not known.
pub const COUNTER_LEAP: u64 = 1 << 32;

/// How much farther for each millisecond since the file was written: more than any shard can issue. So a server that is
/// put back twice from one file does not issue a number twice either.
pub const COUNTERS_PER_MS: u64 = 1 << 16;

/// A stream without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedStream {
    /// Its name, account and region.
    pub arn: StreamArn,
    /// Tells it from an earlier or later one of the same name: shard iterators name it.
    pub incarnation: u64,
    /// When its states begin and end.
    pub life: Life,
    /// How long records are kept, in milliseconds.
    pub retention_ms: u64,
    /// What had expired when that was last changed, epoch milliseconds.
    pub expired_before_ms: u64,
    /// What can be changed of it, over time.
    pub plan: Arc<Plan>,
    /// Its tags and its policy.
    pub attached: Arc<Attached>,
    /// Its consumers.
    pub consumers: Vec<Arc<Consumer>>,
    /// What was done to it within a day, and when, epoch milliseconds.
    pub daily_use: Vec<(DailyQuota, u64)>,
    /// The reshard that is under way.
    pub resharding: Option<Pending>,
    /// Its shards, by ascending index.
    pub shards: Vec<SavedShard>,
}

/// A shard without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedShard {
    /// Which one.
    pub id: ShardId,
    /// Its hash keys.
    pub range: HashKeyRange,
    /// When it was created, epoch seconds.
    pub created_s: u64,
    /// What it was made of.
    pub parents: Parents,
    /// When it was closed, epoch seconds, and what it became.
    pub closed: Option<(u64, Vec<ShardId>)>,
    /// Position of its oldest record.
    pub horizon: u64,
    /// Position after its newest record.
    pub tip: u64,
    /// The counter that the record after that gets.
    pub next_counter: u64,
}

impl SavedShard {
    fn of(listed: &Listed<'_>) -> Self {
        let Listed { shard, parents, closed } = *listed;
        let watermark = shard.watermark();
        let closed =
            closed.map(|closed| (closed.closed_s, closed.children.iter().map(|child| child.id).collect()));
        Self {
            id: shard.id,
            range: shard.range,
            created_s: shard.created_s,
            parents,
            closed,
            horizon: watermark.horizon,
            tip: watermark.tip,
            next_counter: watermark.next_counter,
        }
    }
}

/// A stream as it was when it was looked at, and where its records are.
pub struct Taken {
    /// All but its records.
    pub saved: SavedStream,
    /// Where its records are: the shards, in the same order.
    pub shards: Vec<Arc<Shard>>,
    /// Records that arrived before this had expired, epoch milliseconds.
    pub not_before_ms: u64,
}

/// A stream that is ready to be put back.
pub struct LoadedStream {
    /// All but its records.
    pub saved: SavedStream,
    /// What its shards share.
    pub context: Arc<ShardContext>,
    /// Its shards, in the order in which they were saved.
    pub shards: Vec<Arc<Shard>>,
}

/// Why streams cannot be put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is one of this name.
    #[error("stream {0} exists already; say that it is to be replaced, or delete it")]
    Exists(StreamArn),
    /// Its shards are not those of a stream.
    #[error("the shards of stream {0} do not divide the hash keys among them")]
    Shards(StreamArn),
    /// Two are one.
    #[error("stream {0} is there twice")]
    Twice(StreamArn),
}

impl Registry {
    /// Every stream as it is now, by ascending ARN. Nothing waits for this but changes of streams, and those not long.
    #[must_use]
    pub fn take(&self) -> Vec<Taken> {
        let now_ms = self.clock.now_ms();
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let namespaces = self.namespaces.load();
        // Looked at only. A reshard that is due is carried out by those who serve: who saves has a low priority, and
        // would make them wait for a shard's token.
        let streams = namespaces.values().flat_map(|namespace| namespace.values());
        let there = streams.filter(|stream| stream.status(now_ms).is_some());
        let mut taken: Vec<_> = there.map(|stream| stream.saved_without_shards()).collect();
        drop(namespaces);
        drop(changing);
        for (taken, map) in &mut taken {
            let listed = map.listed(0);
            (taken.shards, taken.saved.shards) =
                listed.map(|listed| (Arc::clone(listed.shard), SavedShard::of(&listed))).unzip();
            taken.not_before_ms = now_ms.saturating_sub(taken.saved.retention_ms);
            taken.not_before_ms = taken.not_before_ms.max(taken.saved.expired_before_ms);
        }
        let mut taken: Vec<_> = taken.into_iter().map(|(taken, _)| taken).collect();
        taken.sort_unstable_by(|one, other| one.saved.arn.cmp(&other.saved.arn));
        taken
    }

    /// Whether there is no stream at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.namespaces.load().is_empty()
    }

    /// What the shards of a stream that is being loaded share.
    #[must_use]
    pub fn loading_context(&self) -> Arc<ShardContext> {
        self.new_context()
    }

    /// The counter that a shard goes on with which is put back: above all that were issued, also after `known_ms`, up to
    /// which what was issued is known (epoch milliseconds), and also here if a stream that is to be replaced is the same.
    #[must_use]
    pub fn counter_to_go_on_with(&self, arn: &StreamArn, shard: &SavedShard, known_ms: u64) -> u64 {
        let scope = super::stream::Scope { account: arn.account, region: arn.region };
        let live = self.find(scope, arn.name.as_str()).map(|stream| stream.shard_map());
        let live = live.as_ref().and_then(|map| map.shard(shard.id));
        let live = live.filter(|live| live.created_s == shard.created_s);
        let issued = live.map_or(0, |live| live.watermark().next_counter).max(shard.next_counter);
        let unknown_ms = self.clock.now_ms().saturating_sub(known_ms);
        let leap = unknown_ms.saturating_mul(COUNTERS_PER_MS).saturating_add(COUNTER_LEAP);
        issued.saturating_add(leap).min(SequenceNumber::COUNTER_MAX)
    }

    /// A number for a stream that comes without one.
    #[must_use]
    pub fn incarnation_to_give(&self) -> u64 {
        self.next_incarnation()
    }

    /// Puts streams back, all or none. Where one of the name exists it is replaced, if that is wanted.
    ///
    /// # Errors
    /// [`LoadError`]; nothing has changed then.
    pub fn put_back(&self, loaded: Vec<LoadedStream>, replace: bool) -> Result<(), LoadError> {
        let now_ms = self.clock.now_ms();
        let mut streams = Vec::with_capacity(loaded.len());
        let mut names = std::collections::HashSet::new();
        for LoadedStream { mut saved, context, shards } in loaded {
            if !names.insert(saved.arn.clone()) {
                return Err(LoadError::Twice(saved.arn));
            }
            let map = shard_map(&saved, &shards).ok_or_else(|| LoadError::Shards(saved.arn.clone()))?;
            context.set_retention(saved.retention_ms, saved.expired_before_ms);
            if let Some(pending) = &mut saved.resharding {
                // Children are created after that: above those of the same reshard that are not in the file.
                pending.due_ms = pending.due_ms.max(now_ms);
            }
            streams.push(Stream::loaded(saved, map, context));
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in &streams {
            let Some(former) = self.find(stream.scope(), stream.name().as_str()) else { continue };
            if !replace {
                return Err(LoadError::Exists(stream.arn.clone()));
            }
            former.subscriptions().end_all(Ending::Deregistered);
        }
        self.place(streams);
        Ok(())
    }
}

impl Stream {
    /// All of it but its shards, and the map that they are in. Only under the registry's lock.
    fn saved_without_shards(&self) -> (Taken, Arc<ShardMap>) {
        let (map, resharding) = self.resharding.pending(|| self.shard_map());
        let saved = SavedStream {
            arn: self.arn.clone(),
            incarnation: self.incarnation,
            life: self.life(),
            retention_ms: self.context().retention_ms(),
            expired_before_ms: self.context().expired_before_ms(),
            plan: Arc::clone(&self.plan()),
            attached: Arc::clone(&self.attached()),
            consumers: self.consumers().all().to_vec(),
            daily_use: self.daily_use.all(),
            resharding,
            shards: Vec::new(),
        };
        (Taken { saved, shards: Vec::new(), not_before_ms: 0 }, map)
    }
}

/// The map of these shards, if they are those of one stream.
fn shard_map(saved: &SavedStream, shards: &[Arc<Shard>]) -> Option<ShardMap> {
    let find = |id: &ShardId| {
        let place = shards.binary_search_by_key(id, |shard| shard.id).ok()?;
        shards.get(place).cloned()
    };
    let ascends = shards.is_sorted_by(|one, other| one.id < other.id);
    if !ascends || shards.len() != saved.shards.len() {
        return None;
    }
    let closed: Option<Vec<_>> = saved
        .shards
        .iter()
        .filter_map(|shard| Some((shard.id, shard.closed.as_ref()?)))
        .map(|(id, (closed_s, children))| {
            let children = children.iter().map(find).collect::<Option<_>>()?;
            Some(ClosedShard { id, closed_s: *closed_s, children })
        })
        .collect();
    let parents = saved.shards.iter().map(|shard| shard.parents).collect();
    let map = ShardMap::with_closed(shards.to_vec(), parents, closed?);
    map.is_whole().then_some(map)
}
