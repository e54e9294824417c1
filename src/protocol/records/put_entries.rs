//! The entries of a share in the reply to PutRecords, in vectors.
//!
//! Gains: 40 instructions per entry instead of 109. What the entries of a share have in common stays in registers, and
//! so do the digits that differ. Steps aside where there is no AVX2, and at the number in a hundred million at which
//! more digits change than stand in a vector; `put_reply.rs` has the twin.
//!
//! What is `unsafe` is the call of a function compiled for a CPU that was asked for first, and loads and stores of
//! whole vectors.

use super::put_reply::Entry;

/// Copies the entry to the places with these numbers and fills in the sequence numbers, each one more than the one
/// before it, the first one more than that of `entry`. Gives how many were written, from the first.
#[inline]
#[allow(unsafe_code)]
pub(super) fn write<E: Entry<BYTES>, const BYTES: usize>(
    entry: &[u8; BYTES],
    numbers: &[u16],
    places: &mut [[u8; BYTES]],
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: asks only for AVX2, which the CPU has.
        return unsafe { x86::write::<E, BYTES>(entry, numbers, places) };
    }
    0
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use crate::names::SequenceNumber;
    use crate::names::sequence_vectors::{self, LastDigits};

    use super::Entry;

    /// Bytes of a vector.
    const WIDTH: usize = 32;

    #[target_feature(enable = "avx2")]
    pub(super) fn write<E: Entry<BYTES>, const BYTES: usize>(
        entry: &[u8; BYTES],
        numbers: &[u16],
        places: &mut [[u8; BYTES]],
    ) -> usize {
        let digits_at = const { E::NUMBER_AT + sequence_vectors::AT };
        // Vectors that cover all but the digits; they overlap where that is no multiple of their width.
        let starts = const {
            let digits_at = E::NUMBER_AT + sequence_vectors::AT;
            let (behind, last) = (digits_at + sequence_vectors::DIGITS, BYTES - WIDTH);
            assert!(
                WIDTH <= digits_at && digits_at <= 2 * WIDTH && behind <= BYTES && last <= behind + WIDTH
            );
            [0, digits_at - WIDTH, if behind < last { behind } else { last }, last]
        };
        let Some(number) = entry[E::NUMBER_AT..].first_chunk::<{ SequenceNumber::TEXT_BYTES }>() else {
            return 0;
        };
        let mut digits = LastDigits::of(number);
        let parts = starts.map(|start| load(&entry[start..]));
        for (written, number) in numbers.iter().enumerate() {
            let place = &mut places[usize::from(*number)];
            for (part, start) in parts.into_iter().zip(starts) {
                store(part, &mut place[start..]);
            }
            let goes_on =
                place[digits_at..].first_chunk_mut().is_some_and(|place| digits.advance_into(place));
            if !goes_on {
                return written;
            }
        }
        numbers.len()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn load(bytes: &[u8]) -> __m256i {
        let bytes = &bytes[..WIDTH];
        // SAFETY: as many bytes are read as the slice has; no alignment is asked for.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    fn store(vector: __m256i, bytes: &mut [u8]) {
        let bytes = &mut bytes[..WIDTH];
        // SAFETY: as many bytes are written as the slice has; no alignment is asked for.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) };
    }
}
