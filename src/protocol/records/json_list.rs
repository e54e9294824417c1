//! The list of a PutRecords body in JSON: records one after the other, with a comma between them, up to a bracket.

use crate::limits::PUT_RECORDS_ENTRIES_MAX;
use crate::protocol::base64::decode::Decoder;
use crate::protocol::json::write_utf8;
use crate::shard::batch::Records;

use super::feed::List;
use super::layout::Layout;
use super::run;
use super::scan::{self, Scan, StreamNames};

/// How the records of a list are laid out, as far as that is known.
pub(in crate::protocol) struct JsonList {
    decoder: Decoder,
    layout: Option<Layout>,
}

impl Default for JsonList {
    fn default() -> Self {
        Self::of(Decoder::fastest())
    }
}

/// What follows a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another one, which has been read.
    Record,
    /// The list's end.
    End,
}

impl List for JsonList {
    fn start(&mut self, head: &[u8]) -> Option<usize> {
        scan::list_start(head)
    }

    fn read(&mut self, bytes: &[u8], records: &mut Records) -> (usize, bool) {
        let mut scan = Scan::new(bytes);
        let mut used = 0;
        loop {
            if let Some(layout) = &self.layout {
                run::read(layout, &mut scan, self.decoder, records, PUT_RECORDS_ENTRIES_MAX);
                used = scan.at;
                while records.len() < PUT_RECORDS_ENTRIES_MAX
                    && layout.read(&mut scan, self.decoder, records).is_some()
                {
                    used = scan.at;
                }
                scan.at = used;
            }
            match self.read_one(&mut scan, records) {
                Some(Next::Record) => used = scan.at,
                Some(Next::End) => return (scan.at, true),
                None => return (used, false),
            }
        }
    }

    fn close(&self) -> &'static [u8] {
        b"]"
    }

    fn stream_beside(body: &[u8]) -> Option<StreamNames<'_>> {
        scan::stream_beside_list(body)
    }

    fn restore(records: &Records, out: &mut Vec<u8>) {
        for number in 0..records.len() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"Data\":\"");
            base64_simd::STANDARD.encode_append(records.data(number), out);
            out.extend_from_slice(b"\",\"PartitionKey\":");
            write_utf8(records.key(number), out);
            if let Some(hash_key) = records.explicit_hash_key(number) {
                out.extend_from_slice(b",\"ExplicitHashKey\":\"");
                out.extend_from_slice(hash_key.to_string().as_bytes());
                out.push(b'"');
            }
            out.push(b'}');
        }
    }
}

impl JsonList {
    /// A list that is read in this way.
    pub(super) const fn of(decoder: Decoder) -> Self {
        Self { decoder, layout: None }
    }

    /// One record of whatever layout, with the comma before it; or the list's end.
    fn read_one(&mut self, scan: &mut Scan<'_>, records: &mut Records) -> Option<Next> {
        let (start, is_first) = (scan.at, records.is_empty());
        if !is_first {
            match scan.next()? {
                b',' => {}
                b']' => return Some(Next::End),
                _ => return None,
            }
        }
        if records.len() == PUT_RECORDS_ENTRIES_MAX {
            return None;
        }
        let spans = scan.record(self.decoder, records)?;
        // The first record has no comma before it, which all others must have.
        self.layout = if is_first { None } else { Layout::learn(scan.body, start, &spans, scan.at) };
        Some(Next::Record)
    }
}
