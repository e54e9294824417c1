//! Requests of the record path, from JSON to the operation's own types.

use crate::control::Scope;
use crate::document::Value;
use crate::error::{ApiError, ErrorKind};
use crate::names::{HashKey, HashKeyError};
use crate::operation::schema::shapes::{self, Structure};
use crate::operation::schema::{Input, read};
use crate::operation::{Service, get_records, put_record, put_records};
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
    put_records::Request::new((scanned.name, scanned.arn), caller, scanned.records, false)
}

/// A PutRecord request that was scanned.
///
/// # Errors
/// StreamName and StreamARN disagree.
pub(in crate::protocol) fn scanned_put_record(
    scanned: Scanned<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record::Request::new((scanned.name, scanned.arn), caller, scanned.records, None, false)
}

/// A PutRecords request.
///
/// # Errors
/// What AWS answers to a wrong type, a broken constraint, or a bad hash key.
pub(in crate::protocol) fn put_records(
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    put_records_of(&shapes::PUT_RECORDS, value, caller)
}

/// A PutRecords request to a stream whose records may do without partition keys.
///
/// # Errors
/// As [`put_records`].
pub(in crate::protocol) fn put_records_without_keys(
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    put_records_of(&shapes::PUT_RECORDS_WITHOUT_KEYS, value, caller)
}

fn put_records_of(
    structure: &'static Structure,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_records::Request, ApiError> {
    let input = read(structure, value)?;
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
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record_of(&shapes::PUT_RECORD, value, caller)
}

/// A PutRecord request to a stream whose records may do without partition keys.
///
/// # Errors
/// As [`put_record`].
pub(in crate::protocol) fn put_record_without_key(
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    put_record_of(&shapes::PUT_RECORD_WITHOUT_KEY, value, caller)
}

fn put_record_of(
    structure: &'static Structure,
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    let input = read(structure, value)?;
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
    value: Value<'_>,
    service: &Service,
) -> Result<get_records::Request, ApiError> {
    let input = read(&shapes::GET_RECORDS, value)?;
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
    pushed.map_err(|_| ApiError::bare(ErrorKind::InternalFailure))?;
    Ok(bad)
}

fn stream<'a>(input: &'a Input<'_>) -> (Option<&'a str>, Option<&'a str>) {
    (input.string("StreamName"), input.string("StreamARN"))
}

fn is_dry_run(input: &Input<'_>) -> bool {
    input.boolean("DryRun") == Some(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{feed, scan};
    use super::*;
    use crate::names::{AccountId, Region};
    use crate::protocol::json::{JsonScratch, parse};

    const CALLER: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };

    /// A stream's name, and key, data and place of each record.
    type Put = (String, Vec<(Vec<u8>, Vec<u8>, HashKey)>);
    type Seen = Result<Put, ApiError>;

    fn seen(name: &crate::names::StreamName, records: &Records) -> Put {
        let one =
            |number| (records.key(number).to_vec(), records.data(number).to_vec(), records.hash_key(number));
        (name.to_string(), (0..records.len()).map(one).collect())
    }

    /// What the scan makes of a body that comes in frames of this size, if it takes it, and what the general route
    /// makes of it; `None` for a body that is no JSON object. Where the scan steps aside, what it hands on must be the
    /// same to the general route.
    fn both_ways_in(body: &[u8], frame_bytes: usize) -> (Option<Seen>, Option<Seen>) {
        let general = generally(&mut body.to_vec());
        let scanned = match feed::feed_all(body, frame_bytes) {
            feed::Fed::Records(mut fed) => {
                let request = scanned_put_records(fed.scanned().unwrap(), CALLER);
                Some(request.map(|request| seen(&request.stream.name, &request.records)))
            }
            feed::Fed::Whole(mut whole) => {
                assert_eq!(generally(&mut whole), general, "{:?}", String::from_utf8_lossy(body));
                None
            }
        };
        (scanned, general)
    }

    fn generally(body: &mut [u8]) -> Option<Seen> {
        let value = parse(body, &mut JsonScratch::default()).ok()?;
        Some(put_records(value, CALLER).map(|request| seen(&request.stream.name, &request.records)))
    }

    fn both_ways(body: &str) -> (Option<Seen>, Option<Seen>) {
        both_ways_in(body.as_bytes(), usize::MAX)
    }

    fn both_ways_single(body: &str) -> (Option<Seen>, Option<Seen>) {
        let scanned = scan::put_record(body.as_bytes()).map(|scanned| {
            scanned_put_record(scanned, CALLER).map(|request| seen(&request.stream.name, &request.records))
        });
        let mut bytes = body.to_owned().into_bytes();
        let general = parse(&mut bytes, &mut JsonScratch::default()).map(|value| {
            put_record(value, CALLER).map(|request| seen(&request.stream.name, &request.records))
        });
        (scanned, general.ok())
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "[A-Za-z0-9+/]{0,4}".prop_map(|text| format!("\"{text}\"")),
            8 => "[A-Za-z0-9+/]{3}=".prop_map(|text| format!("\"{text}\"")),
            4 => any::<u128>().prop_map(|number| format!("\"{number}\"")),
            4 => "\\PC{0,3}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            1 => Just("null".to_owned()), 1 => Just("true".to_owned()), 1 => Just("17".to_owned()),
            1 => Just("[]".to_owned()), 1 => Just("{}".to_owned()),
        ]
    }

    fn record() -> impl Strategy<Value = String> {
        let good = ("[A-Za-z0-9+/]{4}", "\\PC{1,5}", prop::option::of(any::<u128>())).prop_map(
            |(data, key, hash)| {
                let key = serde_json::to_string(&key).unwrap();
                let hash = hash.map_or(String::new(), |hash| format!(", \"ExplicitHashKey\": \"{hash}\""));
                format!("{{\"PartitionKey\":{key},\"Data\":\"{data}\"{hash}}}")
            },
        );
        let member = prop_oneof![Just("Data"), Just("PartitionKey"), Just("ExplicitHashKey"), Just("Other")];
        let wild = prop::collection::vec((member, value()), 0..5).prop_map(|members| {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        prop_oneof![6 => good, 1 => wild]
    }

    /// A record as a client lays it out.
    fn laid_out(layout: usize, number: usize) -> String {
        let data = base64_simd::STANDARD.encode_to_string(vec![7; number * 5]);
        match layout {
            0 => format!("{{\"Data\":\"{data}\",\"PartitionKey\":\"k{number}\"}}"),
            1 => format!("{{\"PartitionKey\": \"k\\u00e9{number}\", \"Data\": \"{data}\"}}"),
            2 => format!(
                "{{\"Data\":\"{data}\",\"ExplicitHashKey\":\"{number}\",\"PartitionKey\":\"é{number}\"}}"
            ),
            _ => format!(
                "{{\"PartitionKey\":\"k{number}\",\"Data\":\"{data}\",   \"ExplicitHashKey\":\"{number}\"}}"
            ),
        }
    }

    proptest! {
        /// Protects: whatever the scan takes, the general route reads the same, however the body was cut; it never
        /// takes what that refuses, and what it hands on is what it was given.
        #[test]
        fn the_scan_agrees(records in prop::collection::vec(record(), 0..6), name in "[a-z!]{1,6}", extra in prop::option::of(value()), frame_bytes in 1_usize..200) {
            let extra = extra.map_or(String::new(), |value| format!(",\"StreamARN\":{value}"));
            let body = format!("{{\"Records\":[{}],\"StreamName\":\"{name}\"{extra}}}", records.join(","));
            let (scanned, general) = both_ways_in(body.as_bytes(), frame_bytes);
            prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
        }

        /// Protects: the same for lists of records that are laid out alike, with one that is not among them.
        #[test]
        fn layouts_agree(layout in 0_usize..4, count in 1_usize..40, odd in record(), at in any::<prop::sample::Index>(), frame_bytes in 1_usize..3_000) {
            let mut records: Vec<_> = (0..count).map(|number| laid_out(layout, number)).collect();
            records[at.index(count)] = odd;
            let between = [",", ", ", " ,\n", ","][layout];
            let body = format!("{{\"StreamName\":\"s\",\"Records\":[{}]}}", records.join(between));
            let (scanned, general) = both_ways_in(body.as_bytes(), frame_bytes);
            prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
        }

        /// Protects: the same for one record.
        #[test]
        fn the_scan_of_one_agrees(record in record(), name in "[a-z!]{1,6}") {
            let body = record.replacen('{', &format!("{{\"StreamName\" : \"{name}\","), 1).replace(",}", "}");
            let (scanned, general) = both_ways_single(&body);
            prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
        }

        /// Protects: a good body with any one byte changed, dropped or added is read alike or left alone, and
        /// nothing panics.
        #[test]
        fn the_scan_is_strict(at in any::<prop::sample::Index>(), by in prop::collection::vec(any::<u8>(), 0..3), cut in 0_usize..2, frame_bytes in 1_usize..100) {
            let good = br#"{"StreamName": "s", "Records": [{"Data":"AAEC/w==","PartitionKey":"k","ExplicitHashKey":"7"} ,{"PartitionKey":"z","Data":""}]}"#;
            let at = at.index(good.len());
            let mut body = good[..at].to_vec();
            body.extend_from_slice(&by);
            body.extend_from_slice(&good[(at + cut).min(good.len())..]);
            let (scanned, general) = both_ways_in(&body, frame_bytes);
            prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
        }
    }

    /// Protects: a broken ARN beside a good name is refused, though the name alone would do.
    #[test]
    fn a_broken_member_is_not_passed_over() {
        let body = r#"{"StreamName":"s","StreamARN":"","Records":[{"Data":"AAAA","PartitionKey":"k"}]}"#;
        let (scanned, general) = both_ways(body);
        assert!(scanned.is_none() && general.is_some_and(|seen| seen.is_err()));
    }

    /// Protects: bodies as clients write them are scanned.
    #[test]
    fn client_bodies_are_scanned() {
        let bodies = [
            r#"{"StreamName":"s","Records":[{"Data":"AAAA","PartitionKey":"k"}]}"#,
            r#"{"Records": [{"Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"}], "StreamName": "s"}"#,
            r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","Records":[{"PartitionKey":"é","Data":"AAA="}]}"#,
        ];
        for body in bodies {
            let (scanned, general) = both_ways(body);
            assert!(scanned.is_some() && scanned == general, "{body}");
        }
        let (scanned, general) =
            both_ways_single(r#"{"StreamName": "s", "Data": "AAAA", "PartitionKey": "k"}"#);
        assert!(scanned.is_some() && scanned == general);
    }
}
