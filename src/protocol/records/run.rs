//! A run of records of one layout, in vectors.
//!
//! Gains: under half of the instructions of [`Layout::read`] at 100 B. All of a run is one loop, compiled for this
//! CPU, so that tables stay in registers; it walks the text by address. Instead of each read, each record and each
//! block of data looks once whether the frame goes on for long enough; a literal is one comparison, a key of up to 31
//! bytes one look. Lengths are guessed to be those of the record before, so that records need not wait for each other.
//! Steps aside at the first record that differs, is the last one, or stands within the last bytes of its frame; and as a
//! whole where there is no AVX2.
//!
//! What is `unsafe` is the call of functions compiled for a CPU that was asked for first, and reads and writes at an
//! address. For reads there is one rule: `AHEAD_BYTES` lie ahead of wherever a record or a block of
//! data begins, and nothing between such places is as long as that. What is written is never longer than what was read
//! for it, and the room that is left was compared with the text that is left.

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
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use crate::limits::{PARTITION_KEY_CHARS_MAX, RECORD_BYTES_MAX};
    use crate::names::{HashKey, PartitionKey};
    use crate::protocol::base64::decode::x86::{Avx2, Avx512, BYTES, CHARS, end};
    use crate::protocol::base64::decode::{Decoded, SLACK_BYTES};
    use crate::protocol::records::layout::{Layout, Literal};
    use crate::protocol::records::scan::{Member, Scan};
    use crate::protocol::records::string;
    use crate::shard::batch::Records;

    /// Bytes of a vector.
    const WIDTH: usize = 32;

    /// What may be read from the places where a record or a block of data begins, or another vector of a long value.
    /// From there to the next such place it is a block, a literal, a value of up to a vector, and so on: with three
    /// values at most a block, two vectors and three literals.
    const AHEAD_BYTES: usize = CHARS + 6 * WIDTH;

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn read_avx2(layout: &Layout, scan: &mut Scan<'_>, records: &mut Records, records_max: usize) {
        // Not for the compiler to know: it would load constants again for each block.
        let tables = black_box(Avx2::new());
        read(
            layout,
            scan,
            records,
            records_max,
            &Vectors {
                decode: |chars: &_, place: &mut _| tables.block(chars, place),
                differs: |text: &_, literal: &_| differs(text, literal),
                ends: |text: &_| ends(text),
            },
        );
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512vbmi")]
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
                decode: |chars: &_, place: &mut _| tables.block(chars, place),
                differs: |text: &_, literal: &_| differs(text, literal),
                ends: |text: &_| ends(text),
            },
        );
    }

    /// What is done in vectors.
    trait Steps {
        /// Decodes a block; says which of its characters is the first that is none.
        fn decode(&self, chars: &[u8; CHARS], place: &mut [u8; SLACK_BYTES]) -> Option<usize>;

        /// Whether the text is another than the literal, as far as that goes.
        fn differs(&self, text: &[u8; WIDTH], literal: &Literal) -> bool;

        /// A bit for each byte that is not plain: not ASCII, a control character, a quote or a backslash.
        fn ends(&self, text: &[u8; WIDTH]) -> u32;
    }

    /// Closures, since they are compiled for the CPU of the function around them.
    struct Vectors<Decode, Differs, Ends> {
        decode: Decode,
        differs: Differs,
        ends: Ends,
    }

    impl<Decode, Differs, Ends> Steps for Vectors<Decode, Differs, Ends>
    where
        Decode: Fn(&[u8; CHARS], &mut [u8; SLACK_BYTES]) -> Option<usize>,
        Differs: Fn(&[u8; WIDTH], &Literal) -> bool,
        Ends: Fn(&[u8; WIDTH]) -> u32,
    {
        #[inline(always)]
        fn decode(&self, chars: &[u8; CHARS], place: &mut [u8; SLACK_BYTES]) -> Option<usize> {
            (self.decode)(chars, place)
        }

        #[inline(always)]
        fn differs(&self, text: &[u8; WIDTH], literal: &Literal) -> bool {
            (self.differs)(text, literal)
        }

        #[inline(always)]
        fn ends(&self, text: &[u8; WIDTH]) -> u32 {
            (self.ends)(text)
        }
    }

    /// Compiled for each of the usual orders of members.
    #[inline(always)]
    fn read(
        layout: &Layout,
        scan: &mut Scan<'_>,
        records: &mut Records,
        records_max: usize,
        vectors: &impl Steps,
    ) {
        use Member::{Data, PartitionKey};
        match *layout.values() {
            [(_, Data), (_, PartitionKey)] => {
                read_all(layout, [Data, PartitionKey], scan, records, records_max, vectors);
            }
            [(_, PartitionKey), (_, Data)] => {
                read_all(layout, [PartitionKey, Data], scan, records, records_max, vectors);
            }
            [(_, first), (_, second), (_, third)] => {
                read_all(layout, [first, second, third], scan, records, records_max, vectors);
            }
            _ => {}
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn read_all<const COUNT: usize>(
        layout: &Layout,
        members: [Member; COUNT],
        scan: &mut Scan<'_>,
        records: &mut Records,
        records_max: usize,
        vectors: &impl Steps,
    ) {
        let Some(body) = scan.body.get(scan.at..) else { return };
        if !(AHEAD_BYTES..=RECORD_BYTES_MAX).contains(&body.len()) {
            return;
        }
        // Once for all: no record takes more room than its text.
        let mut run = records.run(body.len() + SLACK_BYTES, records_max.saturating_sub(records.len()));
        let start = body.as_ptr_range().start;
        // SAFETY: the body is as long as that.
        let limit = unsafe { start.add(body.len() - AHEAD_BYTES) };
        let text = Text { limit, end: body.as_ptr_range().end };
        let (mut at, mut read_to) = (start, start);
        // SAFETY: `AHEAD_BYTES` follow.
        if !unsafe { pass(&mut at, layout.before(0), vectors) } {
            return;
        }
        let mut guesses = Guesses::default();
        while at <= text.limit {
            // SAFETY: both are in the text.
            let room_bytes = unsafe { text.end.offset_from_unsigned(at) } + SLACK_BYTES;
            let Some(room) = run.room(room_bytes) else { break };
            let room = room.as_mut_ptr();
            let mut values = Values { at, data_bytes: 0, key: (at, 0), hash_key: None };
            // SAFETY: `at` is not beyond the limit, and there is that much room.
            let Some(key_bytes) =
                (unsafe { values.read(layout, members, text, room, &mut guesses, vectors) })
            else {
                break;
            };
            at = values.at;
            // The end of this record and the beginning of the next are one comparison.
            // SAFETY: a vector follows the last value.
            if !unsafe { pass(&mut at, &layout.joint, vectors) }
                || run.finish(values.data_bytes, key_bytes, values.hash_key).is_err()
            {
                break;
            }
            // SAFETY: the joint begins with the close.
            read_to = unsafe { values.at.add(layout.close.len) };
        }
        run.end();
        // SAFETY: both are in the text.
        scan.at += unsafe { read_to.offset_from_unsigned(start) };
    }

    /// What was last found, for the processor to guess that it is found again.
    ///
    /// Where a record ends is known once its values' ends were found: a load, some comparisons and a count each, some 50
    /// cycles of which every record would wait for those of the one before it. But a processor that guesses where a
    /// branch goes does not wait for what the branch compares. So what is found is compared with what was found before,
    /// and where it is the same, what was found before is gone on with: records then overlap. Where lengths always
    /// differ, the branch is guessed to say so.
    #[derive(Default)]
    struct Guess(usize);

    impl Guess {
        /// `found`, that is.
        #[inline(always)]
        #[allow(unsafe_code)]
        fn or(&mut self, found: usize) -> usize {
            let known = &raw mut self.0;
            // Volatile, so that the compiler neither takes the one for the other nor does without the branch.
            // SAFETY: it is the value's own place, which nobody else has.
            unsafe {
                if known.read_volatile() == found {
                    return known.read_volatile();
                }
                known.write_volatile(found);
            }
            found
        }
    }

    /// Of the lengths of a record's values, in characters.
    #[derive(Default)]
    struct Guesses {
        data: Guess,
        key: Guess,
    }

    /// Where the text ends.
    #[derive(Clone, Copy)]
    struct Text {
        /// From anywhere up to here `AHEAD_BYTES` may be read.
        limit: *const u8,
        end: *const u8,
    }

    /// The values of a record that have been read up to a place in the text.
    struct Values {
        at: *const u8,
        data_bytes: usize,
        /// Where it begins, and its characters if it is plain ASCII; none of it otherwise.
        key: (*const u8, usize),
        hash_key: Option<HashKey>,
    }

    impl Values {
        /// Reads all values, from the first one on, and writes data and key to where they stay; gives the key's
        /// length. A vector may be read behind the last one.
        ///
        /// # Safety
        /// Where it starts is in the text and not beyond its limit; what `room` begins is as long as what follows that
        /// in the text, and `SLACK_BYTES` longer.
        #[inline(always)]
        #[allow(unsafe_code)]
        unsafe fn read<const COUNT: usize>(
            &mut self,
            layout: &Layout,
            members: [Member; COUNT],
            text: Text,
            room: *mut u8,
            guesses: &mut Guesses,
            vectors: &impl Steps,
        ) -> Option<usize> {
            let record_start = self.at;
            // SAFETY: the caller's word at first, then a vector follows each value. Written out, since the compiler
            // keeps a loop over members, and its tests.
            unsafe {
                self.read_value(members[0], text, room, guesses, vectors)?;
                self.pass(layout.before(1), vectors)?;
                self.read_value(members[1], text, room, guesses, vectors)?;
                if COUNT > 2 {
                    self.pass(layout.before(2), vectors)?;
                    self.read_value(members[2], text, room, guesses, vectors)?;
                }
            }
            let (start, key_bytes) = self.key;
            // SAFETY: data and key are shorter than their text, for which there is room, and slack.
            let place = unsafe { room.add(self.data_bytes) };
            if (1..WIDTH).contains(&key_bytes) {
                // What follows the key is written over by the next record.
                // SAFETY: a vector was read there, and the slack is longer than one.
                unsafe { place.cast::<[u8; WIDTH]>().write(start.cast::<[u8; WIDTH]>().read()) };
                return Some(key_bytes);
            }
            // SAFETY: the text goes on to its end; and of the room for all from the record's start on, data has taken
            // less than its text is long.
            unsafe {
                let behind = |start| text.end.offset_from_unsigned(start);
                let rest = std::slice::from_raw_parts(start, behind(start));
                let room_bytes = behind(record_start) - self.data_bytes;
                write_key(rest, key_bytes, std::slice::from_raw_parts_mut(place, room_bytes))
            }
        }

        /// # Safety
        /// As [`Self::read`], or a vector may be read here and it is not the first value.
        #[inline(always)]
        #[allow(unsafe_code)]
        unsafe fn read_value(
            &mut self,
            member: Member,
            text: Text,
            room: *mut u8,
            guesses: &mut Guesses,
            vectors: &impl Steps,
        ) -> Option<()> {
            let start = self.at;
            match member {
                Member::Data => {
                    // SAFETY: the caller's word.
                    let decoded = unsafe { decode(start, text, room, &mut guesses.data, vectors) }?;
                    self.data_bytes = decoded.bytes;
                    // SAFETY: so many characters were looked at.
                    self.at = unsafe { start.add(decoded.chars) };
                }
                Member::PartitionKey => {
                    // SAFETY: a vector may be read here, and one more character behind all that are plain.
                    let (plain, is_plain) = unsafe {
                        let plain = guesses.key.or(plain(start, text, vectors)?);
                        (plain, *start.add(plain) == b'"')
                    };
                    self.key = (start, if is_plain { plain } else { 0 });
                    // SAFETY: the text goes on to its end, and the key ends before that.
                    self.at = unsafe {
                        let all = || std::slice::from_raw_parts(start, text.end.offset_from_unsigned(start));
                        start.add(if is_plain { plain } else { string::end(all())? })
                    };
                    if !is_plain && self.at > text.limit {
                        return None;
                    }
                }
                Member::ExplicitHashKey => {
                    // SAFETY: a vector may be read here, and so many characters were looked at.
                    let digits = unsafe { std::slice::from_raw_parts(start, plain(start, text, vectors)?) };
                    self.hash_key = Some(HashKey::parse_digits(digits).ok()?);
                    self.at = digits.as_ptr_range().end;
                }
            }
            Some(())
        }

        /// # Safety
        /// A vector may be read here.
        #[inline(always)]
        #[allow(unsafe_code)]
        unsafe fn pass(&mut self, literal: &Literal, vectors: &impl Steps) -> Option<()> {
            // SAFETY: the caller's word.
            unsafe { pass(&mut self.at, literal, vectors) }.then_some(())
        }
    }

    /// Decodes what stands before the next quote.
    ///
    /// # Safety
    /// `start` is in the text behind a quote, a block may be read there if it is not beyond the limit, and what `room`
    /// begins is as long as what follows it in the text, and `SLACK_BYTES` longer.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn decode(
        start: *const u8,
        text: Text,
        room: *mut u8,
        guess: &mut Guess,
        vectors: &impl Steps,
    ) -> Option<Decoded> {
        let (mut at, mut place) = (start, room);
        while at <= text.limit {
            // SAFETY: a block lies ahead; and bytes are fewer than their characters, so that there is room.
            if let Some(stranger) = unsafe { vectors.decode(&*at.cast(), &mut *place.cast()) } {
                // SAFETY: the block was read, more follows it, and before the first of all there is a quote.
                return unsafe {
                    // Otherwise characters are counted on the way.
                    let stranger = opaque(at).add(stranger);
                    let chars = guess.or(stranger.offset_from_unsigned(start));
                    let stranger = start.add(chars);
                    end(chars, *stranger.sub(1), stranger.cast::<[u8; 4]>().read())
                };
            }
            // SAFETY: so much was read and written.
            (at, place) = unsafe { (at.add(CHARS), place.add(BYTES)) };
        }
        None
    }

    /// How many plain characters there are; one more may be read behind them, and a vector if they are a whole value.
    ///
    /// # Safety
    /// `start` is in the text, and a vector may be read there.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn plain(start: *const u8, text: Text, vectors: &impl Steps) -> Option<usize> {
        let (mut at, mut passed) = (start, 0);
        loop {
            // SAFETY: the caller's word at first, then the limit's.
            let found = vectors.ends(unsafe { &*at.cast() });
            if found != 0 {
                return Some(passed + found.trailing_zeros() as usize);
            }
            // SAFETY: a vector was read.
            (at, passed) = unsafe { (at.add(WIDTH), passed + WIDTH) };
            if at > text.limit {
                return None;
            }
        }
    }

    /// Writes a key that `text` begins with, of so many characters if it is plain, but not a short one; gives its length
    /// in bytes, if it is a key.
    #[inline(never)]
    fn write_key(text: &[u8], plain: usize, room: &mut [u8]) -> Option<usize> {
        if plain == 0 {
            let bytes = string::write(text, room)?;
            let chars = PartitionKey::of_utf8(&room[..bytes]).chars_count();
            return (1..=PARTITION_KEY_CHARS_MAX).contains(&chars).then_some(bytes);
        }
        // As many characters as bytes.
        room.get_mut(..plain)?.copy_from_slice(text.get(..plain)?);
        (plain <= PARTITION_KEY_CHARS_MAX).then_some(plain)
    }

    /// Goes past a literal, if it is next.
    ///
    /// # Safety
    /// A vector may be read at `at`.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn pass(at: &mut *const u8, literal: &Literal, vectors: &impl Steps) -> bool {
        // SAFETY: the caller's word; and a literal is no longer than a vector.
        let (is_next, behind) = unsafe { (!vectors.differs(&*at.cast(), literal), at.add(literal.len)) };
        if is_next {
            *at = behind;
        }
        is_next
    }

    /// The same pointer, of which the compiler does not know so.
    #[inline(always)]
    #[allow(unsafe_code)]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written through it there")]
    fn opaque<T>(mut pointer: *const T) -> *const T {
        // SAFETY: no instruction at all.
        unsafe { asm!("/* {0} */", inout(reg) pointer, options(nomem, nostack, preserves_flags)) };
        pointer
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    #[allow(unsafe_code)]
    fn differs(text: &[u8; WIDTH], literal: &Literal) -> bool {
        // Read from memory each time: the registers are needed between.
        // SAFETY: it is the same pointer.
        let literal = unsafe { &*opaque(literal) };
        // SAFETY: 32 bytes each are read, and each array has 32; no alignment is asked for.
        let load = |bytes: &[u8; WIDTH]| unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let different = _mm256_xor_si256(load(text), load(&literal.bytes));
        _mm256_testz_si256(different, load(&literal.mask)) == 0
    }

    /// A bit for each byte that is not plain: not ASCII, a control character, a quote or a backslash.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    #[allow(unsafe_code)]
    fn ends(text: &[u8; WIDTH]) -> u32 {
        // SAFETY: 32 bytes are read, and the array has 32; no alignment is asked for.
        let text = unsafe { _mm256_loadu_si256(text.as_ptr().cast()) };
        // A byte is found at its lower half if it is itself what stands there. Nothing is looked up for one that is
        // not ASCII, and at 0 there is no zero.
        let marks = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            -1,
            0,
            b'"'.cast_signed(),
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            b'\\'.cast_signed(),
            0,
            0,
            0,
        ));
        let is_mark = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(marks, text), text);
        // As signed numbers, bytes from 0x80 up are below the blank too.
        let below_blank = _mm256_subs_epi8(text, _mm256_set1_epi8(0x20));
        _mm256_movemask_epi8(_mm256_or_si256(is_mark, below_blank)).cast_unsigned()
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
