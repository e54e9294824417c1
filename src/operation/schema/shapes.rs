//! The shapes of the service model as constants: scalars with their limits, and the input of each built
//! operation.
//!
//! Members stand in the model's order (reference 18). Enumerations stand in the order that error messages
//! print them in where that was recorded (V5), and in the model's order elsewhere.

use super::administration::{self, CONSUMER_ARN};
use super::patterns::{self, Pattern};
use crate::limits;
use crate::operation::names::Operation;

/// What a member may hold.
#[derive(Debug)]
pub enum Shape {
    /// Text.
    String(Text),
    /// A whole number of 32 bits; larger ones are clamped before the range is looked at.
    Integer {
        /// The least value, if there is one.
        min: Option<i64>,
        /// The greatest value, if there is one.
        max: Option<i64>,
    },
    /// A truth value.
    Boolean,
    /// A point in time.
    Timestamp,
    /// Bytes.
    Blob {
        /// The most decoded bytes.
        len_max: usize,
    },
    /// A nested structure.
    Structure(&'static Structure),
    /// A list.
    List {
        /// The shape of each element.
        element: &'static Shape,
        /// The fewest and the most elements.
        len: (usize, usize),
    },
    /// A map from text to text; the model has no other.
    Map {
        /// The constraint of each key.
        key: Text,
        /// The constraint of each value.
        value: Text,
        /// The fewest and the most entries.
        len: (usize, usize),
    },
}

/// The constraints of a text.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The fewest and the most characters.
    pub len: Option<(usize, usize)>,
    /// The regular expression that the whole text must match.
    pub pattern: Option<&'static Pattern>,
    /// The allowed values of an enumeration; empty for free text.
    pub values: &'static [&'static str],
}

/// One member of a structure.
#[derive(Debug)]
pub struct MemberShape {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub shape: &'static Shape,
    /// Whether absence is a violation (V1).
    pub required: bool,
}

/// A structure: its name in the model and its members.
#[derive(Debug)]
pub struct Structure {
    /// The name in the model, as AWS prints it in lists of structures.
    pub name: &'static str,
    /// The members that are read; others in a request are ignored.
    pub members: &'static [MemberShape],
}

pub(super) const fn text(len_min: usize, len_max: usize) -> Text {
    Text { len: Some((len_min, len_max)), pattern: None, values: &[] }
}

pub(super) const fn name_like(len_max: usize, pattern: &'static Pattern) -> Shape {
    Shape::String(Text { len: Some((1, len_max)), pattern: Some(pattern), values: &[] })
}

const fn number_text(pattern: &'static Pattern) -> Shape {
    Shape::String(Text { len: None, pattern: Some(pattern), values: &[] })
}

pub(super) const fn enumeration(values: &'static [&'static str]) -> Shape {
    Shape::String(Text { len: None, pattern: None, values })
}

pub(super) const fn optional(name: &'static str, shape: &'static Shape) -> MemberShape {
    MemberShape { name, shape, required: false }
}

pub(super) const fn required(name: &'static str, shape: &'static Shape) -> MemberShape {
    MemberShape { name, shape, required: true }
}

pub(super) static STREAM_NAME: Shape = name_like(limits::STREAM_NAME_CHARS_MAX, &patterns::NAME);
pub(super) static STREAM_ARN: Shape = name_like(2048, &patterns::STREAM_ARN);
pub(super) static STREAM_ID: Shape = name_like(24, &patterns::STREAM_ID);
static SHARD_ID: Shape = name_like(128, &patterns::NAME);
static HASH_KEY: Shape = number_text(&patterns::HASH_KEY);
static SEQUENCE_NUMBER: Shape = number_text(&patterns::SEQUENCE_NUMBER);
static PARTITION_KEY: Shape = Shape::String(text(1, limits::PARTITION_KEY_CHARS_MAX));
static DATA: Shape = Shape::Blob { len_max: limits::RECORD_BYTES_MAX };
static SHARD_ITERATOR: Shape = Shape::String(text(1, limits::SHARD_ITERATOR_CHARS_MAX));
pub(super) static NEXT_TOKEN: Shape = Shape::String(text(1, 1_048_576));
pub(super) static TIMESTAMP: Shape = Shape::Timestamp;
static BOOLEAN: Shape = Shape::Boolean;
static POSITIVE_INTEGER: Shape = Shape::Integer { min: Some(1), max: None };
pub(super) static NATURAL_INTEGER: Shape = Shape::Integer { min: Some(0), max: None };
pub(super) static MAX_RECORD_SIZE_IN_KIB: Shape = Shape::Integer {
    min: Some(limits::RECORD_SIZE_KIB_MIN as i64),
    max: Some(limits::RECORD_SIZE_KIB_MAX as i64),
};
/// `GetRecordsInputLimit`, `DescribeStreamInputLimit` and the page limits of the List operations are one
/// range.
pub(super) static PAGE_LIMIT: Shape =
    Shape::Integer { min: Some(1), max: Some(limits::PAGE_LIMIT_MAX as i64) };
pub(super) static TAG_MAP: Shape = Shape::Map {
    key: text(1, limits::TAG_KEY_CHARS_MAX),
    value: text(0, limits::TAG_VALUE_CHARS_MAX),
    len: (1, 200),
};
static STREAM_MODE: Shape = enumeration(&["PROVISIONED", "ON_DEMAND"]);
pub(super) static RECORD_DISTRIBUTION_STRATEGY: Shape = enumeration(&["AUTO", "USER_PARTITION_KEY"]);
/// In the recorded order of V5.
static SHARD_ITERATOR_TYPE: Shape =
    enumeration(&["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]);
static STARTING_POSITION: Shape = Shape::Structure(&Structure {
    name: "StartingPosition",
    members: &[
        required("Type", &SHARD_ITERATOR_TYPE),
        optional("SequenceNumber", &SEQUENCE_NUMBER),
        optional("Timestamp", &TIMESTAMP),
    ],
});
static SCALING_TYPE: Shape = enumeration(&["UNIFORM_SCALING"]);
static SHARD_FILTER_TYPE: Shape = enumeration(&[
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
]);

pub(super) static STREAM_MODE_DETAILS: Shape = Shape::Structure(&Structure {
    name: "StreamModeDetails",
    members: &[required("StreamMode", &STREAM_MODE)],
});

static SHARD_FILTER: Shape = Shape::Structure(&Structure {
    name: "ShardFilter",
    members: &[
        required("Type", &SHARD_FILTER_TYPE),
        optional("ShardId", &SHARD_ID),
        optional("Timestamp", &TIMESTAMP),
    ],
});

/// `PartitionKey` is required here although the model says otherwise: only streams of the AUTO distribution
/// may do without ([`PUT_RECORDS_WITHOUT_KEYS`]), and on all others its absence is V1 at `partitionKey` (reference
/// 6). The same holds for PutRecord.
static PUT_RECORDS_REQUEST_ENTRY: Shape = Shape::Structure(&Structure {
    name: "PutRecordsRequestEntry",
    members: &[
        required("Data", &DATA),
        optional("ExplicitHashKey", &HASH_KEY),
        required("PartitionKey", &PARTITION_KEY),
    ],
});

static PUT_RECORDS_REQUEST_ENTRY_LIST: Shape =
    Shape::List { element: &PUT_RECORDS_REQUEST_ENTRY, len: (1, limits::PUT_RECORDS_ENTRIES_MAX) };

static PUT_RECORDS_REQUEST_ENTRY_WITHOUT_KEY: Shape = Shape::Structure(&Structure {
    name: "PutRecordsRequestEntry",
    members: &[
        required("Data", &DATA),
        optional("ExplicitHashKey", &HASH_KEY),
        optional("PartitionKey", &PARTITION_KEY),
    ],
});

static PUT_RECORDS_REQUEST_ENTRY_WITHOUT_KEY_LIST: Shape = Shape::List {
    element: &PUT_RECORDS_REQUEST_ENTRY_WITHOUT_KEY,
    len: (1, limits::PUT_RECORDS_ENTRIES_MAX),
};

/// The input of CreateStream.
pub static CREATE_STREAM: Structure = Structure {
    name: "CreateStreamInput",
    members: &[
        required("StreamName", &STREAM_NAME),
        optional("ShardCount", &POSITIVE_INTEGER),
        optional("StreamModeDetails", &STREAM_MODE_DETAILS),
        optional("Tags", &TAG_MAP),
        optional("WarmThroughputMiBps", &NATURAL_INTEGER),
        optional("MaxRecordSizeInKiB", &MAX_RECORD_SIZE_IN_KIB),
        optional("RecordDistributionStrategy", &RECORD_DISTRIBUTION_STRATEGY),
    ],
};

/// The input of DeleteStream.
pub static DELETE_STREAM: Structure = Structure {
    name: "DeleteStreamInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        optional("EnforceConsumerDeletion", &BOOLEAN),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DescribeStream.
pub static DESCRIBE_STREAM: Structure = Structure {
    name: "DescribeStreamInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        optional("Limit", &PAGE_LIMIT),
        optional("ExclusiveStartShardId", &SHARD_ID),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DescribeStreamSummary.
pub static DESCRIBE_STREAM_SUMMARY: Structure = Structure {
    name: "DescribeStreamSummaryInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of ListStreams.
pub static LIST_STREAMS: Structure = Structure {
    name: "ListStreamsInput",
    members: &[
        optional("Limit", &PAGE_LIMIT),
        optional("ExclusiveStartStreamName", &STREAM_NAME),
        optional("NextToken", &NEXT_TOKEN),
    ],
};

/// The input of ListShards.
pub static LIST_SHARDS: Structure = Structure {
    name: "ListShardsInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        optional("NextToken", &NEXT_TOKEN),
        optional("ExclusiveStartShardId", &SHARD_ID),
        optional("MaxResults", &PAGE_LIMIT),
        optional("StreamCreationTimestamp", &TIMESTAMP),
        optional("ShardFilter", &SHARD_FILTER),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of DescribeLimits, which has no members.
pub static DESCRIBE_LIMITS: Structure = Structure { name: "DescribeLimitsInput", members: &[] };

/// The input of PutRecord.
pub static PUT_RECORD: Structure = Structure {
    name: "PutRecordInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("Data", &DATA),
        required("PartitionKey", &PARTITION_KEY),
        optional("ExplicitHashKey", &HASH_KEY),
        optional("SequenceNumberForOrdering", &SEQUENCE_NUMBER),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of PutRecords.
pub static PUT_RECORDS: Structure = Structure {
    name: "PutRecordsInput",
    members: &[
        required("Records", &PUT_RECORDS_REQUEST_ENTRY_LIST),
        optional("StreamName", &STREAM_NAME),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of PutRecord to a stream of the AUTO distribution.
pub static PUT_RECORD_WITHOUT_KEY: Structure = Structure {
    name: "PutRecordInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("Data", &DATA),
        optional("PartitionKey", &PARTITION_KEY),
        optional("ExplicitHashKey", &HASH_KEY),
        optional("SequenceNumberForOrdering", &SEQUENCE_NUMBER),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of PutRecords to a stream of the AUTO distribution.
pub static PUT_RECORDS_WITHOUT_KEYS: Structure = Structure {
    name: "PutRecordsInput",
    members: &[
        required("Records", &PUT_RECORDS_REQUEST_ENTRY_WITHOUT_KEY_LIST),
        optional("StreamName", &STREAM_NAME),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of GetShardIterator.
pub static GET_SHARD_ITERATOR: Structure = Structure {
    name: "GetShardIteratorInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("ShardId", &SHARD_ID),
        required("ShardIteratorType", &SHARD_ITERATOR_TYPE),
        optional("StartingSequenceNumber", &SEQUENCE_NUMBER),
        optional("Timestamp", &TIMESTAMP),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of SubscribeToShard.
pub static SUBSCRIBE_TO_SHARD: Structure = Structure {
    name: "SubscribeToShardInput",
    members: &[
        required("ConsumerARN", &CONSUMER_ARN),
        required("ShardId", &SHARD_ID),
        required("StartingPosition", &STARTING_POSITION),
        optional("DryRun", &BOOLEAN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of GetRecords.
pub static GET_RECORDS: Structure = Structure {
    name: "GetRecordsInput",
    members: &[
        required("ShardIterator", &SHARD_ITERATOR),
        optional("Limit", &PAGE_LIMIT),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        optional("DryRun", &BOOLEAN),
    ],
};

/// The input of SplitShard.
pub static SPLIT_SHARD: Structure = Structure {
    name: "SplitShardInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("ShardToSplit", &SHARD_ID),
        required("NewStartingHashKey", &HASH_KEY),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of MergeShards.
pub static MERGE_SHARDS: Structure = Structure {
    name: "MergeShardsInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("ShardToMerge", &SHARD_ID),
        required("AdjacentShardToMerge", &SHARD_ID),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

/// The input of UpdateShardCount.
pub static UPDATE_SHARD_COUNT: Structure = Structure {
    name: "UpdateShardCountInput",
    members: &[
        optional("StreamName", &STREAM_NAME),
        required("TargetShardCount", &POSITIVE_INTEGER),
        required("ScalingType", &SCALING_TYPE),
        optional("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
    ],
};

impl Structure {
    /// The input of an operation; `None` for one that is not built.
    #[must_use]
    pub fn input_of(operation: Operation) -> Option<&'static Self> {
        match operation {
            Operation::CreateStream => Some(&CREATE_STREAM),
            Operation::DeleteStream => Some(&DELETE_STREAM),
            Operation::DescribeLimits => Some(&DESCRIBE_LIMITS),
            Operation::DescribeStream => Some(&DESCRIBE_STREAM),
            Operation::DescribeStreamSummary => Some(&DESCRIBE_STREAM_SUMMARY),
            Operation::GetRecords => Some(&GET_RECORDS),
            Operation::GetShardIterator => Some(&GET_SHARD_ITERATOR),
            Operation::ListShards => Some(&LIST_SHARDS),
            Operation::ListStreams => Some(&LIST_STREAMS),
            Operation::PutRecord => Some(&PUT_RECORD),
            Operation::MergeShards => Some(&MERGE_SHARDS),
            Operation::PutRecords => Some(&PUT_RECORDS),
            Operation::SplitShard => Some(&SPLIT_SHARD),
            Operation::SubscribeToShard => Some(&SUBSCRIBE_TO_SHARD),
            Operation::UpdateShardCount => Some(&UPDATE_SHARD_COUNT),
            _ => administration::input_of(operation),
        }
    }
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
