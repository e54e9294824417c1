//! Resharding as programs see it: shards split and merged while others put, and readers that follow the children as the
//! KCL does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ScalingType, Shard, ShardFilter, ShardFilterType, ShardIteratorType, StreamStatus,
};
use shardmill::config::Config;
use tokio::sync::watch;

use crate::emulator::{Emulator, config, get, shard_id};
use crate::subscriptions;

const HALF: &str = "170141183460469231731687303715884105728";

async fn shards(client: &Client, kind: ShardFilterType) -> Vec<Shard> {
    let filter = ShardFilter::builder().r#type(kind).build().unwrap();
    client.list_shards().stream_name("s").shard_filter(filter).send().await.unwrap().shards().to_vec()
}

fn ids(shards: &[Shard]) -> Vec<&str> {
    shards.iter().map(|shard| shard.shard_id.as_str()).collect()
}

async fn status(client: &Client) -> StreamStatus {
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    summary.stream_description_summary.unwrap().stream_status
}

/// Where a reader of this shard begins.
async fn horizon(client: &Client, shard: &str) -> String {
    let iterator = client.get_shard_iterator().stream_name("s").shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
    iterator.expect("a place in the shard").shard_iterator.expect("an iterator")
}

/// Protects: a split and a merge by the SDK's types: parents, ends, filters, open shards.
#[tokio::test]
async fn lineage() {
    let emulator = Emulator::with(Config { latency_ms: 500, ..config() });
    let client = emulator.client_and_stream(1).await;
    emulator.advance_ms(500);
    let split = client.split_shard().stream_name("s").shard_to_split(shard_id(0)).new_starting_hash_key(HALF);
    split.send().await.unwrap();
    assert_eq!(status(&client).await, StreamStatus::Updating);
    let refused = client.update_shard_count().stream_name("s").target_shard_count(2);
    let refused = refused.scaling_type(ScalingType::UniformScaling).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ResourceInUseException"));
    emulator.advance_ms(500);
    let merge = client.merge_shards().stream_name("s").shard_to_merge(shard_id(1));
    merge.adjacent_shard_to_merge(shard_id(2)).send().await.unwrap();
    emulator.advance_ms(5_000);
    assert_eq!(status(&client).await, StreamStatus::Active);
    let all = shards(&client, ShardFilterType::FromTrimHorizon).await;
    let parents: Vec<_> = all
        .iter()
        .map(|shard| (shard.parent_shard_id.clone(), shard.adjacent_parent_shard_id.clone()))
        .collect();
    let [first, second, third] = [0, 1, 2].map(|index| Some(shard_id(index)));
    assert_eq!(parents, [(None, None), (first.clone(), None), (first, None), (second, third)]);
    let is_open = |shard: &Shard| {
        let range = shard.sequence_number_range.as_ref().unwrap();
        let ending = range.ending_sequence_number.as_ref();
        assert!(ending.is_none_or(|ending| *ending > range.starting_sequence_number));
        ending.is_none()
    };
    assert_eq!(all.iter().map(is_open).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(ids(&shards(&client, ShardFilterType::AtTrimHorizon).await), [shard_id(0)]);
    assert_eq!(ids(&shards(&client, ShardFilterType::AtLatest).await), [shard_id(3)]);
}

/// Puts batches until told to stop; gives the number of each record put, by key.
async fn produce(client: Client, producer: usize, stop: Arc<AtomicBool>) -> BTreeMap<String, u64> {
    let keys: Vec<_> = (0..5).map(|key| format!("key-{producer}-{key}")).collect();
    let mut put: BTreeMap<String, u64> = keys.iter().map(|key| (key.clone(), 0)).collect();
    let mut puts = 0;
    while !stop.load(Ordering::Acquire) || puts < 5 {
        let mut entries = Vec::new();
        for key in keys.iter().cycle().take(20) {
            let number = put.get_mut(key).unwrap();
            let data = number.to_string().into_bytes();
            entries.push(
                PutRecordsRequestEntry::builder().partition_key(key).data(data.into()).build().unwrap(),
            );
            *number += 1;
        }
        let stored = client.put_records().stream_name("s").set_records(Some(entries)).send().await.unwrap();
        assert_eq!(stored.failed_record_count, Some(0));
        puts += 1;
    }
    put
}

/// Reads a stream as the KCL does: from the shards at the horizon on, and from each shard that ends to its children,
/// once all parents of a child have ended. Gives the numbers of each key's records in the order they were read.
async fn follow(client: Client, done: Arc<AtomicBool>) -> HashMap<String, Vec<u64>> {
    let mut places = BTreeMap::new();
    for shard in shards(&client, ShardFilterType::AtTrimHorizon).await {
        let at = horizon(&client, &shard.shard_id).await;
        places.insert(shard.shard_id, at);
    }
    let (mut read, mut ended) = (HashMap::<String, Vec<u64>>::new(), HashSet::new());
    loop {
        let was_done = done.load(Ordering::Acquire);
        let mut is_idle = true;
        for (shard, at) in std::mem::take(&mut places) {
            let page = get(&client, &at).await;
            is_idle &= page.records.is_empty();
            for record in &page.records {
                let number = std::str::from_utf8(record.data.as_ref()).unwrap().parse().unwrap();
                read.entry(record.partition_key().unwrap().to_owned()).or_default().push(number);
            }
            // Exactly one of the two, or the KCL would try for ever.
            assert_eq!(page.next_shard_iterator.is_none(), !page.child_shards().is_empty());
            if let Some(next) = &page.next_shard_iterator {
                places.insert(shard, next.clone());
                continue;
            }
            is_idle = false;
            ended.insert(shard);
            for child in page.child_shards() {
                assert!(!child.parent_shards.is_empty());
                if child.parent_shards.iter().all(|parent| ended.contains(parent)) {
                    places.insert(child.shard_id.clone(), horizon(&client, &child.shard_id).await);
                }
            }
        }
        if was_done && is_idle {
            return read;
        }
    }
}

/// Protects: while several put, shards are split, merged and counted anew: readers that follow the children, one that polls
/// and one that is pushed to, read every record that was put once, each key's in order.
#[tokio::test]
async fn follow_the_children() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(2).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let producers: Vec<_> = (0..4)
        .map(|producer| tokio::spawn(produce(emulator.client(), producer, Arc::clone(&stop))))
        .collect();
    let follower = tokio::spawn(follow(emulator.client(), Arc::clone(&done)));
    let consumer = subscriptions::register(&client, "c").await;
    let count = watch::Sender::new(None);
    let first = vec![shard_id(0), shard_id(1)];
    let pushed = subscriptions::follow(emulator.client(), consumer, first, count.subscribe());
    let pushed = tokio::spawn(pushed);
    for target in [4, 3, 6, 5, 3] {
        let update = client.update_shard_count().stream_name("s").target_shard_count(target);
        update.scaling_type(ScalingType::UniformScaling).send().await.unwrap();
        let wait_for_active = async || {
            while status(&client).await != StreamStatus::Active {
                tokio::task::yield_now().await;
            }
        };
        wait_for_active().await;
        let open = shards(&client, ShardFilterType::AtLatest).await;
        assert_eq!(open.len(), usize::try_from(target).unwrap());
        let range = open[0].hash_key_range.as_ref().unwrap();
        let (start, end): (u128, u128) =
            (range.starting_hash_key.parse().unwrap(), range.ending_hash_key.parse().unwrap());
        let split = client.split_shard().stream_name("s").shard_to_split(&open[0].shard_id);
        split.new_starting_hash_key((start + (end - start) / 3).to_string()).send().await.unwrap();
        wait_for_active().await;
        let newest = shards(&client, ShardFilterType::AtLatest).await;
        let [.., left, right] = &newest[..] else { panic!("two children") };
        let merge = client.merge_shards().stream_name("s").shard_to_merge(&left.shard_id);
        merge.adjacent_shard_to_merge(&right.shard_id).send().await.unwrap();
        wait_for_active().await;
    }
    stop.store(true, Ordering::Release);
    let mut put = BTreeMap::new();
    for producer in producers {
        put.extend(producer.await.unwrap());
    }
    done.store(true, Ordering::Release);
    let all = put.values().map(|count| usize::try_from(*count).unwrap()).sum();
    count.send_replace(Some(all));
    for read in [follower.await.unwrap(), pushed.await.unwrap()] {
        assert_eq!(read.len(), put.len());
        for (key, count) in &put {
            assert!(read[key].iter().copied().eq(0..*count), "{key}: {count} put, {:?} read", read[key]);
        }
    }
}
