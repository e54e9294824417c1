//! What can be changed of a stream: retention, monitoring, mode, record size, warm throughput, record distribution; each
//! told truthfully, and in force when it is said to be.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::Config;

use crate::setup::{TestServer, config};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const HOUR: Duration = Duration::from_secs(3600);

fn done(server: &TestServer, operation: &str, input: &Value) {
    assert_eq!(server.call(operation, input).both(), (200, ""), "{operation} {input}");
}

fn summary(server: &TestServer) -> Value {
    let answer = server.call("DescribeStreamSummary", &json!({"StreamName": "s"}));
    answer.json()["StreamDescriptionSummary"].take()
}

fn put(server: &TestServer, key: &str) {
    let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": key});
    assert_eq!(server.call("PutRecord", &put).status, 200);
}

fn keys(server: &TestServer) -> Vec<String> {
    let records = server.connect().read_all(0);
    records.iter().map(|record| record["PartitionKey"].as_str().unwrap().to_owned()).collect()
}

/// Protects: retention is each stream's own, in force at once, and a longer one brings nothing back (reference 10).
#[test]
fn retention() {
    let server = TestServer::with_stream(1);
    server.create("t", 1);
    let set = |operation: &str, hours: u32| {
        let operation = format!("{operation}StreamRetentionPeriod");
        done(&server, &operation, &json!({"StreamARN": ARN, "RetentionPeriodHours": hours}));
        assert_eq!(summary(&server)["RetentionPeriodHours"], hours);
    };
    put(&server, "old");
    server.clock.advance(20 * HOUR);
    put(&server, "new");
    set("Increase", 48);
    let other = server.call("DescribeStreamSummary", &json!({"StreamName": "t"})).json();
    assert_eq!(other["StreamDescriptionSummary"]["RetentionPeriodHours"], 24);
    server.clock.advance(10 * HOUR);
    assert_eq!(keys(&server), ["old", "new"], "30 hours are less than 48");
    set("Decrease", 24);
    assert_eq!(keys(&server), ["new"]);
    set("Increase", 8_760);
    assert_eq!(keys(&server), ["new"], "what has expired stays so");
    server.clock.advance(8_739 * HOUR);
    assert_eq!(keys(&server), ["new"]);
    set("Increase", 8_760);
    server.clock.advance(12 * HOUR);
    assert_eq!(keys(&server), [""; 0]);
}

/// Protects: monitoring replies tell before and after, and Describe tells what is.
#[test]
fn monitoring() {
    let server = TestServer::with_stream(1);
    let change = |operation: &str, metrics: Value| {
        let input = json!({"StreamName": "s", "ShardLevelMetrics": metrics});
        server.call(operation, &input).text().to_owned()
    };
    let expected = |before: &str, after: &str| {
        format!(
            "{{\"StreamName\":\"s\",\"CurrentShardLevelMetrics\":[{before}],\"DesiredShardLevelMetrics\":[{after}],\
             \"StreamARN\":\"{ARN}\"}}"
        )
    };
    let two = r#""IncomingBytes","OutgoingRecords""#;
    let enabled = change("EnableEnhancedMonitoring", json!(["OutgoingRecords", "IncomingBytes"]));
    assert_eq!(enabled, expected("", two));
    assert_eq!(
        summary(&server)["EnhancedMonitoring"][0]["ShardLevelMetrics"],
        json!(["IncomingBytes", "OutgoingRecords"])
    );
    let all = "\"IncomingBytes\",\"IncomingRecords\",\"OutgoingBytes\",\"OutgoingRecords\",\
               \"WriteProvisionedThroughputExceeded\",\"ReadProvisionedThroughputExceeded\",\"IteratorAgeMilliseconds\"";
    assert_eq!(change("EnableEnhancedMonitoring", json!(["ALL"])), expected(two, all));
    let fewer = all.replace("\"IncomingRecords\",", "");
    assert_eq!(change("DisableEnhancedMonitoring", json!(["IncomingRecords"])), expected(all, &fewer));
    assert_eq!(change("DisableEnhancedMonitoring", json!(["ALL"])), expected(&fewer, ""));
    assert_eq!(summary(&server)["EnhancedMonitoring"], json!([{"ShardLevelMetrics": []}]));
}

/// Protects: a larger record size is in force once the stream is ACTIVE again; 10 MiB go in and out, also from the
/// stream's creation on.
#[test]
fn record_size() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    done(&server, "CreateStream", &json!({"StreamName": "s", "ShardCount": 1, "MaxRecordSizeInKiB": 2048}));
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(summary(&server)["MaxRecordSizeInKiB"], 2048);
    let put = |bytes: usize| {
        let data = base64_of_zeros(bytes);
        server.call("PutRecord", &json!({"StreamName": "s", "Data": data, "PartitionKey": "k"})).status
    };
    assert_eq!((put((2 << 20) - 1), put(2 << 20)), (200, 400), "the key counts");
    done(&server, "UpdateMaxRecordSize", &json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240}));
    assert_eq!(summary(&server)["StreamStatus"], "UPDATING");
    assert_eq!(put(2 << 20), 400);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!((summary(&server)["MaxRecordSizeInKiB"].take(), put((10 << 20) - 1)), (json!(10_240), 200));
    let sizes: Vec<_> =
        server.connect().read_all(0).iter().map(|record| record["Data"].as_str().unwrap().len()).collect();
    assert_eq!(sizes, [base64_of_zeros((2 << 20) - 1).len(), base64_of_zeros((10 << 20) - 1).len()]);
}

/// Protects: a record of 10 MiB, key included, through PutRecord, PutRecords and GetRecords, byte for byte; one byte more
/// is refused by both.
#[test]
fn ten_mebibytes() {
    let server = TestServer::with_stream(1);
    done(&server, "UpdateMaxRecordSize", &json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240}));
    let bytes: Vec<u8> = (0..10_u32 << 20).map(|at| at.to_le_bytes()[1] ^ at.to_le_bytes()[2]).collect();
    let mut connection = server.connect();
    for (bytes, status) in [(&bytes[1..], 200), (&bytes[..], 400)] {
        let record = json!({"Data": base64_simd::STANDARD.encode_to_string(bytes), "PartitionKey": "k"});
        let mut put = record.clone();
        put["StreamName"] = "s".into();
        assert_eq!(connection.call("PutRecord", &put).status, status);
        assert_eq!(
            connection.call("PutRecords", &json!({"StreamName": "s", "Records": [record]})).status,
            status
        );
    }
    let stored = connection.read_all(0);
    assert_eq!(stored.len(), 2);
    for record in stored {
        let data = base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()).unwrap();
        assert!(data == bytes[1..], "the record changed");
    }
}

fn base64_of_zeros(bytes: usize) -> String {
    let ending = ["", "AA==", "AAA="][bytes % 3];
    "AAAA".repeat(bytes / 3) + ending
}

/// Protects: a stream changes its mode and back with its shards and records, and is counted as what it is.
#[test]
fn modes() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 2);
    server.clock.advance(Duration::from_millis(500));
    let limits = || {
        let limits = server.call("DescribeLimits", &json!({})).json();
        (limits["OpenShardCount"].as_u64(), limits["OnDemandStreamCount"].as_u64())
    };
    let mode = || summary(&server)["StreamModeDetails"]["StreamMode"].take();
    assert_eq!(limits(), (Some(2), Some(0)));
    done(
        &server,
        "UpdateStreamMode",
        &json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
    );
    assert_eq!((mode(), summary(&server)["StreamStatus"].take()), (json!("PROVISIONED"), json!("UPDATING")));
    put(&server, "while updating");
    server.clock.advance(Duration::from_millis(500));
    assert_eq!((mode(), summary(&server)["OpenShardCount"].take()), (json!("ON_DEMAND"), json!(2)));
    assert_eq!(limits(), (Some(0), Some(1)));
    assert_eq!(summary(&server)["RecordDistributionStrategy"], "USER_PARTITION_KEY");
    let listed = server.call("ListStreams", &json!({})).json();
    assert_eq!(listed["StreamSummaries"][0]["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
    let auto = json!({"StreamARN": ARN, "RecordDistributionStrategy": "AUTO"});
    done(&server, "UpdateStreamRecordDistributionStrategy", &auto);
    done(
        &server,
        "UpdateStreamMode",
        &json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
    );
    server.clock.advance(Duration::from_millis(500));
    assert_eq!((mode(), limits()), (json!("PROVISIONED"), (Some(2), Some(0))));
    assert_eq!(summary(&server)["RecordDistributionStrategy"], json!(null));
    let put = json!({"StreamName": "s", "Data": ""});
    assert_eq!(server.call("PutRecord", &put).json()["__type"], "ValidationException");
}

/// Protects: warm throughput is told with its target at once and its current value once the stream is ACTIVE; only
/// while the account has its commitment.
#[test]
fn warm_throughput() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    let enable = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    assert_eq!(server.call("UpdateAccountSettings", &enable).status, 200);
    done(&server, "CreateStream", &json!({"StreamName": "s", "WarmThroughputMiBps": 10}));
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(summary(&server)["WarmThroughput"], json!({"TargetMiBps": 10, "CurrentMiBps": 10}));
    let update = json!({"StreamARN": ARN, "StreamName": "s", "WarmThroughputMiBps": 200});
    let expected = format!(
        "{{\"StreamARN\":\"{ARN}\",\"StreamName\":\"s\",\"WarmThroughput\":{{\"TargetMiBps\":200,\"CurrentMiBps\":10}}}}"
    );
    assert_eq!(server.call("UpdateStreamWarmThroughput", &update).both(), (200, expected.as_str()));
    assert_eq!(summary(&server)["StreamStatus"], "UPDATING");
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(summary(&server)["WarmThroughput"], json!({"TargetMiBps": 200, "CurrentMiBps": 200}));
    let release = json!({"StreamName": "s", "WarmThroughputMiBps": 0});
    assert_eq!(server.call("UpdateStreamWarmThroughput", &release).status, 200);
    server.clock.advance(24 * HOUR);
    assert_eq!(summary(&server)["WarmThroughput"], json!({"TargetMiBps": 4, "CurrentMiBps": 4}));
    let disable = json!({"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}});
    assert_eq!(server.call("UpdateAccountSettings", &disable).status, 200);
    assert_eq!(summary(&server)["WarmThroughput"], json!(null));
}

/// Protects: AUTO spreads records of one key over all shards, whatever hash key they name; takes records without a key
/// and tells none back; and ends at once.
#[test]
fn record_distribution() {
    let server = TestServer::start();
    done(&server, "CreateStream", &json!({"StreamName": "s", "RecordDistributionStrategy": "AUTO"}));
    assert_eq!(summary(&server)["RecordDistributionStrategy"], "AUTO");
    let mut shards = BTreeSet::new();
    let entry = |number: u32| match number % 3 {
        0 => json!({"Data": "AA=="}),
        1 => json!({"Data": "AQ==", "PartitionKey": "k"}),
        _ => json!({"Data": "Ag==", "PartitionKey": "k", "ExplicitHashKey": "0"}),
    };
    for batch in 0..4 {
        let records: Vec<_> = (0..60).map(|number| entry(number + batch)).collect();
        let reply = server.call("PutRecords", &json!({"StreamName": "s", "Records": records})).json();
        assert_eq!(reply["FailedRecordCount"], 0);
        let results = reply["Records"].as_array().expect("a list");
        shards.extend(results.iter().map(|result| result["ShardId"].as_str().unwrap().to_owned()));
    }
    assert_eq!(shards.len(), 4);
    // Not even that there is no such hash key matters.
    for input in [json!({"Data": "AA=="}), json!({"Data": "AA==", "ExplicitHashKey": "9".repeat(39)})] {
        let put = json!({"StreamName": "s", "Records": [input]});
        assert_eq!(server.call("PutRecords", &put).status, 200, "{put}");
        let mut put = put["Records"][0].clone();
        put["StreamName"] = json!("s");
        assert_eq!(server.call("PutRecord", &put).status, 200, "{put}");
    }
    let mut connection = server.connect();
    let records: Vec<Value> = (0..4).flat_map(|shard| connection.read_all(shard)).collect();
    assert_eq!(records.len(), 244);
    for record in &records {
        let key = (record["Data"] != "AA==").then(|| json!("k"));
        assert_eq!(record.get("PartitionKey"), key.as_ref(), "{record}");
    }
    let keyed = json!({"StreamARN": ARN, "RecordDistributionStrategy": "USER_PARTITION_KEY"});
    done(&server, "UpdateStreamRecordDistributionStrategy", &keyed);
    let refused = server.call("PutRecord", &json!({"StreamName": "s", "Data": ""}));
    let message = "{\"__type\":\"ValidationException\",\"message\":\"1 validation error detected: Value null at \
                   'partitionKey' failed to satisfy constraint: Member must not be null\"}";
    assert_eq!(refused.both(), (400, message));
    let placed = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"});
    assert_eq!(server.call("PutRecord", &placed).json()["ShardId"], "shardId-000000000000");
}
