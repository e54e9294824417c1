//! The AWS SDK for Rust: puts, gets, a reshard, refusals, and fan-out to a shard's end.

mod steps;

use std::process::ExitCode;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ChildShard, ConsumerStatus, PutRecordsRequestEntry, Record, ShardIteratorType, StartingPosition,
    StreamStatus, SubscribeToShardEventStream,
};
use steps::{Outcome, Steps, equal, wait_until};

const STREAM: &str = "rust";
const PARENT: &str = "shardId-000000000000";
const CHILDREN: [&str; 2] = ["shardId-000000000002", "shardId-000000000003"];

// readme:begin
fn client(endpoint: &str) -> Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint) // "http://127.0.0.1:4566"
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    Client::from_conf(config.build())
}
// readme:end

#[tokio::main]
async fn main() -> ExitCode {
    let client = client(&std::env::var("KINESIS_ENDPOINT").unwrap_or_default());
    let mut steps = Steps::default();
    steps.step("create, wait, describe", create(&client)).await;
    steps.step("put 500, get 500, in order", put_and_get(&client)).await;
    steps.step("put one after the other, in order", put_in_order(&client)).await;
    steps.step("a refusal has its class", refusal(&client)).await;
    steps.step("paginators", paginators(&client)).await;
    steps.step("SubscribeToShard: what is put meanwhile, to the shard's end", fan_out(&client)).await;
    steps.step("reshard: the parent ends with its children", shard_end(&client)).await;
    steps.step("delete, wait", delete(&client)).await;
    steps.end()
}

async fn create(client: &Client) -> Outcome {
    client.create_stream().stream_name(STREAM).shard_count(2).send().await?;
    active(client).await?;
    equal(client.list_shards().stream_name(STREAM).send().await?.shards().len(), 2)
}

async fn active(client: &Client) -> Outcome {
    wait_until("the stream is ACTIVE", || async {
        let found = client.describe_stream_summary().stream_name(STREAM).send().await?;
        let summary = found.stream_description_summary.ok_or("no summary")?;
        Ok(summary.stream_status == StreamStatus::Active)
    })
    .await
}

/// All records of a shard up to its tip or end, and the last reply.
async fn drained(client: &Client, shard: &str) -> Outcome<(Vec<Record>, GetRecordsOutput)> {
    let mut records = Vec::new();
    let ask = client.get_shard_iterator().stream_name(STREAM).shard_id(shard);
    let mut position = ask.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?.shard_iterator;
    loop {
        let reply = client.get_records().set_shard_iterator(position.take()).send().await?;
        records.extend_from_slice(reply.records());
        position = reply.next_shard_iterator.clone();
        if position.is_none() || reply.records().is_empty() {
            return Ok((records, reply));
        }
    }
}

async fn put_and_get(client: &Client) -> Outcome {
    let mut expected: Vec<String> = (0..500).map(|i| format!("r{i}")).collect();
    let entry = |text: &String| {
        PutRecordsRequestEntry::builder().partition_key(text).data(Blob::new(text.as_bytes())).build()
    };
    let entries = expected.iter().map(entry).collect::<Result<_, _>>()?;
    let put = client.put_records().stream_name(STREAM).set_records(Some(entries)).send().await?;
    equal(put.failed_record_count, Some(0))?;
    let mut found = Vec::new();
    for shard in client.list_shards().stream_name(STREAM).send().await?.shards() {
        let (records, reply) = drained(client, shard.shard_id()).await?;
        // Numbers wider than any integer, without leading zeros.
        let in_order =
            records.is_sorted_by_key(|record| (record.sequence_number.len(), &record.sequence_number));
        equal(in_order, true)?;
        equal(records.iter().all(|record| record.approximate_arrival_timestamp.is_some()), true)?;
        equal(reply.millis_behind_latest, Some(0))?;
        for record in records {
            found.push(String::from_utf8(record.data.into_inner())?);
        }
    }
    expected.sort();
    found.sort();
    equal(found, expected)
}

/// Puts one record, behind the one of this number if there is one; returns its own.
async fn put_to_parent(client: &Client, after: Option<String>) -> Outcome<String> {
    let put = client.put_record().stream_name(STREAM).partition_key("p").data(Blob::new("one"));
    let put = put.explicit_hash_key("0").set_sequence_number_for_ordering(after);
    Ok(put.send().await?.sequence_number)
}

async fn put_in_order(client: &Client) -> Outcome {
    let first = put_to_parent(client, None).await?;
    let second = put_to_parent(client, Some(first.clone())).await?;
    equal((first.len(), first) < (second.len(), second), true)
}

async fn refusal(client: &Client) -> Outcome {
    let refused = client.describe_stream().stream_name("nowhere").send().await;
    let error = refused.err().ok_or("described")?.into_service_error();
    equal(error.is_resource_not_found_exception(), true)?;
    equal(error.meta().message(), Some("Stream nowhere under account 000000000000 not found."))
}

async fn stream_arn(client: &Client) -> Outcome<String> {
    let found = client.describe_stream_summary().stream_name(STREAM).send().await?;
    Ok(found.stream_description_summary.ok_or("no summary")?.stream_arn)
}

async fn paginators(client: &Client) -> Outcome {
    let arn = stream_arn(client).await?;
    for name in ["one", "other"] {
        client.register_stream_consumer().stream_arn(&arn).consumer_name(name).send().await?;
    }
    wait_until("the consumer is ACTIVE", || async {
        let ask = client.describe_stream_consumer().stream_arn(&arn).consumer_name("one");
        let described = ask.send().await?.consumer_description.ok_or("no description")?;
        Ok(described.consumer_status == ConsumerStatus::Active)
    })
    .await?;
    let mut pages = client.list_stream_consumers().stream_arn(&arn).into_paginator().page_size(1).send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.extend(page?.consumers.unwrap_or_default().into_iter().map(|one| one.consumer_name));
    }
    names.sort();
    equal(names, vec!["one".to_owned(), "other".to_owned()])
}

async fn fan_out(client: &Client) -> Outcome {
    let before = drained(client, PARENT).await?.0.len();
    let ask = client.describe_stream_consumer().stream_arn(stream_arn(client).await?).consumer_name("one");
    let described = ask.send().await?.consumer_description.ok_or("no description")?;
    let position = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build()?;
    let ask = client.subscribe_to_shard().consumer_arn(described.consumer_arn).shard_id(PARENT);
    let mut events = ask.starting_position(position).send().await?.event_stream;
    let (mut found, mut split, mut children) = (0, false, Vec::new());
    while let Some(event) = events.recv().await? {
        let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else {
            return Err(format!("{event:?}").into());
        };
        found += event.records.len();
        children = event.child_shards.unwrap_or_default();
        if !split {
            split = true;
            put_to_parent(client, None).await?;
            let split = client.split_shard().stream_name(STREAM).shard_to_split(PARENT);
            split.new_starting_hash_key((1_u128 << 126).to_string()).send().await?;
        }
    }
    equal(found, before + 1)?;
    are_the_children(&children)
}

fn are_the_children(children: &[ChildShard]) -> Outcome {
    equal(children.iter().map(|child| child.shard_id()).collect(), CHILDREN.to_vec())
}

async fn shard_end(client: &Client) -> Outcome {
    active(client).await?;
    are_the_children(drained(client, PARENT).await?.1.child_shards())
}

async fn delete(client: &Client) -> Outcome {
    client.delete_stream().stream_name(STREAM).enforce_consumer_deletion(true).send().await?;
    wait_until("the stream is gone", || async {
        let described = client.describe_stream_summary().stream_name(STREAM).send().await;
        Ok(described.is_err_and(|error| error.into_service_error().is_resource_not_found_exception()))
    })
    .await
}
