//! Shards at work: a routed request of 500 records is handed over, run and settled.
//!
//! With one thread every share runs inline on it; with four on one shard most go through its mailbox.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use shardmill::router::store;
use shardmill::shard::batch::{Batch, Records};
use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::Barrier;

use crate::common::{BATCH_RECORDS, KEY_BYTES, Shards, batch_records, throughput};

const DATA_BYTES: usize = 100;
const BATCH_BYTES: usize = BATCH_RECORDS as usize * (DATA_BYTES + KEY_BYTES);
const THREADS: u32 = 4;
/// Requests of each thread that are routed ahead, untimed: a millisecond of work against the cost of meeting.
const ROUND: u64 = 64;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("actor");
    let records = batch_records(DATA_BYTES);
    group.throughput(throughput(BATCH_RECORDS, BATCH_BYTES));
    for count in [1, 4, 64] {
        let (shards, runtime) = (Shards::new(count), runtime());
        group.bench_function(format!("store_500x100b_{count}shards_inline"), |bencher| {
            bencher.iter_custom(|iterations| runtime.block_on(store_alone(&shards, &records, iterations)));
        });
        shards.assert_well();
    }
    // One iteration: one request of each thread.
    group.throughput(throughput(THREADS * BATCH_RECORDS, THREADS as usize * BATCH_BYTES));
    group.bench_function("store_500x100b_1shards_4threads", |bencher| {
        bencher.iter_custom(|iterations| store_contended(&records, iterations));
    });
    group.finish();
}

async fn store_alone(shards: &Shards, records: &Records, iterations: u64) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..iterations {
        shards.trim().await;
        let batch = shards.route(records);
        let started = Instant::now();
        store(&batch).await;
        time += started.elapsed();
        assert_eq!(batch.failed_count(), 0);
    }
    time
}

fn store_contended(records: &Records, iterations: u64) -> Duration {
    let (shards, barrier) = (Shards::new(1), Barrier::new(THREADS as usize));
    let time = thread::scope(|scope| {
        let work = || runtime().block_on(store_in_rounds(&shards, records, &barrier, iterations));
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that stores")).max()
    });
    shards.assert_well();
    time.unwrap_or_default()
}

/// One thread's part: from the first thread that starts a round to the last that ends it.
async fn store_in_rounds(shards: &Shards, records: &Records, barrier: &Barrier, iterations: u64) -> Duration {
    let mut time = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let round = left.min(ROUND);
        let batches: Vec<Arc<Batch>> = (0..round).map(|_| shards.route(records)).collect();
        barrier.wait().await;
        let started = Instant::now();
        for batch in &batches {
            store(batch).await;
        }
        let met = barrier.wait().await;
        time += started.elapsed();
        assert!(batches.iter().all(|batch| batch.failed_count() == 0));
        if met.is_leader() {
            shards.trim().await;
        }
        left -= round;
    }
    // A task that still holds the shard must not end with its runtime.
    while Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
    time
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}
