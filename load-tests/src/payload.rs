//! What each record contains, as a function of (seed, producer, number): the producers write it, the auditor
//! predicts it, and neither has to remember it.
//!
//! Data: an 18-byte head (record id, a check of id and seed, a mark), then filler that is a window of a seeded pool.
//! Head and window start at multiples of three bytes, so the base64 text of a record is the text of its parts: to
//! write a record is to copy text, to check one is to compare text. The partition key is 20 hexadecimal digits.

use std::fmt;
use std::num::NonZeroU64;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::wire::base64;

/// Bytes of a record's head, and so the smallest record.
pub const RECORD_BYTES_MIN: usize = HEAD_GROUPS * 3;
/// Characters of every partition key.
pub const KEY_CHARS: usize = 20;

const HEAD_GROUPS: usize = 6;
const HEAD_CHARS: usize = HEAD_GROUPS * 4;
const MARK: [u8; 2] = *b"sm";
/// Number of different windows; a power of two.
const WINDOWS: usize = 1 << 14;
const NUMBER_BITS: u32 = 48;

/// Which record: its producer and that producer's own count, packed so that a list of them stays small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u64);

impl RecordId {
    /// `number` counts from 0 per producer and stays below 2^48.
    pub fn new(producer: u16, number: u64) -> Self {
        debug_assert!(number < 1 << NUMBER_BITS, "a producer's numbers must not run into its neighbour's");
        Self((u64::from(producer) << NUMBER_BITS) | number)
    }

    /// The producer that wrote it.
    pub fn producer(self) -> usize {
        usize::from((self.0 >> NUMBER_BITS) as u16)
    }

    /// Its number within the producer.
    pub fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of producer {}", self.number(), self.producer())
    }
}

/// How a record that was read differs from every record that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Altered {
    /// The head is damaged: no telling which record this was.
    Head,
    /// The data's length differs.
    Length(RecordId),
    /// The filler differs.
    Filler(RecordId),
    /// The partition key is not this record's.
    Key(RecordId),
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => write!(f, "a record whose first {RECORD_BYTES_MIN} bytes nobody wrote"),
            Self::Length(id) => write!(f, "{id}: data of another length"),
            Self::Filler(id) => write!(f, "{id}: other data"),
            Self::Key(id) => write!(f, "{id}: another partition key"),
        }
    }
}

/// Writes and checks the records of one run.
#[derive(Debug)]
pub struct Payloads {
    seed: u64,
    /// Base64 text of the pool; window `w` starts at character `4 * w`.
    pool: Vec<u8>,
    /// The last, incomplete group of each window with its padding; empty when the filler is a multiple of three.
    tails: Vec<[u8; 4]>,
    filler_chars: usize,
    /// Partition keys of each producer, used in turn; without a number, every record has its own.
    keys: Option<NonZeroU64>,
}

impl Payloads {
    /// Records of `record_bytes` (at least [`RECORD_BYTES_MIN`]; less is raised to it).
    pub fn new(seed: u64, record_bytes: usize) -> Self {
        let filler = record_bytes.max(RECORD_BYTES_MIN) - RECORD_BYTES_MIN;
        let (whole, rest) = (filler / 3 * 3, filler % 3);
        let mut bytes = vec![0; WINDOWS * 3 + filler];
        Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut bytes);
        let mut pool = Vec::with_capacity(bytes.len() / 3 * 4 + 4);
        base64::encode(&bytes, &mut pool);
        let windows_with_tail = if rest == 0 { 0 } else { WINDOWS };
        let tails = bytes[whole..]
            .chunks(3)
            .take(windows_with_tail)
            .map(|group| {
                let mut text = Vec::with_capacity(4);
                base64::encode(&group[..rest], &mut text);
                text.first_chunk().copied().unwrap_or_default()
            })
            .collect();
        Self { seed, pool, tails, filler_chars: whole / 3 * 4, keys: None }
    }

    /// The same, but each producer has only so many partition keys, which its records use in turn.
    #[must_use]
    pub fn with_keys(self, keys: NonZeroU64) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Characters of a record's data in base64.
    pub fn data_chars(&self) -> usize {
        HEAD_CHARS + self.filler_chars + if self.tails.is_empty() { 0 } else { 4 }
    }

    /// Appends the base64 text of a record's data.
    pub fn write_data(&self, id: RecordId, out: &mut Vec<u8>) {
        let check = self.check_of(id);
        let mut head = [0; RECORD_BYTES_MIN];
        head[..8].copy_from_slice(&id.0.to_be_bytes());
        head[8..16].copy_from_slice(&check.to_be_bytes());
        head[16..].copy_from_slice(&MARK);
        base64::encode(&head, out);
        let window = window_of(check);
        out.extend_from_slice(&self.pool[window * 4..][..self.filler_chars]);
        if let Some(tail) = self.tails.get(window) {
            out.extend_from_slice(tail);
        }
    }

    /// The partition key of a record.
    pub fn key(&self, id: RecordId) -> [u8; KEY_CHARS] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let owner = self.keys.map_or(id, |keys| RecordId(id.0 - id.number() + id.number() % keys));
        let check = self.check_of(owner);
        let bytes = mix(check).to_le_bytes().into_iter().chain(check.to_le_bytes());
        let mut key = [0; KEY_CHARS];
        for (pair, byte) in key.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        key
    }

    /// Tells which record this is, given its key and the base64 text of its data.
    ///
    /// # Errors
    /// How it differs from what was written.
    pub fn identify(&self, key: &[u8], data: &[u8]) -> Result<RecordId, Altered> {
        let (quads, _) = data.as_chunks::<4>();
        let head = quads.first_chunk::<HEAD_GROUPS>().and_then(base64::decode_groups).ok_or(Altered::Head)?;
        let head = head.as_flattened();
        let (id, rest) = head.split_first_chunk::<8>().ok_or(Altered::Head)?;
        let id = RecordId(u64::from_be_bytes(*id));
        let check = self.check_of(id);
        if rest.strip_prefix(&check.to_be_bytes()) != Some(&MARK) {
            return Err(Altered::Head);
        }
        if data.len() != self.data_chars() {
            return Err(Altered::Length(id));
        }
        let window = window_of(check);
        let (filler, tail) = data[HEAD_CHARS..].split_at(self.filler_chars);
        if filler != &self.pool[window * 4..][..self.filler_chars]
            || self.tails.get(window).is_some_and(|expected| tail != expected)
        {
            return Err(Altered::Filler(id));
        }
        if key == self.key(id) { Ok(id) } else { Err(Altered::Key(id)) }
    }

    fn check_of(&self, id: RecordId) -> u64 {
        mix(self.seed ^ mix(id.0))
    }
}

fn window_of(check: u64) -> usize {
    usize::from((check >> 48) as u16) % WINDOWS
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(payloads: &Payloads, id: RecordId) -> Vec<u8> {
        let mut text = Vec::new();
        payloads.write_data(id, &mut text);
        text
    }

    /// Every length modulo three, the smallest record, and one longer than the pool's windows.
    #[test]
    fn a_written_record_is_recognised() {
        for record_bytes in [18, 19, 20, 21, 100, 101, 102, 1024, 200_000] {
            let payloads = Payloads::new(7, record_bytes);
            for number in 0..300 {
                let id = RecordId::new(3, number);
                let text = data(&payloads, id);
                assert_eq!(text.len(), payloads.data_chars());
                assert_eq!(text.len(), record_bytes.div_ceil(3) * 4);
                assert_eq!(payloads.identify(&payloads.key(id), &text), Ok(id));
            }
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let payloads = Payloads::new(7, 100);
        let id = RecordId::new(1, 42);
        let (key, text) = (payloads.key(id), data(&payloads, id));
        for place in 0..text.len() {
            let mut other = text.clone();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            assert!(payloads.identify(&key, &other).is_err(), "character {place}");
        }
        assert_eq!(payloads.identify(&key, &text[..text.len() - 4]), Err(Altered::Length(id)));
        assert_eq!(payloads.identify(&key, b"QUJD"), Err(Altered::Head));
        let neighbour = payloads.key(RecordId::new(1, 43));
        assert_eq!(payloads.identify(&neighbour, &text), Err(Altered::Key(id)));
    }

    /// A record of another run (another seed) is nobody's record here.
    #[test]
    fn seeds_do_not_mix() {
        let (ours, theirs) = (Payloads::new(1, 100), Payloads::new(2, 100));
        let id = RecordId::new(0, 0);
        assert_eq!(ours.identify(&theirs.key(id), &data(&theirs, id)), Err(Altered::Head));
    }

    /// With few keys each producer's take turns, no two producers share one, and a wrong turn is noticed.
    #[test]
    fn keys_take_turns() {
        let payloads = Payloads::new(9, 100).with_keys(NonZeroU64::new(3).unwrap());
        let key = |producer, number| payloads.key(RecordId::new(producer, number));
        assert_eq!(key(1, 0), key(1, 3));
        assert_ne!(key(1, 0), key(1, 1));
        assert_ne!(key(1, 0), key(2, 0));
        let text = data(&payloads, RecordId::new(1, 4));
        assert_eq!(payloads.identify(&key(1, 1), &text), Ok(RecordId::new(1, 4)));
        assert_eq!(payloads.identify(&key(1, 2), &text), Err(Altered::Key(RecordId::new(1, 4))));
    }

    #[test]
    fn keys_are_printable_and_spread() {
        let payloads = Payloads::new(9, 100);
        let mut keys: Vec<_> = (0..2000).map(|number| payloads.key(RecordId::new(0, number))).collect();
        assert!(keys.iter().flatten().all(u8::is_ascii_alphanumeric));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2000);
    }
}
