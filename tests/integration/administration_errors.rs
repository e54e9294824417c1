//! What is refused of setting, tagging and describing streams and consumers: one request per text of reference 14, to
//! the letter.

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::{Config, Limit};

use crate::errors::check;
use crate::setup::{TestServer, config};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const NOPE_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/nope";
const NO_STREAM: &str = "Stream nope under account 000000000000 not found.";

/// A call that each operation about one stream would take, of the stream with this name.
fn calls(name: &str) -> Vec<(&'static str, Value)> {
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
    vec![
        ("AddTagsToStream", json!({"StreamName": name, "Tags": {"a": "b"}})),
        ("RemoveTagsFromStream", json!({"StreamName": name, "TagKeys": ["a"]})),
        ("TagResource", json!({"ResourceARN": arn, "Tags": {"a": "b"}})),
        ("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["a"]})),
        ("PutResourcePolicy", json!({"ResourceARN": arn, "Policy": "{}"})),
        ("IncreaseStreamRetentionPeriod", json!({"StreamName": name, "RetentionPeriodHours": 24})),
        ("DecreaseStreamRetentionPeriod", json!({"StreamName": name, "RetentionPeriodHours": 24})),
        ("EnableEnhancedMonitoring", json!({"StreamName": name, "ShardLevelMetrics": ["ALL"]})),
        ("DisableEnhancedMonitoring", json!({"StreamName": name, "ShardLevelMetrics": ["ALL"]})),
        ("StartStreamEncryption", json!({"StreamName": name, "EncryptionType": "KMS", "KeyId": "alias/k"})),
        ("StopStreamEncryption", json!({"StreamName": name, "EncryptionType": "KMS", "KeyId": "alias/k"})),
        ("UpdateMaxRecordSize", json!({"StreamARN": arn, "MaxRecordSizeInKiB": 2048})),
        ("UpdateStreamMode", json!({"StreamARN": arn, "StreamModeDetails": {"StreamMode": "PROVISIONED"}})),
        (
            "UpdateStreamRecordDistributionStrategy",
            json!({"StreamARN": arn, "RecordDistributionStrategy": "USER_PARTITION_KEY"}),
        ),
        ("UpdateStreamWarmThroughput", json!({"StreamName": name, "WarmThroughputMiBps": 1})),
        ("RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "c"})),
    ]
}

/// Protects: E1 of every operation that is about one stream.
#[test]
fn unknown_streams() {
    let server = TestServer::start();
    let reads = [
        ("ListTagsForStream", json!({"StreamName": "nope"})),
        ("ListTagsForResource", json!({"ResourceARN": NOPE_ARN})),
        ("GetResourcePolicy", json!({"ResourceARN": NOPE_ARN})),
        ("DeleteResourcePolicy", json!({"ResourceARN": NOPE_ARN})),
        ("ListStreamConsumers", json!({"StreamARN": NOPE_ARN})),
    ];
    for (operation, input) in calls("nope").into_iter().chain(reads) {
        check(&server, operation, &input, "ResourceNotFoundException", NO_STREAM);
    }
    // The stream is looked up before the tags are looked at.
    let tags = json!({"StreamName": "nope", "Tags": {"a;b": ""}});
    check(&server, "AddTagsToStream", &tags, "ResourceNotFoundException", NO_STREAM);
    let keys = json!({"StreamName": "nope", "TagKeys": [";"]});
    check(&server, "RemoveTagsFromStream", &keys, "ResourceNotFoundException", NO_STREAM);
}

/// Protects: E3 of every change, in each state that it does not take; and that tags take UPDATING.
#[test]
fn streams_in_other_states() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    let refused_in = |state: &str, taken: &[&str]| {
        let message = format!("Stream s under account 000000000000 not ACTIVE, instead in state {state}");
        for (operation, input) in calls("s") {
            if !taken.contains(&operation) {
                check(&server, operation, &input, "ResourceInUseException", &message);
            }
        }
    };
    refused_in("CREATING", &[]);
    server.clock.advance(Duration::from_millis(500));
    let size = json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 2048});
    assert_eq!(server.call("UpdateMaxRecordSize", &size).both(), (200, ""));
    let tags = ["AddTagsToStream", "RemoveTagsFromStream", "TagResource", "UntagResource"];
    refused_in("UPDATING", &tags);
    for (operation, input) in calls("s").into_iter().filter(|(operation, _)| tags.contains(operation)) {
        assert_eq!(server.call(operation, &input).both(), (200, ""), "{operation}");
    }
    let updating = "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING";
    check(&server, "DeleteStream", &json!({"StreamName": "s"}), "ResourceInUseException", updating);
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(server.call("DeleteStream", &json!({"StreamName": "s"})).both(), (200, ""));
    refused_in("DELETING", &[]);
}

/// Protects: neither name, both that disagree, and an ARN of something that is not served.
#[test]
fn names_that_name_nothing() {
    let server = TestServer::with_stream(1);
    let neither = "Either StreamName or StreamARN should be provided.";
    let size = json!({"MaxRecordSizeInKiB": 2048});
    check(&server, "UpdateMaxRecordSize", &size, "InvalidArgumentException", neither);
    check(&server, "ListTagsForStream", &json!({}), "InvalidArgumentException", neither);
    let both = json!({"StreamName": "s", "StreamARN": NOPE_ARN, "Tags": {"a": "b"}});
    let disagree = "StreamName and StreamARN do not name the same stream.";
    check(&server, "AddTagsToStream", &both, "InvalidArgumentException", disagree);
    let queue = "arn:aws:kinesis:us-east-1:000000000000:queue/q";
    let message = format!("Resource {queue} not found.");
    let input = json!({"ResourceARN": queue});
    check(&server, "ListTagsForResource", &input, "ResourceNotFoundException", &message);
}

/// Protects: E27 to E30, retention out of range or in the wrong direction.
#[test]
fn retention() {
    let server = TestServer::with_stream(1);
    let increase = "IncreaseStreamRetentionPeriod";
    assert_eq!(
        server.call(increase, &json!({"StreamName": "s", "RetentionPeriodHours": 25})).both(),
        (200, "")
    );
    let decrease = "DecreaseStreamRetentionPeriod";
    for (operation, hours, message) in [
        (
            increase,
            23,
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
        ),
        (
            decrease,
            -5,
            "Minimum allowed retention period is 24 hours. Requested retention period (-5 hours) is too short.",
        ),
        (
            increase,
            8761,
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.",
        ),
        (
            decrease,
            100_000_000_000_i64,
            "Maximum allowed retention period is 8760 hours. Requested retention period (2147483647 hours) is too \
             long.",
        ),
        (
            decrease,
            26,
            "Requested retention period (26 hours) for stream s can not be longer than existing retention period (25 \
             hours). Use IncreaseRetentionPeriod API.",
        ),
        (
            increase,
            24,
            "Requested retention period (24 hours) for stream s can not be shorter than existing retention period \
             (25 hours). Use DecreaseRetentionPeriod API.",
        ),
    ] {
        let input = json!({"StreamName": "s", "RetentionPeriodHours": hours});
        check(&server, operation, &input, "InvalidArgumentException", message);
    }
}

/// Protects: E31 to E34, tags with characters that they cannot have, and too many.
#[test]
fn tags() {
    let server = TestServer::with_stream(1);
    let invalid = "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / \
                   = + - % @.";
    let illegal = |done: &str, stream: &str| {
        format!(
            "Failed to {done} stream {stream} under account 000000000000 because some tags contained illegal \
             characters. The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'."
        )
    };
    for text in ["a;b", "a\tb", "a\nb", "a,b"] {
        for tags in [json!({text: "v"}), json!({"k": text})] {
            let input = json!({"StreamName": "s", "Tags": tags});
            check(&server, "AddTagsToStream", &input, "InvalidArgumentException", invalid);
            let input = json!({"StreamName": "t", "ShardCount": 1, "Tags": tags});
            check(&server, "CreateStream", &input, "InvalidArgumentException", invalid);
            let input = json!({"ResourceARN": ARN, "Tags": tags});
            check(&server, "TagResource", &input, "InvalidArgumentException", invalid);
            let input = json!({"StreamARN": ARN, "ConsumerName": "c", "Tags": tags});
            check(&server, "RegisterStreamConsumer", &input, "InvalidArgumentException", invalid);
        }
        let input = json!({"StreamName": "s", "TagKeys": ["good", text]});
        check(&server, "RemoveTagsFromStream", &input, "InvalidArgumentException", invalid);
    }
    let add = json!({"StreamName": "s", "Tags": {"k": "a%b"}});
    check(&server, "AddTagsToStream", &add, "InvalidArgumentException", &illegal("add tags to", "s"));
    let create = json!({"StreamName": "t", "ShardCount": 1, "Tags": {"a%": ""}});
    check(&server, "CreateStream", &create, "InvalidArgumentException", &illegal("add tags to", "t"));
    let remove = json!({"StreamName": "s", "TagKeys": ["a%b"]});
    check(
        &server,
        "RemoveTagsFromStream",
        &remove,
        "InvalidArgumentException",
        &illegal("remove tags from", "s"),
    );

    let fifty: serde_json::Map<_, _> = (0..50).map(|number| (format!("k{number}"), json!(""))).collect();
    assert_eq!(server.call("AddTagsToStream", &json!({"StreamName": "s", "Tags": fifty})).both(), (200, ""));
    let one_more = "Failed to add tags to stream s under account 000000000000 because a given stream cannot have more \
                    than 10 tags associated with it.";
    let add = json!({"StreamName": "s", "Tags": {"one": "more"}});
    check(&server, "AddTagsToStream", &add, "InvalidArgumentException", one_more);
    let add = json!({"ResourceARN": ARN, "Tags": {"one": "more"}});
    check(&server, "TagResource", &add, "InvalidArgumentException", one_more);
}

/// Protects: V6 to V8 and the bounds of the model on tags, keys and metrics.
#[test]
fn constraints() {
    let server = TestServer::with_stream(1);
    let long = "a".repeat(129);
    let longer = "v".repeat(257);
    for (operation, input, message) in [
        (
            "RemoveTagsFromStream",
            json!({"StreamName": "s", "TagKeys": ["a", long, "b"]}),
            format!(
                "1 validation error detected: Value '[a, {long}, b]' at 'tagKeys' failed to satisfy constraint: Member \
                 must satisfy constraint: [Member must have length less than or equal to 128, Member must have length \
                 greater than or equal to 1]"
            ),
        ),
        (
            "AddTagsToStream",
            json!({"StreamName": "s", "Tags": {"k": longer}}),
            format!(
                "1 validation error detected: Value '{{k={longer}}}' at 'tags' failed to satisfy constraint: Map value \
                 must satisfy constraint: [Member must have length less than or equal to 256, Member must have length \
                 greater than or equal to 0]"
            ),
        ),
        (
            "AddTagsToStream",
            json!({"StreamName": "s"}),
            "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"
                .to_owned(),
        ),
        (
            "ListTagsForStream",
            json!({"StreamName": "s", "Limit": 51}),
            "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value \
             less than or equal to 50"
                .to_owned(),
        ),
        (
            "UpdateMaxRecordSize",
            json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 10_241}),
            "1 validation error detected: Value '10241' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member \
             must have value less than or equal to 10240"
                .to_owned(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "t", "ShardCount": 1, "MaxRecordSizeInKiB": 1023}),
            "1 validation error detected: Value '1023' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member \
             must have value greater than or equal to 1024"
                .to_owned(),
        ),
        (
            "StartStreamEncryption",
            json!({"StreamName": "s", "EncryptionType": "AES"}),
            "2 validation errors detected: Value 'AES' at 'encryptionType' failed to satisfy constraint: Member must \
             satisfy enum value set: [NONE, KMS]; Value null at 'keyId' failed to satisfy constraint: Member must not \
             be null"
                .to_owned(),
        ),
        (
            "DescribeStreamConsumer",
            json!({"ConsumerARN": ARN}),
            format!(
                "1 validation error detected: Value '{ARN}' at 'consumerARN' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: ^(arn):aws.*:kinesis:.*:\\d{{12}}:.*stream\\/[a-zA-Z0-9_.-]+\
                 \\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+"
            ),
        ),
        (
            "UpdateAccountSettings",
            json!({"MinimumThroughputBillingCommitment": {}}),
            "1 validation error detected: Value null at 'minimumThroughputBillingCommitment.status' failed to satisfy \
             constraint: Member must not be null"
                .to_owned(),
        ),
    ] {
        check(&server, operation, &input, "ValidationException", &message);
    }
}

/// Protects: E38, E41 and E42, E39 for a policy, E50; consumers that are there, not there, or not ready.
#[test]
fn consumers_and_policies() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    server.clock.advance(Duration::from_millis(500));
    let register = json!({"StreamARN": ARN, "ConsumerName": "c"});
    let registered = server.call("RegisterStreamConsumer", &register).json();
    let arn = registered["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned();
    let exists = "Consumer c under stream s already exists for account 000000000000.";
    check(&server, "RegisterStreamConsumer", &register, "ResourceInUseException", exists);

    let creating = "Consumer c with creation timestamp 1700000000 under stream s and account 000000000000 is not in \
                    ACTIVE status.";
    let policy = json!({"ResourceARN": arn, "Policy": "{}"});
    check(&server, "PutResourcePolicy", &policy, "ResourceInUseException", creating);

    let other = format!("{ARN}/consumer/c:1700000001");
    let unknown = format!("Consumer {other}, account 000000000000 not found.");
    for operation in ["DescribeStreamConsumer", "DeregisterStreamConsumer"] {
        check(&server, operation, &json!({"ConsumerARN": other}), "ResourceNotFoundException", &unknown);
        for stream in [ARN, NOPE_ARN] {
            let message = "Consumer x, account 000000000000 not found.";
            let input = json!({"StreamARN": stream, "ConsumerName": "x"});
            check(&server, operation, &input, "ResourceNotFoundException", message);
        }
        let input = json!({"StreamARN": ARN, "ConsumerARN": arn, "ConsumerName": "x"});
        let message = "ConsumerARN, StreamARN and ConsumerName do not name the same consumer.";
        check(&server, operation, &input, "InvalidArgumentException", message);
        let message = "Either ConsumerARN or both StreamARN and ConsumerName should be provided.";
        check(&server, operation, &json!({"StreamARN": ARN}), "InvalidArgumentException", message);
    }
    for (operation, input) in [
        ("TagResource", json!({"ResourceARN": other, "Tags": {"a": "b"}})),
        ("ListTagsForResource", json!({"ResourceARN": other})),
        ("GetResourcePolicy", json!({"ResourceARN": other})),
    ] {
        check(&server, operation, &input, "ResourceNotFoundException", &unknown);
    }
    for arn in [ARN, &arn] {
        let message = format!("No resource policy found for resource ARN {arn}.");
        let input = json!({"ResourceARN": arn});
        check(&server, "DeleteResourcePolicy", &input, "ResourceNotFoundException", &message);
    }
    let message = "DeleteStream can\u{2019}t delete 000000000000:s because there are consumers associated with this \
                   data stream. To delete s anyway, set the EnforceConsumerDeletion parameter to true to force the \
                   deletion of all the consumers that are associated with it.";
    for enforce in [json!(null), json!(false)] {
        let input = json!({"StreamName": "s", "EnforceConsumerDeletion": enforce});
        check(&server, "DeleteStream", &input, "ResourceInUseException", message);
    }
}

/// Protects: E52, the sixth consumer CREATING and the twenty-first in all.
#[test]
fn consumer_quotas() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    server.clock.advance(Duration::from_millis(500));
    let register = |number: u32| json!({"StreamARN": ARN, "ConsumerName": format!("c{number}")});
    for number in 0..20 {
        if number == 5 {
            let message = "This request would exceed the limit of 5 consumers in CREATING status for stream s under \
                           account 000000000000.";
            check(&server, "RegisterStreamConsumer", &register(5), "LimitExceededException", message);
        }
        if number % 5 == 0 {
            server.clock.advance(Duration::from_millis(500));
        }
        assert_eq!(server.call("RegisterStreamConsumer", &register(number)).status, 200, "{number}");
    }
    server.clock.advance(Duration::from_millis(500));
    let message = "This request would exceed the limit of 20 registered consumers for stream s under account 000000000000.";
    check(&server, "RegisterStreamConsumer", &register(20), "LimitExceededException", message);
}

/// Protects: E46, and that a day later it is allowed again.
#[test]
fn daily_quotas() {
    let server = TestServer::with_stream(1);
    let mode = |mode: &str| json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": mode}});
    for to in ["ON_DEMAND", "ON_DEMAND", "PROVISIONED", "PROVISIONED"] {
        assert_eq!(
            server.call("UpdateStreamMode", &mode(to)).both(),
            (200, ""),
            "the same mode does not count"
        );
    }
    let limit = |operation: &str, times: u32| {
        format!(
            "{operation} was called {times} times on stream s under account 000000000000 within the last 24 hours, \
             which is its limit."
        )
    };
    check(
        &server,
        "UpdateStreamMode",
        &mode("ON_DEMAND"),
        "LimitExceededException",
        &limit("UpdateStreamMode", 2),
    );
    let key = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/k"});
    for _ in 0..25 {
        assert_eq!(server.call("StartStreamEncryption", &key).both(), (200, ""));
        assert_eq!(server.call("StopStreamEncryption", &key).both(), (200, ""));
        assert_eq!(server.call("StopStreamEncryption", &key).both(), (200, ""), "there was nothing to stop");
    }
    let message = limit("StartStreamEncryption", 25);
    check(&server, "StartStreamEncryption", &key, "LimitExceededException", &message);
    server.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(server.call("UpdateStreamMode", &mode("ON_DEMAND")).both(), (200, ""));
    for _ in 0..25 {
        assert_eq!(server.call("StartStreamEncryption", &key).both(), (200, ""));
        assert_eq!(server.call("StopStreamEncryption", &key).both(), (200, ""));
    }
}

/// Protects: what is said of keys that there cannot be (E49), and of an encryption type that is none.
#[test]
fn keys() {
    let server = TestServer::with_stream(1);
    let start = |key_id: &str| json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": key_id});
    check(&server, "StartStreamEncryption", &start("x"), "KMSNotFoundException", "Invalid keyId x");
    let elsewhere = "arn:aws:kms:eu-west-1:123456789012:alias/a";
    check(
        &server,
        "StartStreamEncryption",
        &start(elsewhere),
        "KMSNotFoundException",
        "Invalid arn eu-west-1",
    );
    let none = json!({"StreamName": "s", "EncryptionType": "NONE", "KeyId": "alias/a"});
    for operation in ["StartStreamEncryption", "StopStreamEncryption"] {
        check(&server, operation, &none, "InvalidArgumentException", "EncryptionType must be KMS.");
    }
}

/// Protects: what only on-demand streams, and only those of an account with a commitment, can have.
#[test]
fn modes() {
    let server = TestServer::with(Config { shard_limit: Limit::At(5), ..config() });
    server.create("s", 2);
    let provisioned = "Request is invalid. Stream s under account 000000000000 is in Provisioned mode.";
    let warm = json!({"StreamName": "s", "WarmThroughputMiBps": 10});
    check(&server, "UpdateStreamWarmThroughput", &warm, "ValidationException", provisioned);
    let auto = json!({"StreamARN": ARN, "RecordDistributionStrategy": "AUTO"});
    let message = |name: &str| {
        format!(
            "RecordDistributionStrategy AUTO is not supported on stream {name} under account 000000000000, which is \
             in Provisioned mode."
        )
    };
    let operation = "UpdateStreamRecordDistributionStrategy";
    check(&server, operation, &auto, "InvalidArgumentException", &message("s"));
    let create = json!({"StreamName": "t", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"});
    check(&server, "CreateStream", &create, "InvalidArgumentException", &message("t"));

    let commitment = "Warm throughput can only be set while MinimumThroughputBillingCommitment is enabled for account 000000000000.";
    let create = json!({"StreamName": "d", "WarmThroughputMiBps": 10});
    check(&server, "CreateStream", &create, "ValidationException", commitment);
    assert_eq!(server.call("CreateStream", &json!({"StreamName": "d"})).both(), (200, ""));
    let warm = json!({"StreamName": "d", "WarmThroughputMiBps": 10});
    check(&server, "UpdateStreamWarmThroughput", &warm, "ValidationException", commitment);
    let enable = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    assert_eq!(server.call("UpdateAccountSettings", &enable).status, 200);
    let warm = json!({"StreamName": "d", "WarmThroughputMiBps": 10_241});
    let message =
        "Requested warm throughput (10241 MiBps) exceeds the maximum of 10240 MiBps for an on-demand stream.";
    check(&server, "UpdateStreamWarmThroughput", &warm, "LimitExceededException", message);

    // Four shards of the on-demand stream beside the two that are there are more than five.
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/d";
    let mode = json!({"StreamARN": arn, "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    let message = "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard \
                   count for the account: 2. Limit: 5. Number of additional shards that would have resulted from this \
                   request: 4. Refer to the AWS Service Limits page \
                   (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
                   request higher limits.";
    check(&server, "UpdateStreamMode", &mode, "LimitExceededException", message);
}

/// Protects: the quota of on-demand streams, by creation and by a change of mode.
#[test]
fn on_demand_quota() {
    let server = TestServer::with(Config { on_demand_stream_count_limit: Limit::At(1), ..config() });
    server.create("s", 1);
    assert_eq!(server.call("CreateStream", &json!({"StreamName": "d"})).both(), (200, ""));
    let message = "This request would exceed the on-demand stream limit for the account. Limit: 1.";
    check(&server, "CreateStream", &json!({"StreamName": "e"}), "LimitExceededException", message);
    let mode = json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    check(&server, "UpdateStreamMode", &mode, "LimitExceededException", message);
}

/// Protects: tokens of ListStreamConsumers that were damaged, are another stream's, or too old (E51).
#[test]
fn consumer_tokens() {
    let server = TestServer::with_stream(1);
    server.create("t", 1);
    for name in ["a", "b"] {
        let register = json!({"StreamARN": ARN, "ConsumerName": name});
        assert_eq!(server.call("RegisterStreamConsumer", &register).status, 200);
    }
    let page = server.call("ListStreamConsumers", &json!({"StreamARN": ARN, "MaxResults": 1})).json();
    let token = page["NextToken"].as_str().expect("a second page");
    let invalid = "Invalid NextToken.";
    let other = json!({"StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/t", "NextToken": token});
    check(&server, "ListStreamConsumers", &other, "InvalidArgumentException", invalid);
    let damaged = json!({"StreamARN": ARN, "NextToken": &token[..token.len() - 4]});
    check(&server, "ListStreamConsumers", &damaged, "InvalidArgumentException", invalid);
    let shards = json!({"NextToken": token});
    check(&server, "ListShards", &shards, "InvalidArgumentException", invalid);
    let created = json!({"StreamARN": ARN, "NextToken": token, "StreamCreationTimestamp": 1_700_000_000});
    let message = "NextToken and StreamCreationTimestamp cannot be provided together.";
    check(&server, "ListStreamConsumers", &created, "InvalidArgumentException", message);
    let created = json!({"StreamARN": ARN, "StreamCreationTimestamp": 1_700_000_001});
    let message = "Stream s under account 000000000000 not found.";
    check(&server, "ListStreamConsumers", &created, "ResourceNotFoundException", message);
    server.clock.advance(Duration::from_millis(300_001));
    let late = json!({"StreamARN": ARN, "NextToken": token});
    let message = "The pagination token passed to the operation is expired.";
    check(&server, "ListStreamConsumers", &late, "ExpiredNextTokenException", message);
}
