//! Eight decimal digits at a time, for numbers that are written once per record.

/// One more than the largest number of eight digits.
pub(super) const BASE: u32 = 100_000_000;

/// The ASCII digits of `number`, zero padded; `number` is below [`BASE`].
///
/// Three multiplications work on all digits at once: halves of four digits in 32-bit lanes, pairs in 16-bit lanes,
/// digits in bytes. Each lane's quotient is exact for its range and the masks drop what leaks in from above.
pub(super) const fn eight_digits(number: u32) -> [u8; 8] {
    debug_assert!(number < BASE);
    let halves = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | (halves - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = tens | (pairs - tens * 10) << 8;
    (digits + 0x3030_3030_3030_3030).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lanes see every value of four digits in both halves, and the edges.
    #[test]
    fn digits_are_those_of_the_formatter() {
        let lanes = (0..10_000).flat_map(|half| [half, half * 10_000 + 9_999, half * 10_000]);
        for number in lanes.chain((0..BASE).step_by(9_973)).chain([BASE - 1]) {
            assert_eq!(eight_digits(number), *format!("{number:08}").as_bytes());
        }
    }
}
