//! The one service clock: every arrival, expiry and comparison with "now" reads it.
//!
//! A system clock is a wall-clock anchor taken at start plus monotonic time, so that it never runs back and
//! never jumps. When the wall clock is found to have stepped forward (a suspended laptop, a late NTP sync) the
//! service clock follows gradually: [`Clock::follow_wall`] closes a tenth of the gap per call, and the caller
//! logs it. A wall clock that stepped back is not followed. Its movable twin, [`MovableClock`], stands still
//! until a test moves it. An [`Alarm`] waits for a time of either.

mod alarm;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use alarm::Alarm;

use alarm::Sleepers;

/// Gaps to the wall clock below this are left alone: they are read-out noise.
const FOLLOW_GAP_MIN_MS: u64 = 100;

/// A clock in epoch milliseconds that never runs back. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System { anchor_ms: u64, anchor: Instant, followed_ms: AtomicU64 },
    Movable { now_ms: AtomicU64, sleepers: Sleepers },
}

/// One step towards a wall clock that had run ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// How far ahead the wall clock was, in milliseconds.
    pub gap_ms: u64,
    /// How much of it was made up by this step, in milliseconds.
    pub step_ms: u64,
}

impl Clock {
    /// The real time of this machine.
    #[must_use]
    pub fn system() -> Self {
        let source =
            Source::System { anchor_ms: wall_ms(), anchor: Instant::now(), followed_ms: AtomicU64::new(0) };
        Self(Arc::new(source))
    }

    /// Now, in epoch milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &*self.0 {
            Source::System { anchor_ms, anchor, followed_ms } => {
                // Relaxed: only one number is read, and it only grows.
                anchor_ms + millis(anchor.elapsed()) + followed_ms.load(Ordering::Relaxed)
            }
            // SeqCst, for tests only: whoever was told of a move sees it.
            Source::Movable { now_ms, .. } => now_ms.load(Ordering::SeqCst),
        }
    }

    /// Takes one step towards the wall clock if that has run ahead. Call it about once a second.
    pub fn follow_wall(&self) -> Option<Followed> {
        self.follow(wall_ms())
    }

    fn follow(&self, wall_ms: u64) -> Option<Followed> {
        let Source::System { followed_ms, .. } = &*self.0 else { return None };
        let gap_ms = wall_ms.checked_sub(self.now_ms()).filter(|gap_ms| *gap_ms >= FOLLOW_GAP_MIN_MS)?;
        let step_ms = (gap_ms / 10).max(FOLLOW_GAP_MIN_MS).min(gap_ms);
        followed_ms.fetch_add(step_ms, Ordering::Relaxed);
        Some(Followed { gap_ms, step_ms })
    }
}

/// A clock that stands still until it is moved, for tests.
#[derive(Clone, Debug)]
pub struct MovableClock(Clock);

impl MovableClock {
    /// Stands at `start_ms`, epoch milliseconds.
    #[must_use]
    pub fn new(start_ms: u64) -> Self {
        let now_ms = AtomicU64::new(start_ms);
        Self(Clock(Arc::new(Source::Movable { now_ms, sleepers: Sleepers::default() })))
    }

    /// The clock to hand to a server.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clone()
    }

    /// Moves time forward.
    pub fn advance(&self, by: Duration) {
        if let Source::Movable { now_ms, sleepers } = &*self.0.0 {
            now_ms.fetch_add(millis(by), Ordering::SeqCst);
            sleepers.wake();
        }
    }
}

fn wall_ms() -> u64 {
    // A machine set before 1970 gets the epoch itself; it never runs back from there.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a stepped wall clock is followed by tenths until the gap is small, and never overtaken.
    #[test]
    fn follows_a_step_gradually() {
        let clock = Clock::system();
        let wall = clock.now_ms() + 3_600_000;
        let first = clock.follow(wall).unwrap();
        assert!(first.step_ms <= first.gap_ms / 10 + 1);
        let steps = std::iter::from_fn(|| clock.follow(wall)).count();
        assert!((50..200).contains(&steps), "{steps} steps");
        assert!(wall.saturating_sub(clock.now_ms()) < FOLLOW_GAP_MIN_MS);
    }

    /// Protects: a wall clock that stepped back changes nothing.
    #[test]
    fn ignores_a_step_back() {
        let clock = Clock::system();
        assert_eq!(clock.follow(clock.now_ms() - 10_000), None);
    }

    /// Protects: the movable clock moves only when told.
    #[test]
    fn movable_time_stands_still() {
        let hand = MovableClock::new(5_000);
        let clock = hand.clock();
        assert_eq!((clock.now_ms(), clock.follow_wall()), (5_000, None));
        hand.advance(Duration::from_secs(2));
        assert_eq!(clock.now_ms(), 7_000);
    }
}
