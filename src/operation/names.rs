//! The operations of the service model, by name, which of them are built, and what the README says of those.
//!
//! The target header names an operation; everything after dispatch speaks of [`Operation`] instead of text.
//! All 57 are known, because an operation that exists but is not built gets another answer than a name that
//! Kinesis never had.

macro_rules! operations {
    ($($name:ident $(: $about:literal)?),+ $(,)?) => {
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

            /// What is to be said of the operation, if it is built.
            const fn about(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => about!($($about)?),)+
                }
            }
        }
    };
}

macro_rules! about {
    () => {
        None
    };
    ($about:literal) => {
        Some($about)
    };
}

operations! {
    AcknowledgeDeadLetterQueueRecords,
    AcknowledgeQueueRecords,
    AddTagsToStream: "adds tags to a stream",
    CreateChannel,
    CreateQueue,
    CreateStream: "CREATING for the time of `--latency-ms`, then ACTIVE",
    DecreaseStreamRetentionPeriod: "down to 24 hours; what has expired then is gone at once",
    DeleteChannel,
    DeleteQueue,
    DeleteResourcePolicy: "forgets the policy of a stream or consumer",
    DeleteStream: "with its consumers, if asked to",
    DeregisterStreamConsumer: "ends its subscriptions",
    DescribeAccountSettings: "what UpdateAccountSettings has set",
    DescribeChannel,
    DescribeLimits: "shards and on-demand streams of the account",
    DescribeQueue,
    DescribeStream: "with its shards, in pages",
    DescribeStreamConsumer: "by ARN, or by stream and name",
    DescribeStreamSummary: "all but the shards",
    DisableEnhancedMonitoring: "told; no metrics are published",
    EnableEnhancedMonitoring: "told; no metrics are published",
    GetRecords: "up to 10,000 records or 10 MiB; at the end of a closed shard its children",
    GetResourcePolicy: "as it was put",
    GetShardIterator: "all five types",
    IncreaseStreamRetentionPeriod: "up to 8,760 hours",
    ListChannels,
    ListQueues,
    ListShards: "all filters, in pages",
    ListStreamConsumers: "in pages",
    ListStreams: "in pages",
    ListTagsForResource: "of a stream or consumer",
    ListTagsForStream: "in pages",
    MergeShards: "under load; nothing is lost, repeated or reordered",
    PutRecord: "records of up to 10 MiB, as the stream allows",
    PutRecords: "up to 500 records and 10 MiB",
    PutResourcePolicy: "in force where signatures are required, kept elsewhere",
    ReceiveDeadLetterQueueRecords,
    ReceiveQueueRecords,
    RegisterStreamConsumer: "up to 20 to a stream, or 50",
    RemoveTagsFromStream: "removes tags from a stream",
    RestoreDeadLetterQueueRecords,
    SplitShard: "under load; nothing is lost, repeated or reordered",
    StartStreamEncryption: "told, not done: no KMS is asked and nothing is encrypted",
    StopStreamEncryption: "told, as it was started",
    SubscribeToShard: "pushed as records come, over HTTP/1.1 and HTTP/2",
    TagResource: "adds tags to a stream or consumer",
    UntagResource: "removes them",
    UpdateAccountSettings: "the billing commitment",
    UpdateChannel,
    UpdateDeadLetterQueueRecordsVisibility,
    UpdateMaxRecordSize: "1 to 10 MiB",
    UpdateQueue,
    UpdateQueueRecordsVisibility,
    UpdateShardCount: "in the steps that AWS takes, under load",
    UpdateStreamMode: "on demand or provisioned",
    UpdateStreamRecordDistributionStrategy: "by partition key, or as the service likes",
    UpdateStreamWarmThroughput: "told; there is nothing to warm up",
}

impl Operation {
    /// Whether a call is served; the others are answered `NotImplementedException`.
    #[must_use]
    pub const fn is_built(self) -> bool {
        self.about().is_some()
    }
}

/// The table of operations for the README.
#[must_use]
pub fn operations_table_markdown() -> String {
    use std::fmt::Write as _;

    let mut table = "| operation | |\n|---|---|\n".to_owned();
    for (operation, about) in Operation::ALL.iter().filter_map(|of| Some((of, of.about()?))) {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} | {about} |", operation.name());
    }
    let others: Vec<_> = Operation::ALL.iter().filter(|of| !of.is_built()).map(|of| of.name()).collect();
    let _ =
        writeln!(table, "| {} | not built: `NotImplementedException`, which says so |", others.join(", "));
    table
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
