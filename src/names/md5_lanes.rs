//! MD5 of many partition keys at once: one key per lane of a vector register.
//!
//! MD5 is a chain of 64 steps that each wait for the one before, so one key alone leaves a core mostly idle. A
//! request has up to 500 keys, most of them within one MD5 block (55 bytes), and their chains do not wait for
//! each other: 16 advance together with AVX2, 32 with AVX-512F. Measured on a Zen 4 core with 500 keys of 20
//! bytes, padding included: 13 to 19 ns per key and 11 to 16, where the md-5 crate takes 130.
//!
//! It steps aside for the md-5 crate where it does not gain: a key of more than one block, a CPU without these
//! vectors. Both give the same hash keys, so deleting this file would cost speed only. From two keys on, a group
//! with idle lanes is already faster than one key after the other.
//!
//! [`x86::digest`] has no intrinsics: it is plain arithmetic whose loop over the lanes the compiler turns into vectors.
//! Only the way of the keys into the lanes has them: keys of up to 31 bytes are read with what follows them, longer ones
//! with AVX-512 by mask, and then they are turned in registers. What is `unsafe` is the call of functions compiled for a
//! CPU that was asked for first, loads of whole vectors or by mask, and stores.

use super::HashKey;

/// A partition key in a text that may be read beyond it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'k> {
    /// The key, and anything around it.
    pub(crate) text: &'k [u8],
    /// Where it begins, and its length.
    pub(crate) start: u32,
    pub(crate) bytes: u32,
}

impl<'k> Key<'k> {
    fn as_bytes(self) -> &'k [u8] {
        &self.text[self.start as usize..][..self.bytes as usize]
    }
}

/// Writes the upper half of the hash key of each partition key to its place; there are as many of the one as of the
/// other. The upper half is all that it takes to tell shards apart, but for a key at the very edge of one.
pub(crate) fn upper_halves<'k>(keys: impl Iterator<Item = Key<'k>> + Clone, halves: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = x86::Vectors::widest() {
        vectors.upper_halves(keys, halves);
        return;
    }
    for (key, half) in keys.zip(halves) {
        *half = HashKey::of_partition_key(key.as_bytes()).upper_half();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{HashKey, Key};

    /// Bytes of the longest key that leaves room in one block of 64 for the end mark and the length.
    const KEY_BYTES_MAX: usize = 55;
    /// Words of a block before the length: the others of that a key and its end mark can have.
    const KEY_WORDS_MAX: usize = 14;
    /// Bytes of the longest key that fits a vector of AVX2, and the words of that.
    const SHORT_KEY_BYTES_MAX: u32 = 31;
    const SHORT_KEY_WORDS: usize = 8;
    /// The word of a block that holds the key's length in bits.
    const LENGTH_WORD: usize = 14;
    /// Follows the key's last byte.
    const END_MARK: u8 = 0x80;
    /// Independent vectors in one go: a second one fills the waits of the first, a third would not fit the
    /// registers of AVX2.
    const CHAINS: usize = 2;
    const LANES_AVX2: usize = 8 * CHAINS;
    const LANES_AVX512: usize = 16 * CHAINS;

    /// The state before the first step (RFC 1321, 3.3).
    const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    /// Bits of rotation, by round and by step within a group of four (RFC 1321, 3.4).
    const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    /// What each step adds: the integer part of 2^32 * |sin(step + 1)| (RFC 1321, 3.4).
    #[rustfmt::skip]
    const ADDENDS: [u32; 64] = [
        0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
        0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
        0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
        0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
        0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
        0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
        0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
        0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
    ];

    /// The vectors of this machine. A value is proof that the CPU has them: only [`Vectors::present`] makes one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Vectors(Kind);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Avx2,
        Avx512,
    }

    impl Vectors {
        pub(super) fn widest() -> Option<Self> {
            Self::present().next()
        }

        /// All kinds that this CPU has, the widest first.
        pub(super) fn present() -> impl Iterator<Item = Self> {
            let avx512 = (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
                .then_some(Self(Kind::Avx512));
            let avx2 = is_x86_feature_detected!("avx2").then_some(Self(Kind::Avx2));
            avx512.into_iter().chain(avx2)
        }

        #[allow(unsafe_code)]
        pub(super) fn upper_halves<'k>(
            self,
            keys: impl Iterator<Item = Key<'k>> + Clone,
            halves: &mut [u64],
        ) {
            match self.0 {
                // SAFETY: `upper_halves_avx2` asks only for AVX2, and `self` proves that the CPU has it.
                Kind::Avx2 => unsafe { upper_halves_avx2(keys, halves) },
                // SAFETY: `upper_halves_avx512` asks only for AVX-512 F and BW, and `self` proves that the CPU has them.
                Kind::Avx512 => unsafe { upper_halves_avx512(keys, halves) },
            }
        }
    }

    /// One padded block per lane, word by word. Aligned, since a vector across two cache lines loads slower.
    #[repr(align(64))]
    struct Blocks<const LANES: usize>([[u32; LANES]; 16]);

    /// The first half of the MD5 sums: two little-endian words per lane.
    type Sums<const LANES: usize> = [[u32; LANES]; 2];

    /// Keys that are all short go another way into the lanes, and the words that none of them has are left out.
    #[target_feature(enable = "avx2")]
    fn upper_halves_avx2<'k>(mut keys: impl Iterator<Item = Key<'k>> + Clone, halves: &mut [u64]) {
        for group in halves.chunks_mut(LANES_AVX2) {
            let mut after = keys.clone();
            if let Some(blocks) = short_blocks_avx2(after.by_ref().take(group.len())) {
                let mut sums = [[0; LANES_AVX2]; 2];
                digest::<_, SHORT_KEY_WORDS>(&blocks, &mut sums);
                write_halves(&sums, group);
                keys = after;
            } else {
                in_groups(keys.by_ref().take(group.len()), group, |keys, sums| {
                    let mut blocks = Blocks([[0; LANES_AVX2]; 16]);
                    for (lane, key) in keys.iter().enumerate() {
                        blocks.fill(lane, key);
                    }
                    digest::<_, KEY_WORDS_MAX>(&blocks, sums);
                });
            }
        }
    }

    /// As [`upper_halves_avx2`].
    #[target_feature(enable = "avx512f,avx512bw")]
    fn upper_halves_avx512<'k>(mut keys: impl Iterator<Item = Key<'k>> + Clone, halves: &mut [u64]) {
        for group in halves.chunks_mut(LANES_AVX512) {
            let mut after = keys.clone();
            if let Some(blocks) = short_blocks_avx512(after.by_ref().take(group.len())) {
                let mut sums = [[0; LANES_AVX512]; 2];
                digest::<_, SHORT_KEY_WORDS>(&blocks, &mut sums);
                write_halves(&sums, group);
                keys = after;
            } else {
                in_groups(keys.by_ref().take(group.len()), group, |keys, sums| digest_avx512(keys, sums));
            }
        }
    }

    /// As [`short_blocks_avx2`], two keys in each register.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn short_blocks_avx512<'k>(mut keys: impl Iterator<Item = Key<'k>>) -> Option<Blocks<LANES_AVX512>> {
        let mut blocks = Blocks([[0; LANES_AVX512]; 16]);
        for chain in 0..CHAINS {
            let mut rows = [_mm512_setzero_si512(); 8];
            for half in 0..2 {
                for (lane, row) in rows.iter_mut().enumerate() {
                    let Some(key) = keys.next() else { break };
                    let start = key.start as usize;
                    let padded = short_padded(key.text.get(start..start + 32)?.as_array()?, key.bytes)?;
                    *row = if half == 0 {
                        _mm512_zextsi256_si512(padded)
                    } else {
                        _mm512_inserti64x4::<1>(*row, padded)
                    };
                    blocks.0[LENGTH_WORD][16 * chain + 8 * half + lane] = 8 * key.bytes;
                }
            }
            for (place, word) in blocks.0.iter_mut().zip(transposed_in_halves(rows)) {
                store(word, &mut place.as_chunks_mut().0[chain]);
            }
        }
        Some(blocks)
    }

    /// Eight rows of twice eight words, turned: each word's first halves, then its second ones.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn transposed_in_halves(rows: [__m512i; 8]) -> [__m512i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let fours = |a, b, c, d| {
            let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let (low_2, high_2) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            [
                _mm512_unpacklo_epi64(low, low_2),
                _mm512_unpackhi_epi64(low, low_2),
                _mm512_unpacklo_epi64(high, high_2),
                _mm512_unpackhi_epi64(high, high_2),
            ]
        };
        let ([p, q, r, s], [t, u, v, w]) = (fours(a, b, c, d), fours(e, f, g, h));
        let even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        [
            _mm512_permutex2var_epi64(p, even, t),
            _mm512_permutex2var_epi64(q, even, u),
            _mm512_permutex2var_epi64(r, even, v),
            _mm512_permutex2var_epi64(s, even, w),
            _mm512_permutex2var_epi64(p, odd, t),
            _mm512_permutex2var_epi64(q, odd, u),
            _mm512_permutex2var_epi64(r, odd, v),
            _mm512_permutex2var_epi64(s, odd, w),
        ]
    }

    /// Up to `LANES_AVX2` keys, each padded in one register, eight registers turned at a time. `None` if one is not
    /// short, or at the very end of its memory. Of the words that a short key cannot have only the length is written.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn short_blocks_avx2<'k>(mut keys: impl Iterator<Item = Key<'k>>) -> Option<Blocks<LANES_AVX2>> {
        let mut blocks = Blocks([[0; LANES_AVX2]; 16]);
        for chain in 0..CHAINS {
            let mut rows = [_mm256_setzero_si256(); 8];
            for (lane, row) in rows.iter_mut().enumerate() {
                let Some(key) = keys.next() else { break };
                let start = key.start as usize;
                *row = short_padded(key.text.get(start..start + 32)?.as_array()?, key.bytes)?;
                blocks.0[LENGTH_WORD][8 * chain + lane] = 8 * key.bytes;
            }
            for (place, word) in blocks.0.iter_mut().zip(transposed_avx2(rows)) {
                store_avx2(word, &mut place.as_chunks_mut().0[chain]);
            }
        }
        Some(blocks)
    }

    /// A key and its end mark, then zeros. `None` if it is not short.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn short_padded(text: &[u8; 32], key_bytes: u32) -> Option<__m256i> {
        /// From the 32nd byte before its middle on, less the key's length: ones for the key, then zeros.
        static KEPT: [u8; 64] = {
            let mut kept = [0; 64];
            let mut byte = 0;
            while byte < 32 {
                kept[byte] = 0xff;
                byte += 1;
            }
            kept
        };
        /// The same for the end mark.
        static MARKED: [u8; 64] = {
            let mut marked = [0; 64];
            marked[32] = END_MARK;
            marked
        };
        if key_bytes > SHORT_KEY_BYTES_MAX {
            return None;
        }
        let from = |table: &'static [u8; 64]| table[32 - key_bytes as usize..].first_chunk();
        // SAFETY: 32 bytes are read, and each array has 32; no alignment is asked for.
        let load = |bytes: &[u8; 32]| unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        Some(_mm256_or_si256(_mm256_and_si256(load(text), load(from(&KEPT)?)), load(from(&MARKED)?)))
    }

    /// Eight rows of eight words, turned: pairs of words, pairs of pairs, then halves of registers.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn transposed_avx2(rows: [__m256i; 8]) -> [__m256i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let fours = |a, b, c, d| {
            let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
            let (low_2, high_2) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
            [
                _mm256_unpacklo_epi64(low, low_2),
                _mm256_unpackhi_epi64(low, low_2),
                _mm256_unpacklo_epi64(high, high_2),
                _mm256_unpackhi_epi64(high, high_2),
            ]
        };
        // Words 0 to 3 in the lower halves, 4 to 7 in the upper ones.
        let ([p, q, r, s], [t, u, v, w]) = (fours(a, b, c, d), fours(e, f, g, h));
        const LOWER: i32 = 0x20;
        const UPPER: i32 = 0x31;
        [
            _mm256_permute2x128_si256::<LOWER>(p, t),
            _mm256_permute2x128_si256::<LOWER>(q, u),
            _mm256_permute2x128_si256::<LOWER>(r, v),
            _mm256_permute2x128_si256::<LOWER>(s, w),
            _mm256_permute2x128_si256::<UPPER>(p, t),
            _mm256_permute2x128_si256::<UPPER>(q, u),
            _mm256_permute2x128_si256::<UPPER>(r, v),
            _mm256_permute2x128_si256::<UPPER>(s, w),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn store_avx2(word: __m256i, place: &mut [u32; 8]) {
        // SAFETY: 32 bytes are written, and the array has 32; no alignment is asked for.
        unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), word) };
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn digest_avx512(keys: &[&[u8]; LANES_AVX512], sums: &mut Sums<LANES_AVX512>) {
        let mut blocks = Blocks([[0; LANES_AVX512]; 16]);
        let (groups, _) = keys.as_chunks();
        for (number, keys) in groups.iter().enumerate() {
            let words = transposed(keys.map(|key| padded(key)));
            for (place, word) in blocks.0.iter_mut().zip(words) {
                store(word, &mut place.as_chunks_mut().0[number]);
            }
        }
        digest::<_, KEY_WORDS_MAX>(&blocks, sums);
    }

    /// A key as one block, in one register: read as far as it goes, then the end mark and the length.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    #[allow(unsafe_code)]
    fn padded(key: &[u8]) -> __m512i {
        let end = 1_u64 << key.len().min(KEY_BYTES_MAX);
        // SAFETY: only bytes whose bit is set are read: those below the key's length.
        let bytes = unsafe { _mm512_maskz_loadu_epi8(end - 1, key.as_ptr().cast()) };
        let marked = _mm512_mask_mov_epi8(bytes, end, _mm512_set1_epi8(END_MARK.cast_signed()));
        #[allow(clippy::cast_possible_truncation, reason = "at most 440 bits")]
        let bits = _mm512_set1_epi32(8 * key.len() as i32);
        _mm512_mask_mov_epi32(marked, 1 << LENGTH_WORD, bits)
    }

    /// Sixteen rows of sixteen words, turned: pairs of words, pairs of pairs, then quarters of registers twice.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn transposed(rows: [__m512i; 16]) -> [__m512i; 16] {
        let mut pairs = rows;
        for (pair, rows) in pairs.as_chunks_mut().0.iter_mut().zip(rows.as_chunks::<2>().0) {
            *pair = [_mm512_unpacklo_epi32(rows[0], rows[1]), _mm512_unpackhi_epi32(rows[0], rows[1])];
        }
        // Of four rows each: word 0, 1, 2, 3 of each quarter.
        let mut fours = pairs;
        for (four, pairs) in fours.as_chunks_mut().0.iter_mut().zip(pairs.as_chunks::<4>().0) {
            *four = [
                _mm512_unpacklo_epi64(pairs[0], pairs[2]),
                _mm512_unpackhi_epi64(pairs[0], pairs[2]),
                _mm512_unpacklo_epi64(pairs[1], pairs[3]),
                _mm512_unpackhi_epi64(pairs[1], pairs[3]),
            ];
        }
        // Quarters 0 and 2, and 1 and 3, of two registers.
        const EVEN: i32 = 0x88;
        const ODD: i32 = 0xdd;
        let mut words = fours;
        for word in 0..4 {
            let [a, b, c, d] = [0, 4, 8, 12].map(|first| fours[first + word]);
            let (even, even_2) = (_mm512_shuffle_i32x4::<EVEN>(a, b), _mm512_shuffle_i32x4::<EVEN>(c, d));
            let (odd, odd_2) = (_mm512_shuffle_i32x4::<ODD>(a, b), _mm512_shuffle_i32x4::<ODD>(c, d));
            words[word] = _mm512_shuffle_i32x4::<EVEN>(even, even_2);
            words[4 + word] = _mm512_shuffle_i32x4::<EVEN>(odd, odd_2);
            words[8 + word] = _mm512_shuffle_i32x4::<ODD>(even, even_2);
            words[12 + word] = _mm512_shuffle_i32x4::<ODD>(odd, odd_2);
        }
        words
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    #[allow(unsafe_code)]
    fn store(word: __m512i, place: &mut [u32; 16]) {
        // SAFETY: 64 bytes are written, and the array has 64; no alignment is asked for.
        unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), word) };
    }

    /// Hashes `LANES` keys at a time; the last group may have idle lanes.
    fn in_groups<'k, const LANES: usize>(
        mut keys: impl Iterator<Item = Key<'k>>,
        halves: &mut [u64],
        digest: impl Fn(&[&[u8]; LANES], &mut Sums<LANES>),
    ) {
        for group in halves.chunks_mut(LANES) {
            let mut lanes: [&[u8]; LANES] = [&[]; LANES];
            let mut long = None;
            for (lane, key) in keys.by_ref().take(group.len()).enumerate() {
                let key = key.as_bytes();
                if key.len() <= KEY_BYTES_MAX {
                    lanes[lane] = key;
                } else {
                    long.get_or_insert([None; LANES])[lane] = Some(key);
                }
            }
            let mut sums = [[0; LANES]; 2];
            digest(&lanes, &mut sums);
            write_halves(&sums, group);
            for (half, key) in group.iter_mut().zip(long.iter().flatten()) {
                if let Some(key) = key {
                    *half = HashKey::of_partition_key(key).upper_half();
                }
            }
        }
    }

    /// The first half of an MD5 sum is the upper half of a hash key, which is read big-endian.
    #[inline(always)]
    fn write_halves<const LANES: usize>(sums: &Sums<LANES>, halves: &mut [u64]) {
        let half = |lane: usize| {
            let [first, second] = [sums[0][lane], sums[1][lane]].map(|sum: u32| u64::from(sum.swap_bytes()));
            first << 32 | second
        };
        // Of all lanes: a loop that the compiler can turn into vectors.
        if let Some(halves) = halves.first_chunk_mut::<LANES>() {
            *halves = std::array::from_fn(half);
            return;
        }
        for (lane, place) in halves.iter_mut().enumerate() {
            *place = half(lane);
        }
    }

    impl<const LANES: usize> Blocks<LANES> {
        /// Pads a key into an empty lane.
        fn fill(&mut self, lane: usize, key: &[u8]) {
            let (words, rest) = key.as_chunks::<4>();
            for (place, word) in self.0.iter_mut().zip(words) {
                place[lane] = u32::from_le_bytes(*word);
            }
            let rest_bits = 8 * rest.len();
            // The rest by a shift of the last four bytes: no branch on a length that differs from key to key.
            let rest = match key.last_chunk::<4>() {
                Some(last) => (u64::from(u32::from_le_bytes(*last)) << rest_bits) >> u32::BITS,
                None => rest.iter().rev().fold(0, |rest, byte| (rest << 8) | u64::from(*byte)),
            };
            #[allow(clippy::cast_possible_truncation, reason = "at most three bytes, and at most 440 bits")]
            let (rest, key_bits) = (rest as u32, 8 * key.len() as u32);
            self.0[words.len()][lane] = rest | (u32::from(END_MARK) << rest_bits);
            self.0[LENGTH_WORD][lane] = key_bits;
        }
    }

    /// MD5 of one block per lane, in which words from `KEY_WORDS` on are zero but for the length.
    ///
    /// Always inlined, so that it is compiled for the CPU of the function around it. The steps are written out,
    /// the lanes are the loop and the chains are counted, since in this form the compiler finds whole vectors. With
    /// the steps as the loop, or iterators over the chains, it finds none and hashing takes four times as long
    /// (`route_500_records` in the benches shows it).
    #[inline(always)]
    fn digest<const LANES: usize, const KEY_WORDS: usize>(
        Blocks(words): &Blocks<LANES>,
        sums: &mut Sums<LANES>,
    ) {
        let chain_lanes = LANES / CHAINS;
        for lane in 0..chain_lanes {
            let mut states = [START; CHAINS];
            macro_rules! steps {
                ($first:literal: $($offset:literal)*) => {$(
                    const { assert!($first + $offset < ADDENDS.len()) };
                    for chain in 0..CHAINS {
                        let number = const { word_of($first + $offset) };
                        let is_zero = number >= KEY_WORDS && number != LENGTH_WORD;
                        let word = if is_zero { 0 } else { words[number][lane + chain * chain_lanes] };
                        states[chain] = step($first + $offset, states[chain], word);
                    }
                )*};
            }
            steps!(0: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            steps!(16: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            steps!(32: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            steps!(48: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            for chain in 0..CHAINS {
                for (number, start) in START[..2].iter().enumerate() {
                    sums[number][lane + chain * chain_lanes] = states[chain][number].wrapping_add(*start);
                }
            }
        }
    }

    /// The word of the block that a step reads.
    const fn word_of(step: usize) -> usize {
        match step / 16 {
            0 => step,
            1 => (5 * step + 1) % 16,
            2 => (3 * step + 5) % 16,
            _ => 7 * step % 16,
        }
    }

    #[inline(always)]
    fn step(number: usize, [a, b, c, d]: [u32; 4], word: u32) -> [u32; 4] {
        let sum = a.wrapping_add(ADDENDS[number]).wrapping_add(word);
        let sum = match number / 16 {
            0 => sum.wrapping_add(d ^ (b & (c ^ d))),
            1 => sum.wrapping_add((d & b) | (!d & c)),
            // Each second step finds what the one before it has of this.
            2 if number.is_multiple_of(2) => sum.wrapping_add((b ^ c) ^ d),
            2 => sum.wrapping_add(b ^ (c ^ d)),
            // To add c ^ (b | !d) is to take away what it is not, and one.
            _ => sum.wrapping_sub(c ^ (!b & d)).wrapping_sub(1),
        };
        [d, b.wrapping_add(sum.rotate_left(ROTATIONS[number / 16][number % 4])), b, c]
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every key by every way that this machine has, compared with the md-5 crate; followed by nothing and by much.
    fn check(keys: &[Vec<u8>]) {
        let expected: Vec<_> = keys.iter().map(|key| HashKey::of_partition_key(key).upper_half()).collect();
        let followed: Vec<_> = keys.iter().map(|key| [b"before", &**key, &[0xee; 40]].concat()).collect();
        for (texts, start) in [(keys, 0), (&followed, 6)] {
            let bytes = |key: &Vec<u8>| u32::try_from(key.len()).unwrap();
            let keys = keys.iter().zip(texts).map(|(key, text)| Key { text, start, bytes: bytes(key) });
            let mut found = vec![0; expected.len()];
            upper_halves(keys.clone(), &mut found);
            assert_eq!(found, expected);
            #[cfg(target_arch = "x86_64")]
            for vectors in x86::Vectors::present() {
                found.fill(0);
                vectors.upper_halves(keys.clone(), &mut found);
                assert_eq!(found, expected, "{vectors:?}");
            }
        }
    }

    /// Protects: padding at every length, the last within one block and the first beyond it among them.
    #[test]
    fn every_length() {
        let key =
            |length: usize| (0..length).map(|at| u8::try_from((at * 7 + length) % 256).unwrap()).collect();
        check(&(0..=200).map(key).collect::<Vec<_>>());
        for length in 0..=200 {
            // Alone among equals: no lane's padding rests on its neighbours' lengths.
            check(&vec![key(length); 33]);
        }
    }

    /// Protects: groups that are not full, empty ones too, and keys written to their own places.
    #[test]
    fn every_count() {
        for count in 0..=100 {
            check(
                &(0..count).map(|number| format!("partition-key-{number}").into_bytes()).collect::<Vec<_>>(),
            );
        }
    }

    proptest! {
        /// Protects: any mix of lengths and bytes, with long keys falling out of their groups.
        #[test]
        fn any_batch(keys in prop::collection::vec(
            prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..=55), 1 => prop::collection::vec(any::<u8>(), 56..=200)],
            0..150,
        )) {
            check(&keys);
        }
    }
}
