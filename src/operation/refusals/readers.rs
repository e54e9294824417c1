//! Shard iterators, where reading starts, and pages of listings.

use std::fmt::Display;

use super::Source::{Inferred, Recorded};
use crate::names::ShardId;
use crate::operation::java_date::JavaDate;
use crate::operation::stream_ref::StreamRef;

refusals! {
    const READERS;

    /// The shard iterator was not made here, or was damaged.
    bad_iterator() -> InvalidArgument, Recorded("E8") => "Invalid ShardIterator.";

    /// The shard iterator is too old. Times in epoch milliseconds.
    expired_iterator(issued_ms: u64, now_ms: u64, ttl_ms: u64) -> ExpiredIterator, Recorded("E9")
        => "Iterator expired. The iterator was created at time {T1} while right now it is {T2} which is further in the \
            future than the tolerated delay of {ttl_ms} milliseconds.",
        T1 = JavaDate(issued_ms / 1000), T2 = JavaDate(now_ms / 1000);

    /// The iterator type needs a StartingSequenceNumber.
    start_not_given(iterator_type: &str) -> InvalidArgument, Recorded("E10")
        => "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
            TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {iterator_type} and no \
            StartingSequenceNumber.";

    /// The iterator type takes none.
    start_given(iterator_type: &str) -> InvalidArgument, Recorded("E11")
        => "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
            TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {iterator_type} and also a \
            StartingSequenceNumber.";

    /// The sequence number encodes another shard.
    number_of_other_shard(encoded: &str, shard: ShardId) -> InvalidArgument, Recorded("E12")
        => "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call to a shard with {shard}";

    /// The sequence number is none.
    bad_starting_number(number: impl Display, shard: ShardId, stream: &StreamRef) -> InvalidArgument, Recorded("E13")
        => "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {S} under account {A} \
            is invalid.",
        S = stream.name, A = stream.scope.account;

    /// The sequence number is another stream's.
    number_of_other_stream(number: impl Display, shard: ShardId, stream: &StreamRef) -> InvalidArgument, Recorded("E14")
        => "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {S} under account {A} \
            is invalid because it did not come from this stream.",
        S = stream.name, A = stream.scope.account;

    /// AT_TIMESTAMP without a timestamp.
    no_timestamp() -> InvalidArgument, Recorded("E15")
        => "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
            timestamp parameter.";

    /// The timestamp lies in the future. Times in epoch milliseconds.
    timestamp_in_future(timestamp_ms: u64, now_ms: u64) -> InvalidArgument, Recorded("E16")
        => "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
            {timestamp_ms}, currentTimestampInMillis: {now_ms}";

    /// ListShards of nothing.
    no_token_and_no_stream() -> InvalidArgument, Recorded("E35")
        => "Either NextToken or StreamName should be provided.";

    /// ListShards of two things.
    token_and_stream() -> InvalidArgument, Recorded("E36")
        => "NextToken and StreamName cannot be provided together.";

    /// ListShards with arguments that the token holds already.
    token_and_filter() -> InvalidArgument, Inferred("E36 and the model")
        => "NextToken cannot be provided together with ExclusiveStartShardId, StreamCreationTimestamp or ShardFilter.";

    /// The same of ListStreamConsumers.
    token_and_creation() -> InvalidArgument, Inferred("E36 and the model")
        => "NextToken and StreamCreationTimestamp cannot be provided together.";

    /// A filter without the shard that it needs.
    filter_without_shard() -> InvalidArgument, Inferred("reference 9.1")
        => "ShardId must be provided when ShardFilter is of type AFTER_SHARD_ID.";

    /// A filter without the time that it needs.
    filter_without_timestamp() -> InvalidArgument, Inferred("reference 9.1")
        => "Timestamp must be provided when ShardFilter is of type AT_TIMESTAMP or FROM_TIMESTAMP.";

    /// The pagination token was not made here, was damaged, or is another operation's.
    bad_next_token() -> InvalidArgument, Inferred("E8 and reference 9.1") => "Invalid NextToken.";

    /// The pagination token is too old.
    expired_next_token() -> ExpiredNextToken, Inferred("E51")
        => "The pagination token passed to the operation is expired.";

    /// Every check has passed, and DryRun was set.
    dry_run() -> DryRunOperation, Inferred("the model's wording")
        => "The request was rejected because the DryRun parameter was specified.";
}
