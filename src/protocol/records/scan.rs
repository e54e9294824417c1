//! PutRecord and PutRecords straight from their bytes: what clients really send, read in one pass.
//!
//! Gains: no tape, no tree, no allocation per record; data is decoded once, into the request that its shards will
//! read. Serves bodies in any layout and member order, with StreamName or StreamARN and with or without
//! ExplicitHashKey, that have each member once, with the right type, within its constraints, and without escapes.
//! Steps aside (`None`) at anything else; the general route then reads the same bytes and has the last word.
//! Deleting this file costs speed and nothing else.

use memchr::{memchr, memchr2};

use crate::limits::{PARTITION_KEY_CHARS_MAX, PUT_RECORDS_ENTRIES_MAX, RECORD_BYTES_MAX};
use crate::names::{HashKey, PartitionKey, StreamArn, StreamName};
use crate::shard::batch::Records;

/// A good request, its stream not yet resolved.
pub(in crate::protocol) struct Scanned<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) arn: Option<&'a str>,
    pub(super) records: Records,
}

/// Reads a PutRecords body, or steps aside.
pub(in crate::protocol) fn put_records(body: &[u8]) -> Option<Scanned<'_>> {
    let mut scan = Scan { rest: body };
    let (mut stream, mut records) = (StreamMembers::default(), None);
    scan.object(|scan, member| match member {
        b"Records" if records.is_none() => {
            records = Some(scan_list(scan, body.len())?);
            Some(())
        }
        _ => stream.take(scan, member),
    })?;
    scan.finish(stream, records?)
}

/// Reads a PutRecord body, or steps aside.
pub(in crate::protocol) fn put_record(body: &[u8]) -> Option<Scanned<'_>> {
    let mut scan = Scan { rest: body };
    let (mut stream, mut record) = (StreamMembers::default(), RecordMembers::default());
    scan.object(|scan, member| match record.take(scan, member)? {
        Taken::Yes => Some(()),
        Taken::No => stream.take(scan, member),
    })?;
    let mut records = Records::with_capacity(1, body.len());
    record.push(&mut records)?;
    scan.finish(stream, records)
}

fn scan_list(scan: &mut Scan<'_>, body_bytes: usize) -> Option<Records> {
    // Base64 shrinks by a quarter, and the JSON around the records is worth more than their keys.
    let mut records = Records::with_capacity(PUT_RECORDS_ENTRIES_MAX, body_bytes / 4 * 3);
    scan.expect(b'[')?;
    loop {
        let mut record = RecordMembers::default();
        scan.object(|scan, member| match record.take(scan, member)? {
            Taken::Yes => Some(()),
            Taken::No => None,
        })?;
        record.push(&mut records)?;
        if records.len() > PUT_RECORDS_ENTRIES_MAX {
            return None;
        }
        match scan.next()? {
            b',' => {}
            b']' => return Some(records),
            _ => return None,
        }
    }
}

/// The members that name the stream.
#[derive(Default, Clone, Copy)]
struct StreamMembers<'a> {
    name: Option<&'a str>,
    arn: Option<&'a str>,
}

impl<'a> StreamMembers<'a> {
    fn take(&mut self, scan: &mut Scan<'a>, member: &[u8]) -> Option<()> {
        match member {
            b"StreamName" if self.name.is_none() => {
                self.name = Some(text(scan.string()?).filter(|name| StreamName::parse(name).is_some())?);
            }
            b"StreamARN" if self.arn.is_none() => {
                self.arn = Some(text(scan.string()?).filter(|arn| StreamArn::parse(arn).is_some())?);
            }
            _ => return None,
        }
        Some(())
    }
}

/// The members of one record.
#[derive(Default)]
struct RecordMembers<'a> {
    data: Option<&'a [u8]>,
    key: Option<PartitionKey<'a>>,
    hash_key: Option<HashKey>,
}

enum Taken {
    Yes,
    No,
}

impl<'a> RecordMembers<'a> {
    fn take(&mut self, scan: &mut Scan<'a>, member: &[u8]) -> Option<Taken> {
        match member {
            b"Data" if self.data.is_none() => self.data = Some(scan.base64()?),
            b"PartitionKey" if self.key.is_none() => {
                self.key = Some(PartitionKey::of_json(scan.string()?).filter(|key| is_key(*key))?);
            }
            b"ExplicitHashKey" if self.hash_key.is_none() => {
                self.hash_key = Some(HashKey::parse(text(scan.string()?)?).ok()?);
            }
            _ => return Some(Taken::No),
        }
        Some(Taken::Yes)
    }

    fn push(&self, records: &mut Records) -> Option<()> {
        let (data, key) = (self.data?, self.key?);
        let data_bytes = decoded_bytes(data)?;
        if data_bytes > RECORD_BYTES_MAX {
            return None;
        }
        // What is not base64, an escape included, fails here.
        let pushed = records.push_with(key, self.hash_key, data_bytes, |bytes| {
            base64_simd::STANDARD.decode_append(data, bytes).map(|_| ())
        });
        pushed.ok()
    }
}

/// How many bytes a text in base64 stands for, if it is one.
fn decoded_bytes(base64: &[u8]) -> Option<usize> {
    let padding = base64.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    base64.len().is_multiple_of(4).then(|| base64.len() / 4 * 3 - padding)
}

/// JSON strings are UTF-8 without control characters.
fn text(bytes: &[u8]) -> Option<&str> {
    bytes.iter().all(|byte| *byte >= b' ').then_some(())?;
    std::str::from_utf8(bytes).ok()
}

fn is_key(key: PartitionKey<'_>) -> bool {
    let bytes = key.as_bytes().len();
    bytes > 0 && (bytes <= PARTITION_KEY_CHARS_MAX || key.chars_count() <= PARTITION_KEY_CHARS_MAX)
}

/// What is left of the body.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    /// The next byte that is not blank.
    fn next(&mut self) -> Option<u8> {
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// An object with at least one member; `member` reads each value.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let name = self.name()?;
            member(self, name)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A member's name and the colon after it. The two that every record has are compared at once.
    fn name(&mut self) -> Option<&'a [u8]> {
        const DATA: &[u8] = b"\"Data\":";
        const KEY: &[u8] = b"\"PartitionKey\":";
        for name in [DATA, KEY] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                let at = &self.rest[1..name.len() - 2];
                self.rest = rest;
                return Some(at);
            }
        }
        let name = self.string()?;
        self.expect(b':')?;
        Some(name)
    }

    /// The bytes of a string without escapes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let end = memchr2(b'"', b'\\', self.rest)?;
        self.take_string(end)
    }

    /// The bytes of a string that is to be base64: an escape in it will fail to decode, so only its end is sought.
    fn base64(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let end = memchr(b'"', self.rest)?;
        self.take_string(end)
    }

    fn take_string(&mut self, end: usize) -> Option<&'a [u8]> {
        let (string, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(string)
    }

    /// The request, if nothing but blanks is left.
    fn finish(mut self, stream: StreamMembers<'a>, records: Records) -> Option<Scanned<'a>> {
        let StreamMembers { name, arn } = stream;
        // Without either, the general route has the words.
        (self.next().is_none() && (name.is_some() || arn.is_some())).then_some(Scanned { name, arn, records })
    }
}
