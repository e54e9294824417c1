//! Tags of streams and consumers through both families of operations, byte for byte.

use serde_json::{Value, json};

use crate::setup::TestServer;

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// The tags of stream `s`, through both families; they must agree.
fn tags(server: &TestServer) -> String {
    let of_stream = server.call("ListTagsForStream", &json!({"StreamName": "s"})).json();
    let of_resource = server.call("ListTagsForResource", &json!({"ResourceARN": ARN})).json();
    assert_eq!(of_stream, json!({"Tags": of_resource["Tags"], "HasMoreTags": false}));
    text(&of_stream)
}

fn text(page: &Value) -> String {
    let tags = page["Tags"].as_array().expect("a list").iter();
    let tags = tags.map(|tag| format!("{}={}", tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap()));
    tags.collect::<Vec<_>>().join(" ")
}

fn done(server: &TestServer, operation: &str, input: &Value) {
    assert_eq!(server.call(operation, input).both(), (200, ""), "{operation} {input}");
}

/// Protects: tags are added, overwritten and removed by either family and told by both; StreamId is ignored.
#[test]
fn both_families() {
    let server = TestServer::with_stream(1);
    let id = "abcdefghij0123456789-a1z";
    assert_eq!(tags(&server), "");
    done(
        &server,
        "AddTagsToStream",
        &json!({"StreamName": "s", "Tags": {"b": "1", "a": ""}, "StreamId": id}),
    );
    assert_eq!(tags(&server), "a= b=1");
    done(
        &server,
        "TagResource",
        &json!({"ResourceARN": ARN, "Tags": {"b": "2", "aws:c": "x:y"}, "StreamId": id}),
    );
    assert_eq!(tags(&server), "a= aws:c=x:y b=2");
    done(
        &server,
        "RemoveTagsFromStream",
        &json!({"StreamARN": ARN, "TagKeys": ["a", "none"], "StreamId": id}),
    );
    assert_eq!(tags(&server), "aws:c=x:y b=2");
    done(&server, "UntagResource", &json!({"ResourceARN": ARN, "TagKeys": ["aws:c", ";"], "StreamId": id}));
    assert_eq!(tags(&server), "b=2");
}

/// Protects: the recorded characters are taken, and a key with `null` for its value is no tag.
#[test]
fn characters() {
    let server = TestServer::with_stream(1);
    let input = json!({"StreamName": "s", "Tags": {"ü0 _.": "/=+-@", "none": null, "empty": ""}});
    done(&server, "AddTagsToStream", &input);
    assert_eq!(tags(&server), "empty= ü0 _.=/=+-@");
}

/// Protects: pages of ListTagsForStream in the recorded order; the start is exclusive and need not be there.
#[test]
fn pages() {
    let server = TestServer::with_stream(1);
    let keys = ["a", "Zb", " ", "ÿ", "@", "+", "_", "0", "=", "/"];
    let all: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), json!(""))).collect();
    done(&server, "AddTagsToStream", &json!({"StreamName": "s", "Tags": all}));
    let (mut seen, mut after) = (Vec::new(), json!(null));
    loop {
        let input = json!({"StreamName": "s", "Limit": 3, "ExclusiveStartTagKey": after});
        let page = server.call("ListTagsForStream", &input).json();
        let tags = page["Tags"].as_array().expect("a list");
        seen.extend(tags.iter().map(|tag| tag["Key"].as_str().unwrap().to_owned()));
        after = seen.last().unwrap().as_str().into();
        if page["HasMoreTags"] == false {
            break;
        }
        assert_eq!(tags.len(), 3);
    }
    assert_eq!(seen, [" ", "+", "/", "0", "=", "@", "Zb", "_", "a", "ÿ"]);
    let page =
        server.call("ListTagsForStream", &json!({"StreamName": "s", "ExclusiveStartTagKey": "`"})).json();
    assert_eq!(text(&page), "a= ÿ=");
}

/// Protects: a stream and a consumer have the tags that they were made with, CREATING or not; a consumer's are its own.
#[test]
fn from_the_beginning() {
    let config = shardmill::config::Config { latency_ms: 500, ..crate::setup::config() };
    let server = TestServer::with(config);
    done(&server, "CreateStream", &json!({"StreamName": "s", "ShardCount": 1, "Tags": {"k": "of stream"}}));
    assert_eq!(tags(&server), "k=of stream");
    server.clock.advance(std::time::Duration::from_millis(500));
    let register = json!({"StreamARN": ARN, "ConsumerName": "c", "Tags": {"k": "of consumer"}});
    let consumer = server.call("RegisterStreamConsumer", &register).json();
    let arn = consumer["Consumer"]["ConsumerARN"].as_str().expect("an ARN").to_owned();
    let of_consumer = || text(&server.call("ListTagsForResource", &json!({"ResourceARN": arn})).json());
    assert_eq!(of_consumer(), "k=of consumer");
    done(&server, "TagResource", &json!({"ResourceARN": arn, "Tags": {"l": ""}}));
    done(&server, "UntagResource", &json!({"ResourceARN": arn, "TagKeys": ["k"]}));
    assert_eq!((of_consumer(), tags(&server)), ("l=".to_owned(), "k=of stream".to_owned()));
}
