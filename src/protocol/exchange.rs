//! From the head and body of a POST to its reply: parse, permit, validate, run, encode.
//!
//! Two steps, because a put may have to wait for a shard while the parse buffers belong to the thread:
//! [`prepare`] reads the body and does everything that needs no waiting; [`Prepared::run`] does the rest and
//! owns all it needs, so the body's buffer is free again in between.

use super::answer::{Answer, error_answer};
use super::auth::Caller;
use super::codec::Codec;
use super::dispatch::{Body, Post, resolve};
use super::head::{Headers, RequestHead};
use super::json::{self, JsonScratch, Malformed};
use super::records::get_reply::{RecordsLength, RecordsWriter};
use super::records::put_reply;
use super::records::{requests, scan};
use crate::control::Scope;
use crate::document::Value;
use crate::error::{ApiError, ErrorKind};
use crate::operation::schema::{read, shapes::Structure};
use crate::operation::{Operation, Service, put_record, put_records};

/// What a request is answered with.
pub enum Reply {
    /// A whole answer.
    Whole(Answer),
    /// 200 with the records of a GetRecords, written as they are sent.
    Records(Codec, Box<RecordsWriter>),
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

/// Reads a POST and runs it as far as it goes without waiting.
///
/// # Errors
/// The answer to a request that is refused.
pub fn prepare<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    body: &mut [u8],
    scratch: &mut JsonScratch,
    service: &Service,
) -> Result<Prepared, Answer> {
    if body.is_empty() {
        return Err(refused(resolve(head, post, Body::Empty)));
    }
    let codec = match post.codec {
        Some(codec @ (Codec::Json | Codec::ApplicationJson)) => codec,
        Some(Codec::Cbor) | None => return Err(refused(resolve(head, post, Body::Raw(body)))),
    };
    if let Some(step) = scanned(head, post, body, codec) {
        return step.map(|step| Prepared { codec, step });
    }
    let value = match json::parse(body, scratch) {
        Ok(value) => value,
        Err(Malformed) => return Err(refused(resolve(head, post, Body::Malformed))),
    };
    let (operation, caller) = resolve(head, post, Body::Object)?;
    let step =
        step(value, operation, scope(caller), codec, service).map_err(|error| error_answer(codec, &error))?;
    Ok(Prepared { codec, step })
}

/// A put in the form that clients really send, read without a tree; `None` leaves it to the general route.
fn scanned<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    post: &Post<'_>,
    body: &[u8],
    codec: Codec,
) -> Option<Result<Step, Answer>> {
    let scanned = match post.operation {
        Some(Operation::PutRecords) => scan::put_records(body)?,
        Some(Operation::PutRecord) => scan::put_record(body)?,
        _ => return None,
    };
    Some(resolve(head, post, Body::Object).and_then(|(operation, caller)| {
        let step = match operation {
            Operation::PutRecords => {
                requests::scanned_put_records(scanned, scope(caller)).map(Step::PutRecords)
            }
            _ => requests::scanned_put_record(scanned, scope(caller)).map(Step::PutRecord),
        };
        step.map_err(|error| error_answer(codec, &error))
    }))
}

impl Prepared {
    /// Runs the request to its end.
    pub async fn run(self, service: &Service) -> Reply {
        let codec = self.codec;
        let body = match self.step {
            Step::Answered(reply) => return reply,
            Step::PutRecord(request) => request.execute(service).await.map(put_reply::put_record),
            Step::PutRecords(request) => {
                request.execute(service).await.map(|reply| put_reply::put_records(&reply))
            }
        };
        Reply::Whole(body.map_or_else(|error| error_answer(codec, &error), |body| success(codec, body)))
    }
}

fn step(
    value: Value<'_>,
    operation: Operation,
    caller: Scope,
    codec: Codec,
    service: &Service,
) -> Result<Step, ApiError> {
    match operation {
        Operation::PutRecord => requests::put_record(value, caller).map(Step::PutRecord),
        Operation::PutRecords => requests::put_records(value, caller).map(Step::PutRecords),
        Operation::GetRecords => get_records(value, codec, service).map(Step::Answered),
        _ => run_document(value, operation, caller, codec, service).map(Step::Answered),
    }
}

const fn scope(caller: Caller) -> Scope {
    Scope { account: caller.account, region: caller.region }
}

fn get_records(value: Value<'_>, codec: Codec, service: &Service) -> Result<Reply, ApiError> {
    let request = requests::get_records(value, service)?;
    let mut length = RecordsLength::default();
    let reply = request.execute(service, |record| length.add(record))?;
    Ok(Reply::Records(codec, Box::new(RecordsWriter::new(reply, &length))))
}

/// An operation whose reply is a document, or nothing.
fn run_document(
    value: Value<'_>,
    operation: Operation,
    caller: Scope,
    codec: Codec,
    service: &Service,
) -> Result<Reply, ApiError> {
    let structure =
        Structure::input_of(operation).ok_or_else(|| crate::operation::service::not_built(operation))?;
    let input = read(structure, value)?;
    let mut body = Vec::new();
    if let Some(reply) = service.run(operation, &input, caller)? {
        json::write(&reply, &mut body);
    }
    Ok(Reply::Whole(success(codec, body)))
}

fn success(codec: Codec, body: Vec<u8>) -> Answer {
    Answer { status: 200, content_type: Some(codec.content_type()), body }
}

/// The answer of a request that [`resolve`] always refuses.
fn refused(resolved: Result<(Operation, Caller), Answer>) -> Answer {
    resolved.err().unwrap_or_else(|| error_answer(Codec::Json, &ApiError::bare(ErrorKind::InternalFailure)))
}
