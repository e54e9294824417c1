//! The operations of the service model, by name, and which of them are built.
//!
//! The target header names an operation; everything after dispatch speaks of [`Operation`] instead of text.
//! All 57 are known, because an operation that exists but is not built gets another answer than a name that
//! Kinesis never had.

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// One operation of `Kinesis_20131202`, as the model names it (reference 18.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)+
        }

        impl Operation {
            /// Every operation, in the order of the model.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The operation of exactly this name; names are case-sensitive.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The name in the model and in the target header.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

operations! {
    AcknowledgeDeadLetterQueueRecords,
    AcknowledgeQueueRecords,
    AddTagsToStream,
    CreateChannel,
    CreateQueue,
    CreateStream,
    DecreaseStreamRetentionPeriod,
    DeleteChannel,
    DeleteQueue,
    DeleteResourcePolicy,
    DeleteStream,
    DeregisterStreamConsumer,
    DescribeAccountSettings,
    DescribeChannel,
    DescribeLimits,
    DescribeQueue,
    DescribeStream,
    DescribeStreamConsumer,
    DescribeStreamSummary,
    DisableEnhancedMonitoring,
    EnableEnhancedMonitoring,
    GetRecords,
    GetResourcePolicy,
    GetShardIterator,
    IncreaseStreamRetentionPeriod,
    ListChannels,
    ListQueues,
    ListShards,
    ListStreamConsumers,
    ListStreams,
    ListTagsForResource,
    ListTagsForStream,
    MergeShards,
    PutRecord,
    PutRecords,
    PutResourcePolicy,
    ReceiveDeadLetterQueueRecords,
    ReceiveQueueRecords,
    RegisterStreamConsumer,
    RemoveTagsFromStream,
    RestoreDeadLetterQueueRecords,
    SplitShard,
    StartStreamEncryption,
    StopStreamEncryption,
    SubscribeToShard,
    TagResource,
    UntagResource,
    UpdateAccountSettings,
    UpdateChannel,
    UpdateDeadLetterQueueRecordsVisibility,
    UpdateMaxRecordSize,
    UpdateQueue,
    UpdateQueueRecordsVisibility,
    UpdateShardCount,
    UpdateStreamMode,
    UpdateStreamRecordDistributionStrategy,
    UpdateStreamWarmThroughput,
}

impl Operation {
    /// Whether a call is served; the others are answered `NotImplementedException`.
    #[must_use]
    pub const fn is_built(self) -> bool {
        matches!(
            self,
            Self::AddTagsToStream
                | Self::CreateStream
                | Self::DecreaseStreamRetentionPeriod
                | Self::DeleteResourcePolicy
                | Self::DeleteStream
                | Self::DeregisterStreamConsumer
                | Self::DescribeAccountSettings
                | Self::DescribeLimits
                | Self::DescribeStream
                | Self::DescribeStreamConsumer
                | Self::DescribeStreamSummary
                | Self::DisableEnhancedMonitoring
                | Self::EnableEnhancedMonitoring
                | Self::GetRecords
                | Self::GetResourcePolicy
                | Self::GetShardIterator
                | Self::IncreaseStreamRetentionPeriod
                | Self::ListShards
                | Self::ListStreamConsumers
                | Self::ListStreams
                | Self::ListTagsForResource
                | Self::ListTagsForStream
                | Self::PutRecord
                | Self::PutRecords
                | Self::PutResourcePolicy
                | Self::RegisterStreamConsumer
                | Self::RemoveTagsFromStream
                | Self::StartStreamEncryption
                | Self::StopStreamEncryption
                | Self::SubscribeToShard
                | Self::TagResource
                | Self::UntagResource
                | Self::UpdateAccountSettings
                | Self::UpdateMaxRecordSize
                | Self::UpdateStreamMode
                | Self::UpdateStreamRecordDistributionStrategy
                | Self::UpdateStreamWarmThroughput
                | Self::SplitShard
                | Self::MergeShards
                | Self::UpdateShardCount
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is as long as the model, and each name leads back to its operation.
    #[test]
    fn every_name_round_trips() {
        assert_eq!(Operation::ALL.len(), 57);
        for &operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.name()), Some(operation));
        }
    }

    /// Near misses are unknown operations, not guesses.
    #[test]
    fn names_are_exact() {
        for name in ["", "putRecords", "PutRecords ", "PutRecordz", "Kinesis_20131202.PutRecords"] {
            assert_eq!(Operation::parse(name), None, "{name}");
        }
    }

    /// What is built is said once, here, in words a reader can check.
    #[test]
    fn built_operations_are_these() {
        let built: Vec<&str> = Operation::ALL
            .iter()
            .filter(|operation| operation.is_built())
            .map(|operation| operation.name())
            .collect();
        assert_eq!(
            built,
            [
                "AddTagsToStream",
                "CreateStream",
                "DecreaseStreamRetentionPeriod",
                "DeleteResourcePolicy",
                "DeleteStream",
                "DeregisterStreamConsumer",
                "DescribeAccountSettings",
                "DescribeLimits",
                "DescribeStream",
                "DescribeStreamConsumer",
                "DescribeStreamSummary",
                "DisableEnhancedMonitoring",
                "EnableEnhancedMonitoring",
                "GetRecords",
                "GetResourcePolicy",
                "GetShardIterator",
                "IncreaseStreamRetentionPeriod",
                "ListShards",
                "ListStreamConsumers",
                "ListStreams",
                "ListTagsForResource",
                "ListTagsForStream",
                "MergeShards",
                "PutRecord",
                "PutRecords",
                "PutResourcePolicy",
                "RegisterStreamConsumer",
                "RemoveTagsFromStream",
                "SplitShard",
                "StartStreamEncryption",
                "StopStreamEncryption",
                "SubscribeToShard",
                "TagResource",
                "UntagResource",
                "UpdateAccountSettings",
                "UpdateMaxRecordSize",
                "UpdateShardCount",
                "UpdateStreamMode",
                "UpdateStreamRecordDistributionStrategy",
                "UpdateStreamWarmThroughput",
            ]
        );
    }
}
