//! What went wrong, counted by kind, with the first few cases of each in words.

use std::fmt;

/// Cases told in words per kind; the rest is only counted.
const EXAMPLES_MAX: usize = 5;

/// A kind of violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// An acknowledged record that a poller never saw.
    Lost,
    /// A record seen, or a number given, more than once.
    Repeated,
    /// A sequence number not above the one before it.
    Reordered,
    /// A record whose bytes or key nobody wrote.
    Altered,
    /// A record seen on another shard or with another sequence number than acknowledged.
    Misplaced,
    /// A record that nobody sent.
    Unasked,
    /// A record that the server refused.
    Refused,
    /// A request without a good answer.
    Failed,
    /// A request that took too long.
    Stalled,
}

const KINDS: [(Violation, &str); 9] = [
    (Violation::Lost, "lost"),
    (Violation::Repeated, "repeated"),
    (Violation::Reordered, "reordered"),
    (Violation::Altered, "altered"),
    (Violation::Misplaced, "misplaced"),
    (Violation::Unasked, "unasked"),
    (Violation::Refused, "refused"),
    (Violation::Failed, "failed"),
    (Violation::Stalled, "stalled"),
];

/// Violations found so far.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    counts: [u64; KINDS.len()],
    examples: Vec<(Violation, String)>,
}

impl Findings {
    /// Counts a violation; `case` is only asked for while there is room for its words.
    pub fn add(&mut self, kind: Violation, case: impl FnOnce() -> String) {
        self.counts[kind as usize] += 1;
        if self.told(kind) < EXAMPLES_MAX {
            self.examples.push((kind, case()));
        }
    }

    /// Adds another part's findings.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for (kind, case) in &other.examples {
            if self.told(*kind) < EXAMPLES_MAX {
                self.examples.push((*kind, case.clone()));
            }
        }
    }

    /// Violations of one kind.
    pub fn count(&self, kind: Violation) -> u64 {
        self.counts[kind as usize]
    }

    /// All violations.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn told(&self, kind: Violation) -> usize {
        self.examples.iter().filter(|(other, _)| *other == kind).count()
    }
}

/// One line per kind, each starting with `VIOLATION`, and one per case; nothing when all is well.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, label) in KINDS.into_iter().filter(|(kind, _)| self.count(*kind) > 0) {
            writeln!(f, "VIOLATION {label}: {}", self.count(kind))?;
            for (_, case) in self.examples.iter().filter(|(other, _)| *other == kind) {
                writeln!(f, "  {case}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts are indexed by the enum's order, the labels by the table's.
    #[test]
    fn the_table_follows_the_enum() {
        for (index, (kind, _)) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn all_are_counted_and_few_are_told() {
        let mut findings = Findings::default();
        for number in 0..8 {
            findings.add(Violation::Lost, || format!("case {number}"));
        }
        let mut whole = Findings::default();
        whole.merge(&findings);
        whole.merge(&findings);
        assert_eq!((whole.count(Violation::Lost), whole.total()), (16, 16));
        let text = whole.to_string();
        assert!(text.starts_with("VIOLATION lost: 16\n  case 0\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + EXAMPLES_MAX);
        assert_eq!(Findings::default().to_string(), "");
    }
}
