//! Faults that someone switched on: a seeded draw per call. Off, it costs a branch.
//!
//! `KINESIS_ERROR_PROBABILITY` fails PutRecord and PutRecords with a throttle, one draw per call, nothing written
//! (LocalStack's meaning of it). Draw n depends on the seed and n alone, so a run repeats whatever the number of
//! workers: which call meets which draw may differ, how many of the first n fail does not.

use std::sync::atomic::{AtomicU64, Ordering};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Which calls fail on purpose.
pub struct FaultPlan {
    /// A draw below this fails; 0 is off.
    threshold: u64,
    seed: u64,
    draws: AtomicU64,
}

impl FaultPlan {
    /// Fails this share of calls, 0.0 to 1.0; outside of it counts as the nearer end.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=2^53 first")]
    pub fn new(error_probability: f64, seed: u64) -> Self {
        let share = error_probability.clamp(0.0, 1.0);
        Self { threshold: (share * DRAWS as f64) as u64, seed, draws: AtomicU64::new(0) }
    }

    /// Whether this put fails. Draws only when faults are on.
    pub fn put_fails(&self) -> bool {
        self.threshold > 0 && self.draw() < self.threshold
    }

    #[cold]
    fn draw(&self) -> u64 {
        // Relaxed: every call gets a number of its own, in no order that matters.
        let number = self.draws.fetch_add(1, Ordering::Relaxed);
        let mixed = self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Xoshiro256PlusPlus::seed_from_u64(mixed).next_u64() >> (64 - DRAW_BITS)
    }
}

/// Bits of a draw: what a double can hold exactly.
const DRAW_BITS: u32 = 53;
const DRAWS: u64 = 1 << DRAW_BITS;

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(probability: f64, seed: u64) -> usize {
        let plan = FaultPlan::new(probability, seed);
        (0..10_000).filter(|_| plan.put_fails()).count()
    }

    /// Protects: the ends are exact, and a share in between comes close over ten thousand draws, from any seed.
    #[test]
    fn the_share_is_what_was_asked() {
        assert_eq!((failures(0.0, 1), failures(1.0, 1)), (0, 10_000));
        assert!((0..20).all(|seed| (2_800..=3_200).contains(&failures(0.3, seed))));
    }

    /// Protects: a run repeats from its seed and differs from another's.
    #[test]
    fn a_seed_repeats() {
        let draws = |seed| {
            let plan = FaultPlan::new(0.5, seed);
            (0..64).map(|_| plan.put_fails()).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
