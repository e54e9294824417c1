//! Lists in pages. The SDK for Rust has no paginators for Kinesis, so the tests turn the pages as programs do.

use std::collections::BTreeSet;

use aws_sdk_kinesis::types::{ShardFilter, ShardFilterType, StreamStatus};

use crate::emulator::{Emulator, create, shard_id};

/// Protects: streams by ascending name, each once, by token and by name; pages as small as asked.
#[tokio::test]
async fn streams() {
    let emulator = Emulator::start();
    let client = emulator.client();
    let names: BTreeSet<String> = (0..7).map(|number| format!("stream-{number}")).collect();
    for name in names.iter().rev() {
        create(&client, name, 1).await;
    }
    let (mut by_token, mut token) = (Vec::new(), None);
    loop {
        let page = client.list_streams().limit(3).set_next_token(token).send().await.unwrap();
        assert_eq!(page.has_more_streams, page.next_token.is_some());
        for summary in page.stream_summaries() {
            assert_eq!(summary.stream_status, StreamStatus::Active);
            let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{}", summary.stream_name);
            assert_eq!(summary.stream_arn, arn);
        }
        by_token.extend(page.stream_names);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert!(by_token.iter().eq(names.iter()), "{by_token:?}");
    let after = client.list_streams().exclusive_start_stream_name("stream-4").send().await.unwrap();
    assert_eq!(after.stream_names, ["stream-5", "stream-6"]);
    assert!(!after.has_more_streams);
}

/// Protects: shards in pages that together tile the hash space.
#[tokio::test]
async fn shards() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(25).await;
    let first = client.list_shards().stream_name("s").max_results(10).send().await.unwrap();
    let mut shards = first.shards().to_vec();
    let mut token = first.next_token;
    while let Some(next) = token {
        let page = client.list_shards().next_token(next).max_results(10).send().await.unwrap();
        shards.extend(page.shards().to_vec());
        token = page.next_token;
    }
    let ids: Vec<_> = shards.iter().map(|shard| shard.shard_id.clone()).collect();
    assert_eq!(ids, (0..25).map(shard_id).collect::<Vec<_>>());
    let mut next_key: u128 = 0;
    for shard in &shards {
        let range = shard.hash_key_range.as_ref().expect("a range");
        assert_eq!(range.starting_hash_key, next_key.to_string());
        next_key = range.ending_hash_key.parse::<u128>().unwrap().wrapping_add(1);
    }
    assert_eq!(next_key, 0, "the last shard ends where the space does");
}

/// Protects: the pages of DescribeStream, which older clients turn by shard id.
#[tokio::test]
async fn shards_by_describe_stream() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(5).await;
    let (mut ids, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let page = client.describe_stream().stream_name("s").limit(2).set_exclusive_start_shard_id(after);
        let page = page.send().await.unwrap().stream_description.expect("a description");
        ids.extend(page.shards.iter().map(|shard| shard.shard_id.clone()));
        after = ids.last().cloned();
        if !page.has_more_shards {
            break;
        }
    }
    assert_eq!(ids, (0..5).map(shard_id).collect::<Vec<_>>());
}

/// Protects: filters as the KCL and KPL send them at their start.
#[tokio::test]
async fn filtered_shards() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(4).await;
    for kind in [ShardFilterType::AtLatest, ShardFilterType::AtTrimHorizon, ShardFilterType::FromTrimHorizon]
    {
        let filter = ShardFilter::builder().r#type(kind.clone()).build().unwrap();
        let page = client.list_shards().stream_name("s").shard_filter(filter).send().await.unwrap();
        assert_eq!(page.shards().len(), 4, "{kind}");
    }
    let after = ShardFilter::builder().r#type(ShardFilterType::AfterShardId).shard_id(shard_id(1)).build();
    let page = client.list_shards().stream_name("s").shard_filter(after.unwrap()).send().await.unwrap();
    assert_eq!(page.shards().len(), 2);
}
