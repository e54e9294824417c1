//! Account settings: the commitment's day, member for member.

use std::time::Duration;

use serde_json::{Value, json};

use crate::setup::TestServer;

const DAY_S: u64 = 24 * 3600;

fn update(server: &TestServer, status: &str) -> Value {
    let input = json!({"MinimumThroughputBillingCommitment": {"Status": status}});
    let answer = server.call("UpdateAccountSettings", &input);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json()["MinimumThroughputBillingCommitment"].take();
    assert_eq!(told, describe(server), "what is told is what is there");
    told
}

fn describe(server: &TestServer) -> Value {
    server.call("DescribeAccountSettings", &json!({})).json()["MinimumThroughputBillingCommitment"].take()
}

/// Protects: disabled, enabled, enabled until its day is over, disabled again by the clock alone.
#[test]
fn a_commitment() {
    let server = TestServer::start();
    assert_eq!(
        server.call("DescribeAccountSettings", &json!({})).text(),
        r#"{"MinimumThroughputBillingCommitment":{"Status":"DISABLED"}}"#
    );
    let start_s = 1_700_000_000;
    let enabled = json!({"Status": "ENABLED", "StartedAt": start_s, "EarliestAllowedEndAt": start_s + DAY_S});
    assert_eq!(update(&server, "ENABLED"), enabled);
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(update(&server, "ENABLED"), enabled);
    let ending = json!({
        "Status": "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        "StartedAt": start_s,
        "EarliestAllowedEndAt": start_s + DAY_S,
    });
    assert_eq!(update(&server, "DISABLED"), ending);
    assert_eq!(update(&server, "ENABLED"), enabled);
    assert_eq!(update(&server, "DISABLED"), ending);
    server.clock.advance(Duration::from_secs(DAY_S - 60));
    let ended = json!({"Status": "DISABLED", "StartedAt": start_s, "EndedAt": start_s + DAY_S});
    assert_eq!(describe(&server), ended);
    assert_eq!(update(&server, "DISABLED"), ended);
}
