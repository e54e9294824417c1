//! ListShards: the shards of a stream, filtered, in pages (reference 9.1).
//!
//! A filter looks at one moment of the stream's life ([`Selection`]), and every page of a listing looks at the same
//! one: its token names the moment and the newest shard of the first page's look, so that a reshard in between neither
//! opens a hole nor shows a key twice.

use std::sync::Arc;

use crate::control::{Scope, Stream, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::LIST_SHARDS_PAGE_MAX;
use crate::names::ShardId;
use crate::router::{ClosedShard, Listed, ShardMap};
use crate::shard::Shard;

use super::describe_stream::{page_size, shard_value, start_shard};
use super::iterator::{read_stream_ref, read_u64, write_stream_ref};
use super::schema::Input;
use super::seal::Purpose;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::{page, refusals};

/// Which stream, and from which shard on.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    /// Set when the request goes on from a page of this incarnation.
    incarnation: Option<u64>,
    /// Set when the caller means the stream created in this second.
    created_s: Option<u64>,
    after: Option<ShardId>,
    filter: Filter,
    /// Set when the request goes on from a page that saw this shard as the newest.
    newest: Option<ShardId>,
    shards_max: usize,
}

/// Which shards are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// All that can still be read: FROM_TRIM_HORIZON, AFTER_SHARD_ID, and where there is none.
    All,
    /// Those that are open.
    AtLatest,
    /// Those that were open then, in epoch milliseconds; before the trim horizon it means the horizon.
    At(u64),
    /// Those that were open then or later.
    From(u64),
}

/// A page of shards.
pub struct Reply {
    /// As members.
    shards: Vec<Value<'static>>,
    next_token: Option<String>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// E35 and E36 for a token without or with other arguments, a token that is not ours or has expired, a filter
    /// without the member it needs.
    pub fn validate(input: &Input<'_>, caller: Scope, service: &Service) -> Result<Self, ApiError> {
        let shards_max = page_size(input.integer("MaxResults"), LIST_SHARDS_PAGE_MAX);
        let named = input.string("StreamName").is_some() || input.string("StreamARN").is_some();
        let Some(token) = input.string("NextToken") else {
            if !named {
                return Err(refusals::no_token_and_no_stream());
            }
            let stream = StreamRef::of(input, caller)?;
            let mut after = start_shard(input.string("ExclusiveStartShardId"), &stream)?;
            let mut filter = Filter::All;
            if let Some(wanted) = input.structure("ShardFilter") {
                let start;
                (filter, start) = read_filter(wanted, &stream)?;
                after = after.max(start);
            }
            let created_s = input.timestamp_ms("StreamCreationTimestamp").map(|created_ms| created_ms / 1000);
            let (incarnation, newest) = (None, None);
            return Ok(Self { stream, incarnation, created_s, after, filter, newest, shards_max });
        };
        if named {
            return Err(refusals::token_and_stream());
        }
        let others = input.string("ExclusiveStartShardId").is_some()
            || input.structure("ShardFilter").is_some()
            || input.timestamp_ms("StreamCreationTimestamp").is_some();
        if others {
            return Err(refusals::token_and_filter());
        }
        let body = page::open(&service.sealer, Purpose::ListShardsPage, token, service.clock.now_ms())?;
        read_token(&body, shards_max).ok_or_else(refusals::bad_next_token)
    }

    /// The stream whose shards are wanted.
    #[must_use]
    pub const fn stream(&self) -> &StreamRef {
        &self.stream
    }

    /// Lists them.
    ///
    /// # Errors
    /// E1 if there is no such stream, or not the one that was meant; E3 (inferred) while it is CREATING.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let stream = self.stream.find(service)?;
        let is_meant = self.incarnation.is_none_or(|incarnation| incarnation == stream.incarnation)
            && self.created_s.is_none_or(|created_s| created_s == stream.created_ms / 1000);
        if !is_meant {
            return Err(refusals::no_stream(&self.stream));
        }
        let now_ms = service.clock.now_ms();
        if stream.status(now_ms) == Some(StreamStatus::Creating) {
            return Err(refusals::stream_not_active(&self.stream, StreamStatus::Creating.name()));
        }
        let map = stream.shard_map();
        let selection = Selection::new(&self, &stream, &map, now_ms);
        let mut listed = map.listed(selection.horizon_ms).filter(|listed| selection.includes(listed, &map));
        let page: Vec<_> = listed.by_ref().take(self.shards_max).collect();
        let last = page.last().filter(|_| listed.next().is_some());
        let next_token = last.map(|last| {
            let body = selection.token_body(&self.stream, &stream, last.shard.id);
            page::seal(&service.sealer, Purpose::ListShardsPage, now_ms, &body)
        });
        let shards = page.into_iter().map(|listed| shard_value(selection.as_seen(listed))).collect();
        Ok(Reply { shards, next_token })
    }
}

/// One look at a stream: at a moment of its life, through the eyes of the first page.
struct Selection {
    filter: Filter,
    after: Option<ShardId>,
    /// The newest shard that the first page saw; later ones do not exist for this listing.
    newest: Option<ShardId>,
    horizon_ms: u64,
}

impl Selection {
    fn new(request: &Request, stream: &Stream, map: &ShardMap, now_ms: u64) -> Self {
        let horizon_ms = stream.horizon_ms(now_ms);
        let filter = match request.filter {
            // What was before the horizon cannot be told any more.
            Filter::At(at_ms) => Filter::At(at_ms.max(horizon_ms)),
            other => other,
        };
        let newest = request.newest.or_else(|| map.shards().last().map(|newest| newest.id));
        Self { filter, after: request.after, newest, horizon_ms }
    }

    /// A shard as it was when the first page was made: open, if what it became is newer than that.
    fn as_seen<'a>(&self, listed: Listed<'a>) -> Listed<'a> {
        let is_known = |children: &[Arc<Shard>]| children.iter().all(|child| Some(child.id) <= self.newest);
        Listed { closed: listed.closed.filter(|closed| is_known(&closed.children)), ..listed }
    }

    fn includes(&self, listed: &Listed<'_>, map: &ShardMap) -> bool {
        let id = Some(listed.shard.id);
        if id <= self.after || id > self.newest {
            return false;
        }
        let followed_ms = self.as_seen(*listed).closed.map(ClosedShard::followed_ms);
        match self.filter {
            Filter::All => true,
            Filter::AtLatest => followed_ms.is_none(),
            Filter::From(from_ms) => followed_ms.is_none_or(|followed_ms| from_ms < followed_ms),
            // A shard stands for its keys from its own creation until that of its children, so that at each moment
            // there is one for every key. Whose parents have expired stands for the time before it as well.
            Filter::At(at_ms) => {
                let is_listed = |parent| map.find(parent, self.horizon_ms).is_some();
                let is_first = !listed.parents.iter().any(is_listed);
                (is_first || listed.shard.created_s.saturating_mul(1000) <= at_ms)
                    && followed_ms.is_none_or(|followed_ms| at_ms < followed_ms)
            }
        }
    }

    /// What the token of the next page says.
    fn token_body(&self, named: &StreamRef, stream: &Stream, last: ShardId) -> Vec<u8> {
        let (kind, time_ms) = match self.filter {
            Filter::All => (0, 0),
            Filter::AtLatest => (1, 0),
            Filter::At(at_ms) => (2, at_ms),
            Filter::From(from_ms) => (3, from_ms),
        };
        let newest = self.newest.map_or(u64::MAX, |newest| u64::from(newest.index()));
        let numbers = [stream.incarnation, u64::from(last.index()), kind, time_ms, newest];
        let mut body: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        write_stream_ref(named, &mut body);
        body
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("Shards", Value::List(self.shards)),
            ("NextToken", self.next_token.map_or(Value::Null, Value::string)),
        ])
    }
}

/// What a filter wants, and the shard after which it starts, having checked that it has what its type needs.
fn read_filter(filter: &Input<'_>, stream: &StreamRef) -> Result<(Filter, Option<ShardId>), ApiError> {
    let timestamp_ms = || filter.timestamp_ms("Timestamp").ok_or_else(refusals::filter_without_timestamp);
    let wanted = match filter.string("Type") {
        Some("AFTER_SHARD_ID") => {
            let Some(shard) = filter.string("ShardId") else {
                return Err(refusals::filter_without_shard());
            };
            return Ok((Filter::All, start_shard(Some(shard), stream)?));
        }
        Some("AT_TRIM_HORIZON") => Filter::At(0),
        Some("AT_LATEST") => Filter::AtLatest,
        Some("AT_TIMESTAMP") => Filter::At(timestamp_ms()?),
        Some("FROM_TIMESTAMP") => Filter::From(timestamp_ms()?),
        _ => Filter::All,
    };
    Ok((wanted, None))
}

fn read_token(body: &[u8], shards_max: usize) -> Option<Request> {
    let shard = |index: u64| ShardId::new(u32::try_from(index).ok()?);
    let (incarnation, rest) = read_u64(body)?;
    let (after, rest) = read_u64(rest)?;
    let (kind, rest) = read_u64(rest)?;
    let (time_ms, rest) = read_u64(rest)?;
    let (newest, rest) = read_u64(rest)?;
    let (stream, _) = read_stream_ref(rest)?;
    let filter = match kind {
        0 => Filter::All,
        1 => Filter::AtLatest,
        2 => Filter::At(time_ms),
        _ => Filter::From(time_ms),
    };
    let (incarnation, after, newest) = (Some(incarnation), Some(shard(after)?), Some(shard(newest)?));
    Some(Request { stream, incarnation, created_s: None, after, filter, newest, shards_max })
}

#[cfg(test)]
#[path = "list_shards_tests.rs"]
mod tests;
