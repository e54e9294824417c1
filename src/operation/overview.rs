//! What every stream holds and who reads it, for people and scripts; not an operation of Kinesis.
//!
//! Shards that hold nothing and have no readers are left out, so that the answer grows with what is in use.

use crate::control::{Stream, StreamStatus};
use crate::document::Value;
use crate::shard::Shard;

use super::service::Service;

/// Readers that have not been seen for this long are not told of, in milliseconds: their iterators have expired.
const READER_SEEN_WITHIN_MS: u64 = crate::limits::ITERATOR_TTL_MS;

/// All streams, by ARN.
#[must_use]
pub fn streams(service: &Service) -> Value<'static> {
    let now_ms = service.clock.now_ms();
    let mut streams = service.registry.all();
    streams.sort_by_cached_key(|(stream, _)| stream.arn.to_string());
    let streams = streams.iter().map(|(stream, status)| stream_value(stream, *status, now_ms)).collect();
    Value::structure([("streams", Value::List(streams))])
}

fn stream_value(stream: &Stream, status: StreamStatus, now_ms: u64) -> Value<'static> {
    let map = stream.shard_map();
    let in_use = |shard: &&std::sync::Arc<Shard>| shard.log().tip() > 0 || shard.known_readers().is_some();
    let shards = map.shards().iter().filter(in_use).map(|shard| shard_value(shard, now_ms)).collect();
    Value::structure([
        ("arn", Value::string(stream.arn.to_string())),
        ("status", Value::string(status.name())),
        ("open_shards", count(map.open_count() as u64)),
        ("shards_in_use", Value::List(shards)),
    ])
}

fn shard_value(shard: &Shard, now_ms: u64) -> Value<'static> {
    let tip = shard.log().tip();
    let readers = shard.known_readers();
    let seen =
        readers.into_iter().flat_map(|table| table.seen_since(now_ms.saturating_sub(READER_SEEN_WITHIN_MS)));
    let seen = seen.map(|reader| {
        Value::structure([
            ("reader", Value::string(format!("{:016x}", reader.chain))),
            ("records_behind", count(tip.saturating_sub(reader.position))),
            ("last_seen_ms_ago", count(now_ms.saturating_sub(reader.seen_ms))),
        ])
    });
    Value::structure([
        ("shard", Value::string(shard.id.to_string())),
        ("records_held", count(tip.saturating_sub(shard.log().horizon()))),
        ("records_ever", count(tip)),
        ("readers", Value::List(seen.collect())),
        ("readers_forgotten", count(readers.map_or(0, crate::shard::readers::IteratorTable::evictions))),
    ])
}

fn count(count: u64) -> Value<'static> {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}
