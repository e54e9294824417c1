//! Streams and shards that are missing, taken, meant in two ways or in another state; and quotas of them.

use std::fmt::Display;

use super::Source::{Inferred, Recorded};
use crate::names::ShardId;
use crate::operation::stream_ref::StreamRef;

refusals! {
    const STREAMS;

    /// The stream is unknown, or CREATING where records are put to it.
    no_stream(stream: &StreamRef) -> ResourceNotFound, Recorded("E1")
        => "Stream {S} under account {A} not found.", S = stream.name, A = stream.scope.account;

    /// The name is taken.
    stream_exists(stream: &StreamRef) -> ResourceInUse, Recorded("E2")
        => "Stream {S} under account {A} already exists.", S = stream.name, A = stream.scope.account;

    /// The stream is in another state than ACTIVE.
    stream_not_active(stream: &StreamRef, status: &str) -> ResourceInUse, Recorded("E3")
        => "Stream {S} under account {A} not ACTIVE, instead in state {status}",
        S = stream.name, A = stream.scope.account;

    /// The account's shard quota in the region.
    shard_limit(stream: &StreamRef, open: u64, limit: impl Display, additional: u64) -> LimitExceeded, Recorded("E4")
        => "This request would exceed the shard limit for the account {A} in {R}. Current shard count for the account: \
            {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: \
            {additional}. Refer to the AWS Service Limits page \
            (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
            request higher limits.",
        A = stream.scope.account, R = stream.scope.region;

    /// Too many streams are CREATING at once.
    creating_limit(max: usize) -> LimitExceeded, Inferred("E5")
        => "Limit for streams being created concurrently exceeded: {max}.";

    /// The account's quota of on-demand streams in the region.
    on_demand_stream_limit(limit: impl Display) -> LimitExceeded, Inferred("E4")
        => "This request would exceed the on-demand stream limit for the account. Limit: {limit}.";

    /// There is no such shard, or no such stream where a shard was asked for.
    no_shard(stream: &StreamRef, shard: ShardId) -> ResourceNotFound, Recorded("E6")
        => "Shard {shard} in stream {S} under account {A} does not exist", S = stream.name, A = stream.scope.account;

    /// The shard id cannot be read, or names no shard.
    shard_not_found(stream: &StreamRef, shard: impl Display) -> ResourceNotFound, Recorded("E7")
        => "Could not find shard {shard} in stream {S} under account {A}.", S = stream.name, A = stream.scope.account;

    /// The request names no stream.
    stream_not_named() -> InvalidArgument, Inferred("E35")
        => "Either StreamName or StreamARN should be provided.";

    /// It names two.
    streams_differ() -> InvalidArgument, Inferred("reference 4")
        => "StreamName and StreamARN do not name the same stream.";

    /// The ARN matches the model's pattern, and is no stream's.
    not_a_stream_arn() -> InvalidArgument, Inferred("nothing") => "StreamARN is not the ARN of a stream.";

    /// A shard count for a stream that the service itself shards.
    shard_count_not_expected() -> InvalidArgument, Recorded("11, by CloudFormation")
        => "ShardCount is not expected when StreamMode=ON_DEMAND";

    /// No shard count for any other.
    shard_count_expected() -> InvalidArgument, Inferred("its counterpart")
        => "ShardCount is expected when StreamMode=PROVISIONED";

    /// The stream has consumers. The apostrophe is typographic.
    stream_has_consumers(stream: &StreamRef) -> ResourceInUse, Recorded("E38")
        => "DeleteStream can\u{2019}t delete {A}:{S} because there are consumers associated with this data stream. To \
            delete {S} anyway, set the EnforceConsumerDeletion parameter to true to force the deletion of all the \
            consumers that are associated with it.",
        S = stream.name, A = stream.scope.account;

    /// Something was done to the stream as often as it may be within a day.
    daily_limit(operation: &str, max: usize, stream: &StreamRef) -> LimitExceeded, Inferred("E46")
        => "{operation} was called {max} times on stream {S} under account {A} within the last 24 hours, which is its \
            limit.",
        S = stream.name, A = stream.scope.account;
}
