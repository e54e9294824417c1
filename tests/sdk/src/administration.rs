//! How streams, consumers and accounts are set, tagged and described by a program that was written for Amazon Kinesis.

use std::collections::HashMap;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::list_stream_consumers::ListStreamConsumersOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    Consumer, ConsumerStatus, EncryptionType, MetricsName, MinimumThroughputBillingCommitmentInput,
    MinimumThroughputBillingCommitmentInputStatus, MinimumThroughputBillingCommitmentOutputStatus,
    RecordDistributionStrategy, StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus,
};
use shardmill::config::Config;

use crate::emulator::{Emulator, START_MS, config, create, put, read_all};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

async fn summary(client: &Client) -> StreamDescriptionSummary {
    let described = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    described.stream_description_summary.expect("a summary")
}

fn mode(mode: StreamMode) -> StreamModeDetails {
    StreamModeDetails::builder().stream_mode(mode).build().unwrap()
}

/// Protects: tags through both families of calls, of a stream and of a consumer.
#[tokio::test]
async fn tags() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    client.add_tags_to_stream().stream_name("s").tags("a", "1").tags("b", "2").send().await.unwrap();
    client.remove_tags_from_stream().stream_arn(ARN).tag_keys("a").send().await.unwrap();
    client.tag_resource().resource_arn(ARN).tags("c", "3").send().await.unwrap();
    let page = client.list_tags_for_stream().stream_name("s").limit(1).send().await.unwrap();
    assert_eq!((page.tags[0].key(), page.has_more_tags), ("b", true));
    let rest =
        client.list_tags_for_stream().stream_name("s").exclusive_start_tag_key("b").send().await.unwrap();
    assert_eq!((rest.tags[0].key(), rest.tags[0].value(), rest.has_more_tags), ("c", Some("3"), false));

    let register = client.register_stream_consumer().stream_arn(ARN).consumer_name("c");
    let consumer = register.tags("of", "consumer").send().await.unwrap().consumer.unwrap();
    client.tag_resource().resource_arn(&consumer.consumer_arn).tags("more", "").send().await.unwrap();
    client.untag_resource().resource_arn(&consumer.consumer_arn).tag_keys("of").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(&consumer.consumer_arn).send().await.unwrap();
    let tags: HashMap<_, _> =
        tags.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().map(str::to_owned))).collect();
    assert_eq!(tags, HashMap::from([("more".to_owned(), Some(String::new()))]));
}

/// Protects: a bad tag is the SDK's InvalidArgumentException, and nothing of its request is kept.
#[tokio::test]
async fn bad_tags() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let add = client.add_tags_to_stream().stream_name("s").tags("good", "").tags("bad;", "").send().await;
    let error = add.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
    assert!(client.list_tags_for_stream().stream_name("s").send().await.unwrap().tags.is_empty());
}

/// Protects: retention is changed, told, and applied.
#[tokio::test]
async fn retention() {
    const DAY_MS: u64 = 24 * 3_600_000;
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let increase = |hours| {
        client.increase_stream_retention_period().stream_name("s").retention_period_hours(hours).send()
    };
    increase(48).await.unwrap();
    assert_eq!(summary(&client).await.retention_period_hours, 48);
    put(&client, "k", "1").await;
    emulator.advance_ms(DAY_MS + 1);
    assert_eq!(read_all(&client, 0).await.len(), 1);
    let decrease = |hours| {
        client.decrease_stream_retention_period().stream_name("s").retention_period_hours(hours).send()
    };
    decrease(24).await.unwrap();
    assert!(read_all(&client, 0).await.is_empty());
    let error = decrease(25).await.unwrap_err().into_service_error();
    assert!(error.is_invalid_argument_exception(), "{error:?}");
    increase(24).await.expect("the same is no error");
}

/// Protects: shard-level metrics, before and after.
#[tokio::test]
async fn monitoring() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let enable = client.enable_enhanced_monitoring().stream_name("s").shard_level_metrics(MetricsName::All);
    let enabled = enable.send().await.unwrap();
    assert_eq!(enabled.current_shard_level_metrics(), []);
    assert_eq!(enabled.desired_shard_level_metrics().len(), 7);
    assert_eq!(summary(&client).await.enhanced_monitoring[0].shard_level_metrics().len(), 7);
    let disable = client.disable_enhanced_monitoring().stream_arn(ARN);
    let disabled = disable.shard_level_metrics(MetricsName::IncomingBytes).send().await.unwrap();
    assert_eq!(disabled.desired_shard_level_metrics().len(), 6);
    assert_eq!((disabled.stream_name(), disabled.stream_arn()), (Some("s"), Some(ARN)));
}

/// Protects: encryption by states, descriptions and marks, in the SDK's types.
#[tokio::test]
async fn encryption() {
    let emulator = Emulator::with(Config { latency_ms: 500, ..config() });
    let client = emulator.client_and_stream(1).await;
    emulator.advance_ms(500);
    let start = client.start_stream_encryption().stream_name("s").encryption_type(EncryptionType::Kms);
    start.clone().key_id("alias/aws/kinesis").send().await.unwrap();
    assert_eq!(summary(&client).await.stream_status, StreamStatus::Updating);
    let error = start.clone().key_id("alias/aws/kinesis").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    put(&client, "k", "plain").await;
    emulator.advance_ms(500);
    let described = summary(&client).await;
    assert_eq!(
        (described.encryption_type, described.key_id.as_deref()),
        (Some(EncryptionType::Kms), Some("alias/aws/kinesis"))
    );
    let put = client.put_record().stream_name("s").partition_key("k").data(b"1".to_vec().into());
    assert_eq!(put.send().await.unwrap().encryption_type, Some(EncryptionType::Kms));
    let marks: Vec<_> = read_all(&client, 0).await.into_iter().map(|record| record.encryption_type).collect();
    assert_eq!(marks, [None, Some(EncryptionType::Kms)]);
    let error = start.key_id("no key").send().await.unwrap_err().into_service_error();
    assert!(error.is_kms_not_found_exception(), "{error:?}");
    let stop = client.stop_stream_encryption().stream_name("s").encryption_type(EncryptionType::Kms);
    stop.key_id("alias/aws/kinesis").send().await.unwrap();
    emulator.advance_ms(500);
    assert_eq!(summary(&client).await.encryption_type, Some(EncryptionType::None));
}

/// Protects: mode, record size, record distribution and warm throughput, each told by the summary.
#[tokio::test]
async fn capacity() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(2).await;
    let to = client.update_stream_mode().stream_arn(ARN).stream_mode_details(mode(StreamMode::OnDemand));
    to.send().await.unwrap();
    client.update_max_record_size().stream_arn(ARN).max_record_size_in_kib(10_240).send().await.unwrap();
    let auto = client.update_stream_record_distribution_strategy().stream_arn(ARN);
    auto.record_distribution_strategy(RecordDistributionStrategy::Auto).send().await.unwrap();
    let told = summary(&client).await;
    assert_eq!(told.stream_mode_details.unwrap().stream_mode, StreamMode::OnDemand);
    assert_eq!((told.open_shard_count, told.max_record_size_in_kib), (2, Some(10_240)));
    assert_eq!(told.record_distribution_strategy, Some(RecordDistributionStrategy::Auto));
    client
        .put_record()
        .stream_name("s")
        .data(vec![0; 10 << 20].into())
        .send()
        .await
        .expect("10 MiB without a key");

    let warm = client.update_stream_warm_throughput().stream_name("s").warm_throughput_mibps(100);
    let error = warm.clone().send().await.unwrap_err().into_service_error();
    assert!(error.is_validation_exception(), "{error:?}");
    commit(&client, MinimumThroughputBillingCommitmentInputStatus::Enabled).await;
    let warmed = warm.send().await.unwrap().warm_throughput.expect("a throughput");
    assert_eq!((warmed.target_mibps, warmed.current_mibps), (Some(100), Some(100)));
    assert_eq!(summary(&client).await.warm_throughput, Some(warmed));
}

async fn commit(
    client: &Client,
    status: MinimumThroughputBillingCommitmentInputStatus,
) -> MinimumThroughputBillingCommitmentOutputStatus {
    let input = MinimumThroughputBillingCommitmentInput::builder().status(status).build().unwrap();
    let update = client.update_account_settings().minimum_throughput_billing_commitment(input);
    update.send().await.unwrap().minimum_throughput_billing_commitment.expect("a commitment").status
}

/// Protects: the account's commitment through its states.
#[tokio::test]
async fn account_settings() {
    use MinimumThroughputBillingCommitmentInputStatus as Input;
    use MinimumThroughputBillingCommitmentOutputStatus as Output;
    let emulator = Emulator::start();
    let client = emulator.client();
    let described = async || {
        let settings = client.describe_account_settings().send().await.unwrap();
        settings.minimum_throughput_billing_commitment.expect("a commitment")
    };
    assert_eq!(described().await.status, Output::Disabled);
    assert_eq!(commit(&client, Input::Enabled).await, Output::Enabled);
    assert_eq!(described().await.started_at, Some(DateTime::from_millis(START_MS)));
    assert_eq!(commit(&client, Input::Disabled).await, Output::EnabledUntilEarliestAllowedEnd);
    emulator.advance_ms(24 * 3_600_000);
    assert_eq!(described().await.status, Output::Disabled);
}

/// Protects: the way of KCL: describe, not found, register, describe until ACTIVE; then list and deregister.
#[tokio::test]
async fn consumers() {
    let emulator = Emulator::with(Config { latency_ms: 500, ..config() });
    let client = emulator.client_and_stream(1).await;
    emulator.advance_ms(500);
    let describe = client.describe_stream_consumer().stream_arn(ARN).consumer_name("c");
    let error = describe.clone().send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let register = client.register_stream_consumer().stream_arn(ARN).consumer_name("c");
    let consumer = register.clone().send().await.unwrap().consumer.expect("a consumer");
    assert_eq!(consumer.consumer_status, ConsumerStatus::Creating);
    let error = register.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    emulator.advance_ms(500);
    let described = describe.send().await.unwrap().consumer_description.expect("a description");
    assert_eq!(described.consumer_status, ConsumerStatus::Active);
    assert_eq!((described.stream_arn.as_str(), &described.consumer_arn), (ARN, &consumer.consumer_arn));
    assert_eq!(described.consumer_creation_timestamp, DateTime::from_secs(START_MS / 1000));
    let listed = client.list_stream_consumers().stream_arn(ARN).max_results(1).into_paginator().send();
    let listed = listed.collect::<Result<Vec<_>, _>>().await.unwrap();
    let names: Vec<_> =
        listed.iter().flat_map(ListStreamConsumersOutput::consumers).map(Consumer::consumer_name).collect();
    assert_eq!((names, summary(&client).await.consumer_count), (vec!["c"], Some(1)));

    let error = client.delete_stream().stream_name("s").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    client.deregister_stream_consumer().consumer_arn(&consumer.consumer_arn).send().await.unwrap();
    emulator.advance_ms(500);
    client.delete_stream().stream_name("s").enforce_consumer_deletion(false).send().await.unwrap();
}

/// Protects: a resource policy comes back as it was put.
#[tokio::test]
async fn policies() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let get = async || client.get_resource_policy().resource_arn(ARN).send().await.unwrap().policy;
    assert_eq!(get().await, "{}");
    let policy = r#"{ "Version": "2012-10-17" }"#;
    client.put_resource_policy().resource_arn(ARN).policy(policy).send().await.unwrap();
    assert_eq!(get().await, policy);
    client.delete_resource_policy().resource_arn(ARN).send().await.unwrap();
    let error =
        client.delete_resource_policy().resource_arn(ARN).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

/// Protects: settings of one stream are not those of another.
#[tokio::test]
async fn each_stream_for_itself() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    create(&client, "t", 1).await;
    client.update_max_record_size().stream_arn(ARN).max_record_size_in_kib(2048).send().await.unwrap();
    let put = |name: &str| {
        client.put_record().stream_name(name).partition_key("k").data(vec![0; 3 << 19].into()).send()
    };
    put("s").await.unwrap();
    let error = put("t").await.unwrap_err();
    assert_eq!(aws_sdk_kinesis::error::ProvideErrorMetadata::code(&error), Some("ValidationException"));
}
