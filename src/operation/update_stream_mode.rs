//! UpdateStreamMode: from provisioned to on demand and back; the shards stay as they are (reference 11).

use crate::control::{DailyQuota, Needs, RecordDistribution, Scope, StreamMode, StreamSettings};
use crate::error::ApiError;
use crate::transitions::Transition;

use super::create_stream::capacity_refusal;
use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;
use super::update_stream_warm_throughput::{check_warm_throughput, warm_throughput_mibps};

/// Another mode.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    mode: StreamMode,
    warm_throughput_mibps: Option<u32>,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let mode = input.structure("StreamModeDetails").and_then(|details| details.string("StreamMode"));
        Ok(Self {
            stream: StreamRef::of_arn(input, caller)?,
            mode: mode.and_then(StreamMode::parse).unwrap_or(StreamMode::Provisioned),
            warm_throughput_mibps: warm_throughput_mibps(input),
        })
    }

    /// Puts it in force once the stream is ACTIVE again. To the mode that it has is no change, no error, and does not
    /// count (reference 11).
    ///
    /// # Errors
    /// E1, E3, a warm throughput that the stream cannot have, E46, or a quota of the account for the other mode.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, mode, warm_throughput_mibps } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        if let Some(mibps) = warm_throughput_mibps {
            check_warm_throughput(mibps, mode, &stream, service)?;
        }
        let settings = StreamSettings::clone(&change.settings());
        if settings.mode == mode && warm_throughput_mibps.is_none() {
            return Ok(());
        }
        if settings.mode != mode {
            change.check_mode(mode).map_err(|error| capacity_refusal(&error, &stream))?;
            change
                .take_daily(DailyQuota::ModeSwitches)
                .map_err(|quota| refusals::daily_limit("UpdateStreamMode", quota.max(), &stream))?;
        }
        let settings = match mode {
            // A provisioned stream has neither of these.
            StreamMode::Provisioned => StreamSettings {
                mode,
                distribution: RecordDistribution::UserPartitionKey,
                warm_throughput_mibps: None,
                ..settings
            },
            StreamMode::OnDemand => StreamSettings {
                mode,
                warm_throughput_mibps: warm_throughput_mibps.or(settings.warm_throughput_mibps),
                ..settings
            },
        };
        change.update(settings, Transition::UpdateMode);
        Ok(())
    }
}
