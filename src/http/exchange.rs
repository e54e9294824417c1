//! One request and its answer: head, body, reply, headers.

use std::cell::RefCell;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};

use crate::protocol::answer::Answer;
use crate::protocol::codec::Codec;
use crate::protocol::dispatch::{Class, classify};
use crate::protocol::exchange::{Intake, Reply, prepare};
use crate::protocol::head::{Field, Headers, RequestHead};
use crate::protocol::headers::{AnswerIds, Cors};
use crate::protocol::json::JsonScratch;
use crate::protocol::records::event_messages::EventMessages;

use super::body::{self, Arrival, BodyError};
use super::connection::Behind;
use super::health;
use super::reply_body::ReplyBody;
use super::snapshot;
use super::window::{WINDOW_BYTES, WINDOW_BYTES_MULTIPLEXED};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// The `Content-Type` of nearly every answer.
const JSON: HeaderValue = HeaderValue::from_static(Codec::Json.content_type());

thread_local! {
    /// Parse buffers, used again by each request of the thread; never held while one waits.
    static SCRATCH: RefCell<JsonScratch> = RefCell::new(JsonScratch::default());
}

/// The header fields that matter, found in one pass: a look-up by name would hash each of them, there or not.
struct HeaderFields<'a> {
    fields: [Option<&'a [u8]>; Field::ALL.len()],
    parts: &'a Parts,
}

impl<'a> HeaderFields<'a> {
    fn of(parts: &'a Parts) -> Self {
        let mut fields = [None; Field::ALL.len()];
        for (name, value) in &parts.headers {
            if let Some(field) = Field::named(name.as_str()) {
                fields[field as usize].get_or_insert(value.as_bytes());
            }
        }
        Self { fields, parts }
    }
}

impl Headers for HeaderFields<'_> {
    fn header(&self, field: Field) -> Option<&[u8]> {
        // A head with control characters is refused, so all ASCII is printable, but for tabs.
        self.fields[field as usize].filter(|value| is_ascii(value))
    }

    fn for_each(&self, see: &mut dyn FnMut(&str, &[u8])) {
        // HTTP/2 has the host in `:authority`, and clients sign it as what it was before.
        if let Some(authority) = self.parts.uri.authority()
            && !self.parts.headers.contains_key(HOST)
        {
            see(HOST.as_str(), authority.as_str().as_bytes());
        }
        for (name, value) in &self.parts.headers {
            see(name.as_str(), value.as_bytes());
        }
    }
}

/// As the standard library's, without a way out in the middle: so the compiler takes many bytes at a time.
fn is_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let all = words.iter().fold(0, |all, word| all | u64::from_ne_bytes(*word));
    let all = rest.iter().fold(all, |all, byte| all | u64::from(*byte));
    all.to_ne_bytes().is_ascii()
}

/// Answers one request.
pub(super) async fn answer(request: Request<Incoming>, behind: &Behind) -> Response<ReplyBody> {
    if request.uri().path() == snapshot::PATH {
        return Box::pin(snapshot::answer(request, behind)).await;
    }
    let Behind { service, budget, .. } = behind;
    let (parts, incoming) = request.into_parts();
    let is_http2 = parts.version == Version::HTTP_2;
    let fields = HeaderFields::of(&parts);
    let head = RequestHead {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &fields,
    };
    let mut after = After::KeepOpen;
    let reply = match health::answer(head.method, parts.uri.path(), service) {
        Some(answer) => Reply::Whole(answer),
        None => match classify(&head) {
            Class::Preflight(answer) | Class::Refused(answer) => Reply::Whole(answer),
            Class::Post(post) => {
                let mut intake = Intake::new(&post, service);
                let arrival = if is_http2 { Arrival::Unasked } else { Arrival::Asked };
                match body::read(incoming, arrival, budget, &mut intake).await {
                    // Its share of the budget stays taken as long as the records wait for their shards.
                    Ok(_share) => {
                        let prepared = SCRATCH
                            .with_borrow_mut(|scratch| prepare(&head, &post, &mut intake, scratch, service));
                        // Its buffers serve the next request while this one waits for its shards.
                        drop(intake);
                        match prepared {
                            Ok(prepared) => prepared.run(service).await,
                            Err(answer) => Reply::Whole(answer),
                        }
                    }
                    Err(error) => {
                        // What is left of the body is not worth reading.
                        after = After::Close;
                        let status = match error {
                            BodyError::TooLarge => 413,
                            BodyError::Broken => 400,
                            BodyError::Busy => 503,
                        };
                        Reply::Whole(Answer { status, content_type: None, body: Vec::new() })
                    }
                }
            }
        },
    };
    let cors = Cors::of(&head);
    let is_preflight = matches!(cors, Cors::Preflight { .. });
    let mut unusual = cors_fields(cors);
    // Over HTTP/2 only the stream ends, and no field may say more.
    if after == After::Close && !is_http2 {
        unusual.push((CONNECTION, HeaderValue::from_static("close")));
    }
    // The request's header map serves the answer: hyper takes it from there for the next request, so that a connection
    // allocates one map in all.
    let mut headers = parts.headers;
    headers.clear();
    let ids = AnswerIds::next();
    insert(&mut headers, REQUEST_ID, ids.request);
    if !is_preflight {
        insert(&mut headers, EXTENDED_REQUEST_ID, ids.extended);
    }
    headers.extend(unusual);
    respond(headers, reply, is_http2)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    KeepOpen,
    Close,
}

fn respond(mut headers: HeaderMap, reply: Reply, is_http2: bool) -> Response<ReplyBody> {
    let window_bytes = if is_http2 { WINDOW_BYTES_MULTIPLEXED } else { WINDOW_BYTES };
    let (status, content_type, body) = match reply {
        Reply::Whole(answer) => {
            (answer.status, answer.content_type, ReplyBody::whole(answer.body, window_bytes))
        }
        Reply::Put(codec, body) => {
            (200, Some(codec.content_type()), ReplyBody::whole(Bytes::from_owner(body), window_bytes))
        }
        Reply::Records(codec, writer) => {
            (200, Some(codec.content_type()), ReplyBody::records(writer, window_bytes))
        }
        Reply::Events(messages) => (200, Some(EventMessages::CONTENT_TYPE), ReplyBody::events(messages)),
    };
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type_value(content_type));
    }
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    tracing::debug!(status, http2 = is_http2, content_type, "answered");
    response
}

/// The value of a `Content-Type`; the usual one is at hand, checked when this was compiled.
fn content_type_value(content_type: &'static str) -> HeaderValue {
    if content_type == Codec::Json.content_type() { JSON } else { HeaderValue::from_static(content_type) }
}

fn cors_fields(cors: Cors<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut fields = Vec::new();
    cors.for_each_header(|name, value| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            fields.push((HeaderName::from_static(name), value));
        }
    });
    fields
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Bytes) {
    if let Ok(value) = HeaderValue::from_maybe_shared(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: of several values the first counts; one that is not ASCII is none, wherever the odd byte stands.
    #[test]
    fn fields_are_their_first_values() {
        let (mut parts, ()) = Request::new(()).into_parts();
        for value in ["b", "a"] {
            parts.headers.append("x-amz-target", HeaderValue::from_static(value));
        }
        assert_eq!(HeaderFields::of(&parts).header(Field::XAmzTarget), Some(&b"b"[..]));
        assert_eq!(HeaderFields::of(&parts).header(Field::Date), None);
        for length in 1..40 {
            for odd in 0..length {
                let mut value = vec![b'a'; length];
                parts.headers.insert("date", HeaderValue::from_bytes(&value).unwrap());
                assert_eq!(HeaderFields::of(&parts).header(Field::Date), Some(&value[..]));
                value[odd] = 0x80;
                parts.headers.insert("date", HeaderValue::from_bytes(&value).unwrap());
                assert_eq!(HeaderFields::of(&parts).header(Field::Date), None);
            }
        }
    }
}
