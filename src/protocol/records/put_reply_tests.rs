//! What no request can bring about: what a reply says of records that a broken shard did not store, and the number in
//! a hundred million at which vectors step aside.

use super::super::cbor_put_reply::{self, CborEntry};
use super::*;
use crate::clock::Clock;
use crate::config::{Config, InitialStream};
use crate::control::Scope;
use crate::memory::MemoryPlan;
use crate::names::{AccountId, Region, StreamName};
use crate::server::service;
use crate::shard::Command;
use crate::shard::batch::Records;

/// E21 for the record of a shard that has panicked, in either codec.
#[tokio::test]
async fn entries_that_failed() {
    let stream =
        InitialStream { name: StreamName::parse("s").unwrap(), shards: 1, region: Region::US_EAST_1 };
    let config = Config { initialize_streams: vec![stream], ..Config::default() };
    let service = service(&config, &MemoryPlan::of(&config), 0, Clock::system()).unwrap();
    let scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
    let stream = service.registry.find(scope, "s").unwrap();
    assert!(stream.shard_map().open()[0].submit(Command::Panic).is_ok());

    let mut records = Records::take();
    records.push("k", None, b"").unwrap();
    let request = put_records::Request::new((Some("s"), None), scope, records, false).unwrap();
    let reply = request.execute(&service).await.unwrap();
    let expected = r#"{"FailedRecordCount":1,"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"Internal Service Failure"}]}"#;
    assert_eq!(std::str::from_utf8(put_records(&reply).as_ref()), Ok(expected));
    let cbor = cbor_put_reply::put_records(&reply);
    assert!(cbor.as_ref().windows(24).any(|text| text == b"Internal Service Failure"));
}

/// The entries of consecutive numbers, in vectors and by the twin: all of them, each in its place.
fn check_entries<E: Entry<BYTES>, const BYTES: usize>(first: SequenceNumber, count: u16) {
    let shard = ShardId::new(first.shard_index()).unwrap();
    let entries = || ShareEntries { shard, numbers: SequenceWriter::new(first) };
    // Back to front, each second place.
    let numbers: Vec<_> = (0..count).rev().map(|number| 2 * number).collect();
    let mut expected = vec![[b'?'; BYTES]; 2 * usize::from(count)];
    let (mut found, mut twin) = (expected.clone(), entries());
    for number in &numbers {
        twin.write_next::<E, BYTES>(&mut expected[usize::from(*number)]);
        twin.numbers.advance();
    }
    entries().write::<E, BYTES>(&numbers, &mut found);
    assert_eq!(found, expected);
}

/// Protects: entries of any number of records, whichever of them is the first that vectors do not write.
#[test]
fn entries_are_those_of_the_twin() {
    let shard = ShardId::new(7).unwrap();
    let number = |counter| SequenceNumber::new(1_700_000_000, shard, counter, 1_700_000_100);
    let upper_digits = |counter| SequenceWriter::new(number(counter)).text()[..24].to_vec();
    // Bisect for the first counter that changes more digits than stand in a vector.
    let (mut low, mut high) = (0, 1 << 32);
    let start = upper_digits(low);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if upper_digits(middle) == start { low = middle } else { high = middle }
    }
    for (before, count) in (0..5).flat_map(|before| (0..9).map(move |count| (before, count))) {
        check_entries::<JsonEntry, STORED_ENTRY_BYTES>(number(low - before), count);
        check_entries::<CborEntry, { cbor_put_reply::STORED_ENTRY_BYTES }>(number(low - before), count);
    }
}
