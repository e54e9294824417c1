//! Answers about the server itself: `/_shardmill/health` and `/_shardmill/streams`, and the paths that LocalStack's
//! and kinesis-mock's users ask.

use crate::document::Value;
use crate::operation::{Service, overview};
use crate::protocol::answer::Answer;
use crate::protocol::json;

/// The answer to a GET of a health path; `None` for any other request.
pub(crate) fn answer(method: &str, path: &str, service: &Service) -> Option<Answer> {
    if method != "GET" && method != "HEAD" {
        return None;
    }
    let tally = &service.tally;
    let is_well = tally.shards_poisoned() == 0;
    let state = if is_well { "running" } else { "error" };
    let body = match path {
        "/_shardmill/health" => Value::structure([
            ("status", Value::string(if is_well { "ok" } else { "degraded" })),
            ("version", Value::string(env!("CARGO_PKG_VERSION"))),
            ("shards_poisoned", count(tally.shards_poisoned())),
            ("commands_shed", count(tally.commands_shed())),
        ]),
        // Where callers have to say who they are, it is not for everyone to see who has what.
        "/_shardmill/streams" if service.credentials.is_none() => overview::streams(service),
        "/_localstack/health" => Value::structure([
            ("services", Value::structure([("kinesis", Value::string(state))])),
            ("edition", Value::string("shardmill")),
            ("version", Value::string(env!("CARGO_PKG_VERSION"))),
        ]),
        "/healthcheck" => Value::structure([("status", Value::string(state))]),
        _ => return None,
    };
    let mut bytes = Vec::new();
    json::write(&body, &mut bytes);
    // A shard that refuses writes turns health red; readers of the status code see it too.
    let status = if is_well { 200 } else { 503 };
    Some(Answer { status, content_type: Some("application/json"), body: bytes })
}

fn count(count: u64) -> Value<'static> {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}
