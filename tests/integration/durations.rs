//! Every transition takes the time that its own variable says: not the general one, and not another's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::launch_forms::from_environment;
use crate::setup::{TestServer, shard_id};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012";
const HALF: &str = "170141183460469231731687303715884105728";

/// A server whose times are 1 to 10 seconds, in the order of kinesis-mock's variables; all else takes a minute.
fn server() -> TestServer {
    TestServer::with(from_environment(&[
        ("KINESIS_LATENCY", "60000"),
        ("CREATE_STREAM_DURATION", "1 second"),
        ("DELETE_STREAM_DURATION", "2s"),
        ("REGISTER_STREAM_CONSUMER_DURATION", "3000ms"),
        ("DEREGISTER_STREAM_CONSUMER_DURATION", "4 seconds"),
        ("START_STREAM_ENCRYPTION_DURATION", "5s"),
        ("STOP_STREAM_ENCRYPTION_DURATION", "6s"),
        ("MERGE_SHARDS_DURATION", "7s"),
        ("SPLIT_SHARD_DURATION", "8s"),
        ("UPDATE_SHARD_COUNT_DURATION", "9s"),
        ("UPDATE_STREAM_MODE_DURATION", "10s"),
    ]))
}

/// The state of stream `s`, and of its consumer; `-` is none.
fn states(server: &TestServer) -> String {
    let summary = server.call("DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    let consumers = server.call("ListStreamConsumers", &json!({"StreamARN": ARN})).json();
    let state = |answer: &Value, path: &str| {
        answer.pointer(path).map_or("-", |state| state.as_str().unwrap()).to_owned()
    };
    let stream = state(&summary, "/StreamDescriptionSummary/StreamStatus");
    format!("{stream} {}", state(&consumers, "/Consumers/0/ConsumerStatus"))
}

/// Does something after which the states are `during` for exactly this many seconds, and then `after`.
fn takes(server: &TestServer, seconds: u64, operation: &str, input: &Value, [during, after]: [&str; 2]) {
    let answer = server.call(operation, input);
    assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    assert_eq!(states(server), during, "{operation}");
    server.clock.advance(Duration::from_millis(seconds * 1000 - 1));
    assert_eq!(states(server), during, "{operation}");
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(states(server), after, "{operation}");
}

/// Protects: each of kinesis-mock's ten variables is the time of what it is called after, and of nothing else.
#[test]
fn ten_times() {
    let server = server();
    let updating = |seconds, operation, input: Value| {
        takes(&server, seconds, operation, &input, ["UPDATING -", "ACTIVE -"]);
    };
    let create = json!({"StreamName": "s", "ShardCount": 2});
    takes(&server, 1, "CreateStream", &create, ["CREATING -", "ACTIVE -"]);
    let consumer = json!({"StreamARN": ARN, "ConsumerName": "c"});
    takes(&server, 3, "RegisterStreamConsumer", &consumer, ["ACTIVE CREATING", "ACTIVE ACTIVE"]);
    takes(&server, 4, "DeregisterStreamConsumer", &consumer, ["ACTIVE DELETING", "ACTIVE -"]);
    let key = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": KEY});
    updating(5, "StartStreamEncryption", key.clone());
    updating(6, "StopStreamEncryption", key);
    let pair = json!({"StreamName": "s", "ShardToMerge": shard_id(0), "AdjacentShardToMerge": shard_id(1)});
    updating(7, "MergeShards", pair);
    updating(
        8,
        "SplitShard",
        json!({"StreamName": "s", "ShardToSplit": shard_id(2), "NewStartingHashKey": HALF}),
    );
    let count = json!({"StreamName": "s", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"});
    updating(9, "UpdateShardCount", count);
    let mode = json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    updating(10, "UpdateStreamMode", mode);
    updating(60, "UpdateMaxRecordSize", json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 2048}));
    takes(&server, 2, "DeleteStream", &json!({"StreamName": "s"}), ["DELETING -", "- -"]);
}
