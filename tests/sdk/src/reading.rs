//! Reading: the five iterator types, pages, how far behind, and what time does to records and iterators.

use aws_sdk_kinesis::types::ShardIteratorType;

use crate::emulator::{Emulator, START_MS, get, iterator, iterator_from, put, read_all, texts};

const HOUR_MS: u64 = 3_600_000;

/// Protects: where each of the five types starts, between and at the ends of records written a second apart.
#[tokio::test]
async fn iterator_types() {
    use ShardIteratorType::{AfterSequenceNumber, AtSequenceNumber, AtTimestamp, Latest, TrimHorizon};
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let mut numbers = Vec::new();
    for text in ["0", "1", "2"] {
        numbers.push(put(&client, "k", text).await);
        emulator.advance_ms(1_000);
    }
    let [first, second, third] = numbers.iter().map(|number| Some(number.as_str())).collect::<Vec<_>>()[..]
    else {
        panic!("three records")
    };
    let at = |after_ms: i64| Some(START_MS + after_ms);
    let latest = iterator(&client, 0, Latest).await;
    for (kind, number, time_ms, expected) in [
        (TrimHorizon, None, None, &["0", "1", "2"][..]),
        (AtSequenceNumber, first, None, &["0", "1", "2"]),
        (AtSequenceNumber, second, None, &["1", "2"]),
        (AfterSequenceNumber, second, None, &["2"]),
        (AfterSequenceNumber, third, None, &[]),
        (AtTimestamp, None, at(-1), &["0", "1", "2"]),
        (AtTimestamp, None, at(0), &["0", "1", "2"]),
        (AtTimestamp, None, at(1), &["1", "2"]),
        (AtTimestamp, None, at(2_000), &["2"]),
        (AtTimestamp, None, at(2_001), &[]),
        (Latest, None, None, &[]),
    ] {
        let start = iterator_from(&client, 0, kind.clone(), number, time_ms).await;
        assert_eq!(texts(&get(&client, &start).await.records), expected, "{kind} {number:?} {time_ms:?}");
    }
    put(&client, "k", "3").await;
    assert_eq!(texts(&get(&client, &latest).await.records), ["3"], "what came after the iterator");
}

/// Protects: a shard's own starting number is a place to start at, as the KCL does with an empty shard.
#[tokio::test]
async fn at_the_shards_start() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let shards = client.list_shards().stream_name("s").send().await.unwrap();
    let start = shards.shards()[0].sequence_number_range.as_ref().unwrap().starting_sequence_number.clone();
    let number = put(&client, "k", "0").await;
    assert!(number > start, "numbers of one length");
    for kind in [ShardIteratorType::AtSequenceNumber, ShardIteratorType::AfterSequenceNumber] {
        let at = iterator_from(&client, 0, kind, Some(&start), None).await;
        assert_eq!(texts(&get(&client, &at).await.records), ["0"]);
    }
}

/// Protects: pages of the size asked for, each record once, and MillisBehindLatest from the last one returned, 0 at
/// the tip.
#[tokio::test]
async fn pages_and_lag() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    for number in 0..5 {
        put(&client, "k", number.to_string()).await;
        emulator.advance_ms(100);
    }
    let mut at = iterator(&client, 0, ShardIteratorType::TrimHorizon).await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let page = client.get_records().shard_iterator(&at).limit(2).send().await.unwrap();
        assert!(page.child_shards().is_empty());
        let read: Vec<String> = texts(&page.records).iter().map(|text| (*text).to_owned()).collect();
        pages.push((read.concat(), page.millis_behind_latest));
        at = page.next_shard_iterator.expect("an open shard");
    }
    let expected = [("01", 400), ("23", 200), ("4", 0), ("", 0)];
    assert_eq!(pages, expected.map(|(read, behind)| (read.to_owned(), Some(behind))));
}

/// Protects: arrival times to the millisecond, and no encryption type on a record of an unencrypted stream.
#[tokio::test]
async fn arrival_times() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    emulator.advance_ms(449);
    put(&client, "k", "0").await;
    let records = read_all(&client, 0).await;
    let arrival = records[0].approximate_arrival_timestamp.unwrap();
    // The SDK reads the decimal through a double and cuts it off below the millisecond.
    assert_eq!((arrival.as_nanos() + 500_000) / 1_000_000, i128::from(START_MS) + 449);
    assert_eq!(records[0].encryption_type, None);
}

/// Protects: an answer ends at 10 MiB of records, and the next one goes on there.
#[tokio::test]
async fn ten_mebibytes_per_answer() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    // Sixteen of them are 10 MiB and 16 bytes.
    for _ in 0..20 {
        put(&client, "k", vec![0; 10 * (1 << 20) / 16]).await;
    }
    let first = get(&client, &iterator(&client, 0, ShardIteratorType::TrimHorizon).await).await;
    assert_eq!(first.records.len(), 15);
    assert_eq!(get(&client, &first.next_shard_iterator.unwrap()).await.records.len(), 5);
}

/// Protects: a record is read for 24 hours and not a millisecond longer, whatever housekeeping has done by then.
#[tokio::test]
async fn retention() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    put(&client, "k", "0").await;
    emulator.advance_ms(24 * HOUR_MS);
    assert_eq!(texts(&read_all(&client, 0).await), ["0"]);
    emulator.advance_ms(1);
    assert!(read_all(&client, 0).await.is_empty());
}

/// Protects: a reader whose place has expired goes on at the horizon, with what is left and nothing twice.
#[tokio::test]
async fn a_reader_before_the_horizon() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let old = put(&client, "k", "0").await;
    put(&client, "k", "1").await;
    emulator.advance_ms(HOUR_MS);
    put(&client, "k", "2").await;
    emulator.advance_ms(23 * HOUR_MS - 1_000);
    let horizon = iterator(&client, 0, ShardIteratorType::TrimHorizon).await;
    let page = client.get_records().shard_iterator(&horizon).limit(1).send().await.unwrap();
    assert_eq!(texts(&page.records), ["0"]);
    emulator.advance_ms(1_001);
    for at in [page.next_shard_iterator.unwrap(), horizon] {
        let page = get(&client, &at).await;
        assert_eq!((texts(&page.records), page.millis_behind_latest), (vec!["2"], Some(0)));
    }
    let at_old = iterator_from(&client, 0, ShardIteratorType::AtSequenceNumber, Some(&old), None).await;
    assert_eq!(texts(&get(&client, &at_old).await.records), ["2"], "a trimmed number reads from the horizon");
}
