//! Records laid out like the one before, which a client's records are: what stands between the values is compared,
//! not parsed.
//!
//! The layout is learned from a record that was parsed, with the comma before it, so it does not matter how the client
//! writes: blanks, order of members, ExplicitHashKey. Steps aside at a record that differs. `run.rs` does the same in
//! vectors.

use crate::protocol::base64::decode::Decoder;
use crate::shard::batch::Records;

use super::scan::{Member, RecordMembers, Scan, Spans};

/// What stands around the values of a record.
pub(super) struct Layout {
    /// Each value, and what stands before it: from the end of the record before, or of the value before.
    values: [(Literal, Member); 3],
    count: usize,
    /// From the end of the last value to the record's end.
    pub(super) close: Literal,
    /// The same, and on to the first value of the next record.
    pub(super) joint: Literal,
}

impl Layout {
    /// The layout of a record whose values stand at `spans`; the record before ended at `start`, and this one ends at
    /// `end`. `None` if there is more between the values than clients write.
    pub(super) fn learn(body: &[u8], start: usize, spans: &Spans, end: usize) -> Option<Self> {
        let mut layout = Self {
            values: [(Literal::default(), Member::Data); 3],
            count: 0,
            close: Literal::default(),
            joint: Literal::default(),
        };
        let mut at = start;
        for (member, value_start, value_end) in spans.iter() {
            *layout.values.get_mut(layout.count)? = (Literal::of(body.get(at..value_start)?)?, member);
            layout.count += 1;
            at = value_end;
        }
        let close = body.get(at..end)?;
        layout.close = Literal::of(close)?;
        let (first, _) = layout.values().first()?;
        layout.joint = layout.close.and(first)?;
        Some(layout)
    }

    /// Each value, and what stands before it.
    #[inline]
    pub(super) fn values(&self) -> &[(Literal, Member)] {
        &self.values[..self.count]
    }

    /// What stands before the value of this number; nothing if there are fewer.
    #[inline]
    pub(super) const fn before(&self, number: usize) -> &Literal {
        &self.values[number].0
    }

    /// Reads a record of this layout, from the end of the one before to its own, and adds it. `None` if it differs;
    /// then nothing was added, and `scan` stands anywhere.
    pub(super) fn read(&self, scan: &mut Scan<'_>, decoder: Decoder, records: &mut Records) -> Option<()> {
        let mut record = RecordMembers::default();
        for (before, member) in self.values() {
            before.take(scan)?;
            record.take_value(scan, *member, decoder, records)?;
        }
        self.close.take(scan)?;
        record.finish(records)
    }
}

/// A few bytes that are compared at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Literal {
    /// The bytes, then zeros.
    pub(super) bytes: [u8; Self::BYTES_MAX],
    /// Ones for the bytes, then zeros.
    pub(super) mask: [u8; Self::BYTES_MAX],
    pub(super) len: usize,
}

impl Literal {
    const BYTES_MAX: usize = 32;

    fn of(text: &[u8]) -> Option<Self> {
        let mut literal = Self { len: text.len(), ..Self::default() };
        literal.bytes.get_mut(..text.len())?.copy_from_slice(text);
        literal.mask[..text.len()].fill(0xff);
        Some(literal)
    }

    /// This one and, right after it, another.
    fn and(&self, next: &Self) -> Option<Self> {
        let mut both = Self { len: self.len + next.len, ..*self };
        both.bytes.get_mut(self.len..both.len)?.copy_from_slice(&next.bytes[..next.len]);
        both.mask[self.len..both.len].fill(0xff);
        Some(both)
    }

    /// Goes past it, if it is next.
    fn take(&self, scan: &mut Scan<'_>) -> Option<()> {
        let is_next = scan.body.get(scan.at..)?.starts_with(&self.bytes[..self.len]);
        scan.at += self.len;
        is_next.then_some(())
    }
}
