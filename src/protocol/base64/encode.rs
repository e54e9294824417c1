//! Base64 out, for records: from a slice into a longer slice, without a scalar rest.
//!
//! The base64-simd crate encodes 24 bytes per step with AVX2 and the rest of a record by threes: 100 bytes take it 294
//! instructions. Here the last step is a whole one too, laid over the one before it, and they take 95; AVX-512 VBMI
//! looks up all 64 characters in one register, so that 48 bytes take five instructions.
//!
//! It steps aside for the crate on a CPU without these vectors, and where `out` has no room for whole steps. Both give
//! the same text, so deleting this file would cost speed only.
//!
//! `unsafe` are the loads and stores of vectors, whose bounds are argued for beside each, and the calls of functions
//! compiled for a CPU that was asked for first.

use base64_simd::{Out, STANDARD};

/// Room behind the text that makes the fast ways possible; what is left there is undefined.
pub(crate) const SLACK_BYTES: usize = 64;

/// Characters that so many bytes become, padding included.
#[inline]
#[allow(
    clippy::manual_div_ceil,
    reason = "a slice has fewer bytes than could overflow, and rounding is dearer"
)]
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes + 2) / 3 * 4
}

/// The fastest way to encode on this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoder {
    #[cfg(target_arch = "x86_64")]
    vectors: Option<x86::Vectors>,
}

/// What is done with one way to encode, chosen once for the whole of it.
///
/// `run` is compiled for each way, and for the vectors that it needs. It and what it calls for each record must be
/// `inline(always)`, or else they stay without these vectors and each step of the encoding becomes a call.
pub(crate) trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self, encode: impl Encode) -> Self::Output;
}

/// One way to encode.
pub(crate) trait Encode: Copy {
    /// Writes the text of `data` to the start of `out` and returns its length, [`encoded_len`].
    ///
    /// Up to [`SLACK_BYTES`] behind the text may be overwritten. `out` must have room for the text.
    fn encode(self, data: &[u8], out: &mut [u8]) -> usize;
}

impl Encoder {
    /// Asks the CPU what it has.
    pub(crate) fn widest() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            vectors: x86::Vectors::present().next(),
        }
    }

    /// Does `task` this machine's way.
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = self.vectors {
            return vectors.run(task);
        }
        task.run(ByCrate)
    }
}

/// The crate's way.
#[derive(Clone, Copy)]
struct ByCrate;

impl Encode for ByCrate {
    #[inline(always)]
    fn encode(self, data: &[u8], out: &mut [u8]) -> usize {
        STANDARD.encode(data, Out::from_slice(out)).len()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{ByCrate, Encode, SLACK_BYTES, Task, encoded_len};

    /// The vectors of this machine. A value is proof that the CPU has them: only [`Vectors::present`] makes one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Vectors(Kind);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Avx2,
        Avx512,
    }

    impl Vectors {
        /// All kinds that this CPU has, the widest first.
        pub(super) fn present() -> impl Iterator<Item = Self> {
            // Whatever has AVX2 has these, but a virtual machine may hide some.
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("movbe");
            let avx512 =
                avx2 && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi");
            let avx512 = avx512.then_some(Self(Kind::Avx512));
            avx512.into_iter().chain(avx2.then_some(Self(Kind::Avx2)))
        }

        #[allow(unsafe_code)]
        pub(super) fn run<T: Task>(self, task: T) -> T::Output {
            match self.0 {
                // SAFETY: `self` proves that the CPU has what the function is compiled for.
                Kind::Avx2 => unsafe { run_avx2(task) },
                // SAFETY: as above.
                Kind::Avx512 => unsafe { run_avx512(task) },
            }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,movbe")]
    fn run_avx2<T: Task>(task: T) -> T::Output {
        task.run(Avx2(()))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,movbe,avx512bw,avx512vbmi")]
    fn run_avx512<T: Task>(task: T) -> T::Output {
        task.run(Avx512(()))
    }

    /// Proof of AVX2: only [`run_avx2`] makes one.
    #[derive(Clone, Copy)]
    struct Avx2(());

    impl Encode for Avx2 {
        #[allow(unsafe_code)]
        #[inline(always)]
        fn encode(self, data: &[u8], out: &mut [u8]) -> usize {
            let chars = encoded_len(data.len());
            if out.len() < chars + SLACK_BYTES {
                return ByCrate.encode(data, out);
            }
            // SAFETY: `self` proves that the CPU has AVX2, and the room was checked.
            unsafe { encode_avx2(data, chars, out.as_mut_ptr()) };
            chars
        }
    }

    /// Proof of AVX-512 BW and VBMI: only [`run_avx512`] makes one.
    #[derive(Clone, Copy)]
    struct Avx512(());

    impl Encode for Avx512 {
        #[allow(unsafe_code)]
        #[inline(always)]
        fn encode(self, data: &[u8], out: &mut [u8]) -> usize {
            let chars = encoded_len(data.len());
            if out.len() < chars + SLACK_BYTES {
                return ByCrate.encode(data, out);
            }
            // SAFETY: `self` proves that the CPU has AVX-512 BW and VBMI, and the room was checked.
            unsafe { encode_avx512(data, out.as_mut_ptr()) };
            chars
        }
    }

    /// Bytes that one step of AVX2 takes, and characters that it gives; it loads two vectors of 16 bytes, 12 apart.
    const STEP_AVX2: usize = 24;
    const STEP_AVX2_CHARS: usize = 32;
    const LOADED_AVX2: usize = 28;
    /// The same of AVX-512.
    const STEP_AVX512: usize = 48;
    const STEP_AVX512_CHARS: usize = 64;

    const _: () = assert!(STEP_AVX2_CHARS <= SLACK_BYTES && STEP_AVX512_CHARS <= SLACK_BYTES);

    /// Where each byte of a step comes from, for two vectors of 16 bytes of which the twelve from `first` on count, and
    /// of the second only `12 - missing`: threes as `[1, 0, 2, 1]`, so that the six bits of each character lie within
    /// a 16-bit lane. What is missing becomes zero.
    const fn threes(first: u8, missing: u8) -> [u8; 32] {
        let mut from = [0x80; 32];
        let mut place = 0;
        while place < 32 {
            let byte = byte_of(place % 16);
            if place < 16 {
                from[place as usize] = first + byte;
            } else if byte + missing < 12 {
                from[place as usize] = first + byte + missing;
            }
            place += 1;
        }
        from
    }

    /// Which byte of the data belongs to a place: of each three bytes, `[1, 0, 2, 1]`.
    const fn byte_of(place: u8) -> u8 {
        place / 4 * 3 + [1, 0, 2, 1][place as usize % 4]
    }

    /// All bits in the last `count` places.
    const fn last_places(count: usize) -> [u8; 32] {
        let mut places = [0; 32];
        let mut place = 32 - count;
        while place < 32 {
            places[place] = 0xff;
            place += 1;
        }
        places
    }

    /// The first step counts from where it loads; all others count from the fifth byte on, so as not to load what is
    /// behind the data. The last one may lack one or two bytes.
    const FIRST: [u8; 32] = threes(0, 0);
    const LATER: [[u8; 32]; 3] = [threes(4, 0), threes(4, 1), threes(4, 2)];
    const PADDED: [[u8; 32]; 3] = [last_places(0), last_places(1), last_places(2)];

    /// # Safety
    /// The CPU has AVX2, and from `out` on there is room for the text of `data`, so many characters, and
    /// [`SLACK_BYTES`].
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn encode_avx2(data: &[u8], chars: usize, out: *mut u8) {
        let missing = chars / 4 * 3 - data.len();
        if data.len() < LOADED_AVX2 {
            // SAFETY: the caller's promise.
            unsafe { encode_short_avx2(data, out, missing) };
            return;
        }
        let (bytes, later) = (data.as_ptr(), vector(&LATER[0]));
        // SAFETY: the first step loads the first 28 bytes, of at least so many.
        unsafe { store(out, characters(load(bytes, 12), vector(&FIRST))) };
        let (mut at, mut out_at) = (STEP_AVX2, STEP_AVX2_CHARS);
        while at + STEP_AVX2 < data.len() {
            // SAFETY: `at` is at least 24 and the step loads from four bytes before it to 24 after it, which are below
            // the end; the characters of bytes before the end are within the text.
            unsafe { store(out.add(out_at), characters(load(bytes.add(at - 4), 12), later)) };
            (at, out_at) = (at + STEP_AVX2, out_at + STEP_AVX2_CHARS);
        }
        // The last step ends with the text: what it writes again of the one before is the same.
        let (shuffle, padded) = (vector(&LATER[missing]), vector(&PADDED[missing]));
        // SAFETY: there are at least 28 bytes, so both loads are within them, and at least 32 characters.
        unsafe {
            let last = load(bytes.add(data.len() - LOADED_AVX2 + missing), 12 - missing);
            let text = characters(last, shuffle);
            let text = _mm256_blendv_epi8(text, _mm256_set1_epi8(b'=' as i8), padded);
            store(out.add(chars - STEP_AVX2_CHARS), text);
        }
    }

    /// # Safety
    /// As for [`encode_avx2`]; `data` has fewer than 28 bytes.
    #[allow(unsafe_code)]
    #[inline(never)]
    #[target_feature(enable = "avx2")]
    unsafe fn encode_short_avx2(data: &[u8], out: *mut u8, missing: usize) {
        let mut copy = [0; 4 + 2 * STEP_AVX2];
        copy[4..4 + data.len()].copy_from_slice(data);
        let later = vector(&LATER[0]);
        // SAFETY: each step loads 28 bytes of the copy's 52. The second one is made where the first is within the text,
        // so each writes to the text and the slack. With a missing byte there is a text, so its end is within it.
        unsafe {
            store(out, characters(load(copy.as_ptr(), 12), later));
            if data.len() > STEP_AVX2 {
                let second = load(copy.as_ptr().add(STEP_AVX2), 12);
                store(out.add(STEP_AVX2_CHARS), characters(second, later));
            }
            let end = out.add(encoded_len(data.len()));
            for place in 1..=missing {
                end.sub(place).write(b'=');
            }
        }
    }

    /// The characters of 24 bytes, which `shuffle` brings into place.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn characters(bytes: __m256i, shuffle: __m256i) -> __m256i {
        let threes = _mm256_shuffle_epi8(bytes, shuffle);
        // Six bits to each byte.
        let even =
            _mm256_mulhi_epu16(_mm256_and_si256(threes, _mm256_set1_epi32(0x0fc0_fc00)), TO_EVEN.load());
        let odd = _mm256_mullo_epi16(_mm256_and_si256(threes, _mm256_set1_epi32(0x003f_03f0)), TO_ODD.load());
        let sixes = _mm256_or_si256(even, odd);
        // Which range of the alphabet: 0 and 1 are letters, 2 to 11 digits, then the two marks.
        let ranges = _mm256_subs_epu8(sixes, _mm256_set1_epi8(51));
        let ranges = _mm256_sub_epi8(ranges, _mm256_cmpgt_epi8(sixes, _mm256_set1_epi8(25)));
        _mm256_add_epi8(sixes, _mm256_shuffle_epi8(vector(&OFFSETS), ranges))
    }

    /// Powers of two by which the 16-bit lanes are shifted, each its own way: AVX2 has multiplications for that.
    #[repr(align(32))]
    struct Shifts([[u16; 2]; 8]);

    /// To the right by 10 and 6, of products' upper halves.
    static TO_EVEN: Shifts = Shifts([[1 << 6, 1 << 10]; 8]);
    /// To the left by 4 and 8.
    static TO_ODD: Shifts = Shifts([[1 << 4, 1 << 8]; 8]);

    impl Shifts {
        /// Loads them anew wherever they are used: what the compiler knows of a factor, it takes for a reason to
        /// replace the multiplication by up to eight other instructions.
        #[allow(unsafe_code)]
        #[inline]
        #[target_feature(enable = "avx2")]
        fn load(&self) -> __m256i {
            // SAFETY: the reference is to 32 bytes, aligned as the vector is.
            unsafe { (&raw const self.0).cast::<__m256i>().read_volatile() }
        }
    }

    /// From a value to its character, by range.
    const OFFSETS: [u8; 32] = {
        let firsts = [(b'A', 0), (b'a', 26), (b'0', 52)];
        let mut offsets = [0; 32];
        let mut place = 0;
        while place < 32 {
            let (character, value) = match place % 16 {
                12 => (b'+', 62),
                13 => (b'/', 63),
                range => firsts[if range < 2 { range } else { 2 }],
            };
            offsets[place] = u8::wrapping_sub(character, value);
            place += 1;
        }
        offsets
    };

    /// The 16 bytes at `bytes`, and the 16 that begin `distance` later.
    ///
    /// # Safety
    /// The CPU has AVX2 and all these bytes can be read.
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(bytes: *const u8, distance: usize) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu2_m128i(bytes.add(distance).cast(), bytes.cast()) }
    }

    /// # Safety
    /// The CPU has AVX2 and 32 bytes can be written at `out`.
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store(out: *mut u8, characters: __m256i) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(out.cast(), characters) };
    }

    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2")]
    fn vector(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the reference is to 32 bytes.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    /// # Safety
    /// The CPU has AVX-512 BW and VBMI, and from `out` on there is room for the text and [`SLACK_BYTES`].
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    unsafe fn encode_avx512(data: &[u8], out: *mut u8) {
        let bytes = data.as_ptr();
        let (mut at, mut out_at) = (0, 0);
        while at + STEP_AVX512 < data.len() {
            // SAFETY: 48 bytes are loaded, which end before the data, and their characters are within the text.
            unsafe {
                let step = _mm512_maskz_loadu_epi8(u64::MAX >> (64 - STEP_AVX512), bytes.add(at).cast());
                _mm512_storeu_si512(out.add(out_at).cast(), characters_avx512(step));
            }
            (at, out_at) = (at + STEP_AVX512, out_at + STEP_AVX512_CHARS);
        }
        // At most 48 bytes are left. Whatever is behind their characters becomes padding, most of it in the slack.
        let left = data.len() - at;
        #[allow(clippy::cast_possible_truncation, reason = "at most 64")]
        let characters = (left * 4).div_ceil(3) as u32;
        let padded = u64::MAX.checked_shl(characters).unwrap_or(0);
        // SAFETY: only bytes of the data are loaded, and what is stored begins within the text or at its end.
        unsafe {
            let last = _mm512_maskz_loadu_epi8((1 << left) - 1, bytes.add(at).cast());
            let text = characters_avx512(last);
            let text = _mm512_mask_blend_epi8(padded, text, _mm512_set1_epi8(b'=' as i8));
            _mm512_storeu_si512(out.add(out_at).cast(), text);
        }
    }

    /// The characters of the first 48 bytes.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn characters_avx512(bytes: __m512i) -> __m512i {
        // For each 64-bit lane of threes, the bit at which each character's six begin.
        let shifts = _mm512_set1_epi64(i64::from_le_bytes([10, 4, 22, 16, 42, 36, 54, 48]));
        let threes = _mm512_permutexvar_epi8(vector_avx512(&THREES_AVX512), bytes);
        let sixes = _mm512_multishift_epi64_epi8(shifts, threes);
        // Only the six bits of each byte count here.
        _mm512_permutexvar_epi8(sixes, vector_avx512(&ALPHABET))
    }

    const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// As [`threes`], for all places of the wider vector.
    const THREES_AVX512: [u8; 64] = {
        let mut from = [0; 64];
        let mut place = 0;
        while place < 64 {
            from[place as usize] = byte_of(place);
            place += 1;
        }
        from
    };

    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn vector_avx512(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: the reference is to 64 bytes.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct One<'a> {
        data: &'a [u8],
        out: &'a mut [u8],
    }

    impl Task for One<'_> {
        type Output = usize;

        #[inline(always)]
        fn run(self, encode: impl Encode) -> usize {
            encode.encode(self.data, self.out)
        }
    }

    /// Every way that this machine has.
    fn encoders() -> Vec<Encoder> {
        #[cfg(target_arch = "x86_64")]
        {
            let with = x86::Vectors::present().map(|vectors| Encoder { vectors: Some(vectors) });
            with.chain([Encoder { vectors: None }]).collect()
        }
        #[cfg(not(target_arch = "x86_64"))]
        vec![Encoder::widest()]
    }

    /// Encodes by every way, with room for whole steps and without, and compares with the crate.
    fn check(data: &[u8]) {
        let expected = STANDARD.encode_to_string(data);
        assert_eq!(encoded_len(data.len()), expected.len());
        for encoder in encoders() {
            for slack in [0, SLACK_BYTES, SLACK_BYTES + 100] {
                let mut out = vec![b'#'; expected.len() + slack];
                let written = encoder.run(One { data, out: &mut out });
                assert_eq!(std::str::from_utf8(&out[..written]).unwrap(), expected, "{encoder:?}");
                let touched_max = (expected.len() + SLACK_BYTES).min(out.len());
                assert!(out[touched_max..].iter().all(|byte| *byte == b'#'), "{encoder:?}");
            }
        }
    }

    /// Protects: the last step at every length, short data among it, and each value's character.
    #[test]
    fn every_length() {
        for length in 0..=300_usize {
            check(&(0..length).map(|at| u8::try_from((at * 89 + length) % 256).unwrap()).collect::<Vec<_>>());
            check(&vec![0xff; length]);
        }
    }

    proptest! {
        /// Protects: any bytes at any alignment.
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..1_500), skipped in 0_usize..64) {
            check(&data[skipped.min(data.len())..]);
        }
    }
}
