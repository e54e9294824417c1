//! From a request to its operation and caller, or to the answer that refuses it, in the order of reference
//! 1.6.
//!
//! The order matters, because clients and tests see it: a body that cannot be read and an operation that does
//! not exist are reported before missing credentials. It takes two steps. [`classify`] needs only the head
//! and answers what never reaches the service; [`resolve`] needs to know what became of the body. Between the
//! two the caller reads and parses the body, by whatever route is fastest for the operation. A good request
//! allocates nothing here.

use super::answer::{Answer, error_answer, front_end_answer};
use super::auth::{Caller, Credential, authenticate};
use super::codec::Codec;
use super::foreign;
use super::head::{Field, Headers, RequestHead, text};
use super::signature::Check;
use crate::error::ApiError;
use crate::operation::names::Operation;
use crate::operation::refusals;

/// The part of `X-Amz-Target` before the dot.
const TARGET_PREFIX: &str = "Kinesis_20131202";
/// The same with the dot.
const TARGET_START: &[u8] = b"Kinesis_20131202.";

/// What the head of a request says about it.
#[derive(Debug)]
pub enum Class<'a> {
    /// A CORS preflight, answered at once; `headers::Cors` has its header fields.
    Preflight(Answer),
    /// Not a request to the service at all; answered at once, whatever its body.
    Refused(Answer),
    /// A POST. Its body is read next, then [`resolve`] decides.
    Post(Post<'a>),
}

/// A POST whose body has not been looked at.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The wire format of body and answer; `None` means that the body is not to be parsed.
    pub codec: Option<Codec>,
    /// The operation that the target names, for choosing how to parse; not yet permitted.
    pub operation: Option<Operation>,
    content_type: &'a [u8],
    target: Option<Target<'a>>,
}

/// What became of the body of a POST.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// There was none.
    Empty,
    /// It decoded to an object.
    Object,
    /// It did not decode to an object.
    Malformed,
    /// It was not parsed, for want of a codec.
    Raw(&'a [u8]),
}

/// Sorts a request by its head.
pub fn classify<'a, H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Class<'a> {
    if head.method == "OPTIONS" && head.header(Field::Origin).is_some() {
        return Class::Preflight(Answer { status: 200, content_type: None, body: Vec::new() });
    }
    if head.method != "POST" {
        return Class::Refused(refuse_unreadable(head, authenticate(head)));
    }
    let content_type = head.header(Field::ContentType).unwrap_or_default();
    let target = Target::of(head);
    Class::Post(Post {
        codec: Codec::from_content_type(content_type),
        operation: target.and_then(Target::operation),
        content_type,
        target,
    })
}

/// Decides about a POST, now that its body is known. Its signature is checked if there is a `check`.
///
/// # Errors
/// The answer to send instead of running the operation.
pub fn resolve<'k, H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    body: Body<'_>,
    check: Option<Check<'k>>,
) -> Result<(Operation, Caller<'k>), Answer> {
    let credential = authenticate(head);
    let Some(codec) = post.codec else { return Err(resolve_without_codec(head, post, body, credential)) };
    match body {
        Body::Empty => return Err(refuse_empty(post)),
        Body::Malformed => return Err(error_answer(codec, &refusals::unreadable())),
        Body::Object | Body::Raw(_) => {}
    }
    // Where signatures count, AWS has words of its own for one that was made for another service.
    let is_checked = check.is_some() && post.operation.is_some();
    if !is_checked && let Some(answer) = refuse_foreign(post, &credential) {
        return Err(answer);
    }
    permit(head, post.operation, credential, check).map_err(|error| error_answer(codec, &error))
}

/// Rules 6 and 7, and what is not built.
fn permit<'k, H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    operation: Option<Operation>,
    credential: Result<Credential<'_>, ApiError>,
    check: Option<Check<'k>>,
) -> Result<(Operation, Caller<'k>), ApiError> {
    let operation = operation.ok_or_else(refusals::unknown_operation)?;
    let caller = credential?.caller;
    let caller = match check {
        None => caller,
        Some(check) => check.caller(head)?,
    };
    if !operation.is_built() {
        return Err(refusals::not_built(operation));
    }
    Ok((operation, caller))
}

/// Rule 3: the codec is only believed if it is the JSON of AWS.
fn refuse_empty(post: &Post<'_>) -> Answer {
    let codec = match post.codec {
        Some(Codec::Json) => Codec::Json,
        _ => Codec::Cbor,
    };
    let error = match post.operation {
        Some(_) => refusals::unreadable(),
        None => refusals::unknown_operation(),
    };
    error_answer(codec, &error)
}

/// A POST of some other content type: another protocol of AWS, or nothing that anyone could read.
fn resolve_without_codec<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    body: Body<'_>,
    credential: Result<Credential<'_>, ApiError>,
) -> Answer {
    if let Some(answer) = refuse_foreign(post, &credential) {
        return answer;
    }
    if let (Body::Raw(body), true) = (body, foreign::is_form(post.content_type))
        && let Some(action) = foreign::form_action(body)
    {
        return foreign::foreign_answer(post.content_type, action);
    }
    match body {
        Body::Empty => refuse_empty(post),
        _ => refuse_unreadable(head, credential),
    }
}

/// The answer to a request that another service should have got. A target counts only in a body format that
/// has targets; elsewhere the recorded A11 tells of it.
fn refuse_foreign(post: &Post<'_>, credential: &Result<Credential<'_>, ApiError>) -> Option<Answer> {
    // The target of an operation is our own.
    let target = post.target.filter(|_| post.operation.is_none());
    let is_foreign = |target: &Target<'_>| {
        (post.codec.is_some() || foreign::is_json_1_0(post.content_type))
            && foreign::is_foreign_prefix(target.parts().0)
    };
    if let Some(Target(target)) = target.filter(is_foreign) {
        return Some(foreign::foreign_answer(post.content_type, text(target)));
    }
    let service = credential.as_ref().ok()?.service();
    foreign::is_foreign_service(service)
        .then(|| foreign::foreign_answer(post.content_type, text(service.unwrap_or_default())))
}

/// Rule 2: credentials first, then the target.
fn refuse_unreadable<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    credential: Result<Credential<'_>, ApiError>,
) -> Answer {
    let credential = match credential {
        Ok(credential) => credential,
        Err(error) => return front_end_answer(403, &error),
    };
    if foreign::is_foreign_service(credential.service()) {
        return foreign::foreign_answer(b"", text(credential.service().unwrap_or_default()));
    }
    match Target::of(head) {
        None => front_end_answer(403, &refusals::no_operation_named()),
        Some(target) if target.parts().0 != TARGET_PREFIX => {
            let (prefix, name) = target.parts();
            front_end_answer(403, &refusals::unknown_service(prefix, name))
        }
        Some(target) if target.operation().is_none() => front_end_answer(500, &refusals::internal_failure()),
        Some(_) => front_end_answer(404, &refusals::unknown_operation()),
    }
}

/// The value of `X-Amz-Target`.
#[derive(Debug, Clone, Copy)]
struct Target<'a>(&'a [u8]);

impl<'a> Target<'a> {
    fn of<H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Option<Self> {
        head.header(Field::XAmzTarget).map(Self)
    }

    /// What stands before and after the dot.
    fn parts(&self) -> (&'a str, &'a str) {
        let text = text(self.0);
        text.split_once('.').unwrap_or((text, ""))
    }

    fn operation(self) -> Option<Operation> {
        Operation::parse(text(self.0.strip_prefix(TARGET_START)?))
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
