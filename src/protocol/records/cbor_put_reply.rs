//! Replies to PutRecord and PutRecords in CBOR. What goes into them is told in `put_reply.rs`.

use std::ops::Range;

use crate::error::ApiError;
use crate::names::{SequenceNumber, SequenceWriter, ShardId};
use crate::operation::{put_record, put_records};
use crate::protocol::cbor::{BREAK, Kind, write_head, write_text};

use super::put_reply::{Entry, PutBody, write_entries};

/// An entry for a stored record; number and shard are filled in.
const STORED_ENTRY: &[u8; STORED_ENTRY_BYTES] =
    b"\xbf\x6eSequenceNumber\x78\x38                                                        \x67ShardId\x74                    \xff";
pub(super) const STORED_ENTRY_BYTES: usize = 104;

/// Where the number stands in an entry, and where the shard.
const NUMBER_AT: Range<usize> = 18..18 + SequenceNumber::TEXT_BYTES;
const SHARD_AT: Range<usize> = NUMBER_AT.end + 9..NUMBER_AT.end + 9 + ShardId::TEXT_BYTES;
const _: () = assert!(SHARD_AT.end + 1 == STORED_ENTRY_BYTES);
/// The lengths that the entry gives.
const _: () = assert!(SequenceNumber::TEXT_BYTES == 0x38 && ShardId::TEXT_BYTES == 0x14);

/// What both replies have of a stream that encrypts.
const ENCRYPTION: &[u8] = b"\x6eEncryptionType\x63KMS";

/// The body of a PutRecord reply: an entry alone, and what a stream that encrypts adds to it.
#[must_use]
pub fn put_record(reply: put_record::Reply) -> Vec<u8> {
    let mut entry = STORED_ENTRY.to_vec();
    entry[SHARD_AT].copy_from_slice(reply.shard.write_to(&mut [0; ShardId::TEXT_BYTES]));
    entry[NUMBER_AT].copy_from_slice(&SequenceWriter::new(reply.number).text());
    if reply.is_encrypted {
        entry.pop();
        entry.extend_from_slice(ENCRYPTION);
        entry.push(BREAK);
    }
    entry
}

/// The body of a PutRecords reply.
#[must_use]
pub fn put_records(reply: &put_records::Reply) -> PutBody {
    let mut head = b"\xbf\x71FailedRecordCount".to_vec();
    write_head(Kind::Unsigned, reply.failed_count() as u64, &mut head);
    head.extend_from_slice(b"\x67Records\x9f");
    let mut out = PutBody::take();
    out.put(&head);
    write_entries::<CborEntry, STORED_ENTRY_BYTES>(reply, &mut out);
    out.put(&[BREAK]);
    if reply.is_encrypted() {
        out.put(ENCRYPTION);
    }
    out.put(&[BREAK]);
    out
}

/// An entry in one piece.
pub(super) struct CborEntry;

impl Entry<STORED_ENTRY_BYTES> for CborEntry {
    const STORED: &[u8; STORED_ENTRY_BYTES] = STORED_ENTRY;
    const NUMBER_AT: usize = NUMBER_AT.start;
    const SHARD_AT: usize = SHARD_AT.start;

    fn failed(error: &ApiError) -> Vec<u8> {
        let mut out = b"\xbf\x69ErrorCode".to_vec();
        write_text(error.kind.name().as_bytes(), &mut out);
        out.extend_from_slice(b"\x6cErrorMessage");
        write_text(error.message.as_deref().unwrap_or_default().as_bytes(), &mut out);
        out.push(BREAK);
        out
    }
}
