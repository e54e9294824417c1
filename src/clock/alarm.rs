//! Waiting for a time of the service clock.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Clock, Source};

/// Rings at a time of the clock. Setting it costs nothing; a timer runs only while it is waited for.
pub struct Alarm {
    clock: Clock,
    due_ms: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// An alarm for `due_ms`, epoch milliseconds.
    #[must_use]
    pub const fn new(clock: Clock, due_ms: u64) -> Self {
        Self { clock, due_ms, timer: None }
    }

    /// Sets it to another time. A timer that runs is left as it is: one that ends too early is set again then, so that
    /// putting an alarm off, again and again, costs nothing. It must not be set to an earlier time while it is waited
    /// for.
    pub const fn put_off(&mut self, due_ms: u64) {
        debug_assert!(due_ms >= self.due_ms, "an alarm was brought forward");
        self.due_ms = due_ms;
    }

    /// Ready once it is due. Within a runtime.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let left_ms = self.due_ms.saturating_sub(self.clock.now_ms());
            if left_ms == 0 {
                return Poll::Ready(());
            }
            let ended = match &*self.clock.0 {
                Source::System { .. } => {
                    let until = || Instant::now() + Duration::from_millis(left_ms);
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until())));
                    if timer.is_elapsed() {
                        timer.as_mut().reset(until());
                    }
                    timer.as_mut().poll(context)
                }
                Source::Movable { sleepers, .. } => sleepers.add(context.waker(), || {
                    // Looked at again under their lock: a move in between has missed this waker.
                    self.clock.now_ms() >= self.due_ms
                }),
            };
            if ended.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Tasks that wait for a movable clock to be moved, by whatever it may be.
#[derive(Debug, Default)]
pub(super) struct Sleepers(Mutex<Vec<Waker>>);

impl Sleepers {
    fn add(&self, waker: &Waker, is_due: impl FnOnce() -> bool) -> Poll<()> {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_due() {
            return Poll::Ready(());
        }
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        Poll::Pending
    }

    pub(super) fn wake(&self) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for waker in wakers {
            waker.wake();
        }
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::clock::MovableClock;

    async fn rings(alarm: &mut Alarm) {
        poll_fn(|context| alarm.poll(context)).await;
    }

    async fn is_due(alarm: &mut Alarm) -> bool {
        poll_fn(|context| Poll::Ready(alarm.poll(context).is_ready())).await
    }

    /// Protects: an alarm rings when its clock is moved to its time, and not before; one that was put off rings later.
    #[tokio::test]
    async fn rings_when_the_clock_is_moved() {
        let hand = MovableClock::new(1_000);
        let mut alarm = Alarm::new(hand.clock(), 3_000);
        assert!(!is_due(&mut alarm).await);
        hand.advance(Duration::from_millis(1_999));
        assert!(!is_due(&mut alarm).await);
        hand.advance(Duration::from_millis(1));
        assert!(is_due(&mut alarm).await);
        alarm.put_off(5_000);
        let moved = tokio::spawn({
            let hand = hand.clone();
            async move { hand.advance(Duration::from_secs(2)) }
        });
        rings(&mut alarm).await;
        moved.await.unwrap();
        assert_eq!(hand.clock().now_ms(), 5_000);
    }

    /// Protects: in real time too, and when it was put off while its timer ran.
    #[tokio::test]
    async fn rings_in_real_time() {
        let clock = Clock::system();
        let due_ms = clock.now_ms() + 5;
        let mut alarm = Alarm::new(clock.clone(), due_ms);
        assert!(!is_due(&mut alarm).await);
        alarm.put_off(due_ms + 20);
        rings(&mut alarm).await;
        assert!(clock.now_ms() >= due_ms + 20);
    }
}
