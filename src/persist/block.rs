//! A file as a row of blocks, each with checksums over what it holds and over where it stands.
//!
//! ```text
//! file  = "shardmill\r\n\x1a" | version (u32) | block ...
//! block = payload bytes (u32) | kind (u32) | CRC-32 of the payload | CRC-32 of offset (u64) and the 12 bytes before | payload
//! ```
//! All numbers are little-endian. A byte that was changed, anywhere, is found where it stands: CRC-32 finds every change
//! within 32 bits for certain, and a length that was changed is found before it is believed. A block that was moved is
//! found by its offset, and a file that ends early by its last block, which is of a kind of its own.

use std::io::{self, Read, Write};

use super::error::PersistError;

/// What a file begins with: like PNG, it notices a transfer that changes line ends.
const MAGIC: [u8; 12] = *b"shardmill\r\n\x1a";

/// The version of the format.
pub const VERSION: u32 = 1;

const HEADER_BYTES: usize = 16;

/// Bytes of a payload, at most: a stream with a million shards. No more is held at once.
const PAYLOAD_BYTES_MAX: u32 = 256 << 20;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is about no stream; the first block.
    Head,
    /// A stream and its shards. Those of its records follow.
    Stream,
    /// Records of one shard.
    Records,
    /// How much there was; the last block.
    End,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Head, Self::Stream, Self::Records, Self::End];

    const fn number(self) -> u32 {
        self as u32 + 1
    }
}

/// Writes blocks.
pub struct BlockWriter<W> {
    out: W,
    offset: u64,
}

impl<W: Write> BlockWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// The system's refusal, as of the other functions.
    pub fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { out, offset: (MAGIC.len() + 4) as u64 })
    }

    /// Writes a block.
    ///
    /// # Errors
    /// The system's refusal; or the payload is larger than any that is read.
    pub fn write(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).ok().filter(|length| *length <= PAYLOAD_BYTES_MAX);
        let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
        let mut header = [0; HEADER_BYTES];
        let fields = [length, kind.number(), crc32fast::hash(payload)];
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let checksum = header_checksum(self.offset, &header);
        header[HEADER_BYTES - 4..].copy_from_slice(&checksum.to_le_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(payload)?;
        self.offset += (HEADER_BYTES + payload.len()) as u64;
        Ok(())
    }

    /// Bytes written.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

fn header_checksum(offset: u64, header: &[u8; HEADER_BYTES]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(&header[..HEADER_BYTES - 4]);
    hasher.finalize()
}

/// Reads blocks.
pub struct BlockReader<R> {
    input: R,
    offset: u64,
    /// Where the block that was read last begins.
    begins_at: u64,
}

impl<R: Read> BlockReader<R> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// It is none of ours, or of another version.
    pub fn open(mut input: R) -> Result<Self, PersistError> {
        let mut magic = [0; MAGIC.len()];
        let read = read_full(&mut input, &mut magic)?;
        if let Some(place) = (0..MAGIC.len()).find(|place| *place >= read || magic[*place] != MAGIC[*place]) {
            return Err(PersistError::damaged(place as u64, "this is no shardmill snapshot"));
        }
        let mut version = [0; 4];
        if read_full(&mut input, &mut version)? < version.len() {
            return Err(PersistError::damaged(MAGIC.len() as u64, "the file ends here"));
        }
        let version = u32::from_le_bytes(version);
        if version != VERSION {
            return Err(PersistError::Version { offset: MAGIC.len() as u64, version, known: VERSION });
        }
        let offset = (MAGIC.len() + 4) as u64;
        Ok(Self { input, offset, begins_at: offset })
    }

    /// Reads the next block into `payload`.
    ///
    /// # Errors
    /// It is not as it was written.
    pub fn next(&mut self, payload: &mut Vec<u8>) -> Result<Kind, PersistError> {
        self.begins_at = self.offset;
        let mut header = [0; HEADER_BYTES];
        let read = read_full(&mut self.input, &mut header)?;
        if read < HEADER_BYTES {
            return Err(PersistError::damaged(
                self.offset + read as u64,
                "the file ends here, in the middle",
            ));
        }
        let [length, number, payload_checksum, checksum] = fields(&header);
        if checksum != header_checksum(self.offset, &header) {
            return Err(PersistError::damaged(self.offset, "the head of a block is not what was written"));
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.number() == number);
        let kind = kind.ok_or_else(|| PersistError::damaged(self.offset + 4, "an unknown kind of block"))?;
        if length > PAYLOAD_BYTES_MAX {
            return Err(PersistError::damaged(self.offset, "a block larger than any"));
        }
        payload.clear();
        let at = self.offset + HEADER_BYTES as u64;
        self.input.by_ref().take(length.into()).read_to_end(payload)?;
        if payload.len() < length as usize {
            return Err(PersistError::damaged(
                at + payload.len() as u64,
                "the file ends here, in the middle",
            ));
        }
        if payload_checksum != crc32fast::hash(payload) {
            let what = format!("the {length} bytes from here on are not what was written");
            return Err(PersistError::damaged(at, what));
        }
        self.offset = at + u64::from(length);
        Ok(kind)
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// Something does.
    pub fn end(mut self) -> Result<(), PersistError> {
        if read_full(&mut self.input, &mut [0])? == 0 {
            return Ok(());
        }
        Err(PersistError::damaged(self.offset, "more follows after the end"))
    }

    /// Where the block that was read last begins.
    #[must_use]
    pub const fn begins_at(&self) -> u64 {
        self.begins_at
    }

    /// Bytes read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

fn fields(header: &[u8; HEADER_BYTES]) -> [u32; 4] {
    let (fields, _) = header.as_chunks::<4>();
    let mut numbers = [0; 4];
    for (number, field) in numbers.iter_mut().zip(fields) {
        *number = u32::from_le_bytes(*field);
    }
    numbers
}

/// As much as there is, up to the whole.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match input.read(&mut buffer[read..]) {
            Ok(0) => break,
            Ok(bytes) => read += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
