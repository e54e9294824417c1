//! DescribeStreamConsumer: one consumer of a stream, in whatever state (reference 13).

use std::sync::Arc;

use crate::control::{Consumer, ConsumerStatus, Scope};
use crate::document::Value;
use crate::error::ApiError;

use super::consumer_ref::{ConsumerRef, members};
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Which consumer.
#[derive(Debug, Clone)]
pub struct Request {
    consumer: ConsumerRef,
}

/// The consumer.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    consumer: Arc<Consumer>,
    status: ConsumerStatus,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The consumer is not named, or its names disagree.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { consumer: ConsumerRef::of(input, caller)? })
    }

    /// Looks it up.
    ///
    /// # Errors
    /// E41 if there is none.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let (_, (consumer, status)) = self.consumer.find(service)?;
        Ok(Reply { stream: self.consumer.stream, consumer, status })
    }
}

impl Reply {
    /// The reply's members. Only here a consumer comes with its stream's ARN.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let [name, arn, status, created] = members(&self.stream, &self.consumer, self.status);
        let stream = ("StreamARN", Value::string(self.stream.arn().to_string()));
        let description = Value::structure([name, arn, status, created, stream]);
        Value::structure([("ConsumerDescription", description)])
    }
}
