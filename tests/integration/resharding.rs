//! SplitShard, MergeShards and UpdateShardCount over the wire, to the letter: states, lineage, numbers, refusals, and the
//! end of a closed shard as readers meet it. Sequence numbers were made from reference 5.4 by other means than the
//! server's.

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::{Config, Limit};

use crate::client::Answer;
use crate::setup::{START_MS, TestServer, config, shard_id};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const HALF: &str = "170141183460469231731687303715884105728";
const BELOW_HALF: &str = "170141183460469231731687303715884105727";
const LAST: &str = "340282366920938463463374607431768211455";

/// Of shard 0, created at 1700000000: where it starts, its first record, and its end if it is closed then.
const START_0: &str = "49646437577108476416916876405825929425585429676275269634";
const ENDING_0: &str = "49646437577119626789516141717395488358902139227853553666";
/// Where shards 1 and 2 start that were created at 1700000001.
const START_1: &str = "49646437577487589085291896999232036636220451890596413458";
const START_2: &str = "49646437577509889830490427622373572354493100252102393890";

fn split(shard: &str, key: &str) -> Value {
    json!({"StreamName": "s", "ShardToSplit": shard, "NewStartingHashKey": key})
}

fn merge(shard: &str, adjacent: &str) -> Value {
    json!({"StreamName": "s", "ShardToMerge": shard, "AdjacentShardToMerge": adjacent})
}

fn update(target: i64) -> Value {
    json!({"StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"})
}

fn with_transition(shards: u32) -> TestServer {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", shards);
    server.clock.advance(Duration::from_millis(500));
    server
}

impl TestServer {
    /// Calls an operation that answers with an empty body.
    fn done(&self, operation: &str, input: &Value) {
        assert_eq!(self.call(operation, input).both(), (200, ""), "{operation} {input}");
    }

    fn shards(&self) -> Vec<Value> {
        let answer = self.call("ListShards", &json!({"StreamName": "s"}));
        answer.json()["Shards"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
    }

    /// Indices of all shards, and of those that are open.
    fn counts(&self) -> (usize, usize) {
        let shards = self.shards();
        let is_open = |shard: &&Value| shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
        (shards.len(), shards.iter().filter(is_open).count())
    }

    fn status(&self) -> String {
        let answer = self.call("DescribeStreamSummary", &json!({"StreamName": "s"}));
        answer.json()["StreamDescriptionSummary"]["StreamStatus"].as_str().unwrap_or_default().to_owned()
    }

    fn put(&self, hash_key: &str) -> Value {
        let input =
            json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k", "ExplicitHashKey": hash_key});
        let answer = self.call("PutRecord", &input);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn iterator(&self, input: &Value) -> Answer {
        let mut input = input.clone();
        input["StreamName"] = json!("s");
        self.call("GetShardIterator", &input)
    }
}

fn error(name: &str, message: &str) -> String {
    json!({"__type": name, "message": message}).to_string()
}

/// Protects: a split as listings tell it, member for member; and its empty answer.
#[test]
fn a_split() {
    let server = TestServer::with_stream(1);
    server.done("SplitShard", &split("shard-0", HALF));
    let shard = |index: u32, parent: &str, range: (&str, &str), start: &str, ending: &str| {
        format!(
            "{{\"ShardId\":\"{}\",{parent}\"HashKeyRange\":{{\"StartingHashKey\":\"{}\",\"EndingHashKey\":\"{}\"}},\
             \"SequenceNumberRange\":{{\"StartingSequenceNumber\":\"{start}\"{ending}}}}}",
            shard_id(index),
            range.0,
            range.1
        )
    };
    let ending = format!(",\"EndingSequenceNumber\":\"{ENDING_0}\"");
    let parent = "\"ParentShardId\":\"shardId-000000000000\",";
    let shards = [
        shard(0, "", ("0", LAST), START_0, &ending),
        shard(1, parent, ("0", BELOW_HALF), START_1, ""),
        shard(2, parent, (HALF, LAST), START_2, ""),
    ];
    let answer = server.call("ListShards", &json!({"StreamName": "s"}));
    assert_eq!(answer.both(), (200, format!("{{\"Shards\":[{}]}}", shards.join(",")).as_str()));
    let described = server.call("DescribeStream", &json!({"StreamName": "s"}));
    assert_eq!(described.json()["StreamDescription"]["Shards"], answer.json()["Shards"]);
    let page = server.call("DescribeStream", &json!({"StreamName": "s", "Limit": 2})).json();
    assert_eq!(page["StreamDescription"]["Shards"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["StreamDescription"]["HasMoreShards"], true);
}

/// Protects: a merge has two parents, in the order of the request, whichever has the lower keys.
#[test]
fn merges_in_either_order() {
    for (shard, adjacent) in [(0, 1), (1, 0)] {
        let server = TestServer::with_stream(2);
        server.done("MergeShards", &merge(&shard_id(shard), &shard_id(adjacent)));
        let merged = server.shards()[2].clone();
        assert_eq!(merged["ParentShardId"], shard_id(shard));
        assert_eq!(merged["AdjacentParentShardId"], shard_id(adjacent));
        assert_eq!(merged["HashKeyRange"], json!({"StartingHashKey": "0", "EndingHashKey": LAST}));
        assert_eq!(server.counts(), (3, 1));
    }
}

/// Protects: UPDATING to the millisecond: the old shards are listed and take writes, every further change is E3; then
/// ACTIVE, and writes go to the children.
#[test]
fn updating() {
    let server = with_transition(1);
    server.done("SplitShard", &split("0", HALF));
    server.clock.advance(Duration::from_millis(499));
    assert_eq!((server.status().as_str(), server.counts()), ("UPDATING", (1, 1)));
    let stored = server.put(HALF);
    assert_eq!(stored["ShardId"], shard_id(0));
    let message = "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING";
    let in_use = error("ResourceInUseException", message);
    for (operation, input) in [
        ("SplitShard", split("0", HALF)),
        ("MergeShards", merge("0", "0")),
        ("UpdateShardCount", update(1)),
        ("DeleteStream", json!({"StreamName": "s"})),
    ] {
        assert_eq!(server.call(operation, &input).both(), (400, in_use.as_str()), "{operation}");
    }
    server.clock.advance(Duration::from_millis(1));
    assert_eq!((server.status().as_str(), server.counts()), ("ACTIVE", (3, 2)));
    let next = server.put(HALF);
    assert_eq!(next["ShardId"], shard_id(2));
    assert!(next["SequenceNumber"].as_str() > stored["SequenceNumber"].as_str(), "numbers of one length");
}

/// Protects: while a stream is CREATING, a split is E3 (reference 5.6, recorded).
#[test]
fn creating() {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    let message = "Stream s under account 000000000000 not ACTIVE, instead in state CREATING";
    let expected = error("ResourceInUseException", message);
    assert_eq!(server.call("SplitShard", &split("0", HALF)).both(), (400, expected.as_str()));
    assert_eq!(server.call("MergeShards", &merge("0", "1")).both(), (400, expected.as_str()));
}

/// Protects: the end of a closed shard: no iterator, and the children with the parents of each, in the answer with the
/// last records and in any later one; before it, an iterator and no children (reference 7.2, 15.1).
#[test]
fn the_end_of_a_closed_shard() {
    let server = TestServer::with_stream(1);
    server.put("0");
    server.put("0");
    server.done("SplitShard", &split("0", HALF));
    let mut connection = server.connect();
    let at = connection.trim_horizon(0);
    let first = connection.call("GetRecords", &json!({"ShardIterator": at, "Limit": 1})).json();
    assert!(first["NextShardIterator"].is_string() && first.get("ChildShards").is_none(), "{first}");
    let children = format!(
        "[{{\"ShardId\":\"shardId-000000000001\",\"ParentShards\":[\"shardId-000000000000\"],\
         \"HashKeyRange\":{{\"StartingHashKey\":\"0\",\"EndingHashKey\":\"{BELOW_HALF}\"}}}},\
         {{\"ShardId\":\"shardId-000000000002\",\"ParentShards\":[\"shardId-000000000000\"],\
         \"HashKeyRange\":{{\"StartingHashKey\":\"{HALF}\",\"EndingHashKey\":\"{LAST}\"}}}}]"
    );
    let last = connection.call("GetRecords", &json!({"ShardIterator": first["NextShardIterator"]}));
    assert_eq!(last.json()["Records"].as_array().map(Vec::len), Some(1));
    assert!(
        last.text().ends_with(&format!("],\"MillisBehindLatest\":0,\"ChildShards\":{children}}}")),
        "{last:?}"
    );
    assert!(last.json().get("NextShardIterator").is_none());
    let latest = server.iterator(&json!({"ShardId": "0", "ShardIteratorType": "LATEST"})).json();
    let answer = connection.call("GetRecords", &json!({"ShardIterator": latest["ShardIterator"]}));
    let expected = format!("{{\"Records\":[],\"MillisBehindLatest\":0,\"ChildShards\":{children}}}");
    assert_eq!(answer.both(), (200, expected.as_str()));
    server.done("MergeShards", &merge("1", "2"));
    let at = connection.trim_horizon(1);
    let answer = connection.call("GetRecords", &json!({"ShardIterator": at})).json();
    let merged = json!([{
        "ShardId": shard_id(3),
        "ParentShards": [shard_id(1), shard_id(2)],
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": LAST},
    }]);
    assert_eq!(answer["ChildShards"], merged);
}

/// Protects: an iterator that was taken while the shard was open goes on to its end, also one at the tip.
#[test]
fn iterators_outlive_the_close() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let at = connection.trim_horizon(0);
    let tip =
        connection.call("GetRecords", &json!({"ShardIterator": at})).json()["NextShardIterator"].clone();
    server.put("0");
    server.done("SplitShard", &split("0", HALF));
    server.put("0");
    let answer = connection.call("GetRecords", &json!({"ShardIterator": tip})).json();
    assert_eq!(answer["Records"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["ChildShards"].as_array().map(Vec::len), Some(2));
}

/// Protects: the ending number of a closed shard is a place to start at, and what it holds is read by every type of
/// iterator until it has expired; then it is E6, and gone from listings.
#[test]
fn closed_shards_until_they_expire() {
    let server = TestServer::with_stream(1);
    let stored = server.put("0");
    server.done("SplitShard", &split("0", HALF));
    server.clock.advance(Duration::from_secs(2));
    let number = stored["SequenceNumber"].clone();
    for (more, records) in [
        (json!({"ShardIteratorType": "TRIM_HORIZON"}), 1),
        (json!({"ShardIteratorType": "LATEST"}), 0),
        (json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": number}), 1),
        (json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": number}), 0),
        (json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": ENDING_0}), 0),
        (json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": ENDING_0}), 0),
        (json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": START_MS / 1000}), 1),
        (json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": START_MS / 1000 + 1}), 0),
    ] {
        let mut input = more.clone();
        input["ShardId"] = json!("0");
        let at = server.iterator(&input).json()["ShardIterator"].clone();
        let answer = server.call("GetRecords", &json!({"ShardIterator": at})).json();
        assert_eq!(answer["Records"].as_array().map(Vec::len), Some(records), "{more}");
        assert_eq!(answer["ChildShards"].as_array().map(Vec::len), Some(2), "{more}");
    }
    server.clock.advance(DAY - Duration::from_millis(1_001));
    let at = server.connect().trim_horizon(0);
    assert_eq!(server.counts(), (3, 2));
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.counts(), (2, 2));
    let gone = error(
        "ResourceNotFoundException",
        "Shard shardId-000000000000 in stream s under account 000000000000 does not exist",
    );
    assert_eq!(server.call("GetRecords", &json!({"ShardIterator": at})).both(), (400, gone.as_str()));
    let again = server.iterator(&json!({"ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"}));
    assert_eq!(again.both(), (400, gone.as_str()));
    assert_eq!(
        server.shards()[0]["ParentShardId"],
        shard_id(0),
        "children keep the name of one that is gone"
    );
}

/// Protects: the answer of UpdateShardCount, and the totals that AWS leaves (reference 8.3).
#[test]
fn update_shard_count() {
    for (initial, target, total) in [(2, 4, 6), (4, 5, 15), (10, 13, 37), (5, 3, 7), (4, 2, 6)] {
        let server = TestServer::with_stream(initial);
        let expected = format!(
            "{{\"StreamName\":\"s\",\"CurrentShardCount\":{initial},\"TargetShardCount\":{target},\
             \"StreamARN\":\"arn:aws:kinesis:us-east-1:000000000000:stream/s\"}}"
        );
        let open = usize::try_from(target).unwrap();
        assert_eq!(server.call("UpdateShardCount", &update(target)).both(), (200, expected.as_str()));
        assert_eq!(server.counts(), (total, open), "{initial} to {target}");
        let same = server.call("UpdateShardCount", &update(target)).json();
        assert_eq!((same["CurrentShardCount"].as_i64(), server.counts()), (Some(target), (total, open)));
    }
}

/// Protects: a number that a shard just created has given, a second ahead of the clock, is one to order by.
#[test]
fn numbers_of_new_shards_order() {
    let server = TestServer::with_stream(1);
    server.done("SplitShard", &split("0", HALF));
    let first = server.put("0")["SequenceNumber"].clone();
    let input = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0",
        "SequenceNumberForOrdering": first});
    let second = server.call("PutRecord", &input).json()["SequenceNumber"].clone();
    assert!(second.as_str() > first.as_str(), "{first} {second}");
}

/// Protects: the arrival of a record in a shard just created, a second ahead of the clock, is a place to start at; a moment
/// later there is the future, as everywhere.
#[test]
fn arrivals_in_new_shards_are_places() {
    let server = TestServer::with_stream(1);
    server.done("SplitShard", &split("0", HALF));
    server.put("0");
    let mut connection = server.connect();
    let at = connection.trim_horizon(1);
    let record = connection.call("GetRecords", &json!({"ShardIterator": at})).json()["Records"][0].clone();
    let arrival = record["ApproximateArrivalTimestamp"].as_f64().unwrap();
    assert!(arrival * 1e3 > START_MS as f64, "{record}");
    let from = |shard: &str, timestamp: f64| {
        server
            .iterator(&json!({"ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": timestamp}))
    };
    let at = from("1", arrival).json()["ShardIterator"].clone();
    let again = connection.call("GetRecords", &json!({"ShardIterator": at})).json()["Records"][0].clone();
    assert_eq!(again, record);
    assert_eq!((from("1", arrival + 0.001).status, from("0", arrival).status), (400, 400));
}

fn check(server: &TestServer, operation: &str, input: &Value, name: &str, message: &str) {
    let answer = server.call(operation, input);
    assert_eq!(answer.both(), (400, error(name, message).as_str()), "{operation} {input}");
}

/// Protects: E1, E7, E24, E25 and E26.
#[test]
fn refusals() {
    let server = TestServer::with_stream(3);
    let (not_found, invalid) = ("ResourceNotFoundException", "InvalidArgumentException");
    let of = |mut input: Value, stream: &str| {
        input["StreamName"] = json!(stream);
        input
    };
    let no_stream = "Stream nope under account 000000000000 not found.";
    check(&server, "SplitShard", &of(split("0", "5"), "nope"), not_found, no_stream);
    check(&server, "MergeShards", &of(merge("0", "1"), "nope"), not_found, no_stream);
    check(&server, "UpdateShardCount", &of(update(2), "nope"), not_found, no_stream);
    // A shard id that cannot be read comes before the stream.
    let no_shard = |shard: &str, stream: &str| {
        format!("Could not find shard {shard} in stream {stream} under account 000000000000.")
    };
    check(&server, "SplitShard", &of(split("2.14E4", "5"), "nope"), not_found, &no_shard("2.14E4", "nope"));
    check(&server, "MergeShards", &of(merge("0", "x"), "nope"), not_found, &no_shard("x", "nope"));
    check(&server, "SplitShard", &split("shard-3", "5"), not_found, &no_shard(&shard_id(3), "s"));
    check(&server, "MergeShards", &merge("0", "3"), not_found, &no_shard(&shard_id(3), "s"));

    let end = "113427455640312821154458202477256070484";
    let above = "999999999999999999999999999999999999999";
    for key in ["0", "1", end, above] {
        let message = format!(
            "NewStartingHashKey {key} used in SplitShard() on shard shardId-000000000000 in stream s under account \
             000000000000 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's \
             EndingHashKey {end}."
        );
        check(&server, "SplitShard", &split("0", key), invalid, &message);
    }
    let message = "Shards shardId-000000000002 and shardId-000000000000 in stream s under account 000000000000 are not an \
                   adjacent pair of shards eligible for merging";
    check(&server, "MergeShards", &merge("2", "0"), invalid, message);
    server.done("SplitShard", &split("0", "2"));
    let message = "Shard shardId-000000000000 in stream s under account 000000000000 has already been merged or split, \
                   and thus is not eligible for merging or splitting.";
    check(&server, "SplitShard", &split("0", "5"), invalid, message);
    check(&server, "MergeShards", &merge("0", "1"), invalid, message);
    check(&server, "MergeShards", &merge("1", "0"), invalid, message);
}

/// Protects: E43 on a stream that the service shards itself, E44 to E46, and E4 with what was asked for.
#[test]
fn quotas() {
    let server = TestServer::with(Config { shard_limit: Limit::At(5), ..config() });
    server.create("s", 3);
    server.done("CreateStream", &json!({"StreamName": "d"}));
    let on_demand = "Request is invalid. Stream d under account 000000000000 is in On-Demand mode.";
    for (operation, mut input) in
        [("SplitShard", split("0", "5")), ("MergeShards", merge("0", "1")), ("UpdateShardCount", update(4))]
    {
        input["StreamName"] = json!("d");
        check(&server, operation, &input, "ValidationException", on_demand);
    }
    let limit = "LimitExceededException";
    let up = "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 3 \
              Target shard count: 7";
    check(&server, "UpdateShardCount", &update(7), limit, up);
    let down = "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: \
                3 Target shard count: 1";
    check(&server, "UpdateShardCount", &update(1), limit, down);
    let too_many = |open: u32, additional: u32| {
        format!(
            "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard count \
             for the account: {open}. Limit: 5. Number of additional shards that would have resulted from this \
             request: {additional}. Refer to the AWS Service Limits page \
             (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
             request higher limits."
        )
    };
    check(&server, "UpdateShardCount", &update(6), limit, &too_many(3, 3));
    for target in [4, 5].into_iter().cycle().take(10) {
        assert_eq!(server.call("UpdateShardCount", &update(target)).status, 200);
    }
    let newest = server.shards().last().map(|shard| shard["ShardId"].clone());
    let newest = newest.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    check(&server, "SplitShard", &split(&newest, "5"), limit, &too_many(5, 1));
    let often = "UpdateShardCount was called 10 times on stream s under account 000000000000 within the last 24 hours, \
                 which is its limit.";
    check(&server, "UpdateShardCount", &update(4), limit, often);
}

/// Protects: what the model asks of the members: presence, ranges, patterns, the one scaling type.
#[test]
fn members() {
    let server = TestServer::with_stream(1);
    let violation = |text: &str| format!("1 validation error detected: {text}");
    let null = |member: &str| {
        violation(&format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"))
    };
    let name = "ValidationException";
    let input = json!({"StreamName": "s", "ShardToSplit": "0"});
    check(&server, "SplitShard", &input, name, &null("newStartingHashKey"));
    let input = json!({"StreamName": "s", "ShardToMerge": "0"});
    check(&server, "MergeShards", &input, name, &null("adjacentShardToMerge"));
    let input = json!({"StreamName": "s", "TargetShardCount": 2});
    check(&server, "UpdateShardCount", &input, name, &null("scalingType"));
    let least = "Value '0' at 'targetShardCount' failed to satisfy constraint: Member must have value greater than or \
                 equal to 1";
    check(&server, "UpdateShardCount", &update(0), name, &violation(least));
    let mut input = update(2);
    input["ScalingType"] = json!("OTHER");
    let set = "Value 'OTHER' at 'scalingType' failed to satisfy constraint: Member must satisfy enum value set: \
               [UNIFORM_SCALING]";
    check(&server, "UpdateShardCount", &input, name, &violation(set));
    let mut by_arn = split("0", HALF);
    by_arn["StreamARN"] = json!("arn:aws:kinesis:us-east-1:000000000000:stream/s");
    server.done("SplitShard", &by_arn);
}
