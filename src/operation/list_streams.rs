//! ListStreams: the streams of an account and region by ascending name, in pages (reference 9.4).

use std::sync::Arc;

use crate::control::{Scope, Stream, StreamSettings, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::LIST_STREAMS_PAGE_MAX;

use super::describe_stream::{creation_time, mode_details, page_size};
use super::iterator::{read_stream_ref, write_stream_ref};
use super::schema::Input;
use super::seal::Purpose;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::{page, refusals};

/// Which account and region, and after which name.
#[derive(Debug, Clone)]
pub struct Request {
    scope: Scope,
    after: Option<String>,
    streams_max: usize,
}

/// A page of streams.
pub struct Reply {
    streams: Vec<(Arc<Stream>, StreamStatus)>,
    now_ms: u64,
    next_token: Option<String>,
}

impl Request {
    /// Checks what the model leaves to the service. A token wins over ExclusiveStartStreamName.
    ///
    /// # Errors
    /// The token is not ours, is another account's or region's, or has expired.
    pub fn validate(input: &Input<'_>, caller: Scope, service: &Service) -> Result<Self, ApiError> {
        let after = match input.string("NextToken") {
            Some(token) => {
                let now_ms = service.clock.now_ms();
                let body = page::open(&service.sealer, Purpose::ListStreamsPage, token, now_ms)?;
                let last = read_stream_ref(&body).map(|(last, _)| last).filter(|last| last.scope == caller);
                Some(last.ok_or_else(refusals::bad_next_token)?.name.to_string())
            }
            None => input.string("ExclusiveStartStreamName").map(str::to_owned),
        };
        let streams_max = page_size(input.integer("Limit"), LIST_STREAMS_PAGE_MAX);
        Ok(Self { scope: caller, after, streams_max })
    }

    /// Lists them, CREATING and DELETING ones too.
    #[must_use]
    pub fn execute(self, service: &Service) -> Reply {
        let mut streams = service.registry.list(self.scope);
        if let Some(after) = &self.after {
            streams.retain(|(stream, _)| stream.name().as_str() > after.as_str());
        }
        let has_more = streams.len() > self.streams_max;
        streams.truncate(self.streams_max);
        let now_ms = service.clock.now_ms();
        let last = streams.last().filter(|_| has_more);
        let next_token = last.map(|(stream, _)| {
            let mut body = Vec::new();
            write_stream_ref(&StreamRef { scope: self.scope, name: stream.name().clone() }, &mut body);
            page::seal(&service.sealer, Purpose::ListStreamsPage, now_ms, &body)
        });
        Reply { streams, now_ms, next_token }
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let names = self.streams.iter().map(|(stream, _)| Value::string(stream.name().to_string())).collect();
        let summary = |(stream, status): &(Arc<Stream>, StreamStatus)| {
            summary(stream, *status, &stream.settings(self.now_ms))
        };
        let summaries = self.streams.iter().map(summary).collect();
        Value::structure([
            ("StreamNames", Value::List(names)),
            ("HasMoreStreams", Value::Bool(self.next_token.is_some())),
            ("NextToken", self.next_token.map_or(Value::Null, Value::string)),
            ("StreamSummaries", Value::List(summaries)),
        ])
    }
}

fn summary(stream: &Stream, status: StreamStatus, settings: &StreamSettings) -> Value<'static> {
    Value::structure([
        ("StreamName", Value::string(stream.name().to_string())),
        ("StreamARN", Value::string(stream.arn.to_string())),
        ("StreamStatus", Value::string(status.name())),
        ("StreamModeDetails", mode_details(settings)),
        ("StreamCreationTimestamp", creation_time(stream)),
    ])
}
