//! What must be true after a run: every acknowledged record was seen by every poller exactly once, with its own
//! bytes and key, on the shard and with the sequence number that the acknowledgement named, in strictly increasing
//! order per shard; and a record that was never acknowledged was seen at most once.
//!
//! Content and order are checked as records arrive ([`View::observe`]); what remains of each is 16 bytes. Sorted by
//! sequence number, the acknowledgements of a shard are exactly what each poller must have seen of it, so the final
//! audit is one comparison per record; only a difference is looked at closely.

mod findings;
mod key_order;

pub use key_order::KeyOrder;

pub use findings::{Findings, Violation};

use crate::payload::{Payloads, RecordId};
use crate::sequence::Sequence;
use crate::wire::answers::Record;

/// One acknowledged record.
#[derive(Debug, Clone, Copy)]
pub struct Acked {
    /// Which record.
    pub id: RecordId,
    /// Shard index in the acknowledgement.
    pub shard: u32,
    /// Sequence number in the acknowledgement.
    pub sequence: Sequence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    id: RecordId,
    /// [`Sequence::digest`] of the number it was read with.
    digest: u64,
}

/// What one poller saw of one shard.
#[derive(Debug)]
pub struct View {
    poller: usize,
    shard: u32,
    last: Sequence,
    records: u64,
    seen: Vec<Seen>,
    /// What was wrong with the records themselves or their order.
    pub findings: Findings,
}

impl View {
    /// A view of nothing yet; `records` is how many are expected, a hint.
    pub fn new(poller: usize, shard: u32, records: usize) -> Self {
        let seen = Vec::with_capacity(records);
        Self { poller, shard, last: Sequence::default(), records: 0, seen, findings: Findings::default() }
    }

    /// Which shard.
    pub fn shard(&self) -> u32 {
        self.shard
    }

    /// Records read so far, good or bad.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Takes the next record of a GetRecords answer; tells which one it is, if that can be told.
    pub fn observe(&mut self, payloads: &Payloads, record: &Record<'_>) -> Option<RecordId> {
        self.records += 1;
        let (poller, shard, last) = (self.poller, self.shard, self.last);
        if record.sequence <= last {
            self.findings.add(Violation::Reordered, || {
                format!("poller {poller}, shard {shard}: {} came after {last}", record.sequence)
            });
        }
        self.last = record.sequence;
        match payloads.identify(&record.key, &record.data) {
            Ok(id) => {
                self.seen.push(Seen { id, digest: record.sequence.digest() });
                Some(id)
            }
            Err(altered) => {
                self.findings.add(Violation::Altered, || {
                    format!("poller {poller}, shard {shard}, sequence number {}: {altered}", record.sequence)
                });
                None
            }
        }
    }
}

/// Everything that was acknowledged, by shard, in sequence order.
#[derive(Debug)]
pub struct Ledger {
    shards: Vec<Vec<Acked>>,
    /// Records sent per producer, acknowledged or not.
    sent: Vec<u64>,
    /// What was wrong with the acknowledgements themselves.
    pub findings: Findings,
}

impl Ledger {
    /// Sorts the acknowledgements of all producers. `sent[p]` is how many records producer `p` sent.
    pub fn new(shards: u32, acked: impl IntoIterator<Item = Acked>, sent: Vec<u64>) -> Self {
        let mut findings = Findings::default();
        let mut lists: Vec<Vec<Acked>> = (0..shards).map(|_| Vec::new()).collect();
        for entry in acked {
            match lists.get_mut(entry.shard as usize) {
                Some(list) => list.push(entry),
                None => findings.add(Violation::Misplaced, || {
                    format!("{} was acknowledged on shard {} of {shards}", entry.id, entry.shard)
                }),
            }
        }
        for list in &mut lists {
            list.sort_unstable_by_key(|entry| entry.sequence);
            for pair in list.windows(2).filter(|pair| pair[0].sequence == pair[1].sequence) {
                findings.add(Violation::Repeated, || {
                    format!(
                        "{} and {} were acknowledged with one number, {}",
                        pair[0].id, pair[1].id, pair[0].sequence
                    )
                });
            }
        }
        Self { shards: lists, sent, findings }
    }

    /// Number of acknowledged records.
    pub fn records(&self) -> usize {
        self.shards.iter().map(Vec::len).sum()
    }

    /// Compares what one poller saw, all its shards together, with the acknowledgements.
    pub fn audit(&self, views: &[View]) -> Findings {
        let mut findings = Findings::default();
        for view in views {
            findings.merge(&view.findings);
        }
        let complete = views.len() == self.shards.len()
            && views.iter().zip(0u32..).all(|(view, shard)| {
                let acked = self.shards.get(view.shard as usize).map_or(&[][..], Vec::as_slice);
                let same = |(seen, acked): (&Seen, &Acked)| {
                    seen.id == acked.id && seen.digest == acked.sequence.digest()
                };
                view.shard == shard && view.seen.len() == acked.len() && view.seen.iter().zip(acked).all(same)
            });
        if !complete {
            self.explain(views, &mut findings);
        }
        findings
    }

    /// Both sides sorted by record and walked together: slow, and only taken when they differ.
    fn explain(&self, views: &[View], findings: &mut Findings) {
        let mut acked: Vec<Acked> = self.shards.iter().flatten().copied().collect();
        acked.sort_unstable_by_key(|entry| entry.id);
        let mut seen: Vec<(Seen, u32)> =
            views.iter().flat_map(|view| view.seen.iter().map(|seen| (*seen, view.shard))).collect();
        seen.sort_by_key(|(seen, _)| seen.id);
        let poller = views.first().map_or(0, |view| view.poller);
        let mut unexplained = seen.chunk_by(|a, b| a.0.id == b.0.id).peekable();
        for entry in &acked {
            while let Some(times) = unexplained.next_if(|times| times[0].0.id < entry.id) {
                self.explain_unacknowledged(poller, times, findings);
            }
            match unexplained.next_if(|times| times[0].0.id == entry.id) {
                None => findings.add(Violation::Lost, || {
                    let Acked { id, shard, sequence } = entry;
                    format!("{id}, acknowledged on shard {shard} with {sequence}, was never seen by poller {poller}")
                }),
                Some(times) => explain_acknowledged(poller, entry, times, findings),
            }
        }
        for times in unexplained {
            self.explain_unacknowledged(poller, times, findings);
        }
    }

    /// A record whose answer was lost or an error may have been stored; once is allowed, twice never, and it must
    /// have been sent at all.
    fn explain_unacknowledged(&self, poller: usize, times: &[(Seen, u32)], findings: &mut Findings) {
        let Some((Seen { id, .. }, shard)) = times.first() else { return };
        if self.sent.get(id.producer()).is_none_or(|&sent| id.number() >= sent) {
            findings.add(Violation::Unasked, || {
                format!("{id}, never sent, was seen by poller {poller} on shard {shard}")
            });
        } else if times.len() > 1 {
            let count = times.len();
            findings.add(Violation::Repeated, || {
                format!("{id}, never acknowledged, was seen {count} times by poller {poller}, first on shard {shard}")
            });
        }
    }
}

fn explain_acknowledged(poller: usize, entry: &Acked, times: &[(Seen, u32)], findings: &mut Findings) {
    let Acked { id, shard: acked_shard, sequence } = entry;
    if times.len() > 1 {
        let count = times.len();
        findings.add(Violation::Repeated, || {
            format!("{id}, acknowledged on shard {acked_shard} with {sequence}, was seen {count} times by poller {poller}")
        });
    }
    for (seen, shard) in times {
        if shard != acked_shard {
            findings.add(Violation::Misplaced, || {
                format!(
                    "{id}, acknowledged on shard {acked_shard}, was seen on shard {shard} by poller {poller}"
                )
            });
        } else if seen.digest != sequence.digest() {
            findings.add(Violation::Misplaced, || {
                format!("{id}, acknowledged with {sequence}, was seen with another number by poller {poller}")
            });
        }
    }
}

#[cfg(test)]
mod tests;
