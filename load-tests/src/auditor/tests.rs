//! Each test plants one fault in a small honest world and expects exactly that fault to be named.

use std::borrow::Cow;

use super::*;

const SHARDS: u32 = 3;
const RECORDS: u64 = 60;
const BASE: &str = "4964643757710847641691687640582592942558542967627526";

/// A written record as a poller would read it.
#[derive(Clone)]
struct Stored {
    id: RecordId,
    shard: u32,
    sequence: Sequence,
    key: Vec<u8>,
    data: Vec<u8>,
}

struct World {
    payloads: Payloads,
    stored: Vec<Stored>,
}

fn sequence(number: u64) -> Sequence {
    Sequence::parse(format!("{BASE}{number:04}").as_bytes()).unwrap()
}

impl World {
    fn new() -> Self {
        let payloads = Payloads::new(5, 100);
        let stored = (0..RECORDS)
            .map(|number| {
                let id = RecordId::new(u16::try_from(number % 2).unwrap(), number / 2);
                let mut data = Vec::new();
                payloads.write_data(id, &mut data);
                let shard = u32::try_from(number % u64::from(SHARDS)).unwrap();
                Stored { id, shard, sequence: sequence(number), key: payloads.key(id).to_vec(), data }
            })
            .collect();
        Self { payloads, stored }
    }

    /// Acknowledges all records but those in `silent`, lets one poller read `read`, and audits.
    fn audit_without(&self, silent: &[usize], read: &[Stored]) -> Findings {
        let acked = self.stored.iter().enumerate().filter(|(index, _)| !silent.contains(index));
        let acked =
            acked.map(|(_, stored)| Acked { id: stored.id, shard: stored.shard, sequence: stored.sequence });
        // Producers answer in any order.
        let acked: Vec<_> = acked.rev().collect();
        let ledger = Ledger::new(SHARDS, acked, vec![RECORDS / 2; 2]);
        assert_eq!(ledger.findings.total(), 0);
        let views: Vec<_> = (0..SHARDS)
            .map(|shard| {
                let mut view = View::new(4, shard, 0);
                for stored in read.iter().filter(|stored| stored.shard == shard) {
                    let (key, data) = (Cow::Borrowed(&stored.key[..]), Cow::Borrowed(&stored.data[..]));
                    view.observe(&self.payloads, &Record { sequence: stored.sequence, key, data });
                }
                view
            })
            .collect();
        ledger.audit(&views)
    }

    fn audit(&self, read: &[Stored]) -> Findings {
        self.audit_without(&[], read)
    }
}

/// Exactly these kinds, this often.
fn expect(findings: &Findings, kinds: &[(Violation, u64)]) {
    for (kind, count) in kinds {
        assert_eq!(findings.count(*kind), *count, "{kind:?} in\n{findings}");
    }
    assert_eq!(findings.total(), kinds.iter().map(|(_, count)| count).sum::<u64>(), "{findings}");
}

#[test]
fn an_honest_world_is_clean() {
    let world = World::new();
    expect(&world.audit(&world.stored), &[]);
}

#[test]
fn a_lost_record_is_caught_wherever_it_was() {
    let world = World::new();
    for place in [0, 30, world.stored.len() - 1] {
        let mut read = world.stored.clone();
        let lost = read.remove(place);
        let findings = world.audit(&read);
        expect(&findings, &[(Violation::Lost, 1)]);
        let text = findings.to_string();
        assert!(text.contains(&lost.id.to_string()) && text.contains(&lost.sequence.to_string()), "{text}");
    }
}

#[test]
fn a_repeated_record_is_caught() {
    let world = World::new();
    let mut read = world.stored.clone();
    read.insert(31, read[30].clone());
    expect(&world.audit(&read), &[(Violation::Repeated, 1), (Violation::Reordered, 1)]);
    // Stored twice under two numbers: only the second number is not the acknowledged one.
    let mut read = world.stored.clone();
    read.push(Stored { sequence: sequence(9000), ..read[30].clone() });
    expect(&world.audit(&read), &[(Violation::Repeated, 1), (Violation::Misplaced, 1)]);
}

#[test]
fn a_reordered_record_is_caught() {
    let world = World::new();
    let mut read = world.stored.clone();
    // Neighbours on one shard are SHARDS apart.
    read.swap(30, 33);
    expect(&world.audit(&read), &[(Violation::Reordered, 1)]);
}

#[test]
fn an_altered_record_is_caught() {
    let world = World::new();
    let alterations: [fn(&mut Stored); 3] =
        [|stored| stored.data[60] ^= 1, |stored| stored.key[3] ^= 1, |stored| stored.data.truncate(40)];
    for alter in alterations {
        let mut read = world.stored.clone();
        alter(&mut read[30]);
        // What was seen instead of it is altered, and the record itself is gone.
        expect(&world.audit(&read), &[(Violation::Altered, 1), (Violation::Lost, 1)]);
    }
}

#[test]
fn a_record_on_another_shard_or_with_another_number_is_caught() {
    let world = World::new();
    let mut read = world.stored.clone();
    read[59].shard = (read[59].shard + 1) % SHARDS;
    expect(&world.audit(&read), &[(Violation::Misplaced, 1)]);
    let mut read = world.stored.clone();
    read[59].sequence = sequence(9000);
    expect(&world.audit(&read), &[(Violation::Misplaced, 1)]);
}

#[test]
fn an_unacknowledged_record_may_appear_once_only() {
    let world = World::new();
    expect(&world.audit_without(&[30], &world.stored), &[]);
    let mut without = world.stored.clone();
    without.remove(30);
    expect(&world.audit_without(&[30], &without), &[]);
    let mut twice = world.stored.clone();
    twice.push(Stored { sequence: sequence(9000), ..twice[30].clone() });
    expect(&world.audit_without(&[30], &twice), &[(Violation::Repeated, 1)]);
}

#[test]
fn a_record_that_nobody_sent_is_caught() {
    let world = World::new();
    for id in [RecordId::new(0, RECORDS), RecordId::new(2, 0)] {
        let mut data = Vec::new();
        world.payloads.write_data(id, &mut data);
        let mut read = world.stored.clone();
        read.push(Stored {
            id,
            shard: 0,
            sequence: sequence(9000),
            key: world.payloads.key(id).to_vec(),
            data,
        });
        expect(&world.audit(&read), &[(Violation::Unasked, 1)]);
    }
}

#[test]
fn bad_acknowledgements_are_caught() {
    let id = RecordId::new(0, 0);
    let entry = Acked { id, shard: 0, sequence: sequence(1) };
    let twice = Ledger::new(1, [entry, Acked { id: RecordId::new(0, 1), ..entry }], vec![2]);
    expect(&twice.findings, &[(Violation::Repeated, 1)]);
    let nowhere = Ledger::new(1, [Acked { shard: 1, ..entry }], vec![1]);
    expect(&nowhere.findings, &[(Violation::Misplaced, 1)]);
    assert_eq!((twice.records(), nowhere.records()), (2, 0));
}
