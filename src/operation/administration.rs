//! Dispatch of the operations that set, tag and describe streams, consumers and accounts.

use crate::control::Scope;
use crate::document::Value;
use crate::error::ApiError;

use super::schema::Input;
use super::service::Service;
use super::{
    Operation, add_tags_to_stream, decrease_stream_retention_period, delete_resource_policy,
    deregister_stream_consumer, describe_account_settings, describe_stream_consumer,
    disable_enhanced_monitoring, enable_enhanced_monitoring, get_resource_policy,
    increase_stream_retention_period, list_stream_consumers, list_tags_for_resource, list_tags_for_stream,
    put_resource_policy, refusals, register_stream_consumer, remove_tags_from_stream,
    start_stream_encryption, stop_stream_encryption, tag_resource, untag_resource, update_account_settings,
    update_max_record_size, update_stream_mode, update_stream_record_distribution_strategy,
    update_stream_warm_throughput,
};

/// Runs an operation of these; `None` is an empty body.
pub(super) fn run(
    service: &Service,
    operation: Operation,
    input: &Input<'_>,
    caller: Scope,
) -> Result<Option<Value<'static>>, ApiError> {
    /// An operation without a reply.
    macro_rules! done {
        ($operation:ident, $($of:expr),+) => {
            $operation::Request::validate($($of),+)?.execute(service).map(|()| None)
        };
    }
    /// An operation with one.
    macro_rules! reply {
        ($operation:ident, $($of:expr),+) => {
            $operation::Request::validate($($of),+)?.execute(service).map(|reply| Some(reply.into_value()))
        };
    }
    match operation {
        Operation::AddTagsToStream => done!(add_tags_to_stream, input, caller),
        Operation::RemoveTagsFromStream => done!(remove_tags_from_stream, input, caller),
        Operation::ListTagsForStream => reply!(list_tags_for_stream, input, caller),
        Operation::TagResource => done!(tag_resource, input),
        Operation::UntagResource => done!(untag_resource, input),
        Operation::ListTagsForResource => reply!(list_tags_for_resource, input),
        Operation::PutResourcePolicy => done!(put_resource_policy, input),
        Operation::GetResourcePolicy => reply!(get_resource_policy, input),
        Operation::DeleteResourcePolicy => done!(delete_resource_policy, input),
        Operation::IncreaseStreamRetentionPeriod => done!(increase_stream_retention_period, input, caller),
        Operation::DecreaseStreamRetentionPeriod => done!(decrease_stream_retention_period, input, caller),
        Operation::EnableEnhancedMonitoring => reply!(enable_enhanced_monitoring, input, caller),
        Operation::DisableEnhancedMonitoring => reply!(disable_enhanced_monitoring, input, caller),
        Operation::StartStreamEncryption => done!(start_stream_encryption, input, caller),
        Operation::StopStreamEncryption => done!(stop_stream_encryption, input, caller),
        Operation::UpdateMaxRecordSize => done!(update_max_record_size, input, caller),
        Operation::UpdateStreamMode => done!(update_stream_mode, input, caller),
        Operation::UpdateStreamRecordDistributionStrategy => {
            done!(update_stream_record_distribution_strategy, input, caller)
        }
        Operation::UpdateStreamWarmThroughput => reply!(update_stream_warm_throughput, input, caller),
        Operation::DescribeAccountSettings => {
            Ok(Some(describe_account_settings::Request::validate(caller).execute(service).into_value()))
        }
        Operation::UpdateAccountSettings => reply!(update_account_settings, input, caller),
        Operation::RegisterStreamConsumer => reply!(register_stream_consumer, input, caller),
        Operation::DeregisterStreamConsumer => done!(deregister_stream_consumer, input, caller),
        Operation::DescribeStreamConsumer => reply!(describe_stream_consumer, input, caller),
        Operation::ListStreamConsumers => reply!(list_stream_consumers, input, caller, service),
        other => Err(refusals::not_built(other)),
    }
}
