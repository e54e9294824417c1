//! What is set for a whole account in a region: its commitment to a minimum throughput (reference 11).
//!
//! A commitment lasts a day at least. Ended earlier, it runs on until then; that end comes by the clock, with
//! nobody looking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::limits::COMMITMENT_MS_MIN;

use super::stream::Scope;

/// The state of a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitmentStatus {
    /// Never enabled, or ended.
    Disabled,
    /// In force.
    Enabled,
    /// In force, and about to end.
    EnabledUntilEarliestAllowedEnd,
}

impl CommitmentStatus {
    /// AWS's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Enabled => "ENABLED",
            Self::EnabledUntilEarliestAllowedEnd => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        }
    }
}

/// An account's commitment to a minimum throughput, as it is now. Times in epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Its state.
    pub status: CommitmentStatus,
    /// When it was enabled; `None` if it never was.
    pub started_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Before this it cannot end; `None` once it has.
    pub earliest_allowed_end_ms: Option<u64>,
}

impl Commitment {
    /// Whether it is in force.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.status != CommitmentStatus::Disabled
    }
}

/// A commitment that was enabled once. Times in epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When it was.
    pub started_ms: u64,
    /// When it ends or has ended, if that was asked for.
    pub ends_ms: Option<u64>,
}

impl Run {
    /// What is told of it.
    #[must_use]
    pub fn told(self, now_ms: u64) -> Commitment {
        told(Some(self), now_ms)
    }

    fn has_ended(self, now_ms: u64) -> bool {
        self.ends_ms.is_some_and(|ends_ms| now_ms >= ends_ms)
    }

    const fn earliest_end_ms(self) -> u64 {
        self.started_ms.saturating_add(COMMITMENT_MS_MIN)
    }
}

/// The settings of all accounts.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<Scope, Run>>);

impl Accounts {
    /// The commitment of an account in a region.
    #[must_use]
    pub fn commitment(&self, scope: Scope, now_ms: u64) -> Commitment {
        let run = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&scope).copied();
        told(run, now_ms)
    }

    /// Enables it; one that is about to end goes on instead.
    pub fn enable_commitment(&self, scope: Scope, now_ms: u64) -> Commitment {
        self.change(scope, now_ms, |run| match run {
            Some(run) if !run.has_ended(now_ms) => Some(Run { ends_ms: None, ..run }),
            _ => Some(Run { started_ms: now_ms, ends_ms: None }),
        })
    }

    /// Ends it, as soon as it may end; one that has ended or never began stays as it is.
    pub fn disable_commitment(&self, scope: Scope, now_ms: u64) -> Commitment {
        self.change(scope, now_ms, |run| {
            let run = run?;
            Some(Run { ends_ms: run.ends_ms.or(Some(run.earliest_end_ms().max(now_ms))), ..run })
        })
    }

    /// All commitments that were ever enabled.
    #[must_use]
    pub fn runs(&self) -> Vec<(Scope, Run)> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(scope, run)| (*scope, *run)).collect()
    }

    /// Puts commitments back; each replaces that of its account and region.
    pub fn set_runs(&self, runs: impl IntoIterator<Item = (Scope, Run)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(runs);
    }

    fn change(
        &self,
        scope: Scope,
        now_ms: u64,
        change: impl FnOnce(Option<Run>) -> Option<Run>,
    ) -> Commitment {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(runs.get(&scope).copied());
        if let Some(run) = changed {
            runs.insert(scope, run);
        }
        told(changed, now_ms)
    }
}

fn told(run: Option<Run>, now_ms: u64) -> Commitment {
    let Some(run) = run else {
        let status = CommitmentStatus::Disabled;
        return Commitment { status, started_ms: None, ended_ms: None, earliest_allowed_end_ms: None };
    };
    let status = match run.ends_ms {
        None => CommitmentStatus::Enabled,
        Some(ends_ms) if now_ms < ends_ms => CommitmentStatus::EnabledUntilEarliestAllowedEnd,
        Some(_) => CommitmentStatus::Disabled,
    };
    let has_ended = status == CommitmentStatus::Disabled;
    Commitment {
        status,
        started_ms: Some(run.started_ms),
        ended_ms: run.ends_ms.filter(|_| has_ended),
        earliest_allowed_end_ms: Some(run.earliest_end_ms()).filter(|_| !has_ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{AccountId, Region};

    const HERE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
    const HOUR_MS: u64 = 3_600_000;
    const START_MS: u64 = 1_700_000_000_000;

    /// Protects: a commitment's day: ended early it runs on, enabled again it stays, ended late it is over at once.
    #[test]
    fn a_commitment_lasts_a_day() {
        let accounts = Accounts::default();
        assert_eq!(accounts.disable_commitment(HERE, START_MS).started_ms, None);
        let enabled = accounts.enable_commitment(HERE, START_MS);
        let earliest_ms = START_MS + 24 * HOUR_MS;
        assert_eq!(
            enabled,
            Commitment {
                status: CommitmentStatus::Enabled,
                started_ms: Some(START_MS),
                ended_ms: None,
                earliest_allowed_end_ms: Some(earliest_ms),
            }
        );
        let ending = accounts.disable_commitment(HERE, START_MS + HOUR_MS);
        assert_eq!(ending.status, CommitmentStatus::EnabledUntilEarliestAllowedEnd);
        assert_eq!(
            accounts.enable_commitment(HERE, START_MS + 2 * HOUR_MS),
            enabled,
            "the end was taken back"
        );
        accounts.disable_commitment(HERE, START_MS + 3 * HOUR_MS);
        assert!(accounts.commitment(HERE, earliest_ms - 1).is_in_force());
        let ended = accounts.commitment(HERE, earliest_ms);
        assert_eq!((ended.status, ended.ended_ms), (CommitmentStatus::Disabled, Some(earliest_ms)));
        let again = accounts.enable_commitment(HERE, earliest_ms + 1);
        assert_eq!(again.started_ms, Some(earliest_ms + 1));
        let late = accounts.disable_commitment(HERE, earliest_ms + 30 * HOUR_MS);
        assert_eq!(late.ended_ms, Some(earliest_ms + 30 * HOUR_MS));
    }

    /// Protects: accounts and regions are kept apart.
    #[test]
    fn each_account_for_itself() {
        let accounts = Accounts::default();
        accounts.enable_commitment(HERE, START_MS);
        let there = Scope { region: Region::parse("eu-west-1").unwrap(), ..HERE };
        assert!(!accounts.commitment(there, START_MS).is_in_force());
    }
}
