//! The reply to GetRecords in CBOR: its exact length first, then its bytes in chunks, as `get_reply.rs` has it in JSON.
//!
//! Data goes as it is, so a record's bytes are known but for two lengths, and nothing is encoded.

use crate::control::EncryptionTimes;
use crate::document::Value;
use crate::log::{Cursor, Record};
use crate::names::{SequenceNumber, SequenceWriter};
use crate::operation::get_records::Reply;
use crate::operation::records_read::{RecordsRead, child_shards_value};
use crate::protocol::cbor::{self, BREAK, HEAD_BYTES_MAX, Kind, head, head_len};
use crate::shard::Shard;

use super::get_reply::{encrypted_count, reserve};

const OPEN: &[u8] = b"\xbf\x67Records\x9f";

const NUMBER: &[u8; 18] = b"\xbf\x6eSequenceNumber\x78\x38";
/// Up to the milliseconds, which get their eight bytes always.
const ARRIVAL: &[u8; 31] = b"\x78\x1bApproximateArrivalTimestamp\xc1\x1b";
/// What a record has more that arrived while its stream encrypted.
const ENCRYPTION: &[u8; 19] = b"\x6eEncryptionType\x63KMS";
const DATA: &[u8; 5] = b"\x64Data";
const KEY: &[u8; 13] = b"\x6cPartitionKey";
/// The length that stands before a number.
const _: () = assert!(SequenceNumber::TEXT_BYTES == 0x38);

/// Bytes of a record's head: all that comes before its data, but for the data's length; in the clear and encrypted.
const RECORD_HEAD_BYTES: usize =
    NUMBER.len() + SequenceNumber::TEXT_BYTES + ARRIVAL.len() + size_of::<u64>() + DATA.len();
const RECORD_HEAD_BYTES_MAX: usize = RECORD_HEAD_BYTES + ENCRYPTION.len();

/// Sums the length of the records as they are selected.
#[derive(Debug, Default)]
pub struct RecordsLength {
    bytes: u64,
}

impl RecordsLength {
    /// Adds one record.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline]
    pub fn add(&mut self, record: &Record<'_>) {
        let mut bytes = RECORD_HEAD_BYTES + string_len(&record.data) + 1;
        if !record.key.is_empty() {
            bytes += KEY.len() + string_len(&record.key);
        }
        self.bytes += bytes as u64;
    }
}

/// Bytes of a string and its head.
#[inline]
const fn string_len(string: &[u8]) -> usize {
    head_len(string.len() as u64) + string.len()
}

/// A reply on its way out.
pub struct RecordsWriter {
    read: RecordsRead,
    cursor: Cursor,
    state: State,
    tail: Vec<u8>,
    length: u64,
    records: RecordWriter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Records,
    Done,
}

impl RecordsWriter {
    /// A writer for this reply, whose records were summed by `records`.
    #[must_use]
    pub fn new(reply: Reply, records: &RecordsLength) -> Self {
        let mut tail = Vec::with_capacity(reply.next_iterator.as_ref().map_or(0, String::len) + 60);
        cbor::write(&beside_records(&reply), &mut tail);
        // A map of their own; it begins where the list ends, and ends where the reply does.
        tail[0] = BREAK;
        let encrypted_bytes = encrypted_count(&reply.read) * ENCRYPTION.len() as u64;
        let length = (OPEN.len() + tail.len()) as u64 + records.bytes + encrypted_bytes;
        let (cursor, state) = (Cursor::default(), State::Start);
        Self { read: reply.read, cursor, state, tail, length, records: RecordWriter::default() }
    }

    /// The whole body's length in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether everything was written.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Writes the next part to the start of `window` and returns its length. What is behind it is undefined.
    ///
    /// A part is as much as the window has room for and at least one record; a window that has no room for one grows.
    pub fn write_chunk(&mut self, window: &mut Vec<u8>) -> usize {
        let mut at = 0;
        if self.state == State::Start {
            at = OPEN.len();
            reserve(window, at);
            window[..at].copy_from_slice(OPEN);
            self.state = State::Records;
        }
        let start = at;
        while at == start && !self.read.slice.is_done(self.cursor) {
            let Self { read, cursor, records, .. } = self;
            let mut room = 0;
            *cursor = read.slice.visit(*cursor, |record| {
                room = RecordWriter::room_for(record);
                if window.len() - at < room {
                    return false;
                }
                at += records.write(&read.shard, &read.encrypted, record, &mut window[at..]);
                true
            });
            if at == start {
                reserve(window, at + room);
            }
        }
        if self.read.slice.is_done(self.cursor) && (at == start || window.len() - at >= self.tail.len()) {
            let end = at + self.tail.len();
            reserve(window, end);
            window[at..end].copy_from_slice(&self.tail);
            self.state = State::Done;
            at = end;
        }
        at
    }
}

/// The members of a reply that follow its records.
fn beside_records(reply: &Reply) -> Value<'_> {
    let millis_behind_latest = i64::try_from(reply.read.millis_behind_latest).unwrap_or(i64::MAX);
    let children = reply.read.children.as_deref().map_or(Value::Null, child_shards_value);
    Value::structure([
        ("NextShardIterator", reply.next_iterator.as_deref().map_or(Value::Null, Value::string)),
        ("MillisBehindLatest", Value::Integer(millis_behind_latest)),
        ("ChildShards", children),
    ])
}

/// Writes one record after the other.
#[derive(Default)]
struct RecordWriter {
    last: Option<LastRecord>,
}

/// A record, to write the next one alike: often only the number differs.
struct LastRecord {
    numbers: SequenceWriter,
    counter: u64,
    arrival_ms: u64,
    /// What comes before the data's length. Copied as a whole; its number is that of the first record of the run, and
    /// encryption follows from the arrival.
    head: [u8; RECORD_HEAD_BYTES_MAX],
    head_bytes: usize,
}

impl RecordWriter {
    /// Bytes that [`write`](Self::write) may touch.
    #[inline]
    fn room_for(record: &Record<'_>) -> usize {
        RECORD_HEAD_BYTES_MAX + 2 * HEAD_BYTES_MAX + record.data.len() + KEY.len() + record.key.len() + 1
    }

    /// Writes a record to the start of `out` and returns its length.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline]
    fn write(
        &mut self,
        shard: &Shard,
        encrypted: &EncryptionTimes,
        record: &Record<'_>,
        out: &mut [u8],
    ) -> usize {
        let follows = |last: &&mut LastRecord| {
            last.counter.wrapping_add(1) == record.counter && last.arrival_ms == record.arrival_ms
        };
        let last = match self.last.as_mut().filter(follows) {
            Some(last) => {
                out[..RECORD_HEAD_BYTES_MAX].copy_from_slice(&last.head);
                if let Some(number) = out[NUMBER.len()..].first_chunk_mut() {
                    last.numbers.advance_into(number);
                }
                last.counter = record.counter;
                last
            }
            None => {
                let is_encrypted = encrypted.holds_at(record.arrival_ms);
                let last = self.start_run(shard, is_encrypted, record.counter, record.arrival_ms);
                out[..RECORD_HEAD_BYTES_MAX].copy_from_slice(&last.head);
                last
            }
        };
        let mut at = last.head_bytes;
        at += write_string(Kind::Bytes, &record.data, &mut out[at..]);
        // Without a key it was put to a stream of the AUTO distribution.
        if !record.key.is_empty() {
            out[at..][..KEY.len()].copy_from_slice(KEY);
            at += KEY.len();
            at += write_string(Kind::Text, &record.key, &mut out[at..]);
        }
        out[at] = BREAK;
        at + 1
    }

    /// Prepares for a record that does not follow the last one.
    #[cold]
    fn start_run(
        &mut self,
        shard: &Shard,
        is_encrypted: bool,
        counter: u64,
        arrival_ms: u64,
    ) -> &mut LastRecord {
        let numbers = SequenceWriter::new(shard.sequence_number(counter, arrival_ms));
        let (mut head, mut head_bytes) = ([0; RECORD_HEAD_BYTES_MAX], 0);
        let encryption: &[u8] = if is_encrypted { ENCRYPTION } else { b"" };
        let parts = [NUMBER, &numbers.text()[..], ARRIVAL, &arrival_ms.to_be_bytes(), encryption, DATA];
        for part in parts {
            head[head_bytes..head_bytes + part.len()].copy_from_slice(part);
            head_bytes += part.len();
        }
        self.last.insert(LastRecord { numbers, counter, arrival_ms, head, head_bytes })
    }
}

/// Writes a string to the start of `out`, which has room for it and for its longest head; gives its length.
#[inline]
fn write_string(kind: Kind, string: &[u8], out: &mut [u8]) -> usize {
    let (head, head_bytes) = head(kind, string.len() as u64);
    out[..HEAD_BYTES_MAX].copy_from_slice(&head);
    out[head_bytes..][..string.len()].copy_from_slice(string);
    head_bytes + string.len()
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
#[path = "cbor_get_reply_tests.rs"]
mod tests;
