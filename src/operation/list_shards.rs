//! ListShards: the shards of a stream, filtered, in pages (reference 9.1).
//!
//! Streams cannot be resharded yet, so every shard is open from the stream's creation on, and every filter by
//! time or horizon selects all of them: each AT_* answer tiles the hash space.

use std::sync::Arc;

use crate::control::{Scope, StreamStatus};
use crate::document::Value;
use crate::error::{ApiError, ErrorKind};
use crate::limits::LIST_SHARDS_PAGE_MAX;
use crate::names::ShardId;
use crate::shard::Shard;

use super::describe_stream::{page_of, page_size, shard_value, start_shard};
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
    shards_max: usize,
}

/// A page of shards.
pub struct Reply {
    shards: Vec<Arc<Shard>>,
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
            if let Some(filter) = input.structure("ShardFilter") {
                after = after.max(filter_start(filter, &stream)?);
            }
            let created_s = input.timestamp_ms("StreamCreationTimestamp").map(|created_ms| created_ms / 1000);
            return Ok(Self { stream, incarnation: None, created_s, after, shards_max });
        };
        if named {
            return Err(refusals::token_and_stream());
        }
        let others = input.string("ExclusiveStartShardId").is_some()
            || input.structure("ShardFilter").is_some()
            || input.timestamp_ms("StreamCreationTimestamp").is_some();
        if others {
            return Err(invalid(
                "NextToken cannot be provided together with ExclusiveStartShardId, StreamCreationTimestamp or \
                 ShardFilter.",
            ));
        }
        let body = page::open(&service.sealer, Purpose::ListShardsPage, token, service.clock.now_ms())?;
        let (incarnation, after, stream) = read_token(&body).ok_or_else(refusals::bad_next_token)?;
        Ok(Self { stream, incarnation: Some(incarnation), created_s: None, after: Some(after), shards_max })
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
        let (shards, has_more) = page_of(map.shards(), self.after, self.shards_max);
        let last = shards.last().filter(|_| has_more);
        let next_token = last.map(|last| {
            let mut body = stream.incarnation.to_le_bytes().to_vec();
            body.extend_from_slice(&u64::from(last.id.index()).to_le_bytes());
            write_stream_ref(&self.stream, &mut body);
            page::seal(&service.sealer, Purpose::ListShardsPage, now_ms, &body)
        });
        Ok(Reply { shards, next_token })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("Shards", Value::List(self.shards.iter().map(|shard| shard_value(shard)).collect())),
            ("NextToken", self.next_token.map_or(Value::Null, Value::string)),
        ])
    }
}

/// The shard after which a filter starts, having checked that it has what its type needs.
fn filter_start(filter: &Input<'_>, stream: &StreamRef) -> Result<Option<ShardId>, ApiError> {
    match filter.string("Type") {
        Some("AFTER_SHARD_ID") => {
            let Some(shard) = filter.string("ShardId") else {
                return Err(invalid("ShardId must be provided when ShardFilter is of type AFTER_SHARD_ID."));
            };
            start_shard(Some(shard), stream)
        }
        Some("AT_TIMESTAMP" | "FROM_TIMESTAMP") if filter.timestamp_ms("Timestamp").is_none() => Err(
            invalid("Timestamp must be provided when ShardFilter is of type AT_TIMESTAMP or FROM_TIMESTAMP."),
        ),
        _ => Ok(None),
    }
}

fn read_token(body: &[u8]) -> Option<(u64, ShardId, StreamRef)> {
    let (incarnation, rest) = read_u64(body)?;
    let (after, rest) = read_u64(rest)?;
    let (stream, _) = read_stream_ref(rest)?;
    Some((incarnation, ShardId::new(u32::try_from(after).ok()?)?, stream))
}

/// Texts inferred: the model says which members go together, no answer was captured.
fn invalid(text: &'static str) -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, text)
}
