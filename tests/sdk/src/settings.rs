//! What a server was told at its start, as its clients meet it.

use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use shardmill::config::{Config, Invocation, Limit};

use crate::emulator::{Emulator, config, create, put};

/// Settings from the environment, as a container is given them; the port and clock of a test.
fn from_environment(variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    match Config::resolve(["shardmill"], variables).expect("settings") {
        Invocation::Serve { config, .. } => Config { port: 0, ..*config },
        other => panic!("{other:?}"),
    }
}

/// Protects: KINESIS_INITIALIZE_STREAMS: streams that are ACTIVE before the first request although creation takes
/// time, with their shards and regions; four shards in us-east-1 where nothing is said.
#[tokio::test]
async fn initial_streams() {
    let emulator = Emulator::with(from_environment(&[("KINESIS_INITIALIZE_STREAMS", "a:1,b:2:us-west-2,c")]));
    for (region, streams) in [("us-east-1", &[("a", 1), ("c", 4)][..]), ("us-west-2", &[("b", 2)])] {
        let client = emulator.client_of("AKIDEXAMPLE", region);
        let names = client.list_streams().send().await.unwrap().stream_names;
        assert_eq!(names, streams.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (name, shards) in streams {
            let described = client.describe_stream().stream_name(*name).send().await.unwrap();
            let stream = described.stream_description.expect("a description");
            assert_eq!((stream.stream_status, stream.shards.len()), (StreamStatus::Active, *shards));
        }
    }
}

/// Protects: KINESIS_SHARD_LIMIT: what fits fits exactly, more is refused in AWS's words and type, and each region
/// has its own count.
#[tokio::test]
async fn shard_limit() {
    let emulator = Emulator::with(Config { shard_limit: Limit::At(2), ..config() });
    let client = emulator.client();
    let too_many = client.create_stream().stream_name("s").shard_count(3).send().await;
    let error = too_many.unwrap_err().into_service_error();
    assert!(error.is_limit_exceeded_exception(), "{error:?}");
    let message = error.message().unwrap_or_default();
    assert!(message.contains("Current shard count for the account: 0. Limit: 2. "), "{message}");
    create(&client, "s", 2).await;
    assert!(client.create_stream().stream_name("t").shard_count(1).send().await.is_err());
    create(&emulator.client_of("AKIDEXAMPLE", "eu-west-1"), "t", 2).await;
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!((limits.shard_limit, limits.open_shard_count), (2, 2));
    client.delete_stream().stream_name("s").send().await.unwrap();
    create(&client, "t", 1).await;
}

/// Protects: KINESIS_ERROR_PROBABILITY=1: every put fails in the type that producers retry, a batch in a 200 with
/// FailedRecordCount and a code for each record; nothing is stored, and reading does not fail.
#[tokio::test]
async fn error_probability() {
    let variables = [("KINESIS_ERROR_PROBABILITY", "1.0"), ("KINESIS_LATENCY", "0")];
    let emulator = Emulator::with(from_environment(&variables));
    let client = emulator.client_and_stream(1).await;
    let put = client.put_record().stream_name("s").partition_key("k").data(b"1".to_vec().into());
    let error = put.send().await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
    let entry = || PutRecordsRequestEntry::builder().partition_key("k").data(b"1".to_vec().into());
    let entries = (0..3).map(|_| entry().build().unwrap()).collect();
    let batch = client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
    assert_eq!((batch.failed_record_count, batch.records.len()), (Some(3), 3));
    for record in &batch.records {
        assert_eq!(record.error_code.as_deref(), Some("ProvisionedThroughputExceededException"));
        assert!(record.error_message.is_some());
        assert_eq!((&record.sequence_number, &record.shard_id), (&None, &None));
    }
    assert!(crate::emulator::read_all(&client, 0).await.is_empty());
}

/// Protects: without the setting nothing ever fails.
#[tokio::test]
async fn no_errors_unless_asked() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    for number in 0..50 {
        put(&client, "k", number.to_string()).await;
    }
    assert_eq!(crate::emulator::read_all(&client, 0).await.len(), 50);
}
