//! How much of a core saving may use, and how long it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::PersistError;

/// Work is done in slices of about this length, with rests between them. Whoever serves waits behind a slice, whatever its
/// priority: a kernel may let nobody else have the core before a millisecond has passed, or a system call has ended.
const SLICE: Duration = Duration::from_micros(100);

/// Rests are this many times as long as the work before them: a tenth of a core, and with what is done without a rest (a
/// look at what there is, the end of a file) a quarter at the most.
const REST_FACTOR: u32 = 9;

/// How long a rest lasts before it is looked whether it is to stop.
const REST_PIECE: Duration = Duration::from_millis(10);

/// The pace of one save.
#[derive(Debug, Default)]
pub struct Pace {
    rests: bool,
    deadline: Option<Instant>,
    stopped: Option<Arc<AtomicBool>>,
    slice_began: Option<Instant>,
}

impl Pace {
    /// As fast as it goes, to the end.
    #[must_use]
    pub fn free() -> Self {
        Self::default()
    }

    /// As fast as it goes, and given up at this time.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// At most a quarter of a core, and given up when `stopped` is set.
    #[must_use]
    pub fn gentle(stopped: Arc<AtomicBool>) -> Self {
        let slice_began = Some(Instant::now());
        Self { rests: true, stopped: Some(stopped), slice_began, ..Self::default() }
    }

    /// Between two pieces of work: rests if it is time to.
    ///
    /// # Errors
    /// There is no more time, or it is to stop.
    pub fn step(&mut self) -> Result<(), PersistError> {
        self.check_stopped()?;
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(PersistError::Late);
        }
        if self.rests {
            let worked = self.slice_began.get_or_insert_with(Instant::now).elapsed();
            if worked >= SLICE {
                let mut left = worked * REST_FACTOR;
                while !left.is_zero() {
                    std::thread::sleep(left.min(REST_PIECE));
                    left = left.saturating_sub(REST_PIECE);
                    self.check_stopped()?;
                }
                self.slice_began = Some(Instant::now());
            }
        }
        Ok(())
    }

    fn check_stopped(&self) -> Result<(), PersistError> {
        let is_stopped = self.stopped.as_ref().is_some_and(|stopped| stopped.load(Ordering::Relaxed));
        if is_stopped { Err(PersistError::Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: of the time that a gentle save takes, it works a quarter at the most.
    #[test]
    fn a_quarter_of_the_time() {
        let mut pace = Pace::gentle(Arc::default());
        let (begun, mut worked) = (Instant::now(), Duration::ZERO);
        for _ in 0..40 {
            let slice = Instant::now();
            while slice.elapsed() < Duration::from_micros(300) {
                std::hint::spin_loop();
            }
            worked += slice.elapsed();
            pace.step().unwrap();
        }
        assert!(worked * 3 < begun.elapsed(), "{worked:?} of {:?}", begun.elapsed());
    }

    /// Protects: a save is broken off when it is told to, and given up when it is late.
    #[test]
    fn an_end_comes() {
        let stopped = Arc::new(AtomicBool::new(false));
        let mut pace = Pace::gentle(Arc::clone(&stopped));
        pace.step().unwrap();
        stopped.store(true, Ordering::Relaxed);
        assert!(matches!(pace.step(), Err(PersistError::Stopped)));
        assert!(matches!(Pace::until(Instant::now()).step(), Err(PersistError::Late)));
        assert!(Pace::free().step().is_ok());
    }
}
