//! The service's refusals: error texts of the reference's section 14, by their numbers there.
//!
//! Tagged *recorded* where a real answer was captured, *inferred* where the text is a guess.

use std::fmt::Display;

use crate::error::{ApiError, ErrorKind};
use crate::limits::{RESOURCE_TAGS_MAX, RETENTION_HOURS_MAX, RETENTION_HOURS_MIN, WARM_THROUGHPUT_MIBPS_MAX};
use crate::names::{AccountId, ConsumerArn, HashKeyRange, ShardId};

use super::java_date::JavaDate;
use super::stream_ref::StreamRef;

/// E1, recorded: the stream is unknown (or CREATING, for puts).
pub(crate) fn no_stream(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} not found.", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E2, recorded: the name is taken.
pub(crate) fn stream_exists(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} already exists.", scope.account);
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E3, recorded: the stream is in another state than ACTIVE.
pub(crate) fn stream_not_active(stream: &StreamRef, status: &str) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} not ACTIVE, instead in state {status}", scope.account);
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E4, recorded: the account's shard quota in the region.
pub(crate) fn shard_limit(stream: &StreamRef, open: u64, limit: impl Display, additional: u64) -> ApiError {
    let scope = stream.scope;
    let text = format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: \
         {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: {additional}. \
         Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) \
         for current limits and how to request higher limits.",
        scope.account, scope.region
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E5, inferred: too many streams CREATING at once.
pub(crate) fn creating_limit(max: usize) -> ApiError {
    let text = format!("Limit for streams being created concurrently exceeded: {max}.");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred: the account's on-demand stream quota in the region.
pub(crate) fn on_demand_stream_limit(limit: impl Display) -> ApiError {
    let text =
        format!("This request would exceed the on-demand stream limit for the account. Limit: {limit}.");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E6, recorded: no such shard, or no such stream where a shard was asked for.
pub(crate) fn no_shard(stream: &StreamRef, shard: ShardId) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Shard {shard} in stream {name} under account {} does not exist", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E7, recorded: the shard id cannot be read, or names no shard.
pub(crate) fn shard_not_found(stream: &StreamRef, shard: impl Display) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Could not find shard {shard} in stream {name} under account {}.", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E8, recorded: the shard iterator was not made here, or was damaged.
pub(crate) fn bad_iterator() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Invalid ShardIterator.")
}

/// E9, recorded: the shard iterator is too old. Times in epoch milliseconds.
pub(crate) fn expired_iterator(issued_ms: u64, now_ms: u64, ttl_ms: u64) -> ApiError {
    let text = format!(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
         future than the tolerated delay of {ttl_ms} milliseconds.",
        JavaDate(issued_ms / 1000),
        JavaDate(now_ms / 1000)
    );
    ApiError::new(ErrorKind::ExpiredIterator, text)
}

/// E10 and E11, recorded: the iterator type and the presence of StartingSequenceNumber contradict each other.
pub(crate) fn starting_number_mismatch(iterator_type: &str, given: bool) -> ApiError {
    let presence = if given { "also a" } else { "no" };
    let text = format!(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
         (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {iterator_type} and \
         {presence} StartingSequenceNumber."
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E12, recorded: the sequence number encodes another shard.
pub(crate) fn number_of_other_shard(encoded: &str, shard: ShardId) -> ApiError {
    let text = format!(
        "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call to a shard with {shard}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E13, recorded; E14 with the recorded ending, for a number of another stream.
pub(crate) fn bad_starting_number(
    number: impl Display,
    shard: ShardId,
    stream: &StreamRef,
    of_other_stream: bool,
) -> ApiError {
    let StreamRef { scope, name } = stream;
    let ending = if of_other_stream { " because it did not come from this stream." } else { "." };
    let text = format!(
        "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {name} under account \
         {} is invalid{ending}",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E15, recorded: AT_TIMESTAMP without a timestamp.
pub(crate) fn no_timestamp() -> ApiError {
    let text = "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
                timestamp parameter.";
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E16, recorded: the timestamp lies in the future. Times in epoch milliseconds.
pub(crate) fn timestamp_in_future(timestamp_ms: u64, now_ms: u64) -> ApiError {
    let text = format!(
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         {timestamp_ms}, currentTimestampInMillis: {now_ms}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E17, recorded: the explicit hash key is above 2^128 - 1.
pub(crate) fn hash_key_too_large(key: &str) -> ApiError {
    let text = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {key}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E18, recorded: SequenceNumberForOrdering cannot be read, or lies in the future.
pub(crate) fn bad_ordering_number(number: &str, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {name} under account {} is invalid.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E19, recorded: a shard takes no more now.
pub(crate) fn shard_throttled(stream: &StreamRef, shard: ShardId) -> String {
    let StreamRef { scope, name } = stream;
    format!("Rate exceeded for shard {shard} in stream {name} under account {}.", scope.account)
}

/// The text of a throttle that someone switched on, literally as LocalStack gives it.
pub(crate) const PLANNED_THROTTLE: &str = "Rate exceeded for shard X in stream Y under account Z.";

/// E21, from the model: an entry that was not stored because something broke.
pub(crate) const ENTRY_FAILED: &str = "Internal Service Failure";

/// E22, inferred from its 5 MiB form: the records of one request together.
pub(crate) fn request_too_large() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Records size exceeds 10 MB limit")
}

/// E23 in its recorded form, with the stream's own limit: one record's data.
pub(crate) fn data_too_large(path: &str, data_bytes: usize, bytes_max: usize) -> ApiError {
    let text = format!(
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={data_bytes} cap={data_bytes}]' at \
         '{path}' failed to satisfy constraint: Member must have length less than or equal to {bytes_max}"
    );
    ApiError::new(ErrorKind::Validation, text)
}

/// Inferred: the data fits, but not with its partition key (reference 6 counts both).
pub(crate) fn record_too_large(path: &str, record_bytes: usize, bytes_max: usize) -> ApiError {
    let text = format!(
        "The record at '{path}' has {record_bytes} bytes of data and partition key; the stream takes at most \
         {bytes_max} bytes per record."
    );
    ApiError::new(ErrorKind::Validation, text)
}

/// E24, recorded: a shard cannot be split before this key.
pub(crate) fn bad_split_key(key: &str, shard: ShardId, range: HashKeyRange, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let HashKeyRange { start, end } = range;
    let text = format!(
        "NewStartingHashKey {key} used in SplitShard() on shard {shard} in stream {name} under account {} is not both \
         greater than one plus the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E25, recorded: the two shards' ranges do not meet.
pub(crate) fn not_adjacent(shard: ShardId, other: ShardId, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Shards {shard} and {other} in stream {name} under account {} are not an adjacent pair of shards eligible for \
         merging",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E26, recorded: the shard is closed.
pub(crate) fn shard_closed(shard: ShardId, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Shard {shard} in stream {name} under account {} has already been merged or split, and thus is not eligible \
         for merging or splitting.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E27, recorded: a retention below a day.
pub(crate) fn retention_too_short(hours: i64) -> ApiError {
    let text = format!(
        "Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. Requested retention period ({hours} hours) \
         is too short."
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E28, inferred from its form of 168 hours: a retention above a year.
pub(crate) fn retention_too_long(hours: i64) -> ApiError {
    let text = format!(
        "Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention period ({hours} hours) \
         is too long."
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E29, recorded: a decrease that would increase.
pub(crate) fn retention_not_shorter(stream: &StreamRef, hours: i64, existing_hours: u64) -> ApiError {
    let text = format!(
        "Requested retention period ({hours} hours) for stream {} can not be longer than existing retention period \
         ({existing_hours} hours). Use IncreaseRetentionPeriod API.",
        stream.name
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E30, recorded: an increase that would decrease.
pub(crate) fn retention_not_longer(stream: &StreamRef, hours: i64, existing_hours: u64) -> ApiError {
    let text = format!(
        "Requested retention period ({hours} hours) for stream {} can not be shorter than existing retention period \
         ({existing_hours} hours). Use DecreaseRetentionPeriod API.",
        stream.name
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E31, recorded: a tag with a character that tags cannot have.
pub(crate) fn bad_tag_characters() -> ApiError {
    let text = "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, \
                _ . / = + - % @.";
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E32 and E33, recorded: a `%`, which E31 lets pass and this does not. `done` is `add tags to` or `remove tags from`.
pub(crate) fn illegal_tag_characters(done: &str, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Failed to {done} stream {name} under account {} because some tags contained illegal characters. The allowed \
         characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E34, recorded for AddTagsToStream: more tags than a stream takes. AWS's text says 10 where the limit is 50.
pub(crate) fn too_many_tags(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Failed to add tags to stream {name} under account {} because a given stream cannot have more than 10 tags \
         associated with it.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// Inferred from E34: more tags than a consumer takes.
pub(crate) fn too_many_consumer_tags(consumer: &ConsumerArn) -> ApiError {
    let text = format!(
        "Failed to add tags to consumer {} under account {} because a given consumer cannot have more than \
         {RESOURCE_TAGS_MAX} tags associated with it.",
        consumer.name, consumer.stream.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E35, recorded.
pub(crate) fn no_token_and_no_stream() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Either NextToken or StreamName should be provided.")
}

/// E36, recorded.
pub(crate) fn token_and_stream() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "NextToken and StreamName cannot be provided together.")
}

/// E38, recorded, typographic apostrophe included: the stream has consumers.
pub(crate) fn stream_has_consumers(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "DeleteStream can\u{2019}t delete {}:{name} because there are consumers associated with this data stream. To \
         delete {name} anyway, set the EnforceConsumerDeletion parameter to true to force the deletion of all the \
         consumers that are associated with it.",
        scope.account
    );
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E39, recorded for PutResourcePolicy: the consumer is in another state than ACTIVE.
pub(crate) fn consumer_not_active(consumer: &ConsumerArn) -> ApiError {
    let ConsumerArn { stream, name, created_s } = consumer;
    let text = format!(
        "Consumer {name} with creation timestamp {created_s} under stream {} and account {} is not in ACTIVE status.",
        stream.name, stream.account
    );
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E39 as recorded for SubscribeToShard.
pub(crate) fn subscriber_not_active(consumer: &ConsumerArn) -> ApiError {
    let ConsumerArn { stream, name, created_s } = consumer;
    let text = format!(
        "Consumer {name} with creation timestamp {created_s} under stream: {} , account {} is not in ACTIVE status.",
        stream.name, stream.account
    );
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E40, recorded: the consumer is subscribed to the shard, or was a moment ago.
pub(crate) fn subscribed_elsewhere(consumer: &ConsumerArn, shard: ShardId) -> ApiError {
    let ConsumerArn { stream, name, .. } = consumer;
    let text = format!(
        "Another active subscription exists for this consumer: {}:{}:{shard}:{name}",
        stream.account, stream.name
    );
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E41, inferred: the consumer is unknown, by the name or the ARN that it was asked for by.
pub(crate) fn no_consumer(consumer: impl Display, account: AccountId) -> ApiError {
    let text = format!("Consumer {consumer}, account {account} not found.");
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E42, inferred: the consumer's name is taken.
pub(crate) fn consumer_exists(consumer: impl Display, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text =
        format!("Consumer {consumer} under stream {name} already exists for account {}.", scope.account);
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E43, inferred: the service itself shards the stream.
pub(crate) fn stream_on_demand(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text =
        format!("Request is invalid. Stream {name} under account {} is in On-Demand mode.", scope.account);
    ApiError::new(ErrorKind::Validation, text)
}

/// E44, its text recorded and its code inferred: more than twice as many shards.
pub(crate) fn above_double(open: usize, target: usize) -> ApiError {
    let text = format!(
        "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: {open} \
         Target shard count: {target}"
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E45, inferred from E44: less than half as many shards.
pub(crate) fn below_half(open: usize, target: usize) -> ApiError {
    let text = format!(
        "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: {open} \
         Target shard count: {target}"
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred from the model: more shards than UpdateShardCount makes.
pub(crate) fn above_max_shard_count(max: usize, target: usize) -> ApiError {
    let text = format!("UpdateShardCount cannot scale up over {max} shards. Target shard count: {target}");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred: shards of so few keys that they cannot be split as the new count would need.
pub(crate) fn shards_too_narrow(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "The shards of stream {name} under account {} have too few hash keys to be split any further.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E46, inferred: something was done to the stream as often as it may be within a day.
pub(crate) fn daily_limit(operation: &str, max: usize, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "{operation} was called {max} times on stream {name} under account {} within the last 24 hours, which is its \
         limit.",
        scope.account
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E49, inferred; its beginning is KMS's own: the key id is of no form that KMS knows.
pub(crate) fn bad_key_id(key_id: &str) -> ApiError {
    ApiError::new(ErrorKind::KmsNotFound, format!("Invalid keyId {key_id}"))
}

/// E49, inferred, KMS's own words: the key is in another region than the stream.
pub(crate) fn key_of_other_region(region: &str) -> ApiError {
    ApiError::new(ErrorKind::KmsNotFound, format!("Invalid arn {region}"))
}

/// Inferred: Start- and StopStreamEncryption take KMS only, though the member's shape has NONE as well.
pub(crate) fn encryption_type_not_kms() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "EncryptionType must be KMS.")
}

/// E50, inferred: there is no policy to delete.
pub(crate) fn no_policy(arn: &str) -> ApiError {
    ApiError::new(ErrorKind::ResourceNotFound, format!("No resource policy found for resource ARN {arn}."))
}

/// Inferred: the ARN is well formed, and of no kind of resource that is served.
pub(crate) fn no_resource(arn: &str) -> ApiError {
    ApiError::new(ErrorKind::ResourceNotFound, format!("Resource {arn} not found."))
}

/// E52, inferred: the stream has as many consumers as it may have.
pub(crate) fn consumer_limit(stream: &StreamRef, max: usize) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "This request would exceed the limit of {max} registered consumers for stream {name} under account {}.",
        scope.account
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E52, inferred: too many of a stream's consumers are CREATING.
pub(crate) fn creating_consumer_limit(stream: &StreamRef, max: usize) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "This request would exceed the limit of {max} consumers in CREATING status for stream {name} under account {}.",
        scope.account
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred from E43, its counterpart: the call is for on-demand streams.
pub(crate) fn stream_is_provisioned(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text =
        format!("Request is invalid. Stream {name} under account {} is in Provisioned mode.", scope.account);
    ApiError::new(ErrorKind::Validation, text)
}

/// Inferred from the model: warm throughput needs the account's commitment.
pub(crate) fn no_commitment(stream: &StreamRef) -> ApiError {
    let text = format!(
        "Warm throughput can only be set while MinimumThroughputBillingCommitment is enabled for account {}.",
        stream.scope.account
    );
    ApiError::new(ErrorKind::Validation, text)
}

/// Inferred from the model: more warm throughput than a stream takes.
pub(crate) fn warm_throughput_too_large(mibps: u32) -> ApiError {
    let text = format!(
        "Requested warm throughput ({mibps} MiBps) exceeds the maximum of {WARM_THROUGHPUT_MIBPS_MAX} MiBps for an \
         on-demand stream."
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// From the model's wording: only on-demand streams choose shards by themselves.
pub(crate) fn auto_on_provisioned(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "RecordDistributionStrategy AUTO is not supported on stream {name} under account {}, which is in Provisioned \
         mode.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E51, inferred: the pagination token is too old.
pub(crate) fn expired_next_token() -> ApiError {
    ApiError::new(ErrorKind::ExpiredNextToken, "The pagination token passed to the operation is expired.")
}

/// Inferred: the pagination token was not made here, was damaged, or is another operation's.
pub(crate) fn bad_next_token() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Invalid NextToken.")
}

/// From the model's wording: every check passed, and DryRun was set.
pub(crate) fn dry_run() -> ApiError {
    let text = "The request was rejected because the DryRun parameter was specified.";
    ApiError::new(ErrorKind::DryRunOperation, text)
}

/// Inferred: the class by which a type error names a byte string, which only CBOR has. V3's recorded texts print a blob
/// with this name.
pub(crate) const BLOB_CLASS: &str = "java.nio.HeapByteBuffer";

/// Inferred: the same for a time, which only CBOR has.
pub(crate) const TIME_CLASS: &str = "java.util.Date";

/// E53, recorded: HTTP 500 without a message.
pub(crate) const fn internal_failure() -> ApiError {
    ApiError::bare(ErrorKind::InternalFailure)
}
