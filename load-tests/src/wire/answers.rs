//! What the answers of the operations used here contain, read with [`Cursor`] and handed over entry by entry.

use std::borrow::Cow;

use super::scan::{Cursor, ScanError};
use super::shards::{Child, child_shards};
use crate::sequence::Sequence;

/// One entry of a PutRecords answer, in request order.
#[derive(Debug, PartialEq, Eq)]
pub enum PutEntry<'a> {
    /// The record was acknowledged.
    Stored {
        /// Shard index, from `shardId-000000000000`.
        shard: u32,
        /// Its sequence number.
        sequence: Sequence,
    },
    /// The record was refused.
    Failed {
        /// `ErrorCode` as given.
        code: Cow<'a, [u8]>,
    },
}

/// Reads a PutRecords answer, hands each entry to `entry`, and returns `FailedRecordCount`.
///
/// # Errors
/// A body that is not such an answer, or an entry with neither a sequence number and shard nor an error code.
pub fn put_records<'a>(body: &'a [u8], mut entry: impl FnMut(PutEntry<'a>)) -> Result<u64, ScanError> {
    let mut cursor = Cursor::new(body);
    let mut failed = None;
    let mut first = true;
    cursor.take(b'{', "an object")?;
    while cursor.more(b'}', &mut first)? {
        match &*cursor.name()? {
            b"FailedRecordCount" => failed = Some(cursor.integer()?),
            b"Records" => {
                let mut first = true;
                cursor.take(b'[', "a list")?;
                while cursor.more(b']', &mut first)? {
                    entry(put_entry(&mut cursor)?);
                }
            }
            _ => cursor.skip()?,
        }
    }
    cursor.end()?;
    failed.ok_or_else(|| cursor.error("FailedRecordCount"))
}

fn put_entry<'a>(cursor: &mut Cursor<'a>) -> Result<PutEntry<'a>, ScanError> {
    let (mut shard, mut sequence, mut code) = (None, None, None);
    let mut first = true;
    cursor.take(b'{', "an object")?;
    while cursor.more(b'}', &mut first)? {
        match &*cursor.name()? {
            b"SequenceNumber" => {
                if let Some(text) = optional_string(cursor)? {
                    sequence = Some(sequence_of(cursor, &text)?);
                }
            }
            b"ShardId" => {
                if let Some(text) = optional_string(cursor)? {
                    shard = Some(shard_of(cursor, &text)?);
                }
            }
            b"ErrorCode" => code = optional_string(cursor)?,
            _ => cursor.skip()?,
        }
    }
    match (code, shard, sequence) {
        (Some(code), None, None) => Ok(PutEntry::Failed { code }),
        (None, Some(shard), Some(sequence)) => Ok(PutEntry::Stored { shard, sequence }),
        _ => Err(cursor.error("either SequenceNumber and ShardId or ErrorCode")),
    }
}

/// One record of a GetRecords answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence number.
    pub sequence: Sequence,
    /// Its partition key, UTF-8.
    pub key: Cow<'a, [u8]>,
    /// Its data, as base64 text.
    pub data: Cow<'a, [u8]>,
}

/// What a GetRecords answer says besides its records.
#[derive(Debug, PartialEq, Eq)]
pub struct GetTail<'a> {
    /// Where to go on, a token or in an event a number; absent at the end of a closed shard.
    pub next_iterator: Option<Cow<'a, [u8]>>,
    /// What the shard became; only at the end of a closed one.
    pub children: Vec<Child>,
    /// Distance from the tip, ms.
    pub behind_ms: u64,
}

/// Reads a GetRecords answer, or an event of a subscription, and hands each record to `record`, in the answer's order.
///
/// # Errors
/// A body that is not such an answer, or a record without its sequence number, key or data.
pub fn get_records<'a>(body: &'a [u8], mut record: impl FnMut(Record<'a>)) -> Result<GetTail<'a>, ScanError> {
    let mut cursor = Cursor::new(body);
    let (mut next_iterator, mut children, mut behind_ms, mut listed) = (None, Vec::new(), None, false);
    let mut first = true;
    cursor.take(b'{', "an object")?;
    while cursor.more(b'}', &mut first)? {
        match &*cursor.name()? {
            b"Records" => {
                listed = true;
                let mut first = true;
                cursor.take(b'[', "a list")?;
                while cursor.more(b']', &mut first)? {
                    record(get_record(&mut cursor)?);
                }
            }
            b"NextShardIterator" | b"ContinuationSequenceNumber" => {
                next_iterator = optional_string(&mut cursor)?;
            }
            b"ChildShards" => children = child_shards(&mut cursor)?,
            b"MillisBehindLatest" => behind_ms = Some(cursor.integer()?),
            _ => cursor.skip()?,
        }
    }
    cursor.end()?;
    match behind_ms {
        Some(behind_ms) if listed => Ok(GetTail { next_iterator, children, behind_ms }),
        _ => Err(cursor.error("Records and MillisBehindLatest")),
    }
}

fn get_record<'a>(cursor: &mut Cursor<'a>) -> Result<Record<'a>, ScanError> {
    let (mut sequence, mut key, mut data) = (None, None, None);
    let mut first = true;
    cursor.take(b'{', "an object")?;
    while cursor.more(b'}', &mut first)? {
        match &*cursor.name()? {
            b"SequenceNumber" => {
                let text = cursor.string()?;
                sequence = Some(sequence_of(cursor, &text)?);
            }
            b"Data" => data = Some(cursor.string()?),
            b"PartitionKey" => key = Some(cursor.string()?),
            _ => cursor.skip()?,
        }
    }
    match (sequence, key, data) {
        (Some(sequence), Some(key), Some(data)) => Ok(Record { sequence, key, data }),
        _ => Err(cursor.error("SequenceNumber, PartitionKey and Data")),
    }
}

/// The value of the first member called `name` at any depth, when it is a string: enough for the small answers
/// (`StreamStatus`, `ShardIterator`).
pub fn find_string<'a>(body: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut cursor = Cursor::new(body);
    loop {
        match cursor.peek()? {
            b'"' => {
                let text = cursor.string().ok()?;
                if cursor.peek() != Some(b':') {
                    continue;
                }
                cursor.take(b':', "a colon").ok()?;
                if *text == *name && cursor.peek() == Some(b'"') {
                    return cursor.string().ok();
                }
            }
            punctuation @ (b'{' | b'}' | b'[' | b']' | b',') => {
                cursor.take(punctuation, "punctuation").ok()?;
            }
            _ => cursor.skip().ok()?,
        }
    }
}

/// A string, or nothing for `null`.
pub(super) fn optional_string<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, ScanError> {
    if cursor.peek() == Some(b'n') { cursor.skip().map(|()| None) } else { cursor.string().map(Some) }
}

pub(super) fn sequence_of(cursor: &Cursor<'_>, text: &[u8]) -> Result<Sequence, ScanError> {
    Sequence::parse(text).ok_or_else(|| cursor.error("a sequence number of 1 to 57 digits before this"))
}

/// `shardId-` and exactly twelve digits: the only form that an answer may carry.
pub(super) fn shard_of(cursor: &Cursor<'_>, text: &[u8]) -> Result<u32, ScanError> {
    text.strip_prefix(b"shardId-")
        .filter(|digits| digits.len() == 12 && digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| cursor.error("a shard id before this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(text: &str) -> Sequence {
        Sequence::parse(text.as_bytes()).unwrap()
    }

    /// The same put answer compact, as botocore-like spacing, spread over lines, and with its members turned round.
    #[test]
    fn put_answers_in_any_dress() {
        let bodies = [
            r#"{"FailedRecordCount":1,"Records":[{"SequenceNumber":"12","ShardId":"shardId-000000000003"},{"ErrorCode":"InternalFailure","ErrorMessage":"Internal Service Failure"}]}"#,
            r#"{"Records": [{"ShardId": "shardId-000000000003", "SequenceNumber": "12"}, {"ErrorMessage": "a\"]}", "ErrorCode": "InternalFailure"}], "FailedRecordCount": 1}"#,
            "\n{ \"Records\" :\t[ { \"New\" : [ {} , 1 ] , \"ShardId\" :\r\n\"shardId-000000000003\",\"SequenceNumber\" : \"12\" , \"ErrorCode\" : null } ,\n{\"ErrorCode\":\"InternalFailure\",\"SequenceNumber\":null} ] , \"EncryptionType\" : \"KMS\" , \"FailedRecordCount\" : 1 } \n",
        ];
        for body in bodies {
            let mut entries = Vec::new();
            assert_eq!(put_records(body.as_bytes(), |entry| entries.push(entry)), Ok(1), "{body}");
            let stored = PutEntry::Stored { shard: 3, sequence: sequence("12") };
            assert_eq!(
                entries,
                [stored, PutEntry::Failed { code: Cow::Borrowed(b"InternalFailure") }],
                "{body}"
            );
        }
    }

    #[test]
    fn get_answers_in_any_dress() {
        let bodies = [
            r#"{"Records":[{"SequenceNumber":"12","ApproximateArrivalTimestamp":1671562498.449,"Data":"QUJD","PartitionKey":"k"},{"SequenceNumber":"13","ApproximateArrivalTimestamp":1,"Data":"","PartitionKey":"k2"}],"NextShardIterator":"AAAA","MillisBehindLatest":5}"#,
            r#"{"MillisBehindLatest": 5, "NextShardIterator": "AAAA", "Records": [{"PartitionKey": "k", "Data": "QUJD", "SequenceNumber": "12", "EncryptionType": "KMS"}, {"Data": "", "PartitionKey": "\u006b2", "SequenceNumber": "13"}]}"#,
        ];
        for body in bodies {
            let mut records = Vec::new();
            let tail = get_records(body.as_bytes(), |record| records.push(record)).unwrap();
            let next_iterator = Some(Cow::Borrowed(&b"AAAA"[..]));
            assert_eq!(tail, GetTail { next_iterator, children: vec![], behind_ms: 5 });
            assert_eq!(records.len(), 2);
            assert_eq!((&*records[0].key, &*records[0].data), (&b"k"[..], &b"QUJD"[..]));
            assert_eq!((records[1].sequence, &*records[1].key), (sequence("13"), &b"k2"[..]));
        }
        let end = br#"{"Records":[],"ChildShards":[{"ShardId":"shardId-000000000002","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"},"ParentShards":["shardId-000000000000","shardId-000000000001"]}],"NextShardIterator":null,"MillisBehindLatest":0}"#;
        let children = vec![Child { shard: 2, parents: vec![0, 1] }];
        assert_eq!(get_records(end, |_| {}), Ok(GetTail { next_iterator: None, children, behind_ms: 0 }));
    }

    /// Each of these would be read as a shorter or emptier answer by a scanner that shrugs.
    #[test]
    fn broken_answers_are_errors() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1"}]}"#,
            r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"shard-1"}]}"#,
            r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"x","ShardId":"shardId-000000000001"}]}"#,
            r#"{"FailedRecordCount":0,"Records":[{}]}"#,
            r#"{"FailedRecordCount":0 "Records":[]}"#,
            r#"{"FailedRecordCount":0,"Records":["#,
            r#"{"FailedRecordCount":0,"Records":[]}}"#,
            r#"{"__type":"InternalFailure"}"#,
        ] {
            assert!(put_records(body.as_bytes(), |_| {}).is_err(), "{body}");
        }
        for body in [
            "{}",
            r#"{"Records":[]}"#,
            r#"{"MillisBehindLatest":0}"#,
            r#"{"Records":[{"SequenceNumber":"1","Data":""}],"MillisBehindLatest":0}"#,
            r#"{"Records":[{"SequenceNumber":"1","Data":"","PartitionKey":"k"}{}],"MillisBehindLatest":0}"#,
            r#"{"Records":[],"ChildShards":[{"ShardId":"shardId-000000000001"}],"MillisBehindLatest":0}"#,
        ] {
            assert!(get_records(body.as_bytes(), |_| {}).is_err(), "{body}");
        }
    }

    #[test]
    fn small_answers_are_searched_at_any_depth() {
        let body =
            br#"{"StreamDescriptionSummary":{"Tags":["StreamStatus"],"N":1.5,"StreamStatus" : "ACTIVE"}}"#;
        assert_eq!(find_string(body, b"StreamStatus").as_deref(), Some(&b"ACTIVE"[..]));
        assert_eq!(find_string(body, b"ShardIterator"), None);
        assert_eq!(find_string(b"{\"ShardIterator\":12", b"ShardIterator"), None);
    }
}
