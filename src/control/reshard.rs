//! Resharding: splits, merges and new shard counts, from the request to the new shard map.
//!
//! A request makes a plan and sets when it is due; until then the stream is UPDATING, its shards are what they were,
//! and they take writes. Whoever looks at the stream first after that (any request, or housekeeping if there is none)
//! carries the plan out, and one of them only:
//!
//! 1. Every shard that is to be closed is sealed, by a command among its appends. What an append then gives back waits
//!    for the new map ([`ShardMaps`](crate::router::ShardMaps)).
//! 2. Whoever seals the last of them makes the children and replaces the map: nobody sees one without the other.
//! 3. The stream is ACTIVE.
//!
//! When a plan is carried out does not show: shards are closed at the time that it was due, unless a put that had found
//! the stream before then was stored later. Children are created a second after their parents were closed, as on AWS
//! (reference 5.4), so that every number and every arrival in them is above those of the parents.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{Limit, SHARD_COUNT_UPDATES_PER_DAY_MAX, UPDATED_SHARD_COUNT_MAX};
use crate::names::{HashKey, HashKeyRange, ShardId};
use crate::router::{ClosedShard, Parents, ShardMap};
use crate::shard::seal::Seal;
use crate::shard::{Shard, ShardContext};
use crate::transitions::Transition;

use super::registry::{ControlError, Registry};
use super::reshard_plan::{Piece, Plan, may_split};
use super::rolling_day::DailyQuota;
use super::stream::{Scope, Stream, StreamMode, StreamStatus};

/// Why a stream cannot be resharded so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReshardError {
    /// The stream is missing or in another state, or the account's shard quota would be passed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The service itself shards the stream.
    #[error("the stream is on demand")]
    OnDemand,
    /// The stream has no such shard.
    #[error("no such shard: {0}")]
    NoShard(ShardId),
    /// The shard has been split or merged already.
    #[error("{0} is closed")]
    Closed(ShardId),
    /// The new starting hash key does not leave two keys on either side.
    #[error("{0} cannot be split there")]
    BadSplit(HashKeyRange),
    /// The two shards' ranges do not meet.
    #[error("the shards are not neighbours")]
    NotAdjacent,
    /// More than twice as many shards.
    #[error("more than twice the {open} open shards")]
    AboveDouble {
        /// Open shards now.
        open: usize,
    },
    /// Less than half as many shards.
    #[error("less than half the {open} open shards")]
    BelowHalf {
        /// Open shards now.
        open: usize,
    },
    /// More shards than UpdateShardCount makes.
    #[error("more than {UPDATED_SHARD_COUNT_MAX} shards")]
    AboveMax,
    /// The shard count was updated as often as it may be within a day.
    #[error("the shard count was updated {SHARD_COUNT_UPDATES_PER_DAY_MAX} times within 24 hours")]
    TooOften,
    /// Too many of the shards have too few keys to be split, or no id is left for new ones.
    #[error("the shards cannot be split any further")]
    TooNarrow,
}

/// No plan.
const IDLE: u64 = u64::MAX;
/// A plan is being carried out. Not due, ever.
const SEALING: u64 = u64::MAX - 1;

/// The plan of a stream, if it has one.
pub(super) struct Resharding {
    /// When the plan is to be carried out, epoch milliseconds; or [`IDLE`], or [`SEALING`].
    due_ms: AtomicU64,
    /// Open shards once it has been carried out; or what the last one left.
    planned_open: AtomicU64,
    /// What the plan is, until it has been carried out.
    plan: Mutex<Arc<Plan>>,
}

impl Default for Resharding {
    fn default() -> Self {
        Self { due_ms: AtomicU64::new(IDLE), planned_open: AtomicU64::new(0), plan: Mutex::default() }
    }
}

/// A plan that is not carried out yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// When it is due, epoch milliseconds.
    pub due_ms: u64,
    /// Open shards once it is carried out.
    pub planned_open: u64,
    /// What becomes of which shard.
    pub plan: Plan,
}

impl Resharding {
    /// Whether there is a plan that has not been carried out.
    pub(super) fn is_under_way(&self) -> bool {
        // Acquire: who sees that it has, sees the new map.
        self.due_ms.load(Ordering::Acquire) != IDLE
    }

    /// Makes a plan known. Only if none is under way, and under the registry's lock.
    fn start(&self, plan: Plan, due_ms: u64, planned_open: u64) {
        self.set_plan(plan);
        self.planned_open.store(planned_open, Ordering::Relaxed);
        // Release: who finds it due finds the plan.
        self.due_ms.store(due_ms.min(SEALING - 1), Ordering::Release);
    }

    /// The plan and when it was due, if it is now: for one caller only.
    pub(super) fn take_due(&self, now_ms: u64) -> Option<(Arc<Plan>, u64)> {
        let due_ms = self.due_ms.load(Ordering::Relaxed);
        // Acquire: pairs with the Release in `start`.
        let is_mine = due_ms <= now_ms
            && self.due_ms.compare_exchange(due_ms, SEALING, Ordering::Acquire, Ordering::Relaxed).is_ok();
        is_mine.then(|| (self.plan(), due_ms))
    }

    /// Never locked for longer than a pointer takes to be copied.
    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_plan(&self, plan: Plan) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
    }

    /// The plan that is not carried out yet, when it is due and how many shards it leaves open; with the shard map
    /// that it is a plan for. Only under the registry's lock. Waits for nobody: shards may be sealed by a task of a
    /// worker that waits for that lock.
    pub(super) fn pending(&self, map: impl Fn() -> Arc<ShardMap>) -> (Arc<ShardMap>, Option<Pending>) {
        loop {
            // Acquire: pairs with the Release in `start` and in `finish`.
            let due_ms = self.due_ms.load(Ordering::Acquire);
            // The map after the plan: it goes in the opposite order.
            let (plan, map) = (self.plan(), map());
            // Plans start under the lock. So this one can only have gone on, from due to being carried out to done.
            if self.due_ms.load(Ordering::Acquire) != due_ms {
                continue;
            }
            // Until its map is there it might as well not have begun; it has been due, whenever that was.
            let is_pending = due_ms != IDLE && !(due_ms == SEALING && plan.is_carried_out(&map));
            let pending = is_pending.then(|| Pending {
                due_ms: if due_ms == SEALING { 0 } else { due_ms },
                planned_open: self.planned_open.load(Ordering::Relaxed),
                plan: Plan::clone(&plan),
            });
            return (map, pending);
        }
    }

    /// With this plan under way.
    pub(super) fn of(pending: Option<Pending>) -> Self {
        let resharding = Self::default();
        if let Some(Pending { due_ms, planned_open, plan }) = pending {
            resharding.start(plan, due_ms, planned_open);
        }
        resharding
    }

    fn finish(&self) {
        self.set_plan(Plan::default());
        // Release: after the map.
        self.due_ms.store(IDLE, Ordering::Release);
    }
}

impl Stream {
    /// Open shards, or as many as there will be if that is more: what counts against the account's quota.
    pub(super) fn claimed_shards(&self) -> u64 {
        // Relaxed: written under the registry's lock, as this is read.
        (self.shard_map().open_count() as u64).max(self.resharding.planned_open.load(Ordering::Relaxed))
    }

    /// Carries out a plan that is due. Called on every look at the stream.
    #[inline]
    pub(super) fn catch_up(self: &Arc<Self>, now_ms: u64) {
        // Relaxed: whoever is first takes it with Acquire.
        if now_ms >= self.resharding.due_ms.load(Ordering::Relaxed) {
            self.reshard(now_ms);
        }
    }

    #[cold]
    fn reshard(self: &Arc<Self>, now_ms: u64) {
        let Some((plan, due_ms)) = self.resharding.take_due(now_ms) else { return };
        let map = self.shard_map();
        let parents: HashSet<_> = plan.rounds.iter().flatten().flat_map(|step| &step.parents).collect();
        // What one round makes and a later one closes is not there yet, and never takes a record.
        let parents: Vec<_> = parents.into_iter().filter_map(|id| map.shard(*id)).cloned().collect();
        let stream = Arc::clone(self);
        let watched = parents.clone();
        Seal::shards(&parents, move |last_arrival_ms| {
            let closed_ms = due_ms.max(last_arrival_ms);
            let carried_out = CarriedOut::new(&plan, &stream.shard_map(), closed_ms, stream.context());
            stream.shard_maps().replace(|map| map.resharded(&carried_out.added, &carried_out.closed));
            stream.resharding.finish();
            for shard in &watched {
                shard.notify_watchers();
            }
        });
    }

    /// Drops closed shards of which all they held has expired.
    pub(super) fn forget_expired(&self, now_ms: u64) {
        let horizon_ms = self.horizon_ms(now_ms);
        if self.shard_map().has_expired(horizon_ms) {
            self.shard_maps().replace(|map| map.without_expired(horizon_ms));
        }
    }
}

impl Plan {
    /// Whether the map is the one after it: all its shards are closed at once.
    fn is_carried_out(&self, map: &ShardMap) -> bool {
        let first = self.rounds.iter().flatten().flat_map(|step| &step.parents).next();
        first.is_none_or(|parent| map.is_closed(*parent))
    }
}

/// What a plan comes to: shards to be added to the map, by ascending index, and shards to be closed in it.
struct CarriedOut {
    added: Vec<(Arc<Shard>, Parents)>,
    closed: Vec<ClosedShard>,
}

impl CarriedOut {
    /// The first round closes its shards at `closed_ms`, and each later one a second after the one before, when there
    /// is something to be closed.
    fn new(plan: &Plan, map: &ShardMap, closed_ms: u64, context: &Arc<ShardContext>) -> Self {
        let mut carried_out = Self { added: Vec::new(), closed: Vec::new() };
        for (closed_s, steps) in (closed_ms / 1000..).zip(&plan.rounds) {
            for step in steps {
                let Some((first, rest)) = step.parents.split_first() else { continue };
                let parents = Parents::new(*first, rest.first().copied());
                let child = |(id, range): &Piece| Shard::new(*id, *range, closed_s + 1, Arc::clone(context));
                let children: smallvec::SmallVec<[_; 2]> = step.children.iter().map(child).collect();
                carried_out.added.extend(children.iter().map(|child| (Arc::clone(child), parents)));
                for parent in &step.parents {
                    let children = children.clone();
                    carried_out.closed.push(ClosedShard { id: *parent, closed_s, children });
                }
            }
        }
        let newest = map.shards().last().map(|shard| shard.id);
        debug_assert!(newest < carried_out.added.first().map(|(shard, _)| shard.id));
        debug_assert!(carried_out.added.is_sorted_by_key(|(shard, _)| shard.id));
        carried_out
    }
}

/// A stream about to be resharded, under the registry's lock.
pub(super) struct Change {
    pub(super) stream: Arc<Stream>,
    pub(super) map: Arc<ShardMap>,
}

impl Registry {
    /// Splits a shard before the key `at`; `None` is a key past the last one there is.
    ///
    /// # Errors
    /// In this order: the stream is missing, not ACTIVE, or on demand; the shard is missing or closed; the quota; the
    /// key.
    pub fn split_shard(
        &self,
        scope: Scope,
        name: &str,
        shard: ShardId,
        at: Option<HashKey>,
    ) -> Result<(), ReshardError> {
        self.reshard(scope, name, Transition::SplitShard, |change, now_ms| {
            let (id, range) = change.listed(shard, now_ms)?;
            change.check_open(shard)?;
            self.check_added(scope, 1, now_ms)?;
            let at = at.filter(|at| may_split(range, *at)).ok_or(ReshardError::BadSplit(range))?;
            let plan = Plan::split((id, range), at, change.next_index()).ok_or(ReshardError::TooNarrow)?;
            Ok(Some((plan, change.map.open_count() + 1)))
        })
    }

    /// Merges two shards whose ranges meet, in whichever order.
    ///
    /// # Errors
    /// In this order: the stream is missing, not ACTIVE, or on demand; a shard is missing; they are no neighbours; one
    /// is closed.
    pub fn merge_shards(
        &self,
        scope: Scope,
        name: &str,
        shard: ShardId,
        adjacent: ShardId,
    ) -> Result<(), ReshardError> {
        self.reshard(scope, name, Transition::MergeShards, |change, now_ms| {
            let [one, other] = [change.listed(shard, now_ms)?, change.listed(adjacent, now_ms)?];
            if !meets(one.1, other.1) && !meets(other.1, one.1) {
                return Err(ReshardError::NotAdjacent);
            }
            change.check_open(shard)?;
            change.check_open(adjacent)?;
            let plan = Plan::merge(one, other, change.next_index()).ok_or(ReshardError::TooNarrow)?;
            Ok(Some((plan, change.map.open_count() - 1)))
        })
    }

    /// Splits and merges until there are `target` open shards; says how many there are now. Nothing happens if it is
    /// the same number.
    ///
    /// # Errors
    /// In this order: the stream is missing, not ACTIVE, or on demand; the daily quota; more than twice or less than
    /// half as many shards, or more than there may be; the account's quota; shards too narrow to be split.
    pub fn update_shard_count(&self, scope: Scope, name: &str, target: usize) -> Result<usize, ReshardError> {
        let mut current = 0;
        self.reshard(scope, name, Transition::UpdateShardCount, |change, now_ms| {
            let pieces = change.open();
            let open = pieces.len();
            current = open;
            if target == open {
                return Ok(None);
            }
            if !change.stream.daily_use.allows(DailyQuota::ShardCountUpdates, now_ms) {
                return Err(ReshardError::TooOften);
            }
            if target > open.saturating_mul(2) {
                return Err(ReshardError::AboveDouble { open });
            }
            if target.saturating_mul(2) < open {
                return Err(ReshardError::BelowHalf { open });
            }
            if target > UPDATED_SHARD_COUNT_MAX {
                return Err(ReshardError::AboveMax);
            }
            let added = target.saturating_sub(open) as u64;
            self.check_added(scope, added, now_ms)?;
            let plan = Plan::to_count(&pieces, target, change.next_index()).ok_or(ReshardError::TooNarrow)?;
            change.stream.daily_use.note(DailyQuota::ShardCountUpdates, now_ms);
            Ok(Some((plan, target)))
        })?;
        Ok(current)
    }

    /// Starts what `plan` says on a stream that is ACTIVE and provisioned.
    fn reshard(
        &self,
        scope: Scope,
        name: &str,
        transition: Transition,
        plan: impl FnOnce(&Change, u64) -> Result<Option<(Plan, usize)>, ReshardError>,
    ) -> Result<(), ReshardError> {
        self.reshard_any(scope, name, transition, |change, now_ms| {
            if change.stream.settings(now_ms).mode == StreamMode::OnDemand {
                return Err(ReshardError::OnDemand);
            }
            plan(change, now_ms)
        })
    }

    /// Starts what `plan` says, which comes with the open shards that it leaves, on a stream that is ACTIVE. It is due
    /// after the time of this transition.
    pub(super) fn reshard_any(
        &self,
        scope: Scope,
        name: &str,
        transition: Transition,
        plan: impl FnOnce(&Change, u64) -> Result<Option<(Plan, usize)>, ReshardError>,
    ) -> Result<(), ReshardError> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.clock.now_ms();
        let (stream, status) = self.find_at(scope, name, now_ms).ok_or(ControlError::NotFound)?;
        if status != StreamStatus::Active {
            return Err(ControlError::NotActive(status).into());
        }
        let change = Change { map: stream.shard_map(), stream };
        if let Some((plan, planned_open)) = plan(&change, now_ms)? {
            let due_ms = now_ms.saturating_add(self.settings().transitions.ms(transition));
            change.stream.resharding.start(plan, due_ms, planned_open as u64);
        }
        drop(changing);
        // Without transition time it is due at once.
        change.stream.catch_up(now_ms);
        Ok(())
    }

    /// Checks that the account may have so many more open shards.
    fn check_added(&self, scope: Scope, additional: u64, now_ms: u64) -> Result<(), ControlError> {
        let limit = self.settings().shard_limit;
        if additional == 0 || limit == Limit::Infinite {
            return Ok(());
        }
        let open = self.claimed_shards(scope, now_ms);
        if limit.allows(open + additional) {
            return Ok(());
        }
        Err(ControlError::ShardLimit { open, limit, additional })
    }
}

impl Change {
    /// A shard that listings show.
    fn listed(&self, shard: ShardId, now_ms: u64) -> Result<Piece, ReshardError> {
        let listed = self.map.find(shard, self.stream.horizon_ms(now_ms));
        listed.map(|listed| (shard, listed.shard.range)).ok_or(ReshardError::NoShard(shard))
    }

    /// The open shards, by ascending range.
    pub(super) fn open(&self) -> Vec<Piece> {
        self.map.open().iter().map(|shard| (shard.id, shard.range)).collect()
    }

    fn check_open(&self, shard: ShardId) -> Result<(), ReshardError> {
        if self.map.is_closed(shard) { Err(ReshardError::Closed(shard)) } else { Ok(()) }
    }

    /// The index of the next shard. The newest one is open, so it is in the map.
    pub(super) fn next_index(&self) -> u32 {
        self.map.shards().last().map_or(0, |newest| newest.id.index() + 1)
    }
}

/// Whether the second range begins where the first one ends.
fn meets(first: HashKeyRange, second: HashKeyRange) -> bool {
    first.end.0.checked_add(1) == Some(second.start.0)
}
