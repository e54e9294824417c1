//! The life of a stream: created, described, deleted, by name and by ARN, with the SDK's own waiters.

use std::time::Duration;

use aws_sdk_kinesis::client::Waiters;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{EncryptionType, StreamMode, StreamModeDetails, StreamStatus};

use crate::emulator::{Emulator, START_MS, config, create, shard_id};
use shardmill::config::Config;

const WAIT: Duration = Duration::from_secs(20);

/// Protects: the way of every set-up script: create, wait, use, delete, wait.
#[tokio::test]
async fn create_wait_delete_wait() {
    let emulator = Emulator::start();
    let client = emulator.client();
    create(&client, "s", 2).await;
    let exists = client.wait_until_stream_exists().stream_name("s").wait(WAIT).await;
    exists.expect("the stream becomes ACTIVE");
    client.delete_stream().stream_name("s").send().await.unwrap();
    let gone = client.wait_until_stream_not_exists().stream_name("s").wait(WAIT).await;
    gone.expect("the stream goes");
}

/// Protects: every member of a stream's description that the SDK can see.
#[tokio::test]
async fn describe() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(2).await;
    let described = client.describe_stream().stream_name("s").send().await.unwrap();
    let stream = described.stream_description.expect("a description");
    assert_eq!(stream.stream_name, "s");
    assert_eq!(stream.stream_arn, "arn:aws:kinesis:us-east-1:000000000000:stream/s");
    assert_eq!(stream.stream_status, StreamStatus::Active);
    assert_eq!(stream.stream_mode_details.unwrap().stream_mode, StreamMode::Provisioned);
    assert_eq!(stream.retention_period_hours, 24);
    assert_eq!(stream.stream_creation_timestamp, DateTime::from_millis(START_MS));
    assert_eq!(stream.encryption_type, Some(EncryptionType::None));
    assert_eq!(stream.enhanced_monitoring.len(), 1);
    assert!(!stream.has_more_shards);
    let ids: Vec<_> = stream.shards.iter().map(|shard| shard.shard_id.clone()).collect();
    assert_eq!(ids, [shard_id(0), shard_id(1)]);
    for shard in stream.shards {
        assert_eq!((shard.parent_shard_id, shard.adjacent_parent_shard_id), (None, None));
        let range = shard.sequence_number_range.expect("a range");
        assert_eq!((range.starting_sequence_number.len(), range.ending_sequence_number), (56, None));
    }
}

/// Protects: the summary, with its counts, and without a StreamId that clients would send everywhere.
#[tokio::test]
async fn summary() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(3).await;
    let described = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    let summary = described.stream_description_summary.expect("a summary");
    assert_eq!(summary.stream_status, StreamStatus::Active);
    assert_eq!((summary.open_shard_count, summary.consumer_count), (3, Some(0)));
    assert_eq!(summary.max_record_size_in_kib, Some(1024));
    assert_eq!(summary.stream_id, None);
}

/// Protects: a stream without shard count or mode is on demand, with four shards (reference 11).
#[tokio::test]
async fn on_demand() {
    let emulator = Emulator::start();
    let client = emulator.client();
    client.create_stream().stream_name("bare").send().await.unwrap();
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name("named").stream_mode_details(mode).send().await.unwrap();
    for name in ["bare", "named"] {
        let described = client.describe_stream_summary().stream_name(name).send().await.unwrap();
        let summary = described.stream_description_summary.expect("a summary");
        assert_eq!(summary.stream_mode_details.unwrap().stream_mode, StreamMode::OnDemand);
        assert_eq!(summary.open_shard_count, 4);
    }
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!((limits.open_shard_count, limits.on_demand_stream_count), (0, 2));
}

/// Protects: each operation takes the ARN instead of the name, and both if they agree.
#[tokio::test]
async fn by_arn() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    client.describe_stream().stream_arn(arn).send().await.unwrap();
    client.describe_stream().stream_arn(arn).stream_name("s").send().await.unwrap();
    client.describe_stream_summary().stream_arn(arn).send().await.unwrap();
    client.list_shards().stream_arn(arn).send().await.unwrap();
    let put = client.put_record().stream_arn(arn).partition_key("k").data(b"1".to_vec().into());
    put.send().await.unwrap();
    let at = client.get_shard_iterator().stream_arn(arn).shard_id(shard_id(0));
    let at = at.shard_iterator_type("TRIM_HORIZON".into()).send().await.unwrap().shard_iterator.unwrap();
    let page = client.get_records().stream_arn(arn).shard_iterator(at).send().await.unwrap();
    assert_eq!(page.records.len(), 1);
    let other = client.describe_stream().stream_arn(arn).stream_name("t").send().await.unwrap_err();
    assert_eq!(other.code(), Some("InvalidArgumentException"));
    client.delete_stream().stream_arn(arn).send().await.unwrap();
}

/// Protects: a transition of 500 ms, seen from outside on the movable clock: CREATING without shards, ACTIVE, DELETING,
/// gone; its records go with it.
#[tokio::test]
async fn transitions() {
    let emulator = Emulator::with(Config { latency_ms: 500, ..config() });
    let client = emulator.client_and_stream(1).await;
    let look = async || {
        let described = client.describe_stream().stream_name("s").send().await;
        described.ok()?.stream_description.map(|stream| (stream.stream_status, stream.shards.len()))
    };
    assert_eq!(look().await, Some((StreamStatus::Creating, 0)));
    emulator.advance_ms(499);
    assert_eq!(look().await, Some((StreamStatus::Creating, 0)));
    emulator.advance_ms(1);
    assert_eq!(look().await, Some((StreamStatus::Active, 1)));
    crate::emulator::put(&client, "k", "1").await;
    client.delete_stream().stream_name("s").send().await.unwrap();
    assert_eq!(look().await, Some((StreamStatus::Deleting, 1)));
    emulator.advance_ms(500);
    assert_eq!(look().await, None);
    create(&client, "s", 1).await;
    emulator.advance_ms(500);
    assert!(crate::emulator::read_all(&client, 0).await.is_empty());
}

/// Protects: without transition time a stream is there and gone with the answer.
#[tokio::test]
async fn no_transitions() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let described = client.describe_stream().stream_name("s").send().await.unwrap();
    assert_eq!(described.stream_description.unwrap().stream_status, StreamStatus::Active);
    client.delete_stream().stream_name("s").send().await.unwrap();
    assert!(client.describe_stream().stream_name("s").send().await.is_err());
}
