//! Accounts and regions in one server, each for itself: streams, ARNs and quotas.

use serde_json::{Value, json};
use shardmill::config::{Config, Limit};
use shardmill::names::{AccountId, Region};

use crate::client::{Answer, request};
use crate::setup::{JSON, TestServer, config, target};

/// A caller: the credential that it signs with.
#[derive(Clone, Copy)]
struct Caller(&'static str);

impl Caller {
    fn call(self, server: &TestServer, operation: &str, input: &Value) -> Answer {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host;x-amz-date, Signature=abcdef",
            self.0
        );
        let target = target(operation);
        let fields = [
            ("Authorization", authorization.as_str()),
            ("X-Amz-Date", "20231114T221320Z"),
            ("Content-Type", JSON),
            ("X-Amz-Target", &target),
        ];
        let mut connection = server.connect();
        connection.send(request("POST /", &fields, input.to_string().as_bytes()));
        connection.answer()
    }

    fn create(self, server: &TestServer, name: &str, shards: u32) -> (u16, Value) {
        let answer = self.call(server, "CreateStream", &json!({"StreamName": name, "ShardCount": shards}));
        (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json() })
    }

    fn create_on_demand(self, server: &TestServer, name: &str) -> u16 {
        let mode = json!({"StreamName": name, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
        self.call(server, "CreateStream", &mode).status
    }

    fn arn(self, server: &TestServer, name: &str) -> String {
        let answer = self.call(server, "DescribeStreamSummary", &json!({"StreamName": name}));
        answer.json()["StreamDescriptionSummary"]["StreamARN"].as_str().expect("an ARN").to_owned()
    }

    fn limits(self, server: &TestServer) -> Value {
        self.call(server, "DescribeLimits", &json!({})).json()
    }
}

const IRELAND: Caller = Caller("111111111111/20231114/eu-west-1/kinesis/aws4_request");
const VIRGINIA: Caller = Caller("111111111111/20231114/us-east-1/kinesis/aws4_request");
const OTHER: Caller = Caller("222222222222/20231114/eu-west-1/kinesis/aws4_request");
/// Neither the access key nor the scope says where.
const NOWHERE: Caller = Caller("AKIDEXAMPLE/20231114");

/// A server whose own account and region are not the usual ones.
fn server() -> TestServer {
    let account = AccountId::parse("123456789012").unwrap();
    let region = Region::parse("ap-southeast-2").unwrap();
    TestServer::with(Config {
        account,
        region,
        shard_limit: Limit::At(2),
        on_demand_stream_count_limit: Limit::At(1),
        ..config()
    })
}

/// Protects: what one account uses up in one region is there for every other account and region, for shards and for
/// on-demand streams; and each is told its own numbers.
#[test]
fn quotas_are_apart() {
    let server = server();
    for caller in [IRELAND, VIRGINIA, OTHER, NOWHERE] {
        assert_eq!(caller.limits(&server)["OpenShardCount"], 0);
        assert_eq!(caller.create(&server, "full", 2), (200, Value::Null));
        let (status, refusal) = caller.create(&server, "more", 1);
        assert_eq!((status, &refusal["__type"]), (400, &json!("LimitExceededException")), "{refusal}");
        assert_eq!(caller.create_on_demand(&server, "first"), 200);
        assert_eq!(caller.create_on_demand(&server, "second"), 400);
        let expected = json!({"ShardLimit": 2, "OpenShardCount": 2, "OnDemandStreamCount": 1, "OnDemandStreamCountLimit": 1});
        assert_eq!(caller.limits(&server), expected);
    }
}

/// Protects: the account of a key of twelve digits, the region of the scope, and the server's own where a credential says
/// neither; in the ARN, and in who finds the stream.
#[test]
fn arns_tell_account_and_region() {
    let server = server();
    let all = [
        (IRELAND, "arn:aws:kinesis:eu-west-1:111111111111:stream/s"),
        (VIRGINIA, "arn:aws:kinesis:us-east-1:111111111111:stream/s"),
        (OTHER, "arn:aws:kinesis:eu-west-1:222222222222:stream/s"),
        (NOWHERE, "arn:aws:kinesis:ap-southeast-2:123456789012:stream/s"),
    ];
    for (caller, arn) in all {
        assert_eq!(caller.call(&server, "ListStreams", &json!({})).json()["StreamNames"], json!([]));
        assert_eq!(caller.create(&server, "s", 1).0, 200);
        assert_eq!(caller.arn(&server, "s"), arn);
    }
    assert_eq!(IRELAND.call(&server, "DeleteStream", &json!({"StreamName": "s"})).status, 200);
    for (caller, arn) in &all[1..] {
        assert_eq!(caller.arn(&server, "s"), *arn);
    }
}

/// Protects: the streams that exist from the start are the server's own, in its own region where none is said, and found
/// by those whose credentials say nothing else.
#[test]
fn initial_streams_are_the_servers_own() {
    let variables = [
        ("AWS_ACCOUNT_ID", "123456789012"),
        ("AWS_REGION", "eu-west-1"),
        ("INITIALIZE_STREAMS", "here:1,there:1:us-west-2"),
    ];
    let server = TestServer::with(crate::launch_forms::from_environment(&variables));
    assert_eq!(NOWHERE.arn(&server, "here"), "arn:aws:kinesis:eu-west-1:123456789012:stream/here");
    let there = Caller("AKIDEXAMPLE/20231114/us-west-2/kinesis/aws4_request");
    assert_eq!(there.arn(&server, "there"), "arn:aws:kinesis:us-west-2:123456789012:stream/there");
}
