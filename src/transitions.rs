//! How long changes of the control plane take: one general time, and those of single changes that differ from it.

/// A change that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// CreateStream: CREATING.
    CreateStream,
    /// DeleteStream: DELETING.
    DeleteStream,
    /// RegisterStreamConsumer: the consumer is CREATING.
    RegisterConsumer,
    /// DeregisterStreamConsumer: the consumer is DELETING.
    DeregisterConsumer,
    /// StartStreamEncryption: UPDATING.
    StartEncryption,
    /// StopStreamEncryption: UPDATING.
    StopEncryption,
    /// MergeShards: UPDATING.
    MergeShards,
    /// SplitShard: UPDATING.
    SplitShard,
    /// UpdateShardCount: UPDATING.
    UpdateShardCount,
    /// UpdateStreamMode: UPDATING.
    UpdateMode,
    /// What else makes a stream UPDATING: its record size, its warm throughput.
    UpdateLimits,
}

impl Transition {
    /// How many there are.
    const COUNT: usize = Self::UpdateLimits as usize + 1;

    /// Those that make a stream UPDATING.
    pub const UPDATES: [Self; 7] = [
        Self::StartEncryption,
        Self::StopEncryption,
        Self::MergeShards,
        Self::SplitShard,
        Self::UpdateShardCount,
        Self::UpdateMode,
        Self::UpdateLimits,
    ];
}

/// The times of single transitions, in milliseconds, where they are not the general one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnTimes([Option<u64>; Transition::COUNT]);

impl OwnTimes {
    /// Gives a transition a time of its own.
    pub const fn set(&mut self, transition: Transition, ms: u64) {
        self.0[transition as usize] = Some(ms);
    }
}

/// The times of all transitions, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transitions {
    general_ms: u64,
    own_times: OwnTimes,
}

impl Transitions {
    /// The same time for all.
    #[must_use]
    pub const fn all(ms: u64) -> Self {
        Self { general_ms: ms, own_times: OwnTimes([None; Transition::COUNT]) }
    }

    /// A general time, and those that differ.
    #[must_use]
    pub const fn new(general_ms: u64, own_times: OwnTimes) -> Self {
        Self { general_ms, own_times }
    }

    /// The time of one.
    #[must_use]
    pub const fn ms(&self, transition: Transition) -> u64 {
        match self.own_times.0[transition as usize] {
            Some(ms) => ms,
            None => self.general_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: each transition has a place of its own.
    #[test]
    fn own_times_are_apart() {
        let others = [
            Transition::CreateStream,
            Transition::DeleteStream,
            Transition::RegisterConsumer,
            Transition::DeregisterConsumer,
        ];
        let every: Vec<_> = others.into_iter().chain(Transition::UPDATES).collect();
        assert_eq!(every.len(), Transition::COUNT);
        for own in &every {
            let mut own_times = OwnTimes::default();
            own_times.set(*own, 9);
            let times = Transitions::new(500, own_times);
            for transition in &every {
                assert_eq!(times.ms(*transition), if transition == own { 9 } else { 500 });
            }
        }
        assert!(every.iter().all(|transition| Transitions::all(3).ms(*transition) == 3));
    }
}
