//! Consumers: registered, described, listed, deregistered, and their end with their stream.

use std::time::Duration;

use serde_json::{Value, json};
use shardmill::config::Config;

use crate::setup::{TestServer, config};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

fn server() -> TestServer {
    let server = TestServer::with(Config { latency_ms: 500, ..config() });
    server.create("s", 1);
    server.clock.advance(Duration::from_millis(500));
    server
}

fn register(server: &TestServer, name: &str) -> String {
    let answer = server.call("RegisterStreamConsumer", &json!({"StreamARN": ARN, "ConsumerName": name}));
    answer.json()["Consumer"]["ConsumerARN"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn status(server: &TestServer, arn: &str) -> Value {
    let mut described = server.call("DescribeStreamConsumer", &json!({"ConsumerARN": arn})).json();
    described["ConsumerDescription"]["ConsumerStatus"].take()
}

fn consumer_count(server: &TestServer) -> Value {
    let mut summary = server.call("DescribeStreamSummary", &json!({"StreamName": "s"})).json();
    summary["StreamDescriptionSummary"]["ConsumerCount"].take()
}

/// Protects: the replies member for member: only DescribeStreamConsumer has the stream's ARN.
#[test]
fn replies() {
    let server = server();
    let register = json!({"StreamARN": ARN, "ConsumerName": "c", "StreamId": "abcdefghij0123456789-a1z"});
    let consumer = format!(
        "\"ConsumerName\":\"c\",\"ConsumerARN\":\"{ARN}/consumer/c:1700000000\",\"ConsumerStatus\":\"CREATING\",\
         \"ConsumerCreationTimestamp\":1700000000"
    );
    let expected = format!("{{\"Consumer\":{{{consumer}}}}}");
    assert_eq!(server.call("RegisterStreamConsumer", &register).both(), (200, expected.as_str()));
    let expected = format!("{{\"ConsumerDescription\":{{{consumer},\"StreamARN\":\"{ARN}\"}}}}");
    for input in [
        json!({"ConsumerARN": format!("{ARN}/consumer/c:1700000000")}),
        json!({"StreamARN": ARN, "ConsumerName": "c"}),
        json!({"StreamARN": ARN, "ConsumerName": "c", "ConsumerARN": format!("{ARN}/consumer/c:1700000000")}),
        json!({"StreamARN": ARN, "ConsumerARN": format!("{ARN}/consumer/c:1700000000")}),
    ] {
        assert_eq!(server.call("DescribeStreamConsumer", &input).both(), (200, expected.as_str()), "{input}");
    }
    let expected = format!("{{\"Consumers\":[{{{consumer}}}]}}");
    assert_eq!(
        server.call("ListStreamConsumers", &json!({"StreamARN": ARN})).both(),
        (200, expected.as_str())
    );
}

/// Protects: a consumer's life by the clock; a name again is another ARN, and the old one stays unknown.
#[test]
fn a_consumers_life() {
    let server = server();
    let arn = register(&server, "c");
    server.clock.advance(Duration::from_millis(499));
    assert_eq!(status(&server, &arn), "CREATING");
    server.clock.advance(Duration::from_millis(1));
    assert_eq!((status(&server, &arn), consumer_count(&server)), (json!("ACTIVE"), json!(1)));
    let deregister = json!({"ConsumerARN": arn});
    assert_eq!(server.call("DeregisterStreamConsumer", &deregister).both(), (200, ""));
    server.clock.advance(Duration::from_millis(300));
    assert_eq!(status(&server, &arn), "DELETING");
    assert_eq!(server.call("DeregisterStreamConsumer", &deregister).both(), (200, ""));
    server.clock.advance(Duration::from_millis(199));
    assert_eq!(consumer_count(&server), 1);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!((status(&server, &arn), consumer_count(&server)), (json!(null), json!(0)));
    let again = register(&server, "c");
    assert_eq!(again, format!("{ARN}/consumer/c:1700000001"));
    assert_eq!(status(&server, &arn), json!(null));
}

/// Protects: the pages of a listing, and that a name is on one of them whatever comes and goes in between.
#[test]
fn pages() {
    let server = server();
    for name in ["d", "a", "c", "b", "e"] {
        register(&server, name);
    }
    let (mut names, mut token) = (Vec::new(), json!(null));
    loop {
        let input = json!({"StreamARN": ARN, "MaxResults": 2, "NextToken": token});
        let mut page = server.call("ListStreamConsumers", &input).json();
        let consumers = page["Consumers"].as_array().expect("a list");
        names.extend(consumers.iter().map(|consumer| consumer["ConsumerName"].as_str().unwrap().to_owned()));
        token = page["NextToken"].take();
        if token.is_null() {
            break;
        }
        assert_eq!(
            server.call("DeregisterStreamConsumer", &json!({"StreamARN": ARN, "ConsumerName": "a"})).status,
            200
        );
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let created = json!({"StreamARN": ARN, "StreamCreationTimestamp": 1_700_000_000});
    let page = server.call("ListStreamConsumers", &created).json();
    assert_eq!(page["Consumers"].as_array().map(Vec::len), Some(5));
}

/// Protects: EnforceConsumerDeletion takes the consumers along, DELETING as long as the stream is; a new stream of the
/// name has none.
#[test]
fn their_end_with_the_stream() {
    let server = server();
    let arn = register(&server, "c");
    server.clock.advance(Duration::from_millis(500));
    let delete = json!({"StreamName": "s", "EnforceConsumerDeletion": true});
    assert_eq!(server.call("DeleteStream", &delete).both(), (200, ""));
    assert_eq!(status(&server, &arn), "DELETING");
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(status(&server, &arn), json!(null));
    server.create("s", 1);
    assert_eq!((status(&server, &arn), consumer_count(&server)), (json!(null), json!(0)));
}

/// Protects: a stream whose consumers are gone can be deleted without force.
#[test]
fn a_stream_without_consumers_goes() {
    let server = server();
    let arn = register(&server, "c");
    assert_eq!(server.call("DeregisterStreamConsumer", &json!({"ConsumerARN": arn})).both(), (200, ""));
    server.clock.advance(Duration::from_millis(500));
    assert_eq!(server.call("DeleteStream", &json!({"StreamName": "s"})).both(), (200, ""));
}

/// Protects: fifty consumers for an on-demand stream of an account with a commitment.
#[test]
fn fifty_with_a_commitment() {
    let server = TestServer::start();
    assert_eq!(server.call("CreateStream", &json!({"StreamName": "s"})).both(), (200, ""));
    for number in 0..20 {
        register(&server, &format!("c{number}"));
    }
    let more = json!({"StreamARN": ARN, "ConsumerName": "more"});
    assert_eq!(server.call("RegisterStreamConsumer", &more).json()["__type"], "LimitExceededException");
    let enable = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    assert_eq!(server.call("UpdateAccountSettings", &enable).status, 200);
    for number in 20..50 {
        register(&server, &format!("c{number}"));
    }
    assert_eq!(server.call("RegisterStreamConsumer", &more).json()["__type"], "LimitExceededException");
}
