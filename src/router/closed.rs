//! Shards that take no more writes: when they were closed, what became of them, and who may still see them.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::names::{SequenceNumber, ShardId};
use crate::shard::Shard;

use super::{Parents, ShardMap};

/// What became of a shard that was split or merged.
#[derive(Clone)]
pub struct ClosedShard {
    /// The shard.
    pub id: ShardId,
    /// When it was closed, epoch seconds; part of its EndingSequenceNumber.
    pub closed_s: u64,
    /// The two that it was split into, or the one that it was merged into. All created at the same time.
    pub children: SmallVec<[Arc<Shard>; 2]>,
}

impl ClosedShard {
    /// When its children took over, epoch milliseconds. They are created a second after it was closed, and it stands
    /// for its keys until then: at every moment somebody does.
    #[must_use]
    pub fn followed_ms(&self) -> u64 {
        self.children.first().map_or(u64::MAX, |child| child.created_s.saturating_mul(1000))
    }

    /// Whether all that it held has expired, where records from before `horizon_ms` have.
    #[must_use]
    pub fn is_expired(&self, horizon_ms: u64) -> bool {
        self.followed_ms() <= horizon_ms
    }
}

/// A shard as listings show it.
#[derive(Clone, Copy)]
pub struct Listed<'a> {
    /// The shard.
    pub shard: &'a Arc<Shard>,
    /// What it was made of.
    pub parents: Parents,
    /// What became of it, if it takes no more writes.
    pub closed: Option<&'a ClosedShard>,
}

impl Listed<'_> {
    /// Its EndingSequenceNumber, if it is closed.
    #[must_use]
    pub fn ending_number(&self) -> Option<SequenceNumber> {
        let Self { shard, closed, .. } = self;
        closed.map(|closed| SequenceNumber::ending(shard.created_s, shard.id, closed.closed_s))
    }
}

impl ShardMap {
    /// One shard, unless it was closed so long ago that all it held has expired.
    #[must_use]
    pub fn find(&self, id: ShardId, horizon_ms: u64) -> Option<Listed<'_>> {
        let place = self.place(id)?;
        let (shard, parents) = (self.shards.get(place)?, *self.parents.get(place)?);
        let closed = position(&self.closed, id).and_then(|place| self.closed.get(place));
        let is_expired = closed.is_some_and(|closed| closed.is_expired(horizon_ms));
        (!is_expired).then_some(Listed { shard, parents, closed })
    }

    /// Those shards, by ascending index, that [`find`](Self::find) finds.
    pub fn listed(&self, horizon_ms: u64) -> impl Iterator<Item = Listed<'_>> {
        let mut closed = self.closed.iter().peekable();
        let shards = self.shards.iter().zip(&self.parents).map(move |(shard, parents)| {
            let closed = closed.next_if(|closed| closed.id == shard.id);
            Listed { shard, parents: *parents, closed }
        });
        shards.filter(move |listed| listed.closed.is_none_or(|closed| !closed.is_expired(horizon_ms)))
    }

    /// What became of a shard, each with its parents: they expire no earlier than it does.
    pub fn children(&self, closed: &ClosedShard) -> impl Iterator<Item = Listed<'_>> {
        closed.children.iter().filter_map(|child| self.find(child.id, 0))
    }

    /// Whether the shard takes no more writes.
    #[must_use]
    pub fn is_closed(&self, id: ShardId) -> bool {
        // One that is not here any more was closed long ago.
        position(&self.closed, id).is_some() || self.shard(id).is_none()
    }

    /// This map with more shards, which come after all it has, and with these closed.
    #[must_use]
    pub fn resharded(&self, added: &[(Arc<Shard>, Parents)], closed: &[ClosedShard]) -> Self {
        let (shards, parents): (Vec<_>, Vec<_>) = added.iter().cloned().unzip();
        let shards = self.shards.iter().cloned().chain(shards).collect();
        let parents = self.parents.iter().copied().chain(parents).collect();
        let mut closed: Vec<_> = self.closed.iter().chain(closed).cloned().collect();
        closed.sort_unstable_by_key(|closed| closed.id);
        Self::with_closed(shards, parents, closed)
    }

    /// Whether there are closed shards of which all they held has expired.
    #[must_use]
    pub fn has_expired(&self, horizon_ms: u64) -> bool {
        self.closed.iter().any(|closed| closed.is_expired(horizon_ms))
    }

    /// This map without those.
    #[must_use]
    pub fn without_expired(&self, horizon_ms: u64) -> Self {
        let listed = self.listed(horizon_ms).map(|listed| (Arc::clone(listed.shard), listed.parents));
        let (shards, parents) = listed.unzip();
        let closed = self.closed.iter().filter(|closed| !closed.is_expired(horizon_ms)).cloned().collect();
        Self::with_closed(shards, parents, closed)
    }
}

/// Where a shard stands among the closed ones.
pub(super) fn position(closed: &[ClosedShard], id: ShardId) -> Option<usize> {
    closed.binary_search_by_key(&id, |closed| closed.id).ok()
}
