//! CreateStream: names a stream; it is CREATING for the transition time, then ACTIVE (reference 5.6, 11).

use crate::control::{ControlError, NewStream, Scope, StreamMode, StreamSettings, Tags};
use crate::error::ApiError;
use crate::limits::{CREATING_STREAMS_MAX, ON_DEMAND_SHARDS_INITIAL, RECORD_BYTES_DEFAULT};

use super::add_tags_to_stream::{check_texts, tags_of};
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::update_stream_record_distribution_strategy::{check_distribution, distribution_of};
use super::update_stream_warm_throughput::{check_warm_throughput, warm_throughput_mibps};

/// A stream to be created.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    shard_count: u32,
    settings: StreamSettings,
    tags: Tags,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// Shard count and mode contradict each other, AUTO on a provisioned stream, E31, E32 and E34 about the tags.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::from_members(input.string("StreamName"), None, caller)?;
        let shard_count = input.integer("ShardCount").and_then(|count| u32::try_from(count).ok());
        let mode = input.structure("StreamModeDetails").and_then(|details| details.string("StreamMode"));
        let (mode, shard_count) = match (mode, shard_count) {
            // Without either, AWS makes an on-demand stream of four shards (reference 11, recorded).
            (None | Some("ON_DEMAND"), None) => (StreamMode::OnDemand, ON_DEMAND_SHARDS_INITIAL),
            (None | Some("PROVISIONED"), Some(count)) => (StreamMode::Provisioned, count),
            (Some("ON_DEMAND"), Some(_)) => {
                return Err(refusals::shard_count_not_expected());
            }
            _ => return Err(refusals::shard_count_expected()),
        };
        let distribution = distribution_of(input);
        check_distribution(distribution, mode, &stream)?;
        let tags = tags_of(input);
        check_texts(&tags, &stream)?;
        let tags = Tags::default().with(tags).map_err(|_| refusals::too_many_tags(&stream))?;
        let settings = StreamSettings {
            record_bytes_max: record_bytes_max(input),
            distribution,
            warm_throughput_mibps: warm_throughput_mibps(input),
            ..StreamSettings::of(mode)
        };
        Ok(Self { stream, shard_count, settings, tags })
    }

    /// Creates the stream.
    ///
    /// # Errors
    /// A warm throughput that the stream cannot have, E2 if the name is taken, E4 and E5 if a quota would be passed.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, shard_count, settings, tags } = self;
        if let Some(mibps) = settings.warm_throughput_mibps {
            check_warm_throughput(mibps, settings.mode, &stream, service)?;
        }
        let new = NewStream { scope: stream.scope, name: stream.name.clone(), shard_count, settings, tags };
        service.registry.create(new).map(|_| ()).map_err(|error| capacity_refusal(&error, &stream))
    }
}

/// The member MaxRecordSizeInKiB, in bytes.
pub(super) fn record_bytes_max(input: &Input<'_>) -> usize {
    let record_kib_max = input.integer("MaxRecordSizeInKiB").and_then(|kib| usize::try_from(kib).ok());
    record_kib_max.map_or(RECORD_BYTES_DEFAULT, |kib| kib * 1024)
}

/// A stream that does not fit beside those that are there: E4, E5, or E2 for its name.
pub(super) fn capacity_refusal(error: &ControlError, stream: &StreamRef) -> ApiError {
    match *error {
        ControlError::ShardLimit { open, limit, additional } => {
            refusals::shard_limit(stream, open, limit, additional)
        }
        ControlError::OnDemandStreamLimit { limit } => refusals::on_demand_stream_limit(limit),
        ControlError::CreatingLimit => refusals::creating_limit(CREATING_STREAMS_MAX),
        ControlError::Exists
        | ControlError::NotFound
        | ControlError::NotActive(_)
        | ControlError::HasConsumers => refusals::stream_exists(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;
    use crate::error::ErrorKind;
    use crate::names::{AccountId, Region};
    use crate::operation::schema::{read, shapes};

    fn with_tags(count: usize) -> Result<Request, ApiError> {
        let tags = (0..count).map(|number| (format!("k{number:03}").into(), Value::string("v"))).collect();
        let input = Value::structure([("StreamName", Value::string("s")), ("Tags", Value::Map(tags))]);
        let caller = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
        Request::validate(&read(&shapes::CREATE_STREAM, input)?, caller)
    }

    /// Protects: a stream takes 50 tags and no more, though the model's map may hold 200.
    #[test]
    fn fifty_tags_are_the_most() {
        assert_eq!(with_tags(50).map(|request| request.tags.after(None).len()), Ok(50));
        assert_eq!(with_tags(51).err().map(|error| error.kind), Some(ErrorKind::InvalidArgument));
    }
}
