//! Records in JSON, as GetRecords replies and as events of subscriptions: the exact length first, then the bytes in chunks.
//!
//! The length is summed while the records are selected, so the answer has a Content-Length without being held in
//! memory as a whole. Each chunk goes on where the last one ended.

use crate::control::EncryptionTimes;
use crate::log::{Cursor, Record, Slice};
use crate::names::{SequenceNumber, SequenceWriter};
use crate::operation::get_records::Reply;
use crate::operation::records_read::{ChildShard, RecordsRead, child_shards_value};
use crate::operation::subscribe_to_shard;
use crate::protocol::base64::encode::{Encode, Encoder, SLACK_BYTES, Task, encoded_len};
use crate::protocol::json::{self, copy_plain, utf8_len_escaped, write_utf8};
use crate::shard::Shard;

const OPEN: &[u8] = b"{\"Records\":[";
const NEXT_ITERATOR: &[u8] = b"],\"NextShardIterator\":\"";
const MILLIS_BEHIND: &[u8] = b"\",\"MillisBehindLatest\":";
const CONTINUATION: &[u8] = b"],\"ContinuationSequenceNumber\":\"";
/// The same where nothing comes next.
const NOTHING_NEXT: &[u8] = b"],\"MillisBehindLatest\":";

/// Between a record's key and its successor's number.
const NUMBER: &[u8; 22] = b"\"},{\"SequenceNumber\":\"";
/// As much of it as there is not before the first record, and as there is after the last.
const JOINT_BYTES: usize = 3;
const CLOSE: &[u8] = b"\"}";
const FIRST_RECORD_AT: usize = OPEN.len() - JOINT_BYTES;
const ARRIVAL: &[u8] = b"\",\"ApproximateArrivalTimestamp\":";
/// What a record has more that arrived while its stream encrypted.
const ENCRYPTION: &[u8] = b",\"EncryptionType\":\"KMS\"";
const DATA: &[u8] = b",\"Data\":\"";
const KEY: &[u8; 18] = b"\",\"PartitionKey\":\"";

/// Bytes of one record's JSON that do not depend on it, but for the quotes of its key, which count as the key's.
const RECORD_FIXED_BYTES: u64 =
    (NUMBER.len() + SequenceNumber::TEXT_BYTES + ARRIVAL.len() + DATA.len() + KEY.len() - 2) as u64;

/// Sums the length of the records as they are selected.
#[derive(Debug, Default)]
pub struct RecordsLength {
    bytes: u64,
    arrival: ArrivalText,
}

impl RecordsLength {
    /// Adds one record.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline(always)]
    pub fn add(&mut self, record: &Record<'_>) {
        let arrival_chars = self.arrival.of(record.arrival_ms).len();
        let key_chars = utf8_len_escaped(&record.key);
        self.bytes +=
            RECORD_FIXED_BYTES + (encoded_len(record.data.len()) + arrival_chars + key_chars) as u64;
        if record.key.is_empty() {
            // There is no such member then, only the quote after the data.
            self.bytes -= KEY.len() as u64;
        }
    }
}

/// A reply on its way out.
pub struct RecordsWriter {
    read: RecordsRead,
    cursor: Cursor,
    state: State,
    tail: Vec<u8>,
    length: u64,
    encoder: Encoder,
    records: RecordWriter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Records,
    Done,
}

impl RecordsWriter {
    /// A writer for the reply to a GetRecords, whose records were summed by `records`.
    #[must_use]
    pub fn of_get_records(reply: Reply, records: &RecordsLength) -> Self {
        let iterator = reply.next_iterator.as_deref().map(|iterator| (NEXT_ITERATOR, iterator));
        Self::new(reply.read, iterator, records)
    }

    /// A writer for an event of a subscription, whose records were summed by `records`.
    #[must_use]
    pub fn of_event(event: subscribe_to_shard::Records, records: &RecordsLength) -> Self {
        let number = event.continuation.map(|number| number.to_string());
        Self::new(event.read, number.as_deref().map(|number| (CONTINUATION, number)), records)
    }

    /// After the records comes a member that says how to go on, if it goes on.
    fn new(read: RecordsRead, next: Option<(&[u8], &str)>, records: &RecordsLength) -> Self {
        let any = read.slice.records_count > 0;
        let mut tail = Vec::with_capacity(next.map_or(0, |(_, value)| value.len()) + 80);
        tail.extend_from_slice(if any { CLOSE } else { b"" });
        match next {
            Some((name, value)) => {
                tail.extend_from_slice(name);
                tail.extend_from_slice(value.as_bytes());
                tail.extend_from_slice(MILLIS_BEHIND);
            }
            None => tail.extend_from_slice(NOTHING_NEXT),
        }
        tail.extend_from_slice(read.millis_behind_latest.to_string().as_bytes());
        if let Some(children) = &read.children {
            write_children(children, &mut tail);
        }
        tail.push(b'}');
        // Every record counted a joint; the first one has none.
        let no_joint = if any { JOINT_BYTES } else { 0 };
        let encrypted_bytes = encrypted_count(&read) * ENCRYPTION.len() as u64;
        let length = (OPEN.len() + tail.len() - no_joint) as u64 + records.bytes + encrypted_bytes;
        Self {
            read,
            cursor: Cursor::default(),
            state: State::Start,
            tail,
            length,
            encoder: Encoder::widest(),
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

    /// Writes the next part to `window`, from `from` on, and returns where it ends. What is behind it is undefined.
    ///
    /// A part is as much as the window has room for and at least one record; a window that has no room for one grows.
    pub fn write_chunk(&mut self, window: &mut Vec<u8>, from: usize) -> usize {
        let is_start = self.state == State::Start;
        let start = from
            + match is_start {
                // Each record begins with a joint; the opening is written over the first one.
                true if self.read.slice.records_count > 0 => FIRST_RECORD_AT,
                true => OPEN.len(),
                false => 0,
            };
        let mut at = start;
        reserve(window, from + OPEN.len());
        while at == start && !self.read.slice.is_done(self.cursor) {
            let task = WriteRecords {
                slice: &self.read.slice,
                cursor: self.cursor,
                of: Of { shard: &self.read.shard, encrypted: &self.read.encrypted },
                writer: &mut self.records,
                window,
                at,
            };
            let room;
            (self.cursor, at, room) = self.encoder.run(task);
            if at == start {
                reserve(window, at + room);
            }
        }
        if is_start {
            window[from..][..OPEN.len()].copy_from_slice(OPEN);
            self.state = State::Records;
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

/// How many of the records are encrypted. They are only looked at if any may be.
pub(super) fn encrypted_count(read: &RecordsRead) -> u64 {
    let mut count = 0;
    if !read.encrypted.is_never() {
        read.slice.visit(Cursor::default(), |record| {
            count += u64::from(read.encrypted.holds_at(record.arrival_ms));
            true
        });
    }
    count
}

/// The member that tells what a closed shard became.
#[cold]
fn write_children(children: &[ChildShard], out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"ChildShards\":");
    json::write(&child_shards_value(children), out);
}

/// Lets a window that is too small grow.
pub(super) fn reserve(window: &mut Vec<u8>, bytes: usize) {
    if window.len() < bytes {
        window.resize(bytes, 0);
    }
}

/// Writes as many records as a window has room for.
struct WriteRecords<'a> {
    slice: &'a Slice,
    cursor: Cursor,
    of: Of<'a>,
    writer: &'a mut RecordWriter,
    window: &'a mut [u8],
    at: usize,
}

impl Task for WriteRecords<'_> {
    /// Where to go on in the slice and in the window, and how much room the next record asks for.
    type Output = (Cursor, usize, usize);

    #[inline(always)]
    fn run(self, encode: impl Encode) -> Self::Output {
        let Self { slice, cursor, of, writer, window, mut at } = self;
        let mut room = 0;
        let cursor = slice.visit(cursor, |record| {
            room = RecordWriter::room_for(record);
            if window.len() - at < room {
                return false;
            }
            at += writer.write(encode, of, record, &mut window[at..]);
            room = 0;
            true
        });
        (cursor, at, room)
    }
}

/// What the records are of.
#[derive(Clone, Copy)]
struct Of<'a> {
    shard: &'a Shard,
    encrypted: &'a EncryptionTimes,
}

/// Writes one record after the other.
#[derive(Default)]
struct RecordWriter {
    last: Option<LastRecord>,
    arrival: ArrivalText,
    escaped_key: Vec<u8>,
}

/// A record, to write the next one alike: often only the number differs.
struct LastRecord {
    numbers: SequenceWriter,
    counter: u64,
    arrival_ms: u64,
    /// What is between number and data. Copied as a whole; encryption follows from the arrival.
    arrival: [u8; ARRIVAL_BYTES_MAX],
    arrival_bytes: usize,
}

const NUMBER_END: usize = NUMBER.len() + SequenceNumber::TEXT_BYTES;
const ARRIVAL_BYTES_MAX: usize = 96;
const HEAD_BYTES_MAX: usize = NUMBER_END + ARRIVAL_BYTES_MAX;
const _: () =
    assert!(ARRIVAL.len() + ArrivalText::CHARS_MAX + ENCRYPTION.len() + DATA.len() <= ARRIVAL_BYTES_MAX);

/// The most characters that one byte of a key becomes.
const ESCAPE_CHARS_MAX: usize = 6;

impl RecordWriter {
    /// Bytes that [`write`](Self::write) may touch.
    #[inline(always)]
    fn room_for(record: &Record<'_>) -> usize {
        HEAD_BYTES_MAX
            + encoded_len(record.data.len())
            + SLACK_BYTES
            + KEY.len()
            + ESCAPE_CHARS_MAX * record.key.len()
    }

    /// Writes a record, from the joint before it to its key, to the start of `out` and returns its length.
    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    #[inline(always)]
    fn write(&mut self, encode: impl Encode, of: Of<'_>, record: &Record<'_>, out: &mut [u8]) -> usize {
        let mut at = self.write_head(of, record, out);
        at += encode.encode(&record.data, &mut out[at..]);
        if record.key.is_empty() {
            // It was put without one, which only streams of the AUTO distribution take.
            return at;
        }
        out[at..][..KEY.len()].copy_from_slice(KEY);
        at += KEY.len();
        if copy_plain(&record.key, &mut out[at..]) {
            at + record.key.len()
        } else {
            at + self.write_escaped(&record.key, &mut out[at..])
        }
    }

    /// Writes what comes before the data.
    #[inline(always)]
    fn write_head(&mut self, of: Of<'_>, record: &Record<'_>, out: &mut [u8]) -> usize {
        out[..NUMBER.len()].copy_from_slice(NUMBER);
        let follows = |last: &&mut LastRecord| {
            last.counter.wrapping_add(1) == record.counter && last.arrival_ms == record.arrival_ms
        };
        let number = out[NUMBER.len()..].first_chunk_mut();
        let last = match (self.last.as_mut().filter(follows), number) {
            (Some(last), Some(number)) => {
                last.numbers.advance_into(number);
                last.counter = record.counter;
                last
            }
            _ => {
                let last = self.start_run(of, record.counter, record.arrival_ms);
                out[NUMBER.len()..NUMBER_END].copy_from_slice(&last.numbers.text());
                last
            }
        };
        out[NUMBER_END..HEAD_BYTES_MAX].copy_from_slice(&last.arrival);
        NUMBER_END + last.arrival_bytes
    }

    /// Prepares for a record that does not follow the last one.
    #[cold]
    fn start_run(&mut self, of: Of<'_>, counter: u64, arrival_ms: u64) -> &mut LastRecord {
        let mut arrival = [0; ARRIVAL_BYTES_MAX];
        let mut arrival_bytes = 0;
        let encryption = if of.encrypted.holds_at(arrival_ms) { ENCRYPTION } else { b"" };
        for part in [ARRIVAL, self.arrival.of(arrival_ms), encryption, DATA] {
            arrival[arrival_bytes..arrival_bytes + part.len()].copy_from_slice(part);
            arrival_bytes += part.len();
        }
        let numbers = SequenceWriter::new(of.shard.sequence_number(counter, arrival_ms));
        self.last.insert(LastRecord { numbers, counter, arrival_ms, arrival, arrival_bytes })
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
#[cfg(not(shardmill_loom))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;
    use crate::log::{ChunkPool, Log, ReadLimits, RecordBuffer, Writer};
    use crate::names::{HashKeyRange, ShardId};
    use crate::shard::{ShardContext, Tally};
    use std::sync::Arc;

    const BORN_MS: u64 = 1_700_000_000_000;

    /// A record: milliseconds after the one before, key and data.
    type Stored = (u64, String, Vec<u8>);

    fn shard() -> Arc<Shard> {
        let context =
            ShardContext::new(ChunkPool::new(), Clock::system(), Arc::new(Tally::default()), u64::MAX);
        Shard::new(ShardId::FIRST, HashKeyRange::WHOLE, BORN_MS / 1000, context)
    }

    /// Stores records, reads them back through windows of so many bytes, and compares the document.
    fn check(records: &[Stored], encrypted: &EncryptionTimes, window_bytes: usize) {
        let (log, pool, mut writer) = (Log::new(), ChunkPool::new(), Writer::new(1, BORN_MS));
        let (mut arrival_ms, mut expected) = (BORN_MS, Vec::new());
        let shard = shard();
        for (counter, (later_ms, key, data)) in (1..).zip(records) {
            arrival_ms += later_ms;
            let mut buffer = RecordBuffer::take();
            buffer.push(key.as_bytes(), data).unwrap();
            writer.append(&log, &pool, buffer.record(0), arrival_ms).unwrap();
            let arrival = match arrival_ms % 1000 {
                0 => json!(arrival_ms / 1000),
                _ => json!(arrival_ms as f64 / 1000.0),
            };
            let mut record = json!({
                "SequenceNumber": shard.sequence_number(counter, arrival_ms).to_string(),
                "ApproximateArrivalTimestamp": arrival,
                "Data": base64_simd::STANDARD.encode_to_string(data),
            });
            if !key.is_empty() {
                record["PartitionKey"] = key.as_str().into();
            }
            if encrypted.holds_at(arrival_ms) {
                record["EncryptionType"] = "KMS".into();
            }
            expected.push(record);
        }
        writer.commit();
        let limits = ReadLimits { records_max: u32::MAX, bytes_max: u64::MAX };
        let mut length = RecordsLength::default();
        let slice = log.read(0, 0, limits, |record| length.add(record));
        let encrypted = encrypted.clone();
        let read = RecordsRead { shard, slice, encrypted, children: None, millis_behind_latest: 7 };
        let reply = Reply { read, next_iterator: Some("AAAA".to_owned()) };
        let mut writer = RecordsWriter::of_get_records(reply, &length);
        let mut body = Vec::new();
        while !writer.is_done() {
            // Whatever a window holds from before must not show.
            let mut window = vec![b'?'; window_bytes];
            let written = writer.write_chunk(&mut window, 0);
            assert!(written > 0);
            body.extend_from_slice(&window[..written]);
        }
        assert_eq!(body.len() as u64, writer.length());
        let found: Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({"Records": expected, "NextShardIterator": "AAAA", "MillisBehindLatest": 7});
        assert_eq!(found, expected);
    }

    fn stored() -> impl Strategy<Value = Stored> {
        let later_ms = prop_oneof![4 => Just(0), 1 => 0_u64..3_000];
        let key = prop_oneof!["[a-z0-9-]{1,70}", "[ -~]{1,40}", "[\\x00-\\x25\\\\a]{1,40}", any::<String>(),];
        let data = prop_oneof![8 => prop::collection::vec(any::<u8>(), 0..200), 1 => prop::collection::vec(any::<u8>(), 0..3_000)];
        (later_ms, key, data)
    }

    proptest! {
        /// Protects: any records through any windows are the announced document of the announced length.
        #[test]
        fn any_records_are_written_whole(
            records in prop::collection::vec(stored(), 0..60),
            switches_ms in prop::collection::btree_set(0_u64..30_000, 0..4),
            window_bytes in prop_oneof![Just(0), 0_usize..300, 300_usize..20_000],
        ) {
            let encrypted = EncryptionTimes::of(switches_ms.into_iter().map(|switch_ms| BORN_MS + switch_ms));
            check(&records, &encrypted, window_bytes);
        }
    }

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
