//! Base64 to bytes, with the end of the text found on the way.
//!
//! Gains: one pass instead of two (quote sought, then decoded), and about 20 instructions per 32 characters with
//! AVX2, 10 per 64 with AVX-512 VBMI. A block of characters is looked up in registers; the first one that is not of
//! the alphabet ends the run. Steps aside for `memchr` and base64-simd where the CPU has neither. All of them accept
//! and refuse the same texts.
//!
//! What is `unsafe` is the call of functions compiled for a CPU that was asked for first, and the loads and stores
//! of whole blocks, whose bounds are those of the arrays they are given.

/// How to decode on this machine. A value is proof that the CPU can: only [`Decoder::present`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Decoder(Kind);

/// What a [`Decoder`] is proof of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Kind {
    /// AVX-512 F, BW and VBMI, and all of the next.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2, and both sets of bit manipulation: the CPUs with the one have the others.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Plain,
}

/// A text that was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Decoded {
    /// Characters before the quote, padding included.
    pub(in crate::protocol) chars: usize,
    /// Bytes that they stand for.
    pub(in crate::protocol) bytes: usize,
}

/// Bytes beyond the decoded ones that may be written over, and that the output must therefore have.
pub(in crate::protocol) const SLACK_BYTES: usize = 64;

impl Decoder {
    /// The fastest on this machine.
    pub(in crate::protocol) fn fastest() -> Self {
        Self::present().next().unwrap_or(Self(Kind::Plain))
    }

    /// What it is proof of.
    pub(in crate::protocol) const fn kind(self) -> Kind {
        self.0
    }

    /// All that this machine has, the fastest first.
    pub(in crate::protocol) fn present() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = {
            let bits = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
            let avx2 = is_x86_feature_detected!("avx2") && bits;
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi");
            avx512.then_some(Self(Kind::Avx512)).into_iter().chain(avx2.then_some(Self(Kind::Avx2)))
        };
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = std::iter::empty();
        vectors.chain([Self(Kind::Plain)])
    }

    /// Decodes what stands before the next quote. `None` if there is no quote, if that is not base64, or if `out`
    /// has no room: [`SLACK_BYTES`] beyond what comes of it are enough.
    #[allow(unsafe_code)]
    pub(in crate::protocol) fn decode(self, text: &[u8], out: &mut [u8]) -> Option<Decoded> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: asks only for what `self` proves that the CPU has.
            Kind::Avx512 => unsafe { x86::decode_avx512(text, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: asks only for what `self` proves that the CPU has.
            Kind::Avx2 => unsafe { x86::decode_avx2(text, out) },
            Kind::Plain => plain(text, out),
        }
    }
}

/// The twin.
fn plain(text: &[u8], out: &mut [u8]) -> Option<Decoded> {
    let chars = memchr::memchr(b'"', text)?;
    let text = &text[..chars];
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let bytes = chars.is_multiple_of(4).then(|| chars / 4 * 3 - padding)?;
    if out.len() < bytes + SLACK_BYTES {
        return None;
    }
    base64_simd::STANDARD.decode(text, base64_simd::Out::from_slice(&mut out[..bytes])).ok()?;
    Some(Decoded { chars, bytes })
}

#[cfg(target_arch = "x86_64")]
pub(in crate::protocol) mod x86 {
    use std::arch::x86_64::*;

    use super::{Decoded, SLACK_BYTES};

    /// Stands for no character.
    const NONE: u8 = 0xff;

    /// The value of each character.
    static VALUES: [u8; 256] = {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut values = [NONE; 256];
        let mut value = 0;
        while value < 64 {
            values[ALPHABET[value as usize] as usize] = value;
            value += 1;
        }
        values
    };

    /// Characters that are decoded at a time; one bit of a word for each says what is none.
    pub(in crate::protocol) const CHARS: usize = 64;
    /// What they stand for.
    pub(in crate::protocol) const BYTES: usize = CHARS / 4 * 3;

    /// Decodes block by block up to the first character that is not of the alphabet. `block` decodes characters to
    /// [`BYTES`] bytes, then some of no meaning, and says which of them is the first that is none.
    #[inline(always)]
    fn run(
        text: &[u8],
        out: &mut [u8],
        block: impl Fn(&[u8; CHARS], &mut [u8; SLACK_BYTES]) -> Option<usize>,
    ) -> Option<Decoded> {
        let mut start = 0;
        loop {
            let place = out.get_mut(start / CHARS * BYTES..)?.first_chunk_mut()?;
            let left = &text[start..];
            let stranger = match left.first_chunk() {
                Some(chars) => block(chars, place),
                None => {
                    // Zero is no character, so what follows the text ends it.
                    let mut last = [0; CHARS];
                    last[..left.len()].copy_from_slice(left);
                    block(&last, place)
                }
            };
            if let Some(stranger) = stranger {
                let mut after = [0; 4];
                let (chars, left) = (start + stranger, left.get(stranger..)?);
                for (place, byte) in after.iter_mut().zip(left) {
                    *place = *byte;
                }
                return end(chars, *text.get(chars.saturating_sub(1))?, after);
            }
            start += CHARS;
        }
    }

    /// A text of so many characters, of which this is the last, and what comes after them: padding, if the last group
    /// of four is not full, and the quote.
    ///
    /// The bytes of a group that is not full are already right. Its last character leaves no bits over, and what the
    /// missing ones were taken for fits the bits that are left zero: less than 2^15 below the sixteenth, less than
    /// 2^8 below the eighth.
    #[inline(always)]
    pub(in crate::protocol) fn end(chars: usize, last: u8, after: [u8; 4]) -> Option<Decoded> {
        /// What may end a text whose last group has so many characters.
        #[repr(align(16))]
        struct End {
            /// What must come after them, and a mask of that.
            after: u32,
            mask: u32,
            /// Which bits the last one may not have.
            over: u32,
        }
        static ENDS: [End; 4] = [
            End { after: u32::from_le_bytes(*b"\"\0\0\0"), mask: 0xff, over: 0 },
            // One character alone can be nothing: no word is 1 where it has no bits.
            End { after: 1, mask: 0, over: 0 },
            End { after: u32::from_le_bytes(*b"==\"\0"), mask: 0x00ff_ffff, over: 0x0f },
            End { after: u32::from_le_bytes(*b"=\"\0\0"), mask: 0xffff, over: 0x03 },
        ];
        let end = &ENDS[chars % 4];
        let over = u32::from(VALUES[usize::from(last)]) & end.over;
        if (u32::from_le_bytes(after) & end.mask) ^ end.after | over != 0 {
            return None;
        }
        Some(Decoded { chars: chars.next_multiple_of(4), bytes: chars * 3 / 4 })
    }

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn decode_avx2(text: &[u8], out: &mut [u8]) -> Option<Decoded> {
        let tables = Avx2::new();
        run(text, out, |chars, place| tables.block(chars, place))
    }

    #[target_feature(enable = "bmi1,bmi2,avx512f,avx512bw,avx512vbmi")]
    pub(super) fn decode_avx512(text: &[u8], out: &mut [u8]) -> Option<Decoded> {
        let tables = Avx512::new();
        run(text, out, |chars, place| tables.block(chars, place))
    }

    /// Look-ups of AVX2, which are in sixteen bytes, alike in both halves of a vector.
    ///
    /// Characters are told apart by a number: their upper half, plus what their lower half asks for, so that the lower
    /// halves that need entries of their own get them. The mean of two bytes makes it from a third of a shift: its
    /// upper bits, which a look-up does not see, are those of a neighbour; the highest is not set for any character.
    pub(in crate::protocol) struct Avx2 {
        /// What a value's number adds to the upper half, doubled, by the lower half.
        value_shifts: __m256i,
        /// What to add to a character to get its value.
        addends: __m256i,
        /// The same number for the test of a character.
        test_shifts: __m256i,
        /// What to add to a character so that it is below zero if it is none: the lowest of its number is.
        floors: __m256i,
        /// The three bytes of each four, most significant first.
        compact: __m256i,
    }

    impl Avx2 {
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        pub(in crate::protocol) fn new() -> Self {
            let both = |half: [i8; 16]| {
                let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = half;
                _mm256_broadcastsi128_si256(_mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))
            };
            Self {
                // By one, so that + has 3, digits 4, capitals 5 and 6, others 7 and 8; by eight for /, O and o.
                value_shifts: both([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 15]),
                addends: both([0, 0, 0, 19, 4, -65, -65, -71, -71, 0, 16, 0, -65, 0, -71, 0]),
                test_shifts: both([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 11, 15, 15, 15, 11]),
                floors: both([
                    -128, -128, -128, -128, -48, -65, -80, -97, -43, -90, -75, -122, -76, -128, -108, -128,
                ]),
                compact: both([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0, 0, 0, 0]),
            }
        }

        /// Decodes a block; says which of its characters is the first that is none.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        pub(in crate::protocol) fn block(
            &self,
            chars: &[u8; CHARS],
            place: &mut [u8; SLACK_BYTES],
        ) -> Option<usize> {
            let (first, second) = self.vectors(chars, place);
            if all_pass(_mm256_or_si256(first, second)) {
                return None;
            }
            let strangers = |test| u64::from(_mm256_movemask_epi8(test).cast_unsigned());
            let strangers = strangers(first) | strangers(second) << 32;
            Some(strangers.trailing_zeros() as usize)
        }

        /// Decodes two vectors; gives a byte below zero where there is no character.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        #[allow(unsafe_code)]
        fn vectors(&self, chars: &[u8; CHARS], place: &mut [u8; SLACK_BYTES]) -> (__m256i, __m256i) {
            // SAFETY: 32 bytes each are read, and the array has 64; no alignment is asked for.
            let (first, second) = unsafe {
                (_mm256_loadu_si256(chars.as_ptr().cast()), _mm256_loadu_si256(chars[32..].as_ptr().cast()))
            };
            let ((first, first_test), (second, second_test)) = (self.decode(first), self.decode(second));
            // Of each half of a vector the last four bytes are written over by the next.
            let mut store = |half, start: usize| {
                // SAFETY: 16 bytes are written, the last ones from the 36th on, and the array has 64; no alignment is
                // asked for.
                unsafe { _mm_storeu_si128(place.as_mut_ptr().add(start).cast(), half) }
            };
            store(_mm256_castsi256_si128(first), 0);
            store(_mm256_extracti128_si256::<1>(first), 12);
            store(_mm256_castsi256_si128(second), 24);
            store(_mm256_extracti128_si256::<1>(second), 36);
            (first_test, second_test)
        }

        /// Twelve bytes in each half, then four of no meaning; and a byte below zero where there is no character.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        fn decode(&self, chars: __m256i) -> (__m256i, __m256i) {
            let upper = _mm256_srli_epi32(chars, 3);
            let look_up = |table, shifts| {
                _mm256_shuffle_epi8(table, _mm256_avg_epu8(_mm256_shuffle_epi8(shifts, chars), upper))
            };
            let values = _mm256_add_epi8(chars, look_up(self.addends, self.value_shifts));
            let test = _mm256_adds_epi8(chars, look_up(self.floors, self.test_shifts));
            (_mm256_shuffle_epi8(joined_avx2(values), self.compact), test)
        }
    }

    /// Whether no byte is below zero.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn all_pass(test: __m256i) -> bool {
        _mm256_testz_si256(test, _mm256_set1_epi8(i8::MIN)) != 0
    }

    /// Two six-bit values to twelve bits, two of those to 24.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn joined_avx2(values: __m256i) -> __m256i {
        let pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x0140_0140));
        _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_1000))
    }

    /// Look-ups of AVX-512: the whole alphabet at once.
    pub(in crate::protocol) struct Avx512 {
        /// The values of the first and of the second 64 characters of ASCII; 0x80 for what is none.
        values: [__m512i; 2],
        /// The three bytes of each four, most significant first.
        compact: __m512i,
    }

    impl Avx512 {
        #[inline]
        #[target_feature(enable = "bmi1,bmi2,avx512f,avx512bw,avx512vbmi")]
        #[allow(unsafe_code)]
        pub(in crate::protocol) fn new() -> Self {
            const ASCII: [[u8; 64]; 2] = {
                let mut ascii = [[0x80; 64]; 2];
                let mut char = 0;
                while char < 128 {
                    if VALUES[char] != NONE {
                        ascii[char / 64][char % 64] = VALUES[char];
                    }
                    char += 1;
                }
                ascii
            };
            const COMPACT: [u8; 64] = {
                let mut compact = [0; 64];
                let mut byte = 0;
                while byte < 48 {
                    compact[byte as usize] = byte / 3 * 4 + 2 - byte % 3;
                    byte += 1;
                }
                compact
            };
            // SAFETY: 64 bytes are read, and each array has 64; no alignment is asked for.
            let load = |bytes: &[u8; 64]| unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
            Self { values: [load(&ASCII[0]), load(&ASCII[1])], compact: load(&COMPACT) }
        }

        /// Decodes a block; says which of its characters is the first that is none.
        #[inline]
        #[target_feature(enable = "bmi1,bmi2,avx512f,avx512bw,avx512vbmi")]
        pub(in crate::protocol) fn block(
            &self,
            chars: &[u8; CHARS],
            place: &mut [u8; SLACK_BYTES],
        ) -> Option<usize> {
            let strangers = _mm512_movepi8_mask(self.vector(chars, place));
            (strangers != 0).then(|| strangers.trailing_zeros() as usize)
        }

        /// Decodes a vector; gives a byte below zero where there is no character.
        #[inline]
        #[target_feature(enable = "bmi1,bmi2,avx512f,avx512bw,avx512vbmi")]
        #[allow(unsafe_code)]
        fn vector(&self, chars: &[u8; CHARS], place: &mut [u8; SLACK_BYTES]) -> __m512i {
            // SAFETY: 64 bytes are read, and the array has 64; no alignment is asked for.
            let chars = unsafe { _mm512_loadu_si512(chars.as_ptr().cast()) };
            let values = _mm512_permutex2var_epi8(self.values[0], chars, self.values[1]);
            let pairs = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x0140_0140));
            let joined = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_1000));
            let bytes = _mm512_permutexvar_epi8(self.compact, joined);
            // SAFETY: 64 bytes are written, and the array has 64; no alignment is asked for.
            unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), bytes) };
            // The look-up leaves out a character's highest bit.
            _mm512_or_si512(values, chars)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes by every way that this machine has; all must agree with the twin.
    fn check(text: &[u8]) -> Option<(Decoded, Vec<u8>)> {
        let mut expected = None;
        for (number, decoder) in Decoder::present().collect::<Vec<_>>().into_iter().rev().enumerate() {
            let mut out = vec![0xee; text.len() + SLACK_BYTES];
            let decoded = decoder.decode(text, &mut out);
            let found = decoded.map(|decoded| (decoded, out[..decoded.bytes].to_vec()));
            if number == 0 {
                expected = found;
            } else {
                assert_eq!(found, expected, "{decoder:?}");
            }
        }
        expected
    }

    fn quoted(bytes: &[u8], after: &str) -> Vec<u8> {
        let mut text = base64_simd::STANDARD.encode_to_string(bytes).into_bytes();
        text.push(b'"');
        text.extend_from_slice(after.as_bytes());
        text
    }

    /// Protects: every length, with much, little or nothing after the quote.
    #[test]
    fn every_length() {
        for length in 0..=300 {
            let bytes: Vec<u8> =
                (0..length).map(|at| u8::try_from((at * 37 + length) % 256).unwrap()).collect();
            for after in
                ["", "}", ",\"PartitionKey\":\"AAAA\"}, and more than a whole block of characters after that"]
            {
                let text = quoted(&bytes, after);
                let (decoded, found) = check(&text).unwrap();
                assert_eq!((found, decoded.bytes, text[decoded.chars]), (bytes.clone(), length, b'"'));
            }
        }
    }

    /// Protects: every byte that is not of the alphabet is refused wherever it stands in a block.
    #[test]
    fn strangers_are_refused() {
        for stranger in 0..=u8::MAX {
            for at in [0, 1, 31, 32, 63, 64, 95, 99] {
                let mut text = quoted(&[0x5a; 75], "");
                text[at] = stranger;
                let is_good = stranger.is_ascii_alphanumeric() || b"+/".contains(&stranger);
                // A quote at a group's start just ends the text.
                let ends = stranger == b'"' && at % 4 == 0;
                let ends = ends || stranger == b'=' && at == 99 && text[98] & 3 == 0;
                let found = check(&text);
                if stranger != b'=' || at != 99 {
                    assert_eq!(found.is_some(), is_good || ends, "{stranger:#x} at {at}");
                }
            }
        }
    }

    /// Protects: what a byte is taken for does not hang on its neighbours, which the look-ups of AVX2 shift into it.
    #[test]
    fn every_pair() {
        let mut text = quoted(&[0x5a; 75], "");
        for pair in 0..=u16::MAX {
            for at in [30, 65] {
                text[at..at + 2].copy_from_slice(&pair.to_le_bytes());
                check(&text);
                text[at..at + 2].copy_from_slice(b"lp");
            }
        }
    }

    /// Protects: padding is as the standard has it: to the full four, with no bits left over; and what has no quote,
    /// or does not fit, is refused.
    #[test]
    fn padding_is_strict() {
        for good in ["AA==\"", "AAA=\"", "AAAA\"", "\"", "/w==\"", "//8=\""] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "A\"", "AA\"", "AAA\"", "AA=\"", "A===\"", "====\"", "=\"", "AB==\"", "AAB=\"", "AA==A\"",
            "AA==", "AAAA", "",
        ] {
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    /// Protects: what does not fit is refused, at the latest when there is no room for the bytes themselves.
    #[test]
    fn room_is_needed() {
        let text = quoted(&[7; 100], "");
        for decoder in Decoder::present() {
            assert!(
                (0..100).all(|bytes| decoder.decode(&text, &mut vec![0; bytes]).is_none()),
                "{decoder:?}"
            );
            assert!(decoder.decode(&text, &mut [0; 100 + SLACK_BYTES]).is_some(), "{decoder:?}");
        }
    }

    proptest! {
        /// Protects: all ways agree on texts that are nearly base64.
        #[test]
        fn all_agree(bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), by in any::<u8>()) {
            let mut text = quoted(&bytes, "\"");
            let at = at.index(text.len());
            text[at] = by;
            check(&text);
        }

        /// Protects: what was encoded comes back.
        #[test]
        fn round_trip(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
            prop_assert_eq!(check(&quoted(&bytes, ",")).unwrap().1, bytes);
        }
    }
}
