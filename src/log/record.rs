//! A record as it lies in the log, `[key bytes, varint][data bytes, varint][key][data]`, and buffers of such records.
//!
//! Requests are decoded straight into this form ([`RecordBuffer`]), so that appending a record is one copy.

/// Largest header: two varints of at most four bytes each (28 bits).
pub(super) const HEADER_BYTES_MAX: usize = 8;

/// One record in the log's form. Only this module makes one, so it is always well formed.
#[derive(Debug, Clone, Copy)]
pub struct EncodedRecord<'a> {
    bytes: &'a [u8],
}

impl<'a> EncodedRecord<'a> {
    /// All of it: header, key and data.
    pub(super) const fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

/// Records one after the other, in the log's form.
#[derive(Debug, Clone, Default)]
pub struct RecordBuffer {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where one record begins, and its parts.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    key_start: u32,
    data_start: u32,
    end: u32,
}

/// Why a record was not added.
#[derive(Debug, thiserror::Error)]
pub enum PushError<E> {
    /// Its data could not be written.
    #[error("the record's data cannot be decoded")]
    Data(E),
    /// It is larger than a record can be, or the buffer would hold more than can be addressed.
    #[error("the record or the request is too large")]
    TooLarge,
    /// Its data turned out to have another length than was announced.
    #[error("the record's data has another length than announced")]
    Length,
}

impl RecordBuffer {
    /// An empty buffer with room for this many records and bytes.
    #[must_use]
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), entries: Vec::with_capacity(records) }
    }

    /// Adds a record of `data_bytes` bytes of data, which `append_data` appends to the buffer it is given, so that
    /// decoding writes in place. If anything fails, nothing is added.
    ///
    /// # Errors
    /// [`PushError`].
    pub fn push_with<E>(
        &mut self,
        key: &[u8],
        data_bytes: usize,
        append_data: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), PushError<E>> {
        let start = self.bytes.len();
        let added = self.add(key, data_bytes, append_data);
        if added.is_err() {
            self.bytes.truncate(start);
        }
        added
    }

    fn add<E>(
        &mut self,
        key: &[u8],
        data_bytes: usize,
        append_data: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), PushError<E>> {
        let (header, header_bytes) = header(key.len(), data_bytes).ok_or(PushError::TooLarge)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&header[..header_bytes]);
        self.bytes.extend_from_slice(key);
        let data_start = self.bytes.len();
        append_data(&mut self.bytes).map_err(PushError::Data)?;
        if self.bytes.len() - data_start != data_bytes {
            return Err(PushError::Length);
        }
        let place = |at: usize| u32::try_from(at).map_err(|_| PushError::TooLarge);
        let end = place(self.bytes.len())?;
        let (start, key_start) = (place(start)?, place(start + header_bytes)?);
        self.entries.push(Entry { start, key_start, data_start: place(data_start)?, end });
        Ok(())
    }

    /// Records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One record in the log's form.
    #[must_use]
    pub fn record(&self, number: usize) -> Option<EncodedRecord<'_>> {
        let entry = self.entries.get(number)?;
        Some(EncodedRecord { bytes: &self.bytes[entry.start as usize..entry.end as usize] })
    }

    /// Key of one record; nothing if there is no such record.
    #[must_use]
    pub fn key(&self, number: usize) -> &[u8] {
        let key = |entry: &Entry| &self.bytes[entry.key_start as usize..entry.data_start as usize];
        self.entries.get(number).map_or(&[], key)
    }

    /// Data of one record; nothing if there is no such record.
    #[must_use]
    pub fn data(&self, number: usize) -> &[u8] {
        let data = |entry: &Entry| &self.bytes[entry.data_start as usize..entry.end as usize];
        self.entries.get(number).map_or(&[], data)
    }

    /// Bytes of key and data of one record, the header not counted.
    #[must_use]
    pub fn payload_bytes(&self, number: usize) -> usize {
        self.entries.get(number).map_or(0, |entry| (entry.end - entry.key_start) as usize)
    }
}

/// The header of a record, and how much of it counts. `None` if a length does not fit.
pub(super) fn header(key_bytes: usize, data_bytes: usize) -> Option<([u8; HEADER_BYTES_MAX], usize)> {
    const LENGTH_MAX: usize = (1 << 28) - 1;
    if key_bytes > LENGTH_MAX || data_bytes > LENGTH_MAX {
        return None;
    }
    let mut header = [0; HEADER_BYTES_MAX];
    let after_key = write_varint(&mut header, 0, key_bytes);
    let bytes = write_varint(&mut header, after_key, data_bytes);
    Some((header, bytes))
}

/// Reads a header: key bytes, data bytes, and the header's own length.
pub(super) fn read_header(bytes: &[u8]) -> (usize, usize, usize) {
    let (key_bytes, after_key) = read_varint(bytes, 0);
    let (data_bytes, after_data) = read_varint(bytes, after_key);
    (key_bytes, data_bytes, after_data)
}

#[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn write_varint(out: &mut [u8; HEADER_BYTES_MAX], mut at: usize, mut value: usize) -> usize {
    while value >= 0x80 {
        out[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8;
    at + 1
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
            assert_eq!(read_header(&bytes[..used]), (key, data, used));
        }
        assert_eq!(header(1 << 28, 0), None);
    }

    /// Protects: what fails to be added leaves no trace, and a wrong length is noticed.
    #[test]
    fn a_failed_push_leaves_no_trace() {
        let mut buffer = RecordBuffer::default();
        let good = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(b"data");
            Ok::<_, ()>(())
        };
        assert!(buffer.push_with(b"k", 4, good).is_ok());
        assert!(matches!(buffer.push_with(b"k", 5, good), Err(PushError::Length)));
        assert!(matches!(buffer.push_with(b"k", 4, |_| Err("no")), Err(PushError::Data("no"))));
        assert!(buffer.push_with(b"key", 4, good).is_ok());
        assert_eq!((buffer.len(), buffer.key(1), buffer.data(1)), (2, &b"key"[..], &b"data"[..]));
        assert_eq!(buffer.record(0).unwrap().bytes(), b"\x01\x04kdata");
        assert_eq!(buffer.payload_bytes(1), 7);
    }
}
