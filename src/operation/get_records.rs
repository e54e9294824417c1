//! GetRecords: what follows a shard iterator, and the next iterator or, at the end of a closed shard, its children
//! (reference 7.2).

use std::sync::Arc;

use crate::control::{EncryptionTimes, Scope};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::{GET_RECORDS_BYTES_MAX, GET_RECORDS_LIMIT_MAX};
use crate::log::{ReadLimits, Record, Slice};
use crate::names::StreamArn;
use crate::router::{Listed, Parents};
use crate::shard::Shard;
use crate::shard::readers::Reader;

use super::describe_stream::hash_key_range;
use super::iterator::ShardIterator;
use super::refusals;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Where to read, and how much.
#[derive(Debug, Clone)]
pub struct Request {
    iterator: ShardIterator,
    records_max: u32,
    dry_run: bool,
}

/// What was read.
pub struct Reply {
    /// The shard; with a record's counter and arrival it gives the sequence number.
    pub shard: Arc<Shard>,
    /// The records.
    pub slice: Slice,
    /// Which of them are encrypted.
    pub encrypted: EncryptionTimes,
    /// The token to go on with; none at the end of a closed shard.
    pub next_iterator: Option<String>,
    /// The shards to go on with: those that a closed shard became, at its end.
    pub child_shards: Vec<ChildShard>,
    /// How far the last record returned lies behind now, in milliseconds; 0 when nothing newer exists.
    pub millis_behind_latest: u64,
}

/// A shard that a closed one became.
#[derive(Clone)]
pub struct ChildShard {
    /// The shard.
    pub shard: Arc<Shard>,
    /// The closed one and, for a merged shard, the other.
    pub parents: Parents,
}

impl Request {
    /// A request from its members.
    ///
    /// # Errors
    /// E8 and E9 about the iterator, or a StreamARN that names another stream than it (E8, inferred).
    pub fn new(
        iterator: &str,
        limit: Option<i64>,
        arn: Option<&str>,
        dry_run: bool,
        service: &Service,
    ) -> Result<Self, ApiError> {
        let iterator = ShardIterator::open(&service.sealer, iterator, service.clock.now_ms())?;
        if let Some(arn) = arn {
            let named = StreamArn::parse(arn).map(|arn| {
                let scope = Scope { account: arn.account, region: arn.region };
                StreamRef { scope, name: arn.name }
            });
            if named.as_ref() != Some(&iterator.stream) {
                return Err(refusals::bad_iterator());
            }
        }
        let records_max = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(GET_RECORDS_LIMIT_MAX);
        Ok(Self { iterator, records_max, dry_run })
    }

    /// Reads. `visit` sees each record that the reply will hold, so that its size can be summed on the way.
    ///
    /// # Errors
    /// E6 if the stream or shard is gone, or all that a closed shard held has expired.
    pub fn execute(self, service: &Service, visit: impl FnMut(&Record<'_>)) -> Result<Reply, ApiError> {
        let Self { iterator, records_max, dry_run } = self;
        let no_shard = || refusals::no_shard(&iterator.stream, iterator.shard);
        let stream = service.registry.find(iterator.stream.scope, iterator.stream.name.as_str());
        let stream =
            stream.filter(|stream| stream.incarnation == iterator.incarnation).ok_or_else(no_shard)?;
        let now_ms = service.clock.now_ms();
        // The map before the log: of a shard that is closed in it, the log is final.
        let map = stream.shard_map();
        let listed = map.find(iterator.shard, stream.horizon_ms(now_ms)).ok_or_else(no_shard)?;
        if dry_run {
            return Err(refusals::dry_run());
        }
        let shard = Arc::clone(listed.shard);
        let limits = ReadLimits { records_max, bytes_max: GET_RECORDS_BYTES_MAX as u64 };
        let slice = shard.log().read(iterator.position, shard.not_before_ms(now_ms), limits, visit);
        let millis_behind_latest = match slice.last_arrival_ms {
            Some(arrival_ms) if slice.next < slice.tip => now_ms.saturating_sub(arrival_ms).max(1),
            _ => 0,
        };
        let reader = Reader { chain: iterator.chain, position: slice.next, seen_ms: now_ms };
        shard.readers().note(reader);
        let encrypted = stream.plan().encrypted().clone();
        if let Some(closed) = listed.closed.filter(|_| slice.next >= slice.tip) {
            let child =
                |child: Listed<'_>| ChildShard { shard: Arc::clone(child.shard), parents: child.parents };
            let child_shards = map.children(closed).map(child).collect();
            return Ok(Reply {
                shard,
                slice,
                encrypted,
                next_iterator: None,
                child_shards,
                millis_behind_latest,
            });
        }
        let next = ShardIterator { position: slice.next, issued_ms: now_ms, ..iterator };
        let next_iterator = Some(next.seal(&service.sealer));
        Ok(Reply { shard, slice, encrypted, next_iterator, child_shards: Vec::new(), millis_behind_latest })
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
