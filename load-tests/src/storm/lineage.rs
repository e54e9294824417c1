//! What must be true of the shards that a storm leaves: one family, without a hole and without an overlap.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::STREAM;
use super::producer::Written;
use crate::auditor::{Acked, Findings, Violation};
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::wire::shards::{Keys, Listed, list_shards};
use crate::workload::{PATIENCE, RunError, good};

/// All shards, closed and open, in the order of the listing.
pub(super) async fn all_shards(address: SocketAddr) -> Result<Vec<Listed>, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut all = Vec::new();
    let mut body = format!("{{\"StreamName\":\"{STREAM}\"}}");
    loop {
        let (shards, token) = page(&mut connection, &body).await?;
        all.extend(shards);
        match token {
            Some(token) => body = format!("{{\"NextToken\":\"{token}\"}}"),
            None => return Ok(all),
        }
    }
}

/// One page of a listing.
pub(super) async fn page(
    connection: &mut Connection,
    body: &str,
) -> Result<(Vec<Listed>, Option<String>), RunError> {
    let answer = good(connection, &Request::new("ListShards", body)).await?;
    list_shards(&answer).map_err(|error| RunError(format!("ListShards: answer: {error}")))
}

/// Whether these ranges are the whole of the hash space, each key once.
pub(super) fn tile(mut ranges: Vec<Keys>) -> bool {
    ranges.sort_unstable_by_key(|keys| keys.start);
    let mut next = Some(0);
    for keys in &ranges {
        if next != Some(keys.start) || keys.end < keys.start {
            return false;
        }
        next = keys.end.checked_add(1);
    }
    next.is_none() && !ranges.is_empty()
}

/// Looks at all shards of a stream of which none has expired: ids without a gap, the first ones and the open ones tile
/// the hash space, each other one is made of whole shards before it, closed, with lower numbers, and leaves none of their
/// keys to nobody.
pub(super) fn audit(shards: &[Listed], findings: &mut Findings) {
    let mut fail = |text: String| findings.add(Violation::Misplaced, || text);
    for (place, listed) in shards.iter().enumerate() {
        if usize::try_from(listed.shard) != Ok(place) {
            return fail(format!("shard {} is listed in place {place}", listed.shard));
        }
    }
    let keys_of = |wanted: &dyn Fn(&&Listed) -> bool| shards.iter().filter(wanted).map(|s| s.keys).collect();
    if !tile(keys_of(&|listed| listed.parents.is_empty())) {
        fail("the first shards do not tile the hash space".to_owned());
    }
    if !tile(keys_of(&|listed| listed.ending.is_none())) {
        fail("the open shards do not tile the hash space".to_owned());
    }
    // By the parents that they have in common.
    let mut siblings: HashMap<&[u32], Vec<&Listed>> = HashMap::new();
    for listed in shards.iter().filter(|listed| !listed.parents.is_empty()) {
        siblings.entry(&listed.parents).or_default().push(listed);
    }
    let mut times_a_parent = vec![0; shards.len()];
    for (parents, children) in siblings {
        let of = || {
            let children: Vec<_> = children.iter().map(|child| child.shard).collect();
            format!("{parents:?} became {children:?}")
        };
        let youngest = children.iter().map(|child| child.shard).min().unwrap_or(0);
        let mut made_of = Vec::new();
        for parent in parents {
            match shards.get(*parent as usize).filter(|_| *parent < youngest) {
                Some(listed) => made_of.push(listed),
                None => fail(format!("{}, which it is no elder of", of())),
            }
            if let Some(times) = times_a_parent.get_mut(*parent as usize) {
                *times += 1;
            }
        }
        if (parents.len(), children.len()) != (1, 2) && (parents.len(), children.len()) != (2, 1) {
            fail(of());
        }
        let whole = |shards: &mut dyn Iterator<Item = &&Listed>| {
            let mut keys: Vec<_> = shards.map(|listed| listed.keys).collect();
            keys.sort_unstable_by_key(|keys| keys.start);
            let is_one = keys.windows(2).all(|pair| pair[0].end.checked_add(1) == Some(pair[1].start));
            is_one.then(|| (keys.first().map(|keys| keys.start), keys.last().map(|keys| keys.end)))
        };
        let (before, after) = (whole(&mut made_of.iter()), whole(&mut children.iter()));
        if before.is_none() || before != after {
            fail(format!("{} with other keys", of()));
        }
        let lowest = children.iter().map(|child| child.starting).min();
        if made_of.iter().any(|parent| parent.ending.is_none() || parent.ending >= lowest) {
            fail(format!("{} with numbers that are not above theirs", of()));
        }
    }
    for (listed, times) in shards.iter().zip(times_a_parent) {
        if times != usize::from(listed.ending.is_some()) {
            fail(format!(
                "shard {} is a parent {times} times, and ends with {:?}",
                listed.shard, listed.ending
            ));
        }
    }
}

/// Looks whether each number that was given lies between those with which its shard starts and ends.
pub(super) fn audit_numbers(shards: &[Listed], acked: &[Acked], findings: &mut Findings) {
    for Acked { id, shard, sequence } in acked {
        let is_within = shards.get(*shard as usize).is_some_and(|listed| {
            listed.starting < *sequence && listed.ending.is_none_or(|ending| *sequence < ending)
        });
        if !is_within {
            findings.add(Violation::Misplaced, || {
                format!("{id} was acknowledged with {sequence}, which is no number of shard {shard}")
            });
        }
    }
}

/// Records that each producer sent.
pub(super) fn by_producer(written: &[Written]) -> Vec<u64> {
    let mut sent = vec![0; written.len()];
    for part in written {
        if let Some(place) = sent.get_mut(usize::from(part.producer)) {
            *place = part.sent;
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::RecordId;
    use crate::sequence::Sequence;

    fn sequence(number: u64) -> Sequence {
        Sequence::parse(number.to_string().as_bytes()).unwrap()
    }

    /// Shard `n` has the numbers from `10 n` on; a closed one ends at `10 n + 9`.
    fn listed(shard: u32, parents: &[u32], start: u128, end: u128, is_closed: bool) -> Listed {
        let first = u64::from(shard) * 10;
        let ending = is_closed.then(|| sequence(first + 9));
        let (parents, keys, starting) = (parents.to_vec(), Keys { start, end }, sequence(first));
        Listed { shard, parents, keys, starting, ending }
    }

    /// Two shards; the first is split, and its upper half merged with the second.
    fn family() -> Vec<Listed> {
        vec![
            listed(0, &[], 0, 99, true),
            listed(1, &[], 100, u128::MAX, true),
            listed(2, &[0], 0, 49, false),
            listed(3, &[0], 50, 99, true),
            listed(4, &[3, 1], 50, u128::MAX, false),
        ]
    }

    fn faults(shards: &[Listed]) -> u64 {
        let mut findings = Findings::default();
        audit(shards, &mut findings);
        findings.total()
    }

    #[test]
    fn a_family_is_clean_and_each_fault_in_it_is_found() {
        assert_eq!(faults(&family()), 0);
        let spoil: [fn(&mut Vec<Listed>); 9] = [
            |shards| drop(shards.remove(1)),
            |shards| shards[0].keys.end = 98,
            |shards| shards[2].keys.end = 50,
            |shards| shards[3].parents = vec![1],
            |shards| shards[4].parents = vec![3],
            |shards| shards[4].parents = vec![1, 4],
            |shards| shards[0].ending = None,
            |shards| shards[0].ending = Some(sequence(20)),
            |shards| shards[2].ending = Some(sequence(29)),
        ];
        for (number, spoil) in spoil.into_iter().enumerate() {
            let mut shards = family();
            spoil(&mut shards);
            assert_ne!(faults(&shards), 0, "fault {number}");
        }
    }

    #[test]
    fn numbers_belong_to_their_shard() {
        let found = |shard, number| {
            let mut findings = Findings::default();
            let acked = Acked { id: RecordId::new(0, 0), shard, sequence: sequence(number) };
            audit_numbers(&family(), &[acked], &mut findings);
            findings.total()
        };
        assert_eq!([found(0, 1), found(0, 8), found(4, 41), found(4, 900)], [0; 4]);
        assert_eq!([found(0, 0), found(0, 9), found(0, 11), found(5, 51)], [1; 4]);
    }
}
