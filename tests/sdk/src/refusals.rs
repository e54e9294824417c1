//! Refusals as a program catches them: the SDK's own error types, where Kinesis has one, and the code elsewhere.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};

use crate::emulator::{Emulator, get, iterator, shard_id};

/// Protects: E1, an unknown stream, from each operation that names one.
#[tokio::test]
async fn unknown_streams() {
    let emulator = Emulator::start();
    let client = emulator.client();
    let message = Some("Stream nope under account 000000000000 not found.");
    let error = client.describe_stream().stream_name("nope").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert_eq!(error.message(), message);
    let error = client.delete_stream().stream_name("nope").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let error = client.list_shards().stream_name("nope").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let put = client.put_record().stream_name("nope").partition_key("k").data(b"".to_vec().into());
    let error = put.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert_eq!(error.message(), message);
}

/// Protects: E2, a name that is taken.
#[tokio::test]
async fn taken_names() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let again = client.create_stream().stream_name("s").shard_count(1).send().await;
    let error = again.unwrap_err().into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    assert_eq!(error.message(), Some("Stream s under account 000000000000 already exists."));
}

/// Protects: E6, a shard that is not there, on a stream that is and on one that is not.
#[tokio::test]
async fn missing_shards() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    for (stream, shard) in [("s", 1), ("nope", 0)] {
        let at = client.get_shard_iterator().stream_name(stream).shard_id(shard_id(shard));
        let at = at.shard_iterator_type(ShardIteratorType::Latest).send().await;
        let error = at.unwrap_err().into_service_error();
        assert!(error.is_resource_not_found_exception(), "{error:?}");
        let expected =
            format!("Shard {} in stream {stream} under account 000000000000 does not exist", shard_id(shard));
        assert_eq!(error.message(), Some(expected.as_str()));
    }
}

/// Protects: E8, an iterator that is none.
#[tokio::test]
async fn bad_iterators() {
    let emulator = Emulator::start();
    let client = emulator.client();
    let read = client.get_records().shard_iterator("AAAAAAAAAAE=").send().await;
    let error = read.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
    assert_eq!(error.message(), Some("Invalid ShardIterator."));
}

/// Protects: E9, an iterator after its 300 seconds, in the type that readers catch to start anew.
#[tokio::test]
async fn expired_iterators() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let at = iterator(&client, 0, ShardIteratorType::Latest).await;
    emulator.advance_ms(300_000);
    get(&client, &at).await;
    emulator.advance_ms(1);
    let error = client.get_records().shard_iterator(&at).send().await.unwrap_err().into_service_error();
    assert!(error.is_expired_iterator_exception(), "{error:?}");
    assert!(error.message().is_some_and(|text| text.starts_with("Iterator expired. ")), "{error:?}");
}

/// Protects: more than five streams CREATING at once, in the type that set-up scripts retry.
#[tokio::test]
async fn too_many_at_once() {
    let config = shardmill::config::Config { latency_ms: 500, ..crate::emulator::config() };
    let emulator = Emulator::with(config);
    let client = emulator.client();
    let create = |name: &'static str| client.create_stream().stream_name(name).shard_count(1).send();
    for name in ["a", "b", "c", "d", "e"] {
        create(name).await.unwrap();
    }
    let error = create("f").await.unwrap_err().into_service_error();
    assert!(error.is_limit_exceeded_exception(), "{error:?}");
    emulator.advance_ms(500);
    create("f").await.unwrap();
}

/// Protects: an operation that is not built fails by that name in each SDK, and is no success of no effect.
#[tokio::test]
async fn operations_that_are_not_built() {
    let emulator = Emulator::start();
    let client = emulator.client();
    let channel = "arn:aws:kinesis:us-east-1:000000000000:channel/c";
    let codes = [
        code(client.list_channels().send().await),
        code(client.describe_channel().channel_arn(channel).send().await),
        code(client.delete_channel().channel_arn(channel).send().await),
    ];
    assert_eq!(codes, [const { "NotImplementedException" }; 3]);
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    let error = result.err().expect("a refusal");
    error.code().unwrap_or_default().to_owned()
}

/// Protects: a batch with one bad record is refused whole, and a dry run stores nothing.
#[tokio::test]
async fn nothing_is_stored_by_halves() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let good = || PutRecordsRequestEntry::builder().partition_key("k").data(b"1".to_vec().into());
    let bad = good().explicit_hash_key("340282366920938463463374607431768211456").build().unwrap();
    let put = client.put_records().stream_name("s").records(good().build().unwrap()).records(bad);
    let error = put.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
    let put = client.put_record().stream_name("s").partition_key("k").data(b"1".to_vec().into());
    let error = put.dry_run(true).send().await.unwrap_err().into_service_error();
    assert!(error.is_dry_run_operation_exception(), "{error:?}");
    assert!(stored(&client).await.is_empty());
}

async fn stored(client: &Client) -> Vec<aws_sdk_kinesis::types::Record> {
    crate::emulator::read_all(client, 0).await
}
