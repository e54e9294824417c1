//! The tables of shapes, against reference 18.

use super::*;

/// An operation is built exactly when its input can be read.
#[test]
fn built_operations_have_inputs() {
    for &operation in Operation::ALL {
        let input = Structure::input_of(operation);
        assert_eq!(input.is_some(), operation.is_built(), "{}", operation.name());
        if let Some(input) = input {
            assert_eq!(input.name, format!("{}Input", operation.name()));
        }
    }
}

fn describe(structure: &Structure) -> String {
    let members: Vec<String> = structure
        .members
        .iter()
        .map(|member| format!("{}{}", member.name, if member.required { "*" } else { "" }))
        .collect();
    members.join(" ")
}

/// Members and required members, against the operation list of reference 18.3.
#[test]
fn members_follow_the_model() {
    for (structure, members) in [
        (
            &CREATE_STREAM,
            "StreamName* ShardCount StreamModeDetails Tags WarmThroughputMiBps MaxRecordSizeInKiB RecordDistributionStrategy",
        ),
        (&DELETE_STREAM, "StreamName EnforceConsumerDeletion StreamARN StreamId"),
        (&DESCRIBE_STREAM, "StreamName Limit ExclusiveStartShardId StreamARN StreamId"),
        (&DESCRIBE_STREAM_SUMMARY, "StreamName StreamARN StreamId"),
        (&LIST_STREAMS, "Limit ExclusiveStartStreamName NextToken"),
        (
            &LIST_SHARDS,
            "StreamName NextToken ExclusiveStartShardId MaxResults StreamCreationTimestamp ShardFilter StreamARN StreamId",
        ),
        (&DESCRIBE_LIMITS, ""),
        (
            &PUT_RECORD,
            "StreamName Data* PartitionKey* ExplicitHashKey SequenceNumberForOrdering StreamARN StreamId DryRun",
        ),
        (&PUT_RECORDS, "Records* StreamName StreamARN StreamId DryRun"),
        (
            &GET_SHARD_ITERATOR,
            "StreamName ShardId* ShardIteratorType* StartingSequenceNumber Timestamp StreamARN StreamId DryRun",
        ),
        (&SPLIT_SHARD, "StreamName ShardToSplit* NewStartingHashKey* StreamARN StreamId"),
        (&MERGE_SHARDS, "StreamName ShardToMerge* AdjacentShardToMerge* StreamARN StreamId"),
        (&UPDATE_SHARD_COUNT, "StreamName TargetShardCount* ScalingType* StreamARN StreamId"),
        (&GET_RECORDS, "ShardIterator* Limit StreamARN StreamId DryRun"),
    ] {
        assert_eq!(describe(structure), members, "{}", structure.name);
    }
}
