//! Puts straight from CBOR: one pass over the bytes of a PutRecord or of the list of a PutRecords.
//!
//! As `scan.rs` does for JSON, and with less to do: lengths come first and data needs no decoding. Serves maps and lists
//! of known and of indefinite length, and any order of members, where each member is there once, in one piece, with the
//! right type, within its constraints. Steps aside (`None`) at anything else; the general route then reads the same bytes
//! and has the last word. Deleting this file costs speed and nothing else.

use crate::limits::PUT_RECORDS_ENTRIES_MAX;
use crate::names::HashKey;
use crate::protocol::cbor::{BREAK, Kind, Length, Reader, write_head, write_text};
use crate::shard::batch::Records;

use super::feed::List;
use super::scan::{self, Member, Scanned, StreamMembers, StreamNames};

/// Reads a PutRecord body, or steps aside.
pub(in crate::protocol) fn put_record(body: &[u8]) -> Option<Scanned<'_>> {
    let mut reader = Reader::new(body);
    let (mut stream, mut record) = (StreamMembers::default(), RecordMembers::default());
    reader.members(|reader, name| match Member::named(name) {
        Some(member) => record.take(reader, member),
        None => stream.set(name, || reader.text()),
    })?;
    let stream = stream.named().filter(|_| reader.is_at_end())?;
    let mut records = Records::take();
    record.add_to(&mut records)?;
    Some(Scanned { stream, records })
}

/// The members of one record, as far as they have been read.
#[derive(Default)]
struct RecordMembers<'a> {
    data: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    hash_key: Option<HashKey>,
}

impl<'a> RecordMembers<'a> {
    #[inline]
    fn take(&mut self, reader: &mut Reader<'a>, member: Member) -> Option<()> {
        match member {
            Member::Data if self.data.is_none() => self.data = Some(reader.bytes()?),
            Member::PartitionKey if self.key.is_none() => self.key = Some(reader.text()?),
            Member::ExplicitHashKey if self.hash_key.is_none() => {
                self.hash_key = Some(HashKey::parse_digits(reader.text()?).ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds the record, if it is whole and within its constraints.
    #[inline]
    fn add_to(self, records: &mut Records) -> Option<()> {
        let (data, key) = (self.data?, self.key?);
        std::str::from_utf8(key).ok()?;
        records.room(data.len())[..data.len()].copy_from_slice(data);
        scan::add(records, data.len(), key, self.hash_key)
    }
}

/// The list of a PutRecords body in CBOR.
pub(in crate::protocol) struct CborList {
    length: Length,
}

impl Default for CborList {
    fn default() -> Self {
        Self { length: Length::UntilBreak }
    }
}

impl List for CborList {
    fn start(&mut self, head: &[u8]) -> Option<usize> {
        let mut reader = Reader::new(head);
        let (mut stream, mut list) = (StreamMembers::default(), None);
        // Ends early, at the list.
        let _ = reader.members(|reader, name| {
            if name != b"Records" {
                return stream.set(name, || reader.text());
            }
            list = Some((reader.array()?, reader.at()));
            None
        });
        let (length, start) = list?;
        // About none at all, or too many, the general route has the words.
        if matches!(length, Length::Known(records) if records == 0 || records > PUT_RECORDS_ENTRIES_MAX as u64)
        {
            return None;
        }
        self.length = length;
        Some(start)
    }

    fn read(&mut self, bytes: &[u8], records: &mut Records) -> (usize, bool) {
        let mut reader = Reader::new(bytes);
        let mut used = 0;
        loop {
            let has_ended = match self.length {
                Length::Known(count) => records.len() as u64 == count,
                Length::UntilBreak => !records.is_empty() && bytes.get(used) == Some(&BREAK),
            };
            if has_ended {
                return (used + self.close().len(), true);
            }
            if records.len() == PUT_RECORDS_ENTRIES_MAX {
                return (used, false);
            }
            let mut record = RecordMembers::default();
            let whole = reader.members(|reader, name| record.take(reader, Member::named(name)?));
            if whole.and_then(|()| record.add_to(records)).is_none() {
                return (used, false);
            }
            used = reader.at();
        }
    }

    fn close(&self) -> &'static [u8] {
        match self.length {
            Length::Known(_) => b"",
            Length::UntilBreak => &[BREAK],
        }
    }

    fn stream_beside(body: &[u8]) -> Option<StreamNames<'_>> {
        let mut reader = Reader::new(body);
        let (mut stream, mut has_list) = (StreamMembers::default(), false);
        reader.members(|reader, name| match name {
            b"Records" if !has_list => {
                has_list = true;
                match reader.array()? {
                    // Its records are not there any more, and nothing else ends it.
                    Length::Known(_) => Some(()),
                    mut length => (!reader.has_next(&mut length)?).then_some(()),
                }
            }
            _ => stream.set(name, || reader.text()),
        })?;
        stream.named().filter(|_| reader.is_at_end())
    }

    fn restore(records: &Records, out: &mut Vec<u8>) {
        for number in 0..records.len() {
            let hash_key = records.explicit_hash_key(number);
            out.push(if hash_key.is_some() { 0xa3 } else { 0xa2 });
            let data = records.data(number);
            write_text(b"Data", out);
            write_head(Kind::Bytes, data.len() as u64, out);
            out.extend_from_slice(data);
            write_text(b"PartitionKey", out);
            write_text(records.key(number), out);
            if let Some(hash_key) = hash_key {
                write_text(b"ExplicitHashKey", out);
                write_text(hash_key.to_string().as_bytes(), out);
            }
        }
    }
}

#[cfg(test)]
#[path = "cbor_list_tests.rs"]
mod tests;
