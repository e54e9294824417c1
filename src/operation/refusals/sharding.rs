//! Splits, merges and new shard counts that cannot be.

use super::Source::{Inferred, Recorded};
use crate::names::{HashKeyRange, ShardId};
use crate::operation::stream_ref::StreamRef;

refusals! {
    const SHARDING;

    /// A shard cannot be split before this key.
    bad_split_key(key: &str, shard: ShardId, range: HashKeyRange, stream: &StreamRef)
        -> InvalidArgument, Recorded("E24")
        => "NewStartingHashKey {key} used in SplitShard() on shard {shard} in stream {S} under account {A} is not both \
            greater than one plus the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}.",
        S = stream.name, A = stream.scope.account, start = range.start, end = range.end;

    /// The two shards' ranges do not meet.
    not_adjacent(shard: ShardId, other: ShardId, stream: &StreamRef) -> InvalidArgument, Recorded("E25")
        => "Shards {shard} and {other} in stream {S} under account {A} are not an adjacent pair of shards eligible for \
            merging",
        S = stream.name, A = stream.scope.account;

    /// The shard is closed.
    shard_closed(shard: ShardId, stream: &StreamRef) -> InvalidArgument, Recorded("E26")
        => "Shard {shard} in stream {S} under account {A} has already been merged or split, and thus is not eligible \
            for merging or splitting.",
        S = stream.name, A = stream.scope.account;

    /// The service itself shards the stream.
    stream_on_demand(stream: &StreamRef) -> Validation, Inferred("E43")
        => "Request is invalid. Stream {S} under account {A} is in On-Demand mode.",
        S = stream.name, A = stream.scope.account;

    /// More than twice as many shards. The exception is inferred.
    above_double(open: usize, target: usize) -> LimitExceeded, Recorded("E44")
        => "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: \
            {open} Target shard count: {target}";

    /// Less than half as many shards.
    below_half(open: usize, target: usize) -> LimitExceeded, Inferred("E45")
        => "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: \
            {open} Target shard count: {target}";

    /// More shards than UpdateShardCount makes.
    above_max_shard_count(max: usize, target: usize) -> LimitExceeded, Inferred("E44 and the model")
        => "UpdateShardCount cannot scale up over {max} shards. Target shard count: {target}";

    /// Shards of so few keys that they cannot be split as the new count would need.
    shards_too_narrow(stream: &StreamRef) -> InvalidArgument, Inferred("nothing")
        => "The shards of stream {S} under account {A} have too few hash keys to be split any further.",
        S = stream.name, A = stream.scope.account;
}
