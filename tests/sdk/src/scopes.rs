//! Accounts and regions: who sees which streams.

use aws_sdk_kinesis::Client;

use crate::emulator::{Emulator, create};

async fn names(client: &Client) -> Vec<String> {
    client.list_streams().send().await.unwrap().stream_names
}

/// Protects: an access key of twelve digits is an account; each account and region has streams of its own, under
/// names that others use too.
#[tokio::test]
async fn accounts_and_regions_are_apart() {
    let emulator = Emulator::start();
    let clients = [
        ("111111111111", "us-east-1"),
        ("222222222222", "us-east-1"),
        ("111111111111", "eu-west-1"),
        ("AKIDEXAMPLE", "us-east-1"),
    ]
    .map(|(access_key, region)| emulator.client_of(access_key, region));
    let arns = [
        "arn:aws:kinesis:us-east-1:111111111111:stream/s",
        "arn:aws:kinesis:us-east-1:222222222222:stream/s",
        "arn:aws:kinesis:eu-west-1:111111111111:stream/s",
        "arn:aws:kinesis:us-east-1:000000000000:stream/s",
    ];
    for (client, shards) in clients.iter().zip(1..) {
        assert!(names(client).await.is_empty());
        create(client, "s", shards).await;
    }
    for ((client, arn), shards) in clients.iter().zip(arns).zip(1..) {
        let described = client.describe_stream_summary().stream_name("s").send().await.unwrap();
        let summary = described.stream_description_summary.expect("a summary");
        assert_eq!((summary.stream_arn.as_str(), summary.open_shard_count), (arn, shards));
    }
    let [first, others @ ..] = &clients;
    first.delete_stream().stream_name("s").send().await.unwrap();
    assert!(names(first).await.is_empty());
    for other in others {
        assert_eq!(names(other).await, ["s"]);
    }
}

/// Protects: records of one account's stream are not those of another's, and an ARN leads to the account it names.
#[tokio::test]
async fn records_are_apart() {
    let emulator = Emulator::start();
    let one = emulator.client_of("111111111111", "us-east-1");
    let other = emulator.client_of("222222222222", "us-east-1");
    for client in [&one, &other] {
        create(client, "s", 1).await;
    }
    crate::emulator::put(&one, "k", "one").await;
    assert!(crate::emulator::read_all(&other, 0).await.is_empty());
    let arn = "arn:aws:kinesis:us-east-1:222222222222:stream/s";
    let put = one.put_record().stream_arn(arn).partition_key("k").data(b"across".to_vec().into());
    put.send().await.unwrap();
    assert_eq!(crate::emulator::texts(&crate::emulator::read_all(&other, 0).await), ["across"]);
    assert_eq!(crate::emulator::texts(&crate::emulator::read_all(&one, 0).await), ["one"]);
}
