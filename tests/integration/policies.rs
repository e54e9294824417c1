//! Resource policies: kept to the letter, told, deleted; of streams and of consumers. And in force, where signatures are
//! required.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shardmill::operation::Operation;

use crate::client::Answer;
use crate::setup::{JSON, TestServer, shard_id};
use crate::signer::{GUEST, OWNER, PASSING, Signer};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// Protects: a policy comes back byte for byte, a second one replaces the first, and without one `{}` is told.
#[test]
fn kept_to_the_letter() {
    let server = TestServer::with_stream(1);
    let register = json!({"StreamARN": ARN, "ConsumerName": "c"});
    let consumer = server.call("RegisterStreamConsumer", &register).json();
    let consumer = consumer["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned();
    for arn in [ARN, &consumer] {
        let get = || server.call("GetResourcePolicy", &json!({"ResourceARN": arn})).json();
        assert_eq!(get(), json!({"Policy": "{}"}));
        for policy in ["{\"Version\" : \"2012-10-17\",\n \"Statement\":[]}", "{\"é\":\"\\u00e9\"}"] {
            let put = json!({"ResourceARN": arn, "Policy": policy});
            assert_eq!(server.call("PutResourcePolicy", &put).both(), (200, ""));
            assert_eq!(get(), json!({"Policy": policy}));
        }
    }
    assert_eq!(server.call("DeleteResourcePolicy", &json!({"ResourceARN": ARN})).both(), (200, ""));
    let policy = |arn| server.call("GetResourcePolicy", &json!({"ResourceARN": arn})).json()["Policy"].take();
    assert_eq!((policy(ARN), policy(&consumer)), (json!("{}"), json!("{\"é\":\"\\u00e9\"}")));
}

/// The owner's stream.
const OWNED: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/s";
/// A consumer that it does not have.
const NOBODY: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/s/consumer/c:1";
/// Operations that are about the caller's own account.
const ABOUT_CALLERS: [&str; 5] =
    ["CreateStream", "DescribeAccountSettings", "DescribeLimits", "ListStreams", "UpdateAccountSettings"];

/// A policy that says this of all that a principal may do to a resource.
fn policy(effect: &str, principal: &str, action: &str, resource: &str) -> String {
    let statement =
        json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn set_policy(server: &TestServer, arn: &str, policy: &str) {
    let put = json!({"ResourceARN": arn, "Policy": policy});
    assert_eq!(server.call_as(OWNER, "PutResourcePolicy", &put).both(), (200, ""));
}

/// A consumer of the owner's stream.
fn consumer(server: &TestServer) -> String {
    let register = json!({"StreamARN": OWNED, "ConsumerName": "c"});
    let registered = server.call_as(OWNER, "RegisterStreamConsumer", &register).json();
    registered["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned()
}

/// Somewhere in the owner's stream.
fn iterator(server: &TestServer, signer: Signer) -> Answer {
    let place = json!({"StreamARN": OWNED, "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
    server.call_as(signer, "GetShardIterator", &place)
}

/// A request of each operation about the owner's stream or its consumer, and which of them it is about.
fn requests<'a>(iterator: &Value, token: &Value, consumer: &'a str) -> Vec<(&'static str, Value, &'a str)> {
    let record = json!({"Data": "AA==", "PartitionKey": "k"});
    let named = |arn: &str| json!({"ResourceARN": arn});
    let on_stream = [
        ("AddTagsToStream", json!({"Tags": {"a": "b"}})),
        ("DecreaseStreamRetentionPeriod", json!({"RetentionPeriodHours": 24})),
        ("DescribeStream", json!({})),
        ("DescribeStreamSummary", json!({})),
        ("DisableEnhancedMonitoring", json!({"ShardLevelMetrics": ["ALL"]})),
        ("EnableEnhancedMonitoring", json!({"ShardLevelMetrics": ["ALL"]})),
        ("GetRecords", json!({"ShardIterator": iterator})),
        ("GetShardIterator", json!({"ShardId": shard_id(0), "ShardIteratorType": "LATEST"})),
        ("IncreaseStreamRetentionPeriod", json!({"RetentionPeriodHours": 25})),
        ("ListShards", json!({})),
        ("ListStreamConsumers", json!({})),
        ("ListTagsForStream", json!({})),
        ("MergeShards", json!({"ShardToMerge": shard_id(0), "AdjacentShardToMerge": shard_id(1)})),
        ("PutRecord", record.clone()),
        ("PutRecords", json!({"Records": [record]})),
        ("RegisterStreamConsumer", json!({"ConsumerName": "d"})),
        ("RemoveTagsFromStream", json!({"TagKeys": ["a"]})),
        ("SplitShard", json!({"ShardToSplit": shard_id(0), "NewStartingHashKey": "10"})),
        ("StartStreamEncryption", json!({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"})),
        ("StopStreamEncryption", json!({"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"})),
        ("UpdateMaxRecordSize", json!({"MaxRecordSizeInKiB": 1024})),
        ("UpdateShardCount", json!({"TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"})),
        ("UpdateStreamMode", json!({"StreamModeDetails": {"StreamMode": "PROVISIONED"}})),
        (
            "UpdateStreamRecordDistributionStrategy",
            json!({"RecordDistributionStrategy": "USER_PARTITION_KEY"}),
        ),
        ("UpdateStreamWarmThroughput", json!({"WarmThroughputMiBps": 1})),
        ("DeleteStream", json!({})),
    ];
    let on_stream = on_stream.map(|(operation, mut input)| {
        input["StreamARN"] = OWNED.into();
        (operation, input, OWNED)
    });
    let start =
        json!({"ConsumerARN": consumer, "ShardId": shard_id(9), "StartingPosition": {"Type": "LATEST"}});
    let others = [
        ("GetRecords", json!({"ShardIterator": iterator}), OWNED),
        ("ListShards", json!({"NextToken": token}), OWNED),
        ("TagResource", json!({"ResourceARN": OWNED, "Tags": {"a": "b"}}), OWNED),
        ("UntagResource", json!({"ResourceARN": consumer, "TagKeys": ["a"]}), consumer),
        ("ListTagsForResource", named(consumer), consumer),
        ("PutResourcePolicy", json!({"ResourceARN": consumer, "Policy": "x"}), consumer),
        ("GetResourcePolicy", named(OWNED), OWNED),
        (
            "DeleteResourcePolicy",
            named(&OWNED.replace("/s", "/t")),
            "arn:aws:kinesis:us-east-1:111111111111:stream/t",
        ),
        ("SubscribeToShard", start, consumer),
        ("DescribeStreamConsumer", json!({"ConsumerARN": NOBODY}), NOBODY),
        ("DescribeStreamConsumer", json!({"ConsumerARN": consumer}), consumer),
        ("DescribeStreamConsumer", json!({"StreamARN": OWNED, "ConsumerName": "c"}), consumer),
        ("DescribeStreamConsumer", json!({"StreamARN": OWNED, "ConsumerName": "nobody"}), OWNED),
        ("DeregisterStreamConsumer", json!({"StreamARN": OWNED, "ConsumerName": "c"}), consumer),
    ];
    others.into_iter().chain(on_stream).collect()
}

/// Protects: no operation is open to another account without a policy, by whatever member it names its resource, and
/// every one is with it; the table of requests knows them all.
#[test]
fn every_operation_asks_the_policy() {
    let server = TestServer::signed_with_stream();
    server.call_as(
        OWNER,
        "UpdateShardCount",
        &json!({"StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}),
    );
    let consumer = consumer(&server);
    let iterator = iterator(&server, OWNER).json()["ShardIterator"].take();
    let token =
        server.call_as(OWNER, "ListShards", &json!({"StreamName": "s", "MaxResults": 1})).json()["NextToken"]
            .take();
    let requests = requests(&iterator, &token, &consumer);
    let built: BTreeSet<_> = Operation::ALL.iter().filter(|of| of.is_built()).map(|of| of.name()).collect();
    let asked = requests.iter().map(|(operation, ..)| *operation).chain(ABOUT_CALLERS);
    assert_eq!(asked.collect::<BTreeSet<_>>(), built);
    for (operation, input, arn) in &requests {
        let message = format!(
            "User: arn:aws:iam::222222222222:user/guest is not authorized to perform: kinesis:{operation} on resource: \
             {arn} because no resource-based policy allows the kinesis:{operation} action"
        );
        let refused = json!({"__type": "AccessDeniedException", "message": message});
        let answer = server.call_as(GUEST, operation, input);
        assert_eq!((answer.status, answer.json()), (400, refused), "{operation} {input}");
    }
    for arn in [OWNED, &consumer] {
        set_policy(&server, arn, &policy("Allow", "222222222222", "kinesis:*", &format!("{OWNED}*")));
    }
    for (operation, input, _) in requests.iter().filter(|(_, _, arn)| [OWNED, &consumer].contains(arn)) {
        for signer in [PASSING, GUEST] {
            let answer = server.call_as(signer, operation, input);
            assert!(!answer.text().contains("AccessDenied"), "{operation} {input}: {}", answer.text());
        }
    }
}

/// Protects: what is a caller's own stays open: operations without a resource, and resources of the account, other users
/// of it among them.
#[test]
fn own_resources_need_no_policy() {
    let server = TestServer::signed_with_stream();
    let create = json!({"StreamName": "s", "ShardCount": 1});
    assert_eq!(server.call_as(GUEST, "CreateStream", &create).both(), (200, ""));
    for operation in ["ListStreams", "DescribeLimits", "DescribeAccountSettings"] {
        assert_eq!(server.call_as(GUEST, operation, &json!({})).status, 200, "{operation}");
    }
    let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"});
    assert_eq!(server.call_as(PASSING, "PutRecord", &put).status, 200);
}

/// Protects: a subscription was permitted when it was asked for: it goes on without its policy, and the next one is refused.
#[test]
fn subscriptions_outlive_their_policy() {
    let server = TestServer::signed_with_stream();
    let consumer = consumer(&server);
    set_policy(&server, &consumer, &policy("Allow", "222222222222", "kinesis:SubscribeToShard", &consumer));
    let start =
        json!({"ConsumerARN": consumer, "ShardId": shard_id(0), "StartingPosition": {"Type": "LATEST"}});
    let mut subscription = server.connect();
    subscription.send(GUEST.post("SubscribeToShard", JSON, start.to_string().as_bytes()));
    assert_eq!(subscription.begin_answer().status, 200);
    server.call_as(OWNER, "DeleteResourcePolicy", &json!({"ResourceARN": consumer}));
    let put = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"});
    assert_eq!(server.call_as(OWNER, "PutRecord", &put).status, 200);
    loop {
        let event = subscription.chunk().expect("a subscription that goes on");
        if String::from_utf8_lossy(&event).contains("\"Data\":\"AA==\"") {
            break;
        }
    }
    let refused = server.call_as(GUEST, "SubscribeToShard", &start).json();
    assert_eq!(refused["__type"], "AccessDeniedException");
}

/// Protects: an iterator and a token are no permission: what the owner was given is not good for others, and what others
/// were given is not good any more once the policy is gone. A denial holds for the owner's users as well.
#[test]
fn policies_hold_at_every_call() {
    let server = TestServer::signed_with_stream();
    set_policy(&server, OWNED, &policy("Allow", "222222222222", "kinesis:Get*", OWNED));
    let iterator = iterator(&server, GUEST).json()["ShardIterator"].take();
    let get = |signer| server.call_as(signer, "GetRecords", &json!({"ShardIterator": iterator})).status;
    assert_eq!(get(GUEST), 200);
    server.call_as(OWNER, "DeleteResourcePolicy", &json!({"ResourceARN": OWNED}));
    assert_eq!((get(GUEST), get(OWNER)), (400, 200));
    set_policy(
        &server,
        OWNED,
        &policy("Deny", "arn:aws:iam::111111111111:user/owner", "kinesis:GetRecords", OWNED),
    );
    assert_eq!(get(OWNER), 400);
}
