//! A record as it lies in the log, `[key bytes, varint][data bytes, varint][data][key]`, and buffers of such records.
//!
//! Requests are decoded straight into this form ([`RecordBuffer`]), so that appending a record is one copy. Data
//! comes before the key because it is long: it is written where it stays before the key has been read, and the
//! header, whose length is not known until then, is set in front of it.

use std::thread::LocalKey;

use crate::pool::{Pool, Pooled, Reused};

/// Largest header: two varints of at most four bytes each (28 bits).
pub(super) const HEADER_BYTES_MAX: usize = 8;

/// One record in the log's form. Only this module makes one, so it is always well formed.
#[derive(Debug, Clone, Copy)]
pub struct EncodedRecord<'a> {
    bytes: &'a [u8],
}

impl<'a> EncodedRecord<'a> {
    /// All of it: header, data and key.
    pub(super) const fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

/// Records one after the other, in the log's form, with a few unused bytes before each.
#[derive(Debug, Clone, Default)]
pub struct RecordBuffer {
    storage: Pooled<Storage>,
    used: usize,
    count: usize,
}

/// The memory of a buffer; used again for another one. As long as it has ever been, since what is written in place must
/// be initialised memory.
#[derive(Debug, Clone, Default)]
struct Storage {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where one record begins, and its parts.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    start: u32,
    data_start: u32,
    key_start: u32,
    end: u32,
}

/// It is larger than a record can be, or the buffer would hold more than can be addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record or the request is too large")]
pub struct TooLarge;

impl RecordBuffer {
    /// An empty buffer, with whatever room its last use has left.
    #[must_use]
    pub fn take() -> Self {
        Self { storage: Pooled::take(), used: 0, count: 0 }
    }

    /// Room for the data of the next record, at least `bytes` long; to be written from its start, then
    /// [finished](Self::finish). What is in it is left from earlier uses.
    #[inline]
    pub fn room(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.used + HEADER_BYTES_MAX;
        if self.storage.bytes.len() < start + bytes {
            self.grow(start + bytes);
        }
        &mut self.storage.bytes[start..]
    }

    /// To at least twice the length, so that growing costs a constant part of what is written.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        let grown = bytes.max(2 * self.storage.bytes.len());
        self.storage.bytes.resize(grown, 0);
    }

    /// Makes a record of the first `data_bytes` bytes of the [room](Self::room) and a key.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing is added then.
    pub fn finish(&mut self, data_bytes: usize, key: &[u8]) -> Result<(), TooLarge> {
        self.room(data_bytes + key.len())[data_bytes..][..key.len()].copy_from_slice(key);
        let mut run = self.run(0, 1);
        run.finish(data_bytes, key.len())?;
        run.end();
        Ok(())
    }

    /// Room for up to so many records; what is made at first is for so many bytes.
    pub fn run(&mut self, bytes: usize, records_max: usize) -> Run<'_> {
        self.room(bytes);
        let Self { storage, used, count } = self;
        let Storage { bytes, entries } = &mut **storage;
        let count_max = *count + records_max;
        if entries.len() < count_max {
            entries.resize(count_max.max(2 * entries.len()), Entry::default());
        }
        let room_end = bytes.len().min(u32::MAX as usize);
        Run {
            start: *used,
            room: &mut bytes[*used..room_end],
            entries: entries[*count..count_max].iter_mut(),
            count_max,
            used,
            count,
        }
    }

    /// Adds a record whose data is at hand.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing is added then.
    pub fn push(&mut self, key: &[u8], data: &[u8]) -> Result<(), TooLarge> {
        self.room(data.len())[..data.len()].copy_from_slice(data);
        self.finish(data.len(), key)
    }

    /// Records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline(always)]
    fn entries(&self) -> &[Entry] {
        &self.storage.entries[..self.count]
    }

    /// Bytes of all keys and data together.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        // Each record takes the room of the largest header, whatever its own.
        self.used - HEADER_BYTES_MAX * self.len()
    }

    /// One record in the log's form.
    ///
    /// # Panics
    /// If there is no such record.
    #[must_use]
    #[inline(always)]
    pub fn record(&self, number: usize) -> EncodedRecord<'_> {
        let entry = &self.entries()[number];
        EncodedRecord { bytes: &self.storage.bytes[entry.start as usize..entry.end as usize] }
    }

    /// Key of one record; nothing if there is no such record.
    #[must_use]
    pub fn key(&self, number: usize) -> &[u8] {
        let key = |entry: &Entry| &self.storage.bytes[entry.key_start as usize..entry.end as usize];
        self.entries().get(number).map_or(&[], key)
    }

    /// What all records and keys stand in.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.storage.bytes
    }

    /// Where each key begins in that, and its length.
    #[inline]
    pub fn keys(&self) -> impl Iterator<Item = (u32, u32)> + Clone {
        self.entries().iter().map(|entry| (entry.key_start, entry.end - entry.key_start))
    }

    /// Data of one record; nothing if there is no such record.
    #[must_use]
    pub fn data(&self, number: usize) -> &[u8] {
        let data = |entry: &Entry| &self.storage.bytes[entry.data_start as usize..entry.key_start as usize];
        self.entries().get(number).map_or(&[], data)
    }

    /// Bytes of key and data of one record, the header not counted.
    #[must_use]
    pub fn payload_bytes(&self, number: usize) -> usize {
        self.entries().get(number).map_or(0, |entry| (entry.end - entry.data_start) as usize)
    }
}

thread_local! {
    static STORAGES: Pool<Storage> = const { Pool::new() };
}

impl Reused for Storage {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &STORAGES
    }

    fn kept_bytes(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn renew(&mut self) {}
}

/// Records that are written one after the other into room that was made for all of them. The buffer has them when the
/// run was [ended](Self::end).
#[must_use = "without its end it adds nothing"]
pub struct Run<'b> {
    /// Where the room begins in the buffer; it ends below 2^32.
    start: usize,
    room: &'b mut [u8],
    /// Of the records that may still be added.
    entries: std::slice::IterMut<'b, Entry>,
    /// How many records the buffer has when there are no more entries.
    count_max: usize,
    used: &'b mut usize,
    count: &'b mut usize,
}

impl Run<'_> {
    /// Records that the buffer will have.
    #[inline(always)]
    pub fn records_count(&self) -> usize {
        self.count_max - self.entries.len()
    }

    /// Room for the data of the next record, then its key. `None` if it is less than that, or if there is none for
    /// another record.
    #[inline(always)]
    pub fn room(&mut self, bytes: usize) -> Option<&mut [u8]> {
        if self.entries.len() == 0 { None } else { self.room.get_mut(HEADER_BYTES_MAX..)?.get_mut(..bytes) }
    }

    /// Makes a record of the first `data_bytes` bytes of the [room](Self::room) and a key of `key_bytes` behind them.
    ///
    /// # Errors
    /// [`TooLarge`], also where the room is less; nothing is added then.
    #[inline(always)]
    pub fn finish(&mut self, data_bytes: usize, key_bytes: usize) -> Result<(), TooLarge> {
        let (header, header_bytes) = header(key_bytes, data_bytes).ok_or(TooLarge)?;
        let data_start = self.start + HEADER_BYTES_MAX;
        let key_start = data_start + data_bytes;
        let end = key_start + key_bytes;
        if end - self.start > self.room.len() {
            return Err(TooLarge);
        }
        let entry = self.entries.next().ok_or(TooLarge)?;
        #[allow(clippy::cast_possible_truncation, reason = "the room does not go beyond that")]
        let made = Entry {
            start: (data_start - header_bytes) as u32,
            data_start: data_start as u32,
            key_start: key_start as u32,
            end: end as u32,
        };
        *entry = made;
        let (record, room) = std::mem::take(&mut self.room).split_at_mut(end - self.start);
        if let Some(place) = record.first_chunk_mut() {
            *place = header.to_le_bytes();
        }
        (self.room, self.start) = (room, end);
        Ok(())
    }

    /// Adds the records to the buffer.
    #[inline(always)]
    pub fn end(self) {
        (*self.used, *self.count) = (self.start, self.records_count());
    }
}

/// The header of a record as a little-endian number, and how many of its bytes count: the last ones. `None` if a length
/// does not fit.
#[inline(always)]
pub(super) fn header(key_bytes: usize, data_bytes: usize) -> Option<(u64, usize)> {
    let (key, data) = (key_bytes as u64, data_bytes as u64);
    match (key, data) {
        // Nearly all.
        (0..0x80, 0..0x80) => Some((key << 48 | data << 56, 2)),
        (0..0x80, 0x80..0x4000) => Some((key << 40 | (data & 0x7f | 0x80) << 48 | data >> 7 << 56, 3)),
        _ => any_header(key, data),
    }
}

#[inline(never)]
fn any_header(key_bytes: u64, data_bytes: u64) -> Option<(u64, usize)> {
    const LENGTH_MAX: u64 = (1 << 28) - 1;
    if key_bytes > LENGTH_MAX || data_bytes > LENGTH_MAX {
        return None;
    }
    let (key, key_varint_bytes) = varint(key_bytes);
    let (data, data_varint_bytes) = varint(data_bytes);
    let (header, bytes) = (key | data << (8 * key_varint_bytes), key_varint_bytes + data_varint_bytes);
    Some((header << (8 * (HEADER_BYTES_MAX - bytes)), bytes))
}

/// Reads a header: key bytes, data bytes, and the header's own length.
pub(super) fn read_header(bytes: &[u8]) -> (usize, usize, usize) {
    let (key_bytes, after_key) = read_varint(bytes, 0);
    let (data_bytes, after_data) = read_varint(bytes, after_key);
    (key_bytes, data_bytes, after_data)
}

/// A number below 2^28, and how many bytes it takes.
#[inline]
const fn varint(value: u64) -> (u64, usize) {
    let [first, second, third, fourth] = [value & 0x7f, value >> 7 & 0x7f, value >> 14 & 0x7f, value >> 21];
    match value {
        0..0x80 => (first, 1),
        0x80..0x4000 => (first | 0x80 | second << 8, 2),
        0x4000..0x20_0000 => (first | 0x80 | (second | 0x80) << 8 | third << 16, 3),
        _ => (first | 0x80 | (second | 0x80) << 8 | (third | 0x80) << 16 | fourth << 24, 4),
    }
}

fn read_varint(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[at];
        value |= usize::from(byte & 0x7f) << shift;
        at += 1;
        if byte < 0x80 {
            return (value, at);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: headers of every size come back, and lengths that do not fit are refused.
    #[test]
    fn headers_round_trip() {
        for (key, data) in [(0, 0), (1, 127), (127, 128), (1024, 10 << 20), ((1 << 28) - 1, (1 << 28) - 1)] {
            let (bytes, used) = header(key, data).unwrap();
            assert_eq!(read_header(&bytes.to_le_bytes()[HEADER_BYTES_MAX - used..]), (key, data, used));
        }
        assert_eq!(header(1 << 28, 0), None);
    }

    /// Protects: records stand in the log's form, whatever was written into the room before; and a buffer that was
    /// used before starts empty.
    #[test]
    fn records_stand_in_the_logs_form() {
        for _ in 0..2 {
            let mut buffer = RecordBuffer::take();
            assert!(buffer.is_empty());
            buffer.room(100).fill(0xee);
            buffer.push(b"k", b"data").unwrap();
            buffer.push(b"", b"").unwrap();
            buffer.push(&[b'k'; 200], &[7; 20_000]).unwrap();
            assert_eq!(buffer.record(0).bytes(), b"\x01\x04datak");
            assert_eq!(buffer.record(1).bytes(), [0, 0]);
            assert_eq!(&buffer.record(2).bytes()[..6], [200, 1, 0xa0, 0x9c, 1, 7]);
            assert_eq!((buffer.len(), buffer.key(0), buffer.data(0)), (3, &b"k"[..], &b"data"[..]));
            assert_eq!((buffer.key(2), buffer.data(2)), (&[b'k'; 200][..], &[7; 20_000][..]));
            assert_eq!([0, 1, 2, 3].map(|number| buffer.payload_bytes(number)), [5, 0, 20_200, 0]);
            assert_eq!(buffer.total_bytes(), 20_205);
        }
    }

    /// Protects: a record that cannot be is refused and leaves no trace.
    #[test]
    fn a_record_that_is_too_large_is_refused() {
        let mut buffer = RecordBuffer::take();
        assert_eq!(buffer.run(0, 1).finish(1 << 28, 1), Err(TooLarge));
        let room_bytes = buffer.room(10).len();
        assert_eq!(buffer.run(0, 1).finish(room_bytes, 1), Err(TooLarge));
        assert!(buffer.is_empty());
    }
}
