//! One stream: what Describe tells of it, who owns its hash keys, and its way from CREATING to gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::names::{AccountId, HashKeyRange, Region, ShardId, StreamArn, StreamName};
use crate::router::{ShardMap, ShardMaps};
use crate::shard::{Shard, ShardContext};

use super::attached::Attached;
use super::consumers::Consumers;
use super::on_demand::Demand;
use super::reshard::Resharding;
use super::rolling_day::DailyUse;
use super::saved::SavedStream;
use super::settings::{Plan, StreamSettings};
use super::subscriptions::Subscriptions;

/// Where a stream's name is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// Who provides capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamMode {
    /// The user says how many shards.
    Provisioned,
    /// The service does.
    OnDemand,
}

impl StreamMode {
    /// AWS's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }

    /// What AWS calls so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Provisioned, Self::OnDemand].into_iter().find(|known| known.name() == name)
    }
}

/// Where a stream is in its life (reference 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Named, without visible shards; takes neither puts nor gets.
    Creating,
    /// Takes everything.
    Active,
    /// Takes puts and gets, and no other change before the one under way is done.
    Updating,
    /// About to go; still readable and writable.
    Deleting,
}

impl StreamStatus {
    /// AWS's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// A stream and all it holds.
pub struct Stream {
    /// Its name, account and region.
    pub arn: StreamArn,
    /// Tells it from an earlier or later stream of the same name.
    pub incarnation: u64,
    /// When CreateStream was called, epoch milliseconds.
    pub created_ms: u64,
    active_from_ms: u64,
    /// The end of the last change that takes time; 0 before the first.
    updating_until_ms: AtomicU64,
    /// `u64::MAX` until DeleteStream.
    gone_from_ms: AtomicU64,
    context: Arc<ShardContext>,
    shards: ShardMaps,
    pub(super) resharding: Resharding,
    // Changed only under the registry's lock.
    pub(super) plan: ArcSwap<Plan>,
    pub(super) attached: ArcSwap<Attached>,
    pub(super) consumers: ArcSwap<Consumers>,
    pub(super) daily_use: DailyUse,
    /// What is written to it, while it is on demand. For housekeeping alone.
    pub(super) demand: Demand,
    subscriptions: Subscriptions,
}

/// When a stream's states begin and end, epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// CREATING.
    pub created_ms: u64,
    /// ACTIVE.
    pub active_from_ms: u64,
    /// The end of UPDATING; 0 before the first change that takes time.
    pub updating_until_ms: u64,
    /// The end of DELETING; `u64::MAX` until DeleteStream.
    pub gone_from_ms: u64,
}

/// What a stream is made of; see the fields of [`Stream`].
pub(super) struct Birth {
    pub(super) arn: StreamArn,
    pub(super) incarnation: u64,
    pub(super) created_ms: u64,
    pub(super) active_from_ms: u64,
    pub(super) shard_count: u32,
    pub(super) settings: StreamSettings,
    pub(super) attached: Attached,
    pub(super) context: Arc<ShardContext>,
}

impl Stream {
    pub(super) fn new(birth: Birth) -> Arc<Self> {
        let created_s = birth.created_ms / 1000;
        let ranges = HashKeyRange::WHOLE.split_evenly(birth.shard_count);
        let shards = (0..).zip(ranges).filter_map(|(index, range)| {
            Some(Shard::new(ShardId::new(index)?, range, created_s, Arc::clone(&birth.context)))
        });
        Arc::new(Self {
            shards: ShardMaps::new(ShardMap::new(shards.collect())),
            resharding: Resharding::default(),
            arn: birth.arn,
            incarnation: birth.incarnation,
            created_ms: birth.created_ms,
            plan: ArcSwap::from_pointee(Plan::new(birth.settings)),
            attached: ArcSwap::from_pointee(birth.attached),
            consumers: ArcSwap::default(),
            daily_use: DailyUse::default(),
            demand: Demand::default(),
            subscriptions: Subscriptions::default(),
            active_from_ms: birth.active_from_ms,
            updating_until_ms: AtomicU64::new(0),
            gone_from_ms: AtomicU64::new(u64::MAX),
            context: birth.context,
        })
    }

    /// A stream as it was, with these shards.
    pub(super) fn loaded(saved: SavedStream, map: ShardMap, context: Arc<ShardContext>) -> Arc<Self> {
        let life = saved.life;
        Arc::new(Self {
            shards: ShardMaps::new(map),
            resharding: Resharding::of(saved.resharding),
            arn: saved.arn,
            incarnation: saved.incarnation,
            created_ms: life.created_ms,
            plan: ArcSwap::from(saved.plan),
            attached: ArcSwap::from(saved.attached),
            consumers: ArcSwap::from_pointee(Consumers::of(saved.consumers)),
            daily_use: DailyUse::of(saved.daily_use),
            demand: Demand::default(),
            subscriptions: Subscriptions::default(),
            active_from_ms: life.active_from_ms,
            updating_until_ms: AtomicU64::new(life.updating_until_ms),
            gone_from_ms: AtomicU64::new(life.gone_from_ms),
            context,
        })
    }

    /// When its states begin and end.
    pub(super) fn life(&self) -> Life {
        Life {
            created_ms: self.created_ms,
            active_from_ms: self.active_from_ms,
            updating_until_ms: self.updating_until_ms.load(Ordering::Relaxed),
            gone_from_ms: self.gone_from_ms.load(Ordering::Relaxed),
        }
    }

    /// The stream's name.
    #[must_use]
    pub const fn name(&self) -> &StreamName {
        &self.arn.name
    }

    /// Its account and region.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        Scope { account: self.arn.account, region: self.arn.region }
    }

    /// Its state now; `None` once it is gone.
    #[must_use]
    pub fn status(&self, now_ms: u64) -> Option<StreamStatus> {
        // Relaxed: each number stands for itself.
        let gone_from_ms = self.gone_from_ms.load(Ordering::Relaxed);
        if now_ms >= gone_from_ms {
            None
        } else if gone_from_ms != u64::MAX {
            Some(StreamStatus::Deleting)
        } else if now_ms < self.active_from_ms {
            Some(StreamStatus::Creating)
        } else if self.resharding.is_under_way() || now_ms < self.updating_until_ms.load(Ordering::Relaxed) {
            Some(StreamStatus::Updating)
        } else {
            Some(StreamStatus::Active)
        }
    }

    /// Who owns which hash keys now.
    #[must_use]
    pub fn shard_map(&self) -> Arc<ShardMap> {
        self.shards.load()
    }

    /// The same, for puts and for whoever changes it.
    #[must_use]
    pub const fn shard_maps(&self) -> &ShardMaps {
        &self.shards
    }

    /// Records that arrived before this have expired, in epoch milliseconds.
    #[must_use]
    pub fn horizon_ms(&self, now_ms: u64) -> u64 {
        self.context.not_before_ms(now_ms)
    }

    /// What can be changed of it, over time.
    #[must_use]
    pub fn plan(&self) -> Guard<Arc<Plan>> {
        self.plan.load()
    }

    /// What can be changed of it, as it is in force now.
    #[must_use]
    pub fn settings(&self, now_ms: u64) -> Arc<StreamSettings> {
        Arc::clone(self.plan().at(now_ms))
    }

    /// Its tags and its policy.
    #[must_use]
    pub fn attached(&self) -> Guard<Arc<Attached>> {
        self.attached.load()
    }

    /// Its consumers.
    #[must_use]
    pub fn consumers(&self) -> Arc<Consumers> {
        self.consumers.load_full()
    }

    /// Who is subscribed to its shards.
    #[must_use]
    pub const fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// How long records are kept, in hours.
    #[must_use]
    pub fn retention_hours(&self) -> u64 {
        self.context.retention_ms() / 3_600_000
    }

    /// What its shards share.
    pub(super) const fn context(&self) -> &Arc<ShardContext> {
        &self.context
    }

    /// How long records are kept from now on, in hours.
    pub(super) fn retain_hours(&self, hours: u64, now_ms: u64) {
        self.context.retain_ms(hours * 3_600_000, now_ms);
    }

    pub(super) fn update_until(&self, updating_until_ms: u64) {
        self.updating_until_ms.store(updating_until_ms, Ordering::Relaxed);
    }

    pub(super) fn delete_at(&self, gone_from_ms: u64) {
        self.gone_from_ms.store(gone_from_ms, Ordering::Relaxed);
    }
}
