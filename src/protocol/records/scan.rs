//! Records straight from JSON: one pass over the bytes of a PutRecord or of the list of a PutRecords.
//!
//! Gains: no tape, no tree, no allocation per record; data is decoded once, into the request that its shards will
//! read. Serves any layout and member order, with StreamName or StreamARN and with or without ExplicitHashKey, where
//! each member is there once, with the right type, within its constraints. Steps aside (`None`) at anything else; the
//! general route then reads the same bytes and has the last word. Deleting this file, `feed.rs`, `layout.rs` and
//! `json_list.rs` costs speed and nothing else.

use crate::limits::{PARTITION_KEY_CHARS_MAX, RECORD_BYTES_MAX};
use crate::names::{HashKey, PartitionKey, StreamArn, StreamName};
use crate::protocol::base64::decode::{Decoder, SLACK_BYTES};
use crate::shard::batch::Records;

use super::string::{self, Text};

/// A good request, its stream not yet resolved.
pub(in crate::protocol) struct Scanned<'a> {
    pub(super) stream: StreamNames<'a>,
    pub(super) records: Records,
}

/// StreamName and StreamARN: one of them at the least.
pub(in crate::protocol) type StreamNames<'a> = (Option<&'a str>, Option<&'a str>);

/// Reads a PutRecord body, or steps aside.
pub(in crate::protocol) fn put_record(body: &[u8]) -> Option<Scanned<'_>> {
    let mut scan = Scan::new(body);
    let mut records = Records::take();
    let (mut stream, mut record) = (StreamMembers::default(), RecordMembers::default());
    let decoder = Decoder::fastest();
    scan.object(|scan, member| match record.take(scan, member, decoder, &mut records)? {
        Taken::Yes => Some(()),
        Taken::No => stream.take(scan, member),
    })?;
    record.finish(&mut records)?;
    scan.at_end()?;
    Some(Scanned { stream: stream.named()?, records })
}

/// StreamName and StreamARN of a PutRecords body whose list was taken out, if it is a good request beside that.
pub(super) fn stream_beside_list(body: &[u8]) -> Option<StreamNames<'_>> {
    let mut scan = Scan::new(body);
    let (mut stream, mut has_list) = (StreamMembers::default(), false);
    scan.object(|scan, member| match member {
        b"Records" if !has_list => {
            has_list = true;
            scan.expect(b'[')?;
            scan.expect(b']')
        }
        _ => stream.take(scan, member),
    })?;
    scan.at_end()?;
    stream.named()
}

/// Where the list of a PutRecords body begins, after its bracket; `None` if that is not in `head`.
pub(super) fn list_start(head: &[u8]) -> Option<usize> {
    let mut scan = Scan::new(head);
    let (mut stream, mut start) = (StreamMembers::default(), None);
    // Ends early, at the list.
    let _ = scan.object(|scan, member| {
        if member != b"Records" {
            return stream.take(scan, member);
        }
        scan.expect(b'[')?;
        start = Some(scan.at);
        None
    });
    start
}

/// The members that name the stream.
#[derive(Default, Clone, Copy)]
pub(super) struct StreamMembers<'a> {
    name: Option<&'a str>,
    arn: Option<&'a str>,
}

impl<'a> StreamMembers<'a> {
    fn take(&mut self, scan: &mut Scan<'a>, member: &[u8]) -> Option<()> {
        self.set(member, || scan.plain_string())
    }

    /// Takes a member's value, a text, if it is one of these members.
    pub(super) fn set(&mut self, member: &[u8], value: impl FnOnce() -> Option<&'a [u8]>) -> Option<()> {
        match member {
            b"StreamName" if self.name.is_none() => {
                let name = std::str::from_utf8(value()?).ok()?;
                self.name = Some(name).filter(|name| StreamName::is_valid(name));
                self.name?;
            }
            b"StreamARN" if self.arn.is_none() => {
                let arn = std::str::from_utf8(value()?).ok()?;
                self.arn = Some(arn).filter(|arn| StreamArn::parse(arn).is_some());
                self.arn?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Without either, the general route has the words.
    pub(super) fn named(self) -> Option<StreamNames<'a>> {
        (self.name.is_some() || self.arn.is_some()).then_some((self.name, self.arn))
    }
}

/// A member of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Data,
    PartitionKey,
    ExplicitHashKey,
}

impl Member {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"Data" => Some(Self::Data),
            b"PartitionKey" => Some(Self::PartitionKey),
            b"ExplicitHashKey" => Some(Self::ExplicitHashKey),
            _ => None,
        }
    }
}

/// The members of one record, as far as they have been read. Data is already where it will stay.
#[derive(Default)]
pub(super) struct RecordMembers<'a> {
    data_bytes: Option<usize>,
    key: Option<Text<'a>>,
    hash_key: Option<HashKey>,
}

enum Taken {
    Yes,
    No,
}

impl<'a> RecordMembers<'a> {
    fn take(
        &mut self,
        scan: &mut Scan<'a>,
        member: &[u8],
        decoder: Decoder,
        records: &mut Records,
    ) -> Option<Taken> {
        let Some(member) = Member::named(member) else { return Some(Taken::No) };
        scan.expect(b'"')?;
        self.take_value(scan, member, decoder, records)?;
        scan.take_quote()?;
        Some(Taken::Yes)
    }

    /// Reads a value up to its closing quote.
    #[inline]
    pub(super) fn take_value(
        &mut self,
        scan: &mut Scan<'a>,
        member: Member,
        decoder: Decoder,
        records: &mut Records,
    ) -> Option<()> {
        let text = scan.body.get(scan.at..)?;
        match member {
            Member::Data if self.data_bytes.is_none() => {
                let decoded = decoder.decode(text, records.room(text.len() + SLACK_BYTES))?;
                scan.at += decoded.chars;
                self.data_bytes = Some(decoded.bytes);
            }
            Member::PartitionKey if self.key.is_none() => {
                let (key, chars) = string::read(text)?;
                scan.at += chars;
                self.key = Some(key);
            }
            Member::ExplicitHashKey if self.hash_key.is_none() => {
                let (digits, chars) = string::read(text)?;
                scan.at += chars;
                self.hash_key = Some(HashKey::parse_digits(digits.as_bytes()).ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds the record, if it is whole and within its constraints.
    #[inline]
    pub(super) fn finish(&self, records: &mut Records) -> Option<()> {
        add(records, self.data_bytes?, self.key.as_ref()?.as_bytes(), self.hash_key)
    }
}

/// Makes a record of data that stands in the [room](Records::room) and a key that is UTF-8, if they are within their
/// constraints.
#[inline]
pub(super) fn add(
    records: &mut Records,
    data_bytes: usize,
    key: &[u8],
    hash_key: Option<HashKey>,
) -> Option<()> {
    let key = PartitionKey::of_utf8(key);
    let is_key = !key.as_bytes().is_empty()
        && (key.as_bytes().len() <= PARTITION_KEY_CHARS_MAX || key.chars_count() <= PARTITION_KEY_CHARS_MAX);
    if !is_key || data_bytes > RECORD_BYTES_MAX {
        return None;
    }
    records.finish(data_bytes, key, hash_key).ok()
}

/// Where the values of a record stand: each without its quotes, and where the record ends.
#[derive(Default)]
pub(super) struct Spans {
    values: [Option<(Member, usize, usize)>; 3],
    count: usize,
}

impl Spans {
    fn add(&mut self, member: Member, start: usize, end: usize) {
        // A fourth would be a member that is there twice, which is refused.
        if let Some(place) = self.values.get_mut(self.count) {
            *place = Some((member, start, end));
            self.count += 1;
        }
    }

    /// In the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Member, usize, usize)> {
        self.values.iter().flatten().copied()
    }
}

/// A place in the body.
pub(super) struct Scan<'a> {
    pub(super) body: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// One record of whatever layout, added to `records`.
    pub(super) fn record(&mut self, decoder: Decoder, records: &mut Records) -> Option<Spans> {
        let (mut record, mut spans) = (RecordMembers::default(), Spans::default());
        self.object(|scan, member| {
            let member = Member::named(member)?;
            scan.expect(b'"')?;
            let start = scan.at;
            record.take_value(scan, member, decoder, records)?;
            spans.add(member, start, scan.at);
            scan.take_quote()
        })?;
        record.finish(records)?;
        Some(spans)
    }

    /// The next byte that is not blank.
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.body.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn at_end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }

    fn take_quote(&mut self) -> Option<()> {
        let is_quote = self.body.get(self.at) == Some(&b'"');
        self.at += 1;
        is_quote.then_some(())
    }

    /// An object with at least one member; `member` reads each value.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let name = self.plain_string()?;
            self.expect(b':')?;
            member(self, name)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A string without escapes.
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let (Text::Plain(text), chars) = string::read(self.body.get(self.at..)?)? else { return None };
        self.at += chars;
        self.take_quote()?;
        Some(text)
    }
}
