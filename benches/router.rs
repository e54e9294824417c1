//! Routing: MD5 of keys, one look-up at any shard count, and a request of 500 records grouped by shard (with its MD5).

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use shardmill::names::HashKey;

use crate::common::{BATCH_RECORDS, Shards, batch_records, key, timed};

/// Keys of one iteration: one look-up is too short to be timed.
const KEYS: u32 = 1024;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("router");
    let hash_key = |number| HashKey::of_partition_key(key(number).as_bytes());
    let hash_keys: Vec<_> = (0..KEYS).map(hash_key).collect();
    let records = batch_records(100);
    group.throughput(Throughput::Elements(u64::from(BATCH_RECORDS)));
    group.bench_function("hash_500_keys_20b_together", |bencher| {
        bencher.iter(|| black_box(&records).upper_halves());
    });
    group.bench_function("hash_500_keys_20b_one_by_one", |bencher| {
        bencher.iter(|| {
            for number in 0..records.len() {
                black_box(records.hash_key(number));
            }
        });
    });
    group.throughput(Throughput::Elements(u64::from(KEYS)));
    for shards in [1, 4, 1_000, 10_000] {
        let map = Shards::new(shards).map;
        group.bench_function(format!("owner_of_1024_keys_{shards}shards"), |bencher| {
            bencher.iter(|| {
                for hash_key in &hash_keys {
                    black_box(map.owner(black_box(*hash_key)).expect("a map without holes"));
                }
            });
        });
    }
    group.throughput(Throughput::Elements(u64::from(BATCH_RECORDS)));
    for shards in [4, 1_000] {
        let map = Shards::new(shards).map;
        group.bench_function(format!("route_500_records_{shards}shards"), |bencher| {
            bencher.iter_custom(|iterations| {
                let route = |(): &mut (), records| map.route(records).expect("a map without holes");
                timed(iterations, &mut (), |()| records.clone(), route)
            });
        });
    }
    group.finish();
}
