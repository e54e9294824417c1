//! What a read gives: a stretch of records, with the segments that hold them kept alive.

use std::sync::Arc;

use smallvec::SmallVec;

use super::segment::{Published, Record, Segment};

/// How much one read may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Records at the most.
    pub records_max: u32,
    /// Bytes of keys and data at the most; the first record is taken whatever its size.
    pub bytes_max: u64,
}

/// A stretch of records. Cheap to hold, but it pins its segments until dropped.
pub struct Slice {
    pieces: SmallVec<[Piece; 2]>,
    /// Position of the first record, or where the next one will be read from if there is none.
    pub start: u64,
    /// Position after the last record: where to go on.
    pub next: u64,
    /// Position after the newest record of the log when this was read.
    pub tip: u64,
    /// Records in the slice.
    pub records_count: u32,
    /// Arrival of the last record in the slice, epoch milliseconds.
    pub last_arrival_ms: Option<u64>,
}

/// The part of one segment that belongs to a slice: from `first` on what counts as published.
struct Piece {
    segment: Arc<Segment>,
    published: Published,
    first: u32,
}

/// A place inside a [`Slice`], to go on from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    piece: usize,
    done: u32,
}

impl Slice {
    /// Visits the records from `cursor` on until `visit` says no; returns where to go on.
    ///
    /// A record that `visit` refuses is the first of the next call. Always inlined, for callers that are compiled for
    /// more than the least of CPUs.
    #[inline(always)]
    pub fn visit(&self, mut cursor: Cursor, mut visit: impl FnMut(&Record<'_>) -> bool) -> Cursor {
        while let Some(piece) = self.pieces.get(cursor.piece) {
            let mut stopped = false;
            let reached = piece.segment.read_from(piece.published, piece.first + cursor.done, |record| {
                stopped = !visit(record);
                !stopped
            });
            if stopped {
                return Cursor { piece: cursor.piece, done: reached - piece.first };
            }
            cursor = Cursor { piece: cursor.piece + 1, done: 0 };
        }
        cursor
    }

    /// Whether `cursor` has passed the last record.
    #[must_use]
    pub fn is_done(&self, cursor: Cursor) -> bool {
        cursor.piece >= self.pieces.len()
    }

    /// Takes records from `start` on until a limit or the published end.
    pub(super) fn collect(
        segments: &[Arc<Segment>],
        tip: u64,
        start: u64,
        limits: ReadLimits,
        mut visit: impl FnMut(&Record<'_>),
    ) -> Self {
        let mut slice = Self {
            pieces: SmallVec::new(),
            start,
            next: start,
            tip,
            records_count: 0,
            last_arrival_ms: None,
        };
        let mut bytes: u64 = 0;
        let mut full = false;
        let first = segments.partition_point(|segment| segment.base().position <= start).saturating_sub(1);
        for segment in &segments[first..] {
            let Ok(from) = u32::try_from(slice.next.saturating_sub(segment.base().position)) else { break };
            let records_left = limits.records_max - slice.records_count;
            let published = segment.published().up_to(from.saturating_add(records_left));
            let mut any = slice.records_count > 0;
            let end = segment.read_from(published, from, |record| {
                bytes += (record.key.len() + record.data.len()) as u64;
                if bytes > limits.bytes_max && any {
                    full = true;
                    return false;
                }
                any = true;
                slice.last_arrival_ms = Some(record.arrival_ms);
                visit(record);
                true
            });
            if end > from {
                // The other side of the writer's promise: positions run on without a hole.
                debug_assert_eq!(segment.base().position + u64::from(from), slice.next);
                slice.next += u64::from(end - from);
                slice.records_count += end - from;
                let published = published.up_to(end);
                slice.pieces.push(Piece { segment: Arc::clone(segment), published, first: from });
            }
            if full || slice.records_count == limits.records_max {
                break;
            }
        }
        // The tip was looked at before the records; a record published in between moves it.
        slice.tip = slice.tip.max(slice.next);
        slice
    }
}
