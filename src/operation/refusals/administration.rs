//! Settings, tags, policies, consumers and modes that cannot be.

use std::fmt::Display;

use super::Source::{Inferred, Recorded};
use crate::limits::{RESOURCE_TAGS_MAX, RETENTION_HOURS_MAX, RETENTION_HOURS_MIN, WARM_THROUGHPUT_MIBPS_MAX};
use crate::names::{AccountId, ConsumerArn, ShardId};
use crate::operation::stream_ref::StreamRef;

refusals! {
    const ADMINISTRATION;

    /// A retention below a day.
    retention_too_short(hours: i64) -> InvalidArgument, Recorded("E27")
        => "Minimum allowed retention period is {min} hours. Requested retention period ({hours} hours) is too short.",
        min = RETENTION_HOURS_MIN;

    /// A retention above a year.
    retention_too_long(hours: i64) -> InvalidArgument, Inferred("E28")
        => "Maximum allowed retention period is {max} hours. Requested retention period ({hours} hours) is too long.",
        max = RETENTION_HOURS_MAX;

    /// A decrease that would increase.
    retention_not_shorter(stream: &StreamRef, hours: i64, existing_hours: u64) -> InvalidArgument, Recorded("E29")
        => "Requested retention period ({hours} hours) for stream {S} can not be longer than existing retention period \
            ({existing_hours} hours). Use IncreaseRetentionPeriod API.",
        S = stream.name;

    /// An increase that would decrease.
    retention_not_longer(stream: &StreamRef, hours: i64, existing_hours: u64) -> InvalidArgument, Recorded("E30")
        => "Requested retention period ({hours} hours) for stream {S} can not be shorter than existing retention \
            period ({existing_hours} hours). Use DecreaseRetentionPeriod API.",
        S = stream.name;

    /// A tag with a character that tags cannot have.
    bad_tag_characters() -> InvalidArgument, Recorded("E31")
        => "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, \
            _ . / = + - % @.";

    /// A `%`, which E31 lets pass and this does not.
    illegal_added_tag(stream: &StreamRef) -> InvalidArgument, Recorded("E32")
        => "Failed to add tags to stream {S} under account {A} because some tags contained illegal characters. The \
            allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
        S = stream.name, A = stream.scope.account;

    /// The same of a tag that is to be removed.
    illegal_removed_tag(stream: &StreamRef) -> InvalidArgument, Recorded("E33")
        => "Failed to remove tags from stream {S} under account {A} because some tags contained illegal characters. \
            The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
        S = stream.name, A = stream.scope.account;

    /// More tags than a stream takes. AWS's text says 10 where the limit is 50.
    too_many_tags(stream: &StreamRef) -> InvalidArgument, Recorded("E34")
        => "Failed to add tags to stream {S} under account {A} because a given stream cannot have more than 10 tags \
            associated with it.",
        S = stream.name, A = stream.scope.account;

    /// More tags than a consumer takes.
    too_many_consumer_tags(consumer: &ConsumerArn) -> InvalidArgument, Inferred("E34")
        => "Failed to add tags to consumer {C} under account {A} because a given consumer cannot have more than {max} \
            tags associated with it.",
        C = consumer.name, A = consumer.stream.account, max = RESOURCE_TAGS_MAX;

    /// The consumer is in another state than ACTIVE. Recorded for PutResourcePolicy.
    consumer_not_active(consumer: &ConsumerArn) -> ResourceInUse, Recorded("E39")
        => "Consumer {C} with creation timestamp {T} under stream {S} and account {A} is not in ACTIVE status.",
        C = consumer.name, T = consumer.created_s, S = consumer.stream.name, A = consumer.stream.account;

    /// The same, as it was recorded for SubscribeToShard.
    subscriber_not_active(consumer: &ConsumerArn) -> ResourceInUse, Recorded("E39")
        => "Consumer {C} with creation timestamp {T} under stream: {S} , account {A} is not in ACTIVE status.",
        C = consumer.name, T = consumer.created_s, S = consumer.stream.name, A = consumer.stream.account;

    /// The consumer is subscribed to the shard, or was a moment ago.
    subscribed_elsewhere(consumer: &ConsumerArn, shard: ShardId) -> ResourceInUse, Recorded("E40")
        => "Another active subscription exists for this consumer: {A}:{S}:{shard}:{C}",
        A = consumer.stream.account, S = consumer.stream.name, C = consumer.name;

    /// The consumer is unknown, by the name or the ARN that it was asked for by.
    no_consumer(consumer: impl Display, account: AccountId) -> ResourceNotFound, Inferred("E41")
        => "Consumer {consumer}, account {account} not found.";

    /// The consumer's name is taken.
    consumer_exists(consumer: impl Display, stream: &StreamRef) -> ResourceInUse, Inferred("E42")
        => "Consumer {consumer} under stream {S} already exists for account {A}.",
        S = stream.name, A = stream.scope.account;

    /// The request names no consumer.
    consumer_not_named() -> InvalidArgument, Inferred("E35")
        => "Either ConsumerARN or both StreamARN and ConsumerName should be provided.";

    /// It names two.
    consumers_differ() -> InvalidArgument, Inferred("reference 13")
        => "ConsumerARN, StreamARN and ConsumerName do not name the same consumer.";

    /// The ARN matches the model's pattern, and is no consumer's.
    not_a_consumer_arn() -> InvalidArgument, Inferred("nothing") => "ConsumerARN is not the ARN of a consumer.";

    /// The stream has as many consumers as it may have.
    consumer_limit(stream: &StreamRef, max: usize) -> LimitExceeded, Inferred("E52")
        => "This request would exceed the limit of {max} registered consumers for stream {S} under account {A}.",
        S = stream.name, A = stream.scope.account;

    /// Too many of a stream's consumers are CREATING.
    creating_consumer_limit(stream: &StreamRef, max: usize) -> LimitExceeded, Inferred("E52")
        => "This request would exceed the limit of {max} consumers in CREATING status for stream {S} under account \
            {A}.",
        S = stream.name, A = stream.scope.account;

    /// The key id is of no form that KMS knows.
    bad_key_id(key_id: &str) -> KmsNotFound, Inferred("E49, in KMS's own words") => "Invalid keyId {key_id}";

    /// The key is in another region than the stream.
    key_of_other_region(region: &str) -> KmsNotFound, Inferred("E49, in KMS's own words") => "Invalid arn {region}";

    /// Start- and StopStreamEncryption take KMS only, though the member's shape has NONE as well.
    encryption_type_not_kms() -> InvalidArgument, Inferred("reference 12") => "EncryptionType must be KMS.";

    /// There is no policy to delete.
    no_policy(arn: &str) -> ResourceNotFound, Inferred("E50")
        => "No resource policy found for resource ARN {arn}.";

    /// The ARN is well formed, and of no kind of resource that is served.
    no_resource(arn: &str) -> ResourceNotFound, Inferred("E1") => "Resource {arn} not found.";

    /// The call is for on-demand streams.
    stream_is_provisioned(stream: &StreamRef) -> Validation, Inferred("E43, its counterpart")
        => "Request is invalid. Stream {S} under account {A} is in Provisioned mode.",
        S = stream.name, A = stream.scope.account;

    /// Warm throughput needs the account's commitment.
    no_commitment(stream: &StreamRef) -> Validation, Inferred("the model")
        => "Warm throughput can only be set while MinimumThroughputBillingCommitment is enabled for account {A}.",
        A = stream.scope.account;

    /// More warm throughput than a stream takes.
    warm_throughput_too_large(mibps: u32) -> LimitExceeded, Inferred("the model")
        => "Requested warm throughput ({mibps} MiBps) exceeds the maximum of {max} MiBps for an on-demand stream.",
        max = WARM_THROUGHPUT_MIBPS_MAX;

    /// Only on-demand streams choose shards by themselves.
    auto_on_provisioned(stream: &StreamRef) -> InvalidArgument, Inferred("the model's wording")
        => "RecordDistributionStrategy AUTO is not supported on stream {S} under account {A}, which is in Provisioned \
            mode.",
        S = stream.name, A = stream.scope.account;
}
