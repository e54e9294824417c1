//! What the answer to a PutRecords acknowledges, held against what was asked.

use crate::auditor::{Acked, Findings, Violation};
use crate::payload::RecordId;
use crate::wire::answers::{self, PutEntry};

/// Reads the answer to a PutRecords of the records `first..first + count` of a producer and keeps what it
/// acknowledges.
pub fn put_answer(
    body: &[u8],
    producer: u16,
    first: u64,
    count: u64,
    acked: &mut Vec<Acked>,
    findings: &mut Findings,
) {
    let before = acked.len();
    let (mut entries, mut refused) = (0u64, 0u64);
    let scanned = answers::put_records(body, |entry| {
        let id = RecordId::new(producer, first + entries);
        entries += 1;
        match entry {
            PutEntry::Stored { shard, sequence } => acked.push(Acked { id, shard, sequence }),
            PutEntry::Failed { code } => {
                refused += 1;
                findings.add(Violation::Refused, || format!("{id}: {}", code.escape_ascii()));
            }
        }
    });
    let failed =
        |what: String| format!("PutRecords of {count} records of producer {producer} from {first}: {what}");
    if entries > count {
        // Numbers beyond the request belong to records of other requests; they must not count as acknowledged.
        acked.truncate(before);
    }
    match scanned {
        Ok(said) if said == refused && entries == count => {}
        Ok(said) => findings.add(Violation::Failed, || {
            failed(format!("{entries} entries, {refused} refused, FailedRecordCount {said}"))
        }),
        Err(error) => findings.add(Violation::Failed, || failed(format!("answer: {error}"))),
    }
}
