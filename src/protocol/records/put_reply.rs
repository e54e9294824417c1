//! Replies to PutRecord and PutRecords, written straight into bytes.

use smallvec::SmallVec;

use crate::error::ErrorKind;
use crate::names::{SequenceNumber, SequenceWriter, ShardId};
use crate::operation::stream_ref::StreamRef;
use crate::operation::{put_record, put_records, refusals};
use crate::shard::batch::Batch;

/// `{"SequenceNumber":"…","ShardId":"…"},` with its 56 and 20 characters.
const STORED_ENTRY_BYTES: usize = 112;

/// The body of a PutRecord reply.
#[must_use]
pub fn put_record(reply: put_record::Reply) -> Vec<u8> {
    let mut out = Vec::with_capacity(STORED_ENTRY_BYTES);
    write_stored(&SequenceWriter::new(reply.number), reply.shard, &mut out);
    out
}

/// The body of a PutRecords reply.
#[must_use]
pub fn put_records(reply: &put_records::Reply) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + reply.record_count() * STORED_ENTRY_BYTES);
    out.extend_from_slice(b"{\"FailedRecordCount\":");
    out.extend_from_slice(reply.failed_count().to_string().as_bytes());
    out.extend_from_slice(b",\"Records\":[");
    match reply {
        put_records::Reply::Stored { batch, stream } => write_batch(batch, stream, &mut out),
        put_records::Reply::Throttled { count } => {
            for _ in 0..*count {
                let code = ErrorKind::ProvisionedThroughputExceeded.name();
                write_failed(code, refusals::PLANNED_THROTTLE, &mut out);
                out.push(b',');
            }
        }
    }
    // The last comma.
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.extend_from_slice(b"]}");
    out
}

fn write_batch(batch: &Batch, stream: &StreamRef, out: &mut Vec<u8>) {
    let mut shares: SmallVec<[ShareNumbers; 8]> = batch
        .shares()
        .map(|(shard, stored)| ShareNumbers {
            numbers: SequenceWriter::new(shard.sequence_number(stored.first_counter, stored.arrival_ms)),
            shard: shard.id,
            left: stored.count,
            throttled: stored.throttled,
        })
        .collect();
    for place in batch.places() {
        // Ranks ascend, so each share's numbers come up one after the other.
        let share = &mut shares[usize::from(place.share)];
        if share.left > 0 {
            write_stored(&share.numbers, share.shard, out);
            share.numbers.advance();
            share.left -= 1;
        } else if share.throttled {
            let text = refusals::shard_throttled(stream, share.shard);
            write_failed(ErrorKind::ProvisionedThroughputExceeded.name(), &text, out);
        } else {
            write_failed(ErrorKind::InternalFailure.name(), refusals::ENTRY_FAILED, out);
        }
        out.push(b',');
    }
}

/// The numbers that a share's records were given, to be told in order.
struct ShareNumbers {
    numbers: SequenceWriter,
    shard: ShardId,
    left: u32,
    /// Why there are no more.
    throttled: bool,
}

fn write_stored(number: &SequenceWriter, shard: ShardId, out: &mut Vec<u8>) {
    const { assert!(19 + SequenceNumber::TEXT_BYTES + 13 + ShardId::TEXT_BYTES + 3 <= STORED_ENTRY_BYTES) };
    out.extend_from_slice(b"{\"SequenceNumber\":\"");
    out.extend_from_slice(number.text());
    out.extend_from_slice(b"\",\"ShardId\":\"");
    out.extend_from_slice(shard.write_to(&mut [0; ShardId::TEXT_BYTES]));
    out.extend_from_slice(b"\"}");
}

fn write_failed(code: &str, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"ErrorCode\":\"");
    out.extend_from_slice(code.as_bytes());
    out.extend_from_slice(b"\",\"ErrorMessage\":\"");
    out.extend_from_slice(message.as_bytes());
    out.extend_from_slice(b"\"}");
}
