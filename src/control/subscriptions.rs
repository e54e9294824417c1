//! Who is subscribed to which shard of a stream: one subscription for each consumer and shard (reference 13.1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use ahash::RandomState;

use crate::limits::RESUBSCRIBE_AFTER_MS;
use crate::names::{ConsumerName, ShardId};

use super::consumers::Consumer;

/// The subscriptions of one stream, and those that ended so short a time ago that they still stand in the way of
/// others.
#[derive(Default)]
pub struct Subscriptions(Mutex<HashMap<Place, Arc<Subscription>, RandomState>>);

/// What only one subscription has at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    consumer: ConsumerName,
    consumer_created_s: u64,
    shard: ShardId,
}

/// The consumer has subscribed to the shard too short a time ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another subscription began less than {RESUBSCRIBE_AFTER_MS} ms ago")]
pub struct TooSoon;

/// Why a subscription is to end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The same consumer has subscribed to the same shard again.
    TakenOver,
    /// The consumer was deregistered, perhaps with its stream.
    Deregistered,
    /// The server stops.
    ServerStops,
}

/// One subscription, as far as others have to do with it.
#[derive(Debug)]
pub struct Subscription {
    begun_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ending: Option<Ending>,
    /// The task to tell.
    waker: Option<Waker>,
    is_over: bool,
}

impl Subscriptions {
    /// Whether the consumer may subscribe to the shard now.
    ///
    /// # Errors
    /// [`TooSoon`].
    pub fn check(&self, consumer: &Consumer, shard: ShardId, now_ms: u64) -> Result<(), TooSoon> {
        check(&self.lock(), &Place::of(consumer, shard), now_ms)
    }

    /// Subscribes the consumer to the shard, and ends the subscription that it had.
    ///
    /// # Errors
    /// [`TooSoon`].
    pub fn begin(
        &self,
        consumer: &Consumer,
        shard: ShardId,
        now_ms: u64,
    ) -> Result<Arc<Subscription>, TooSoon> {
        let place = Place::of(consumer, shard);
        let mut subscriptions = self.lock();
        check(&subscriptions, &place, now_ms)?;
        let subscription = Arc::new(Subscription { begun_ms: now_ms, state: Mutex::default() });
        if let Some(former) = subscriptions.insert(place, Arc::clone(&subscription)) {
            former.end(Ending::TakenOver);
        }
        Ok(subscription)
    }

    /// Ends the subscriptions of a consumer.
    pub fn end_of(&self, consumer: &Consumer) {
        let is_of =
            |place: &Place| place.consumer == consumer.name && place.consumer_created_s == consumer.created_s;
        for (_, subscription) in self.lock().iter().filter(|(place, _)| is_of(place)) {
            subscription.end(Ending::Deregistered);
        }
    }

    /// Ends all of them.
    pub fn end_all(&self, ending: Ending) {
        for subscription in self.lock().values() {
            subscription.end(ending);
        }
    }

    /// Forgets those that are over and stand in nobody's way.
    pub fn forget_ended(&self, now_ms: u64) {
        self.lock().retain(|_, subscription| subscription.is_recent(now_ms) || !subscription.is_over());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Arc<Subscription>, RandomState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn of(consumer: &Consumer, shard: ShardId) -> Self {
        Self { consumer: consumer.name.clone(), consumer_created_s: consumer.created_s, shard }
    }
}

/// A subscription stands in the way for 5 s, even if it is over.
fn check(
    subscriptions: &HashMap<Place, Arc<Subscription>, RandomState>,
    place: &Place,
    now_ms: u64,
) -> Result<(), TooSoon> {
    let is_recent = subscriptions.get(place).is_some_and(|subscription| subscription.is_recent(now_ms));
    if is_recent { Err(TooSoon) } else { Ok(()) }
}

impl Subscription {
    /// When it began, epoch milliseconds.
    #[must_use]
    pub const fn begun_ms(&self) -> u64 {
        self.begun_ms
    }

    /// Why it is to end, if it is; else the task is woken when it is to.
    pub fn poll_ending(&self, context: &Context<'_>) -> Option<Ending> {
        let mut state = self.lock();
        let is_known = state.waker.as_ref().is_some_and(|known| known.will_wake(context.waker()));
        if state.ending.is_none() && !is_known {
            state.waker = Some(context.waker().clone());
        }
        state.ending
    }

    /// Says that nobody is pushed to any more.
    pub fn finish(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.waker = None;
    }

    /// The first reason counts.
    fn end(&self, ending: Ending) {
        let mut state = self.lock();
        state.ending.get_or_insert(ending);
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    const fn is_recent(&self, now_ms: u64) -> bool {
        now_ms < self.begun_ms.saturating_add(RESUBSCRIBE_AFTER_MS)
    }

    fn is_over(&self) -> bool {
        self.lock().is_over
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
