//! StopStreamEncryption: records are no longer encrypted; those that are stay so (reference 12).

use crate::control::{DailyQuota, Needs, Scope, StreamSettings};
use crate::error::ApiError;
use crate::transitions::Transition;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A stream whose records are no longer to be encrypted.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    is_kms: bool,
}

impl Request {
    /// Checks what the model leaves to the service. KeyId is required and not needed (reference 12).
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        let is_kms = input.string("EncryptionType") == Some("KMS");
        Ok(Self { stream: StreamRef::of(input, caller)?, is_kms })
    }

    /// Stops once the stream is ACTIVE again. Where there is nothing to stop, nothing is done (inferred).
    ///
    /// # Errors
    /// E1, E3, an encryption type other than KMS, E46.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, is_kms } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        if !is_kms {
            return Err(refusals::encryption_type_not_kms());
        }
        let settings = change.settings();
        if settings.key_id.is_none() {
            return Ok(());
        }
        change
            .take_daily(DailyQuota::EncryptionStops)
            .map_err(|quota| refusals::daily_limit("StopStreamEncryption", quota.max(), &stream))?;
        change.update(
            StreamSettings { key_id: None, ..StreamSettings::clone(&settings) },
            Transition::StopEncryption,
        );
        Ok(())
    }
}
