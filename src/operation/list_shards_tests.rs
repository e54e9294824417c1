//! Filters and pages of a stream that is resharded, at any moment of its life.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::MovableClock;
use crate::control::{ControlSettings, NewStream, Registry, StreamMode, StreamSettings, Tags};
use crate::error::ErrorKind;
use crate::faults::FaultPlan;
use crate::limits::{Limit, NEXT_TOKEN_TTL_MS};
use crate::log::Ceiling;
use crate::names::{AccountId, HashKey, Region, StreamName};
use crate::operation::schema::{read, shapes};
use crate::operation::seal::Sealer;
use crate::transitions::Transitions;

const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
const START_MS: u64 = 1_700_000_000_900;
const DAY_MS: u64 = 24 * 3_600_000;

struct House {
    service: Service,
    clock: MovableClock,
}

/// A shard of a reply: index, and the lowest and highest key.
type Seen = (u32, u128, u128);

impl House {
    /// A stream `s` without transition times.
    fn new(shard_count: u32) -> Self {
        let clock = MovableClock::new(START_MS);
        let settings = ControlSettings {
            shard_limit: Limit::Infinite,
            on_demand_stream_count_limit: Limit::Infinite,
            transitions: Transitions::all(0),
            ceiling: Ceiling::NONE,
        };
        let (tally, time) = (Arc::default(), clock.clock());
        let registry = Registry::new(settings, time.clone(), Arc::clone(&tally));
        let new = NewStream {
            scope: HERE,
            name: StreamName::parse("s").unwrap(),
            shard_count,
            settings: StreamSettings::of(StreamMode::Provisioned),
            tags: Tags::default(),
        };
        registry.create(new).unwrap();
        let (sealer, faults) = (Sealer::new([7; 16]), FaultPlan::new(0.0, 0));
        let service =
            Service { registry, clock: time, sealer, faults, tally, usual_caller: HERE, credentials: None };
        Self { service, clock }
    }

    fn now_ms(&self) -> u64 {
        self.service.clock.now_ms()
    }

    fn advance_ms(&self, by_ms: u64) {
        self.clock.advance(Duration::from_millis(by_ms));
    }

    /// Splits the open shard at this place, or merges it with the next.
    fn reshard(&self, which: usize, is_split: bool) {
        let map = self.service.registry.find(HERE, "s").unwrap().shard_map();
        let place = which % map.open().len();
        let shard = &map.open()[place];
        if is_split {
            let middle = shard.range.start.0 + (shard.range.end.0 - shard.range.start.0) / 2 + 1;
            // A shard that has become too narrow stays.
            let _ = self.service.registry.split_shard(HERE, "s", shard.id, Some(HashKey(middle)));
        } else if let Some(next) = map.open().get(place + 1) {
            self.service.registry.merge_shards(HERE, "s", shard.id, next.id).unwrap();
        }
    }

    fn page(&self, input: Value<'static>) -> Result<(Vec<Seen>, Option<String>), ApiError> {
        let input = read(&shapes::LIST_SHARDS, input)?;
        let reply = Request::validate(&input, HERE, &self.service)?.execute(&self.service)?;
        let seen = reply.shards.iter().map(seen).collect();
        Ok((seen, reply.next_token))
    }

    /// All pages of this size; `between` runs after the first.
    fn list(&self, filter: Value<'static>, page_size: i64, mut between: impl FnMut()) -> Vec<Seen> {
        let max = || ("MaxResults", Value::Integer(page_size));
        let first = [("StreamName", Value::string("s")), ("ShardFilter", filter), max()];
        let (mut all, mut token) = self.page(Value::structure(first)).unwrap();
        while let Some(next) = token {
            between();
            let page;
            (page, token) = self.page(Value::structure([("NextToken", Value::string(next)), max()])).unwrap();
            all.extend(page);
        }
        all
    }
}

fn seen(shard: &Value<'_>) -> Seen {
    let text = |value: Option<&Value<'_>>| match value {
        Some(Value::String(text)) => text.to_string(),
        other => panic!("{other:?}"),
    };
    let range = shard.member("HashKeyRange").unwrap();
    let key = |name| text(range.member(name)).parse::<u128>().unwrap();
    let id = ShardId::parse_lenient(&text(shard.member("ShardId"))).unwrap();
    (id.index(), key("StartingHashKey"), key("EndingHashKey"))
}

fn filter(kind: &'static str, timestamp_ms: Option<u64>) -> Value<'static> {
    let timestamp = timestamp_ms.map_or(Value::Null, Value::TimestampMs);
    Value::structure([("Type", Value::string(kind)), ("Timestamp", timestamp)])
}

fn assert_tiles(mut shards: Vec<Seen>, what: &str) {
    shards.sort_unstable_by_key(|shard| shard.1);
    let mut next = Some(0);
    for (index, start, end) in &shards {
        assert_eq!(Some(*start), next, "{what}: shard {index} of {shards:?}");
        next = end.checked_add(1);
    }
    assert_eq!(next, None, "{what}: {shards:?}");
}

fn indices(shards: &[Seen]) -> Vec<u32> {
    shards.iter().map(|shard| shard.0).collect()
}

/// Protects: each filter on a stream that was split once (reference 9.1), around the moments of closing and creation.
#[test]
fn filters_around_a_split() {
    let house = House::new(2);
    house.advance_ms(10_000);
    house.reshard(0, true);
    let closed_ms = house.now_ms();
    let created_ms = (closed_ms / 1000 + 1) * 1000;
    house.advance_ms(10_000);
    let list = |kind, timestamp_ms| indices(&house.list(filter(kind, timestamp_ms), 1_000, || ()));
    let (old, new): (&[u32], &[u32]) = (&[0, 1], &[1, 2, 3]);
    assert_eq!(list("AT_TRIM_HORIZON", None), old);
    assert_eq!(list("FROM_TRIM_HORIZON", None), [0, 1, 2, 3]);
    assert_eq!(list("AT_LATEST", None), new);
    for (timestamp_ms, at) in [
        (0, old),
        (START_MS, old),
        (closed_ms, old),
        (created_ms - 1, old),
        (created_ms, new),
        (house.now_ms(), new),
        (house.now_ms() + DAY_MS, new),
    ] {
        assert_eq!(list("AT_TIMESTAMP", Some(timestamp_ms)), at, "{timestamp_ms}");
        let from = if at == old { &[0, 1, 2, 3] } else { new };
        assert_eq!(list("FROM_TIMESTAMP", Some(timestamp_ms)), from, "{timestamp_ms}");
    }
    let after =
        Value::structure([("Type", Value::string("AFTER_SHARD_ID")), ("ShardId", Value::string("1"))]);
    assert_eq!(indices(&house.list(after, 1, || ())), [2, 3]);
    house.advance_ms(DAY_MS - (house.now_ms() - created_ms));
    assert_eq!(list("FROM_TRIM_HORIZON", None), new);
    assert_eq!(list("AT_TRIM_HORIZON", None), new);
}

/// Protects: a token goes on with the filter and the look of its first page, for 300 s, and takes no other filter.
#[test]
fn tokens_carry_the_filter() {
    let house = House::new(4);
    let first = [
        ("StreamName", Value::string("s")),
        ("ShardFilter", filter("AT_LATEST", None)),
        ("MaxResults", Value::Integer(2)),
    ];
    let (page, token) = house.page(Value::structure(first)).unwrap();
    assert_eq!(indices(&page), [0, 1]);
    house.reshard(0, true);
    house.reshard(0, false);
    let next = |filter: Value<'static>| {
        let token = Value::string(token.clone().unwrap());
        house.page(Value::structure([("NextToken", token), ("ShardFilter", filter)]))
    };
    assert_eq!(next(Value::Null).map(|(page, token)| (indices(&page), token)), Ok((vec![2, 3], None)));
    let both = next(filter("AT_LATEST", None));
    assert_eq!(both.unwrap_err().kind, ErrorKind::InvalidArgument);
    house.advance_ms(NEXT_TOKEN_TTL_MS);
    assert!(next(Value::Null).is_ok());
    house.advance_ms(1);
    assert_eq!(next(Value::Null).unwrap_err().kind, ErrorKind::ExpiredNextToken);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Protects: whatever was split and merged, and whenever: each AT_* answer tiles the hash space, at the horizon, now
    /// and at any moment between, also in pages between which the stream is resharded further.
    #[test]
    fn every_at_tiles(
        shards in 1_u32..5,
        deeds in prop::collection::vec((any::<usize>(), any::<bool>(), prop_oneof![3 => 0_u64..4_000, 1 => 0..DAY_MS]), 1..25),
        moments in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        page_size in 1_i64..6,
        later in any::<usize>(),
    ) {
        let house = House::new(shards);
        for (which, is_split, then_ms) in deeds {
            house.reshard(which, is_split);
            house.advance_ms(then_ms);
        }
        let span = usize::try_from(house.now_ms() - START_MS + 10_000).unwrap();
        let mut looks = vec![("AT_LATEST", None), ("AT_TRIM_HORIZON", None)];
        for moment in moments {
            looks.push(("AT_TIMESTAMP", Some(START_MS - 5_000 + moment.index(span) as u64)));
        }
        for (kind, timestamp_ms) in looks {
            let what = format!("{kind} {timestamp_ms:?} at {}", house.now_ms());
            assert_tiles(house.list(filter(kind, timestamp_ms), 1_000, || ()), &what);
            let in_pages = house.list(filter(kind, timestamp_ms), page_size, || house.reshard(later, true));
            assert_tiles(in_pages, &what);
        }
    }
}
