//! What operations act on, and the dispatch of every operation that is not on the record path.

use std::sync::Arc;

use crate::clock::Clock;
use crate::control::{Registry, Scope};
use crate::credentials::Credentials;
use crate::document::Value;
use crate::error::ApiError;
use crate::faults::FaultPlan;
use crate::shard::Tally;

use super::schema::Input;
use super::seal::Sealer;
use super::{
    Operation, administration, create_stream, delete_stream, describe_limits, describe_stream,
    describe_stream_summary, get_shard_iterator, list_shards, list_streams, merge_shards, split_shard,
    update_shard_count,
};

/// Everything behind the wire: one for a server.
pub struct Service {
    /// All streams.
    pub registry: Registry,
    /// The service clock.
    pub clock: Clock,
    /// Makes and checks opaque tokens.
    pub sealer: Sealer,
    /// Which calls fail on purpose.
    pub faults: FaultPlan,
    /// What went wrong so far.
    pub tally: Arc<Tally>,
    /// Who calls if a request does not say.
    pub usual_caller: Scope,
    /// Who may call, where signatures are required; `None`: they are not looked at.
    pub credentials: Option<Credentials>,
}

impl Service {
    /// Runs an operation that answers with a document; `None` is an empty body (reference 1.1).
    ///
    /// # Errors
    /// What AWS would answer; for an operation of the record path or one that is not built, that it is not
    /// built here.
    pub fn run(
        &self,
        operation: Operation,
        input: &Input<'_>,
        caller: Scope,
    ) -> Result<Option<Value<'static>>, ApiError> {
        match operation {
            Operation::CreateStream => {
                create_stream::Request::validate(input, caller)?.execute(self)?;
                Ok(None)
            }
            Operation::DeleteStream => {
                delete_stream::Request::validate(input, caller)?.execute(self)?;
                Ok(None)
            }
            Operation::DescribeStream => {
                let reply = describe_stream::Request::validate(input, caller)?.execute(self)?;
                Ok(Some(reply.into_value()))
            }
            Operation::DescribeStreamSummary => {
                let reply = describe_stream_summary::Request::validate(input, caller)?.execute(self)?;
                Ok(Some(reply.into_value()))
            }
            Operation::ListStreams => {
                let reply = list_streams::Request::validate(input, caller, self)?.execute(self);
                Ok(Some(reply.into_value()))
            }
            Operation::ListShards => {
                let reply = list_shards::Request::validate(input, caller, self)?.execute(self)?;
                Ok(Some(reply.into_value()))
            }
            Operation::DescribeLimits => {
                let reply = describe_limits::Request::validate(caller).execute(self);
                Ok(Some(reply.into_value()))
            }
            Operation::GetShardIterator => {
                let reply = get_shard_iterator::Request::validate(input, caller)?.execute(self)?;
                Ok(Some(reply.into_value()))
            }
            Operation::SplitShard => {
                split_shard::Request::validate(input, caller)?.execute(self)?;
                Ok(None)
            }
            Operation::MergeShards => {
                merge_shards::Request::validate(input, caller)?.execute(self)?;
                Ok(None)
            }
            Operation::UpdateShardCount => {
                let reply = update_shard_count::Request::validate(input, caller)?.execute(self)?;
                Ok(Some(reply.into_value()))
            }
            other => administration::run(self, other, input, caller),
        }
    }
}
