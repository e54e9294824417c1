//! Replies read by a decoder that shares no code with the writer.

use std::sync::Arc;

use ciborium::Value as Seen;
use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::log::{ChunkPool, Log, ReadLimits, RecordBuffer, Writer};
use crate::names::{HashKeyRange, ShardId};
use crate::shard::{ShardContext, Tally};

const BORN_MS: u64 = 1_700_000_000_000;

/// A record: milliseconds after the one before, key and data.
type Stored = (u64, String, Vec<u8>);

fn shard() -> Arc<Shard> {
    let context = ShardContext::new(ChunkPool::new(), Clock::system(), Arc::new(Tally::default()), u64::MAX);
    Shard::new(ShardId::FIRST, HashKeyRange::WHOLE, BORN_MS / 1000, context)
}

fn map<const N: usize>(members: [(&str, Seen); N]) -> Seen {
    Seen::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Stores records, reads them back through windows of so many bytes, and compares the document.
fn check(records: &[Stored], encrypted: &EncryptionTimes, window_bytes: usize) {
    let (log, pool, mut writer) = (Log::new(), ChunkPool::new(), Writer::new(1, BORN_MS));
    let (mut arrival_ms, mut expected) = (BORN_MS, Vec::new());
    let shard = shard();
    for (counter, (later_ms, key, data)) in (1..).zip(records) {
        arrival_ms += later_ms;
        let mut buffer = RecordBuffer::take();
        buffer.push(key.as_bytes(), data).unwrap();
        writer.append(&log, &pool, buffer.record(0), arrival_ms).unwrap();
        let mut members = vec![
            ("SequenceNumber".into(), shard.sequence_number(counter, arrival_ms).to_string().into()),
            ("ApproximateArrivalTimestamp".into(), Seen::Tag(1, Box::new(arrival_ms.into()))),
        ];
        if encrypted.holds_at(arrival_ms) {
            members.push(("EncryptionType".into(), "KMS".into()));
        }
        members.push(("Data".into(), data.as_slice().into()));
        if !key.is_empty() {
            members.push(("PartitionKey".into(), key.as_str().into()));
        }
        expected.push(Seen::Map(members));
    }
    writer.commit();
    let limits = ReadLimits { records_max: u32::MAX, bytes_max: u64::MAX };
    let mut length = RecordsLength::default();
    let slice = log.read(0, 0, limits, |record| length.add(record));
    let encrypted = encrypted.clone();
    let read = RecordsRead { shard, slice, encrypted, children: None, millis_behind_latest: 70_000 };
    let reply = Reply { read, next_iterator: Some("AAAA".to_owned()) };
    let mut writer = RecordsWriter::new(reply, &length);
    let mut body = Vec::new();
    while !writer.is_done() {
        // Whatever a window holds from before must not show.
        let mut window = vec![b'?'; window_bytes];
        let written = writer.write_chunk(&mut window);
        assert!(written > 0);
        body.extend_from_slice(&window[..written]);
    }
    assert_eq!(body.len() as u64, writer.length());
    let mut rest = body.as_slice();
    let found: Seen = ciborium::from_reader(&mut rest).unwrap();
    let expected = map([
        ("Records", Seen::Array(expected)),
        ("NextShardIterator", "AAAA".into()),
        ("MillisBehindLatest", 70_000.into()),
    ]);
    assert_eq!((found, rest), (expected, &b""[..]));
}

fn stored() -> impl Strategy<Value = Stored> {
    let later_ms = prop_oneof![4 => Just(0), 1 => 0_u64..3_000];
    let key = prop_oneof!["[a-z0-9-]{1,70}", "\\PC{0,40}", "[a-z]{240,256}"];
    let data = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(any::<u8>(), 0..3_000),
        1 => prop::collection::vec(any::<u8>(), 65_530..65_540),
    ];
    (later_ms, key, data)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Protects: any records through any windows are the announced document of the announced length.
    #[test]
    fn any_records_are_written_whole(
        records in prop::collection::vec(stored(), 0..40),
        switches_ms in prop::collection::btree_set(0_u64..20_000, 0..4),
        window_bytes in prop_oneof![Just(0), 0_usize..300, 300_usize..20_000, Just(131_072)],
    ) {
        let encrypted = EncryptionTimes::of(switches_ms.into_iter().map(|switch_ms| BORN_MS + switch_ms));
        check(&records, &encrypted, window_bytes);
    }
}

/// Protects: the bytes of a reply, by hand from reference 1.3: milliseconds under tag 1, data as bytes, everything that
/// has parts of indefinite length.
#[test]
fn a_reply_by_hand() {
    let (log, pool, mut writer) = (Log::new(), ChunkPool::new(), Writer::new(1, BORN_MS));
    let shard = shard();
    let mut buffer = RecordBuffer::take();
    buffer.push(b"k", b"\x00\xff").unwrap();
    writer.append(&log, &pool, buffer.record(0), BORN_MS + 123).unwrap();
    writer.commit();
    let mut length = RecordsLength::default();
    let limits = ReadLimits { records_max: 10, bytes_max: 1000 };
    let slice = log.read(0, 0, limits, |record| length.add(record));
    let number = shard.sequence_number(1, BORN_MS + 123).to_string();
    let encrypted = EncryptionTimes::default();
    let read = RecordsRead { shard, slice, encrypted, children: None, millis_behind_latest: 0 };
    let reply = Reply { read, next_iterator: Some("AAAA".to_owned()) };
    let mut writer = RecordsWriter::new(reply, &length);
    let mut window = vec![0; 4096];
    let written = writer.write_chunk(&mut window);
    let expected = [
        b"\xbf\x67Records\x9f\xbf\x6eSequenceNumber\x78\x38",
        number.as_bytes(),
        b"\x78\x1bApproximateArrivalTimestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b",
        b"\x64Data\x42\x00\xff\x6cPartitionKey\x61k\xff\xff",
        b"\x71NextShardIterator\x64AAAA\x72MillisBehindLatest\x00\xff",
    ]
    .concat();
    assert_eq!((&window[..written], writer.is_done()), (&expected[..], true));
}
