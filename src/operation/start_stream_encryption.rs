//! StartStreamEncryption: records are encrypted with a key of KMS, or with another one (reference 12).
//!
//! There is no KMS behind it: a key id of one of KMS's forms names a key that may be used.

use crate::control::{DailyQuota, Needs, Scope, StreamSettings};
use crate::error::ApiError;
use crate::names::AccountId;
use crate::transitions::Transition;

use super::refusals;
use super::schema::Input;
use super::service::Service;
use super::stream_ref::StreamRef;

/// A key to be used.
#[derive(Debug, Clone)]
pub struct Request {
    stream: StreamRef,
    is_kms: bool,
    key_id: String,
}

impl Request {
    /// Checks what the model leaves to the service.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn validate(input: &Input<'_>, caller: Scope) -> Result<Self, ApiError> {
        Ok(Self {
            stream: StreamRef::of(input, caller)?,
            is_kms: input.string("EncryptionType") == Some("KMS"),
            key_id: input.string("KeyId").unwrap_or_default().to_owned(),
        })
    }

    /// Uses it once the stream is ACTIVE again.
    ///
    /// # Errors
    /// E1, E3, an encryption type other than KMS, E49 for a key that there cannot be, E46.
    pub fn execute(self, service: &Service) -> Result<(), ApiError> {
        let Self { stream, is_kms, key_id } = self;
        let change = stream.begin_change(service, Needs::Active)?;
        if !is_kms {
            return Err(refusals::encryption_type_not_kms());
        }
        check_key_id(&key_id, stream.scope)?;
        change
            .take_daily(DailyQuota::EncryptionStarts)
            .map_err(|quota| refusals::daily_limit("StartStreamEncryption", quota.max(), &stream))?;
        let settings = StreamSettings::clone(&change.settings());
        change
            .update(StreamSettings { key_id: Some(key_id.into()), ..settings }, Transition::StartEncryption);
        Ok(())
    }
}

/// E49: a key id has one of the five forms of KMS, and an ARN names a key in the stream's region.
fn check_key_id(key_id: &str, scope: Scope) -> Result<(), ApiError> {
    let bad = || refusals::bad_key_id(key_id);
    let Some(arn) = key_id.strip_prefix("arn:aws") else {
        return if is_alias(key_id) || is_key(key_id) { Ok(()) } else { Err(bad()) };
    };
    let mut parts = arn.splitn(5, ':');
    let (Some(_partition), Some("kms"), Some(region), Some(account), Some(resource)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    let is_resource = is_alias(resource) || resource.strip_prefix("key/").is_some_and(is_key);
    if AccountId::parse(account).is_none() || !is_resource {
        return Err(bad());
    }
    if region != scope.region.as_str() {
        return Err(refusals::key_of_other_region(region));
    }
    Ok(())
}

/// `alias/NAME`.
fn is_alias(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(is_allowed)
    };
    text.strip_prefix("alias/").is_some_and(is_name)
}

/// A GUID, or the id of a key of several regions: `mrk-` and 32 hex digits.
fn is_key(text: &str) -> bool {
    let is_hex =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("mrk-") {
        return is_hex(digits, 32);
    }
    let mut groups = text.split('-');
    [8, 4, 4, 4, 12].into_iter().all(|digits| groups.next().is_some_and(|group| is_hex(group, digits)))
        && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Region;

    const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
    const GUID: &str = "12345678-1234-1234-1234-123456789abc";

    /// Protects: every form of the model's documentation is taken.
    #[test]
    fn forms_of_kms() {
        for key_id in [
            GUID.to_owned(),
            format!("mrk-{}", "0".repeat(32)),
            "alias/MyAliasName".to_owned(),
            "alias/aws/kinesis".to_owned(),
            format!("arn:aws:kms:us-east-1:123456789012:key/{GUID}"),
            format!("arn:aws-cn:kms:us-east-1:123456789012:key/mrk-{}", "a".repeat(32)),
            "arn:aws:kms:us-east-1:123456789012:alias/MyAliasName".to_owned(),
        ] {
            assert_eq!(check_key_id(&key_id, HERE), Ok(()), "{key_id}");
        }
    }

    /// Protects: what cannot be a key is not found, in the words of KMS.
    #[test]
    fn what_cannot_be_a_key() {
        for key_id in [
            "key",
            "alias/",
            "alias/a b",
            "12345678-1234-1234-1234-123456789abg",
            "12345678-1234-1234-1234-123456789abc-1",
            "arn:aws:kms:us-east-1:123456789012:key/x",
            "arn:aws:s3:us-east-1:123456789012:alias/a",
            "arn:aws:kms:us-east-1:12345678901:alias/a",
            "arn:aws:kms",
        ] {
            assert_eq!(check_key_id(key_id, HERE), Err(refusals::bad_key_id(key_id)), "{key_id}");
        }
        let elsewhere = check_key_id("arn:aws:kms:eu-west-1:123456789012:alias/a", HERE);
        assert_eq!(elsewhere, Err(refusals::key_of_other_region("eu-west-1")));
    }
}
