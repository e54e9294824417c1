//! RegisterStreamConsumer: a consumer of a stream, CREATING for the transition time, then ACTIVE (reference 13).

use std::sync::Arc;

use crate::control::{Attached, Consumer, ConsumerStatus, Needs, RegisterError, Scope, Tags};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::CREATING_CONSUMERS_MAX;
use crate::names::{ConsumerArn, ConsumerName};

use super::add_tags_to_stream::tags_of;
use super::consumer_ref::members;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::tag_resource::check_texts;

/// A consumer to be registered.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    name: ConsumerName,
    tags: Vec<(String, String)>,
}

/// The consumer.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    consumer: Arc<Consumer>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let name = input.string("ConsumerName").and_then(ConsumerName::parse);
        let stream = StreamRef::of_arn(input, caller)?;
        // The schema has checked the name's pattern and length.
        let name = name.ok_or_else(refusals::internal_failure)?;
        Ok(Self { stream, name, tags: tags_of(input) })
    }

    /// Registers it.
    ///
    /// # Errors
    /// E1, E3, E31 and E34 about the tags, E42 if the name is taken, E52 if a quota would be passed.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream, name, tags } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        check_texts(&tags)?;
        let too_many = |_| {
            let created_s = change.now_ms() / 1000;
            let arn = ConsumerArn { stream: stream.arn(), name: name.clone(), created_s };
            refusals::too_many_consumer_tags(&arn)
        };
        let tags = Tags::default().with(tags).map_err(too_many)?;
        let registered = change.register_consumer(name.clone(), Attached { tags, policy: None });
        let consumer = registered.map_err(|error| match error {
            RegisterError::Exists => refusals::consumer_exists(&name, &stream),
            RegisterError::Limit { max } => refusals::consumer_limit(&stream, max),
            RegisterError::CreatingLimit => {
                refusals::creating_consumer_limit(&stream, CREATING_CONSUMERS_MAX)
            }
        })?;
        Ok(Reply { stream, consumer })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        // Always CREATING, though without transition times it is ACTIVE already (reference 13).
        let members = members(&self.stream, &self.consumer, ConsumerStatus::Creating);
        Value::structure([("Consumer", Value::structure(members))])
    }
}
