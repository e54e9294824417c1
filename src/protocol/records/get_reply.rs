//! The reply to GetRecords: its exact length first, then its bytes in chunks.
//!
//! The length is summed while the records are selected, so the answer has a Content-Length without being held in
//! memory as a whole. Each chunk goes on where the last one ended.

use crate::log::{Cursor, Record};
use crate::names::SequenceNumber;
use crate::operation::get_records::Reply;
use crate::protocol::json::{string_len_escaped, write_string};
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
        let key_chars = string_len_escaped(&key_text(&record.key));
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
    arrival: ArrivalText,
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
            arrival: ArrivalText::default(),
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

    /// Appends the next part: at most about `bytes_max`, but at least one record.
    pub fn write_chunk(&mut self, bytes_max: usize, out: &mut Vec<u8>) {
        if self.state == State::Head {
            out.extend_from_slice(HEAD);
            self.state = State::Records { any: false };
        }
        let State::Records { mut any } = self.state else { return };
        let mut numbers = Numbers::default();
        let (shard, arrival) = (&*self.reply.shard, &mut self.arrival);
        let mut any_here = false;
        self.cursor = self.reply.slice.visit(self.cursor, |record| {
            if any_here && out.len() + record.data.len() / 3 * 4 + 512 > bytes_max {
                return false;
            }
            if any {
                out.push(b',');
            }
            (any, any_here) = (true, true);
            write_record(record, numbers.of(shard, record), arrival.of(record.arrival_ms), out);
            true
        });
        self.state = State::Records { any };
        if self.reply.slice.is_done(self.cursor) {
            out.extend_from_slice(&self.tail);
            self.state = State::Done;
        }
    }
}

#[allow(
    clippy::needless_borrow,
    clippy::needless_borrows_for_generic_args,
    reason = "the model checker's slice is a copy"
)]
fn write_record(record: &Record<'_>, number: &[u8], arrival: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(NUMBER);
    out.extend_from_slice(number);
    out.extend_from_slice(ARRIVAL);
    out.extend_from_slice(arrival);
    out.extend_from_slice(DATA);
    base64_simd::STANDARD.encode_append(&record.data, out);
    out.extend_from_slice(KEY);
    write_string(&key_text(&record.key), out);
    out.push(b'}');
}

/// Keys were valid UTF-8 when they came in.
fn key_text(key: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(key)
}

/// Sequence numbers of consecutive records: counted on within a second, made anew otherwise.
#[derive(Default)]
struct Numbers {
    last: Option<(crate::names::SequenceWriter, u64, u64)>,
}

impl Numbers {
    fn of(&mut self, shard: &Shard, record: &Record<'_>) -> &[u8] {
        let time_s = record.arrival_ms / 1000;
        let writer = match self.last.take() {
            Some((mut writer, counter, last_s)) if counter + 1 == record.counter && last_s == time_s => {
                writer.advance();
                writer
            }
            _ => crate::names::SequenceWriter::new(shard.sequence_number(record.counter, record.arrival_ms)),
        };
        let (writer, ..) = self.last.insert((writer, record.counter, time_s));
        writer.text()
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
