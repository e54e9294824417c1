//! Records that cannot be stored.

use super::Given::{Broken, With};
use super::Source::{Inferred, Own, Recorded};
use crate::names::ShardId;
use crate::operation::stream_ref::StreamRef;

refusals! {
    const RECORDS;

    /// The explicit hash key is above 2^128 - 1.
    hash_key_too_large(key: &str) -> InvalidArgument, Recorded("E17")
        => "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {key}";

    /// SequenceNumberForOrdering cannot be read, or lies in the future.
    bad_ordering_number(number: &str, stream: &StreamRef) -> InvalidArgument, Recorded("E18")
        => "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {S} under account {A} is invalid.",
        S = stream.name, A = stream.scope.account;

    /// A shard takes no more now: the memory for records is full.
    shard_throttled(stream: &StreamRef, shard: ShardId)
        -> ProvisionedThroughputExceeded, Recorded("E19"), With("--at-memory-limit")
        => "Rate exceeded for shard {shard} in stream {S} under account {A}.",
        S = stream.name, A = stream.scope.account;

    /// A throttle that someone switched on, to the letter as LocalStack has it.
    planned_throttle() -> ProvisionedThroughputExceeded, Own, With("--error-probability")
        => "Rate exceeded for shard X in stream Y under account Z.";

    /// One record of many was not stored, because something broke.
    entry_failed()
        -> InternalFailure, Inferred("E21, from the model"),
        Broken("src/protocol/records/put_reply_tests.rs::entries_that_failed")
        => "Internal Service Failure";

    /// The records of one request are too large together.
    request_too_large() -> InvalidArgument, Inferred("E22, of 5 MiB") => "Records size exceeds 10 MB limit";

    /// One record's data is larger than its stream takes.
    data_too_large(path: &str, data_bytes: usize, bytes_max: usize)
        -> Validation, Inferred("E23, of the time when the model had this limit")
        => "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={data_bytes} cap={data_bytes}]' at \
            '{path}' failed to satisfy constraint: Member must have length less than or equal to {bytes_max}";

    /// The data fits, but not with its partition key (reference 6 counts both).
    record_too_large(path: &str, record_bytes: usize, bytes_max: usize) -> Validation, Inferred("nothing")
        => "The record at '{path}' has {record_bytes} bytes of data and partition key; the stream takes at most \
            {bytes_max} bytes per record.";
}
