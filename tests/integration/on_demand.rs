//! An on-demand stream over the wire: it begins with four shards, grows where it is written to, and keeps its shards when
//! it is provisioned again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::setup::{TestServer, shard_id, wait_until};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

fn shards(server: &TestServer) -> Vec<Value> {
    let mut listed = server.call("ListShards", &json!({"StreamName": "s"})).json();
    serde_json::from_value(listed["Shards"].take()).expect("shards")
}

/// Protects: 1,000 records a second for one of four shards are too many for it, housekeeping sees that by itself, and the
/// user may not reshard meanwhile.
#[test]
fn grows_where_it_is_written_to() {
    let server = TestServer::start();
    assert_eq!(server.call("CreateStream", &json!({"StreamName": "s"})).both(), (200, ""));
    assert_eq!(shards(&server).len(), 4);
    let mut connection = server.connect();
    let record = json!({"Data": "AAAA", "PartitionKey": "k", "ExplicitHashKey": "0"});
    let batch = json!({"StreamName": "s", "Records": vec![record; 500]});
    wait_until("a shard was split", || {
        assert_eq!(connection.call("PutRecords", &batch).json()["FailedRecordCount"], 0);
        server.clock.advance(Duration::from_millis(500));
        shards(&server).len() > 4
    });
    let [parent, _, _, _, left, right, ..] = &shards(&server)[..] else { panic!("fewer than six shards") };
    assert!(parent["SequenceNumberRange"]["EndingSequenceNumber"].is_string());
    for child in [left, right] {
        assert_eq!(child["ParentShardId"], shard_id(0));
    }
    assert_eq!(left["HashKeyRange"]["EndingHashKey"], "42535295865117307932921825928971026431");
    let split = json!({"StreamName": "s", "ShardToSplit": shard_id(4), "NewStartingHashKey": "2"});
    let message = "Request is invalid. Stream s under account 000000000000 is in On-Demand mode.";
    let refused = json!({"__type": "ValidationException", "message": message});
    assert_eq!(server.call("SplitShard", &split).json(), refused);

    let to = json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    wait_until("no reshard is under way", || server.call("UpdateStreamMode", &to).both() == (200, ""));
    let open = |shard: &&Value| shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
    let summary = server.call("DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    let count = shards(&server).iter().filter(open).count();
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], count);
    assert!(count > 4);
}
