//! The consumers of a stream (enhanced fan-out): registered, CREATING, ACTIVE, DELETING, gone (reference 13).
//!
//! As with streams, states are a function of the clock. The list is immutable and replaced as a whole.

use std::sync::Arc;

use crate::limits::CREATING_CONSUMERS_MAX;
use crate::names::ConsumerName;

use super::attached::Attached;

/// Where a consumer is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerStatus {
    /// Registered a moment ago; cannot subscribe yet.
    Creating,
    /// Can subscribe.
    Active,
    /// About to go.
    Deleting,
}

impl ConsumerStatus {
    /// AWS's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

/// One consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Its name, unique among those of the stream that are not gone.
    pub name: ConsumerName,
    /// When it was registered, epoch seconds. With the name it tells it from all others that ever were.
    pub created_s: u64,
    /// Its tags and its policy.
    pub attached: Attached,
    /// When it becomes ACTIVE, epoch milliseconds.
    pub active_from_ms: u64,
    /// `u64::MAX` until it is deregistered.
    pub gone_from_ms: u64,
}

impl Consumer {
    /// Its state; `None` once it is gone.
    #[must_use]
    pub const fn status(&self, now_ms: u64) -> Option<ConsumerStatus> {
        if now_ms >= self.gone_from_ms {
            None
        } else if self.gone_from_ms != u64::MAX {
            Some(ConsumerStatus::Deleting)
        } else if now_ms < self.active_from_ms {
            Some(ConsumerStatus::Creating)
        } else {
            Some(ConsumerStatus::Active)
        }
    }
}

/// Why a consumer cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The name is taken.
    #[error("a consumer of that name exists")]
    Exists,
    /// The stream has as many as it may have.
    #[error("at most {max} consumers")]
    Limit {
        /// How many those are.
        max: usize,
    },
    /// Too many are CREATING already.
    #[error("at most {CREATING_CONSUMERS_MAX} consumers may be CREATING at once")]
    CreatingLimit,
}

/// All consumers of a stream, by name.
#[derive(Debug, Clone, Default)]
pub struct Consumers(Vec<Arc<Consumer>>);

impl Consumers {
    /// These, with those that are gone but still stand in the way of a namesake.
    #[must_use]
    pub fn of(mut consumers: Vec<Arc<Consumer>>) -> Self {
        consumers.sort_by(|one, other| one.name.cmp(&other.name));
        Self(consumers)
    }

    /// All, with those that are gone but still stand in the way of a namesake.
    #[must_use]
    pub fn all(&self) -> &[Arc<Consumer>] {
        &self.0
    }

    /// Those that are not gone, by ascending name, with their states.
    pub fn live(&self, now_ms: u64) -> impl Iterator<Item = (&Arc<Consumer>, ConsumerStatus)> {
        self.0.iter().filter_map(move |consumer| Some((consumer, consumer.status(now_ms)?)))
    }

    /// The one of this name, if it is not gone; and of this creation, if that is given.
    #[must_use]
    pub fn find(
        &self,
        name: &str,
        created_s: Option<u64>,
        now_ms: u64,
    ) -> Option<(&Arc<Consumer>, ConsumerStatus)> {
        self.live(now_ms).find(|(consumer, _)| {
            consumer.name.as_str() == name
                && created_s.is_none_or(|created_s| created_s == consumer.created_s)
        })
    }

    /// With one more, which is CREATING until `active_from_ms`.
    ///
    /// # Errors
    /// The name is taken, or a quota would be passed.
    pub(super) fn registered(
        &self,
        name: ConsumerName,
        attached: Attached,
        (now_ms, active_from_ms): (u64, u64),
        consumers_max: usize,
    ) -> Result<(Self, Arc<Consumer>), RegisterError> {
        if self.find(name.as_str(), None, now_ms).is_some() {
            return Err(RegisterError::Exists);
        }
        if self.live(now_ms).count() >= consumers_max {
            return Err(RegisterError::Limit { max: consumers_max });
        }
        let is_creating = |(_, status): &(&Arc<Consumer>, _)| *status == ConsumerStatus::Creating;
        if self.live(now_ms).filter(is_creating).count() >= CREATING_CONSUMERS_MAX {
            return Err(RegisterError::CreatingLimit);
        }
        // An earlier one of this name may have come and gone within this second; the ARN must be another one.
        let namesakes = self.0.iter().filter(|consumer| consumer.name == name);
        let created_s = namesakes.map(|consumer| consumer.created_s + 1).fold(now_ms / 1000, u64::max);
        let consumer = Consumer { name, created_s, attached, active_from_ms, gone_from_ms: u64::MAX };
        let consumer = Arc::new(consumer);
        // So those that are gone are kept while a namesake could get their second.
        let is_kept =
            |other: &&Arc<Consumer>| other.status(now_ms).is_some() || other.created_s >= now_ms / 1000;
        let mut consumers: Vec<_> = self.0.iter().filter(is_kept).cloned().collect();
        let place = consumers.partition_point(|other| other.name <= consumer.name);
        consumers.insert(place, Arc::clone(&consumer));
        Ok((Self(consumers), consumer))
    }

    /// With this one going at `gone_from_ms`, if it is not going already.
    pub(super) fn deregistered(&self, consumer: &Arc<Consumer>, gone_from_ms: u64) -> Self {
        self.map(|other| Arc::ptr_eq(other, consumer), |other| going(other, gone_from_ms))
    }

    /// With all going at `gone_from_ms`, if they are not going already.
    pub(super) fn all_deregistered(&self, gone_from_ms: u64) -> Self {
        self.map(|_| true, |consumer| going(consumer, gone_from_ms))
    }

    /// With other tags and policy for this one.
    pub(super) fn with_attached(&self, consumer: &Arc<Consumer>, attached: &Attached) -> Self {
        let change = |other: &Consumer| Consumer { attached: attached.clone(), ..other.clone() };
        self.map(|other| Arc::ptr_eq(other, consumer), change)
    }

    fn map(&self, is_meant: impl Fn(&Arc<Consumer>) -> bool, change: impl Fn(&Consumer) -> Consumer) -> Self {
        let changed =
            |consumer| if is_meant(consumer) { Arc::new(change(consumer)) } else { Arc::clone(consumer) };
        Self(self.0.iter().map(changed).collect())
    }
}

fn going(consumer: &Consumer, gone_from_ms: u64) -> Consumer {
    Consumer { gone_from_ms: consumer.gone_from_ms.min(gone_from_ms), ..consumer.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn register(
        consumers: &Consumers,
        name: &str,
        now_ms: u64,
        active_from_ms: u64,
    ) -> Result<Consumers, RegisterError> {
        let name = ConsumerName::parse(name).unwrap();
        let times = (now_ms, active_from_ms);
        consumers.registered(name, Attached::default(), times, 20).map(|(consumers, _)| consumers)
    }

    fn statuses(consumers: &Consumers, now_ms: u64) -> Vec<(&str, ConsumerStatus)> {
        consumers.live(now_ms).map(|(consumer, status)| (consumer.name.as_str(), status)).collect()
    }

    /// Protects: a consumer's life, to the millisecond.
    #[test]
    fn a_consumers_life() {
        let one = register(&Consumers::default(), "c", NOW_MS, NOW_MS + 500).unwrap();
        assert_eq!(statuses(&one, NOW_MS + 499), [("c", ConsumerStatus::Creating)]);
        assert_eq!(statuses(&one, NOW_MS + 500), [("c", ConsumerStatus::Active)]);
        assert_eq!(register(&one, "c", NOW_MS + 600, NOW_MS + 600).err(), Some(RegisterError::Exists));
        let (consumer, _) = one.find("c", None, NOW_MS + 600).unwrap();
        let going = one.deregistered(consumer, NOW_MS + 1_000);
        assert_eq!(statuses(&going, NOW_MS + 999), [("c", ConsumerStatus::Deleting)]);
        assert_eq!(statuses(&going, NOW_MS + 1_000), []);
        let later = going.all_deregistered(NOW_MS + 5_000);
        assert_eq!(statuses(&later, NOW_MS + 1_000), [], "it goes when it was to go");
    }

    /// Protects: a name that is registered again gets another ARN, even within one second, and the old one names
    /// nothing.
    #[test]
    fn a_name_again_is_another_consumer() {
        let mut consumers = Consumers::default();
        for expected_s in [NOW_MS / 1000, NOW_MS / 1000 + 1, NOW_MS / 1000 + 2] {
            consumers = register(&consumers, "c", NOW_MS, NOW_MS).unwrap();
            let (consumer, _) = consumers.find("c", None, NOW_MS).unwrap();
            assert_eq!(consumer.created_s, expected_s);
            consumers = consumers.deregistered(&Arc::clone(consumer), NOW_MS);
            assert!(consumers.find("c", Some(expected_s), NOW_MS).is_none());
        }
        let later = register(&consumers, "d", NOW_MS + 60_000, NOW_MS).unwrap();
        assert_eq!(later.0.len(), 1, "what is gone is forgotten in time");
    }

    /// Protects: five at once, twenty in all, by ascending name.
    #[test]
    fn quotas() {
        let mut consumers = Consumers::default();
        for name in ["e", "d", "c", "b", "a"] {
            consumers = register(&consumers, name, NOW_MS, NOW_MS + 500).unwrap();
        }
        assert_eq!(register(&consumers, "f", NOW_MS, NOW_MS).err(), Some(RegisterError::CreatingLimit));
        for number in 5..20 {
            consumers = register(&consumers, &format!("n{number:02}"), NOW_MS + 500, NOW_MS + 500).unwrap();
        }
        let full = register(&consumers, "f", NOW_MS + 500, NOW_MS + 500);
        assert_eq!(full.err(), Some(RegisterError::Limit { max: 20 }));
        let names: Vec<_> = statuses(&consumers, NOW_MS + 500).into_iter().map(|(name, _)| name).collect();
        assert_eq!((names.len(), names.is_sorted()), (20, true));
    }
}
