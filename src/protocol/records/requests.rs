//! Requests of the record path, from JSON to the operation's own types.

use crate::control::Scope;
use crate::document::Value;
use crate::error::{ApiError, ErrorKind};
use crate::names::{HashKey, HashKeyError};
use crate::operation::schema::{Input, read, shapes};
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
    let input = read(&shapes::PUT_RECORDS, value)?;
    let (mut records, mut bad_hash_key) = (Records::default(), None);
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
    let input = read(&shapes::PUT_RECORD, value)?;
    let mut records = Records::default();
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

    use super::super::scan;
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

    /// What the scan makes of a body, if it takes it, and what the general route makes of it; `None` for a body
    /// that is no JSON object.
    fn both_ways(body: &str) -> (Option<Seen>, Option<Seen>) {
        let scanned = scan::put_records(body.as_bytes()).map(|scanned| {
            scanned_put_records(scanned, CALLER).map(|request| seen(&request.stream.name, &request.records))
        });
        let mut bytes = body.to_owned().into_bytes();
        let general = parse(&mut bytes, &mut JsonScratch::default()).map(|value| {
            put_records(value, CALLER).map(|request| seen(&request.stream.name, &request.records))
        });
        (scanned, general.ok())
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

    proptest! {
        /// Protects: whatever the scan takes, the general route reads the same; it never takes what that refuses.
        #[test]
        fn the_scan_agrees(records in prop::collection::vec(record(), 0..6), name in "[a-z!]{1,6}", extra in prop::option::of(value())) {
            let extra = extra.map_or(String::new(), |value| format!(",\"StreamARN\":{value}"));
            let body = format!("{{\"Records\":[{}],\"StreamName\":\"{name}\"{extra}}}", records.join(","));
            let (scanned, general) = both_ways(&body);
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
        fn the_scan_is_strict(at in any::<prop::sample::Index>(), by in prop::collection::vec(any::<u8>(), 0..3), cut in 0_usize..2) {
            let good = br#"{"StreamName": "s", "Records": [{"Data":"AAEC/w==","PartitionKey":"k","ExplicitHashKey":"7"} ,{"PartitionKey":"z","Data":""}]}"#;
            let at = at.index(good.len());
            let mut body = good[..at].to_vec();
            body.extend_from_slice(&by);
            body.extend_from_slice(&good[(at + cut).min(good.len())..]);
            let scanned = scan::put_records(&body).map(|scanned| seen(&crate::names::StreamName::parse("s").unwrap(), &scanned.records));
            let general = parse(&mut body, &mut JsonScratch::default());
            if let Some(scanned) = scanned {
                let request = general.ok().and_then(|value| put_records(value, CALLER).ok());
                prop_assert_eq!(request.map(|request| seen(&crate::names::StreamName::parse("s").unwrap(), &request.records)), Some(scanned));
            }
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
