//! What a request says of its signature, in its `Authorization` header or as a presigned query.

use std::borrow::Cow;

use super::SESSION_TOKEN;
use super::date::BasicDate;
use crate::error::ApiError;
use crate::operation::refusals;
use crate::protocol::auth::{Items, percent_decode};
use crate::protocol::head::{Field, Headers, RequestHead, text};

/// The one way of signing.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The longest that a presigned request may be good for, in seconds.
const LIFETIME_S_MAX: u64 = 7 * 24 * 3600;

/// What is claimed. That all of it is there has been seen by `auth`.
pub(super) struct Claim<'a> {
    /// `{access key}/{day}/{region}/{service}/aws4_request`.
    credential: Cow<'a, str>,
    /// Names in lower case, with semicolons between them.
    signed_headers: Cow<'a, str>,
    /// In hexadecimal digits.
    pub(super) signature: Cow<'a, str>,
    /// When it was signed, epoch seconds.
    pub(super) signed_s: u64,
    /// How long it is good for, if the request says so.
    pub(super) lifetime_s: Option<u64>,
    /// What has to be shown beside a signature by a temporary key.
    pub(super) session_token: Option<Cow<'a, str>>,
    /// What is said of the body: its hash, or that it is not signed.
    pub(super) payload: Option<Cow<'a, str>>,
}

/// The parts of a credential.
pub(super) struct Scope<'a> {
    /// Whose secret was used.
    pub(super) access_key: &'a str,
    /// The day, as `20231114`.
    pub(super) day: &'a str,
    /// The region.
    pub(super) region: &'a str,
    /// The service.
    pub(super) service: &'a str,
    /// What ends it.
    pub(super) terminator: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads the claim.
    ///
    /// # Errors
    /// Another algorithm, or a date or a lifetime that cannot be read.
    pub(super) fn of<H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Result<Self, ApiError> {
        match head.header(Field::Authorization) {
            Some(authorization) => Self::of_header(head, authorization),
            None => Self::of_query(head),
        }
    }

    fn of_header<H: Headers + ?Sized>(
        head: &RequestHead<'a, H>,
        authorization: &'a [u8],
    ) -> Result<Self, ApiError> {
        let Items { algorithm, credential, signature, signed_headers } = Items::of(authorization);
        check_algorithm(text(algorithm))?;
        let date = head.header(Field::XAmzDate).or_else(|| head.header(Field::Date)).unwrap_or_default();
        let signed = BasicDate::parse_any(date).ok_or_else(|| refusals::bad_signing_date(text(date)))?;
        let part = |value: Option<&'a [u8]>| Cow::Borrowed(text(value.unwrap_or_default()));
        let field = |name| first_value(head, name).map(Cow::Owned);
        Ok(Self {
            credential: part(credential),
            signed_headers: part(signed_headers),
            signature: part(signature),
            signed_s: signed.0,
            lifetime_s: None,
            session_token: field(SESSION_TOKEN),
            payload: field("x-amz-content-sha256"),
        })
    }

    fn of_query<H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Result<Self, ApiError> {
        let value = |name| head.query_value(name).map(|value| decoded(percent_decode(value)));
        let part = |name| value(name).unwrap_or_default();
        check_algorithm(&part("X-Amz-Algorithm"))?;
        let date = part("X-Amz-Date");
        let signed = BasicDate::parse(date.as_bytes()).ok_or_else(|| refusals::bad_signing_date(&date))?;
        let lifetime_s = match value("X-Amz-Expires") {
            None => None,
            Some(text) => {
                let seconds = text.parse().ok().filter(|seconds| (1..=LIFETIME_S_MAX).contains(seconds));
                Some(seconds.ok_or_else(|| refusals::bad_signature_lifetime(LIFETIME_S_MAX))?)
            }
        };
        Ok(Self {
            credential: part("X-Amz-Credential"),
            signed_headers: part("X-Amz-SignedHeaders"),
            signature: part("X-Amz-Signature"),
            signed_s: signed.0,
            lifetime_s,
            session_token: value("X-Amz-Security-Token"),
            payload: value("X-Amz-Content-Sha256"),
        })
    }

    /// The parts of the credential; those that are missing are empty.
    pub(super) fn scope(&self) -> Scope<'_> {
        let mut parts = self.credential.splitn(5, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (access_key, day, region, service) = (next(), next(), next(), next());
        Scope { access_key, day, region, service, terminator: next() }
    }

    /// The names of the header fields that were signed.
    pub(super) fn signed_headers(&self) -> Vec<&str> {
        self.signed_headers.split(';').collect()
    }
}

fn check_algorithm(algorithm: &str) -> Result<(), ApiError> {
    if algorithm == ALGORITHM { Ok(()) } else { Err(refusals::bad_signing_algorithm(algorithm)) }
}

/// The first value of a field that only signatures look at.
fn first_value<H: Headers + ?Sized>(head: &RequestHead<'_, H>, wanted: &str) -> Option<String> {
    let mut first = None;
    head.headers.for_each(&mut |name, value| {
        if name == wanted {
            first.get_or_insert_with(|| text(value).to_owned());
        }
    });
    first
}

/// Text that was encoded; whatever is not UTF-8 was left encoded.
fn decoded(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(text(bytes)),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_default()),
    }
}
