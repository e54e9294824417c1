//! Which consumer a request means: by ConsumerARN, by StreamARN and ConsumerName, or by all if they agree.

use std::sync::Arc;

use crate::control::{Consumer, ConsumerStatus, Scope, Stream};
use crate::document::Value;
use crate::error::ApiError;
use crate::names::{ConsumerArn, ConsumerName};

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A consumer, named but not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRef {
    /// Its stream.
    pub stream: StreamRef,
    name: ConsumerName,
    /// Known where the ARN is.
    created_s: Option<u64>,
}

impl ConsumerRef {
    /// The consumer that the members ConsumerARN, StreamARN and ConsumerName name.
    ///
    /// # Errors
    /// Too few of them are given, or they disagree (texts inferred).
    pub fn of(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let name = input.string("ConsumerName").and_then(ConsumerName::parse);
        let stream = input
            .string("StreamARN")
            .map(|arn| StreamRef::from_members(None, Some(arn), caller))
            .transpose()?;
        let Some(arn) = input.string("ConsumerARN") else {
            return match (stream, name) {
                (Some(stream), Some(name)) => Ok(Self { stream, name, created_s: None }),
                _ => Err(refusals::consumer_not_named()),
            };
        };
        let consumer = Self::by_arn(arn)?;
        let agrees = stream.is_none_or(|stream| stream == consumer.stream)
            && name.is_none_or(|name| name == consumer.name);
        if !agrees {
            return Err(refusals::consumers_differ());
        }
        Ok(consumer)
    }

    /// The consumer of this ARN.
    ///
    /// # Errors
    /// It is not the ARN of a consumer (text inferred).
    pub fn by_arn(arn: &str) -> Result<Self, ApiError> {
        ConsumerArn::parse(arn).map(Self::from).ok_or_else(refusals::not_a_consumer_arn)
    }

    /// The consumer in whatever state.
    ///
    /// # Errors
    /// E41 if there is none, or no such stream.
    pub fn find(&self, service: &Service) -> Result<(Arc<Stream>, Found), ApiError> {
        let stream = service.registry.find(self.stream.scope, self.stream.name.as_str());
        let stream = stream.ok_or_else(|| self.not_found())?;
        let found = self.find_in(&stream, service.clock.now_ms())?;
        Ok((stream, found))
    }

    /// The consumer of this stream, in whatever state.
    ///
    /// # Errors
    /// E41 if there is none.
    pub fn find_in(&self, stream: &Stream, now_ms: u64) -> Result<Found, ApiError> {
        let consumers = stream.consumers();
        let found = consumers.find(self.name.as_str(), self.created_s, now_ms);
        found.map(|(consumer, status)| (Arc::clone(consumer), status)).ok_or_else(|| self.not_found())
    }

    /// The ARN that it was asked for by, if it was.
    pub(super) fn arn(&self) -> Option<ConsumerArn> {
        let (stream, name) = (self.stream.arn(), self.name.clone());
        self.created_s.map(|created_s| ConsumerArn { stream, name, created_s })
    }

    /// E41, with the name or the ARN, as the consumer was asked for.
    pub(super) fn not_found(&self) -> ApiError {
        let account = self.stream.scope.account;
        match self.arn() {
            Some(arn) => refusals::no_consumer(arn, account),
            None => refusals::no_consumer(&self.name, account),
        }
    }
}

/// A consumer and its state.
pub type Found = (Arc<Consumer>, ConsumerStatus);

impl From<ConsumerArn> for ConsumerRef {
    fn from(arn: ConsumerArn) -> Self {
        Self { stream: arn.stream.into(), name: arn.name, created_s: Some(arn.created_s) }
    }
}

/// The ARN of a consumer of this stream.
pub(super) fn arn_of(stream: &StreamRef, consumer: &Consumer) -> ConsumerArn {
    ConsumerArn { stream: stream.arn(), name: consumer.name.clone(), created_s: consumer.created_s }
}

/// A `Consumer` structure's members; a `ConsumerDescription` has one more.
pub(super) fn members(
    stream: &StreamRef,
    consumer: &Consumer,
    status: ConsumerStatus,
) -> [(&'static str, Value<'static>); 4] {
    [
        ("ConsumerName", Value::string(consumer.name.to_string())),
        ("ConsumerARN", Value::string(arn_of(stream, consumer).to_string())),
        ("ConsumerStatus", Value::string(status.name())),
        ("ConsumerCreationTimestamp", Value::TimestampMs(consumer.created_s.saturating_mul(1000))),
    ]
}
