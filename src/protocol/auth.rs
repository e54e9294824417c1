//! Credentials: their form is checked as AWS checks it (reference 2). Their signature is for `signature` to check.
//!
//! What is learned is who calls: the account, from an access key that is an account id, and the region, from
//! the credential scope. Both decide which streams a caller sees.

use super::head::{Field, Headers, RequestHead, text};
use crate::error::ApiError;
use crate::names::{AccountId, Region, UserArn};
use crate::operation::refusals;
use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// Who calls: streams belong to an account and a region. What a credential leaves out is the server's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'k> {
    /// The access key if that is 12 digits; whose the key is, where signatures are required.
    pub account: Option<AccountId>,
    /// The region of the credential scope.
    pub region: Option<Region>,
    /// Who has signed; `None` where signatures are not looked at.
    pub user: Option<&'k UserArn>,
}

/// A credential of the right form: `{access key}/{date}/{region}/{service}/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    /// Who calls with it.
    pub(super) caller: Caller<'static>,
    service: Option<Cow<'a, [u8]>>,
}

impl<'a> Credential<'a> {
    fn new(text: Cow<'a, [u8]>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::of(text, Cow::Borrowed),
            Cow::Owned(text) => Self::of(&text, |service| Cow::Owned(service.to_owned())),
        }
    }

    fn of<'t>(text: &'t [u8], keep: impl FnOnce(&'t [u8]) -> Cow<'a, [u8]>) -> Self {
        let mut parts = [&[][..]; 4];
        let mut rest = Some(text);
        for part in &mut parts {
            let Some(text) = rest else { break };
            (*part, rest) = cut(text, memchr(b'/', text));
        }
        let [access_key, _, region, service] = parts;
        let caller = Caller {
            account: AccountId::parse_bytes(access_key),
            region: Region::parse_bytes(region),
            user: None,
        };
        Self { caller, service: (!service.is_empty()).then(|| keep(service)) }
    }

    /// The name a service signs with, such as `kinesis`; `None` if the scope is cut short.
    pub(super) fn service(&self) -> Option<&[u8]> {
        self.service.as_deref()
    }
}

/// What stands before and after the byte at this place.
fn cut(text: &[u8], at: Option<usize>) -> (&[u8], Option<&[u8]>) {
    match at {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Finds the credential of a request, in the `Authorization` header or a presigned query.
///
/// # Errors
/// A3 to A6 of reference 2, to the letter. The HTTP status is the caller's matter.
pub(super) fn authenticate<'a, H: Headers + ?Sized>(
    head: &RequestHead<'a, H>,
) -> Result<Credential<'a>, ApiError> {
    let authorization = head.header(Field::Authorization);
    let is_presigned = head.query_value("X-Amz-Algorithm").is_some();
    match (authorization, is_presigned) {
        (Some(_), true) => Err(refusals::two_credentials()),
        (Some(authorization), false) => from_header(head, authorization),
        (None, true) => from_query(head),
        (None, false) => Err(refusals::no_credentials()),
    }
}

/// `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`, separated by commas or blanks.
fn from_header<'a, H: Headers + ?Sized>(
    head: &RequestHead<'a, H>,
    authorization: &'a [u8],
) -> Result<Credential<'a>, ApiError> {
    let Items { credential, signature, signed_headers, .. } = Items::of(authorization);
    let has_date = head.header(Field::XAmzDate).is_some() || head.header(Field::Date).is_some();
    if let (Some(credential), Some(_), Some(_), true) = (credential, signature, signed_headers, has_date) {
        return Ok(Credential::new(Cow::Borrowed(credential)));
    }
    let mut lacks = String::new();
    for (name, value) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        if value.is_none() {
            lacks.push_str(&refusals::header_lacks(name));
        }
    }
    if !has_date {
        lacks.push_str(&refusals::header_lacks_date());
    }
    Err(refusals::incomplete_authorization(&lacks, text(authorization)))
}

/// The items of an `Authorization` header.
#[derive(Default)]
pub(super) struct Items<'a> {
    /// The first word.
    pub(super) algorithm: &'a [u8],
    /// `{access key}/{scope}`.
    pub(super) credential: Option<&'a [u8]>,
    /// In hexadecimal digits.
    pub(super) signature: Option<&'a [u8]>,
    /// Names with semicolons between them.
    pub(super) signed_headers: Option<&'a [u8]>,
}

impl<'a> Items<'a> {
    /// Finds them.
    pub(super) fn of(authorization: &'a [u8]) -> Self {
        let next = |rest| cut(rest, memchr2(b',', b' ', rest));
        let (algorithm, mut rest) = next(authorization);
        let mut items = Self { algorithm, ..Self::default() };
        while let Some(text) = rest {
            let part;
            // A comma has a blank behind it.
            (part, rest) = next(text.strip_prefix(b" ").unwrap_or(text));
            if let Some(value) = value_of(b"Credential=", part) {
                items.credential = Some(value);
            } else if let Some(value) = value_of(b"Signature=", part) {
                items.signature = Some(value);
            } else if let Some(value) = value_of(b"SignedHeaders=", part) {
                items.signed_headers = Some(value);
            }
        }
        items
    }
}

/// The value of an item; an empty one is none.
fn value_of<'a>(name: &[u8], part: &'a [u8]) -> Option<&'a [u8]> {
    part.strip_prefix(name).filter(|value| !value.is_empty())
}

fn from_query<'a, H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Result<Credential<'a>, ApiError> {
    let mut lacks = String::new();
    for name in
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"]
    {
        if head.query_value(name).is_none_or(str::is_empty) {
            lacks.push_str(&refusals::query_lacks(name));
        }
    }
    match head.query_value("X-Amz-Credential") {
        Some(credential) if lacks.is_empty() => Ok(Credential::new(percent_decode(credential))),
        _ => Err(refusals::incomplete_query(&lacks)),
    }
}

/// Resolves `%2F` and its like; what is not a pair of hex digits stays, and so does all that is not UTF-8 in
/// the end.
pub(super) fn percent_decode(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
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
    match String::from_utf8(bytes) {
        Ok(decoded) => Cow::Owned(decoded.into_bytes()),
        Err(_) => Cow::Borrowed(text.as_bytes()),
    }
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
