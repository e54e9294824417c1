//! Pagination tokens: where a listing goes on, sealed, valid for 300 s (reference 9.1).

use crate::error::ApiError;
use crate::limits::NEXT_TOKEN_TTL_MS;

use super::iterator::read_u64;
use super::refusals;
use super::seal::{Purpose, Sealer};

/// A token that carries `body`, issued at `now_ms`.
pub(super) fn seal(sealer: &Sealer, purpose: Purpose, now_ms: u64, body: &[u8]) -> String {
    let mut sealed = now_ms.to_le_bytes().to_vec();
    sealed.extend_from_slice(body);
    sealer.seal(purpose, &sealed)
}

/// The body of a token of this purpose.
///
/// # Errors
/// It was not made here for this operation, or it has expired.
pub(super) fn open(sealer: &Sealer, purpose: Purpose, token: &str, now_ms: u64) -> Result<Vec<u8>, ApiError> {
    let sealed = sealer.open(purpose, token).ok_or_else(refusals::bad_next_token)?;
    let (issued_ms, body) = read_u64(&sealed).ok_or_else(refusals::bad_next_token)?;
    if now_ms.saturating_sub(issued_ms) > NEXT_TOKEN_TTL_MS {
        return Err(refusals::expired_next_token());
    }
    Ok(body.to_vec())
}
