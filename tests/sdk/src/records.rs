//! Records: what goes in comes out, into the shard that its key names, at every size.

use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use crate::emulator::{Emulator, put, read_all, shard_id};

/// The largest data with a key of one byte, on a stream that does not say otherwise.
const DATA_BYTES_MAX: usize = (1 << 20) - 1;

fn entry(
    key: &str,
    data: impl Into<Vec<u8>>,
) -> aws_sdk_kinesis::types::builders::PutRecordsRequestEntryBuilder {
    PutRecordsRequestEntry::builder().partition_key(key).data(data.into().into())
}

/// Protects: an explicit hash key decides over the partition key, at the edges of shards, in both puts.
#[tokio::test]
async fn explicit_hash_keys() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(2).await;
    let half = 1_u128 << 127;
    let places = [(0, 0), (half - 1, 0), (half, 1), (u128::MAX, 1)];
    for (hash_key, shard) in places {
        let put = client.put_record().stream_name("s").partition_key("k").data(b"1".to_vec().into());
        let stored = put.explicit_hash_key(hash_key.to_string()).send().await.unwrap();
        assert_eq!((stored.shard_id, stored.encryption_type), (shard_id(shard), None), "{hash_key}");
    }
    let entries =
        places.map(|(hash_key, _)| entry("k", "2").explicit_hash_key(hash_key.to_string()).build().unwrap());
    let stored =
        client.put_records().stream_name("s").set_records(Some(entries.to_vec())).send().await.unwrap();
    let shards: Vec<_> = stored.records.iter().map(|record| record.shard_id.clone()).collect();
    assert_eq!(shards, places.map(|(_, shard)| Some(shard_id(shard))));
    for shard in [0, 1] {
        assert_eq!(read_all(&client, shard).await.len(), 4);
    }
}

/// Protects: the recorded placement of partition keys on three shards (reference 5.3).
#[tokio::test]
async fn partition_keys() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(3).await;
    for (key, shard) in [("a", 0), ("b", 1), ("e", 2), ("f", 1)] {
        let put = client.put_record().stream_name("s").partition_key(key).data(b"".to_vec().into());
        assert_eq!(put.send().await.unwrap().shard_id, shard_id(shard), "{key}");
    }
}

/// Protects: 500 records in one call, all stored, in request order within each shard, numbers ascending.
#[tokio::test]
async fn five_hundred_records() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(4).await;
    let entries: Vec<_> = (0..500)
        .map(|number| entry(&format!("key-{number}"), format!("{number}")).build().unwrap())
        .collect();
    let stored = client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
    assert_eq!((stored.failed_record_count, stored.records.len()), (Some(0), 500));
    assert_eq!(stored.encryption_type, None);
    let mut seen = 0;
    for shard in 0..4 {
        let records = read_all(&client, shard).await;
        let numbers: Vec<usize> =
            crate::emulator::texts(&records).iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "request order within a shard");
        assert!(records.is_sorted_by_key(|record| record.sequence_number.clone()));
        for (number, record) in numbers.iter().zip(&records) {
            let result = &stored.records[*number];
            assert_eq!(result.shard_id, Some(shard_id(shard)));
            assert_eq!(result.sequence_number.as_ref(), Some(&record.sequence_number));
            assert_eq!((&result.error_code, &result.error_message), (&None, &None));
        }
        seen += records.len();
    }
    assert_eq!(seen, 500);
}

/// Protects: partition keys with quotes, backslashes, control characters and letters of every width, and of the
/// greatest length, come back as they were.
#[tokio::test]
async fn unusual_partition_keys() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let longest = "😀".repeat(256);
    let keys = [
        "\"",
        "\\",
        "a\"b\\c",
        "\u{1}\n\r\t\u{7f}",
        "é",
        "日本",
        "😀",
        "\u{2028}",
        " ",
        "</script>",
        &longest,
    ];
    for key in keys {
        put(&client, key, key).await;
    }
    let entries = keys.map(|key| entry(key, key).build().unwrap()).to_vec();
    client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
    let records = read_all(&client, 0).await;
    let read: Vec<_> = records.iter().map(|record| record.partition_key().unwrap()).collect();
    assert_eq!(read, [keys, keys].concat());
    assert_eq!(crate::emulator::texts(&records), read);
}

/// Protects: data of every byte, of every length around a Base64 quantum, and none at all.
#[tokio::test]
async fn binary_and_empty_data() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let data: Vec<Vec<u8>> = (0..7).map(|bytes| vec![0xff; bytes]).chain([every_byte]).collect();
    for data in &data {
        put(&client, "k", data.clone()).await;
    }
    let entries = data.iter().map(|data| entry("k", data.clone()).build().unwrap()).collect();
    client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
    let records = read_all(&client, 0).await;
    let read: Vec<_> = records.into_iter().map(|record| record.data.into_inner()).collect();
    assert_eq!(read, [data.clone(), data].concat());
}

/// Protects: a record of exactly the largest size is stored and read; its key counts.
#[tokio::test]
async fn records_of_the_largest_size() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let data: Vec<u8> = (0..DATA_BYTES_MAX).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
    put(&client, "k", data.clone()).await;
    let batch = client.put_records().stream_name("s").records(entry("k", data.clone()).build().unwrap());
    batch.send().await.unwrap();
    let too_large = client.put_record().stream_name("s").partition_key("kk").data(data.clone().into());
    assert!(too_large.send().await.is_err());
    let records = read_all(&client, 0).await;
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.data.as_ref() == data));
}

/// Protects: a stream that was created for larger records takes one of 10 MiB, and gives it back in one answer.
#[tokio::test]
async fn records_of_ten_mebibytes() {
    let emulator = Emulator::start();
    let client = emulator.client();
    let create = client.create_stream().stream_name("s").shard_count(1).max_record_size_in_kib(10_240);
    create.send().await.unwrap();
    let data = vec![7; (10 << 20) - 1];
    put(&client, "k", data.clone()).await;
    put(&client, "k", "next").await;
    let records = read_all(&client, 0).await;
    assert_eq!(records.len(), 2);
    assert!(records[0].data.as_ref() == data);
}
