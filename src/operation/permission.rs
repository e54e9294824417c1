//! Who may call what, where callers are known because their signatures were checked (reference 12).
//!
//! Users of the account that a resource belongs to may do everything that its policy does not deny: there are no
//! identity policies here. Users of others may do what the resource's policy allows them. It is asked at the call: a
//! subscription that has begun goes on to its five minutes, whatever becomes of the policy.

use crate::control::Scope;
use crate::error::ApiError;
use crate::names::{AccountId, UserArn};
use crate::policy::Decision;

use super::consumer_ref::{ConsumerRef, arn_of};
use super::resource::Resource;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::{Operation, list_shards, refusals};

/// Checks that a caller may do this to a stream. Where callers are not known, everyone may.
///
/// # Errors
/// A13.
pub fn check_stream(
    service: &Service,
    user: Option<&UserArn>,
    operation: Operation,
    stream: &StreamRef,
) -> Result<(), ApiError> {
    match user {
        Some(user) => check(service, user, operation, &Resource::Stream(stream.clone())),
        None => Ok(()),
    }
}

/// Checks that a caller may do what a request asks for. One that names no resource is about the caller's own account,
/// or is refused later.
///
/// # Errors
/// A13.
pub fn check_input(
    service: &Service,
    (user, scope): (Option<&UserArn>, Scope),
    operation: Operation,
    input: &Input<'_>,
) -> Result<(), ApiError> {
    let Some(user) = user else { return Ok(()) };
    match resource_of(service, operation, input, scope) {
        Some(resource) => check(service, user, operation, &resource),
        None => Ok(()),
    }
}

/// The resource that a request is about, as its operation will find it.
fn resource_of(
    service: &Service,
    operation: Operation,
    input: &Input<'_>,
    caller: Scope,
) -> Option<Resource> {
    match operation {
        Operation::CreateStream
        | Operation::ListStreams
        | Operation::DescribeLimits
        | Operation::DescribeAccountSettings
        | Operation::UpdateAccountSettings => None,
        Operation::TagResource
        | Operation::UntagResource
        | Operation::ListTagsForResource
        | Operation::PutResourcePolicy
        | Operation::GetResourcePolicy
        | Operation::DeleteResourcePolicy => Resource::of(input).ok(),
        Operation::SubscribeToShard => {
            let consumer = ConsumerRef::by_arn(input.string("ConsumerARN")?).ok()?;
            Some(resource_of_consumer(service, consumer))
        }
        Operation::DescribeStreamConsumer | Operation::DeregisterStreamConsumer => {
            let consumer = ConsumerRef::of(input, caller).ok()?;
            Some(resource_of_consumer(service, consumer))
        }
        Operation::RegisterStreamConsumer
        | Operation::ListStreamConsumers
        | Operation::UpdateMaxRecordSize
        | Operation::UpdateStreamMode
        | Operation::UpdateStreamRecordDistributionStrategy => {
            StreamRef::of_arn(input, caller).ok().map(Resource::Stream)
        }
        // Its token names the stream instead.
        Operation::ListShards => {
            let request = list_shards::Request::validate(input, caller, service).ok()?;
            Some(Resource::Stream(request.stream().clone()))
        }
        _ => StreamRef::of(input, caller).ok().map(Resource::Stream),
    }
}

/// The consumer of an ARN, whether there is one or not: who may not ask is not told. Of a name, one that there is, and else
/// its stream.
fn resource_of_consumer(service: &Service, consumer: ConsumerRef) -> Resource {
    if let Some(arn) = consumer.arn() {
        return Resource::Consumer(arn);
    }
    match consumer.find(service) {
        Ok((_, (found, _))) => Resource::Consumer(arn_of(&consumer.stream, &found)),
        Err(_) => Resource::Stream(consumer.stream),
    }
}

fn check(
    service: &Service,
    user: &UserArn,
    operation: Operation,
    resource: &Resource,
) -> Result<(), ApiError> {
    let (owner, arn): (AccountId, String) = match resource {
        Resource::Stream(stream) => (stream.scope.account, stream.arn().to_string()),
        Resource::Consumer(consumer) => (consumer.stream.account, consumer.to_string()),
    };
    let policy = resource.attached(service).ok().and_then(|attached| attached.policy);
    let decision = policy.map_or(Decision::Silent, |policy| policy.decide(user, operation.name(), &arn));
    match decision {
        Decision::Allowed => Ok(()),
        Decision::Denied => Err(refusals::denied_by_policy(user, operation, &arn)),
        Decision::Silent if owner == user.account => Ok(()),
        Decision::Silent => Err(refusals::not_allowed_by_policy(user, operation, &arn)),
    }
}
