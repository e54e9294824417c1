//! DescribeStreamSummary: a stream without its shards (reference 9.3).

use std::sync::Arc;

use crate::control::{Scope, Stream, StreamStatus};
use crate::document::Value;
use crate::error::ApiError;

use super::describe_stream::{description, integer};
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Which stream.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
}

/// A stream's description. No `StreamId`: clients that get one send it everywhere (reference 19).
pub struct Reply {
    stream: Arc<Stream>,
    status: StreamStatus,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::of(input, caller)? })
    }

    /// Looks the stream up.
    ///
    /// # Errors
    /// E1 if there is none.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let stream = self.stream.find(service)?;
        let status =
            stream.status(service.clock.now_ms()).ok_or_else(|| refusals::no_stream(&self.stream))?;
        Ok(Reply { stream, status })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        let Value::Map(mut members) = description(&self.stream, self.status) else { return Value::Null };
        let open_shards = match self.status {
            StreamStatus::Creating => 0,
            StreamStatus::Active | StreamStatus::Updating | StreamStatus::Deleting => {
                self.stream.shard_map().open_count() as u64
            }
        };
        members.push(("OpenShardCount".into(), integer(open_shards)));
        members.push(("ConsumerCount".into(), integer(0)));
        members.push(("MaxRecordSizeInKiB".into(), integer(self.stream.record_bytes_max as u64 / 1024)));
        Value::structure([("StreamDescriptionSummary", Value::Map(members))])
    }
}
