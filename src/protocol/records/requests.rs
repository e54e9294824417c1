//! Requests of the record path, from a document or a scan to the operation's own types.

use crate::control::Scope;
use crate::document::Value;
use crate::error::ApiError;
use crate::names::{HashKey, HashKeyError};
use crate::operation::schema::Input;
use crate::operation::schema::shapes::{self, Structure};
use crate::operation::{Service, get_records, put_record, put_records, refusals};
use crate::protocol::codec::Codec;
use crate::shard::batch::Records;

use super::scan::Scanned;

/// A PutRecords request that was scanned.
///
/// # Errors
/// StreamName and StreamARN disagree.
pub(in crate::protocol) fn scanned_put_records(
    scanned: Scanned<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    put_records::Request::new(scanned.stream, caller, scanned.records, false)
}

/// A PutRecord request that was scanned.
///
/// # Errors
/// StreamName and StreamARN disagree.
pub(in crate::protocol) fn scanned_put_record(
    scanned: Scanned<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record::Request::new(scanned.stream, caller, scanned.records, None, false)
}

/// A PutRecords request.
///
/// # Errors
/// What AWS answers to a wrong type, a broken constraint, or a bad hash key.
pub(in crate::protocol) fn put_records(
    codec: Codec,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    put_records_of(codec, &shapes::PUT_RECORDS, value, caller)
}

/// A PutRecords request to a stream whose records may do without partition keys.
///
/// # Errors
/// As [`put_records`].
pub(in crate::protocol) fn put_records_without_keys(
    codec: Codec,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    put_records_of(codec, &shapes::PUT_RECORDS_WITHOUT_KEYS, value, caller)
}

fn put_records_of(
    codec: Codec,
    structure: &'static Structure,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    let input = codec.read(structure, value)?;
    let (mut records, mut bad_hash_key) = (Records::take(), None);
    for entry in input.structures("Records") {
        let bad = push(entry, &mut records)?;
        bad_hash_key = bad_hash_key.or(bad);
    }
    let request = put_records::Request::new(stream(&input), caller, records, is_dry_run(&input))?;
    Ok(put_records::Request { bad_hash_key, ..request })
}

/// A PutRecord request.
///
/// # Errors
/// What AWS answers to a wrong type, a broken constraint, or a bad hash key.
pub(in crate::protocol) fn put_record(
    codec: Codec,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record_of(codec, &shapes::PUT_RECORD, value, caller)
}

/// A PutRecord request to a stream whose records may do without partition keys.
///
/// # Errors
/// As [`put_record`].
pub(in crate::protocol) fn put_record_without_key(
    codec: Codec,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record_of(codec, &shapes::PUT_RECORD_WITHOUT_KEY, value, caller)
}

fn put_record_of(
    codec: Codec,
    structure: &'static Structure,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    let input = codec.read(structure, value)?;
    let mut records = Records::take();
    let bad_hash_key = push(&input, &mut records)?;
    let number = input.string("SequenceNumberForOrdering");
    let request = put_record::Request::new(stream(&input), caller, records, number, is_dry_run(&input))?;
    Ok(put_record::Request { bad_hash_key, ..request })
}

/// A GetRecords request.
///
/// # Errors
/// What AWS answers to a wrong type or a broken constraint, or E8 and E9 about the iterator.
pub(in crate::protocol) fn get_records(
    codec: Codec,
    value: Value<'_>,
    service: &Service,
) -> Result<get_records::Request, ApiError> {
    let input = codec.read(&shapes::GET_RECORDS, value)?;
    let iterator = input.string("ShardIterator").unwrap_or_default();
    let arn = input.string("StreamARN");
    get_records::Request::new(iterator, input.integer("Limit"), arn, is_dry_run(&input), service)
}

/// Whether the stream of a put, as far as it names one, takes records without partition keys.
pub(in crate::protocol) fn keys_are_optional(value: &Value<'_>, caller: Scope, service: &Service) -> bool {
    let text = |name| match value.member(name) {
        Some(Value::String(text)) => Some(&**text),
        _ => None,
    };
    put_records::keys_are_optional((text("StreamName"), text("StreamARN")), caller, service)
}

/// Adds the record that the members Data, PartitionKey and ExplicitHashKey make. Gives back a hash key that is out of
/// range: what is wrong with the stream is said before that.
fn push(entry: &Input<'_>, records: &mut Records) -> Result<Option<String>, ApiError> {
    let key = entry.string("PartitionKey").unwrap_or_default();
    let (hash_key, bad) = match entry.string("ExplicitHashKey") {
        None => (None, None),
        Some(text) => match HashKey::parse(text) {
            Ok(hash_key) => (Some(hash_key), None),
            // The schema has checked the pattern, so only the range is left to break.
            Err(HashKeyError::AboveMax | HashKeyError::Pattern) => (None, Some(text.to_owned())),
        },
    };
    let pushed = records.push(key, hash_key, entry.blob("Data").unwrap_or_default());
    pushed.map_err(|_| refusals::internal_failure())?;
    Ok(bad)
}

fn stream<'a>(input: &'a Input<'_>) -> (Option<&'a str>, Option<&'a str>) {
    (input.string("StreamName"), input.string("StreamARN"))
}

fn is_dry_run(input: &Input<'_>) -> bool {
    input.boolean("DryRun") == Some(true)
}

#[cfg(test)]
#[path = "requests_tests.rs"]
pub(super) mod tests;
