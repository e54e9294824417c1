//! Enhanced fan-out as programs see it: events by the SDK's own parser, and shards followed to their children as the KCL
//! does.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::types::{
    ChildShard, ShardIteratorType, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::emulator::{Emulator, put, shard_id, texts};

/// Registers a consumer of stream `s`; gives its ARN.
pub(crate) async fn register(client: &Client, name: &str) -> String {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let registered = client.register_stream_consumer().stream_arn(arn).consumer_name(name).send().await;
    registered.unwrap().consumer.unwrap().consumer_arn
}

async fn subscribe(
    client: &Client,
    consumer: &str,
    shard: &str,
    kind: ShardIteratorType,
) -> SubscribeToShardOutput {
    let position = StartingPosition::builder().r#type(kind).build().unwrap();
    let subscribe = client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard);
    subscribe.starting_position(position).send().await.expect("a subscription")
}

async fn event(subscription: &mut SubscribeToShardOutput) -> Option<SubscribeToShardEvent> {
    let event = subscription.event_stream.recv().await.expect("an event or the end")?;
    let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else { panic!("{event:?}") };
    Some(event)
}

/// Numbers of each key's records, in the order they were read.
pub(crate) type Read = HashMap<String, Vec<u64>>;

/// Reads a stream as a fan-out consumer of the KCL does, from these shards on, and from each that ends to its children,
/// once all parents of a child have ended; until as many records were read as are said to have been put.
pub(crate) async fn follow(
    client: Client,
    consumer: String,
    shards: Vec<String>,
    mut put: watch::Receiver<Option<usize>>,
) -> Read {
    let (read, count) = (Arc::new(Mutex::new(Read::new())), watch::Sender::new(0));
    let (mut ended, mut followed) = (HashSet::new(), JoinSet::new());
    let mut counted = count.subscribe();
    let follow_shard = |shard: String| {
        let (client, consumer, read, count) =
            (client.clone(), consumer.clone(), Arc::clone(&read), count.clone());
        async move {
            let children = read_to_end(&client, &consumer, &shard, |key, number| {
                read.lock().unwrap().entry(key).or_default().push(number);
                count.send_modify(|count| *count += 1);
            });
            (children.await, shard)
        }
    };
    for shard in shards {
        followed.spawn(follow_shard(shard));
    }
    while *put.borrow() != Some(*counted.borrow()) {
        tokio::select! {
            Some(at_end) = followed.join_next() => {
                let (children, shard) = at_end.unwrap();
                ended.insert(shard);
                for child in children {
                    // Of two parents, the one that ends last finds both ended.
                    if child.parent_shards.iter().all(|parent| ended.contains(parent)) {
                        followed.spawn(follow_shard(child.shard_id));
                    }
                }
            }
            Ok(()) = counted.changed() => {}
            Ok(()) = put.changed() => {}
        }
    }
    followed.shutdown().await;
    Arc::into_inner(read).expect("nobody reads any more").into_inner().unwrap()
}

async fn read_to_end(
    client: &Client,
    consumer: &str,
    shard: &str,
    mut read: impl FnMut(String, u64),
) -> Vec<ChildShard> {
    let mut subscription = subscribe(client, consumer, shard, ShardIteratorType::TrimHorizon).await;
    let mut children = Vec::new();
    while let Some(event) = event(&mut subscription).await {
        for record in event.records {
            let number = std::str::from_utf8(record.data.as_ref()).unwrap().parse().unwrap();
            read(record.partition_key.unwrap(), number);
        }
        // Exactly one of the two, or the KCL would try for ever. The SDK makes an empty text of what is not there.
        let children_now = event.child_shards.unwrap_or_default();
        assert_eq!(event.continuation_sequence_number.is_empty(), !children_now.is_empty());
        children.extend(children_now);
    }
    assert!(!children.is_empty(), "{shard} ended without children");
    children
}

/// Protects: the SDK reads what is pushed, idle events, and the exception that ends a subscription that was taken over.
#[tokio::test]
async fn pushed_records() {
    let emulator = Emulator::start();
    let client = emulator.client_and_stream(1).await;
    let consumer = register(&client, "c").await;
    let mut older = subscribe(&client, &consumer, &shard_id(0), ShardIteratorType::Latest).await;
    let number = put(&client, "k", "a").await;
    let pushed = event(&mut older).await.unwrap();
    assert_eq!((texts(&pushed.records), pushed.continuation_sequence_number), (vec!["a"], number.clone()));
    emulator.advance_ms(5_000);
    let idle = event(&mut older).await.unwrap();
    assert!(idle.records.is_empty() && idle.continuation_sequence_number > number);
    let mut newer = subscribe(&client, &consumer, &shard_id(0), ShardIteratorType::TrimHorizon).await;
    let ended = older.event_stream.recv().await.unwrap_err().into_service_error();
    assert!(ended.is_resource_in_use_exception(), "{ended:?}");
    assert_eq!(texts(&event(&mut newer).await.unwrap().records), ["a"]);
    emulator.advance_ms(300_000);
    assert_eq!(event(&mut newer).await, None);
}
