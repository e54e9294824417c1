//! Credentials: their form is checked as AWS checks it, their signature is not (reference 2).
//!
//! What is learned is who calls: the account, from an access key that is an account id, and the region, from
//! the credential scope. Both decide which streams a caller sees.

use super::head::{Headers, RequestHead};
use crate::error::{ApiError, ErrorKind};
use crate::names::{AccountId, Region};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Who calls: streams belong to an account and a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The access key if that is 12 digits, else `000000000000`.
    pub account: AccountId,
    /// The region of the credential scope, `us-east-1` if there is none.
    pub region: Region,
}

/// A credential of the right form: `{access key}/{date}/{region}/{service}/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential<'a>(Cow<'a, str>);

impl Credential<'_> {
    /// The name a service signs with, such as `kinesis`; `None` if the scope is cut short.
    pub(super) fn service(&self) -> Option<&str> {
        self.scope(3)
    }

    /// Who calls with it.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            account: self.scope(0).and_then(AccountId::parse).unwrap_or(AccountId::DEFAULT),
            region: self.scope(2).and_then(Region::parse).unwrap_or(Region::US_EAST_1),
        }
    }

    fn scope(&self, index: usize) -> Option<&str> {
        self.0.split('/').nth(index).filter(|part| !part.is_empty())
    }
}

/// Finds the credential of a request, in the `Authorization` header or a presigned query.
///
/// # Errors
/// A3 to A6 of reference 2, to the letter. The HTTP status is the caller's matter.
pub(super) fn authenticate<'a, H: Headers + ?Sized>(
    head: &RequestHead<'a, H>,
) -> Result<Credential<'a>, ApiError> {
    let authorization = head.header("authorization");
    let is_presigned = head.query_value("X-Amz-Algorithm").is_some();
    match (authorization, is_presigned) {
        (Some(_), true) => Err(ApiError::new(
            ErrorKind::InvalidSignature,
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        )),
        (Some(authorization), false) => from_header(head, authorization),
        (None, true) => from_query(head),
        (None, false) => {
            Err(ApiError::new(ErrorKind::MissingAuthenticationToken, "Missing Authentication Token"))
        }
    }
}

/// `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`, separated by commas or blanks.
fn from_header<'a, H: Headers + ?Sized>(
    head: &RequestHead<'a, H>,
    authorization: &'a str,
) -> Result<Credential<'a>, ApiError> {
    let (mut credential, mut signature, mut signed_headers) = (None, None, None);
    // The first word is the algorithm.
    for part in authorization.split([',', ' ']).skip(1) {
        match part.split_once('=') {
            Some((_, "")) => {}
            Some(("Credential", value)) => credential = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            Some(("SignedHeaders", value)) => signed_headers = Some(value),
            _ => {}
        }
    }
    let has_date = head.header("x-amz-date").is_some() || head.header("date").is_some();
    if let (Some(credential), Some(_), Some(_), true) = (credential, signature, signed_headers, has_date) {
        return Ok(Credential(Cow::Borrowed(credential)));
    }
    let mut message = String::new();
    for (name, value) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        if value.is_none() {
            // Writing into a String cannot fail.
            let _ = write!(message, "Authorization header requires '{name}' parameter. ");
        }
    }
    if !has_date {
        message.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    message.push_str("Authorization=");
    message.push_str(authorization);
    Err(ApiError::new(ErrorKind::IncompleteSignature, message))
}

fn from_query<'a, H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Result<Credential<'a>, ApiError> {
    let mut message = String::new();
    for name in
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"]
    {
        if head.query_value(name).is_none_or(str::is_empty) {
            // Writing into a String cannot fail.
            let _ = write!(message, "AWS query-string parameters must include '{name}'. ");
        }
    }
    match head.query_value("X-Amz-Credential") {
        Some(credential) if message.is_empty() => Ok(Credential(percent_decode(credential))),
        _ => {
            message.push_str("Re-examine the query-string parameters.");
            Err(ApiError::new(ErrorKind::IncompleteSignature, message))
        }
    }
}

/// Resolves `%2F` and its like; what is not a pair of hex digits stays, and so does all that is not UTF-8 in
/// the end.
fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
