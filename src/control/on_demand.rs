//! On-demand streams: what is written to their shards, and when the service splits and merges them (reference 11).
//!
//! By AWS's account such a stream takes twice the peak of its last 30 days, and a shard that takes half of what a shard
//! may, on average of a minute, is split in the middle. Which keys make it hot is not looked at: so that one hot key is
//! not split for ever, a stream gets no more than twice the shards that twice the peak needs. How a stream shrinks AWS
//! does not say: here neighbours are merged, half of the shards at a time, when there are more than that and the stream
//! has been looked at for 30 days.
//!
//! Nothing is counted where records are stored. Logs know how much was ever appended to them, and housekeeping looks at
//! that once a minute.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{
    ON_DEMAND_PEAK_DAYS, ON_DEMAND_SHARDS_INITIAL, ON_DEMAND_WINDOW_MS, ROLLING_DAY_MS,
    SHARD_WRITE_BYTES_PER_S, SHARD_WRITE_RECORDS_PER_S, UPDATED_SHARD_COUNT_MAX,
};
use crate::log::Appended;
use crate::names::ShardId;
use crate::router::ShardMap;
use crate::transitions::Transition;

use super::registry::Registry;
use super::reshard_plan::{Piece, Plan};
use super::stream::{Stream, StreamMode, StreamStatus};

/// What was written to one stream lately.
#[derive(Default)]
pub(super) struct Demand(Mutex<Looks>);

#[derive(Default)]
struct Looks {
    /// The first look since the stream is on demand, epoch milliseconds.
    since_ms: Option<u64>,
    /// What each open shard had taken at the beginning of the minute that is being looked at.
    window: Option<Window>,
    /// The peak of each day that counts, oldest first, by days since 1970.
    peaks: VecDeque<(u64, Rate)>,
}

struct Window {
    from_ms: u64,
    appended: HashMap<ShardId, Appended>,
}

/// What is written in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rate {
    bytes: u64,
    records: u64,
}

/// What is to be done about a stream.
#[derive(Debug, PartialEq, Eq)]
enum Scaling {
    /// These are hot.
    Split(HashSet<ShardId>),
    /// As few shards as this do.
    Merge(usize),
}

impl Registry {
    /// Looks at a stream, and starts to reshard it if it is on demand and that is due.
    pub(super) fn scale(&self, stream: &Arc<Stream>, now_ms: u64) {
        let settings = stream.settings(now_ms);
        if settings.mode == StreamMode::Provisioned {
            stream.demand.forget();
            return;
        }
        // What changes it now decides first.
        if stream.status(now_ms) != Some(StreamStatus::Active) {
            return;
        }
        let warm = settings.warm_throughput_mibps.unwrap_or_default();
        let Some(scaling) = stream.demand.look(&stream.shard_map(), warm.into(), now_ms) else { return };
        let resharded = self.reshard_any(
            stream.scope(),
            stream.name().as_str(),
            Transition::UpdateShardCount,
            |change, now_ms| {
                // Between the look and this it may have been changed, or be another stream.
                let is_meant = Arc::ptr_eq(&change.stream, stream)
                    && stream.settings(now_ms).mode == StreamMode::OnDemand;
                Ok(scaling.plan(&change.open(), change.next_index()).filter(|_| is_meant))
            },
        );
        if let Err(error) = resharded {
            tracing::debug!(stream = %stream.arn, %error, "not scaled");
        }
    }
}

impl Demand {
    fn forget(&self) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.since_ms.is_some() {
            *looks = Looks::default();
        }
    }

    /// What is to be done, once a minute is over. `warm` is the number of shards that were asked for in advance.
    fn look(&self, map: &ShardMap, warm: u64, now_ms: u64) -> Option<Scaling> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since_ms = *looks.since_ms.get_or_insert(now_ms);
        let is_over = |window: &Window| now_ms >= window.from_ms.saturating_add(ON_DEMAND_WINDOW_MS);
        if looks.window.as_ref().is_some_and(|window| !is_over(window)) {
            return None;
        }
        let past = looks.window.replace(Window::new(map, now_ms))?;
        let rates = past.rates(map, now_ms);
        let total = rates.iter().fold(Rate::default(), |sum, (_, rate)| sum.plus(*rate));
        let peak = looks.note(total, now_ms);
        let needed = peak.plus(peak).shards().max(ON_DEMAND_SHARDS_INITIAL.into()).max(warm);
        let scaling = Scaling::of(&rates, needed, now_ms.saturating_sub(since_ms))?;
        // The shards that follow are looked at from their beginning on.
        looks.window = None;
        Some(scaling)
    }
}

impl Looks {
    /// Takes a minute's rate down, and gives the peak of all days that count.
    fn note(&mut self, rate: Rate, now_ms: u64) -> Rate {
        let today = now_ms / ROLLING_DAY_MS;
        match self.peaks.back_mut() {
            Some((day, peak)) if *day == today => *peak = peak.max(rate),
            _ => self.peaks.push_back((today, rate)),
        }
        self.peaks.retain(|(day, _)| day + ON_DEMAND_PEAK_DAYS > today);
        self.peaks.iter().fold(Rate::default(), |peak, (_, rate)| peak.max(*rate))
    }
}

impl Window {
    fn new(map: &ShardMap, now_ms: u64) -> Self {
        let appended = map.open().iter().map(|shard| (shard.id, shard.log().appended())).collect();
        Self { from_ms: now_ms, appended }
    }

    /// What each shard that is open now took per second since then.
    fn rates(&self, map: &ShardMap, now_ms: u64) -> Vec<(ShardId, Rate)> {
        let elapsed_ms = now_ms.saturating_sub(self.from_ms).max(1);
        let per_s = |count: u64| count.saturating_mul(1000) / elapsed_ms;
        let rate = |id: ShardId, now: Appended| {
            let before = self.appended.get(&id).copied().unwrap_or_default();
            // Less than before: the log was empty in between.
            let bytes = now.bytes.checked_sub(before.bytes).unwrap_or(now.bytes);
            Rate { bytes: per_s(bytes), records: per_s(now.records.saturating_sub(before.records)) }
        };
        map.open().iter().map(|shard| (shard.id, rate(shard.id, shard.log().appended()))).collect()
    }
}

impl Rate {
    const fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, records: self.records + other.records }
    }

    fn max(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), records: self.records.max(other.records) }
    }

    /// Shards that take so much.
    fn shards(self) -> u64 {
        self.bytes.div_ceil(SHARD_WRITE_BYTES_PER_S).max(self.records.div_ceil(SHARD_WRITE_RECORDS_PER_S))
    }

    /// How much it is of what a shard may take, in thousandths.
    fn load(self) -> u64 {
        (self.bytes * 1000 / SHARD_WRITE_BYTES_PER_S).max(self.records * 1000 / SHARD_WRITE_RECORDS_PER_S)
    }
}

impl Scaling {
    /// What is to be done about shards that take so much, where `needed` are needed for twice the peak.
    fn of(rates: &[(ShardId, Rate)], needed: u64, looked_at_ms: u64) -> Option<Self> {
        let open = rates.len();
        let most =
            usize::try_from(needed.saturating_mul(2)).unwrap_or(usize::MAX).min(UPDATED_SHARD_COUNT_MAX);
        let mut hot: Vec<_> = rates.iter().map(|(id, rate)| (rate.load(), *id)).collect();
        hot.retain(|(load, _)| *load >= 500);
        hot.sort_unstable_by(|a, b| b.cmp(a));
        hot.truncate(most.saturating_sub(open));
        if !hot.is_empty() {
            return Some(Self::Split(hot.into_iter().map(|(_, id)| id).collect()));
        }
        let is_known = looked_at_ms >= ON_DEMAND_PEAK_DAYS * ROLLING_DAY_MS;
        (is_known && open > most).then(|| Self::Merge(most.max(open.div_ceil(2))))
    }

    /// How to do it, and the open shards that it leaves; `None` if nothing is left to be done.
    fn plan(&self, open: &[Piece], next_index: u32) -> Option<(Plan, usize)> {
        let plan = match self {
            Self::Split(hot) => {
                let hot: Vec<_> = open.iter().filter(|(id, _)| hot.contains(id)).copied().collect();
                Plan::halves(&hot, next_index)?
            }
            Self::Merge(target) if *target < open.len() => Plan::to_count(open, *target, next_index)?,
            Self::Merge(_) => return None,
        };
        let left = plan.outcome(open).len();
        (left != open.len()).then_some((plan, left))
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
#[path = "on_demand_tests.rs"]
mod tests;
