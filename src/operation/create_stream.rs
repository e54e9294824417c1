//! CreateStream: names a stream; it is CREATING for the transition time, then ACTIVE (reference 5.6, 11).

use crate::control::{ControlError, NewStream, Scope, StreamMode};
use crate::error::{ApiError, ErrorKind};
use crate::limits::{CREATING_STREAMS_MAX, ON_DEMAND_SHARDS_INITIAL, RECORD_BYTES_DEFAULT, STREAM_TAGS_MAX};

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A stream to be created.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    shard_count: u32,
    mode: StreamMode,
    record_bytes_max: usize,
    tags: Vec<(String, String)>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// Shard count and mode contradict each other, E34 for too many tags, or a member asks for what is not built.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let stream = StreamRef::from_members(input.string("StreamName"), None, caller)?;
        if input.integer("WarmThroughputMiBps").is_some() {
            return Err(not_built("WarmThroughputMiBps"));
        }
        if input.string("RecordDistributionStrategy").is_some_and(|strategy| strategy != "USER_PARTITION_KEY")
        {
            return Err(not_built("RecordDistributionStrategy AUTO"));
        }
        let shard_count = input.integer("ShardCount").and_then(|count| u32::try_from(count).ok());
        let mode = input.structure("StreamModeDetails").and_then(|details| details.string("StreamMode"));
        let (mode, shard_count) = match (mode, shard_count) {
            // Without either, AWS makes an on-demand stream of four shards (reference 11, recorded).
            (None | Some("ON_DEMAND"), None) => (StreamMode::OnDemand, ON_DEMAND_SHARDS_INITIAL),
            (None | Some("PROVISIONED"), Some(count)) => (StreamMode::Provisioned, count),
            (Some("ON_DEMAND"), Some(_)) => {
                return Err(refused("ShardCount is not expected when StreamMode=ON_DEMAND"));
            }
            _ => return Err(refused("ShardCount is expected when StreamMode=PROVISIONED")),
        };
        let record_kib_max = input.integer("MaxRecordSizeInKiB").and_then(|kib| usize::try_from(kib).ok());
        let record_bytes_max = record_kib_max.map_or(RECORD_BYTES_DEFAULT, |kib| kib * 1024);
        let mut tags: Vec<_> = input.map("Tags").unwrap_or_default().iter().map(owned_pair).collect();
        if tags.len() > STREAM_TAGS_MAX {
            return Err(refusals::too_many_tags(&stream));
        }
        tags.sort_unstable();
        Ok(Self { stream, shard_count, mode, record_bytes_max, tags })
    }

    /// Creates the stream.
    ///
    /// # Errors
    /// E2 if the name is taken, E4 and E5 if a quota would be passed.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, shard_count, mode, record_bytes_max, tags } = self;
        let new = NewStream {
            scope: stream.scope,
            name: stream.name.clone(),
            shard_count,
            mode,
            record_bytes_max,
            tags,
        };
        service.registry.create(new).map(|_| ()).map_err(|error| match error {
            ControlError::ShardLimit { open, limit, additional } => {
                refusals::shard_limit(&stream, open, limit, additional)
            }
            ControlError::OnDemandStreamLimit { limit } => refusals::on_demand_stream_limit(limit),
            ControlError::CreatingLimit => refusals::creating_limit(CREATING_STREAMS_MAX),
            ControlError::Exists | ControlError::NotFound | ControlError::NotActive(_) => {
                refusals::stream_exists(&stream)
            }
        })
    }
}

fn owned_pair<K: ToString, V: ToString>((key, value): &(K, V)) -> (String, String) {
    (key.to_string(), value.to_string())
}

/// Recorded for ON_DEMAND through CloudFormation (reference 11); its counterpart is inferred.
fn refused(text: &'static str) -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, text)
}

fn not_built(member: &str) -> ApiError {
    let text = format!("shardmill does not implement {member} in CreateStream yet.");
    ApiError::new(ErrorKind::NotImplemented, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;
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
        assert_eq!(with_tags(50).map(|request| request.tags.len()), Ok(50));
        assert_eq!(with_tags(51).err().map(|error| error.kind), Some(ErrorKind::InvalidArgument));
    }
}
