//! Which resource a ResourceARN means, a stream or a consumer, and what is attached to it.

use crate::control::{Attached, ConsumerStatus, Needs, StreamChange};
use crate::error::ApiError;
use crate::names::{ConsumerArn, StreamArn};

use super::consumer_ref::{ConsumerRef, Found};
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A resource, named but not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A stream.
    Stream(StreamRef),
    /// A consumer.
    Consumer(ConsumerArn),
}

impl Resource {
    /// The resource that the member ResourceARN names.
    ///
    /// # Errors
    /// It names no kind of resource that is served, so that there can be none (text inferred).
    pub fn of(input: &Input<'_>) -> Result<Self, ApiError> {
        let text = input.string("ResourceARN").unwrap_or_default();
        if let Some(arn) = StreamArn::parse(text) {
            return Ok(Self::Stream(arn.into()));
        }
        let consumer = ConsumerArn::parse(text).map(Self::Consumer);
        consumer.ok_or_else(|| refusals::no_resource(text))
    }

    /// What is attached to it.
    ///
    /// # Errors
    /// E1 or E41 if there is no such resource.
    pub fn attached(&self, service: &Service) -> Result<Attached, ApiError> {
        match self {
            Self::Stream(stream) => Ok(Attached::clone(&stream.find(service)?.attached())),
            Self::Consumer(arn) => {
                let (_, (consumer, _)) = ConsumerRef::from(arn.clone()).find(service)?;
                Ok(consumer.attached.clone())
            }
        }
    }

    /// Begins to change what is attached to it. `needs` is about a stream; a consumer is changed whatever state its
    /// stream is in.
    ///
    /// # Errors
    /// E1 or E41 if there is no such resource, E3 if a stream is in another state than the change needs.
    pub fn begin_change<'s>(
        &self,
        service: &'s Service,
        needs: Needs,
    ) -> Result<ResourceChange<'s>, ApiError> {
        match self {
            Self::Stream(stream) => {
                Ok(ResourceChange { change: stream.begin_change(service, needs)?, consumer: None })
            }
            Self::Consumer(arn) => {
                let consumer = ConsumerRef::from(arn.clone());
                let change = consumer.stream.begin_change(service, Needs::Existence);
                let change = change.map_err(|_| consumer.not_found())?;
                let found = consumer.find_in(change.stream(), change.now_ms())?;
                Ok(ResourceChange { change, consumer: Some(found) })
            }
        }
    }

    /// More tags than it takes: E34, or its counterpart for a consumer.
    pub(super) fn too_many_tags(&self) -> ApiError {
        match self {
            Self::Stream(stream) => refusals::too_many_tags(stream),
            Self::Consumer(consumer) => refusals::too_many_consumer_tags(consumer),
        }
    }
}

/// A resource whose attachments are being changed, by nobody else at the same time.
pub struct ResourceChange<'s> {
    change: StreamChange<'s>,
    consumer: Option<Found>,
}

impl ResourceChange<'_> {
    /// What is attached now.
    #[must_use]
    pub fn attached(&self) -> Attached {
        match &self.consumer {
            Some((consumer, _)) => consumer.attached.clone(),
            None => Attached::clone(&self.change.stream().attached()),
        }
    }

    /// The state of the consumer, if it is one.
    #[must_use]
    pub fn consumer_status(&self) -> Option<ConsumerStatus> {
        self.consumer.as_ref().map(|(_, status)| *status)
    }

    /// Attaches this instead.
    pub fn attach(&self, attached: Attached) {
        match &self.consumer {
            Some((consumer, _)) => self.change.attach_to(consumer, &attached),
            None => self.change.attach(attached),
        }
    }
}
