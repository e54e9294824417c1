//! Asking for memory before it is used.

/// Asks the processor to fetch what is at an address, in order to write to it soon. A hint: whatever the address is,
/// nothing is read, written or faulted. Does nothing where the processor is not known.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn fetch_to_write(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is a hint that cannot fault and changes no state of the program.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(std::ptr::without_provenance(address));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
