//! One follower's way through the shards: which of them may be read by now, and what was seen in each.
//!
//! It does not say how shards are read: whoever does hands over records and ends. A child is read when all of its parents
//! have ended, and is told of by each of them; what an end may say is what KCL accepts (reference 15.1).

use std::collections::{BTreeMap, BTreeSet};

use super::KEYS;
use crate::auditor::{Findings, KeyOrder, View, Violation};
use crate::payload::Payloads;
use crate::wire::answers::Record;
use crate::wire::shards::Child;

/// What one follower saw, and where it goes on.
#[derive(Debug)]
pub(super) struct Walk {
    follower: usize,
    order: KeyOrder,
    /// Every shard that was begun.
    views: BTreeMap<u32, View>,
    ended: BTreeSet<u32>,
    /// What was wrong.
    findings: Findings,
}

impl Walk {
    pub(super) fn new(follower: usize) -> Self {
        Self {
            follower,
            order: KeyOrder::new(follower, KEYS),
            views: BTreeMap::new(),
            ended: BTreeSet::new(),
            findings: Findings::default(),
        }
    }

    /// Begins a shard, unless that was done before.
    pub(super) fn begin(&mut self, shard: u32) -> bool {
        let is_new = !self.views.contains_key(&shard);
        if is_new {
            self.views.insert(shard, View::new(self.follower, shard, 0));
        }
        is_new
    }

    /// Takes the next record of a shard that was begun.
    pub(super) fn observe(&mut self, shard: u32, payloads: &Payloads, record: &Record<'_>) {
        let Some(view) = self.views.get_mut(&shard) else { return };
        if let Some(id) = view.observe(payloads, record) {
            self.order.observe(id, record.sequence, &mut self.findings);
        }
    }

    /// Takes the end of a shard, and gives what may be read now.
    pub(super) fn end(&mut self, shard: u32, children: &[Child]) -> Vec<u32> {
        let follower = self.follower;
        let parents_wanted = match children {
            [_] => 2,
            [_, _] => 1,
            _ => {
                self.findings.add(Violation::Failed, || {
                    format!("follower {follower}: shard {shard} ended with {} children", children.len())
                });
                return Vec::new();
            }
        };
        self.ended.insert(shard);
        let mut ready = Vec::new();
        for Child { shard: child, parents } in children {
            if parents.len() != parents_wanted || !parents.contains(&shard) || child <= &shard {
                self.findings.add(Violation::Failed, || {
                    format!("follower {follower}: shard {shard} ended with child {child} of {parents:?}")
                });
            }
            if parents.iter().all(|parent| self.ended.contains(parent)) && self.begin(*child) {
                ready.push(*child);
            }
        }
        ready
    }

    /// A view of each of so many shards, in order; those that were never begun saw nothing.
    pub(super) fn into_views(mut self, shards: u32, findings: &mut Findings) -> Vec<View> {
        findings.merge(&self.findings);
        let view = |shard| self.views.remove(&shard).unwrap_or_else(|| View::new(self.follower, shard, 0));
        let views = (0..shards).map(view).collect();
        for shard in self.views.keys() {
            findings.add(Violation::Failed, || {
                format!("follower {} was led to shard {shard}, which is not listed", self.follower)
            });
        }
        views
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(shard: u32, parents: &[u32]) -> Child {
        Child { shard, parents: parents.to_vec() }
    }

    /// Both children of a split are there at once; a merge's child when both parents have ended, and once.
    #[test]
    fn children_come_after_their_parents() {
        let mut walk = Walk::new(0);
        assert!(walk.begin(0) && walk.begin(1) && !walk.begin(0));
        assert_eq!(walk.end(0, &[child(2, &[0]), child(3, &[0])]), [2, 3]);
        let merged = [child(4, &[1, 2])];
        assert_eq!(walk.end(1, &merged), []);
        assert_eq!(walk.end(2, &merged), [4]);
        let mut findings = Findings::default();
        assert_eq!(walk.into_views(5, &mut findings).len(), 5);
        assert_eq!(findings.total(), 0, "{findings}");
    }

    /// What KCL would reject is a finding.
    #[test]
    fn ends_that_lead_nowhere() {
        for children in [
            vec![],
            vec![child(2, &[0])],
            vec![child(2, &[1, 3])],
            vec![child(2, &[0]), child(3, &[1])],
            vec![child(2, &[0]), child(3, &[0, 1])],
            vec![child(2, &[0]), child(0, &[0])],
            vec![child(2, &[0]), child(3, &[0]), child(4, &[0])],
        ] {
            let mut walk = Walk::new(0);
            walk.begin(0);
            walk.end(0, &children);
            assert_eq!(walk.findings.count(Violation::Failed), 1, "{children:?}");
        }
        let mut walk = Walk::new(0);
        walk.begin(0);
        walk.end(0, &[child(7, &[0]), child(8, &[0])]);
        let mut findings = Findings::default();
        walk.into_views(8, &mut findings);
        assert_eq!(findings.count(Violation::Failed), 1, "{findings}");
    }
}
