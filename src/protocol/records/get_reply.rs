//! The reply to GetRecords: its exact length first, then its bytes in chunks.
//!
//! The length is summed while the records are selected, so the answer has a Content-Length without being held in
//! memory as a whole. Each chunk goes on where the last one ended.

use crate::log::{Cursor, Record};
use crate::names::{SequenceNumber, SequenceWriter};
use crate::operation::get_records::Reply;
use crate::protocol::base64::encode::{Encoder, SLACK_BYTES, encoded_len};
use crate::protocol::json::{is_plain, utf8_len_escaped, write_utf8};
use crate::shard::Shard;

const OPEN: &[u8] = b"{\"Records\":[";
const NEXT_ITERATOR: &[u8] = b"],\"NextShardIterator\":\"";
const MILLIS_BEHIND: &[u8] = b"\",\"MillisBehindLatest\":";

/// Between a record's key and the next record.
const JOINT: &[u8] = b"\"},";
/// What is left of it after the last record.
const CLOSE: &[u8] = b"\"}";
const NUMBER: &[u8] = b"{\"SequenceNumber\":\"";
const ARRIVAL: &[u8] = b"\",\"ApproximateArrivalTimestamp\":";
const DATA: &[u8] = b",\"Data\":\"";
const KEY: &[u8; 18] = b"\",\"PartitionKey\":\"";

/// Bytes of one record's JSON that do not depend on it, but for the quotes of its key, which count as the key's.
const RECORD_FIXED_BYTES: u64 =
    (JOINT.len() + NUMBER.len() + SequenceNumber::TEXT_BYTES + ARRIVAL.len() + DATA.len() + KEY.len() - 2)
        as u64;

/// Sums the length of the records as they are selected.
#[derive(Debug, Default)]
pub struct RecordsLength {
    bytes: u64,
    arrival: ArrivalText,
}

impl RecordsLength {
    /// Adds one record.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline]
    pub fn add(&mut self, record: &Record<'_>) {
        let arrival_chars = self.arrival.of(record.arrival_ms).len();
        let key_chars = utf8_len_escaped(&record.key);
        self.bytes +=
            RECORD_FIXED_BYTES + (encoded_len(record.data.len()) + arrival_chars + key_chars) as u64;
    }
}

/// A reply on its way out.
pub struct RecordsWriter {
    reply: Reply,
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
        let any = reply.slice.records_count > 0;
        let mut tail = Vec::with_capacity(reply.next_iterator.len() + 80);
        tail.extend_from_slice(if any { CLOSE } else { b"" });
        tail.extend_from_slice(NEXT_ITERATOR);
        tail.extend_from_slice(reply.next_iterator.as_bytes());
        tail.extend_from_slice(MILLIS_BEHIND);
        tail.extend_from_slice(reply.millis_behind_latest.to_string().as_bytes());
        tail.push(b'}');
        // Every record counted a joint; the first one has none.
        let no_joint = if any { JOINT.len() } else { 0 };
        let length = (OPEN.len() + tail.len() - no_joint) as u64 + records.bytes;
        Self {
            reply,
            cursor: Cursor::default(),
            state: State::Start,
            tail,
            length,
            records: RecordWriter::default(),
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

    /// Writes the next part to the start of `window` and returns its length. What is behind it is undefined.
    ///
    /// A part is as much as the window has room for and at least one record; a window that has no room for one grows.
    pub fn write_chunk(&mut self, window: &mut Vec<u8>) -> usize {
        let Self { reply, records, .. } = self;
        let is_start = self.state == State::Start;
        let mut at = match is_start {
            // Each record begins with a joint, and the opening is written over the first one.
            true if reply.slice.records_count > 0 => OPEN.len() - JOINT.len(),
            true => OPEN.len(),
            false => 0,
        };
        let mut any = false;
        self.cursor = reply.slice.visit(self.cursor, |record| {
            let room = RecordWriter::room_for(record);
            if window.len() - at < room {
                if any {
                    return false;
                }
                window.resize(at + room, 0);
            }
            any = true;
            at += records.write(&reply.shard, record, &mut window[at..]);
            true
        });
        if is_start {
            reserve(window, at);
            window[..OPEN.len()].copy_from_slice(OPEN);
            self.state = State::Records;
        }
        if reply.slice.is_done(self.cursor) && (!any || window.len() - at >= self.tail.len()) {
            let end = at + self.tail.len();
            reserve(window, end);
            window[at..end].copy_from_slice(&self.tail);
            self.state = State::Done;
            at = end;
        }
        at
    }
}

/// Lets a window that is too small grow.
fn reserve(window: &mut Vec<u8>, bytes: usize) {
    if window.len() < bytes {
        window.resize(bytes, 0);
    }
}

/// Writes one record after the other.
struct RecordWriter {
    /// The joint and the JSON of a record up to its data: the same for consecutive records of one millisecond, but for
    /// the number.
    head: [u8; HEAD_BYTES_MAX],
    head_bytes: usize,
    last: Option<LastRecord>,
    arrival: ArrivalText,
    encoder: Encoder,
    escaped_key: Vec<u8>,
}

struct LastRecord {
    numbers: SequenceWriter,
    counter: u64,
    arrival_ms: u64,
}

/// Room for a head, with the longest arrival that there is. Copied as a whole, so it is not more than needed.
const HEAD_BYTES_MAX: usize = 144;
const NUMBER_AT: usize = JOINT.len() + NUMBER.len();
const _: () = assert!(
    NUMBER_AT + SequenceNumber::TEXT_BYTES + ARRIVAL.len() + ArrivalText::CHARS_MAX + DATA.len()
        <= HEAD_BYTES_MAX
);

/// The most characters that one byte of a key becomes.
const ESCAPE_CHARS_MAX: usize = 6;

impl RecordWriter {
    /// Bytes that [`write`](Self::write) may touch.
    #[inline]
    fn room_for(record: &Record<'_>) -> usize {
        HEAD_BYTES_MAX
            + encoded_len(record.data.len())
            + SLACK_BYTES
            + KEY.len()
            + ESCAPE_CHARS_MAX * record.key.len()
    }

    /// Writes a record, from the joint before it to its key, to the start of `out` and returns its length.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline]
    fn write(&mut self, shard: &Shard, record: &Record<'_>, out: &mut [u8]) -> usize {
        self.write_head(shard, record, out);
        let mut at = self.head_bytes;
        at += self.encoder.encode(&record.data, &mut out[at..]);
        out[at..][..KEY.len()].copy_from_slice(KEY);
        at += KEY.len();
        if is_plain(&record.key) {
            out[at..][..record.key.len()].copy_from_slice(&record.key);
            at + record.key.len()
        } else {
            at + self.write_escaped(&record.key, &mut out[at..])
        }
    }

    #[inline]
    fn write_head(&mut self, shard: &Shard, record: &Record<'_>, out: &mut [u8]) {
        let follows = |last: &LastRecord| {
            last.counter.wrapping_add(1) == record.counter && last.arrival_ms == record.arrival_ms
        };
        match &mut self.last {
            Some(last) if follows(last) => {
                out[..HEAD_BYTES_MAX].copy_from_slice(&self.head);
                last.counter = record.counter;
                if let Some(number) = out[NUMBER_AT..].first_chunk_mut() {
                    last.numbers.advance_into(number);
                }
            }
            _ => {
                self.start_run(shard, record);
                out[..HEAD_BYTES_MAX].copy_from_slice(&self.head);
            }
        }
    }

    /// Makes the head of a record that does not follow the last one.
    #[cold]
    fn start_run(&mut self, shard: &Shard, record: &Record<'_>) {
        let numbers = SequenceWriter::new(shard.sequence_number(record.counter, record.arrival_ms));
        let arrival = self.arrival.of(record.arrival_ms);
        let mut at = 0;
        for part in [JOINT, NUMBER, numbers.text(), ARRIVAL, arrival, DATA] {
            self.head[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.head_bytes = at;
        self.last = Some(LastRecord { numbers, counter: record.counter, arrival_ms: record.arrival_ms });
    }

    #[cold]
    fn write_escaped(&mut self, key: &[u8], out: &mut [u8]) -> usize {
        self.escaped_key.clear();
        write_utf8(key, &mut self.escaped_key);
        // The quotes are already there.
        let chars = self.escaped_key.len() - 2;
        out[..chars].copy_from_slice(&self.escaped_key[1..=chars]);
        chars
    }
}

impl Default for RecordWriter {
    fn default() -> Self {
        Self {
            head: [0; HEAD_BYTES_MAX],
            head_bytes: 0,
            last: None,
            arrival: ArrivalText::default(),
            encoder: Encoder::widest(),
            escaped_key: Vec::new(),
        }
    }
}

/// The decimal text of an arrival: epoch seconds with up to three decimals. Most records arrive with the one before.
#[derive(Debug)]
struct ArrivalText {
    arrival_ms: u64,
    text: String,
}

impl ArrivalText {
    /// Characters of the latest arrival that there is.
    const CHARS_MAX: usize = 21;

    #[inline]
    fn of(&mut self, arrival_ms: u64) -> &[u8] {
        if self.arrival_ms != arrival_ms {
            self.print(arrival_ms);
        }
        self.text.as_bytes()
    }

    #[cold]
    fn print(&mut self, arrival_ms: u64) {
        use std::fmt::Write as _;
        self.arrival_ms = arrival_ms;
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{}.{:03}", arrival_ms / 1000, arrival_ms % 1000);
        let needed = self.text.trim_end_matches('0').trim_end_matches('.').len();
        self.text.truncate(needed);
    }
}

impl Default for ArrivalText {
    fn default() -> Self {
        Self { arrival_ms: 0, text: "0".to_owned() }
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
        let texts = [0, 1_671_562_498_449, 1_671_562_498_400, 1_671_562_498_000, 1_000, 5].map(&mut text);
        assert_eq!(texts, ["0", "1671562498.449", "1671562498.4", "1671562498", "1", "0.005"]);
        assert_eq!(text(u64::MAX).len(), ArrivalText::CHARS_MAX);
    }
}
