//! UpdateStreamWarmThroughput: how much an on-demand stream is to take at once, before it has grown (reference 11).

use crate::control::{Needs, Scope, StreamMode, StreamSettings};
use crate::document::Value;
use crate::error::ApiError;
use crate::limits::WARM_THROUGHPUT_MIBPS_MAX;
use crate::transitions::Transition;

use super::describe_stream::integer;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Another throughput.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    mibps: u32,
}

/// What the stream takes and is to take.
#[derive(Debug, Clone)]
pub struct Reply {
    stream: StreamRef,
    warm_throughput: WarmThroughput,
}

/// A stream's warm throughput, in MiB/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmThroughput {
    /// What it is to take.
    pub target_mibps: u64,
    /// What it takes now.
    pub current_mibps: u64,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let mibps = warm_throughput_mibps(input).unwrap_or_default();
        Ok(Self { stream: StreamRef::of(input, caller)?, mibps })
    }

    /// Puts it in force once the stream is ACTIVE again. A lower one than before, or 0, gives capacity back.
    ///
    /// # Errors
    /// E1, E3, a provisioned stream, an account without commitment, more than a stream takes.
    pub fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { stream, mibps } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        let settings = StreamSettings::clone(&change.settings());
        check_warm_throughput(mibps, settings.mode, &stream, service)?;
        change.update(
            StreamSettings { warm_throughput_mibps: Some(mibps), ..settings },
            Transition::UpdateLimits,
        );
        let warm_throughput = WarmThroughput::of(change.stream(), change.now_ms());
        Ok(Reply { stream, warm_throughput })
    }
}

impl Reply {
    /// The reply's members.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("StreamARN", Value::string(self.stream.arn().to_string())),
            ("StreamName", Value::string(self.stream.name.to_string())),
            ("WarmThroughput", self.warm_throughput.into_value()),
        ])
    }
}

impl WarmThroughput {
    /// That of a stream: what was asked for, or else a MiB/s for each open shard (reference 16).
    #[must_use]
    pub fn of(stream: &crate::control::Stream, now_ms: u64) -> Self {
        let plan = stream.plan();
        let of = |settings: &StreamSettings| match settings.warm_throughput_mibps {
            Some(mibps) if mibps > 0 => u64::from(mibps),
            _ => stream.shard_map().open_count() as u64,
        };
        Self { target_mibps: of(plan.target()), current_mibps: of(plan.at(now_ms)) }
    }

    /// A `WarmThroughputObject`.
    #[must_use]
    pub fn into_value(self) -> Value<'static> {
        Value::structure([
            ("TargetMiBps", integer(self.target_mibps)),
            ("CurrentMiBps", integer(self.current_mibps)),
        ])
    }
}

/// The member WarmThroughputMiBps.
pub(super) fn warm_throughput_mibps(input: &Input<'_>) -> Option<u32> {
    input.integer("WarmThroughputMiBps").and_then(|mibps| u32::try_from(mibps).ok())
}

/// Whether a stream of this mode may be given a warm throughput now.
pub(super) fn check_warm_throughput(
    mibps: u32,
    mode: StreamMode,
    stream: &StreamRef,
    service: &Service,
) -> Result<(), ApiError> {
    if mode == StreamMode::Provisioned {
        return Err(refusals::stream_is_provisioned(stream));
    }
    let commitment = service.registry.accounts().commitment(stream.scope, service.clock.now_ms());
    if !commitment.is_in_force() {
        return Err(refusals::no_commitment(stream));
    }
    if mibps > WARM_THROUGHPUT_MIBPS_MAX {
        return Err(refusals::warm_throughput_too_large(mibps));
    }
    Ok(())
}
