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
//! Only the way of the keys into the lanes has them, with AVX-512: read by mask, turned in registers. What is `unsafe`
//! is the call of a function compiled for a CPU that was asked for first, that masked read, and a store.

use super::HashKey;

/// Writes the upper half of the hash key of each partition key to its place; there are as many of the one as of the
/// other. The upper half is all that it takes to tell shards apart, but for a key at the very edge of one.
pub(crate) fn upper_halves<'k>(keys: impl Iterator<Item = &'k [u8]>, halves: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = x86::Vectors::widest() {
        vectors.upper_halves(keys, halves);
        return;
    }
    for (key, half) in keys.zip(halves) {
        *half = HashKey::of_partition_key(key).upper_half();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::HashKey;

    /// Bytes of the longest key that leaves room in one block of 64 for the end mark and the length.
    const KEY_BYTES_MAX: usize = 55;
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
        pub(super) fn upper_halves<'k>(self, keys: impl Iterator<Item = &'k [u8]>, halves: &mut [u64]) {
            match self.0 {
                Kind::Avx2 => in_groups(keys, halves, |keys, sums| {
                    // SAFETY: `digest_avx2` asks only for AVX2, and `self` proves that the CPU has it.
                    unsafe { digest_avx2(keys, sums) }
                }),
                Kind::Avx512 => in_groups(keys, halves, |keys, sums| {
                    // SAFETY: `digest_avx512` asks only for AVX-512 F and BW, and `self` proves that the CPU has them.
                    unsafe { digest_avx512(keys, sums) }
                }),
            }
        }
    }

    /// One padded block per lane, word by word. Aligned, since a vector across two cache lines loads slower.
    #[repr(align(64))]
    struct Blocks<const LANES: usize>([[u32; LANES]; 16]);

    /// The first half of the MD5 sums: two little-endian words per lane.
    type Sums<const LANES: usize> = [[u32; LANES]; 2];

    #[target_feature(enable = "avx2")]
    fn digest_avx2(keys: &[&[u8]; LANES_AVX2], sums: &mut Sums<LANES_AVX2>) {
        let mut blocks = Blocks([[0; LANES_AVX2]; 16]);
        for (lane, key) in keys.iter().enumerate() {
            blocks.fill(lane, key);
        }
        digest(&blocks, sums);
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
        digest(&blocks, sums);
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
        mut keys: impl Iterator<Item = &'k [u8]>,
        halves: &mut [u64],
        digest: impl Fn(&[&[u8]; LANES], &mut Sums<LANES>),
    ) {
        for group in halves.chunks_mut(LANES) {
            let mut lanes: [&[u8]; LANES] = [&[]; LANES];
            let mut long = None;
            for (lane, key) in keys.by_ref().take(group.len()).enumerate() {
                if key.len() <= KEY_BYTES_MAX {
                    lanes[lane] = key;
                } else {
                    long.get_or_insert([None; LANES])[lane] = Some(key);
                }
            }
            let mut sums = [[0; LANES]; 2];
            digest(&lanes, &mut sums);
            for (lane, half) in group.iter_mut().enumerate() {
                let [first, second] =
                    [sums[0][lane], sums[1][lane]].map(|sum: u32| u64::from(sum.swap_bytes()));
                *half = first << 32 | second;
            }
            for (half, key) in group.iter_mut().zip(long.iter().flatten()) {
                if let Some(key) = key {
                    *half = HashKey::of_partition_key(key).upper_half();
                }
            }
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

    /// MD5 of one block per lane.
    ///
    /// Always inlined, so that it is compiled for the CPU of the function around it. The steps are written out,
    /// the lanes are the loop and the chains are counted, since in this form the compiler finds whole vectors. With
    /// the steps as the loop, or iterators over the chains, it finds none and hashing takes four times as long
    /// (`route_500_records` in the benches shows it).
    #[inline(always)]
    fn digest<const LANES: usize>(Blocks(words): &Blocks<LANES>, sums: &mut Sums<LANES>) {
        let chain_lanes = LANES / CHAINS;
        for lane in 0..chain_lanes {
            let mut states = [START; CHAINS];
            macro_rules! steps {
                ($first:literal: $($offset:literal)*) => {$(
                    const { assert!($first + $offset < ADDENDS.len()) };
                    for chain in 0..CHAINS {
                        let word = words[const { word_of($first + $offset) }][lane + chain * chain_lanes];
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
        let mixed = match number / 16 {
            0 => d ^ (b & (c ^ d)),
            1 => (d & b) | (!d & c),
            2 => b ^ (c ^ d),
            _ => c ^ (b | !d),
        };
        let sum = a.wrapping_add(ADDENDS[number]).wrapping_add(word).wrapping_add(mixed);
        [d, b.wrapping_add(sum.rotate_left(ROTATIONS[number / 16][number % 4])), b, c]
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every key by every way that this machine has, compared with the md-5 crate.
    fn check(keys: &[Vec<u8>]) {
        let expected: Vec<_> = keys.iter().map(|key| HashKey::of_partition_key(key).upper_half()).collect();
        let mut found = vec![0; keys.len()];
        upper_halves(keys.iter().map(Vec::as_slice), &mut found);
        assert_eq!(found, expected);
        #[cfg(target_arch = "x86_64")]
        for vectors in x86::Vectors::present() {
            found.fill(0);
            vectors.upper_halves(keys.iter().map(Vec::as_slice), &mut found);
            assert_eq!(found, expected, "{vectors:?}");
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
