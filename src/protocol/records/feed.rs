//! A PutRecords body read as it arrives, frame by frame.
//!
//! Gains: the body is read while it is in the processor's nearest cache, and never copied as a whole. Only what was
//! not understood yet is kept: what stands around the list, and the record that a frame has cut in two. Where the
//! scan steps aside, the general route gets the whole body again: the records that were already read are written out
//! as JSON once more (`restore.rs`), and the rest follows as it came.

use crate::limits::PUT_RECORDS_ENTRIES_MAX;
use crate::pool::PooledBytes;
use crate::protocol::base64::decode::Decoder;
use crate::shard::batch::Records;

use super::layout::Layout;
use super::restore;
use super::run;
use super::scan::{self, Scan, Scanned};

/// How much of a frame is added to a record that began in another one, at the least: enough for most to end.
const CARRIED_BYTES_MIN: usize = 2 << 10;

/// A PutRecords body, as far as it has arrived.
pub(in crate::protocol) struct Feed {
    decoder: Decoder,
    part: Part,
    /// What stands before the list, its bracket included.
    head: PooledBytes,
    records: Records,
    layout: Option<Layout>,
    /// Not understood yet: in the list, from the end of a record on; after it, all that follows the list.
    carry: PooledBytes,
    /// Not worth another try before the carry is this long.
    try_at_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The list has not begun.
    Head,
    /// In the list.
    List,
    /// After the list.
    Tail,
}

/// A body that has arrived.
pub(in crate::protocol) enum Fed {
    /// It was understood.
    Records(FedRecords),
    /// It was not; this is the same body, though its blanks may differ.
    Whole(PooledBytes),
}

/// A body that was understood.
pub(in crate::protocol) struct FedRecords {
    /// The body with an empty list.
    rest: PooledBytes,
    records: Records,
}

impl FedRecords {
    /// The request; `None` only for a stream that is not named as [`Feed::finish`] has seen it.
    pub(in crate::protocol) fn scanned(&mut self) -> Option<Scanned<'_>> {
        let (name, arn) = scan::stream_beside_list(&self.rest)?;
        Some(Scanned { name, arn, records: std::mem::take(&mut self.records) })
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            decoder: Decoder::fastest(),
            part: Part::Head,
            head: PooledBytes::take(),
            records: Records::take(),
            layout: None,
            carry: PooledBytes::take(),
            try_at_bytes: 0,
        }
    }
}

impl Feed {
    /// Takes the next frame.
    pub(in crate::protocol) fn add(&mut self, mut frame: &[u8]) {
        while !frame.is_empty() {
            frame = if self.carry.is_empty() && self.part != Part::Tail {
                self.read_frame(frame)
            } else {
                self.read_carry(frame)
            };
        }
    }

    /// The body, now that all of it was added; once.
    pub(in crate::protocol) fn finish(&mut self) -> Fed {
        // The last try may have been put off.
        let carry = std::mem::take(&mut self.carry);
        let used = self.read(&carry);
        let (mut head, records) = (std::mem::take(&mut self.head), std::mem::take(&mut self.records));
        let head_bytes = head.len();
        if self.part == Part::Tail {
            head.push(b']');
            head.extend_from_slice(&carry[used..]);
            if scan::stream_beside_list(&head).is_some() {
                return Fed::Records(FedRecords { rest: head, records });
            }
        }
        let mut whole = PooledBytes::take();
        let (head, tail) = head.split_at(head_bytes);
        whole.extend_from_slice(head);
        restore::write(&records, &mut whole);
        whole.extend_from_slice(if self.part == Part::Tail { tail } else { &carry[used..] });
        Fed::Whole(whole)
    }

    /// Reads a frame where it lies; what is left of it that makes no record begins the carry.
    fn read_frame<'f>(&mut self, frame: &'f [u8]) -> &'f [u8] {
        let used = self.read(frame);
        self.carry.extend_from_slice(&frame[used..]);
        self.put_off();
        &[]
    }

    /// Adds as much of a frame to the carry as it may take to end a record, and reads that. What comes after it in the
    /// frame is left to be read where it lies.
    fn read_carry<'f>(&mut self, frame: &'f [u8]) -> &'f [u8] {
        let carried = self.carry.len();
        let wanted = self.try_at_bytes.saturating_sub(carried).max(CARRIED_BYTES_MIN).min(frame.len());
        self.carry.extend_from_slice(&frame[..wanted]);
        if self.part == Part::Tail || self.carry.len() < self.try_at_bytes {
            return &frame[wanted..];
        }
        let carry = std::mem::take(&mut self.carry);
        let used = self.read(&carry);
        self.carry = carry;
        if let Some(used_of_frame) = used.checked_sub(carried)
            && self.part == Part::List
        {
            self.carry.clear();
            return &frame[used_of_frame..];
        }
        self.carry.drain(..used);
        self.put_off();
        &frame[wanted..]
    }

    /// A record that goes on for long, or is not understood, is not looked at again and again: only when there is
    /// twice as much of it.
    fn put_off(&mut self) {
        self.try_at_bytes = 2 * self.carry.len();
    }

    /// Reads as many whole parts as there are; gives how many bytes they take.
    fn read(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        if self.part == Part::Head {
            let Some(start) = scan::list_start(bytes) else { return 0 };
            self.head.extend_from_slice(&bytes[..start]);
            self.part = Part::List;
            used = start;
        }
        if self.part == Part::List {
            used += self.read_list(&bytes[used..]);
        }
        used
    }

    fn read_list(&mut self, bytes: &[u8]) -> usize {
        let mut scan = Scan::new(bytes);
        let mut used = 0;
        loop {
            if let Some(layout) = &self.layout {
                run::read(layout, &mut scan, self.decoder, &mut self.records, PUT_RECORDS_ENTRIES_MAX);
                used = scan.at;
                while self.records.len() < PUT_RECORDS_ENTRIES_MAX
                    && layout.read(&mut scan, self.decoder, &mut self.records).is_some()
                {
                    used = scan.at;
                }
                scan.at = used;
            }
            match self.read_one(&mut scan) {
                Some(Part::List) => used = scan.at,
                Some(part) => {
                    self.part = part;
                    return scan.at;
                }
                None => return used,
            }
        }
    }

    /// One record of whatever layout, with the comma before it; or the list's end.
    fn read_one(&mut self, scan: &mut Scan<'_>) -> Option<Part> {
        let start = scan.at;
        if !self.records.is_empty() {
            match scan.next()? {
                b',' => {}
                b']' => return Some(Part::Tail),
                _ => return None,
            }
        }
        if self.records.len() == PUT_RECORDS_ENTRIES_MAX {
            return None;
        }
        let spans = scan.record(self.decoder, &mut self.records)?;
        self.layout = Layout::learn(scan.body, start, &spans, scan.at);
        Some(Part::List)
    }
}

/// Reads a whole body, in frames of this size.
#[cfg(test)]
pub(super) fn feed_all(body: &[u8], frame_bytes: usize) -> Fed {
    let mut feed = Feed::default();
    body.chunks(frame_bytes).for_each(|frame| feed.add(frame));
    feed.finish()
}
