//! A PutRecords body read as it arrives, frame by frame.
//!
//! Gains: the body is read while it is in the processor's nearest cache, and never copied as a whole. Only what was
//! not understood yet is kept: what stands around the list, and the record that a frame has cut in two. Where the
//! scan steps aside, the general route gets the whole body again: the records that were already read are written out
//! once more, and the rest follows as it came.
//!
//! How a list is written is for a [`List`] to say: `json_list.rs` or `cbor_list.rs`.

use crate::pool::PooledBytes;
use crate::shard::batch::Records;

use super::scan::{Scanned, StreamNames};

/// How much of a frame is added to a record that began in another one, at the least: enough for most to end.
const CARRIED_BYTES_MIN: usize = 2 << 10;

/// The list of a PutRecords body, in one of the wire formats.
pub(in crate::protocol) trait List: Default {
    /// Where the list's first record begins, if that is in the body's `head`.
    fn start(&mut self, head: &[u8]) -> Option<usize>;

    /// Adds as many whole records as there are; gives how many bytes they take, and whether the list has ended.
    fn read(&mut self, bytes: &[u8], records: &mut Records) -> (usize, bool);

    /// What stands between the start of a list and its end once its records are taken out.
    fn close(&self) -> &'static [u8];

    /// How a body without its records names the stream, if it is a good request beside them.
    fn stream_beside(body: &[u8]) -> Option<StreamNames<'_>>;

    /// Appends the records as they stand in a list: nothing before the first or after the last.
    fn restore(records: &Records, out: &mut Vec<u8>);
}

/// A PutRecords body, as far as it has arrived.
pub(in crate::protocol) struct Feed<L> {
    list: L,
    part: Part,
    /// What stands before the list's first record.
    head: PooledBytes,
    records: Records,
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
    /// The body without them.
    rest: PooledBytes,
    records: Records,
    stream_beside: fn(&[u8]) -> Option<StreamNames<'_>>,
}

impl FedRecords {
    /// The request; `None` only for a stream that is not named as [`Feed::finish`] has seen it.
    pub(in crate::protocol) fn scanned(&mut self) -> Option<Scanned<'_>> {
        let stream = (self.stream_beside)(&self.rest)?;
        Some(Scanned { stream, records: std::mem::take(&mut self.records) })
    }
}

impl<L: List> Default for Feed<L> {
    fn default() -> Self {
        Self {
            list: L::default(),
            part: Part::Head,
            head: PooledBytes::take(),
            records: Records::take(),
            carry: PooledBytes::take(),
            try_at_bytes: 0,
        }
    }
}

impl<L: List> Feed<L> {
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
            head.extend_from_slice(self.list.close());
            head.extend_from_slice(&carry[used..]);
            if L::stream_beside(&head).is_some() {
                return Fed::Records(FedRecords { rest: head, records, stream_beside: L::stream_beside });
            }
        }
        let mut whole = PooledBytes::take();
        let (head, tail) = head.split_at(head_bytes);
        whole.extend_from_slice(head);
        L::restore(&records, &mut whole);
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
            let Some(start) = self.list.start(bytes) else { return 0 };
            self.head.extend_from_slice(&bytes[..start]);
            self.part = Part::List;
            used = start;
        }
        if self.part == Part::List {
            let (list_bytes, has_ended) = self.list.read(&bytes[used..], &mut self.records);
            used += list_bytes;
            if has_ended {
                self.part = Part::Tail;
            }
        }
        used
    }
}

/// Reads a whole body, in frames of this size.
#[cfg(test)]
pub(super) fn feed_all<L: List>(body: &[u8], frame_bytes: usize) -> Fed {
    let mut feed = Feed::<L>::default();
    body.chunks(frame_bytes).for_each(|frame| feed.add(frame));
    feed.finish()
}
