//! Runs of records, by every way that this machine has: with their twin, and with the general route.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::names::HashKey;
use crate::protocol::codec::Codec;

use super::super::feed::List;
use super::super::json_list::JsonList;
use super::super::requests::tests::both_ways_in;
use super::super::scan::StreamNames;
use super::*;

/// Data, key as it stands in JSON, and hash key of a record.
type Parts = (Vec<u8>, String, u128);

/// Records, most of their values as long as blocks and vectors, or nearly so.
fn parts() -> impl Strategy<Value = Parts> {
    let bytes = prop_oneof![4 => 0_usize..150, 1 => 0_usize..700];
    let chars = prop_oneof![8 => 1_usize..40, 2 => 60_usize..70, 1 => 90_usize..257];
    let key = (chars, "[ -!#-\\[\\]-\x7f]").prop_map(|(chars, letter)| letter.repeat(chars));
    let letters = prop_oneof![
        "[ !a-z\x7f]{0,40}",
        Just("\\\"".to_owned()),
        Just("\\\\".to_owned()),
        Just("\\u00e9".to_owned()),
        Just("\\ud83d\\ude00".to_owned()),
        Just("é\u{1f600}".to_owned()),
    ];
    let written = vec(letters, 1..5).prop_map(|letters| format!("k{}", letters.concat()));
    let key = prop_oneof![6 => key, 1 => written];
    let data = (bytes, any::<u8>()).prop_map(|(bytes, seed)| {
        (0..=u8::MAX).cycle().map(|at| at.wrapping_mul(37) ^ seed).take(bytes).collect()
    });
    (data, key, any::<u128>(), 0_u32..128)
        .prop_map(|(data, key, hash_key, shift)| (data, key, hash_key >> shift))
}

/// How a client writes records: the order of members, and blanks between them.
fn layout() -> impl Strategy<Value = (Vec<&'static str>, Vec<String>)> {
    let members = prop_oneof![
        Just(vec!["Data", "PartitionKey"]),
        Just(vec!["Data", "PartitionKey", "ExplicitHashKey"]),
    ];
    (members.prop_shuffle(), vec("[ \n\t]{0,2}", 6))
}

/// A record, with the comma before it.
fn written((members, blanks): &(Vec<&str>, Vec<String>), (data, key, hash_key): &Parts) -> String {
    let data = base64_simd::STANDARD.encode_to_string(data);
    let [comma, open, name, colon, next, close] = [0, 1, 2, 3, 4, 5].map(|place| &blanks[place]);
    let members: Vec<_> = members
        .iter()
        .map(|member| {
            let value = match *member {
                "Data" => data.clone(),
                "PartitionKey" => key.clone(),
                _ => hash_key.to_string(),
            };
            format!("\"{member}\"{name}:{colon}\"{value}\"")
        })
        .collect();
    format!("{comma},{open}{{{}{close}}}", members.join(&format!(",{next}")))
}

/// The way of this number among those that the machine has, the last of which is the twin.
struct Way<const NUMBER: usize>(JsonList);

impl<const NUMBER: usize> Default for Way<NUMBER> {
    fn default() -> Self {
        Self(JsonList::of(Decoder::present().take(NUMBER + 1).last().unwrap()))
    }
}

impl<const NUMBER: usize> List for Way<NUMBER> {
    fn start(&mut self, head: &[u8]) -> Option<usize> {
        self.0.start(head)
    }

    fn read(&mut self, bytes: &[u8], records: &mut Records) -> (usize, bool) {
        // In memory of their own, so that a checker of memory sees what is read beyond them.
        self.0.read(&Box::from(bytes), records)
    }

    fn close(&self) -> &'static [u8] {
        self.0.close()
    }

    fn stream_beside(body: &[u8]) -> Option<StreamNames<'_>> {
        JsonList::stream_beside(body)
    }

    fn restore(records: &Records, out: &mut Vec<u8>) {
        JsonList::restore(records, out);
    }
}

/// Reads a body in every way; gives whether it was scanned, which each way does or none.
fn check(body: &[u8], frame_bytes: usize) -> bool {
    let ways = [both_ways_in::<Way<0>>, both_ways_in::<Way<1>>, both_ways_in::<Way<2>>];
    let [first, second, third] = ways.map(|both_ways_in| {
        let (scanned, general) = both_ways_in(Codec::Json, body, frame_bytes);
        assert!(scanned.is_none() || scanned == general, "{scanned:?} {general:?}");
        scanned.is_some()
    });
    assert!(first == second && second == third);
    first
}

type Seen = Vec<(Vec<u8>, Vec<u8>, Option<HashKey>)>;

fn seen(records: &Records) -> Seen {
    let one = |number| {
        (records.key(number).to_vec(), records.data(number).to_vec(), records.explicit_hash_key(number))
    };
    (0..records.len()).map(one).collect()
}

/// Reads a list whose records are laid out as the first, in every way; each stops where the twin does, or in the bytes
/// that it leaves to the twin.
fn check_run(list: &[u8], records_max: usize) {
    /// A run's end is not read: a block, what may be read ahead, and the next record's beginning.
    const LEFT_BYTES: usize = 64 + 256 + 32;
    // In memory of its own, as in `Way`.
    let list: &[u8] = &Box::from(list);
    let decoder = Decoder::fastest();
    let mut scan = Scan { body: list, at: 1 + list.iter().position(|byte| *byte == b',').unwrap() };
    let spans = scan.record(decoder, &mut Records::take()).unwrap();
    let (first_end, layout) = (scan.at, Layout::learn(list, 0, &spans, scan.at));
    let Some(layout) = layout else { return };
    for decoder in Decoder::present().filter(|decoder| decoder.kind() != Kind::Plain) {
        let (mut scan, mut records) = (Scan { body: list, at: first_end }, Records::take());
        read(&layout, &mut scan, decoder, &mut records, records_max);
        let (mut twin_scan, mut twin) = (Scan { body: list, at: first_end }, Records::take());
        for _ in 0..records.len() {
            assert!(layout.read(&mut twin_scan, decoder, &mut twin).is_some());
        }
        assert_eq!((twin_scan.at, seen(&twin)), (scan.at, seen(&records)));
        assert_eq!(twin.total_bytes(), records.total_bytes());
        assert!(records.len() <= records_max);
        if records.len() < records_max && layout.read(&mut twin_scan, decoder, &mut twin).is_some() {
            assert!(twin_scan.at + LEFT_BYTES > list.len(), "{decoder:?} left {:?}", twin_scan.at);
        }
    }
}

proptest! {
    /// Protects: a run reads what its twin reads, whatever is as long as a vector or a block, and as far as it can.
    #[test]
    fn runs_are_those_of_the_twin(layout in layout(), parts in vec(parts(), 2..30), end in any::<Index>(), records_max in 0_usize..60) {
        let list: String = parts.iter().map(|parts| written(&layout, parts)).collect();
        let first = written(&layout, &parts[0]).len();
        check_run(list.as_bytes(), records_max);
        check_run(&list.as_bytes()[..first + end.index(list.len() - first)], records_max);
    }

    /// Protects: every way reads such records as the general route does, however they are cut, and takes them all.
    #[test]
    fn every_way_reads_all(layout in layout(), parts in vec(parts(), 1..30), frame_bytes in prop_oneof![1_usize..200, 200_usize..6_000]) {
        let list: String = parts.iter().map(|parts| written(&layout, parts)).collect();
        let body = format!("{{\"StreamName\":\"s\",\"Records\":[{}]}}", list.replacen(',', "", 1));
        assert!(check(body.as_bytes(), frame_bytes));
    }

    /// Protects: the same for records among which some bytes were changed, dropped or added; and each way refuses
    /// what the others do.
    #[test]
    fn every_way_is_strict(layout in layout(), parts in vec(parts(), 2..12), edits in vec((any::<Index>(), 0_usize..2, prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]), "[\"\\\\,{}:=A0 ]{0,2}".prop_map(String::into_bytes), Just(b"\",\"Data\":\"".to_vec())
    ]), 1..3), frame_bytes in 200_usize..6_000) {
        let list: String = parts.iter().map(|parts| written(&layout, parts)).collect();
        let mut body = format!("{{\"StreamName\":\"s\",\"Records\":[{}]}}", list.replacen(',', "", 1)).into_bytes();
        for (at, cut, by) in edits {
            let at = at.index(body.len());
            body.splice(at..(at + cut).min(body.len()), by);
        }
        check(&body, frame_bytes);
    }
}

/// Protects: values of every length, wherever they stand, up to the last bytes of their memory.
#[test]
fn every_length() {
    let orders = [["Data", "PartitionKey"], ["PartitionKey", "Data"]];
    for members in orders.into_iter().map(|members| (members.to_vec(), vec![String::new(); 6])) {
        for length in (0..=200).chain([254, 255, 256]) {
            let plain = |bytes: usize, chars: usize| (vec![0xa5; bytes], "k".repeat(chars), 0);
            let lists = [plain(length, 1), plain(5, length.max(1)), plain(length, length.max(1))];
            for parts in lists {
                let record = written(&members, &parts);
                let count = 2 + 1_000 / record.len();
                check_run(record.repeat(count).as_bytes(), 500);
            }
        }
    }
}

/// Protects: a run never has more records than it may, and a key that is none ends it.
#[test]
fn runs_are_bounded() {
    let layout = (vec!["Data", "PartitionKey"], vec![String::new(); 6]);
    let good = written(&layout, &(vec![1; 9], "key".to_owned(), 0));
    for records_max in [0, 1, 2, 499, 500] {
        check_run(good.repeat(600).as_bytes(), records_max);
    }
    for key in [
        String::new(),
        "k".repeat(257),
        "é".repeat(257),
        "\\ud800".to_owned(),
        "\\x".to_owned(),
        "\u{1}".to_owned(),
    ] {
        let list = [good.repeat(20), written(&layout, &(vec![1; 9], key, 0)), good.repeat(20)].concat();
        check_run(list.as_bytes(), 500);
    }
}
