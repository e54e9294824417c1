//! The two routes of a put agree, in CBOR: whatever the scan takes, the tree and the schema read the same.

use proptest::prelude::*;

use super::super::requests::tests::{Seen, both_ways_in, both_ways_single};
use super::*;
use crate::protocol::codec::Codec;

fn both_ways(body: &[u8], frame_bytes: usize) -> (Option<Seen>, Option<Seen>) {
    both_ways_in::<CborList>(Codec::Cbor, body, frame_bytes)
}

fn both_ways_one(body: &[u8]) -> (Option<Seen>, Option<Seen>) {
    both_ways_single(Codec::Cbor, body, put_record(body))
}

/// How a string is spelled.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Shortest,
    LongHead,
    Pieces,
    Tagged,
}

/// A string in one of its spellings.
fn string(spelling: Spelling, kind: Kind, contents: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match spelling {
        Spelling::Shortest => write_head(kind, contents.len() as u64, &mut out),
        Spelling::LongHead => {
            out.push(kind as u8 | 27);
            out.extend_from_slice(&(contents.len() as u64).to_be_bytes());
        }
        Spelling::Pieces => {
            out.push(kind as u8 | 31);
            write_head(kind, contents.len() as u64, &mut out);
        }
        Spelling::Tagged => {
            out.extend_from_slice(b"\xd9\xd9\xf7");
            write_head(kind, contents.len() as u64, &mut out);
        }
    }
    out.extend_from_slice(contents);
    if matches!(spelling, Spelling::Pieces) {
        out.push(BREAK);
    }
    out
}

fn plain(kind: Kind, contents: &[u8]) -> Vec<u8> {
    string(Spelling::Shortest, kind, contents)
}

/// A map of members that are spelled already, in known or indefinite length.
fn map(is_known: bool, members: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(members.len()).unwrap();
    let (open, close) = if is_known { (0xa0 | count, vec![]) } else { (0xbf, vec![BREAK]) };
    [vec![open], members.concat(), close].concat()
}

/// A list of elements that are spelled already.
fn list(is_known: bool, elements: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(elements.len()).unwrap().to_be_bytes();
    let (open, close) =
        if is_known { (vec![0x99, count[0], count[1]], vec![]) } else { (vec![0x9f], vec![BREAK]) };
    [open, elements.concat(), close].concat()
}

fn member(name: &str, value: &[u8]) -> Vec<u8> {
    [&plain(Kind::Text, name.as_bytes())[..], value].concat()
}

fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        20 => Just(Spelling::Shortest),
        4 => Just(Spelling::LongHead),
        1 => Just(Spelling::Pieces),
        1 => Just(Spelling::Tagged),
    ]
}

fn text(pattern: &'static str) -> impl Strategy<Value = Vec<u8>> {
    (spelling(), pattern).prop_map(|(spelling, text)| string(spelling, Kind::Text, text.as_bytes()))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let contents = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 200..700),
    ];
    (spelling(), contents).prop_map(|(spelling, bytes)| string(spelling, Kind::Bytes, &bytes))
}

/// A value of any type, right or wrong for its member.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => bytes(),
        8 => text("\\PC{0,3}"),
        4 => text("[0-9]{1,4}"),
        4 => any::<u128>().prop_map(|number| plain(Kind::Text, number.to_string().as_bytes())),
        1 => text("[a-z]{250,270}"),
        1 => Just(b"\xf6".to_vec()),
        1 => Just(b"\xf5".to_vec()),
        1 => Just(b"\x11".to_vec()),
        1 => Just(b"\xc1\x11".to_vec()),
        1 => Just(b"\x80".to_vec()),
        1 => Just(b"\xa0".to_vec()),
        1 => Just(b"\x61\xff".to_vec()),
        1 => Just(b"\x1c".to_vec()),
    ]
}

/// The members of a record, nearly always a good one.
fn members() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let good = (bytes(), text("\\PC{1,30}"), prop::option::of(any::<u128>()), any::<bool>()).prop_map(
        |(data, key, hash, is_data_first)| {
            let mut members = vec![member("Data", &data), member("PartitionKey", &key)];
            let hash = hash.map(|hash| plain(Kind::Text, hash.to_string().as_bytes()));
            members.extend(hash.map(|hash| member("ExplicitHashKey", &hash)));
            if !is_data_first {
                members.reverse();
            }
            members
        },
    );
    let name = prop_oneof![Just("Data"), Just("PartitionKey"), Just("ExplicitHashKey"), Just("Other")];
    let one = (name, value()).prop_map(|(name, value)| member(name, &value));
    prop_oneof![8 => good, 1 => prop::collection::vec(one, 0..5)]
}

/// A body of a list of records between the other members.
fn body_of(is_known: [bool; 2], before: &[Vec<u8>], records: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let records = vec![member("Records", &list(is_known[1], records))];
    map(is_known[0], &[before, &records, after].concat())
}

proptest! {
    /// Protects: whatever the scan takes, the general route reads the same, however the body was cut; it never takes
    /// what that refuses, and what it hands on is what it was given.
    #[test]
    fn the_scan_agrees(
        records in prop::collection::vec((any::<bool>(), members()), 0..12),
        is_known in any::<[bool; 2]>(),
        name in text("[a-z!]{1,6}"),
        extra in prop::option::of(("StreamARN|StreamName|Records|Other", value())),
        is_name_first in any::<bool>(),
        frame_bytes in 1_usize..300,
    ) {
        let records: Vec<_> = records.iter().map(|(is_known, members)| map(*is_known, members)).collect();
        let mut others = vec![member("StreamName", &name)];
        others.extend(extra.map(|(name, value)| member(&name, &value)));
        let (before, after) = others.split_at(usize::from(is_name_first));
        let body = body_of(is_known, before, &records, after);
        let (scanned, general) = both_ways(&body, frame_bytes);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }

    /// Protects: the same for one record.
    #[test]
    fn the_scan_of_one_agrees(mut members in members(), name in text("[a-z!]{1,6}"), is_known in any::<bool>(), is_name_first in any::<bool>()) {
        let at = if is_name_first { 0 } else { members.len() };
        members.insert(at, member("StreamName", &name));
        let (scanned, general) = both_ways_one(&map(is_known, &members));
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }

    /// Protects: a good body with any one byte changed, dropped or added is read alike or left alone, and nothing
    /// panics.
    #[test]
    fn the_scan_is_strict(
        at in any::<prop::sample::Index>(),
        by in prop::collection::vec(any::<u8>(), 0..3),
        cut in 0_usize..2,
        is_known in any::<[bool; 2]>(),
        frame_bytes in 1_usize..100,
    ) {
        let good = client_body(is_known);
        let at = at.index(good.len());
        let body = [&good[..at], &by, &good[(at + cut).min(good.len())..]].concat();
        let (scanned, general) = both_ways(&body, frame_bytes);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
        let one = map(is_known[0], &[record_members("k", None), vec![member("StreamName", b"\x61s")]].concat());
        let at = at.min(one.len());
        let body = [&one[..at], &by, &one[(at + cut).min(one.len())..]].concat();
        let (scanned, general) = both_ways_one(&body);
        prop_assert!(scanned.is_none() || scanned == general, "{:?} {:?}", scanned, general);
    }
}

fn record_members(key: &str, hash_key: Option<&str>) -> Vec<Vec<u8>> {
    let mut members = vec![
        member("Data", b"\x44\x00\x01\x02\xff"),
        member("PartitionKey", &plain(Kind::Text, key.as_bytes())),
    ];
    members.extend(hash_key.map(|key| member("ExplicitHashKey", &plain(Kind::Text, key.as_bytes()))));
    members
}

/// A body as a client writes it.
fn client_body(is_known: [bool; 2]) -> Vec<u8> {
    let records = [record_members("k", None), record_members("é", Some("7")), record_members("z", None)]
        .map(|members| map(is_known[0], &members));
    body_of(is_known, &[], &records, &[member("StreamName", b"\x61s")])
}

/// Protects: bodies as clients write them are scanned, whatever the size of their frames.
#[test]
fn client_bodies_are_scanned() {
    for is_known in [[false, false], [true, true], [false, true], [true, false]] {
        for frame_bytes in [1, 7, 64, usize::MAX] {
            let (scanned, general) = both_ways(&client_body(is_known), frame_bytes);
            assert!(scanned.is_some() && scanned == general, "{scanned:?} {general:?}");
        }
    }
    let arn = plain(Kind::Text, b"arn:aws:kinesis:us-east-1:000000000000:stream/s");
    let body = map(false, &[vec![member("StreamARN", &arn)], record_members("k", Some("0"))].concat());
    let (scanned, general) = both_ways_one(&body);
    assert!(scanned.is_some() && scanned == general, "{scanned:?} {general:?}");
}

/// Protects: as many records as a request may have are scanned, and one more is not, in either kind of list.
#[test]
fn lists_are_bounded() {
    for is_known in [false, true] {
        let body = |records: usize| {
            let records = vec![map(true, &record_members("k", None)); records];
            body_of([true, is_known], &[member("StreamName", b"\x61s")], &records, &[])
        };
        let (scanned, general) = both_ways(&body(PUT_RECORDS_ENTRIES_MAX), 1000);
        assert!(scanned.is_some() && scanned == general);
        let (scanned, general) = both_ways(&body(PUT_RECORDS_ENTRIES_MAX + 1), 1000);
        assert!(scanned.is_none() && general.is_some_and(|seen| seen.is_err()));
        let (scanned, general) = both_ways(&body(0), 1000);
        assert!(scanned.is_none() && general.is_some_and(|seen| seen.is_err()));
    }
}
