//! Changes of a stream that is there: one at a time, each on a stream in the state that it needs.
//!
//! A [`StreamChange`] holds the registry's lock, so what its holder has looked at stays true until it is done. It is
//! held for a few microseconds, never across an await, and no put or get waits for it.

use std::sync::{Arc, MutexGuard, PoisonError};

use crate::limits::{ADVANTAGE_CONSUMERS_MAX, STREAM_CONSUMERS_MAX};
use crate::names::ConsumerName;
use crate::transitions::Transition;

use super::attached::Attached;
use super::consumers::{Consumer, RegisterError};
use super::registry::{ControlError, Registry};
use super::rolling_day::DailyQuota;
use super::settings::StreamSettings;
use super::stream::{Scope, Stream, StreamMode, StreamStatus};

/// In which states a stream may be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// ACTIVE only.
    Active,
    /// ACTIVE or UPDATING: what is changed has nothing to do with what is under way.
    Settled,
    /// Any.
    Existence,
}

impl Needs {
    const fn are_met_by(self, status: StreamStatus) -> bool {
        match status {
            StreamStatus::Active => true,
            StreamStatus::Updating => matches!(self, Self::Settled | Self::Existence),
            StreamStatus::Creating | StreamStatus::Deleting => matches!(self, Self::Existence),
        }
    }
}

/// A stream that is being changed, by nobody else at the same time.
pub struct StreamChange<'r> {
    registry: &'r Registry,
    stream: Arc<Stream>,
    now_ms: u64,
    _changing: MutexGuard<'r, ()>,
}

impl Registry {
    /// Begins to change a stream.
    ///
    /// # Errors
    /// There is no such stream, or it is in another state than the change needs.
    pub fn begin_change(
        &self,
        scope: Scope,
        name: &str,
        needs: Needs,
    ) -> Result<StreamChange<'_>, ControlError> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.clock.now_ms();
        let (stream, status) = self.find_at(scope, name, now_ms).ok_or(ControlError::NotFound)?;
        if !needs.are_met_by(status) {
            return Err(ControlError::NotActive(status));
        }
        Ok(StreamChange { registry: self, stream, now_ms, _changing: changing })
    }
}

impl StreamChange<'_> {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The time of the change, epoch milliseconds.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<StreamSettings> {
        self.stream.settings(self.now_ms)
    }

    /// Puts settings in force at once.
    pub fn apply(&self, settings: StreamSettings) {
        self.change_plan(settings, self.now_ms);
    }

    /// Puts settings in force after the time of this transition; until then the stream is UPDATING.
    pub fn update(&self, settings: StreamSettings, transition: Transition) {
        let from_ms = self.end_ms(transition);
        self.change_plan(settings, from_ms);
        self.stream.update_until(from_ms);
    }

    fn change_plan(&self, settings: StreamSettings, from_ms: u64) {
        let plan = self.stream.plan().changed(settings, self.now_ms, from_ms);
        self.stream.plan.store(Arc::new(plan));
    }

    /// Keeps records for so many hours from now on.
    pub fn retain_hours(&self, hours: u64) {
        self.stream.retain_hours(hours, self.now_ms);
    }

    /// Checks that the stream may change to this mode: a quota of the account counts what it would then use.
    ///
    /// # Errors
    /// A quota would be passed.
    pub fn check_mode(&self, mode: StreamMode) -> Result<(), ControlError> {
        let added = self.stream.shard_map().open_count() as u64;
        self.registry.check_capacity(self.stream.scope(), mode, added, self.now_ms)
    }

    /// Takes one of the times that something may be done within a day.
    ///
    /// # Errors
    /// The quota, if it is used up.
    pub fn take_daily(&self, quota: DailyQuota) -> Result<(), DailyQuota> {
        if !self.stream.daily_use.allows(quota, self.now_ms) {
            return Err(quota);
        }
        self.stream.daily_use.note(quota, self.now_ms);
        Ok(())
    }

    /// Replaces the stream's tags and policy.
    pub fn attach(&self, attached: Attached) {
        self.stream.attached.store(Arc::new(attached));
    }

    /// Replaces the tags and policy of one of its consumers.
    pub fn attach_to(&self, consumer: &Arc<Consumer>, attached: &Attached) {
        let consumers = self.stream.consumers().with_attached(consumer, attached);
        self.stream.consumers.store(Arc::new(consumers));
    }

    /// Registers a consumer, which is CREATING for the transition time.
    ///
    /// # Errors
    /// The name is taken, or a quota would be passed.
    pub fn register_consumer(
        &self,
        name: ConsumerName,
        attached: Attached,
    ) -> Result<Arc<Consumer>, RegisterError> {
        let is_advantage = self.settings().mode == StreamMode::OnDemand
            && self.registry.accounts().commitment(self.stream.scope(), self.now_ms).is_in_force();
        let consumers_max = if is_advantage { ADVANTAGE_CONSUMERS_MAX } else { STREAM_CONSUMERS_MAX };
        let times = (self.now_ms, self.end_ms(Transition::RegisterConsumer));
        let (consumers, consumer) =
            self.stream.consumers().registered(name, attached, times, consumers_max)?;
        self.stream.consumers.store(Arc::new(consumers));
        Ok(consumer)
    }

    /// Deregisters a consumer, which is DELETING for the transition time.
    pub fn deregister_consumer(&self, consumer: &Arc<Consumer>) {
        let gone_from_ms = self.end_ms(Transition::DeregisterConsumer);
        let consumers = self.stream.consumers().deregistered(consumer, gone_from_ms);
        self.stream.consumers.store(Arc::new(consumers));
        // After that: a subscription that begins meanwhile looks at its consumer again once it stands in the list.
        self.stream.subscriptions().end_of(consumer);
    }

    /// When a transition that begins now is over.
    const fn end_ms(&self, transition: Transition) -> u64 {
        self.now_ms.saturating_add(self.registry.settings().transitions.ms(transition))
    }
}
