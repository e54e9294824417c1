//! The two routes of a put agree, in JSON; what they are compared with serves CBOR as well (`cbor_list_tests.rs`).

use proptest::prelude::*;

use super::super::feed::{self, List};
use super::super::json_list::JsonList;
use super::super::scan;
use super::*;
use crate::names::{AccountId, Region};
use crate::protocol::json::JsonScratch;

const CALLER: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };

/// A stream's name, and key, data and place of each record.
type Put = (String, Vec<(Vec<u8>, Vec<u8>, HashKey)>);
pub(in crate::protocol::records) type Seen = Result<Put, ApiError>;

fn seen(name: &crate::names::StreamName, records: &Records) -> Put {
    let one =
        |number| (records.key(number).to_vec(), records.data(number).to_vec(), records.hash_key(number));
    (name.to_string(), (0..records.len()).map(one).collect())
}

/// What the scan makes of a PutRecords body that comes in frames of this size, if it takes it, and what the general
/// route makes of it; `None` for a body that is no document. Where the scan steps aside, what it hands on must be the
/// same to the general route.
pub(in crate::protocol::records) fn both_ways_in<L: List>(
    codec: Codec,
    body: &[u8],
    frame_bytes: usize,
) -> (Option<Seen>, Option<Seen>) {
    let general = generally(codec, &mut body.to_vec());
    let scanned = match feed::feed_all::<L>(body, frame_bytes) {
        feed::Fed::Records(mut fed) => {
            let request = scanned_put_records(fed.scanned().unwrap(), CALLER);
            Some(request.map(|request| seen(&request.stream.name, &request.records)))
        }
        feed::Fed::Whole(mut whole) => {
            assert_eq!(generally(codec, &mut whole), general, "{:?}", String::from_utf8_lossy(body));
            None
        }
    };
    (scanned, general)
}

fn generally(codec: Codec, body: &mut [u8]) -> Option<Seen> {
    let mut scratch = JsonScratch::default();
    let value = codec.parse(body, &mut scratch).ok()?;
    Some(put_records(codec, value, CALLER).map(|request| seen(&request.stream.name, &request.records)))
}

/// The same for a PutRecord body that has been scanned.
pub(in crate::protocol::records) fn both_ways_single(
    codec: Codec,
    body: &[u8],
    scanned: Option<Scanned<'_>>,
) -> (Option<Seen>, Option<Seen>) {
    let scanned = scanned.map(|scanned| {
        scanned_put_record(scanned, CALLER).map(|request| seen(&request.stream.name, &request.records))
    });
    let (mut bytes, mut scratch) = (body.to_vec(), JsonScratch::default());
    let general = codec.parse(&mut bytes, &mut scratch).map(|value| {
        put_record(codec, value, CALLER).map(|request| seen(&request.stream.name, &request.records))
    });
    (scanned, general.ok())
}

fn json_both_ways_in(body: &[u8], frame_bytes: usize) -> (Option<Seen>, Option<Seen>) {
    both_ways_in::<JsonList>(Codec::Json, body, frame_bytes)
}

fn json_both_ways_single(body: &str) -> (Option<Seen>, Option<Seen>) {
    both_ways_single(Codec::Json, body.as_bytes(), scan::put_record(body.as_bytes()))
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
    let good =
        ("[A-Za-z0-9+/]{4}", "\\PC{1,5}", prop::option::of(any::<u128>())).prop_map(|(data, key, hash)| {
            let key = serde_json::to_string(&key).unwrap();
            let hash = hash.map_or(String::new(), |hash| format!(", \"ExplicitHashKey\": \"{hash}\""));
            format!("{{\"PartitionKey\":{key},\"Data\":\"{data}\"{hash}}}")
        });
    let member = prop_oneof![Just("Data"), Just("PartitionKey"), Just("ExplicitHashKey"), Just("Other")];
    let wild = prop::collection::vec((member, value()), 0..5).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
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
        2 => {
            format!("{{\"Data\":\"{data}\",\"ExplicitHashKey\":\"{number}\",\"PartitionKey\":\"é{number}\"}}")
        }
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
        let (scanned, general) = json_both_ways_in(body.as_bytes(), frame_bytes);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }

    /// Protects: the same for lists of records that are laid out alike, with one that is not among them.
    #[test]
    fn layouts_agree(layout in 0_usize..4, count in 1_usize..40, odd in record(), at in any::<prop::sample::Index>(), frame_bytes in 1_usize..3_000) {
        let mut records: Vec<_> = (0..count).map(|number| laid_out(layout, number)).collect();
        records[at.index(count)] = odd;
        let between = [",", ", ", " ,\n", ","][layout];
        let body = format!("{{\"StreamName\":\"s\",\"Records\":[{}]}}", records.join(between));
        let (scanned, general) = json_both_ways_in(body.as_bytes(), frame_bytes);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }

    /// Protects: the same for one record.
    #[test]
    fn the_scan_of_one_agrees(record in record(), name in "[a-z!]{1,6}") {
        let body = record.replacen('{', &format!("{{\"StreamName\" : \"{name}\","), 1).replace(",}", "}");
        let (scanned, general) = json_both_ways_single(&body);
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
        let (scanned, general) = json_both_ways_in(&body, frame_bytes);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }
}

/// Protects: a broken ARN beside a good name is refused, though the name alone would do.
#[test]
fn a_broken_member_is_not_passed_over() {
    let body = r#"{"StreamName":"s","StreamARN":"","Records":[{"Data":"AAAA","PartitionKey":"k"}]}"#;
    let (scanned, general) = json_both_ways_in(body.as_bytes(), usize::MAX);
    assert!(scanned.is_none() && general.is_some_and(|seen| seen.is_err()));
}

/// Protects: records without a comma between them are no list, however alike they are.
#[test]
fn a_missing_comma_is_not_passed_over() {
    let record = r#"{"Data":"AAAA","PartitionKey":"k"}"#;
    for count in [2, 3, 40] {
        let body = format!(r#"{{"StreamName":"s","Records":[{}]}}"#, record.repeat(count));
        let (scanned, general) = json_both_ways_in(body.as_bytes(), usize::MAX);
        assert!(scanned.is_none() && general.is_none(), "{count}");
    }
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
        let (scanned, general) = json_both_ways_in(body.as_bytes(), usize::MAX);
        assert!(scanned.is_some() && scanned == general, "{body}");
    }
    let (scanned, general) =
        json_both_ways_single(r#"{"StreamName": "s", "Data": "AAAA", "PartitionKey": "k"}"#);
    assert!(scanned.is_some() && scanned == general);
}
