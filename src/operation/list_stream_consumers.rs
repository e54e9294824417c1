//! ListStreamConsumers: the consumers of a stream by ascending name, in pages (reference 9.5).

use std::sync::Arc;

use crate::control::{Consumer, ConsumerStatus, Scope};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::LIST_CONSUMERS_PAGE_MAX;

use super::consumer_ref::members;
use super::describe_stream::page_size;
use super::iterator::{read_stream_ref, read_u64, write_stream_ref};
use super::schema::Input;
use super::seal::Purpose;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::{page, refusals};

/// Which stream, and after which name.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    /// Set when the request goes on from a page of this incarnation, after this name.
    after: Option<(u64, String)>,
    /// Set when the caller means the stream created in this second.
    created_s: Option<u64>,
    consumers_max: usize,
}

/// A page of consumers.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    consumers: Vec<(Arc<Consumer>, ConsumerStatus)>,
    next_token: Option<String>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named; a token that is not ours, is another stream's, or has expired; a creation time beside
    /// a token (text inferred).
    pub fn validate(input: &Input<'_>, caller: Scope, service: &Service) -> Result<Self, ApiError> {
        let stream = StreamRef::of_arn(input, caller)?;
        let created_s = input.timestamp_ms("StreamCreationTimestamp").map(|created_ms| created_ms / 1000);
        let after = match input.string("NextToken") {
            None => None,
            Some(_) if created_s.is_some() => {
                return Err(refusals::token_and_creation());
            }
            Some(token) => {
                let now_ms = service.clock.now_ms();
                let body = page::open(&service.sealer, Purpose::ListStreamConsumersPage, token, now_ms)?;
                let after = read_token(&body).filter(|(of, _, _)| *of == stream);
                let (_, incarnation, name) = after.ok_or_else(refusals::bad_next_token)?;
                Some((incarnation, name))
            }
        };
        let consumers_max = page_size(input.integer("MaxResults"), LIST_CONSUMERS_PAGE_MAX);
        Ok(Self { stream, after, created_s, consumers_max })
    }

    /// Lists them, in whatever state.
    ///
    /// # Errors
    /// E1 if there is no such stream, or not the one that was meant.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream: of, after, created_s, consumers_max } = self;
        let stream = of.find(service)?;
        let is_meant = after.as_ref().is_none_or(|(incarnation, _)| *incarnation == stream.incarnation)
            && created_s.is_none_or(|created_s| created_s == stream.created_ms / 1000);
        if !is_meant {
            return Err(refusals::no_stream(&of));
        }
        let now_ms = service.clock.now_ms();
        let all = stream.consumers();
        let follows = |name: &str| after.as_ref().is_none_or(|(_, after)| name > after.as_str());
        let mut rest = all.live(now_ms).filter(|(consumer, _)| follows(consumer.name.as_str()));
        let page = rest.by_ref().take(consumers_max);
        let consumers: Vec<_> = page.map(|(consumer, status)| (Arc::clone(consumer), status)).collect();
        let last = consumers.last().filter(|_| rest.next().is_some());
        let next_token = last.map(|(last, _)| {
            let mut body = stream.incarnation.to_le_bytes().to_vec();
            write_stream_ref(&of, &mut body);
            body.extend_from_slice(last.name.as_str().as_bytes());
            page::seal(&service.sealer, Purpose::ListStreamConsumersPage, now_ms, &body)
        });
        Ok(Reply { stream: of, consumers, next_token })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let consumer = |(consumer, status): &(Arc<Consumer>, _)| {
            Value::structure(members(&self.stream, consumer, *status))
        };
        Value::structure([
            ("Consumers", Value::List(self.consumers.iter().map(consumer).collect())),
            ("NextToken", self.next_token.map_or(Value::Null, Value::string)),
        ])
    }
}

/// Stream, incarnation, and the last name told.
fn read_token(body: &[u8]) -> Option<(StreamRef, u64, String)> {
    let (incarnation, rest) = read_u64(body)?;
    let (stream, name) = read_stream_ref(rest)?;
    Some((stream, incarnation, String::from_utf8(name.to_vec()).ok()?))
}
