//! State that is saved and loaded: nothing missing, nothing else, and no damage unseen.

use std::sync::Arc;
use std::time::Duration;

use super::block::{BlockWriter, Kind};
use super::codec::Field;
use super::loading::{Putting, load};
use super::snapshot::{self, Item};
use super::*;
use crate::clock::MovableClock;
use crate::config::{Config, Limit};
use crate::control::{
    Attached, LoadError, Needs, NewStream, Relief, SavedShard, Scope, Stream, StreamMode, StreamSettings,
    Tags, Taken,
};
use crate::log::ReadLimits;
use crate::memory::MemoryPlan;
use crate::names::{AccountId, ConsumerName, HashKey, Region, SequenceNumber, ShardId, StreamName};
use crate::operation::Service;
use crate::operation::seal::Purpose;
use crate::policy::Policy;
use crate::shard::batch::Records;
use crate::transitions::Transition;

const START_MS: u64 = 1_700_000_000_000;
const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
const EMPTY: Putting = Putting { replaces: false, goes_on: false };

fn service_with(config: Config) -> (Arc<Service>, MovableClock) {
    let clock = MovableClock::new(START_MS);
    let config = Config { latency_ms: 0, shard_limit: Limit::Infinite, ..config };
    let service = crate::server::service(&config, &MemoryPlan::of(&config), 0, clock.clock()).unwrap();
    (service, clock)
}

fn service() -> (Arc<Service>, MovableClock) {
    service_with(Config::default())
}

fn create(service: &Service, scope: Scope, name: &str, shard_count: u32) -> Arc<Stream> {
    let new = NewStream {
        scope,
        name: StreamName::parse(name).unwrap(),
        shard_count,
        settings: StreamSettings::of(StreamMode::Provisioned),
        tags: Tags::default(),
    };
    service.registry.create(new).unwrap()
}

async fn put(stream: &Stream, records: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let mut collected = Records::take();
    for (key, data) in records {
        collected.push(&key, None, &data).unwrap();
    }
    assert_eq!(stream.shard_maps().store(collected).await.unwrap().failed_count(), 0);
}

fn numbered(range: std::ops::Range<u32>) -> impl Iterator<Item = (String, Vec<u8>)> {
    range.map(|number| (format!("key {number}"), number.to_le_bytes().to_vec()))
}

fn saved(service: &Service) -> Vec<u8> {
    let mut bytes = Vec::new();
    let state = State::take(service);
    snapshot::write(&state, &mut bytes, &mut Pace::free()).unwrap();
    bytes
}

/// A record with all that a reader is told of it.
type Told = (u64, SequenceNumber, u64, Vec<u8>, Vec<u8>);

/// All records of all streams, shard by shard.
fn told(service: &Service) -> Vec<(String, ShardId, Vec<Told>)> {
    let limits = ReadLimits { records_max: u32::MAX, bytes_max: u64::MAX };
    let mut told = Vec::new();
    for taken in service.registry.take() {
        for shard in &taken.shards {
            let mut records = Vec::new();
            shard.log().read(0, shard.not_before_ms(service.clock.now_ms()), limits, |record| {
                let number = shard.sequence_number(record.counter, record.arrival_ms);
                let (key, data) = (record.key.to_vec(), record.data.to_vec());
                records.push((record.position, number, record.arrival_ms, key, data));
            });
            told.push((taken.saved.arn.to_string(), shard.id, records));
        }
    }
    told
}

/// All but the records and the counters, which jump.
fn described(service: &Service) -> Vec<crate::control::SavedStream> {
    let without_counters = |Taken { mut saved, .. }: Taken| {
        for shard in &mut saved.shards {
            shard.next_counter = 0;
        }
        saved
    };
    service.registry.take().into_iter().map(without_counters).collect()
}

/// Streams in several states, in two regions: split and merged shards, records of many sizes and times, trimmed ones,
/// consumers, tags, policies, encryption, a reshard under way.
async fn busy(service: &Service, clock: &MovableClock) {
    let stream = create(service, HERE, "busy", 3);
    for batch in 0..20_u32 {
        put(&stream, numbered(batch * 100..batch * 100 + 100)).await;
        clock.advance(Duration::from_millis(u64::from(batch % 3)));
    }
    put(&stream, [("large".to_owned(), vec![7; 900_000]), (String::new(), Vec::new())]).await;
    service.registry.split_shard(HERE, "busy", ShardId::FIRST, Some(HashKey(1 << 100))).unwrap();
    clock.advance(Duration::from_secs(3));
    put(&stream, numbered(5_000..5_100)).await;
    let [left, right] = [3, 4].map(|index| ShardId::new(index).unwrap());
    service.registry.merge_shards(HERE, "busy", left, right).unwrap();
    clock.advance(Duration::from_secs(3));
    put(&stream, numbered(6_000..6_100)).await;
    let change = service.registry.begin_change(HERE, "busy", Needs::Settled).unwrap();
    let tags = Tags::default().with([("a".to_owned(), "b".to_owned())]).unwrap();
    let attached = Attached { tags, policy: Some(Policy::new("{}")) };
    change.register_consumer(ConsumerName::parse("c").unwrap(), attached.clone()).unwrap();
    change.attach(attached);
    change.retain_hours(48);
    let settings =
        StreamSettings { key_id: Some("alias/aws/kinesis".into()), ..(*change.settings()).clone() };
    change.update(settings, Transition::StartEncryption);
    drop(change);
    clock.advance(Duration::from_secs(1));
    put(&stream, numbered(7_000..7_100)).await;
    let elsewhere = Scope { region: Region::parse("eu-west-1").unwrap(), ..HERE };
    let other = create(service, elsewhere, "busy", 1);
    put(&other, numbered(0..10)).await;
    let expired = create(service, HERE, "expired", 1);
    put(&expired, numbered(0..10)).await;
    clock.advance(Duration::from_secs(24 * 3600 + 1));
    service.registry.tidy_up().await;
    put(&other, numbered(10..15)).await;
    service.registry.accounts().enable_commitment(HERE, clock.clock().now_ms());
}

/// Protects: every record with its number and arrival, lineage, consumers, tags, settings and tokens come back; what is
/// put after that gets numbers above.
#[tokio::test]
async fn everything_comes_back() {
    let (from, clock) = service();
    busy(&from, &clock).await;
    let bytes = saved(&from);
    let (to, to_clock) = service();
    to_clock.advance(Duration::from_millis(clock.clock().now_ms() - START_MS));
    let totals = load(&to, bytes.as_slice(), EMPTY).unwrap();
    assert_eq!(told(&to), told(&from));
    assert_eq!(described(&to), described(&from));
    assert_eq!(to.registry.accounts().runs(), from.registry.accounts().runs());
    let records: usize = told(&from).iter().map(|(_, _, records)| records.len()).sum();
    assert_eq!((totals.streams, totals.records), (3, records as u64));
    assert!(records > 2_300, "{records}");
    let token = from.sealer.seal(Purpose::ShardIterator, b"token");
    assert!(to.sealer.open(Purpose::ShardIterator, &token).is_some());
    for (name, scope) in from.registry.take().iter().map(|taken| (taken.saved.arn.name.clone(), taken)) {
        let arn = &scope.saved.arn;
        let scope = Scope { account: arn.account, region: arn.region };
        let [old, new] = [&from, &to].map(|service| service.registry.find(scope, name.as_str()).unwrap());
        for stream in [&old, &new] {
            put(stream, numbered(0..200)).await;
        }
        for (old, new) in old.shard_map().open().iter().zip(new.shard_map().open()) {
            let (old, new) = (old.watermark(), new.watermark());
            assert_eq!(old.tip, new.tip);
            assert!(new.next_counter >= old.next_counter + (1 << 32), "{old:?} {new:?}");
        }
    }
    // And once more, from there.
    let (third, third_clock) = service();
    third_clock.advance(Duration::from_millis(clock.clock().now_ms() - START_MS));
    load(&third, saved(&to).as_slice(), EMPTY).unwrap();
    assert_eq!(told(&third), told(&to));
}

/// Protects: a byte that was changed, whichever, is found no later than where it stands, and nothing is loaded; the same of
/// a file that ends early or goes on.
#[tokio::test]
async fn no_byte_is_changed_unseen() {
    let (from, clock) = service();
    let stream = create(&from, HERE, "s", 2);
    put(&stream, numbered(0..20)).await;
    clock.advance(Duration::from_millis(1));
    put(&stream, numbered(20..30)).await;
    let mut bytes = saved(&from);
    let (to, _) = service();
    let refusal = |bytes: &[u8]| {
        let error = load(&to, bytes, EMPTY).expect_err("damage is found");
        assert!(to.registry.take().is_empty(), "{error}");
        match error {
            PersistError::Damaged { offset, .. } | PersistError::Version { offset, .. } => offset,
            other => panic!("{other}"),
        }
    };
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            let offset = refusal(&bytes);
            assert!(offset <= place as u64 && place as u64 - offset < 1_000, "{place}: told of {offset}");
            bytes[place] ^= 1 << bit;
        }
        assert!(refusal(&bytes[..place]) <= place as u64);
    }
    bytes.push(0);
    assert_eq!(refusal(&bytes), bytes.len() as u64 - 1);
    bytes.pop();
    load(&to, bytes.as_slice(), EMPTY).unwrap();
}

/// Protects: numbers that cannot be, under checksums that are right, are refused; nothing overflows.
#[tokio::test]
async fn numbers_that_cannot_be_are_refused() {
    let (from, _) = service();
    let stream = create(&from, HERE, "s", 1);
    put(&stream, numbered(0..10)).await;
    let refuse = |bytes: &[u8]| {
        let (to, _) = service();
        let refused = load(&to, bytes, EMPTY).unwrap_err();
        assert!(matches!(refused, PersistError::Damaged { .. }), "{refused}");
        assert!(to.registry.take().is_empty());
    };
    let changes: [fn(&mut SavedShard); 6] = [
        |shard| shard.tip = u64::MAX,
        |shard| shard.horizon = 11,
        |shard| shard.next_counter = u64::MAX,
        |shard| shard.next_counter = 10,
        |shard| shard.created_s = u64::MAX,
        |shard| shard.closed = Some((u64::MAX, Vec::new())),
    ];
    for change in changes {
        let mut state = State::take(&from);
        change(&mut state.streams[0].saved.shards[0]);
        let mut bytes = Vec::new();
        snapshot::write(&state, &mut bytes, &mut Pace::free()).unwrap();
        refuse(&bytes);
    }
    let state = State::take(&from);
    for [position, count, counter, arrival_ms] in [
        [u64::MAX, 1, 1, START_MS],
        [10, 1, 1, START_MS],
        [0, u64::MAX, 1, START_MS],
        [0, 1, u64::MAX, START_MS],
        [0, 1, 11, START_MS],
        [0, 1, 1, u64::MAX],
    ] {
        let (mut bytes, mut payload) = (Vec::new(), Vec::new());
        let mut blocks = BlockWriter::begin(&mut bytes).unwrap();
        let mut write = |kind, payload: &mut Vec<u8>| {
            blocks.write(kind, payload).unwrap();
            payload.clear();
        };
        state.head.put(&mut payload);
        write(Kind::Head, &mut payload);
        state.streams[0].saved.put(&mut payload);
        write(Kind::Stream, &mut payload);
        ShardId::FIRST.put(&mut payload);
        for number in [position, count, counter, arrival_ms, 0, 0] {
            number.put(&mut payload);
        }
        write(Kind::Records, &mut payload);
        let totals = Totals { streams: 1, shards: 1, records: 1, record_bytes: 0 };
        totals.put(&mut payload);
        write(Kind::End, &mut payload);
        refuse(&bytes);
    }
}

/// Protects: a stream that is there is not replaced by accident; when it is, its numbers go on above those that it has
/// issued here.
#[tokio::test]
async fn replacing_is_asked_for() {
    let (service, _) = service();
    let stream = create(&service, HERE, "s", 1);
    put(&stream, numbered(0..5)).await;
    let bytes = saved(&service);
    let refused = load(&service, bytes.as_slice(), EMPTY).unwrap_err();
    assert!(matches!(refused, PersistError::Load(LoadError::Exists(_))), "{refused}");
    let mut last = 0;
    for _ in 0..3 {
        load(&service, bytes.as_slice(), Putting { replaces: true, ..EMPTY }).unwrap();
        let stream = service.registry.find(HERE, "s").unwrap();
        let shard = Arc::clone(&stream.shard_map().shards()[0]);
        assert_eq!(shard.watermark().tip, 5);
        put(&stream, numbered(5..6)).await;
        let issued = shard.watermark().next_counter;
        assert!(issued > last, "{issued} after {last}");
        last = issued;
    }
}

/// Protects: servers that begin one after the other, each killed without a last save, issue no number twice; whether the
/// one before had saved nothing, or only what it began with.
#[tokio::test]
async fn killed_servers_issue_no_number_twice() {
    let (first, clock) = service();
    let stream = create(&first, HERE, "s", 1);
    put(&stream, numbered(0..10)).await;
    let mut file = saved(&first);
    let mut highest = 0;
    for round in 0..6 {
        clock.advance(Duration::from_secs(if round % 2 == 0 { 3_600 } else { 1 }));
        let (next, next_clock) = service();
        next_clock.advance(Duration::from_millis(clock.clock().now_ms() - START_MS));
        load(&next, file.as_slice(), Putting { goes_on: true, ..EMPTY }).unwrap();
        if round % 3 == 1 {
            file = saved(&next);
        }
        let stream = next.registry.find(HERE, "s").unwrap();
        let shard = Arc::clone(&stream.shard_map().shards()[0]);
        let issued_from = shard.watermark().next_counter;
        assert!(issued_from > highest, "round {round}: {issued_from} after {highest}");
        put(&stream, numbered(0..400)).await;
        highest = shard.watermark().next_counter;
        assert_eq!(highest, issued_from + 400);
    }
}

/// Protects: a reshard that is under way goes on where the state is loaded, and its children are created after that.
#[tokio::test]
async fn a_reshard_under_way_goes_on() {
    let clock = MovableClock::new(START_MS);
    let config = Config { latency_ms: 1_000, shard_limit: Limit::Infinite, ..Config::default() };
    let start = |clock: &MovableClock| {
        crate::server::service(&config, &MemoryPlan::of(&config), 0, clock.clock()).unwrap()
    };
    let from = start(&clock);
    let stream = create(&from, HERE, "s", 1);
    clock.advance(Duration::from_secs(1));
    put(&stream, numbered(0..10)).await;
    from.registry.split_shard(HERE, "s", ShardId::FIRST, Some(HashKey(1 << 127))).unwrap();
    clock.advance(Duration::from_millis(500));
    let bytes = saved(&from);
    let to_clock = MovableClock::new(clock.clock().now_ms());
    let to = start(&to_clock);
    load(&to, bytes.as_slice(), EMPTY).unwrap();
    assert_eq!(described(&to), described(&from));
    let open = |registry: &crate::control::Registry| {
        let (stream, status) = registry.find_with_status(HERE, "s").unwrap();
        (stream.shard_map().open_count(), status.name())
    };
    assert_eq!(open(&to.registry), (1, "UPDATING"));
    to_clock.advance(Duration::from_millis(500));
    assert_eq!(open(&to.registry), (2, "ACTIVE"));
    let late_clock = MovableClock::new(START_MS + 60_000);
    let late = start(&late_clock);
    load(&late, bytes.as_slice(), EMPTY).unwrap();
    assert_eq!(open(&late.registry), (2, "ACTIVE"));
    let map = late.registry.find(HERE, "s").unwrap().shard_map();
    assert!(map.shards().iter().skip(1).all(|child| child.created_s > (START_MS + 60_000) / 1_000));
}

/// Protects: what does not fit the memory limit is refused, and nothing of it stays; nor does anything go that is there.
#[tokio::test]
async fn memory_is_respected() {
    let (from, _) = service();
    let stream = create(&from, HERE, "s", 1);
    for _ in 0..100 {
        put(&stream, [("k".to_owned(), vec![1; 1_000_000])]).await;
    }
    let bytes = saved(&from);
    let (to, _) =
        service_with(Config { memory_limit_bytes: Some(Limit::At(128 << 20)), ..Config::default() });
    let refused = load(&to, bytes.as_slice(), EMPTY).unwrap_err();
    assert!(matches!(refused, PersistError::Memory { .. }), "{refused}");
    assert!(to.registry.take().is_empty());
    let small = create(&to, HERE, "small", 1);
    for _ in 0..20 {
        put(&small, [("k".to_owned(), vec![1; 1_000_000])]).await;
    }
    let mut relief = Relief::default();
    let _ = tokio::time::timeout(Duration::from_millis(10), to.registry.relieve_pressure(&mut relief)).await;
    let refused = load(&to, bytes.as_slice(), EMPTY).unwrap_err();
    assert!(matches!(refused, PersistError::Memory { .. }), "{refused}");
    let relieved = to.registry.relieve_pressure(&mut relief);
    assert!(tokio::time::timeout(Duration::from_millis(10), relieved).await.is_err(), "records had to go");
    let watermark = small.shard_map().shards()[0].watermark();
    assert_eq!((watermark.horizon, watermark.tip), (0, 20));
}

/// Protects: a snapshot of a server whose oldest records go while it is read holds what a reader would have found.
#[tokio::test]
async fn gaps_are_what_was_trimmed() {
    let (from, _) =
        service_with(Config { memory_limit_bytes: Some(Limit::At(128 << 20)), ..Config::default() });
    let stream = create(&from, HERE, "s", 1);
    let megabyte = || [("k".to_owned(), vec![1; 1_000_000])];
    for _ in 0..30 {
        put(&stream, megabyte()).await;
    }
    let state = State::take(&from);
    for _ in 0..30 {
        put(&stream, megabyte()).await;
    }
    let mut bytes = Vec::new();
    snapshot::write(&state, &mut bytes, &mut Pace::free()).unwrap();
    let mut positions = Vec::new();
    snapshot::read(bytes.as_slice(), |item, _| {
        if let Item::Run(run) = item {
            positions.extend((0..run.records.len() as u64).map(|number| run.position + number));
        }
        Ok(())
    })
    .unwrap();
    let horizon = stream.shard_map().shards()[0].watermark().horizon;
    assert!(horizon > 0, "nothing was trimmed");
    assert_eq!(positions, (horizon.min(30)..30).collect::<Vec<_>>());
    let (to, _) = service();
    load(&to, bytes.as_slice(), EMPTY).unwrap();
    let loaded = to.registry.find(HERE, "s").unwrap().shard_map().shards()[0].watermark();
    assert_eq!((loaded.horizon, loaded.tip), (horizon.min(30), 30));
}

/// Protects: the fingerprint is another one after any change and the same without one.
#[tokio::test]
async fn changes_show_in_the_fingerprint() {
    let (service, clock) = service();
    let stream = create(&service, HERE, "s", 1);
    let fingerprint = || State::take(&service).fingerprint();
    let before = fingerprint();
    clock.advance(Duration::from_secs(60));
    assert_eq!(fingerprint(), before);
    put(&stream, numbered(0..1)).await;
    let after = fingerprint();
    assert_ne!(after, before);
    service.registry.accounts().enable_commitment(HERE, clock.clock().now_ms());
    assert_ne!(fingerprint(), after);
}

/// Protects: kinesis-mock's form and back: every record under its own number, lineage, consumers, tags, policies, encryption.
#[tokio::test]
async fn kinesis_mocks_form_and_back() {
    let (from, clock) = service();
    busy(&from, &clock).await;
    let now_ms = clock.clock().now_ms();
    let mut bytes = Vec::new();
    let written = mock::write(&State::take(&from), &mut bytes, &mut Pace::free()).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(document["streams"].as_object().unwrap().len(), 3);
    let (to, to_clock) = service();
    to_clock.advance(Duration::from_millis(now_ms - START_MS));
    let totals = super::load(&to, bytes.as_slice(), EMPTY).unwrap();
    assert_eq!(totals, written);
    let without_positions = |service: &Service| {
        let mut told = told(service);
        told.iter_mut().flat_map(|(.., records)| records).for_each(|record| record.0 = 0);
        told
    };
    assert_eq!(without_positions(&to), without_positions(&from));
    for (old, new) in described(&from).iter().zip(&described(&to)) {
        let lineage = |stream: &crate::control::SavedStream| {
            let shards = stream.shards.iter();
            shards
                .map(|one| (one.id, one.range, one.parents, one.created_s, one.closed.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(lineage(new), lineage(old));
        assert_eq!((&new.arn, &new.attached, new.retention_ms), (&old.arn, &old.attached, old.retention_ms));
        assert_eq!(new.plan.at(now_ms), old.plan.at(now_ms));
        let consumers = |stream: &crate::control::SavedStream| {
            let consumers = stream.consumers.iter();
            consumers.map(|one| (one.name.clone(), one.created_s, one.attached.clone())).collect::<Vec<_>>()
        };
        assert_eq!(consumers(new), consumers(old));
    }
    let commitments = |service: &Service| service.registry.accounts().runs();
    assert_eq!(commitments(&to), commitments(&from));
    // What was encrypted still is.
    let [old, new] = [&from, &to].map(|service| service.registry.find(HERE, "busy").unwrap());
    for (.., records) in told(&from) {
        for (_, _, arrival_ms, ..) in records {
            let held = [&old, &new].map(|stream| stream.plan().encrypted().holds_at(arrival_ms));
            assert_eq!(held[0], held[1], "{arrival_ms}");
        }
    }
}

/// A file of kinesis-mock 0.6.2 (split, merged, encrypted), and the same without the members that came late.
const OF_KINESIS_MOCK: &str = include_str!("../../tests/data/state/kinesis-mock-0.6.2.json");

/// Protects: a file that kinesis-mock wrote, and one of an older one, load with every record under its number; what cannot
/// be is refused at its place.
#[test]
fn files_of_kinesis_mock_load() {
    let mut document: serde_json::Value = serde_json::from_str(OF_KINESIS_MOCK).unwrap();
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let loaded = |text: &str| {
        let (service, clock) = service();
        clock.advance(Duration::from_millis(1_795_437_000_000 - START_MS));
        let loaded = super::load(&service, text.as_bytes(), EMPTY);
        loaded.map(|totals| (service, totals))
    };
    let (service, totals) = loaded(OF_KINESIS_MOCK).unwrap();
    assert_eq!((totals.streams, totals.shards, totals.records), (1, 5, 7));
    let numbers = |service: &Service| {
        let mut numbers: Vec<_> = told(service)
            .into_iter()
            .flat_map(|(.., records)| records)
            .map(|(_, number, _, key, data)| {
                let text = |bytes| String::from_utf8(bytes).unwrap();
                (number.to_string(), text(key), text(data))
            })
            .collect();
        numbers.sort();
        numbers
    };
    let mut written: Vec<_> = document["streams"][arn]["shards"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|records| records.as_array().unwrap())
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            let data = base64_simd::STANDARD.decode_to_vec(text("Data")).unwrap();
            (text("SequenceNumber"), text("PartitionKey"), String::from_utf8(data).unwrap())
        })
        .collect();
    written.sort();
    assert_eq!(numbers(&service), written);
    let stream = service.registry.find(HERE, "s").unwrap();
    assert_eq!(stream.retention_hours(), 48);
    assert_eq!(stream.consumers().all().len(), 1);
    assert_eq!(
        stream.attached().policy.as_ref().map(Policy::text),
        Some("{\"Version\":\"2012-10-17\",\"Statement\":[]}")
    );
    let (going, _) =
        loaded(&OF_KINESIS_MOCK.replace("\"ConsumerStatus\":\"ACTIVE\"", "\"ConsumerStatus\":\"DELETING\""))
            .unwrap();
    assert_eq!(going.registry.find(HERE, "s").unwrap().consumers().all().len(), 0);

    let top = document.as_object_mut().unwrap();
    top.remove("resourcePolicies");
    top.remove("accountSettings");
    let stream = document["streams"][arn].as_object_mut().unwrap();
    stream.remove("maxRecordSizeInKiB");
    stream.remove("warmThroughputMiBps");
    stream["consumers"]["c1"].as_object_mut().unwrap().remove("Tags");
    let (service, _) = loaded(&serde_json::to_string_pretty(&document).unwrap()).unwrap();
    assert_eq!(numbers(&service), written);

    for (from, to) in [
        ("49680490611643836467854718396823721759429995425750319106", "5"),
        ("ZDA=", "ZDA"),
        ("HOURS", "AGES"),
    ] {
        let refused = loaded(&OF_KINESIS_MOCK.replace(from, to)).err().expect("a refusal");
        assert!(matches!(refused, PersistError::Damaged { offset, .. } if offset > 0), "{refused}");
    }
    for end in [0, 10, OF_KINESIS_MOCK.len() / 2, OF_KINESIS_MOCK.trim_end().len() - 1] {
        assert!(loaded(&OF_KINESIS_MOCK[..end]).is_err());
    }
}
