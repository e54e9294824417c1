//! Every transition takes the time that its own variable says: not the general one, and not another's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::launch_forms::from_environment;
use crate::setup::{TestServer, shard_id};

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

/// The state of stream `s`, and of its consumer `c` if it has one.
fn states(server: &TestServer) -> (Value, Value) {
    let summary = server.call("DescribeStreamSummary", &json!({"StreamName": "s"}));
    let consumers = server.call("ListStreamConsumers", &json!({"StreamARN": ARN}));
    let consumer = consumers.json()["Consumers"][0]["ConsumerStatus"].take();
    (summary.json()["StreamDescriptionSummary"]["StreamStatus"].take(), consumer)
}

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// Does something after which a state is `during` for exactly this many seconds, and then `after`.
fn takes(
    server: &TestServer,
    seconds: u64,
    (operation, input): (&str, Value),
    during: (Value, Value),
    after: (Value, Value),
) {
    let answer = server.call(operation, &input);
    assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    assert_eq!(states(server), during, "{operation}");
    server.clock.advance(Duration::from_millis(seconds * 1000 - 1));
    assert_eq!(states(server), during, "{operation}");
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(states(server), after, "{operation}");
}

/// Protects: each of kinesis-mock's ten variables is the time of what it is called after.
#[test]
fn ten_times() {
    let server = server();
    let stream = |state: &str| (json!(state), Value::Null);
    let both = |consumer: Value| (json!("ACTIVE"), consumer);
    let named = || json!({"StreamName": "s"});
    let with = |more: Value| {
        let mut input = named();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let updating = |seconds, operation, more: Value| {
        takes(&server, seconds, (operation, with(more)), stream("UPDATING"), stream("ACTIVE"));
    };
    takes(&server, 1, ("CreateStream", with(json!({"ShardCount": 2}))), stream("CREATING"), stream("ACTIVE"));
    let consumer = json!({"StreamARN": ARN, "ConsumerName": "c"});
    takes(
        &server,
        3,
        ("RegisterStreamConsumer", consumer.clone()),
        both(json!("CREATING")),
        both(json!("ACTIVE")),
    );
    takes(&server, 4, ("DeregisterStreamConsumer", consumer), both(json!("DELETING")), both(Value::Null));
    let key = json!({"EncryptionType": "KMS", "KeyId": KEY});
    updating(5, "StartStreamEncryption", key.clone());
    updating(6, "StopStreamEncryption", key);
    updating(7, "MergeShards", json!({"ShardToMerge": shard_id(0), "AdjacentShardToMerge": shard_id(1)}));
    updating(8, "SplitShard", json!({"ShardToSplit": shard_id(2), "NewStartingHashKey": HALF}));
    updating(9, "UpdateShardCount", json!({"TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"}));
    let mode = json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    takes(&server, 10, ("UpdateStreamMode", mode), stream("UPDATING"), stream("ACTIVE"));
    let size = json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 2048});
    takes(&server, 60, ("UpdateMaxRecordSize", size), stream("UPDATING"), stream("ACTIVE"));
    takes(&server, 2, ("DeleteStream", named()), stream("DELETING"), (Value::Null, Value::Null));
}
