//! The inputs of the operations that set, tag and describe streams, consumers and accounts.

use super::patterns;
use super::shapes::{
    MAX_RECORD_SIZE_IN_KIB, NATURAL_INTEGER, NEXT_TOKEN, PAGE_LIMIT, RECORD_DISTRIBUTION_STRATEGY,
    STREAM_ARN, STREAM_ID, STREAM_MODE_DETAILS, STREAM_NAME, Shape, Structure, TAG_MAP, TIMESTAMP, Text,
    enumeration, name_like, optional, required, text,
};
use crate::limits;
use crate::operation::names::Operation;

static RESOURCE_ARN: Shape = name_like(2048, &patterns::RESOURCE_ARN);
pub(super) static CONSUMER_ARN: Shape = name_like(2048, &patterns::CONSUMER_ARN);
static CONSUMER_NAME: Shape = name_like(limits::STREAM_NAME_CHARS_MAX, &patterns::NAME);
static KEY_ID: Shape = Shape::String(text(1, 2048));
static ENCRYPTION_TYPE: Shape = enumeration(&["NONE", "KMS"]);
static POLICY: Shape = Shape::String(Text { len: None, pattern: None, values: &[] });
/// The service has the range (E27, E28), not the model.
static RETENTION_PERIOD_HOURS: Shape = Shape::Integer { min: None, max: None };
static TAGS_LIMIT: Shape = Shape::Integer { min: Some(1), max: Some(limits::LIST_TAGS_PAGE_MAX as i64) };
static TAG_KEY: Shape = Shape::String(text(1, limits::TAG_KEY_CHARS_MAX));
static TAG_KEY_LIST: Shape = Shape::List { element: &TAG_KEY, len: (1, limits::RESOURCE_TAGS_MAX) };
static METRICS_NAME: Shape = enumeration(&[
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
    "ALL",
]);
static METRICS_NAME_LIST: Shape = Shape::List { element: &METRICS_NAME, len: (1, 7) };
static COMMITMENT_STATUS: Shape = enumeration(&["ENABLED", "DISABLED"]);
static MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT: Shape = Shape::Structure(&Structure {
    name: "MinimumThroughputBillingCommitmentInput",
    members: &[required("Status", &COMMITMENT_STATUS)],
});

/// The input of AddTagsToStream.
pub static ADD_TAGS_TO_STREAM: Structure = Structure {
    name: "AddTagsToStreamInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("Tags", &TAG_MAP),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of RemoveTagsFromStream.
pub static REMOVE_TAGS_FROM_STREAM: Structure = Structure {
    name: "RemoveTagsFromStreamInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("TagKeys", &TAG_KEY_LIST),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of ListTagsForStream.
pub static LIST_TAGS_FOR_STREAM: Structure = Structure {
    name: "ListTagsForStreamInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        optional("ExclusiveStartTagKey", &TAG_KEY),
        optional("Limit", &TAGS_LIMIT),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of TagResource.
pub static TAG_RESOURCE: Structure = Structure {
    name: "TagResourceInput",
    members: &[
        required("Tags", &TAG_MAP),
        required("ResourceARN", &RESOURCE_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of UntagResource.
pub static UNTAG_RESOURCE: Structure = Structure {
    name: "UntagResourceInput",
    members: &[
        required("TagKeys", &TAG_KEY_LIST),
        required("ResourceARN", &RESOURCE_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of ListTagsForResource.
pub static LIST_TAGS_FOR_RESOURCE: Structure = Structure {
    name: "ListTagsForResourceInput",
    members: &[required("ResourceARN", &RESOURCE_ARN), optional("StreamId", &STREAM_ID)],
};

/// The input of PutResourcePolicy.
pub static PUT_RESOURCE_POLICY: Structure = Structure {
    name: "PutResourcePolicyInput",
    members: &[
        required("ResourceARN", &RESOURCE_ARN),
        optional("StreamId", &STREAM_ID),
        required("Policy", &POLICY),
    ],
};

/// The input of GetResourcePolicy.
pub static GET_RESOURCE_POLICY: Structure = Structure {
    name: "GetResourcePolicyInput",
    members: &[required("ResourceARN", &RESOURCE_ARN), optional("StreamId", &STREAM_ID)],
};

/// The input of DeleteResourcePolicy.
pub static DELETE_RESOURCE_POLICY: Structure = Structure {
    name: "DeleteResourcePolicyInput",
    members: &[required("ResourceARN", &RESOURCE_ARN), optional("StreamId", &STREAM_ID)],
};

/// The input of IncreaseStreamRetentionPeriod.
pub static INCREASE_STREAM_RETENTION_PERIOD: Structure = Structure {
    name: "IncreaseStreamRetentionPeriodInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DecreaseStreamRetentionPeriod.
pub static DECREASE_STREAM_RETENTION_PERIOD: Structure = Structure {
    name: "DecreaseStreamRetentionPeriodInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of EnableEnhancedMonitoring.
pub static ENABLE_ENHANCED_MONITORING: Structure = Structure {
    name: "EnableEnhancedMonitoringInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("ShardLevelMetrics", &METRICS_NAME_LIST),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DisableEnhancedMonitoring.
pub static DISABLE_ENHANCED_MONITORING: Structure = Structure {
    name: "DisableEnhancedMonitoringInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("ShardLevelMetrics", &METRICS_NAME_LIST),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of StartStreamEncryption.
pub static START_STREAM_ENCRYPTION: Structure = Structure {
    name: "StartStreamEncryptionInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("EncryptionType", &ENCRYPTION_TYPE),
        required("KeyId", &KEY_ID),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of StopStreamEncryption.
pub static STOP_STREAM_ENCRYPTION: Structure = Structure {
    name: "StopStreamEncryptionInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("EncryptionType", &ENCRYPTION_TYPE),
        required("KeyId", &KEY_ID),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of UpdateMaxRecordSize.
pub static UPDATE_MAX_RECORD_SIZE: Structure = Structure {
    name: "UpdateMaxRecordSizeInput",
    members: &[
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        required("MaxRecordSizeInKiB", &MAX_RECORD_SIZE_IN_KIB),
    ],
};

/// The input of UpdateStreamMode.
pub static UPDATE_STREAM_MODE: Structure = Structure {
    name: "UpdateStreamModeInput",
    members: &[
        required("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        required("StreamModeDetails", &STREAM_MODE_DETAILS),
        optional("WarmThroughputMiBps", &NATURAL_INTEGER),
    ],
};

/// The input of UpdateStreamRecordDistributionStrategy.
pub static UPDATE_STREAM_RECORD_DISTRIBUTION_STRATEGY: Structure = Structure {
    name: "UpdateStreamRecordDistributionStrategyInput",
    members: &[
        required("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        required("RecordDistributionStrategy", &RECORD_DISTRIBUTION_STRATEGY),
    ],
};

/// The input of UpdateStreamWarmThroughput.
pub static UPDATE_STREAM_WARM_THROUGHPUT: Structure = Structure {
    name: "UpdateStreamWarmThroughputInput",
    members: &[
        optional("StreamARN", &STREAM_ARN),
        optional("StreamName", &STREAM_NAME),
        optional("StreamId", &STREAM_ID),
        required("WarmThroughputMiBps", &NATURAL_INTEGER),
    ],
};

/// The input of DescribeAccountSettings, which has no members.
pub static DESCRIBE_ACCOUNT_SETTINGS: Structure =
    Structure { name: "DescribeAccountSettingsInput", members: &[] };

/// The input of UpdateAccountSettings.
pub static UPDATE_ACCOUNT_SETTINGS: Structure = Structure {
    name: "UpdateAccountSettingsInput",
    members: &[required("MinimumThroughputBillingCommitment", &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT)],
};

/// The input of RegisterStreamConsumer.
pub static REGISTER_STREAM_CONSUMER: Structure = Structure {
    name: "RegisterStreamConsumerInput",
    members: &[
        required("StreamARN", &STREAM_ARN),
        required("ConsumerName", &CONSUMER_NAME),
        optional("StreamId", &STREAM_ID),
        optional("Tags", &TAG_MAP),
    ],
};

/// The input of DeregisterStreamConsumer.
pub static DEREGISTER_STREAM_CONSUMER: Structure = Structure {
    name: "DeregisterStreamConsumerInput",
    members: &[
        optional("StreamARN", &STREAM_ARN),
        optional("ConsumerName", &CONSUMER_NAME),
        optional("ConsumerARN", &CONSUMER_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DescribeStreamConsumer.
pub static DESCRIBE_STREAM_CONSUMER: Structure = Structure {
    name: "DescribeStreamConsumerInput",
    members: &[
        optional("StreamARN", &STREAM_ARN),
        optional("ConsumerName", &CONSUMER_NAME),
        optional("ConsumerARN", &CONSUMER_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of ListStreamConsumers.
pub static LIST_STREAM_CONSUMERS: Structure = Structure {
    name: "ListStreamConsumersInput",
    members: &[
        required("StreamARN", &STREAM_ARN),
        optional("NextToken", &NEXT_TOKEN),
        optional("MaxResults", &PAGE_LIMIT),
        optional("StreamCreationTimestamp", &TIMESTAMP),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of an operation, if it is one of these.
pub(super) const fn input_of(operation: Operation) -> Option<&'static Structure> {
    match operation {
        Operation::AddTagsToStream => Some(&ADD_TAGS_TO_STREAM),
        Operation::RemoveTagsFromStream => Some(&REMOVE_TAGS_FROM_STREAM),
        Operation::ListTagsForStream => Some(&LIST_TAGS_FOR_STREAM),
        Operation::TagResource => Some(&TAG_RESOURCE),
        Operation::UntagResource => Some(&UNTAG_RESOURCE),
        Operation::ListTagsForResource => Some(&LIST_TAGS_FOR_RESOURCE),
        Operation::PutResourcePolicy => Some(&PUT_RESOURCE_POLICY),
        Operation::GetResourcePolicy => Some(&GET_RESOURCE_POLICY),
        Operation::DeleteResourcePolicy => Some(&DELETE_RESOURCE_POLICY),
        Operation::IncreaseStreamRetentionPeriod => Some(&INCREASE_STREAM_RETENTION_PERIOD),
        Operation::DecreaseStreamRetentionPeriod => Some(&DECREASE_STREAM_RETENTION_PERIOD),
        Operation::EnableEnhancedMonitoring => Some(&ENABLE_ENHANCED_MONITORING),
        Operation::DisableEnhancedMonitoring => Some(&DISABLE_ENHANCED_MONITORING),
        Operation::StartStreamEncryption => Some(&START_STREAM_ENCRYPTION),
        Operation::StopStreamEncryption => Some(&STOP_STREAM_ENCRYPTION),
        Operation::UpdateMaxRecordSize => Some(&UPDATE_MAX_RECORD_SIZE),
        Operation::UpdateStreamMode => Some(&UPDATE_STREAM_MODE),
        Operation::UpdateStreamRecordDistributionStrategy => {
            Some(&UPDATE_STREAM_RECORD_DISTRIBUTION_STRATEGY)
        }
        Operation::UpdateStreamWarmThroughput => Some(&UPDATE_STREAM_WARM_THROUGHPUT),
        Operation::DescribeAccountSettings => Some(&DESCRIBE_ACCOUNT_SETTINGS),
        Operation::UpdateAccountSettings => Some(&UPDATE_ACCOUNT_SETTINGS),
        Operation::RegisterStreamConsumer => Some(&REGISTER_STREAM_CONSUMER),
        Operation::DeregisterStreamConsumer => Some(&DEREGISTER_STREAM_CONSUMER),
        Operation::DescribeStreamConsumer => Some(&DESCRIBE_STREAM_CONSUMER),
        Operation::ListStreamConsumers => Some(&LIST_STREAM_CONSUMERS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members and required members, against the operation list of reference 18.3.
    #[test]
    fn members_follow_the_model() {
        for (structure, members) in [
            (&ADD_TAGS_TO_STREAM, "StreamName Tags* StreamARN StreamId"),
            (&REMOVE_TAGS_FROM_STREAM, "StreamName TagKeys* StreamARN StreamId"),
            (&LIST_TAGS_FOR_STREAM, "StreamName ExclusiveStartTagKey Limit StreamARN StreamId"),
            (&TAG_RESOURCE, "Tags* ResourceARN* StreamId"),
            (&UNTAG_RESOURCE, "TagKeys* ResourceARN* StreamId"),
            (&LIST_TAGS_FOR_RESOURCE, "ResourceARN* StreamId"),
            (&PUT_RESOURCE_POLICY, "ResourceARN* StreamId Policy*"),
            (&GET_RESOURCE_POLICY, "ResourceARN* StreamId"),
            (&DELETE_RESOURCE_POLICY, "ResourceARN* StreamId"),
            (&INCREASE_STREAM_RETENTION_PERIOD, "StreamName RetentionPeriodHours* StreamARN StreamId"),
            (&DECREASE_STREAM_RETENTION_PERIOD, "StreamName RetentionPeriodHours* StreamARN StreamId"),
            (&ENABLE_ENHANCED_MONITORING, "StreamName ShardLevelMetrics* StreamARN StreamId"),
            (&DISABLE_ENHANCED_MONITORING, "StreamName ShardLevelMetrics* StreamARN StreamId"),
            (&START_STREAM_ENCRYPTION, "StreamName EncryptionType* KeyId* StreamARN StreamId"),
            (&STOP_STREAM_ENCRYPTION, "StreamName EncryptionType* KeyId* StreamARN StreamId"),
            (&UPDATE_MAX_RECORD_SIZE, "StreamARN StreamId MaxRecordSizeInKiB*"),
            (&UPDATE_STREAM_MODE, "StreamARN* StreamId StreamModeDetails* WarmThroughputMiBps"),
            (&UPDATE_STREAM_RECORD_DISTRIBUTION_STRATEGY, "StreamARN* StreamId RecordDistributionStrategy*"),
            (&UPDATE_STREAM_WARM_THROUGHPUT, "StreamARN StreamName StreamId WarmThroughputMiBps*"),
            (&DESCRIBE_ACCOUNT_SETTINGS, ""),
            (&UPDATE_ACCOUNT_SETTINGS, "MinimumThroughputBillingCommitment*"),
            (&REGISTER_STREAM_CONSUMER, "StreamARN* ConsumerName* StreamId Tags"),
            (&DEREGISTER_STREAM_CONSUMER, "StreamARN ConsumerName ConsumerARN StreamId"),
            (&DESCRIBE_STREAM_CONSUMER, "StreamARN ConsumerName ConsumerARN StreamId"),
            (&LIST_STREAM_CONSUMERS, "StreamARN* NextToken MaxResults StreamCreationTimestamp StreamId"),
        ] {
            let found: Vec<_> = structure
                .members
                .iter()
                .map(|member| format!("{}{}", member.name, if member.required { "*" } else { "" }))
                .collect();
            assert_eq!(found.join(" "), members, "{}", structure.name);
        }
    }
}
