//! On-demand streams under writes, on a clock that is moved by hand.

use std::time::Duration;

use super::super::{ControlSettings, NewStream, Scope, StreamSettings, Tags};
use super::*;
use crate::clock::MovableClock;
use crate::limits::Limit;
use crate::log::Ceiling;
use crate::names::{AccountId, HashKey, HashKeyRange, Region, StreamName};
use crate::shard::batch::Records;
use crate::transitions::Transitions;

const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
const START_MS: u64 = 1_700_000_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

struct House {
    registry: Registry,
    clock: MovableClock,
}

/// A registry with one stream `s`, which is ACTIVE.
fn house(mode: StreamMode, shard_count: u32, transition_ms: u64) -> House {
    let clock = MovableClock::new(START_MS);
    let settings = ControlSettings {
        shard_limit: Limit::At(4),
        on_demand_stream_count_limit: Limit::Infinite,
        transitions: Transitions::all(transition_ms),
        ceiling: Ceiling::NONE,
    };
    let registry = Registry::new(settings, clock.clock(), Arc::default());
    let new = NewStream {
        scope: HERE,
        name: StreamName::parse("s").unwrap(),
        shard_count,
        settings: StreamSettings::of(mode),
        tags: Tags::default(),
    };
    registry.create_active(new).unwrap();
    House { registry, clock }
}

impl House {
    fn stream(&self) -> Arc<Stream> {
        self.registry.find(HERE, "s").unwrap()
    }

    /// Indices of the open shards, by range.
    fn open(&self) -> Vec<u32> {
        self.stream().shard_map().open().iter().map(|shard| shard.id.index()).collect()
    }

    /// Housekeeping looks, time passes, and it looks again.
    async fn pass(&self, time: Duration) {
        self.registry.tidy_up().await;
        self.clock.advance(time);
        self.registry.tidy_up().await;
    }

    /// Writes so many records of so many bytes with this hash key, as if within a minute.
    async fn put(&self, key: HashKey, records: usize, bytes: usize) {
        self.registry.tidy_up().await;
        for first in (0..records).step_by(500) {
            let mut batch = Records::take();
            for _ in first..records.min(first + 500) {
                batch.push("k", Some(key), &vec![0; bytes]).unwrap();
            }
            self.stream().shard_maps().store(batch).await.unwrap();
        }
    }

    /// Writes so many records to each open shard.
    async fn put_evenly(&self, records: usize) {
        for shard in self.stream().shard_map().open() {
            self.put(shard.range.start, records, 1).await;
        }
    }
}

/// Protects: a shard that takes half of what it may over a minute is split in the middle, by records and by bytes; one
/// that takes less is not, nor one of a provisioned stream.
#[tokio::test]
async fn hot_shards_are_split() {
    for (mode, records, bytes, open) in [
        (StreamMode::OnDemand, 29_999, 1, vec![0, 1, 2, 3]),
        (StreamMode::OnDemand, 30_000, 1, vec![4, 5, 1, 2, 3]),
        (StreamMode::OnDemand, 29, 1 << 20, vec![0, 1, 2, 3]),
        (StreamMode::OnDemand, 30, 1 << 20, vec![4, 5, 1, 2, 3]),
        (StreamMode::Provisioned, 30, 1 << 20, vec![0, 1, 2, 3]),
    ] {
        let house = house(mode, 4, 0);
        house.put(HashKey::MIN, records, bytes).await;
        house.pass(MINUTE).await;
        assert_eq!(house.open(), open, "{mode:?} {records} x {bytes}");
    }
    let house = house(StreamMode::OnDemand, 4, 0);
    house.put(HashKey::MIN, 30_000, 1).await;
    house.pass(Duration::from_secs(59)).await;
    assert_eq!(house.open(), [0, 1, 2, 3], "a minute is a minute");
    house.pass(Duration::from_secs(1)).await;
    let map = house.stream().shard_map();
    let ranges: Vec<_> = map.open()[..2].iter().map(|shard| shard.range).collect();
    let eighths: Vec<_> = HashKeyRange::WHOLE.split_evenly(8).take(2).collect();
    assert_eq!(ranges, eighths);
}

/// Protects: a stream doubles as long as all of it is hot, past the account's quota for provisioned shards, and takes no
/// other change while it does; what was written is all there.
#[tokio::test]
async fn streams_double() {
    let house = house(StreamMode::OnDemand, 4, 500);
    for open in [8, 16] {
        house.put_evenly(30_000).await;
        house.pass(MINUTE).await;
        let status = || house.stream().status(house.clock.clock().now_ms());
        assert_eq!((status(), house.open().len()), (Some(StreamStatus::Updating), open / 2));
        house.clock.advance(Duration::from_millis(500));
        assert_eq!((status(), house.open().len()), (Some(StreamStatus::Active), open));
        // Children may be born ahead of the clock.
        house.clock.advance(Duration::from_secs(2));
    }
    house.put_evenly(10_000).await;
    house.pass(MINUTE).await;
    assert_eq!(house.open().len(), 16);
    let stored: u64 = house.stream().shard_map().shards().iter().map(|shard| shard.log().tip()).sum();
    assert_eq!(stored, 4 * 30_000 + 8 * 30_000 + 16 * 10_000);
}

/// Protects: one hot key does not make shards for ever.
#[tokio::test]
async fn a_hot_key_is_not_chased() {
    let house = house(StreamMode::OnDemand, 4, 0);
    for _ in 0..8 {
        house.put(HashKey(77), 40_000, 1).await;
        house.pass(MINUTE).await;
        house.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(house.open().len(), 8);
}

/// Protects: what was needed within 30 days stays, and then goes by halves, down to twice the first four; the past of a
/// provisioned stream does not count.
#[tokio::test]
async fn idle_streams_shrink() {
    let house = house(StreamMode::OnDemand, 40, 0);
    house.put(HashKey::MIN, 10 * 60_000, 1).await;
    house.pass(MINUTE).await;
    assert_eq!(house.open().len(), 40, "all that twice the peak needs, twice, is there");
    for _ in 0..29 {
        house.pass(DAY).await;
    }
    assert_eq!(house.open().len(), 40);
    house.pass(DAY).await;
    assert_eq!(house.open().len(), 20);
    for left in [10, 8, 8] {
        // A look begins a minute, and the next one ends it.
        house.pass(Duration::from_secs(2)).await;
        house.pass(MINUTE).await;
        assert_eq!(house.open().len(), left);
    }
}

/// Protects: what was asked for in advance is not taken away.
#[test]
fn warm_shards_stay() {
    let rates =
        |count| (0..count).map(|index| (ShardId::new(index).unwrap(), Rate::default())).collect::<Vec<_>>();
    let month_ms = ON_DEMAND_PEAK_DAYS * ROLLING_DAY_MS;
    assert_eq!(Scaling::of(&rates(40), 20, month_ms), None);
    assert_eq!(Scaling::of(&rates(41), 20, month_ms), Some(Scaling::Merge(40)));
    assert_eq!(Scaling::of(&rates(41), 20, month_ms - 1), None);
    assert_eq!(Scaling::of(&rates(99), 20, month_ms), Some(Scaling::Merge(50)));
}
