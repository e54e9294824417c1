//! All streams of all accounts and regions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ahash::RandomState;
use arc_swap::ArcSwap;

use crate::clock::Clock;

use crate::limits::{AtMemoryLimit, CREATING_STREAMS_MAX, Limit, RETENTION_HOURS_DEFAULT};
use crate::log::{Ceiling, ChunkPool};
use crate::names::{StreamArn, StreamName};
use crate::shard::{Command, Shard, ShardContext, Tally};
use crate::transitions::{Transition, Transitions};

use super::account::Accounts;
use super::attached::Attached;
use super::relief::Relief;
use super::settings::StreamSettings;
use super::stream::{Birth, Scope, Stream, StreamStatus};
use super::subscriptions::Ending;
use super::tags::Tags;

type Namespace = HashMap<StreamName, Arc<Stream>, RandomState>;
type Namespaces = HashMap<Scope, Arc<Namespace>, RandomState>;

/// Shards that housekeeping looks at before it lets others run.
const TIDY_SHARDS_AT_ONCE: usize = 1_000;

/// How the control plane behaves.
#[derive(Debug, Clone, Copy)]
pub struct ControlSettings {
    /// Open shards of provisioned streams per account and region.
    pub shard_limit: Limit,
    /// On-demand streams per account and region.
    pub on_demand_stream_count_limit: Limit,
    /// Lengths of CREATING, UPDATING and DELETING.
    pub transitions: Transitions,
    /// How much memory records may take.
    pub ceiling: Ceiling,
}

/// A stream to be.
#[derive(Debug, Clone)]
pub struct NewStream {
    /// Account and region.
    pub scope: Scope,
    /// Name.
    pub name: StreamName,
    /// Shards to start with.
    pub shard_count: u32,
    /// What can be changed of it later.
    pub settings: StreamSettings,
    /// Its tags.
    pub tags: Tags,
}

/// Why the control plane refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The name is taken.
    #[error("the stream exists")]
    Exists,
    /// There is no such stream, or no longer.
    #[error("no such stream")]
    NotFound,
    /// The stream is not in the state that the call needs.
    #[error("the stream is {0:?}")]
    NotActive(StreamStatus),
    /// The shard quota would be passed.
    #[error("{open} open shards of at most {limit}, {additional} more wanted")]
    ShardLimit {
        /// Open shards now.
        open: u64,
        /// The quota.
        limit: Limit,
        /// Shards the call would add.
        additional: u64,
    },
    /// The on-demand stream quota would be passed.
    #[error("at most {limit} on-demand streams")]
    OnDemandStreamLimit {
        /// The quota.
        limit: Limit,
    },
    /// Too many streams are CREATING already.
    #[error("at most {CREATING_STREAMS_MAX} streams may be CREATING at once")]
    CreatingLimit,
    /// The stream has consumers, and the caller did not say that they may go.
    #[error("the stream has consumers")]
    HasConsumers,
}

/// All streams.
pub struct Registry {
    pub(super) namespaces: ArcSwap<Namespaces>,
    /// Serialises changes.
    pub(super) changing: Mutex<()>,
    next_incarnation: AtomicU64,
    settings: ControlSettings,
    accounts: Accounts,
    pub(super) clock: Clock,
    pool: Arc<ChunkPool>,
    tally: Arc<Tally>,
}

impl Registry {
    /// No streams yet.
    #[must_use]
    pub fn new(settings: ControlSettings, clock: Clock, tally: Arc<Tally>) -> Self {
        // Incarnations start at the clock, so that a token from before a restart names none of the new streams.
        let first_incarnation = clock.now_ms() << 16;
        Self {
            namespaces: ArcSwap::default(),
            changing: Mutex::new(()),
            next_incarnation: AtomicU64::new(first_incarnation),
            settings,
            accounts: Accounts::default(),
            clock,
            pool: ChunkPool::with_ceiling(settings.ceiling),
            tally,
        }
    }

    /// The stream of this name, in whatever state, unless it is gone.
    #[must_use]
    pub fn find(&self, scope: Scope, name: &str) -> Option<Arc<Stream>> {
        self.find_with_status(scope, name).map(|(stream, _)| stream)
    }

    /// The stream of this name and the state that it is in, unless it is gone.
    #[must_use]
    pub fn find_with_status(&self, scope: Scope, name: &str) -> Option<(Arc<Stream>, StreamStatus)> {
        self.find_at(scope, name, self.clock.now_ms())
    }

    /// As [`Self::find_with_status`], at a time that the caller has read from the clock.
    #[must_use]
    pub fn find_at(&self, scope: Scope, name: &str, now_ms: u64) -> Option<(Arc<Stream>, StreamStatus)> {
        let namespaces = self.namespaces.load();
        let stream = namespaces.get(&scope)?.get(name)?;
        stream.catch_up(now_ms);
        stream.status(now_ms).map(|status| (Arc::clone(stream), status))
    }

    /// The streams of an account and region, by ascending name, with their states.
    #[must_use]
    pub fn list(&self, scope: Scope) -> Vec<(Arc<Stream>, StreamStatus)> {
        let now_ms = self.clock.now_ms();
        let mut streams = self.live(scope, now_ms);
        streams.sort_unstable_by(|(a, _), (b, _)| a.name().cmp(b.name()));
        streams
    }

    /// Every stream of every account and region, in no order, with their states.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<Stream>, StreamStatus)> {
        let namespaces = self.namespaces.load();
        let now_ms = self.clock.now_ms();
        namespaces.keys().flat_map(|scope| live(&namespaces, *scope, now_ms)).collect()
    }

    /// Creates a stream, which is CREATING for the transition time.
    ///
    /// # Errors
    /// The name is taken, or a quota would be passed.
    pub fn create(&self, new: NewStream) -> Result<Arc<Stream>, ControlError> {
        self.create_with_transition(new, self.settings.transitions.ms(Transition::CreateStream))
    }

    /// Creates a stream that is ACTIVE at once: one that the settings ask for at start.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_active(&self, new: NewStream) -> Result<Arc<Stream>, ControlError> {
        self.create_with_transition(new, 0)
    }

    /// Deletes a stream, which is DELETING for the transition time, as its consumers are then.
    ///
    /// # Errors
    /// There is no such stream, it is UPDATING or DELETING already, or it has consumers and those may not go with it.
    pub fn delete(&self, scope: Scope, name: &str, with_consumers: bool) -> Result<(), ControlError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.clock.now_ms();
        let (stream, status) = self.find_at(scope, name, now_ms).ok_or(ControlError::NotFound)?;
        if !matches!(status, StreamStatus::Creating | StreamStatus::Active) {
            return Err(ControlError::NotActive(status));
        }
        if !with_consumers && stream.consumers().live(now_ms).next().is_some() {
            return Err(ControlError::HasConsumers);
        }
        let gone_from_ms = now_ms.saturating_add(self.settings.transitions.ms(Transition::DeleteStream));
        stream.consumers.store(Arc::new(stream.consumers().all_deregistered(gone_from_ms)));
        stream.subscriptions().end_all(Ending::Deregistered);
        stream.delete_at(gone_from_ms);
        self.forget_gone(now_ms);
        Ok(())
    }

    /// Ends all subscriptions, since the server stops.
    pub fn end_subscriptions(&self) {
        for stream in self.namespaces.load().values().flat_map(|namespace| namespace.values()) {
            stream.subscriptions().end_all(Ending::ServerStops);
        }
    }

    /// What is set for whole accounts.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The quotas and times in force.
    #[must_use]
    pub const fn settings(&self) -> &ControlSettings {
        &self.settings
    }

    /// Carries out what is due on streams that nobody looks at, scales those on demand, and gives memory back: drops
    /// streams that are gone, and shards and records that have expired. Call it about once a second.
    pub async fn tidy_up(&self) {
        let now_ms = self.clock.now_ms();
        {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            self.forget_gone(now_ms);
        }
        let namespaces = self.namespaces.load_full();
        let mut looked_at = 0_usize;
        for stream in namespaces.values().flat_map(|namespace| namespace.values()) {
            stream.catch_up(now_ms);
            self.scale(stream, now_ms);
            stream.forget_expired(now_ms);
            stream.subscriptions().forget_ended(now_ms);
            for shard in stream.shard_map().shards() {
                let not_before_ms = shard.not_before_ms(now_ms);
                if shard.log().oldest_segment().is_some_and(|oldest| oldest.last_arrival_ms < not_before_ms) {
                    // A shard with a full mailbox is trimmed next time.
                    let _ = shard.submit(Command::Trim { not_before_ms });
                }
                looked_at += 1;
                if looked_at.is_multiple_of(TIDY_SHARDS_AT_ONCE) {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Waits until the memory ceiling is met, then trims the oldest segments of all shards until a little is free again:
    /// writers make room in their own shard only, and the oldest records may be elsewhere. `relief` is for the next call.
    pub async fn relieve_pressure(&self, relief: &mut Relief) {
        self.pool.pressure().await;
        let ceiling = self.pool.ceiling();
        if ceiling.policy == AtMemoryLimit::Throttle {
            return;
        }
        let wanted_bytes = ceiling.soft_bytes - ceiling.relief_bytes();
        // The time first: what comes to a shard while the others are looked at is younger.
        let look = || (self.clock.now_ms(), self.shards());
        relief.trim_oldest(&self.pool, wanted_bytes, look).await;
    }

    /// All shards of all streams.
    fn shards(&self) -> Vec<Arc<Shard>> {
        let namespaces = self.namespaces.load_full();
        let streams = namespaces.values().flat_map(|namespace| namespace.values());
        streams.flat_map(|stream| stream.shard_map().shards().to_vec()).collect()
    }

    fn create_with_transition(
        &self,
        new: NewStream,
        transition_ms: u64,
    ) -> Result<Arc<Stream>, ControlError> {
        let now_ms = self.clock.now_ms();
        self.check_creation(&new, now_ms)?;
        let scope = new.scope;
        let stream = Stream::new(Birth {
            arn: StreamArn { account: scope.account, region: scope.region, name: new.name.clone() },
            incarnation: self.next_incarnation(),
            created_ms: now_ms,
            active_from_ms: now_ms.saturating_add(transition_ms),
            shard_count: new.shard_count,
            settings: new.settings.clone(),
            attached: Attached { tags: new.tags.clone(), policy: None },
            context: self.new_context(),
        });
        // The shards were made before the lock, since there may be many; so the quotas are checked again.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_creation(&new, now_ms)?;
        self.change(scope, |namespace| {
            namespace.insert(new.name, Arc::clone(&stream));
        });
        Ok(stream)
    }

    /// What the shards of one stream share, with the usual retention.
    pub(super) fn new_context(&self) -> Arc<ShardContext> {
        let retention_ms = u64::from(RETENTION_HOURS_DEFAULT) * 3_600_000;
        ShardContext::new(Arc::clone(&self.pool), self.clock.clone(), Arc::clone(&self.tally), retention_ms)
    }

    /// A number for a stream that no other has.
    pub(super) fn next_incarnation(&self) -> u64 {
        // Relaxed: every stream gets a number of its own, in no order that matters.
        self.next_incarnation.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives streams their places, all at once. Only under `changing`.
    pub(super) fn place(&self, streams: Vec<Arc<Stream>>) {
        let newest = streams.iter().map(|stream| stream.incarnation).max().unwrap_or(0);
        self.next_incarnation.fetch_max(newest.saturating_add(1), Ordering::Relaxed);
        let mut namespaces = Namespaces::clone(&self.namespaces.load());
        for stream in streams {
            let namespace = namespaces.entry(stream.scope()).or_default();
            Arc::make_mut(namespace).insert(stream.name().clone(), stream);
        }
        self.namespaces.store(Arc::new(namespaces));
    }

    /// The streams of an account and region at this time, in no order, with their states.
    pub(super) fn live(&self, scope: Scope, now_ms: u64) -> Vec<(Arc<Stream>, StreamStatus)> {
        live(&self.namespaces.load(), scope, now_ms)
    }

    /// Replaces one namespace by a changed copy. Only under `changing`.
    fn change(&self, scope: Scope, change: impl FnOnce(&mut Namespace)) {
        let mut namespaces = Namespaces::clone(&self.namespaces.load());
        let mut namespace = namespaces.get(&scope).map_or_else(Namespace::default, |kept| (**kept).clone());
        change(&mut namespace);
        if namespace.is_empty() {
            namespaces.remove(&scope);
        } else {
            namespaces.insert(scope, Arc::new(namespace));
        }
        self.namespaces.store(Arc::new(namespaces));
    }

    /// Drops streams that are gone. Only under `changing`.
    fn forget_gone(&self, now_ms: u64) {
        let scopes: Vec<Scope> = {
            let namespaces = self.namespaces.load();
            let has_gone =
                |namespace: &Namespace| namespace.values().any(|stream| stream.status(now_ms).is_none());
            namespaces.iter().filter(|(_, namespace)| has_gone(namespace)).map(|(scope, _)| *scope).collect()
        };
        for scope in scopes {
            self.change(scope, |namespace| namespace.retain(|_, stream| stream.status(now_ms).is_some()));
        }
    }
}

fn live(namespaces: &Namespaces, scope: Scope, now_ms: u64) -> Vec<(Arc<Stream>, StreamStatus)> {
    let streams = namespaces.get(&scope).into_iter().flat_map(|namespace| namespace.values());
    let with_status = |stream: &Arc<Stream>| {
        stream.catch_up(now_ms);
        Some((Arc::clone(stream), stream.status(now_ms)?))
    };
    streams.filter_map(with_status).collect()
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::MovableClock;
    use crate::control::quotas::Usage;
    use crate::control::stream::StreamMode;
    use crate::names::{AccountId, Region};
    use crate::router;
    use crate::shard::batch::Records;

    const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };

    fn registry(shard_limit: Limit, transition_ms: u64) -> (Registry, MovableClock) {
        registry_with(shard_limit, transition_ms, Ceiling::NONE)
    }

    fn registry_with(shard_limit: Limit, transition_ms: u64, ceiling: Ceiling) -> (Registry, MovableClock) {
        let clock = MovableClock::new(1_700_000_000_000);
        let settings = ControlSettings {
            shard_limit,
            on_demand_stream_count_limit: Limit::At(1),
            transitions: Transitions::all(transition_ms),
            ceiling,
        };
        (Registry::new(settings, clock.clock(), Arc::default()), clock)
    }

    fn stream(name: &str, shard_count: u32) -> NewStream {
        NewStream {
            scope: HERE,
            name: StreamName::parse(name).unwrap(),
            shard_count,
            settings: StreamSettings::of(StreamMode::Provisioned),
            tags: Tags::default(),
        }
    }

    fn status(registry: &Registry, name: &str) -> Option<StreamStatus> {
        registry.find(HERE, name)?.status(registry.clock.now_ms())
    }

    /// Protects: a stream's life, to the millisecond, on the movable clock.
    #[test]
    fn a_streams_life() {
        let (registry, clock) = registry(Limit::Infinite, 500);
        registry.create(stream("s", 1)).unwrap();
        assert_eq!(status(&registry, "s"), Some(StreamStatus::Creating));
        clock.advance(Duration::from_millis(499));
        assert_eq!(status(&registry, "s"), Some(StreamStatus::Creating));
        clock.advance(Duration::from_millis(1));
        assert_eq!(status(&registry, "s"), Some(StreamStatus::Active));
        registry.delete(HERE, "s", false).unwrap();
        assert_eq!(status(&registry, "s"), Some(StreamStatus::Deleting));
        assert_eq!(registry.delete(HERE, "s", false), Err(ControlError::NotActive(StreamStatus::Deleting)));
        assert_eq!(registry.create(stream("s", 1)).err(), Some(ControlError::Exists));
        clock.advance(Duration::from_millis(500));
        assert_eq!(status(&registry, "s"), None);
        registry.create(stream("s", 1)).unwrap();
    }

    /// Protects: without transitions a stream is there and gone at once.
    #[test]
    fn no_transition_time_means_at_once() {
        let (registry, _) = registry(Limit::Infinite, 0);
        registry.create(stream("s", 1)).unwrap();
        assert_eq!(status(&registry, "s"), Some(StreamStatus::Active));
        registry.delete(HERE, "s", false).unwrap();
        assert_eq!(registry.delete(HERE, "s", false), Err(ControlError::NotFound));
        assert!(registry.namespaces.load().is_empty());
    }

    /// Protects: quotas count what is open in this account and region, and only there.
    #[test]
    fn quotas_hold_per_account_and_region() {
        let (registry, _) = registry(Limit::At(3), 0);
        registry.create(stream("a", 2)).unwrap();
        let refused = ControlError::ShardLimit { open: 2, limit: Limit::At(3), additional: 2 };
        assert_eq!(registry.create(stream("b", 2)).err(), Some(refused));
        let elsewhere = Scope { region: Region::parse("eu-west-1").unwrap(), ..HERE };
        registry.create(NewStream { scope: elsewhere, ..stream("b", 3) }).unwrap();
        let on_demand =
            |name| NewStream { settings: StreamSettings::of(StreamMode::OnDemand), ..stream(name, 4) };
        registry.create(on_demand("c")).unwrap();
        let refused = ControlError::OnDemandStreamLimit { limit: Limit::At(1) };
        assert_eq!(registry.create(on_demand("d")).err(), Some(refused));
        assert_eq!(registry.usage(HERE), Usage { open_shards: 2, on_demand_streams: 1 });
        registry.delete(HERE, "a", false).unwrap();
        registry.create(stream("b", 3)).unwrap();
    }

    /// Protects: a sixth stream cannot be CREATING at the same time.
    #[test]
    fn five_may_be_creating() {
        let (registry, clock) = registry(Limit::Infinite, 500);
        for name in ["a", "b", "c", "d", "e"] {
            registry.create(stream(name, 1)).unwrap();
        }
        assert_eq!(registry.create(stream("f", 1)).err(), Some(ControlError::CreatingLimit));
        clock.advance(Duration::from_millis(500));
        registry.create(stream("f", 1)).unwrap();
    }

    const SMALL: Ceiling =
        Ceiling { soft_bytes: 12 << 20, hard_bytes: 16 << 20, policy: AtMemoryLimit::Trim };

    /// Puts records of 10 KiB, all with one key, and tells how many were refused.
    async fn put(registry: &Registry, name: &str, key: &str, records: usize) -> usize {
        let map = registry.find(HERE, name).unwrap().shard_map();
        let mut refused = 0;
        for _ in 0..records / 50 {
            let mut collected = Records::take();
            for _ in 0..50 {
                collected.push(key, None, &[7; 10 << 10]).unwrap();
            }
            let batch = map.route(collected).unwrap();
            router::store(&batch).await;
            refused += batch.failed_count();
        }
        refused
    }

    fn held(registry: &Registry, name: &str) -> Vec<std::ops::Range<u64>> {
        let map = registry.find(HERE, name).unwrap().shard_map();
        map.shards().iter().map(|shard| shard.log().horizon()..shard.log().tip()).collect()
    }

    /// Protects: at the ceiling a busy shard takes everything and keeps the newest; memory stays below the hard mark.
    #[tokio::test]
    async fn a_busy_shard_recycles_its_own_memory() {
        let (registry, _) = registry_with(Limit::Infinite, 0, SMALL);
        registry.create(stream("s", 1)).unwrap();
        for _ in 0..10 {
            assert_eq!(put(&registry, "s", "k", 500).await, 0);
            assert!(registry.pool.held_bytes() <= SMALL.hard_bytes);
        }
        let kept = held(&registry, "s").remove(0);
        assert_eq!(kept.end, 5_000);
        assert!((500..1_500).contains(&(kept.end - kept.start)), "{kept:?}");
    }

    /// Protects: what an idle stream holds is given to a busy one once it is the oldest.
    #[tokio::test]
    async fn the_oldest_goes_first_wherever_it_is() {
        let (registry, clock) = registry_with(Limit::Infinite, 0, SMALL);
        let registry = Arc::new(registry);
        for name in ["idle", "busy"] {
            registry.create(stream(name, 1)).unwrap();
        }
        assert_eq!(put(&registry, "idle", "k", 900).await, 0);
        let mut relief = Relief::default();
        clock.advance(Duration::from_secs(1));
        for _ in 0..8 {
            assert_eq!(put(&registry, "busy", "k", 100).await, 0);
            let relieved =
                tokio::time::timeout(Duration::from_millis(1), registry.relieve_pressure(&mut relief));
            // Without pressure there is nothing to wait for.
            let _ = relieved.await;
        }
        let (idle, busy) = (held(&registry, "idle").remove(0), held(&registry, "busy").remove(0));
        assert_eq!((busy.start, busy.end), (0, 800), "the newer records are all there");
        assert!(idle.start > 0 && idle.end == 900, "{idle:?}");
        assert!(registry.pool.held_bytes() <= SMALL.hard_bytes);
    }

    /// Protects: where the policy is to throttle, nothing stored goes and what does not fit is refused as throttled.
    #[tokio::test]
    async fn throttling_keeps_what_is_stored() {
        let ceiling = Ceiling { policy: AtMemoryLimit::Throttle, ..SMALL };
        let (registry, _) = registry_with(Limit::Infinite, 0, ceiling);
        registry.create(stream("s", 1)).unwrap();
        let refused = put(&registry, "s", "k", 3_000).await;
        let kept = held(&registry, "s").remove(0);
        assert!(refused > 0);
        assert_eq!((kept.start, kept.end), (0, 3_000 - refused as u64));
    }
}
