//! Which stream a request means: by StreamName, by StreamARN, or by both if they agree.

use std::sync::Arc;

use crate::control::{ControlError, Needs, PutRules, Scope, Stream, StreamChange, StreamStatus};
use crate::error::ApiError;
use crate::names::{StreamArn, StreamName};

use super::refusals;
use super::schema::Input;
use super::service::Service;

/// A stream, named but not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRef {
    /// Its account and region: the ARN's, or else the caller's.
    pub scope: Scope,
    /// Its name.
    pub name: StreamName,
}

impl StreamRef {
    /// The stream that the members StreamName and StreamARN name.
    ///
    /// # Errors
    /// Neither is given, or they disagree (both texts inferred, reference 4).
    pub fn of(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Self::from_members(input.string("StreamName"), input.string("StreamARN"), caller)
    }

    /// The stream that the member StreamARN names, of an operation that has no StreamName.
    ///
    /// # Errors
    /// It is not given, or it is no stream's (both texts inferred).
    pub fn of_arn(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Self::from_members(None, input.string("StreamARN"), caller)
    }

    /// As [`Self::of`], from the two members.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn from_members(name: Option<&str>, arn: Option<&str>, caller: Scope) -> Result<Self, ApiError> {
        let arn = match arn {
            Some(text) => Some(StreamArn::parse(text).ok_or_else(refusals::not_a_stream_arn)?),
            None => None,
        };
        match (name.and_then(StreamName::parse), arn) {
            (Some(name), Some(arn)) if name != arn.name => Err(refusals::streams_differ()),
            (_, Some(arn)) => Ok(Self::from(arn)),
            (Some(name), None) => Ok(Self { scope: caller, name }),
            (None, None) => Err(refusals::stream_not_named()),
        }
    }

    /// The stream in whatever state.
    ///
    /// # Errors
    /// E1 if there is none.
    pub fn find(&self, service: &Service) -> Result<Arc<Stream>, ApiError> {
        service.registry.find(self.scope, self.name.as_str()).ok_or_else(|| refusals::no_stream(self))
    }

    /// The stream if it takes puts, and the rules for them.
    ///
    /// # Errors
    /// E1 if there is none, or if it is still CREATING (reference 5.6).
    pub fn find_writable(&self, service: &Service) -> Result<(Arc<Stream>, PutRules), ApiError> {
        let now_ms = service.clock.now_ms();
        match service.registry.find_at(self.scope, self.name.as_str(), now_ms) {
            Some((_, StreamStatus::Creating)) | None => Err(refusals::no_stream(self)),
            Some((stream, StreamStatus::Active | StreamStatus::Updating | StreamStatus::Deleting)) => {
                let rules = stream.plan().at(now_ms).put_rules();
                Ok((stream, rules))
            }
        }
    }

    /// Begins to change the stream.
    ///
    /// # Errors
    /// E1 if there is none, E3 if it is in another state than the change needs.
    pub fn begin_change<'s>(&self, service: &'s Service, needs: Needs) -> Result<StreamChange<'s>, ApiError> {
        service.registry.begin_change(self.scope, self.name.as_str(), needs).map_err(|error| match error {
            ControlError::NotActive(status) => refusals::stream_not_active(self, status.name()),
            _ => refusals::no_stream(self),
        })
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> StreamArn {
        StreamArn { account: self.scope.account, region: self.scope.region, name: self.name.clone() }
    }
}

impl From<StreamArn> for StreamRef {
    fn from(arn: StreamArn) -> Self {
        Self { scope: Scope { account: arn.account, region: arn.region }, name: arn.name }
    }
}
