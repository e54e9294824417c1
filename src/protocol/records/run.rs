//! A run of records of one layout, in vectors.
//!
//! Gains: three quarters of the instructions of [`Layout::read`] at 100 B. All of a run is one loop, compiled for
//! this CPU, so that tables stay in registers; a literal is one comparison, a key of up to 31 bytes one look. Steps
//! aside at the first record that differs, or stands within the last bytes of its frame; and as a whole where there
//! is no AVX2.
//!
//! What is `unsafe` is the call of functions compiled for a CPU that was asked for first, and the loads of whole
//! vectors, whose bounds are those of the arrays they are given.

use crate::protocol::base64::decode::{Decoder, Kind};
use crate::shard::batch::Records;

use super::layout::Layout;
use super::scan::Scan;

/// Reads records of this layout until one differs, at most so many; `scan` then stands at the end of the last.
#[allow(unsafe_code)]
pub(super) fn read(
    layout: &Layout,
    scan: &mut Scan<'_>,
    decoder: Decoder,
    records: &mut Records,
    records_max: usize,
) {
    match decoder.kind() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: asks only for what `Kind::Avx512` is proof of.
        Kind::Avx512 => unsafe { x86::read_avx512(layout, scan, records, records_max) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: asks only for what `Kind::Avx2` is proof of.
        Kind::Avx2 => unsafe { x86::read_avx2(layout, scan, records, records_max) },
        Kind::Plain => {}
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use crate::limits::{PARTITION_KEY_CHARS_MAX, RECORD_BYTES_MAX};
    use crate::names::{HashKey, PartitionKey};
    use crate::protocol::base64::decode::x86::{Avx2, Avx512, run};
    use crate::protocol::base64::decode::{Decoded, SLACK_BYTES};
    use crate::protocol::records::layout::{Layout, Literal};
    use crate::protocol::records::scan::{Member, Scan};
    use crate::protocol::records::string;
    use crate::shard::batch::Records;

    /// Bytes of a vector.
    const WIDTH: usize = 32;

    #[target_feature(enable = "avx2")]
    pub(super) fn read_avx2(layout: &Layout, scan: &mut Scan<'_>, records: &mut Records, records_max: usize) {
        let tables = Avx2::new();
        read(
            layout,
            scan,
            records,
            records_max,
            &Vectors {
                decode: |text: &[u8], out: &mut [u8]| {
                    run(text, out, |chars, place| tables.block(chars, place))
                },
                differs: |text: &[u8; WIDTH], literal: &Literal| differs(text, literal),
                ends: |text: &[u8; WIDTH]| ends(text),
            },
        );
    }

    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi")]
    pub(super) fn read_avx512(
        layout: &Layout,
        scan: &mut Scan<'_>,
        records: &mut Records,
        records_max: usize,
    ) {
        let tables = Avx512::new();
        read(
            layout,
            scan,
            records,
            records_max,
            &Vectors {
                decode: |text: &[u8], out: &mut [u8]| {
                    run(text, out, |chars, place| tables.block(chars, place))
                },
                differs: |text: &[u8; WIDTH], literal: &Literal| differs(text, literal),
                ends: |text: &[u8; WIDTH]| ends(text),
            },
        );
    }

    /// What is done in vectors. Closures, since they are compiled for the CPU of the function around them.
    struct Vectors<Decode, Differs, Ends> {
        decode: Decode,
        differs: Differs,
        ends: Ends,
    }

    #[inline(always)]
    fn read(
        layout: &Layout,
        scan: &mut Scan<'_>,
        records: &mut Records,
        records_max: usize,
        vectors: &Vectors<
            impl Fn(&[u8], &mut [u8]) -> Option<Decoded>,
            impl Fn(&[u8; WIDTH], &Literal) -> bool,
            impl Fn(&[u8; WIDTH]) -> u32,
        >,
    ) {
        let Some(((first_before, _), _)) = layout.values().split_first() else { return };
        // Once for all: no record takes more room than its text.
        records.room(scan.body.len() - scan.at + SLACK_BYTES);
        let body = scan.body;
        let Some(text) = body.get(scan.at..) else { return };
        let Some(mut text) = after(text, first_before, vectors) else { return };
        while records.len() < records_max {
            let Some((rest, record)) = read_values(layout, text, records, vectors) else { return };
            // The end of this record and the beginning of the next are one comparison, but for the last.
            let next = after(rest, &layout.joint, vectors);
            let Some(end) = next.or_else(|| after(rest, &layout.close, vectors)) else { return };
            if record.add(records).is_none() {
                return;
            }
            scan.at = body.len() - rest.len() + layout.close.len;
            if next.is_none() {
                return;
            }
            text = end;
        }
    }

    /// The values of a record that have been read. Data is already where it will stay.
    struct Values<'t> {
        data_bytes: usize,
        key: Key<'t>,
        hash_key: Option<HashKey>,
    }

    enum Key<'t> {
        /// Plain ASCII, and the block that it begins, with what follows it.
        Plain(&'t [u8], &'t [u8; WIDTH]),
        /// Any other, and what follows it.
        Any(&'t [u8]),
    }

    /// Reads the values of a record from the first one on; gives what stands after the last.
    #[inline(always)]
    fn read_values<'t>(
        layout: &Layout,
        mut text: &'t [u8],
        records: &mut Records,
        vectors: &Vectors<
            impl Fn(&[u8], &mut [u8]) -> Option<Decoded>,
            impl Fn(&[u8; WIDTH], &Literal) -> bool,
            impl Fn(&[u8; WIDTH]) -> u32,
        >,
    ) -> Option<(&'t [u8], Values<'t>)> {
        let (mut data_bytes, mut key, mut hash_key) = (0, None, None);
        for (number, (before, member)) in layout.values().iter().enumerate() {
            if number > 0 {
                text = after(text, before, vectors)?;
            }
            let chars = match member {
                Member::Data => {
                    let decoded = (vectors.decode)(text, records.room(0))?;
                    data_bytes = decoded.bytes;
                    decoded.chars
                }
                Member::PartitionKey => {
                    let block: &[u8; WIDTH] = text.first_chunk()?;
                    let chars = plain_chars(text, block, &vectors.ends)?;
                    if *text.get(chars)? == b'"' {
                        key = Some(Key::Plain(&text[..chars], block));
                        chars
                    } else {
                        key = Some(Key::Any(text));
                        string::end(text)?
                    }
                }
                Member::ExplicitHashKey => {
                    let chars = plain_chars(text, text.first_chunk()?, &vectors.ends)?;
                    hash_key = Some(HashKey::parse_digits(text.get(..chars)?).ok()?);
                    chars
                }
            };
            text = text.get(chars..)?;
        }
        Some((text, Values { data_bytes, key: key?, hash_key }))
    }

    impl Values<'_> {
        /// Adds the record, if it is within its constraints.
        #[inline(always)]
        fn add(&self, records: &mut Records) -> Option<()> {
            if self.data_bytes > RECORD_BYTES_MAX {
                return None;
            }
            let room = records.room(0).get_mut(self.data_bytes..)?;
            let key_bytes = match &self.key {
                // As many characters as bytes.
                Key::Plain(key, _) if !(1..=PARTITION_KEY_CHARS_MAX).contains(&key.len()) => return None,
                Key::Plain(key, block) if key.len() <= WIDTH => {
                    // What follows the key is written over by the next record.
                    *room.first_chunk_mut()? = **block;
                    key.len()
                }
                Key::Plain(key, _) => {
                    room.get_mut(..key.len())?.copy_from_slice(key);
                    key.len()
                }
                Key::Any(text) => write_any(text, room)?,
            };
            records.finish_in_place(self.data_bytes, key_bytes, self.hash_key).ok()
        }
    }

    /// Writes a key that is not plain, if it is one; gives its length in bytes.
    #[cold]
    fn write_any(text: &[u8], room: &mut [u8]) -> Option<usize> {
        let bytes = string::write(text, room)?;
        let chars = PartitionKey::of_utf8(&room[..bytes]).chars_count();
        (1..=PARTITION_KEY_CHARS_MAX).contains(&chars).then_some(bytes)
    }

    /// What comes after a literal, if that is next.
    #[inline(always)]
    fn after<'t>(
        text: &'t [u8],
        literal: &Literal,
        vectors: &Vectors<
            impl Fn(&[u8], &mut [u8]) -> Option<Decoded>,
            impl Fn(&[u8; WIDTH], &Literal) -> bool,
            impl Fn(&[u8; WIDTH]) -> u32,
        >,
    ) -> Option<&'t [u8]> {
        if (vectors.differs)(text.first_chunk()?, literal) {
            return None;
        }
        text.get(literal.len..)
    }

    /// How many plain characters there are; `block` is where they begin.
    #[inline(always)]
    fn plain_chars(text: &[u8], block: &[u8; WIDTH], ends: &impl Fn(&[u8; WIDTH]) -> u32) -> Option<usize> {
        let (mut at, mut found) = (0, ends(block));
        while found == 0 {
            at += WIDTH;
            found = ends(text.get(at..)?.first_chunk()?);
        }
        Some(at + found.trailing_zeros() as usize)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn differs(text: &[u8; WIDTH], literal: &Literal) -> bool {
        // SAFETY: 32 bytes each are read, and each array has 32; no alignment is asked for.
        let load = |bytes: &[u8; WIDTH]| unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let same = _mm256_cmpeq_epi8(load(text), load(&literal.bytes));
        _mm256_movemask_epi8(_mm256_or_si256(same, load(&literal.after))) != -1
    }

    /// A bit for each byte that is not plain: not ASCII, a control character, a quote or a backslash.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn ends(text: &[u8; WIDTH]) -> u32 {
        // SAFETY: 32 bytes are read, and the array has 32; no alignment is asked for.
        let text = unsafe { _mm256_loadu_si256(text.as_ptr().cast()) };
        let is = |byte: u8| _mm256_cmpeq_epi8(text, _mm256_set1_epi8(byte.cast_signed()));
        // As signed numbers, bytes from 0x80 up are below the blank too.
        let is_below_blank = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), text);
        let ends = _mm256_or_si256(_mm256_or_si256(is(b'"'), is(b'\\')), is_below_blank);
        _mm256_movemask_epi8(ends).cast_unsigned()
    }
}
