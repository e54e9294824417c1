//! Replies to PutRecord and PutRecords, written straight into bytes. In JSON; `cbor_put_reply.rs` has the bytes of CBOR.

use std::ops::Range;
use std::thread::LocalKey;

use smallvec::SmallVec;

use crate::error::ApiError;
use crate::names::{SequenceNumber, SequenceWriter, ShardId};
use crate::operation::stream_ref::StreamRef;
use crate::operation::{put_record, put_records, refusals};
use crate::pool::{Pool, Pooled, Reused};
use crate::shard::Shard;
use crate::shard::batch::{Batch, Stored};

use super::put_entries;

/// An entry for a stored record, with the comma after it; number and shard are filled in.
const STORED_ENTRY: &[u8; STORED_ENTRY_BYTES] =
    b"{\"SequenceNumber\":\"                                                        \",\"ShardId\":\"                    \"},";
const STORED_ENTRY_BYTES: usize = 111;

/// Where the number stands in an entry, and where the shard.
const NUMBER_AT: Range<usize> = 19..19 + SequenceNumber::TEXT_BYTES;
const SHARD_AT: Range<usize> = NUMBER_AT.end + 13..NUMBER_AT.end + 13 + ShardId::TEXT_BYTES;
const _: () = assert!(SHARD_AT.end + 3 == STORED_ENTRY_BYTES);

/// What both replies have of a stream that encrypts.
const ENCRYPTION: &[u8] = b",\"EncryptionType\":\"KMS\"";

/// The body of a PutRecord reply.
#[must_use]
pub fn put_record(reply: put_record::Reply) -> Vec<u8> {
    let mut entry = stored_entry(reply.shard);
    entry[NUMBER_AT].copy_from_slice(&SequenceWriter::new(reply.number).text());
    if reply.is_encrypted {
        // Without brace and comma.
        return [&entry[..STORED_ENTRY_BYTES - 2], ENCRYPTION, b"}"].concat();
    }
    // Without the comma.
    entry[..STORED_ENTRY_BYTES - 1].to_vec()
}

/// The body of a PutRecords reply.
#[must_use]
pub fn put_records(reply: &put_records::Reply) -> PutBody {
    let mut out = PutBody::take();
    match reply.failed_count() {
        0 => out.put(b"{\"FailedRecordCount\":0,\"Records\":["),
        count => out.put(format!("{{\"FailedRecordCount\":{count},\"Records\":[").as_bytes()),
    }
    write_entries::<JsonEntry, STORED_ENTRY_BYTES>(reply, &mut out);
    if reply.record_count() > 0 {
        // The last comma.
        out.used -= 1;
    }
    out.put(b"]");
    if reply.is_encrypted() {
        out.put(ENCRYPTION);
    }
    out.put(b"}");
    out
}

/// The body of a PutRecords reply; its memory is used again.
#[derive(Default)]
pub struct PutBody {
    bytes: Pooled<InitialisedBytes>,
    used: usize,
}

impl PutBody {
    pub(super) fn take() -> Self {
        Self { bytes: Pooled::take(), used: 0 }
    }

    /// Appends room to be written, with anything in it.
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.used;
        self.used += bytes;
        let all = &mut self.bytes.0;
        if all.len() < self.used {
            all.resize(self.used, 0);
        }
        &mut all[start..self.used]
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }
}

impl AsRef<[u8]> for PutBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes.0[..self.used]
    }
}

/// As long as they have ever been: entries are written where they belong, into bytes that were not cleared for it.
#[derive(Default)]
struct InitialisedBytes(Vec<u8>);

thread_local! {
    static PUT_BODIES: Pool<InitialisedBytes> = const { Pool::new() };
}

impl Reused for InitialisedBytes {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &PUT_BODIES
    }

    fn kept_bytes(&self) -> usize {
        self.0.capacity()
    }

    fn renew(&mut self) {}
}

/// An entry in one of the wire formats; for a stored record it has this length.
pub(super) trait Entry<const BYTES: usize> {
    /// For a stored record. Number and shard are still to be filled in.
    const STORED: &[u8; BYTES];

    /// Where the number stands in that.
    const NUMBER_AT: usize;

    /// Where the shard stands.
    const SHARD_AT: usize;

    /// For a record that was not stored.
    fn failed(error: &ApiError) -> Vec<u8>;
}

/// Appends the entries of a reply, in request order.
#[inline]
pub(super) fn write_entries<E: Entry<BYTES>, const BYTES: usize>(
    reply: &put_records::Reply,
    out: &mut PutBody,
) {
    match reply {
        put_records::Reply::Stored { batch, .. } if batch.failed_count() == 0 => {
            write_stored::<E, BYTES>(batch, out);
        }
        put_records::Reply::Stored { batch, stream, .. } => write_any::<E, BYTES>(batch, stream, out),
        put_records::Reply::Throttled { count } => {
            let entry = E::failed(&refusals::planned_throttle());
            (0..*count).for_each(|_| out.put(&entry));
        }
    }
}

/// Entries of a share that are written one by one: what vectors save at more than that, making them ready costs.
const ONE_BY_ONE_MAX: usize = 2;

/// The entries of a share's records, told in order: all alike but for the number.
struct ShareEntries {
    shard: ShardId,
    /// Stands at the next one.
    numbers: SequenceWriter,
}

impl ShareEntries {
    #[inline(always)]
    fn new(shard: &Shard, stored: Stored) -> Self {
        let numbers = SequenceWriter::new(shard.sequence_number(stored.first_counter, stored.arrival_ms));
        Self { shard: shard.id, numbers }
    }

    /// Writes the next entries to the places with these numbers, in vectors as far as that goes.
    #[inline(always)]
    fn write<E: Entry<BYTES>, const BYTES: usize>(&mut self, numbers: &[u16], places: &mut [[u8; BYTES]]) {
        let mut left = numbers;
        if let [first, rest @ ..] = numbers
            && rest.len() >= ONE_BY_ONE_MAX
        {
            let mut entry = [0; BYTES];
            self.write_next::<E, BYTES>(&mut entry);
            places[usize::from(*first)] = entry;
            self.numbers.advance();
            let written = put_entries::write::<E, BYTES>(&entry, rest, places);
            left = &rest[written..];
            if !left.is_empty() {
                (0..written).for_each(|_| self.numbers.advance());
            }
        }
        while let [number, rest @ ..] = left {
            self.write_next::<E, BYTES>(&mut places[usize::from(*number)]);
            left = rest;
            if !left.is_empty() {
                self.numbers.advance();
            }
        }
    }

    /// Writes the next entry where it belongs, and stays there. It is written from constants and registers: what was just
    /// written elsewhere in smaller pieces would be waited for.
    #[inline(always)]
    fn write_next<E: Entry<BYTES>, const BYTES: usize>(&mut self, place: &mut [u8; BYTES]) {
        *place = *E::STORED;
        if let Some(shard) = place[E::SHARD_AT..].first_chunk_mut() {
            self.shard.write_to(shard);
        }
        if let Some(number) = place[E::NUMBER_AT..].first_chunk_mut() {
            self.numbers.write(number);
        }
    }
}

/// All records were stored, so that each entry's place is known: share after share.
#[inline]
fn write_stored<E: Entry<BYTES>, const BYTES: usize>(batch: &Batch, out: &mut PutBody) {
    let (places, _) = out.room(batch.records().len() * BYTES).as_chunks_mut::<BYTES>();
    for ((shard, stored), numbers) in batch.shares().zip(batch.numbers_of_shares()) {
        ShareEntries::new(shard, stored).write::<E, BYTES>(numbers, places);
    }
}

/// Records were stored or not: in request order.
fn write_any<E: Entry<BYTES>, const BYTES: usize>(batch: &Batch, stream: &StreamRef, out: &mut PutBody) {
    let mut shares: SmallVec<[_; 16]> =
        batch.shares().map(|(shard, stored)| (stored, ShareEntries::new(shard, stored))).collect();
    for share in batch.share_of_each_record() {
        // A share's records come up in the order of their numbers.
        let (stored, entries) = &mut shares[usize::from(*share)];
        if stored.count > 0 {
            stored.count -= 1;
            let mut entry = [0; BYTES];
            entries.write_next::<E, BYTES>(&mut entry);
            entries.numbers.advance();
            out.put(&entry);
        } else if stored.throttled {
            out.put(&E::failed(&refusals::shard_throttled(stream, entries.shard)));
        } else {
            out.put(&E::failed(&refusals::entry_failed()));
        }
    }
}

/// An entry with the comma after it.
struct JsonEntry;

impl Entry<STORED_ENTRY_BYTES> for JsonEntry {
    const STORED: &[u8; STORED_ENTRY_BYTES] = STORED_ENTRY;
    const NUMBER_AT: usize = NUMBER_AT.start;
    const SHARD_AT: usize = SHARD_AT.start;

    fn failed(error: &ApiError) -> Vec<u8> {
        let (name, message) = (error.kind.name(), error.message.as_deref().unwrap_or_default());
        format!("{{\"ErrorCode\":\"{name}\",\"ErrorMessage\":\"{message}\"}},").into_bytes()
    }
}

fn stored_entry(shard: ShardId) -> [u8; STORED_ENTRY_BYTES] {
    let mut entry = *STORED_ENTRY;
    entry[SHARD_AT].copy_from_slice(shard.write_to(&mut [0; ShardId::TEXT_BYTES]));
    entry
}

#[cfg(test)]
#[path = "put_reply_tests.rs"]
mod tests;
