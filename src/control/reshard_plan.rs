//! What becomes of which shard: splits and merges, planned on ranges alone.
//!
//! A plan has rounds. What a round makes, a later one may take apart again: UpdateShardCount goes by way of shards that
//! are closed as soon as they are created, as on AWS, where the totals of closed and open shards it leaves were counted
//! (reference 8.3): growing splits every open shard in the middle and then merges neighbours until the count is right,
//! shrinking merges neighbours. Which ones, the plan chooses for the most even result that pairs can give.

use smallvec::{SmallVec, smallvec};

use crate::names::{HashKey, HashKeyRange, ShardId};

/// A shard as far as planning goes: which one, and its keys.
pub type Piece = (ShardId, HashKeyRange);

/// One split or one merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The shard to be split, or the two to be merged: parent and adjacent parent.
    pub parents: SmallVec<[ShardId; 2]>,
    /// What they become.
    pub children: SmallVec<[Piece; 2]>,
}

/// Rounds of steps, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps of each round.
    pub rounds: Vec<Vec<Step>>,
}

/// Gives ids to children, upwards.
struct Ids {
    next: u32,
}

impl Ids {
    /// `None` past the last index, 2^31 - 1.
    fn take(&mut self) -> Option<ShardId> {
        let id = ShardId::new(self.next)?;
        self.next += 1;
        Some(id)
    }
}

impl Plan {
    /// A split before `at`, which lies inside the shard's range. `None` if the ids are used up.
    pub(super) fn split((parent, range): Piece, at: HashKey, next_index: u32) -> Option<Self> {
        let step = split((parent, range), at, &mut Ids { next: next_index })?;
        Some(Self { rounds: vec![vec![step]] })
    }

    /// A merge of two shards whose ranges meet. `None` if the ids are used up.
    pub(super) fn merge(parent: Piece, adjacent: Piece, next_index: u32) -> Option<Self> {
        let step = merge(parent, adjacent, &mut Ids { next: next_index })?;
        Some(Self { rounds: vec![vec![step]] })
    }

    /// A split of each of these shards in the middle, but for those of too few keys. `None` if the ids are used up.
    pub(super) fn halves(pieces: &[Piece], next_index: u32) -> Option<Self> {
        Some(Self { rounds: vec![halves(pieces, &mut Ids { next: next_index })?] })
    }

    /// From these open shards, by ascending range, to `target` of them: from half as many to twice as many. `None` if
    /// the ids are used up, or too many of the shards have too few keys to be split.
    pub(super) fn to_count(open: &[Piece], target: usize, next_index: u32) -> Option<Self> {
        let mut ids = Ids { next: next_index };
        let mut plan = Self::default();
        let mut pieces = open.to_vec();
        if target > pieces.len() {
            plan.rounds.push(halves(&pieces, &mut ids)?);
            pieces = plan.outcome(open);
        }
        if target < pieces.len() {
            let groups = evenest_groups(&pieces, target)?;
            let mut left = pieces.as_slice();
            let mut steps = Vec::new();
            for is_pair in groups {
                let (group, rest) = left.split_at_checked(1 + usize::from(is_pair))?;
                if let [parent, adjacent] = group {
                    steps.push(merge(*parent, *adjacent, &mut ids)?);
                }
                left = rest;
            }
            plan.rounds.push(steps);
            pieces = plan.outcome(open);
        }
        (pieces.len() == target).then_some(plan)
    }

    /// The shards that are open once the plan is carried out on these, by ascending range.
    pub(super) fn outcome(&self, open: &[Piece]) -> Vec<Piece> {
        let steps = || self.rounds.iter().flatten();
        let parents: std::collections::HashSet<_> = steps().flat_map(|step| &step.parents).collect();
        let made = steps().flat_map(|step| &step.children);
        let mut left: Vec<_> =
            open.iter().chain(made).filter(|(id, _)| !parents.contains(id)).copied().collect();
        left.sort_unstable_by_key(|(_, range)| range.start);
        left
    }
}

fn halves(pieces: &[Piece], ids: &mut Ids) -> Option<Vec<Step>> {
    let splits = pieces.iter().filter_map(|piece| Some((*piece, middle(piece.1)?)));
    splits.map(|(piece, at)| split(piece, at, ids)).collect()
}

fn split((parent, range): Piece, at: HashKey, ids: &mut Ids) -> Option<Step> {
    let left = HashKeyRange { start: range.start, end: HashKey(at.0.checked_sub(1)?) };
    let right = HashKeyRange { start: at, end: range.end };
    let children = smallvec![(ids.take()?, left), (ids.take()?, right)];
    Some(Step { parents: smallvec![parent], children })
}

fn merge((parent, one): Piece, (adjacent, other): Piece, ids: &mut Ids) -> Option<Step> {
    let range = HashKeyRange { start: one.start.min(other.start), end: one.end.max(other.end) };
    Some(Step { parents: smallvec![parent, adjacent], children: smallvec![(ids.take()?, range)] })
}

/// Whether a split before `at` leaves each side the two keys that AWS asks for (reference 8.1).
pub(super) fn may_split(range: HashKeyRange, at: HashKey) -> bool {
    range.start.0.checked_add(1).is_some_and(|second| second < at.0) && at < range.end
}

/// Where to split a shard in two halves; `None` if it has too few keys.
fn middle(range: HashKeyRange) -> Option<HashKey> {
    let at = HashKey(range.start.0 + (range.end.0 - range.start.0) / 2 + 1);
    may_split(range, at).then_some(at)
}

/// Which neighbours to merge so that `target` shards are left: for each of those in order, whether it is a pair. `None`
/// if pairs do not suffice.
///
/// From the left, each group ends where it comes closest to the end that it would have if all were of one size.
fn evenest_groups(pieces: &[Piece], target: usize) -> Option<Vec<bool>> {
    let size = u128::MAX / u128::try_from(target).ok().filter(|target| *target > 0)?;
    let mut groups = Vec::with_capacity(target);
    let (mut at, mut wanted_end) = (0, 0_u128);
    for groups_left in (1..=target).rev() {
        let pieces_left = pieces.len() - at;
        wanted_end = wanted_end.saturating_add(size);
        let miss_of = |place: usize| pieces.get(place).map(|(_, range)| range.end.0.abs_diff(wanted_end));
        let is_pair = if pieces_left == groups_left {
            false
        } else if pieces_left == 2 * groups_left {
            true
        } else if (groups_left + 1..2 * groups_left).contains(&pieces_left) {
            miss_of(at + 1)? < miss_of(at)?
        } else {
            return None;
        };
        groups.push(is_pair);
        at += 1 + usize::from(is_pair);
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(index: u32) -> ShardId {
        ShardId::new(index).unwrap()
    }

    fn even(count: u32) -> Vec<Piece> {
        (0..).map(id).zip(HashKeyRange::WHOLE.split_evenly(count)).collect()
    }

    fn total(open: &[Piece], plan: &Plan) -> usize {
        open.len() + plan.rounds.iter().flatten().map(|step| step.children.len()).sum::<usize>()
    }

    fn assert_tiles(pieces: &[Piece]) {
        assert_eq!(pieces.first().map(|(_, range)| range.start), Some(HashKey::MIN));
        assert_eq!(pieces.last().map(|(_, range)| range.end), Some(HashKey::MAX));
        for pair in pieces.windows(2) {
            assert_eq!(pair[0].1.end.0.checked_add(1), Some(pair[1].1.start.0));
        }
    }

    /// Protects: the totals of closed and open shards that AWS leaves (reference 8.3, recorded).
    #[test]
    fn totals_are_those_counted_on_aws() {
        for (initial, target, expected) in
            [(2, 4, 6), (4, 5, 15), (10, 13, 37), (4, 2, 6), (5, 3, 7), (1, 2, 3), (2, 1, 3)]
        {
            let open = even(initial);
            let plan = Plan::to_count(&open, target, initial).unwrap();
            assert_eq!(total(&open, &plan), expected, "{initial} to {target}");
            assert_eq!(plan.outcome(&open).len(), target);
        }
    }

    /// Protects: a doubling and a halving of even shards are even.
    #[test]
    fn doubling_and_halving_are_even() {
        let ranges = |pieces: &[Piece]| pieces.iter().map(|(_, range)| *range).collect::<Vec<_>>();
        for count in [1_u32, 2, 3, 7, 8] {
            let doubled = Plan::to_count(&even(count), 2 * count as usize, count).unwrap();
            let (found, expected) = (ranges(&doubled.outcome(&even(count))), ranges(&even(2 * count)));
            let misses = found.iter().zip(&expected).map(|(found, even)| found.end.0.abs_diff(even.end.0));
            assert!(misses.max() <= Some(u128::from(2 * count)), "{found:?}");
            let halved = Plan::to_count(&even(2 * count), count as usize, 2 * count).unwrap();
            assert_eq!(halved.outcome(&even(2 * count)).len(), count as usize);
        }
    }

    /// Protects: four shards become five whose sizes differ by a factor of two at most, in a fixed order of ids.
    #[test]
    fn four_become_five() {
        let open = even(4);
        let plan = Plan::to_count(&open, 5, 4).unwrap();
        let eighths: Vec<_> = plan.outcome(&open).iter().map(|(_, range)| (range.end.0 >> 125) + 1).collect();
        assert_eq!(eighths, [2, 3, 5, 6, 8]);
        let ids: Vec<_> = plan
            .rounds
            .iter()
            .flatten()
            .flat_map(|step| step.children.iter().map(|(id, _)| id.index()))
            .collect();
        assert_eq!(ids, (4..15).collect::<Vec<_>>());
    }

    /// Protects: the edges of where a shard may be split (reference 8.1, recorded for the whole ring).
    #[test]
    fn where_a_shard_may_be_split() {
        let may = |start: u128, end: u128, at: u128| {
            may_split(HashKeyRange { start: HashKey(start), end: HashKey(end) }, HashKey(at))
        };
        assert!(!may(0, u128::MAX, 0) && !may(0, u128::MAX, 1) && may(0, u128::MAX, 2));
        assert!(may(0, u128::MAX, u128::MAX - 1) && !may(0, u128::MAX, u128::MAX));
        assert!(!may(u128::MAX, u128::MAX, u128::MAX));
        let fewest = |keys: u128| middle(HashKeyRange { start: HashKey(7), end: HashKey(6 + keys) });
        assert_eq!([1, 2, 3, 4].map(fewest), [None, None, None, Some(HashKey(9))]);
    }

    /// Protects: shards of too few keys are left as they are, and what cannot be reached is said to be so.
    #[test]
    fn narrow_shards_are_not_split() {
        let narrow = HashKeyRange { start: HashKey(0), end: HashKey(1) };
        let wide = HashKeyRange { start: HashKey(2), end: HashKey::MAX };
        let open = [(id(0), narrow), (id(1), wide)];
        let plan = Plan::to_count(&open, 3, 2).unwrap();
        assert_eq!(plan.outcome(&open).len(), 3);
        assert_eq!(Plan::to_count(&open, 4, 2), None);
    }

    /// Protects: ids end with an answer, not with one used twice.
    #[test]
    fn ids_end() {
        let whole = (id(5), HashKeyRange::WHOLE);
        assert!(Plan::split(whole, HashKey(9), crate::limits::SHARD_INDEX_MAX - 1).is_some());
        assert_eq!(Plan::split(whole, HashKey(9), crate::limits::SHARD_INDEX_MAX), None);
    }

    proptest! {
        /// Protects: any ranges go to any allowed count, tile the space, and every shard is made once, of shards that
        /// were there, with their keys.
        #[test]
        fn any_count_is_reached(cuts in prop::collection::btree_set(any::<u128>(), 0..60), to in any::<prop::sample::Index>()) {
            let starts: Vec<u128> = std::iter::once(0).chain(cuts.into_iter().filter(|cut| *cut > 0)).collect();
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([u128::MAX]);
            let ranges = starts.iter().zip(ends).map(|(start, end)| HashKeyRange { start: HashKey(*start), end: HashKey(end) });
            let open: Vec<Piece> = (0..).map(id).zip(ranges).collect();
            let count = open.len();
            let targets: Vec<_> = (count.div_ceil(2)..=2 * count).collect();
            let target = targets[to.index(targets.len())];
            let plan = Plan::to_count(&open, target, u32::try_from(count).unwrap()).unwrap();
            let outcome = plan.outcome(&open);
            prop_assert_eq!(outcome.len(), target);
            assert_tiles(&outcome);
            let mut known: std::collections::HashMap<_, _> = open.iter().copied().collect();
            let merges = if target < count { count - target } else if target > count { 2 * count - target } else { 0 };
            let splits = if target > count { count } else { 0 };
            prop_assert_eq!(total(&open, &plan), count + 2 * splits + merges);
            for step in plan.rounds.iter().flatten() {
                let mut parents: Vec<_> = step.parents.iter().map(|parent| known[parent]).collect();
                parents.sort_unstable_by_key(|range| range.start);
                let mut children: Vec<_> = step.children.iter().map(|(_, range)| *range).collect();
                children.sort_unstable_by_key(|range| range.start);
                prop_assert_eq!(parents[0].start, children[0].start);
                prop_assert_eq!(parents.last().unwrap().end, children.last().unwrap().end);
                for (id, range) in &step.children {
                    prop_assert!(known.insert(*id, *range).is_none());
                }
            }
        }
    }
}
