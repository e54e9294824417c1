//! Signature Version 4, checked as AWS checks it, by a server that was told to (reference 2).
//!
//! A request is brought into its canonical form (`canonical`), and that is signed anew with the secret of the access key
//! that it claims (`claim`). Its body counts by its hash, which is made while the body arrives; what was read of it goes
//! nowhere before the signature holds. The comparison takes as long for a wrong signature as for a right one.

mod canonical;
mod claim;
mod date;

use ring::{digest, hmac};
use subtle::ConstantTimeEq;

use claim::{ALGORITHM, Claim, Scope};
use date::BasicDate;

use super::auth::Caller;
use super::head::{Headers, RequestHead};
use crate::credentials::{AccessKey, Credentials};
use crate::error::ApiError;
use crate::names::Region;
use crate::operation::refusals;

/// The service that credentials are scoped to.
const SERVICE: &str = "kinesis";
/// What ends the scope of a credential.
const TERMINATOR: &str = "aws4_request";
/// How far a client's clock may be off, in seconds; and how long a signature is good for that says nothing else.
const SKEW_S: u64 = 5 * 60;
/// The field that a temporary key comes with.
const SESSION_TOKEN: &str = "x-amz-security-token";
/// What stands for the hash of a body that is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The hash of a body, as far as it has arrived.
pub(super) struct PayloadHash(digest::Context);

impl PayloadHash {
    pub(super) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes the next part of the body.
    pub(super) fn add(&mut self, frame: &[u8]) {
        self.0.update(frame);
    }

    /// In hexadecimal digits.
    pub(super) fn finish(&self) -> String {
        hex(self.0.clone().finish().as_ref())
    }
}

/// What a signature is checked against.
#[derive(Clone, Copy)]
pub struct Check<'k> {
    /// Who may sign.
    pub(super) credentials: &'k Credentials,
    /// The server's clock, epoch milliseconds.
    pub(super) now_ms: u64,
    /// The hash of the body, in hexadecimal digits.
    pub(super) payload_hash: &'k str,
}

impl<'k> Check<'k> {
    /// Who has signed a request whose credentials are of the right form.
    ///
    /// # Errors
    /// A8 or A9 of reference 2, a scope that is not ours, too little that is signed, A10, A12, A7; in this order.
    pub(super) fn caller<H: Headers + ?Sized>(
        self,
        head: &RequestHead<'_, H>,
    ) -> Result<Caller<'k>, ApiError> {
        let claim = Claim::of(head)?;
        let scope = claim.scope();
        let region = check_scope(&scope, claim.signed_s)?;
        check_time(&claim, self.now_ms / 1000)?;
        let signed_headers = claim.signed_headers();
        check_signed_headers(head, &signed_headers)?;
        let key = self.key(&claim, scope.access_key)?;
        let payload = match claim.payload.as_deref() {
            Some(UNSIGNED_PAYLOAD) => UNSIGNED_PAYLOAD,
            _ => self.payload_hash,
        };
        let canonical = canonical::request(head, &signed_headers, payload);
        if !is_signed(&claim, &scope, &key.secret, &canonical) {
            // Quoted: it is of many lines, and the client chose what stands in them.
            tracing::debug!(?canonical, user = %key.user, "the signature does not match this canonical request");
            return Err(refusals::signature_mismatch());
        }
        Ok(Caller { account: Some(key.user.account), region: Some(region), user: Some(&key.user) })
    }

    /// The access key that is claimed, if the session token that belongs to it is shown and its time is not over.
    fn key(self, claim: &Claim<'_>, id: &str) -> Result<&'k AccessKey, ApiError> {
        let key = self.credentials.find(id).ok_or_else(refusals::unknown_access_key)?;
        let is_shown = match (&key.session_token, &claim.session_token) {
            (None, None) => true,
            (Some(token), Some(shown)) => token.as_bytes().ct_eq(shown.as_bytes()).into(),
            _ => false,
        };
        if !is_shown {
            Err(refusals::unknown_access_key())
        } else if key.expires_s.is_some_and(|expires_s| expires_s <= self.now_ms / 1000) {
            Err(refusals::expired_key())
        } else {
            Ok(key)
        }
    }
}

/// The region that a credential is scoped to, if it is one for this service and the day of the signature.
fn check_scope(scope: &Scope<'_>, signed_s: u64) -> Result<Region, ApiError> {
    let region = Region::parse(scope.region).ok_or_else(|| refusals::wrong_scope_region(scope.region))?;
    if scope.service != SERVICE {
        return Err(refusals::wrong_scope_service());
    }
    if scope.terminator != TERMINATOR {
        return Err(refusals::wrong_scope_end(scope.terminator));
    }
    let date = BasicDate(signed_s).to_string();
    match date.split_once('T') {
        Some((day, _)) if day != scope.day => Err(refusals::wrong_scope_day(scope.day, day, &date)),
        _ => Ok(region),
    }
}

/// Signed neither too long ago nor by a clock that is too far ahead.
fn check_time(claim: &Claim<'_>, now_s: u64) -> Result<(), ApiError> {
    let (lifetime_s, latest_s) = (claim.lifetime_s.unwrap_or(SKEW_S), now_s.saturating_add(SKEW_S));
    if claim.signed_s.saturating_add(lifetime_s) < now_s {
        let oldest = BasicDate(now_s.saturating_sub(lifetime_s));
        let lifetime = match lifetime_s {
            whole if whole.is_multiple_of(60) => format!("{} min.", whole / 60),
            _ => format!("{lifetime_s} sec."),
        };
        Err(refusals::signature_expired(BasicDate(claim.signed_s), oldest, BasicDate(now_s), &lifetime))
    } else if claim.signed_s > latest_s {
        let (signed, latest) = (BasicDate(claim.signed_s), BasicDate(latest_s));
        Err(refusals::signature_not_yet_current(signed, latest, BasicDate(now_s), SKEW_S / 60))
    } else {
        Ok(())
    }
}

/// The host and all that is AWS's has to be signed: a target that is not could be any. Session tokens are known here, so
/// they may be added to a request that is signed, as Kinesis has it (soto-core#99).
fn check_signed_headers<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    signed: &[&str],
) -> Result<(), ApiError> {
    if !signed.contains(&"host") {
        return Err(refusals::host_not_signed());
    }
    let mut came = 0;
    head.headers.for_each(&mut |_, _| came += 1);
    // Some did not come, and a stranger does not make the server look for thousands of them.
    if signed.len() > came {
        return Err(refusals::signature_mismatch());
    }
    let mut unsigned = None;
    head.headers.for_each(&mut |name, _| {
        if name.starts_with("x-amz-") && name != SESSION_TOKEN && !signed.contains(&name) {
            unsigned.get_or_insert_with(|| name.to_owned());
        }
    });
    unsigned.map_or(Ok(()), |name| Err(refusals::header_not_signed(&name)))
}

/// Whether this secret makes the claimed signature of a request.
fn is_signed(claim: &Claim<'_>, scope: &Scope<'_>, secret: &str, canonical: &str) -> bool {
    let Some(claimed) = from_hex(&claim.signature) else { return false };
    signature(claim, scope, secret, canonical).as_ref().ct_eq(&claimed).into()
}

/// The signature that this secret makes of a request.
fn signature(claim: &Claim<'_>, scope: &Scope<'_>, secret: &str, canonical: &str) -> hmac::Tag {
    let Scope { day, region, service, terminator, .. } = scope;
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let date = BasicDate(claim.signed_s);
    let to_sign = format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/{terminator}\n{hash}");
    let first = hmac::Key::new(hmac::HMAC_SHA256, [b"AWS4", secret.as_bytes()].concat().as_slice());
    let key = [day, region, service, terminator].into_iter().fold(first, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    });
    hmac::sign(&key, to_sign.as_bytes())
}

/// Bytes as hexadecimal digits in lower case.
fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of hexadecimal digits, two for each.
fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
