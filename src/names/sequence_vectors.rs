//! The changing digits of consecutive sequence numbers, all of them in one vector.
//!
//! Gains: 21 instructions per number instead of the 48 of [`SequenceWriter`](super::SequenceWriter), which is the
//! twin. Steps aside where there is no AVX2, and at the number in a hundred million at which a digit changes before
//! those in the vector.
//!
//! What is `unsafe` is a load and a store of a whole vector.

use std::arch::x86_64::*;

use super::SequenceNumber;

/// Digits in a vector.
pub(crate) const DIGITS: usize = 32;

/// Where they stand in the text of a number.
pub(crate) const AT: usize = SequenceNumber::TEXT_BYTES - DIGITS;

/// The last digits of a sequence number.
pub(crate) struct LastDigits {
    /// One per byte, not as text, the lowest first.
    digits: __m256i,
    /// The weight of one in the counter, 2^80, alike.
    step: __m256i,
}

impl LastDigits {
    /// Those of the number with this text.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn of(text: &[u8; SequenceNumber::TEXT_BYTES]) -> Self {
        const STEP: [u8; DIGITS] = *b"00000001208925819614629174706176";
        let (_, last) = text.split_at(AT);
        let digits = |text: &[u8; DIGITS]| _mm256_sub_epi8(reversed(load(text)), _mm256_set1_epi8(ZERO));
        Self { digits: digits(last.first_chunk().unwrap_or(&[b'0'; DIGITS])), step: digits(&STEP) }
    }

    /// Moves on to the next counter of the same shard and time, and writes the digits. `false` if a digit before them
    /// changes as well; then these are of no more use.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    pub(crate) fn advance_into(&mut self, place: &mut [u8; DIGITS]) -> bool {
        let sums = _mm256_add_epi8(self.digits, self.step);
        let bits = |test| u64::from(_mm256_movemask_epi8(test).cast_unsigned());
        let nine = _mm256_set1_epi8(9);
        let (nines, carry) = (bits(_mm256_cmpeq_epi8(sums, nine)), bits(_mm256_cmpgt_epi8(sums, nine)));
        // A carry is added to the digit after it and runs through nines, as it does through ones of a binary number:
        // each bit that the sum changes is a digit with a carry to it.
        let carried = (nines + (carry << 1)) ^ nines;
        let sums = _mm256_sub_epi8(sums, spread(carried));
        // Less ten where that is not below zero, which is above all as an unsigned number.
        self.digits = _mm256_min_epu8(sums, _mm256_sub_epi8(sums, _mm256_set1_epi8(10)));
        let text = reversed(_mm256_add_epi8(self.digits, _mm256_set1_epi8(ZERO)));
        // SAFETY: 32 bytes are written, and the array has 32; no alignment is asked for.
        unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), text) };
        carried >> DIGITS == 0
    }
}

const ZERO: i8 = b'0'.cast_signed();

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
fn load(bytes: &[u8; DIGITS]) -> __m256i {
    // SAFETY: 32 bytes are read, and the array has 32; no alignment is asked for.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The last byte first.
#[inline]
#[target_feature(enable = "avx2")]
fn reversed(bytes: __m256i) -> __m256i {
    /// The second half before the first.
    const HALVES_SWAPPED: i32 = 0b01_00_11_10;
    let order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    _mm256_permute4x64_epi64::<HALVES_SWAPPED>(_mm256_shuffle_epi8(bytes, order))
}

/// All ones in each byte whose bit is set.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(bits: u64) -> __m256i {
    #[allow(clippy::cast_possible_truncation, reason = "a bit for each byte of a vector")]
    let all = _mm256_set1_epi32((bits as u32).cast_signed());
    let byte_of_each = _mm256_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
    );
    let bit_of_each = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(all, byte_of_each), bit_of_each), bit_of_each)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SequenceWriter;
    use super::super::sequence_writer::tests::any_text;
    use super::*;

    #[target_feature(enable = "avx2")]
    fn steps_are_those_of_the_twin(text: [u8; SequenceNumber::TEXT_BYTES]) {
        let (mut digits, mut twin) = (LastDigits::of(&text), SequenceWriter::of_text(&text));
        for _ in 0..100 {
            let (mut expected, mut found) = ([0; SequenceNumber::TEXT_BYTES], text);
            twin.advance_into(&mut expected);
            let goes_on = digits.advance_into(found.last_chunk_mut().unwrap());
            let (first, last) = expected.split_at(AT);
            assert_eq!((&found[AT..], goes_on), (last, *first == text[..AT]));
            if !goes_on {
                break;
            }
        }
    }

    proptest! {
        /// Protects: the digits of every number, long runs of nines too, and the word that says when to stop.
        #[test]
        #[allow(unsafe_code)]
        fn digits_are_those_of_the_twin(text in any_text()) {
            if is_x86_feature_detected!("avx2") {
                // SAFETY: asks only for AVX2, which the CPU has.
                unsafe { steps_are_those_of_the_twin(text) };
            }
        }
    }
}
