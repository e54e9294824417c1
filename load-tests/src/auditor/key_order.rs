//! The order of each partition key's records, across all shards that they lie in.

use std::num::NonZeroU64;

use super::{Findings, Violation};
use crate::payload::RecordId;
use crate::sequence::Sequence;

/// What one follower saw last of each key. It must follow shards as their children take over: whoever reads a child
/// before its parents have ended sees disorder that is its own.
#[derive(Debug)]
pub struct KeyOrder {
    follower: usize,
    keys: NonZeroU64,
    /// By producer, then by key.
    last: Vec<Vec<Option<(RecordId, Sequence)>>>,
}

impl KeyOrder {
    /// Of so many keys of each producer, [used in turn](crate::payload::Payloads::with_keys).
    pub fn new(follower: usize, keys: NonZeroU64) -> Self {
        Self { follower, keys, last: Vec::new() }
    }

    /// Takes the next record: put later than the one before it of its key, and with a higher number.
    pub fn observe(&mut self, id: RecordId, sequence: Sequence, findings: &mut Findings) {
        let Ok(key) = usize::try_from(id.number() % self.keys) else { return };
        if self.last.len() <= id.producer() {
            self.last.resize_with(id.producer() + 1, Vec::new);
        }
        let of_producer = &mut self.last[id.producer()];
        if of_producer.len() <= key {
            of_producer.resize(key + 1, None);
        }
        let before = of_producer[key].replace((id, sequence));
        let Some((last, last_sequence)) = before.filter(|(last, number)| *last >= id || *number >= sequence)
        else {
            return;
        };
        findings.add(Violation::Reordered, || {
            format!(
                "follower {}: {id} with {sequence} came after {last} with {last_sequence}, of the same key",
                self.follower
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disorders(seen: &[(u16, u64, &str)]) -> u64 {
        let (mut order, mut findings) = (KeyOrder::new(0, NonZeroU64::new(2).unwrap()), Findings::default());
        for (producer, number, sequence) in seen {
            let sequence = Sequence::parse(sequence.as_bytes()).unwrap();
            order.observe(RecordId::new(*producer, *number), sequence, &mut findings);
        }
        findings.count(Violation::Reordered)
    }

    /// Each key of each producer stands for itself; within it neither records nor numbers go back or stand still.
    #[test]
    fn disorder_is_per_key() {
        assert_eq!(disorders(&[(0, 0, "5"), (0, 1, "1"), (1, 0, "2"), (0, 2, "6"), (0, 3, "3")]), 0);
        assert_eq!(disorders(&[(0, 2, "5"), (0, 0, "6")]), 1);
        assert_eq!(disorders(&[(0, 0, "6"), (0, 2, "5")]), 1);
        assert_eq!(disorders(&[(0, 0, "6"), (0, 0, "6")]), 1);
    }
}
