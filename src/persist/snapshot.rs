//! Our own format: a head, then each stream with its shards, followed by its records.
//!
//! ```text
//! records = shard index | position of the first record | run ...
//! run     = records | counter of the first one | arrival, ms | record ...
//! record  = key bytes | data bytes | data | key
//! ```
//! A run is what is consecutive in counters and of one arrival. A block of records follows its stream's block, blocks of
//! one shard follow one another by position; a gap between them is what had been trimmed. The last block says how much
//! there was.

use std::io::{Read, Write};

use crate::control::SavedStream;
use crate::limits::{PARTITION_KEY_BYTES_MAX, RECORD_BYTES_MAX};
use crate::log::{Record, RecordBuffer};
use crate::names::ShardId;

use super::block::{BlockReader, BlockWriter, Kind};
use super::codec::Field;
use super::error::PersistError;
use super::pace::Pace;
use super::state::{Head, State, Totals, read_shard};

/// Writes state. Nothing of it is held but what is being written.
///
/// # Errors
/// The system's refusal, or the end of the time that there is.
pub fn write(state: &State, out: impl Write, pace: &mut Pace) -> Result<Totals, PersistError> {
    let mut blocks = BlockWriter::begin(out)?;
    let mut payload = Vec::new();
    let mut totals = Totals::default();
    state.head.put(&mut payload);
    blocks.write(Kind::Head, &payload)?;
    for stream in &state.streams {
        payload.clear();
        stream.saved.put(&mut payload);
        blocks.write(Kind::Stream, &payload)?;
        pace.step()?;
        totals.streams += 1;
        totals.shards += stream.saved.shards.len() as u64;
        for (shard, saved) in stream.shards.iter().zip(&stream.saved.shards) {
            let mut block = RecordsWriter::new(saved.id);
            read_shard((shard, saved), stream.not_before_ms, &mut block, RecordsWriter::add, |block| {
                block.write_to(&mut blocks, &mut totals)?;
                pace.step()
            })?;
        }
    }
    payload.clear();
    totals.put(&mut payload);
    blocks.write(Kind::End, &payload)?;
    Ok(totals)
}

impl Field for Totals {
    fn put(&self, out: &mut Vec<u8>) {
        for number in [self.streams, self.shards, self.records, self.record_bytes] {
            number.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            streams: Field::get(input)?,
            shards: Field::get(input)?,
            records: Field::get(input)?,
            record_bytes: Field::get(input)?,
        })
    }
}

/// One block of records in the making.
struct RecordsWriter {
    shard: ShardId,
    payload: Vec<u8>,
    /// Records of the run that is being written.
    run: Vec<u8>,
    run_count: u64,
    first_counter: u64,
    arrival_ms: u64,
    totals: Totals,
}

impl RecordsWriter {
    const fn new(shard: ShardId) -> Self {
        Self {
            shard,
            payload: Vec::new(),
            run: Vec::new(),
            run_count: 0,
            first_counter: 0,
            arrival_ms: 0,
            totals: Totals { streams: 0, shards: 0, records: 0, record_bytes: 0 },
        }
    }

    #[allow(clippy::needless_borrow, reason = "the model checker's slice is a copy")]
    fn add(&mut self, record: &Record<'_>) {
        if self.payload.is_empty() {
            self.shard.put(&mut self.payload);
            record.position.put(&mut self.payload);
        }
        let follows = record.counter == self.first_counter + self.run_count;
        if !follows || record.arrival_ms != self.arrival_ms {
            self.end_run();
            (self.first_counter, self.arrival_ms) = (record.counter, record.arrival_ms);
        }
        self.run_count += 1;
        self.totals.count_record(record.key.len() + record.data.len());
        record.key.len().put(&mut self.run);
        record.data.len().put(&mut self.run);
        self.run.extend_from_slice(&record.data);
        self.run.extend_from_slice(&record.key);
    }

    fn end_run(&mut self) {
        if self.run_count > 0 {
            for number in [self.run_count, self.first_counter, self.arrival_ms] {
                number.put(&mut self.payload);
            }
            self.payload.append(&mut self.run);
            self.run_count = 0;
        }
    }

    /// Writes the block, if there is anything in it; the next one begins.
    fn write_to(
        &mut self,
        blocks: &mut BlockWriter<impl Write>,
        totals: &mut Totals,
    ) -> Result<(), PersistError> {
        self.end_run();
        if !self.payload.is_empty() {
            blocks.write(Kind::Records, &self.payload)?;
            self.payload.clear();
            totals.records += self.totals.records;
            totals.record_bytes += self.totals.record_bytes;
            self.totals = Totals::default();
        }
        Ok(())
    }
}

/// What is found in a file, in this order.
pub enum Item<'a> {
    /// What is about no stream.
    Head(Head),
    /// A stream; what follows until the next one are its records.
    Stream(SavedStream),
    /// Records of one of its shards that have one arrival and consecutive counters.
    Run(Run<'a>),
}

/// Records that follow one another.
pub struct Run<'a> {
    /// The shard.
    pub shard: ShardId,
    /// Position of the first one.
    pub position: u64,
    /// Its counter.
    pub counter: u64,
    /// Arrival of all, epoch milliseconds.
    pub arrival_ms: u64,
    /// The records.
    pub records: &'a RecordBuffer,
}

/// Reads a file to its end. `visit` sees what is in it, and how far it was read.
///
/// # Errors
/// It is not as it was written; or what `visit` says.
pub fn read(
    input: impl Read,
    mut visit: impl FnMut(Item<'_>, u64) -> Result<(), PersistError>,
) -> Result<Totals, PersistError> {
    let mut blocks = BlockReader::open(input)?;
    let (mut payload, mut found, mut is_first) = (Vec::new(), Totals::default(), true);
    loop {
        let kind = blocks.next(&mut payload)?;
        let at = blocks.begins_at();
        let wrong = |what: &str| PersistError::damaged(at, what);
        if is_first != (kind == Kind::Head) {
            return Err(wrong("a block that does not belong here"));
        }
        is_first = false;
        let mut input = payload.as_slice();
        match kind {
            Kind::Head => {
                let head = whole(&mut input).ok_or_else(|| wrong("the head says what it should not"))?;
                visit(Item::Head(head), blocks.offset())?;
            }
            Kind::Stream => {
                let stream: SavedStream =
                    whole(&mut input).ok_or_else(|| wrong("a stream that cannot be"))?;
                found.streams += 1;
                found.shards += stream.shards.len() as u64;
                visit(Item::Stream(stream), blocks.offset())?;
            }
            Kind::Records => {
                read_records(&mut input, &mut found, |run| visit(Item::Run(run), blocks.offset()))
                    .unwrap_or_else(|| Err(wrong("records that cannot be")))?;
            }
            Kind::End => {
                if whole(&mut input) != Some(found) {
                    return Err(wrong("there is less in the file than it says"));
                }
                blocks.end()?;
                return Ok(found);
            }
        }
    }
}

/// All of the input.
fn whole<T: Field>(input: &mut &[u8]) -> Option<T> {
    T::get(input).filter(|_| input.is_empty())
}

/// `None` if it is not a block of records.
fn read_records(
    input: &mut &[u8],
    found: &mut Totals,
    mut visit: impl FnMut(Run<'_>) -> Result<(), PersistError>,
) -> Option<Result<(), PersistError>> {
    let (shard, mut position) = (ShardId::get(input)?, u64::get(input)?);
    while !input.is_empty() {
        let (count, counter, arrival_ms) = (u64::get(input)?, u64::get(input)?, u64::get(input)?);
        let mut records = RecordBuffer::take();
        for _ in 0..count {
            let (key_bytes, data_bytes) = (usize::get(input)?, usize::get(input)?);
            if key_bytes > PARTITION_KEY_BYTES_MAX || data_bytes > RECORD_BYTES_MAX {
                return None;
            }
            let (data, rest) = input.split_at_checked(data_bytes)?;
            let (key, rest) = rest.split_at_checked(key_bytes)?;
            std::str::from_utf8(key).ok()?;
            records.push(key, data).ok()?;
            found.count_record(key.len() + data.len());
            *input = rest;
        }
        if let Err(error) = visit(Run { shard, position, counter, arrival_ms, records: &records }) {
            return Some(Err(error));
        }
        position = position.checked_add(count)?;
    }
    Some(Ok(()))
}
