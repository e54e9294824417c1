//! The primitives as they are in a server.

use std::sync::Arc;

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// A shared pointer that readers load without waiting and one writer replaces.
pub(crate) struct Swap<T>(arc_swap::ArcSwapOption<T>);

impl<T> Swap<T> {
    /// Nothing stored yet; takes no memory of its own.
    pub(crate) const fn empty() -> Self {
        Self(arc_swap::ArcSwapOption::const_empty())
    }

    /// What was stored last. Acquires everything that happened before that store.
    pub(crate) fn load(&self) -> Option<Arc<T>> {
        self.0.load_full()
    }

    /// Replaces the pointer. Releases everything that happened before to whoever loads it.
    pub(crate) fn store(&self, value: Arc<T>) {
        self.0.store(Some(value));
    }
}

/// A cell whose owner is decided by a protocol and not by the borrow checker.
pub(crate) struct ProtocolCell<T>(std::cell::UnsafeCell<T>);

impl<T> ProtocolCell<T> {
    /// Wraps a value.
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Hands out the pointer for exclusive use inside `f`.
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
