//! One look at a shard's records, and what is told beside them: how far behind they are, and at the end of a closed shard
//! what it became (reference 7.2). GetRecords takes one for each call, a subscription one for each event.

use std::sync::Arc;

use crate::control::{EncryptionTimes, Stream};
use crate::document::Value;
use crate::log::{ReadLimits, Record, Slice};
use crate::names::ShardId;
use crate::router::{Listed, Parents};
use crate::shard::Shard;

use super::describe_stream::hash_key_range;

/// What was read.
pub struct RecordsRead {
    /// The shard; with a record's counter and arrival it gives the sequence number.
    pub shard: Arc<Shard>,
    /// The records.
    pub slice: Slice,
    /// Which of them are encrypted.
    pub encrypted: EncryptionTimes,
    /// How far the last record returned lies behind now, in milliseconds; 0 when nothing newer exists.
    pub millis_behind_latest: u64,
    /// The shards to go on with, at the end of a closed one: there is nothing more to be read from it, ever.
    pub children: Option<Vec<ChildShard>>,
}

/// A shard that a closed one became.
#[derive(Clone)]
pub struct ChildShard {
    /// The shard.
    pub shard: Arc<Shard>,
    /// The closed one and, for a merged shard, the other.
    pub parents: Parents,
}

impl RecordsRead {
    /// Reads a shard of the stream from `position` on. `visit` sees each record that is read, so that the size of a reply
    /// can be summed on the way. `None` if there is no such shard, or all that a closed one held has expired.
    pub fn read(
        stream: &Stream,
        shard: ShardId,
        position: u64,
        limits: ReadLimits,
        now_ms: u64,
        visit: impl FnMut(&Record<'_>),
    ) -> Option<Self> {
        // The map before the log: of a shard that is closed in it, the log is final.
        let map = stream.shard_map();
        let listed = map.find(shard, stream.horizon_ms(now_ms))?;
        let shard = Arc::clone(listed.shard);
        let slice = shard.log().read(position, shard.not_before_ms(now_ms), limits, visit);
        let millis_behind_latest = match slice.last_arrival_ms {
            Some(arrival_ms) if slice.next < slice.tip => now_ms.saturating_sub(arrival_ms).max(1),
            _ => 0,
        };
        let child = |child: Listed<'_>| ChildShard { shard: Arc::clone(child.shard), parents: child.parents };
        let at_end = listed.closed.filter(|_| slice.next >= slice.tip);
        let children = at_end.map(|closed| map.children(closed).map(child).collect());
        Some(Self {
            shard,
            slice,
            encrypted: stream.plan().encrypted().clone(),
            millis_behind_latest,
            children,
        })
    }
}

/// A list of `ChildShard` structures.
#[must_use]
pub fn child_shards_value(children: &[ChildShard]) -> Value<'static> {
    let child = |child: &ChildShard| {
        let parents = child.parents.iter().map(|parent| Value::string(parent.to_string())).collect();
        Value::structure([
            ("ShardId", Value::string(child.shard.id.to_string())),
            ("ParentShards", Value::List(parents)),
            ("HashKeyRange", hash_key_range(&child.shard)),
        ])
    };
    Value::List(children.iter().map(child).collect())
}
