//! Whether answers are right: put answers, pages of records, and the server's whole content at the end. A quick answer
//! that is wrong must not become a figure.

use std::net::SocketAddr;

use super::{PATIENCE, STREAM};
use crate::auditor::{Acked, Findings, View, Violation};
use crate::payload::Payloads;
use crate::wire::answers;
use crate::wire::request::Request;
use crate::wire::{Answer, Connection, WireError};
use crate::workload::{RunError, good, oldest_iterator};

/// Answers without records, one after the other, after which a shard that still says it is behind is left.
const EMPTY_ANSWERS_MAX: u32 = 100;
/// Characters of a bad answer that are told.
const EXCERPT_BYTES: usize = 300;

/// What a call brought.
pub enum Came<'a> {
    /// The body of a 200.
    Body(&'a [u8]),
    /// Something else, which is among the findings; the connection can go on.
    Refusal,
    /// No answer, which is among the findings; the connection is of no further use.
    Nothing,
}

/// Takes a call's result apart; `name` says which request it was.
pub fn came<'a>(
    answer: Result<Answer<'a>, WireError>,
    findings: &mut Findings,
    name: impl Fn() -> String,
) -> Came<'a> {
    match answer {
        Ok(Answer { status: 200, body }) => Came::Body(body),
        Ok(Answer { status, body }) => {
            let excerpt = body[..body.len().min(EXCERPT_BYTES)].escape_ascii();
            findings.add(Violation::Failed, || format!("{}: {status} {excerpt}", name()));
            Came::Refusal
        }
        Err(error) => {
            findings.add(Violation::Failed, || format!("{}: {error}", name()));
            Came::Nothing
        }
    }
}

/// Reads a GetRecords answer that must hold exactly `expected`, in this order, and returns the next iterator.
pub fn page(
    body: &[u8],
    expected: &[Acked],
    payloads: &Payloads,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let first = expected.first().map_or_else(String::new, |entry| entry.sequence.to_string());
    let mut records = 0usize;
    let scanned = answers::get_records(body, |record| {
        let place = records;
        records += 1;
        let Some(entry) = expected.get(place) else { return };
        let at = || format!("GetRecords from {first}: place {place}");
        match payloads.identify(&record.key, &record.data) {
            Ok(id) if id == entry.id && record.sequence == entry.sequence => {}
            Ok(id) if id == entry.id => findings.add(Violation::Misplaced, || {
                format!("{}: {id} with {} for {}", at(), record.sequence, entry.sequence)
            }),
            Ok(id) => findings.add(Violation::Reordered, || format!("{}: {id} for {}", at(), entry.id)),
            Err(altered) => findings.add(Violation::Altered, || format!("{}: {altered}", at())),
        }
    });
    let count = |records: usize| format!("GetRecords from {first}: {records} records for {}", expected.len());
    if records < expected.len() {
        findings.add(Violation::Lost, || count(records));
    } else if records > expected.len() {
        findings.add(Violation::Unasked, || count(records));
    }
    match scanned {
        Ok(tail) if tail.next_iterator.is_some() => tail.next_iterator.map(std::borrow::Cow::into_owned),
        Ok(_) => {
            findings.add(Violation::Failed, || {
                format!("GetRecords from {first}: no next iterator, but the shard is open")
            });
            None
        }
        Err(error) => {
            findings.add(Violation::Failed, || format!("GetRecords from {first}: answer: {error}"));
            None
        }
    }
}

/// Reads every shard from its oldest record to its tip, one view per shard, for the auditor's ledger.
///
/// # Errors
/// The server does not answer, or answers what nobody can read.
pub async fn read_back(address: SocketAddr, shards: u32, payloads: &Payloads) -> Result<Vec<View>, RunError> {
    let mut connection = Connection::open(address, PATIENCE).await?;
    let mut views = Vec::new();
    for shard in 0..shards {
        views.push(read_shard(&mut connection, STREAM, shard, payloads).await?);
    }
    Ok(views)
}

/// Reads one shard from its oldest record to its tip.
///
/// # Errors
/// The server does not answer, or answers what nobody can read.
pub async fn read_shard(
    connection: &mut Connection,
    stream: &str,
    shard: u32,
    payloads: &Payloads,
) -> Result<View, RunError> {
    let mut view = View::new(0, shard, 0);
    let mut iterator = oldest_iterator(connection, stream, shard).await?;
    let mut request = Request::default();
    let mut empty = 0;
    while empty < EMPTY_ANSWERS_MAX {
        request.get_records(&iterator);
        let body = good(connection, &request).await?;
        let before = view.records();
        let tail = answers::get_records(&body, |record| _ = view.observe(payloads, &record))
            .map_err(|error| RunError(format!("GetRecords of shard {shard}: answer: {error}")))?;
        empty = if view.records() > before { 0 } else { empty + 1 };
        match tail.next_iterator {
            // The empty answer at the tip shows that nothing is repeated behind the last record.
            Some(next) if empty == 0 || tail.behind_ms > 0 => iterator = next.into_owned(),
            _ => break,
        }
    }
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::RecordId;
    use crate::sequence::Sequence;
    use crate::workload::put_answer;

    fn acked(number: u64, sequence: &str) -> Acked {
        let sequence = Sequence::parse(sequence.as_bytes()).unwrap();
        Acked { id: RecordId::new(0, number), shard: 0, sequence }
    }

    fn body(payloads: &Payloads, records: &[Acked]) -> String {
        let text = |record: &Acked| {
            let mut data = Vec::new();
            payloads.write_data(record.id, &mut data);
            format!(
                r#"{{"SequenceNumber":"{}","PartitionKey":"{}","Data":"{}"}}"#,
                record.sequence,
                String::from_utf8_lossy(&payloads.key(record.id)),
                String::from_utf8_lossy(&data)
            )
        };
        let records = records.iter().map(text).collect::<Vec<_>>().join(",");
        format!(r#"{{"Records":[{records}],"NextShardIterator":"next","MillisBehindLatest":0}}"#)
    }

    /// Each way in which a page can be wrong is found and named; a right page is silent.
    #[test]
    fn pages_hold_exactly_what_was_put() {
        let payloads = Payloads::new(5, 100);
        let expected = [acked(0, "10"), acked(1, "12"), acked(2, "14")];
        let found = |body: &str, kind| {
            let mut findings = Findings::default();
            let next = page(body.as_bytes(), &expected, &payloads, &mut findings);
            (next.is_some(), findings.total(), findings.count(kind))
        };
        let right = body(&payloads, &expected);
        assert_eq!(found(&right, Violation::Failed), (true, 0, 0));
        let [a, b, c] = expected;
        assert_eq!(found(&body(&payloads, &[a, b]), Violation::Lost), (true, 1, 1));
        assert_eq!(found(&body(&payloads, &[a, b, c, c]), Violation::Unasked), (true, 1, 1));
        assert_eq!(found(&body(&payloads, &[a, c, b]), Violation::Reordered), (true, 2, 2));
        assert_eq!(found(&body(&payloads, &[a, b, acked(2, "16")]), Violation::Misplaced), (true, 1, 1));
        let other = body(&Payloads::new(6, 100), &[a, b, c]);
        assert_eq!(found(&other, Violation::Altered), (true, 3, 3));
        let end = right.replace(r#""next""#, "null");
        assert_eq!(found(&end, Violation::Failed), (false, 1, 1));
        assert_eq!(found("{", Violation::Lost), (false, 2, 1));
    }

    #[test]
    fn put_answers_acknowledge_only_what_was_asked() {
        let stored = r#"{"SequenceNumber":"1","ShardId":"shardId-000000000000"}"#;
        let refused = r#"{"ErrorCode":"InternalFailure","ErrorMessage":"x"}"#;
        let checked = |failed: u64, records: &[&str]| {
            let body = format!("{{\"FailedRecordCount\":{failed},\"Records\":[{}]}}", records.join(","));
            let (mut acked, mut findings) = (Vec::new(), Findings::default());
            put_answer(body.as_bytes(), 0, 40, 2, &mut acked, &mut findings);
            (acked.iter().map(|entry| entry.id.number()).collect::<Vec<_>>(), findings.total())
        };
        assert_eq!(checked(0, &[stored, stored]), (vec![40, 41], 0));
        assert_eq!(checked(1, &[refused, stored]), (vec![41], 1));
        assert_eq!(checked(0, &[refused, stored]), (vec![41], 2));
        assert_eq!(checked(0, &[stored]), (vec![40], 1));
        assert_eq!(checked(0, &[stored, stored, stored]), (vec![], 1));
    }
}
