//! The server's allocator, which counts what it is asked for on a thread while a service is polled there.
//!
//! Counting is off but inside of [`Tallied`], so client, clock and housekeeping do not count. A reallocation counts as
//! an allocation, whether or not it moves.

#![allow(
    unsafe_code,
    reason = "an allocator can be written in no other way; each call is handed on as it came"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use mimalloc::MiMalloc;

use crate::counted::Served;

/// The allocator of the server's program, with a count.
pub(crate) struct Counting;

/// Allocations so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

thread_local! {
    // Without a destructor and with constant values: to use them allocates nothing, also at a thread's end.
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    static TALLY: Cell<Tally> = const { Cell::new(Tally { allocations: 0, bytes: 0 }) };
}

impl Tally {
    /// All that was counted on this thread.
    pub(crate) fn now() -> Self {
        TALLY.get()
    }

    /// What was counted since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { allocations: self.allocations - earlier.allocations, bytes: self.bytes - earlier.bytes }
    }
}

fn count(bytes: usize) {
    if COUNTS.get() {
        let Tally { allocations, bytes: before } = TALLY.get();
        TALLY.set(Tally { allocations: allocations + 1, bytes: before + bytes as u64 });
    }
}

// SAFETY: every method hands its arguments on to MiMalloc and its result back; what a caller promises to one holds for
// the other. Counting touches neither and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise about `layout`.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise about `layout`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise that `block` came from here, and so from MiMalloc, with this layout.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        // SAFETY: as above, and the caller's promise about the new size.
        unsafe { MiMalloc.realloc(block, layout, bytes) }
    }
}

/// A service whose allocations count.
pub(crate) struct Tallied(pub(crate) Served);

impl Future for Tallied {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        COUNTS.set(true);
        let polled = self.get_mut().0.as_mut().poll(context);
        COUNTS.set(false);
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Protects: a service's own allocations count, each once, and nobody else's.
    #[test]
    fn only_what_is_polled_counts() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let before = Tally::now();
        let mut block: Vec<u8> = Vec::new();
        runtime.block_on(async {
            block.reserve_exact(10);
            Tallied(Box::pin(async {
                let mut grown: Vec<u8> = Vec::with_capacity(100);
                // Not tokio's own, which allocates.
                let mut yielded = false;
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                grown.reserve_exact(1000);
                drop(grown);
            }))
            .await;
            block.reserve_exact(20);
        });
        assert_eq!(Tally::now().since(before), Tally { allocations: 2, bytes: 1100 });
    }
}
