//! One request and its answer: head, body, reply, headers.

use std::cell::RefCell;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use crate::operation::Service;
use crate::protocol::answer::Answer;
use crate::protocol::dispatch::{Class, classify};
use crate::protocol::exchange::{Intake, Reply, prepare};
use crate::protocol::head::{Headers, RequestHead};
use crate::protocol::headers::{Cors, extended_request_id, request_id};
use crate::protocol::json::JsonScratch;

use super::body::{self, BodyBudget, BodyError};
use super::health;
use super::reply_body::ReplyBody;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

thread_local! {
    /// Parse buffers, used again by each request of the thread; never held while one waits.
    static SCRATCH: RefCell<JsonScratch> = RefCell::new(JsonScratch::default());
}

struct HeaderFields<'a>(&'a HeaderMap);

impl Headers for HeaderFields<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

/// Answers one request.
pub(crate) async fn answer(
    request: Request<Incoming>,
    service: &Service,
    budget: &BodyBudget,
) -> Response<ReplyBody> {
    let (parts, incoming) = request.into_parts();
    let fields = HeaderFields(&parts.headers);
    let head = RequestHead { method: parts.method.as_str(), query: parts.uri.query(), headers: &fields };
    if let Some(answer) = health::answer(head.method, parts.uri.path(), service) {
        return respond(&head, Reply::Whole(answer), After::KeepOpen);
    }
    match classify(&head) {
        Class::Preflight(answer) | Class::Refused(answer) => {
            respond(&head, Reply::Whole(answer), After::KeepOpen)
        }
        Class::Post(post) => {
            let mut intake = Intake::new(&post);
            match body::read(incoming, budget, &mut intake).await {
                // Its share of the budget stays taken as long as the records wait for their shards.
                Ok(_share) => {
                    let prepared =
                        SCRATCH.with_borrow_mut(|scratch| prepare(&head, &post, intake, scratch, service));
                    let reply = match prepared {
                        Ok(prepared) => prepared.run(service).await,
                        Err(answer) => Reply::Whole(answer),
                    };
                    respond(&head, reply, After::KeepOpen)
                }
                Err(error) => {
                    let status = match error {
                        BodyError::TooLarge => 413,
                        BodyError::Broken => 400,
                        BodyError::Busy => 503,
                    };
                    let answer = Answer { status, content_type: None, body: Vec::new() };
                    // What is left of the body is not worth reading.
                    respond(&head, Reply::Whole(answer), After::Close)
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    KeepOpen,
    Close,
}

fn respond(head: &RequestHead<'_, HeaderFields<'_>>, reply: Reply, after: After) -> Response<ReplyBody> {
    let (status, content_type, body) = match reply {
        Reply::Whole(answer) => (answer.status, answer.content_type, ReplyBody::whole(answer.body)),
        Reply::Records(codec, writer) => (200, Some(codec.content_type()), ReplyBody::records(writer)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    insert(headers, REQUEST_ID, &request_id());
    let cors = Cors::of(head);
    if !matches!(cors, Cors::Preflight { .. }) {
        insert(headers, EXTENDED_REQUEST_ID, &extended_request_id());
    }
    cors.for_each_header(|name, value| {
        if let Ok(name) = HeaderName::try_from(name) {
            insert(headers, name, value.as_bytes());
        }
    });
    if after == After::Close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    tracing::debug!(status, "answered");
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}
