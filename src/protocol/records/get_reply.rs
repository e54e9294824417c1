//! The reply to GetRecords: its exact length first, then its bytes in chunks.
//!
//! The length is summed while the records are selected, so the answer has a Content-Length without being held in
//! memory as a whole. Each chunk goes on where the last one ended.

use crate::log::{Cursor, Record};
use crate::names::{SequenceNumber, SequenceWriter};
use crate::operation::get_records::Reply;
use crate::protocol::json::{utf8_len_escaped, write_utf8};
use crate::shard::Shard;

const HEAD: &[u8] = b"{\"Records\":[";
const NEXT_ITERATOR: &[u8] = b"],\"NextShardIterator\":\"";
const MILLIS_BEHIND: &[u8] = b"\",\"MillisBehindLatest\":";

const NUMBER: &[u8] = b"{\"SequenceNumber\":\"";
const ARRIVAL: &[u8] = b"\",\"ApproximateArrivalTimestamp\":";
const DATA: &[u8] = b",\"Data\":\"";
const KEY: &[u8] = b"\",\"PartitionKey\":";

/// Bytes of one record's JSON that do not depend on it, the comma before the next one included.
const RECORD_FIXED_BYTES: u64 =
    (NUMBER.len() + SequenceNumber::TEXT_BYTES + ARRIVAL.len() + DATA.len() + KEY.len() + 2) as u64;

/// Sums the length of the records as they are selected.
#[derive(Debug, Default)]
pub struct RecordsLength {
    bytes: u64,
    arrival: ArrivalText,
}

impl RecordsLength {
    /// Adds one record.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    pub fn add(&mut self, record: &Record<'_>) {
        let data_chars = record.data.len().div_ceil(3) * 4;
        let arrival_chars = self.arrival.of(record.arrival_ms).len();
        let key_chars = utf8_len_escaped(&record.key);
        self.bytes += RECORD_FIXED_BYTES + (data_chars + arrival_chars + key_chars) as u64;
    }
}

/// A reply on its way out.
pub struct RecordsWriter {
    reply: Reply,
    cursor: Cursor,
    state: State,
    tail: Vec<u8>,
    length: u64,
    record_head: RecordHead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Records { any: bool },
    Done,
}

impl RecordsWriter {
    /// A writer for this reply, whose records were summed by `records`.
    #[must_use]
    pub fn new(reply: Reply, records: &RecordsLength) -> Self {
        let mut tail = Vec::with_capacity(reply.next_iterator.len() + 80);
        tail.extend_from_slice(NEXT_ITERATOR);
        tail.extend_from_slice(reply.next_iterator.as_bytes());
        tail.extend_from_slice(MILLIS_BEHIND);
        tail.extend_from_slice(reply.millis_behind_latest.to_string().as_bytes());
        tail.push(b'}');
        // Every record counted a comma; the last one has none.
        let last_comma = u64::from(reply.slice.records_count > 0);
        let length = (HEAD.len() + tail.len()) as u64 + records.bytes - last_comma;
        Self {
            reply,
            cursor: Cursor::default(),
            state: State::Head,
            tail,
            length,
            record_head: RecordHead::default(),
        }
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

    #[allow(
        clippy::needless_borrow,
        clippy::needless_borrows_for_generic_args,
        reason = "the model checker's slice is a copy"
    )]
    /// Appends the next part: at most about `bytes_max`, but at least one record.
    pub fn write_chunk(&mut self, bytes_max: usize, out: &mut Vec<u8>) {
        if self.state == State::Head {
            out.extend_from_slice(HEAD);
            self.state = State::Records { any: false };
        }
        let State::Records { mut any } = self.state else { return };
        let (shard, head) = (&*self.reply.shard, &mut self.record_head);
        let mut any_here = false;
        self.cursor = self.reply.slice.visit(self.cursor, |record| {
            if any_here && out.len() + record.data.len() / 3 * 4 + 512 > bytes_max {
                return false;
            }
            if any {
                out.push(b',');
            }
            (any, any_here) = (true, true);
            out.extend_from_slice(head.of(shard, record));
            base64_simd::STANDARD.encode_append(&record.data, out);
            out.extend_from_slice(KEY);
            write_utf8(&record.key, out);
            out.push(b'}');
            true
        });
        self.state = State::Records { any };
        if self.reply.slice.is_done(self.cursor) {
            out.extend_from_slice(&self.tail);
            self.state = State::Done;
        }
    }
}

/// The JSON of a record up to its data: the same for consecutive records of one millisecond, but for the last digits
/// of the number.
#[derive(Default)]
struct RecordHead {
    text: Vec<u8>,
    arrival: ArrivalText,
    last: Option<LastRecord>,
}

struct LastRecord {
    numbers: SequenceWriter,
    counter: u64,
    arrival_ms: u64,
}

impl RecordHead {
    fn of(&mut self, shard: &Shard, record: &Record<'_>) -> &[u8] {
        const NUMBER_AT: std::ops::Range<usize> = NUMBER.len()..NUMBER.len() + SequenceNumber::TEXT_BYTES;
        match &mut self.last {
            Some(last) if last.counter + 1 == record.counter && last.arrival_ms == record.arrival_ms => {
                last.numbers.advance();
                last.counter = record.counter;
                self.text[NUMBER_AT].copy_from_slice(last.numbers.text());
            }
            _ => {
                let number = shard.sequence_number(record.counter, record.arrival_ms);
                let numbers = SequenceWriter::new(number);
                self.text.clear();
                self.text.extend_from_slice(NUMBER);
                self.text.extend_from_slice(numbers.text());
                self.text.extend_from_slice(ARRIVAL);
                self.text.extend_from_slice(self.arrival.of(record.arrival_ms));
                self.text.extend_from_slice(DATA);
                self.last =
                    Some(LastRecord { numbers, counter: record.counter, arrival_ms: record.arrival_ms });
            }
        }
        &self.text
    }
}

/// The decimal text of an arrival: epoch seconds with up to three decimals. Most records arrive with the one before.
#[derive(Debug, Default)]
struct ArrivalText {
    arrival_ms: Option<u64>,
    text: String,
}

impl ArrivalText {
    fn of(&mut self, arrival_ms: u64) -> &[u8] {
        use std::fmt::Write as _;
        if self.arrival_ms != Some(arrival_ms) {
            self.arrival_ms = Some(arrival_ms);
            self.text.clear();
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{}.{:03}", arrival_ms / 1000, arrival_ms % 1000);
            let needed = self.text.trim_end_matches('0').trim_end_matches('.').len();
            self.text.truncate(needed);
        }
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: plain decimals, no exponent, no needless zeros (reference 1.2).
    #[test]
    fn arrivals_are_plain_decimals() {
        let mut arrival = ArrivalText::default();
        let mut text = |ms| String::from_utf8(arrival.of(ms).to_vec()).unwrap();
        let texts = [1_671_562_498_449, 1_671_562_498_400, 1_671_562_498_000, 1_000, 5].map(&mut text);
        assert_eq!(texts, ["1671562498.449", "1671562498.4", "1671562498", "1", "0.005"]);
    }
}
