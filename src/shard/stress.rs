//! Many producers, many readers, a few shards, two kinds of runtime: every acknowledged record is read exactly
//! once, in order, by a reader that follows the tip; back-pressure sheds nothing; a panic stays in its shard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::log::{ChunkPool, ReadLimits};
use crate::names::{HashKeyRange, ShardId};

use super::batch::{Batch, Destination, Records};
use super::seal::Seal;
use super::{Command, Shard, ShardContext, Tally};

fn shards(count: u32) -> (Vec<Arc<Shard>>, Arc<Tally>) {
    let tally = Arc::new(Tally::default());
    let clock = Clock::system();
    let created_s = clock.now_ms() / 1000;
    let context = ShardContext::new(ChunkPool::new(), clock, Arc::clone(&tally), u64::MAX);
    let shards = (0..count)
        .map(|index| {
            let id = ShardId::new(index).unwrap();
            Shard::new(id, HashKeyRange::WHOLE, created_s, Arc::clone(&context))
        })
        .collect();
    (shards, tally)
}

fn batch(shards: &[Arc<Shard>], records: u64, tag: u64) -> Arc<Batch> {
    let mut collected = Records::take();
    for number in 0..records {
        collected.push("key", None, &(tag + number).to_le_bytes()).unwrap();
    }
    let shares = u16::try_from(shards.len()).unwrap();
    let targets: Vec<_> = (0..shares).cycle().take(collected.len()).collect();
    let places: Vec<_> = (0..u32::from(shares)).collect();
    let destinations = Destination::counted(&places, &targets);
    Batch::new(collected, &shards.iter().cloned().collect(), &destinations, &targets)
}

async fn put(batch: &Arc<Batch>) {
    batch.run(|shard, command| {
        if let Err(command) = shard.submit(Command::Append(command)) {
            tokio::spawn(Arc::clone(shard).submit_waiting(command));
        }
    });
    batch.settled().await;
}

fn acknowledged(batch: &Batch) -> Vec<(u32, u64, u64)> {
    (0..batch.records().len())
        .map(|number| {
            let (shard, stored) = batch.outcome(number).unwrap();
            let data = u64::from_le_bytes(batch.records().data(number).try_into().unwrap());
            (shard.id.index(), stored.unwrap().0, data)
        })
        .collect()
}

/// Follows the tip of one shard until `done` is set and nothing is left; asserts order as it goes.
async fn follow(shard: Arc<Shard>, done: Arc<AtomicBool>) -> Vec<(u32, u64, u64)> {
    let limits = ReadLimits { records_max: 1_000, bytes_max: u64::MAX };
    let (mut position, mut seen) = (0, Vec::new());
    loop {
        let was_done = done.load(Ordering::Acquire);
        let slice = shard.log().read(position, 0, limits, |record| {
            seen.push((
                shard.id.index(),
                record.counter,
                u64::from_le_bytes(record.data.try_into().unwrap()),
            ));
        });
        assert_eq!(slice.start, position, "a reader was moved");
        position = slice.next;
        if slice.records_count == 0 && was_done {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

async fn stress(shard_count: u32, producers: u64, puts: u64, records: u64) {
    let (shards, tally) = shards(shard_count);
    let done = Arc::new(AtomicBool::new(false));
    let followers: Vec<_> = (0..2)
        .flat_map(|_| shards.iter().map(|shard| tokio::spawn(follow(Arc::clone(shard), Arc::clone(&done)))))
        .collect();
    let tasks: Vec<_> = (0..producers)
        .map(|producer| {
            let shards = shards.clone();
            tokio::spawn(async move {
                let mut all = Vec::new();
                for number in 0..puts {
                    let batch = batch(&shards, records, (producer * puts + number) * records);
                    put(&batch).await;
                    let stored = acknowledged(&batch);
                    // One producer's puts to one shard are stored in the order it made them.
                    all.extend(stored);
                }
                for shard in 0..shard_count {
                    let counters: Vec<_> =
                        all.iter().filter(|seen| seen.0 == shard).map(|seen| seen.1).collect();
                    assert!(counters.is_sorted(), "a producer's records were reordered");
                }
                all
            })
        })
        .collect();
    let mut expected = Vec::new();
    for task in tasks {
        expected.extend(task.await.unwrap());
    }
    done.store(true, Ordering::Release);
    expected.sort_unstable();
    let mut seen = [Vec::new(), Vec::new()];
    for (number, follower) in followers.into_iter().enumerate() {
        seen[number / shard_count as usize].extend(follower.await.unwrap());
    }
    for mut seen in seen {
        assert!(seen.len() == expected.len(), "{} seen, {} acknowledged", seen.len(), expected.len());
        seen.sort_unstable();
        assert!(seen == expected, "what was read is not what was acknowledged");
    }
    assert_eq!((tally.commands_shed(), tally.shards_poisoned()), (0, 0));
}

/// Protects: order and completeness under contention, where every command finds the shard busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_hot_shard() {
    stress(1, 16, 400, 20).await;
}

/// Protects: the same when requests span shards.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn requests_that_span_shards() {
    stress(7, 12, 300, 50).await;
}

/// Protects: a full mailbox makes senders wait; nothing is shed and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn more_senders_than_the_mailbox_holds() {
    stress(1, 600, 20, 2).await;
}

/// Protects: a seal among more appends than the mailbox holds: each is stored whole or given back whole, the log does not
/// grow after the last shard is sealed, and that is told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_seal_splits_the_line() {
    const RECORDS: u64 = 4;
    let (shards, tally) = shards(2);
    let senders: Vec<_> = (0..600)
        .map(|sender| {
            let shards = shards.clone();
            tokio::spawn(async move {
                let (mut stored, mut given_back) = (0, 0);
                for number in 0..10 {
                    let batch = batch(&shards, RECORDS, (sender * 10 + number) * RECORDS);
                    put(&batch).await;
                    for (_, share) in batch.shares() {
                        assert!(share.given_back == (share.count == 0) && [0, 2].contains(&share.count));
                        stored += u64::from(share.count);
                    }
                    let sealed = batch.shards_given_back().count();
                    assert_eq!(
                        (batch.is_given_back(), batch.records_given_back().len()),
                        (sealed > 0, 2 * sealed)
                    );
                    given_back += 2 * sealed as u64;
                }
                assert_eq!(stored + given_back, 10 * RECORDS);
                stored
            })
        })
        .collect();
    let (told, ended) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let logs = shards.clone();
    Seal::shards(&shards, move |last_arrival_ms| {
        let tips: u64 = logs.iter().map(|shard| shard.log().tip()).sum();
        told.lock().unwrap().take().expect("once").send((tips, last_arrival_ms)).unwrap();
    });
    let (tips, last_arrival_ms) = ended.await.unwrap();
    let mut stored = 0;
    for sender in senders {
        stored += sender.await.unwrap();
    }
    assert_eq!((stored, shards.iter().map(|shard| shard.log().tip()).sum::<u64>()), (tips, tips));
    let last =
        shards.iter().filter_map(|shard| shard.log().oldest_segment()).map(|segment| segment.last_arrival_ms);
    assert!(last.max().is_none_or(|oldest_ms| oldest_ms <= last_arrival_ms));
    assert_eq!((tally.commands_shed(), tally.shards_poisoned()), (0, 0));
}

/// Protects: a shard that a panic has put beyond writing holds up no reshard: sealing it ends as that of any other.
#[tokio::test]
async fn a_poisoned_shard_is_sealed() {
    let (shards, _) = shards(2);
    put(&batch(&shards, 4, 0)).await;
    assert!(shards[0].submit(Command::Panic).is_ok());
    let is_sealed = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_sealed);
    Seal::shards(&shards, move |_| told.store(true, Ordering::Release));
    assert!(is_sealed.load(Ordering::Acquire));
    let after = batch(&shards, 4, 100);
    put(&after).await;
    assert_eq!((after.failed_count(), after.shards_given_back().count()), (4, 1));
}

/// Protects: a sealed shard gives back the part of its last segment that nothing was written to.
#[tokio::test]
async fn a_sealed_shard_is_small() {
    let (shards, _) = shards(1);
    let held_bytes = || shards[0].context.pool.held_bytes();
    let mut sent = 0;
    while held_bytes() <= 4 << 10 {
        put(&batch(&shards, 10, sent)).await;
        sent += 10;
    }
    assert_eq!(held_bytes(), (4 << 10) + (64 << 10));
    Seal::shards(&shards, |_| ());
    assert_eq!((held_bytes(), shards[0].log().tip()), (2 * (4 << 10), sent));
}

/// Protects: a sealed shard is still trimmed.
#[tokio::test]
async fn a_sealed_shard_is_trimmed() {
    let (shards, _) = shards(1);
    put(&batch(&shards, 3, 0)).await;
    Seal::shards(&shards, |_| ());
    let stored = shards[0].log().oldest_segment().map(|oldest| oldest.last_arrival_ms);
    assert!(shards[0].submit(Command::Trim { not_before_ms: stored.unwrap() + 1 }).is_ok());
    assert_eq!((shards[0].log().horizon(), shards[0].log().tip()), (3, 3));
    assert!(shards[0].log().oldest_segment().is_none());
}

/// Protects: what was given back and stored elsewhere reads as one request: each record's place, in request order.
#[tokio::test]
async fn two_requests_become_one_reply() {
    let (shards, _) = shards(3);
    Seal::shards(&shards[1..2], |_| ());
    let first = batch(&shards[..2], 6, 0);
    put(&first).await;
    let given_back = first.records_given_back();
    assert_eq!(given_back.len(), 3);
    let again = Batch::new(
        given_back,
        &shards.iter().cloned().collect(),
        &[Destination { shard: 2, records_count: 3 }],
        &[0; 3],
    );
    put(&again).await;
    let joined = first.joined(&again);
    joined.settled().await;
    assert_eq!((joined.failed_count(), joined.is_given_back()), (0, false));
    let places = [(0, 1, 0), (2, 1, 1), (0, 2, 2), (2, 2, 3), (0, 3, 4), (2, 3, 5)];
    assert_eq!(acknowledged(&joined), places);
    let mut seen = Vec::new();
    let limits = ReadLimits { records_max: 10, bytes_max: u64::MAX };
    shards[2]
        .log()
        .read(0, 0, limits, |record| seen.push(u64::from_le_bytes(record.data.try_into().unwrap())));
    assert_eq!(seen, [1, 3, 5]);
}

/// Protects: a panic fails its own shard only; what was published stays readable; nobody hangs.
#[tokio::test]
async fn a_panic_stays_in_its_shard() {
    let (shards, tally) = shards(2);
    put(&batch(&shards, 4, 0)).await;
    assert!(shards[0].submit(Command::Panic).is_ok());
    let after = batch(&shards, 4, 100);
    put(&after).await;
    let stored: Vec<_> = (0..4).map(|number| after.outcome(number).unwrap().1.is_some()).collect();
    assert_eq!(stored, [false, true, false, true]);
    assert_eq!((after.failed_count(), tally.shards_poisoned()), (2, 1));
    assert_eq!((shards[0].log().tip(), shards[1].log().tip()), (2, 4));
}

/// Protects: a command that is dropped unrun completes its reply as failed.
#[tokio::test]
async fn a_dropped_command_fails_its_records() {
    let (shards, _) = shards(1);
    let batch = batch(&shards, 3, 0);
    drop(batch.commands().collect::<Vec<_>>());
    batch.settled().await;
    assert_eq!(batch.failed_count(), 3);
}

/// Protects: a token that goes down with a panic poisons the shard instead of leaving it held for ever.
#[test]
fn a_token_lost_to_a_panic_poisons() {
    let (shards, tally) = shards(1);
    let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _token = super::token::Token::try_take(&*shards[0]);
        panic!("a planted panic");
    }));
    assert!(lost.is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let batch = batch(&shards, 1, 0);
    runtime.block_on(put(&batch));
    assert_eq!((batch.failed_count(), tally.shards_poisoned()), (1, 1));
}

/// Protects: a runtime that ends with a drain task in it takes neither the shard nor what is queued with it. Each
/// worker has a runtime of its own, and they end one after the other while requests are still in flight.
#[test]
fn a_runtime_that_ends_loses_nothing() {
    let (shards, tally) = shards(1);
    let stored: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4_u64)
            .map(|worker| {
                let shards = &shards;
                scope.spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    // Workers end at different times: each has fewer requests than the next.
                    let senders: Vec<_> =
                        (0..50 * (worker + 1)).map(|sender| batch(shards, 20, sender)).collect();
                    runtime.block_on(async {
                        let puts = senders
                            .iter()
                            .cloned()
                            .map(|batch| tokio::spawn(async move { put(&batch).await }));
                        for put in puts.collect::<Vec<_>>() {
                            put.await.unwrap();
                        }
                    });
                    drop(runtime);
                    senders.iter().map(|batch| batch.records().len() - batch.failed_count()).sum::<usize>()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!((tally.shards_poisoned(), tally.commands_shed()), (0, 0));
    assert_eq!((stored, shards[0].log().tip()), (20 * 50 * 10, 20 * 50 * 10));
}

/// Protects: records that have expired are trimmed by the command and never read again.
#[tokio::test]
async fn trim_is_a_command() {
    let (shards, _) = shards(1);
    put(&batch(&shards, 3, 0)).await;
    let stored = shards[0].log().oldest_segment().map(|oldest| oldest.last_arrival_ms);
    assert!(shards[0].submit(Command::Trim { not_before_ms: stored.unwrap() + 1 }).is_ok());
    assert_eq!((shards[0].log().horizon(), shards[0].log().tip()), (3, 3));
}
