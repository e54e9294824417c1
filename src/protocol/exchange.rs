//! From the head and body of a POST to its reply: parse, permit, validate, run, encode.
//!
//! Two steps, because a put may have to wait for a shard while the parse buffers belong to the thread:
//! [`prepare`] reads the body and does everything that needs no waiting; [`Prepared::run`] does the rest and
//! owns all it needs, so the body's buffer is free again in between.

use super::answer::{Answer, error_answer};
use super::auth::Caller;
use super::codec::{Codec, Malformed};
use super::dispatch::{Body, Post, resolve};
use super::head::{Headers, RequestHead};
use super::json::JsonScratch;
use super::records::cbor_list::{self, CborList};
use super::records::event_messages::EventMessages;
use super::records::feed::{Fed, FedRecords, Feed};
use super::records::get_body::GetBody;
use super::records::json_list::JsonList;
use super::records::put_reply::{self, PutBody};
use super::records::scan::{self, Scanned};
use super::records::{cbor_put_reply, requests};
use super::signature::{Check, PayloadHash};
use crate::control::Scope;
use crate::document::Value;
use crate::error::ApiError;
use crate::operation::permission::{check_input, check_stream};
use crate::operation::schema::shapes::{SUBSCRIBE_TO_SHARD, Structure};
use crate::operation::{Operation, Service, put_record, put_records, refusals, subscribe_to_shard};
use crate::pool::PooledBytes;

/// What a request is answered with.
pub enum Reply {
    /// A whole answer.
    Whole(Answer),
    /// 200 with the body of a PutRecords.
    Put(Codec, PutBody),
    /// 200 with the records of a GetRecords, written as they are sent.
    Records(Codec, Box<GetBody>),
    /// 200 with the events of a subscription, for as long as it lasts.
    Events(Box<EventMessages>),
}

/// A request that has been read.
pub struct Prepared {
    codec: Codec,
    step: Step,
}

enum Step {
    Answered(Reply),
    PutRecord(put_record::Request),
    PutRecords(put_records::Request),
}

impl Step {
    /// Checks that the caller may do what is left to be done.
    fn check_permission(&self, caller: Caller<'_>, service: &Service) -> Result<(), ApiError> {
        match self {
            Self::Answered(_) => Ok(()),
            Self::PutRecord(request) => {
                check_stream(service, caller.user, Operation::PutRecord, &request.stream)
            }
            Self::PutRecords(request) => {
                check_stream(service, caller.user, Operation::PutRecords, &request.stream)
            }
        }
    }
}

/// Takes in the body of a POST, frame by frame.
pub struct Intake(Taken);

#[allow(clippy::large_enum_variant, reason = "one for each request, and it lives where it was made")]
enum Taken {
    /// To be read when it is whole.
    Whole(PooledBytes),
    /// Read as it comes.
    JsonPutRecords(Feed<JsonList>),
    /// The same.
    CborPutRecords(Feed<CborList>),
    /// Read in one of these ways, and hashed beside that, for its signature is to be checked.
    Signed(Box<(PayloadHash, Taken)>),
}

impl Intake {
    /// For the body of this request to this service.
    #[must_use]
    pub fn new(post: &Post<'_>, service: &Service) -> Self {
        let taken = Taken::new(post);
        Self(match service.credentials {
            None => taken,
            Some(_) => Taken::Signed(Box::new((PayloadHash::new(), taken))),
        })
    }

    /// The next frame of the body.
    pub fn add(&mut self, frame: &[u8]) {
        self.0.add(frame);
    }
}

impl Taken {
    fn new(post: &Post<'_>) -> Self {
        match (post.operation, post.codec) {
            (Some(Operation::PutRecords), Some(Codec::Json | Codec::ApplicationJson)) => {
                Self::JsonPutRecords(Feed::default())
            }
            (Some(Operation::PutRecords), Some(Codec::Cbor)) => Self::CborPutRecords(Feed::default()),
            _ => Self::Whole(PooledBytes::take()),
        }
    }

    fn add(&mut self, frame: &[u8]) {
        match self {
            Self::Whole(bytes) => bytes.extend_from_slice(frame),
            Self::JsonPutRecords(feed) => feed.add(frame),
            Self::CborPutRecords(feed) => feed.add(frame),
            Self::Signed(signed) => {
                let (hash, taken) = &mut **signed;
                hash.add(frame);
                taken.add(frame);
            }
        }
    }

    /// The body, now that all of it was added; once.
    fn finish(&mut self) -> Fed {
        match self {
            Self::Whole(body) => Fed::Whole(std::mem::take(body)),
            Self::JsonPutRecords(feed) => feed.finish(),
            Self::CborPutRecords(feed) => feed.finish(),
            Self::Signed(signed) => signed.1.finish(),
        }
    }

    /// The hash of the body, if its signature is to be checked.
    fn payload_hash(&self) -> Option<String> {
        match self {
            Self::Signed(signed) => Some(signed.0.finish()),
            _ => None,
        }
    }
}

/// Reads a POST and runs it as far as it goes without waiting.
///
/// # Errors
/// The answer to a request that is refused.
pub fn prepare<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    intake: &mut Intake,
    scratch: &mut JsonScratch,
    service: &Service,
) -> Result<Prepared, Answer> {
    let payload_hash = intake.0.payload_hash();
    let check = check(payload_hash.as_deref(), service);
    let mut body = match intake.0.finish() {
        Fed::Whole(body) => body,
        Fed::Records(fed) => return scanned_put_records(head, post, fed, check, service),
    };
    let body = body.as_mut_slice();
    if body.is_empty() {
        return Err(refused(resolve(head, post, Body::Empty, check)));
    }
    let Some(codec) = post.codec else { return Err(refused(resolve(head, post, Body::Raw(body), check))) };
    if post.operation == Some(Operation::PutRecord)
        && let Some(scanned) = scan_put_record(codec, body)
    {
        let (_, caller) = resolve(head, post, Body::Object, check)?;
        let request = requests::scanned_put_record(scanned, scope(caller, service));
        return Prepared::of(codec, request.map(Step::PutRecord), caller, service);
    }
    let value = match codec.parse(body, scratch) {
        Ok(value) => value,
        Err(Malformed) => return Err(refused(resolve(head, post, Body::Malformed, check))),
    };
    let (operation, caller) = resolve(head, post, Body::Object, check)?;
    Prepared::of(codec, step(value, operation, caller, codec, service), caller, service)
}

/// What the signature is checked against, if it is to be.
fn check<'k>(payload_hash: Option<&'k str>, service: &'k Service) -> Option<Check<'k>> {
    let (payload_hash, credentials) = (payload_hash?, service.credentials.as_ref()?);
    Some(Check { credentials, now_ms: service.clock.now_ms(), payload_hash })
}

/// A PutRecord in the form that clients really send.
fn scan_put_record(codec: Codec, body: &[u8]) -> Option<Scanned<'_>> {
    match codec {
        Codec::Json | Codec::ApplicationJson => scan::put_record(body),
        Codec::Cbor => cbor_list::put_record(body),
    }
}

/// A PutRecords in the form that clients really send, read without a tree.
fn scanned_put_records<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    mut fed: FedRecords,
    check: Option<Check<'_>>,
    service: &Service,
) -> Result<Prepared, Answer> {
    let (_, caller) = resolve(head, post, Body::Object, check)?;
    let codec = post.codec.unwrap_or(Codec::Json);
    let scanned = fed.scanned().ok_or_else(refusals::internal_failure);
    let request = scanned.and_then(|scanned| requests::scanned_put_records(scanned, scope(caller, service)));
    Prepared::of(codec, request.map(Step::PutRecords), caller, service)
}

impl Prepared {
    fn of(
        codec: Codec,
        step: Result<Step, ApiError>,
        caller: Caller<'_>,
        service: &Service,
    ) -> Result<Self, Answer> {
        let refused = |error: ApiError| error_answer(codec, &error);
        let step = step.map_err(refused)?;
        step.check_permission(caller, service).map_err(refused)?;
        Ok(Self { codec, step })
    }

    /// Runs the request to its end.
    pub async fn run(self, service: &Service) -> Reply {
        let codec = self.codec;
        let body = match self.step {
            Step::Answered(reply) => return reply,
            Step::PutRecord(request) => request.execute(service).await.map(|reply| match codec {
                Codec::Json | Codec::ApplicationJson => put_reply::put_record(reply),
                Codec::Cbor => cbor_put_reply::put_record(reply),
            }),
            Step::PutRecords(request) => match request.execute(service).await {
                Ok(reply) => return Reply::Put(codec, put_body(codec, &reply)),
                Err(error) => Err(error),
            },
        };
        Reply::Whole(body.map_or_else(|error| error_answer(codec, &error), |body| success(codec, body)))
    }
}

fn put_body(codec: Codec, reply: &put_records::Reply) -> PutBody {
    match codec {
        Codec::Json | Codec::ApplicationJson => put_reply::put_records(reply),
        Codec::Cbor => cbor_put_reply::put_records(reply),
    }
}

fn step(
    value: Value<'_>,
    operation: Operation,
    by: Caller<'_>,
    codec: Codec,
    service: &Service,
) -> Result<Step, ApiError> {
    let caller = scope(by, service);
    match operation {
        Operation::PutRecord if requests::keys_are_optional(&value, caller, service) => {
            requests::put_record_without_key(codec, value, caller).map(Step::PutRecord)
        }
        Operation::PutRecord => requests::put_record(codec, value, caller).map(Step::PutRecord),
        Operation::PutRecords if requests::keys_are_optional(&value, caller, service) => {
            requests::put_records_without_keys(codec, value, caller).map(Step::PutRecords)
        }
        Operation::PutRecords => requests::put_records(codec, value, caller).map(Step::PutRecords),
        Operation::GetRecords => get_records(value, by, codec, service).map(Step::Answered),
        Operation::SubscribeToShard => subscribe(value, by, codec, service).map(Step::Answered),
        _ => run_document(value, operation, by, codec, service).map(Step::Answered),
    }
}

fn scope(caller: Caller<'_>, service: &Service) -> Scope {
    let usual = service.usual_caller;
    Scope { account: caller.account.unwrap_or(usual.account), region: caller.region.unwrap_or(usual.region) }
}

fn get_records(
    value: Value<'_>,
    caller: Caller<'_>,
    codec: Codec,
    service: &Service,
) -> Result<Reply, ApiError> {
    let request = requests::get_records(codec, value, service)?;
    check_stream(service, caller.user, Operation::GetRecords, request.stream())?;
    GetBody::read(codec, request, service).map(|body| Reply::Records(codec, Box::new(body)))
}

/// The events are in JSON whatever the request is in: there is no client that reads others (reference 1.3).
fn subscribe(
    value: Value<'_>,
    caller: Caller<'_>,
    codec: Codec,
    service: &Service,
) -> Result<Reply, ApiError> {
    let input = codec.read(&SUBSCRIBE_TO_SHARD, value)?;
    let who = (caller.user, scope(caller, service));
    check_input(service, who, Operation::SubscribeToShard, &input)?;
    let events = subscribe_to_shard::Request::validate(&input)?.execute(service)?;
    Ok(Reply::Events(Box::new(EventMessages::of(events))))
}

/// An operation whose reply is a document, or nothing.
fn run_document(
    value: Value<'_>,
    operation: Operation,
    caller: Caller<'_>,
    codec: Codec,
    service: &Service,
) -> Result<Reply, ApiError> {
    let structure = Structure::input_of(operation).ok_or_else(|| refusals::not_built(operation))?;
    let input = codec.read(structure, value)?;
    let scope = scope(caller, service);
    check_input(service, (caller.user, scope), operation, &input)?;
    let mut body = Vec::new();
    if let Some(reply) = service.run(operation, &input, scope)? {
        codec.write(&reply, &mut body);
    }
    Ok(Reply::Whole(success(codec, body)))
}

fn success(codec: Codec, body: Vec<u8>) -> Answer {
    Answer { status: 200, content_type: Some(codec.content_type()), body }
}

/// The answer of a request that [`resolve`] always refuses.
fn refused(resolved: Result<(Operation, Caller<'_>), Answer>) -> Answer {
    resolved.err().unwrap_or_else(|| error_answer(Codec::Json, &refusals::internal_failure()))
}
