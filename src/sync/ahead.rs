//! Asking for memory before it is used.

/// Asks the processor to fetch what is at an address. A hint: whatever the address is, nothing is read, written or
/// faulted. Does nothing where the processor is not known.
///
/// To the cache's second level: of the requests for the first the processor has two dozen places, and who asks for
/// more than that waits for them (measured: an append over 1000 shards takes a tenth more with the other hint).
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn fetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is a hint that cannot fault and changes no state of the program.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(std::ptr::without_provenance(address));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
