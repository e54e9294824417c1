//! Resharding against a plain model of ranges and lineage, on a clock that is moved by hand; and under producers and a
//! reader that follows the children.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::reshard::ReshardError;
use super::{
    ControlError, ControlSettings, NewStream, Registry, Scope, Stream, StreamMode, StreamSettings,
    StreamStatus, Tags,
};
use crate::clock::MovableClock;
use crate::limits::{Limit, SHARD_COUNT_UPDATES_PER_DAY_MAX};
use crate::log::{Ceiling, ReadLimits};
use crate::names::{AccountId, HashKey, HashKeyRange, Region, ShardId, StreamName};
use crate::router::ShardMap;
use crate::shard::batch::Records;
use crate::shard::{Shard, Tally};
use crate::transitions::Transitions;

const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
const START_MS: u64 = 1_700_000_000_500;
const START_S: u64 = START_MS / 1000;

struct House {
    registry: Registry,
    clock: MovableClock,
    tally: Arc<Tally>,
}

/// A registry with one stream `s`, which is ACTIVE.
fn house(shards: u32, transition_ms: u64, shard_limit: Limit) -> House {
    let (clock, tally) = (MovableClock::new(START_MS), Arc::new(Tally::default()));
    let on_demand_stream_count_limit = Limit::Infinite;
    let settings = ControlSettings {
        shard_limit,
        on_demand_stream_count_limit,
        transitions: Transitions::all(transition_ms),
        ceiling: Ceiling::NONE,
    };
    let registry = Registry::new(settings, clock.clock(), Arc::clone(&tally));
    registry.create_active(new_stream("s", shards)).unwrap();
    House { registry, clock, tally }
}

fn new_stream(name: &str, shard_count: u32) -> NewStream {
    NewStream {
        scope: HERE,
        name: StreamName::parse(name).unwrap(),
        shard_count,
        settings: StreamSettings::of(StreamMode::Provisioned),
        tags: Tags::default(),
    }
}

fn id(index: u32) -> ShardId {
    ShardId::new(index).unwrap()
}

impl House {
    fn stream(&self) -> (Arc<Stream>, StreamStatus) {
        self.registry.find_with_status(HERE, "s").unwrap()
    }

    fn map(&self) -> Arc<ShardMap> {
        self.stream().0.shard_map()
    }

    fn split(&self, shard: u32, at: u128) -> Result<(), ReshardError> {
        self.registry.split_shard(HERE, "s", id(shard), Some(HashKey(at)))
    }

    fn merge(&self, shard: u32, adjacent: u32) -> Result<(), ReshardError> {
        self.registry.merge_shards(HERE, "s", id(shard), id(adjacent))
    }

    fn update(&self, target: usize) -> Result<usize, ReshardError> {
        self.registry.update_shard_count(HERE, "s", target)
    }

    fn advance_ms(&self, by_ms: u64) {
        self.clock.advance(Duration::from_millis(by_ms));
    }

    /// Index of each shard that listings show, with its closing time.
    fn listed(&self) -> Vec<(u32, Option<u64>)> {
        let (stream, _) = self.stream();
        let horizon_ms = stream.horizon_ms(self.clock.clock().now_ms());
        let listed = |map: &ShardMap| {
            let shards = map.listed(horizon_ms);
            shards.map(|listed| (listed.shard.id.index(), listed.closed.map(|c| c.closed_s))).collect()
        };
        listed(&stream.shard_map())
    }
}

async fn put(stream: &Stream, key: &str, data: &[u8]) -> (ShardId, u64, u64) {
    let mut records = Records::take();
    records.push(key, None, data).unwrap();
    let batch = stream.shard_maps().store(records).await.unwrap();
    let (shard, stored) = batch.outcome(0).unwrap();
    let (counter, arrival_ms) = stored.unwrap();
    (shard.id, counter, arrival_ms)
}

/// Protects: a split, to the millisecond: UPDATING with the old shards, which take writes, then the new ones, closed and
/// created at the times that AWS shows.
#[tokio::test]
async fn a_split_by_the_clock() {
    let house = house(1, 500, Limit::Infinite);
    house.split(0, 1 << 127).unwrap();
    house.advance_ms(499);
    assert_eq!((house.stream().1, house.listed()), (StreamStatus::Updating, vec![(0, None)]));
    let updating = ControlError::NotActive(StreamStatus::Updating);
    assert_eq!(house.split(0, 2), Err(updating.clone().into()));
    assert_eq!(house.registry.delete(HERE, "s", false), Err(updating));
    assert_eq!(put(&house.stream().0, "a", b"").await, (id(0), 1, START_MS + 499));
    house.advance_ms(1);
    assert_eq!(house.stream().1, StreamStatus::Active);
    let closed_s = START_S + 1;
    assert_eq!(house.listed(), [(0, Some(closed_s)), (1, None), (2, None)]);
    let map = house.map();
    let halves: Vec<_> = map.shards()[1..].iter().map(|shard| (shard.range, shard.created_s)).collect();
    assert_eq!(
        halves.iter().map(|(range, _)| *range).collect::<Vec<_>>(),
        HashKeyRange::WHOLE.split_evenly(2).collect::<Vec<_>>()
    );
    assert!(halves.iter().all(|(_, created_s)| *created_s == closed_s + 1));
    assert!(map.listed(0).skip(1).all(|child| child.parents.iter().eq([id(0)])));
    // The children's first records arrive with their creation, ahead of the clock.
    assert_eq!(put(&house.stream().0, "a", b"").await, (id(1), 1, (closed_s + 1) * 1000));
}

/// Protects: it happens with nobody looking, and closes the shard at the time that it was due all the same.
#[tokio::test]
async fn housekeeping_reshards() {
    let house = house(2, 500, Limit::Infinite);
    let (stream, _) = house.stream();
    house.merge(1, 0).unwrap();
    house.advance_ms(90_000);
    assert_eq!(stream.shard_map().open_count(), 2);
    house.registry.tidy_up().await;
    let map = stream.shard_map();
    let merged = map.find(id(2), 0).unwrap();
    assert_eq!((map.open_count(), map.open()[0].id, merged.shard.created_s), (1, id(2), START_S + 2));
    assert_eq!((merged.parents.parent(), merged.parents.adjacent()), (Some(id(1)), Some(id(0))));
    assert_eq!(house.listed(), [(0, Some(START_S + 1)), (1, Some(START_S + 1)), (2, None)]);
}

/// Protects: whoever takes the state of a stream that is being resharded carries nothing out and waits for no seal, which
/// may wait for him: he takes the reshard for one that is due.
#[test]
fn state_is_taken_amid_a_reshard() {
    let house = house(1, 500, Limit::Infinite);
    let (stream, _) = house.stream();
    house.split(0, 1 << 127).unwrap();
    let pending = || house.registry.take().remove(0).saved.resharding;
    let planned = pending().expect("a plan");
    house.advance_ms(500);
    assert_eq!(pending().as_ref(), Some(&planned));
    assert_eq!(stream.shard_map().open_count(), 1);
    assert!(stream.resharding.take_due(START_MS + 500).is_some());
    let sealing = pending().expect("the same plan");
    assert_eq!((sealing.plan, sealing.due_ms), (planned.plan, 0));
}

/// Protects: a shard that is closed as soon as it was created is not closed before it was.
#[tokio::test]
async fn a_close_is_not_before_its_creation() {
    let house = house(1, 0, Limit::Infinite);
    house.split(0, 1 << 127).unwrap();
    house.merge(1, 2).unwrap();
    assert_eq!(
        house.listed(),
        [(0, Some(START_S)), (1, Some(START_S + 1)), (2, Some(START_S + 1)), (3, None)]
    );
    assert_eq!(house.map().open()[0].created_s, START_S + 2);
    assert_eq!(put(&house.stream().0, "k", b"").await, (id(3), 1, (START_S + 2) * 1000));
}

/// Protects: closed shards leave listings when what they held has expired, a second late at most, and the map soon
/// after; children stay.
#[tokio::test]
async fn closed_shards_expire() {
    let house = house(1, 0, Limit::Infinite);
    house.split(0, 1 << 127).unwrap();
    let day_ms = 24 * 3_600_000;
    house.advance_ms(day_ms + 499);
    assert_eq!(house.listed().len(), 3);
    house.advance_ms(1);
    assert_eq!(house.listed(), [(1, None), (2, None)]);
    assert_eq!(house.split(0, 7), Err(ReshardError::NoShard(id(0))));
    house.registry.tidy_up().await;
    let map = house.map();
    assert!(map.shard(id(0)).is_none() && map.is_closed(id(0)));
    assert_eq!(map.shard(id(2)).map(|shard| shard.id), Some(id(2)));
    house.split(2, (1 << 127) + 9).unwrap();
    assert_eq!(house.listed().iter().map(|listed| listed.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

/// Protects: what is refused, and in which order (reference 8).
#[test]
fn refusals() {
    let house = house(3, 0, Limit::At(4));
    let last = u128::MAX;
    assert_eq!(house.registry.split_shard(HERE, "t", id(9), None), Err(ControlError::NotFound.into()));
    assert_eq!(house.split(3, 5), Err(ReshardError::NoShard(id(3))));
    let first = house.map().shards()[0].range;
    for at in [0, 1, first.end.0, last] {
        assert_eq!(house.split(0, at), Err(ReshardError::BadSplit(first)), "{at}");
    }
    assert_eq!(house.registry.split_shard(HERE, "s", id(0), None), Err(ReshardError::BadSplit(first)));
    for (one, other) in [(0, 2), (2, 0), (1, 1)] {
        assert_eq!(house.merge(one, other), Err(ReshardError::NotAdjacent));
    }
    assert_eq!(house.merge(2, 3), Err(ReshardError::NoShard(id(3))));
    house.split(0, 2).unwrap();
    let refused = |additional| ControlError::ShardLimit { open: 4, limit: Limit::At(4), additional };
    assert_eq!(house.split(0, 0), Err(ReshardError::Closed(id(0))));
    assert_eq!(house.split(1, 0), Err(refused(1).into()));
    assert_eq!(house.merge(0, 1), Err(ReshardError::Closed(id(0))));
    assert_eq!(house.merge(1, 0), Err(ReshardError::Closed(id(0))));
    assert_eq!(house.update(9), Err(ReshardError::AboveDouble { open: 4 }));
    assert_eq!(house.update(1), Err(ReshardError::BelowHalf { open: 4 }));
    assert_eq!(house.update(6), Err(refused(2).into()));
    let on_demand = NewStream { settings: StreamSettings::of(StreamMode::OnDemand), ..new_stream("d", 4) };
    house.registry.create_active(on_demand).unwrap();
    assert_eq!(house.registry.update_shard_count(HERE, "d", 4), Err(ReshardError::OnDemand));
    assert_eq!(house.registry.merge_shards(HERE, "d", id(9), id(9)), Err(ReshardError::OnDemand));
}

/// Protects: shards that are on their way count against the quota, of other streams too, and what is merged is free
/// again once it is.
#[test]
fn planned_shards_are_claimed() {
    let house = house(2, 500, Limit::At(4));
    house.split(0, 9).unwrap();
    let two_more = ControlError::ShardLimit { open: 3, limit: Limit::At(4), additional: 2 };
    assert_eq!(house.registry.create_active(new_stream("t", 2)).err(), Some(two_more.clone()));
    house.advance_ms(500);
    assert_eq!(house.registry.create_active(new_stream("t", 2)).err(), Some(two_more.clone()));
    house.merge(2, 3).unwrap();
    assert_eq!(house.registry.create_active(new_stream("t", 2)).err(), Some(two_more));
    house.advance_ms(500);
    house.registry.create_active(new_stream("t", 2)).unwrap();
    assert_eq!(house.registry.usage(HERE).open_shards, 4);
}

/// Protects: ten updates within 24 hours that change something, and then none until the first is a day ago.
#[test]
fn ten_updates_a_day() {
    let house = house(2, 0, Limit::Infinite);
    for number in 0..SHARD_COUNT_UPDATES_PER_DAY_MAX {
        assert_eq!(house.update(2 + (number + 1) % 2), Ok(2 + number % 2));
        assert_eq!(house.update(2 + (number + 1) % 2), Ok(2 + (number + 1) % 2), "the same changes nothing");
        house.advance_ms(1_000);
    }
    assert_eq!(house.update(3), Err(ReshardError::TooOften));
    house.advance_ms(24 * 3_600_000 - SHARD_COUNT_UPDATES_PER_DAY_MAX as u64 * 1_000 - 1);
    assert_eq!(house.update(3), Err(ReshardError::TooOften));
    house.advance_ms(1);
    assert_eq!(house.update(3), Ok(2));
    assert_eq!(house.update(2), Err(ReshardError::TooOften));
}

/// A shard as the plain model has it.
#[derive(Debug, Clone)]
struct Plain {
    range: HashKeyRange,
    created_s: u64,
    parents: Vec<u32>,
    closed_s: Option<u64>,
    children: Vec<u32>,
}

/// One thing done to a stream.
#[derive(Debug, Clone)]
enum Deed {
    Split(prop::sample::Index, u128),
    Merge(prop::sample::Index, bool),
    Update(prop::sample::Index),
    Advance(u64),
    Tidy,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), any::<u128>()).prop_map(|(which, at)| Deed::Split(which, at)),
        4 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, lower)| Deed::Merge(which, lower)),
        1 => any::<prop::sample::Index>().prop_map(Deed::Update),
        4 => (0_u64..3_000).prop_map(Deed::Advance),
        1 => Just(Deed::Tidy),
    ]
}

struct Model(Vec<Plain>);

impl Model {
    fn new(shards: u32) -> Self {
        let plain =
            |range| Plain { range, created_s: START_S, parents: vec![], closed_s: None, children: vec![] };
        Self(HashKeyRange::WHOLE.split_evenly(shards).map(plain).collect())
    }

    /// Open shards by range.
    fn open(&self) -> Vec<u32> {
        let mut open: Vec<u32> =
            (0..).zip(&self.0).filter(|(_, p)| p.closed_s.is_none()).map(|(i, _)| i).collect();
        open.sort_by_key(|index| self.0[*index as usize].range.start);
        open
    }

    fn close(&mut self, parents: &[u32], ranges: &[HashKeyRange], due_ms: u64) {
        let created = parents.iter().map(|parent| self.0[*parent as usize].created_s).max().unwrap();
        let closed_s = created.max(due_ms / 1000);
        let first = u32::try_from(self.0.len()).unwrap();
        for range in ranges {
            self.0.push(Plain {
                range: *range,
                created_s: closed_s + 1,
                parents: parents.to_vec(),
                closed_s: None,
                children: vec![],
            });
        }
        for parent in parents {
            self.0[*parent as usize].closed_s = Some(closed_s);
            self.0[*parent as usize].children = (first..).take(ranges.len()).collect();
        }
    }

    /// Takes over what an UpdateShardCount has made, having checked that it follows from what was there.
    fn learn(&mut self, map: &ShardMap) {
        for listed in map.listed(0).skip(self.0.len()) {
            let shard = listed.shard;
            let parents: Vec<u32> = listed.parents.iter().map(ShardId::index).collect();
            assert!(!parents.is_empty() && parents.iter().all(|parent| *parent < shard.id.index()));
            self.0.push(Plain {
                range: shard.range,
                created_s: shard.created_s,
                parents,
                closed_s: None,
                children: vec![],
            });
        }
        for listed in map.listed(0) {
            let plain = &mut self.0[listed.shard.id.index() as usize];
            if let (None, Some(closed)) = (plain.closed_s, listed.closed) {
                plain.closed_s = Some(closed.closed_s);
                plain.children = closed.children.iter().map(|child| child.id.index()).collect();
            }
        }
        for plain in self.0.iter().filter(|plain| plain.closed_s.is_some()) {
            let of = |index: &u32| &self.0[*index as usize];
            let family: HashSet<_> = plain.children.iter().flat_map(|child| &of(child).parents).collect();
            // Less one, and around the ring: the whole of it has a key too many for its type.
            let keys = |indices: &mut dyn Iterator<Item = &u32>| {
                let keys =
                    indices.map(|index| (of(index).range.end.0 - of(index).range.start.0).wrapping_add(1));
                keys.fold(0, u128::wrapping_add)
            };
            let parents_keys = keys(&mut family.into_iter());
            let children_keys = keys(&mut plain.children.iter());
            assert_eq!(parents_keys, children_keys);
            assert!(
                plain.children.iter().all(|child| Some(of(child).created_s) == plain.closed_s.map(|s| s + 1))
            );
        }
    }

    fn check(&self, map: &ShardMap) {
        assert_eq!(map.shards().len(), self.0.len());
        for (listed, plain) in map.listed(0).zip(&self.0) {
            let Shard { range, created_s, .. } = &**listed.shard;
            assert_eq!((*range, *created_s), (plain.range, plain.created_s));
            assert!(listed.parents.iter().map(ShardId::index).eq(plain.parents.iter().copied()));
            assert_eq!(listed.closed.map(|closed| closed.closed_s), plain.closed_s);
            let children = listed.closed.into_iter().flat_map(|closed| closed.children.iter());
            assert!(children.map(|child| child.id.index()).eq(plain.children.iter().copied()));
        }
        let open: Vec<_> = map.open().iter().map(|shard| shard.id.index()).collect();
        assert_eq!(open, self.open());
        let ranges: Vec<_> = map.open().iter().map(|shard| shard.range).collect();
        assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (HashKey::MIN, HashKey::MAX));
        assert!(ranges.windows(2).all(|pair| pair[0].end.0.checked_add(1) == Some(pair[1].start.0)));
    }
}

fn run_deeds(shards: u32, transition_ms: u64, deeds: Vec<Deed>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let house = house(shards, transition_ms, Limit::Infinite);
    let mut model = Model::new(shards);
    for deed in deeds {
        let open = model.open();
        let range = |index: u32| model.0[index as usize].range;
        let due_ms = house.clock.clock().now_ms() + transition_ms;
        match deed {
            Deed::Split(which, at) => {
                let parent = open[which.index(open.len())];
                let HashKeyRange { start, end } = range(parent);
                let at = start.0 + at % (end.0 - start.0).max(1);
                match house.split(parent, at) {
                    Ok(()) => {
                        let left = HashKeyRange { start, end: HashKey(at - 1) };
                        model.close(&[parent], &[left, HashKeyRange { start: HashKey(at), end }], due_ms);
                    }
                    Err(error) => {
                        assert_eq!(error, ReshardError::BadSplit(range(parent)));
                        assert!(at <= start.0 + 1 || at >= end.0);
                    }
                }
            }
            Deed::Merge(which, is_lower_first) if open.len() > 1 => {
                let place = which.index(open.len() - 1);
                let (lower, upper) = (open[place], open[place + 1]);
                let (parent, adjacent) = if is_lower_first { (lower, upper) } else { (upper, lower) };
                house.merge(parent, adjacent).unwrap();
                let whole = HashKeyRange { start: range(lower).start, end: range(upper).end };
                model.close(&[parent, adjacent], &[whole], due_ms);
            }
            Deed::Update(which) => {
                let targets: Vec<_> = (open.len().div_ceil(2)..=2 * open.len()).collect();
                let target = targets[which.index(targets.len())];
                match house.update(target) {
                    Ok(current) => assert_eq!(current, open.len()),
                    Err(error) => assert!(matches!(error, ReshardError::TooOften | ReshardError::TooNarrow)),
                }
            }
            Deed::Merge(..) => {}
            Deed::Advance(by_ms) => house.advance_ms(by_ms),
            Deed::Tidy => runtime.block_on(house.registry.tidy_up()),
        }
        house.advance_ms(transition_ms);
        let map = house.map();
        model.learn(&map);
        model.check(&map);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Protects: ranges, lineage, closing and creation times after any splits, merges and updates are those of a plain
    /// model; the open shards tile the space.
    #[test]
    fn any_deeds_follow_the_model(shards in 1_u32..6, transition_ms in prop_oneof![Just(0), Just(500)], deeds in prop::collection::vec(deed(), 1..25)) {
        run_deeds(shards, transition_ms, deeds);
    }
}

/// One record as it was put: its key and its number among those of that key.
type Note = (u64, u64);

fn note(data: &[u8]) -> Note {
    let (key, number) = data.split_at(8);
    (u64::from_le_bytes(key.try_into().unwrap()), u64::from_le_bytes(number.try_into().unwrap()))
}

/// Where each record went, by its shard and counter.
type Acknowledged = BTreeMap<(ShardId, u64), Note>;

/// Puts batches until told to stop, each record of a key with the next number.
async fn produce(stream: Arc<Stream>, producer: u64, stop: Arc<AtomicBool>) -> Acknowledged {
    const KEYS: u64 = 7;
    let mut acknowledged = Acknowledged::new();
    let mut next: Vec<u64> = (0..KEYS).map(|_| 0).collect();
    let mut puts = 0;
    while !stop.load(Ordering::Acquire) || puts < 10 {
        let mut records = Records::take();
        for record in 0..20_u64 {
            let key = producer * KEYS + record % KEYS;
            let number = &mut next[usize::try_from(record % KEYS).unwrap()];
            let data = [key.to_le_bytes(), number.to_le_bytes()].concat();
            *number += 1;
            records.push(&format!("key-{key}"), None, &data).unwrap();
        }
        let batch = stream.shard_maps().store(records).await.unwrap();
        assert_eq!((batch.failed_count(), batch.is_given_back()), (0, false));
        for number in 0..batch.records().len() {
            let (shard, stored) = batch.outcome(number).unwrap();
            let before =
                acknowledged.insert((shard.id, stored.unwrap().0), note(batch.records().data(number)));
            assert_eq!(before, None, "a sequence number was given twice");
        }
        puts += 1;
        tokio::task::yield_now().await;
    }
    acknowledged
}

/// Reads from the first shards on, and from each closed one to its children, once all parents of a child are read.
/// Ends when it has seen so many records after `done`.
async fn follow(stream: Arc<Stream>, done: Arc<AtomicBool>) -> Vec<((ShardId, u64), Note)> {
    let limits = ReadLimits { records_max: 500, bytes_max: u64::MAX };
    let mut places: BTreeMap<ShardId, u64> = stream.shard_map().shards().iter().map(|s| (s.id, 0)).collect();
    let (mut seen, mut finished) = (Vec::new(), HashSet::new());
    loop {
        let was_done = done.load(Ordering::Acquire);
        let mut is_idle = true;
        for (shard, position) in places.clone() {
            let map = stream.shard_map();
            let listed = map.find(shard, 0).expect("a shard that was named as a child is there");
            let slice = listed.shard.log().read(position, 0, limits, |record| {
                seen.push(((shard, record.counter), note(record.data)));
            });
            is_idle &= slice.records_count == 0;
            places.insert(shard, slice.next);
            if let Some(closed) = listed.closed.filter(|_| slice.next >= slice.tip) {
                is_idle = false;
                places.remove(&shard);
                finished.insert(shard);
                for child in map.children(closed) {
                    if child.parents.iter().all(|parent| finished.contains(&parent)) {
                        places.insert(child.shard.id, 0);
                    }
                }
            }
        }
        if was_done && is_idle {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

/// Splits, merges and updates at random; gives how many succeeded.
async fn reshard(house: Arc<House>, times: usize) -> usize {
    let mut succeeded = 0;
    for number in 0..times {
        let map = house.map();
        let open = map.open();
        let place = number * 31 % open.len();
        let done = match number % 4 {
            0 | 1 if open.len() < 24 => {
                let HashKeyRange { start, end } = open[place].range;
                house.split(open[place].id.index(), start.0 + (end.0 - start.0) / 3 + 2).is_ok()
            }
            3 if number % 16 == 3 => house.update(open.len().div_ceil(2)).is_ok(),
            3 if number % 16 == 7 => house.update(open.len() + 1).is_ok(),
            _ => {
                let pair = open.windows(2).nth(place);
                pair.is_some_and(|pair| house.merge(pair[0].id.index(), pair[1].id.index()).is_ok())
            }
        };
        succeeded += usize::from(done);
        for _ in 0..number % 5 {
            tokio::task::yield_now().await;
        }
        // A seal may have to wait its turn in a mailbox.
        while house.stream().1 != StreamStatus::Active {
            tokio::task::yield_now().await;
        }
    }
    succeeded
}

/// Protects: under producers on every shard, a storm of reshards loses,
/// repeats and reorders nothing: a reader that follows the children sees every acknowledged record once, each key's
/// records in the order they were put.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_loses_nothing() {
    let house = Arc::new(house(2, 0, Limit::Infinite));
    let (stream, _) = house.stream();
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let followers: Vec<_> =
        (0..2).map(|_| tokio::spawn(follow(Arc::clone(&stream), Arc::clone(&done)))).collect();
    let producers: Vec<_> = (0..160)
        .map(|producer| tokio::spawn(produce(Arc::clone(&stream), producer, Arc::clone(&stop))))
        .collect();
    let succeeded = tokio::spawn(reshard(Arc::clone(&house), 60)).await.unwrap();
    stop.store(true, Ordering::Release);
    let mut acknowledged = Acknowledged::new();
    for producer in producers {
        acknowledged.extend(producer.await.unwrap());
    }
    done.store(true, Ordering::Release);
    assert!(succeeded > 30, "only {succeeded} reshards");
    for follower in followers {
        let seen = follower.await.unwrap();
        assert_eq!(seen.len(), acknowledged.len());
        let mut last: HashMap<u64, u64> = HashMap::new();
        for (place, (key, number)) in seen {
            assert_eq!(acknowledged.get(&place), Some(&(key, number)));
            let before = last.insert(key, number);
            assert_eq!(before.map_or(0, |before| before + 1), number, "key {key} out of order");
        }
    }
    assert_eq!((house.tally.commands_shed(), house.tally.shards_poisoned()), (0, 0));
}
