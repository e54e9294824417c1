//! Resource policies: kept to the letter, told, deleted; of streams and of consumers.

use serde_json::json;

use crate::setup::TestServer;

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
