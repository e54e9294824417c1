//! The primitives under the model checker: same faces, every access checked.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicUsize;

pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// Stores that one model may make; loom explores small histories.
const STORES_MAX: usize = 8;

/// Stand-in for arc-swap: slots that are written once, and an index published with Release.
pub(crate) struct Swap<T> {
    slots: Vec<UnsafeCell<Option<Arc<T>>>>,
    index: AtomicUsize,
    /// The writer's own count of stores. Not a modelled access: loom remembers only the last access of an
    /// atomic, so a load by the writer just before its store would hide the readers' loads from it.
    stores: std::sync::atomic::AtomicUsize,
}

// SAFETY: a slot is written before the index names it and never again; loom checks that claim on every run.
#[allow(unsafe_code)]
unsafe impl<T: Send + Sync> Sync for Swap<T> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<T: Send + Sync> Send for Swap<T> {}

impl<T> Swap<T> {
    pub(crate) fn empty() -> Self {
        Self {
            slots: (0..=STORES_MAX).map(|_| UnsafeCell::new(None)).collect(),
            index: AtomicUsize::new(0),
            stores: 0.into(),
        }
    }

    #[allow(unsafe_code)]
    pub(crate) fn load(&self) -> Option<Arc<T>> {
        let index = self.index.load(Ordering::Acquire);
        // SAFETY: the slot was written before the index that names it was released.
        self.slots[index].with(|slot| unsafe { (*slot).clone() })
    }

    #[allow(unsafe_code)]
    pub(crate) fn store(&self, value: Arc<T>) {
        let index = self.stores.fetch_add(1, Ordering::Relaxed) + 1;
        // SAFETY: one writer at a time, and no reader knows this slot yet.
        self.slots[index].with_mut(|slot| unsafe { *slot = Some(value) });
        self.index.store(index, Ordering::Release);
    }
}

/// loom's checked cell under our name.
pub(crate) struct ProtocolCell<T>(UnsafeCell<T>);

impl<T> ProtocolCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }
}

/// Runs a model under every interleaving with at most three preemptions.
///
/// A model in which loom sees nothing to reorder passes at once and proves nothing, so a handful of runs is
/// a failure.
#[cfg(test)]
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let runs = runs.load(Ordering::Relaxed);
    println!("{runs} interleavings");
    assert!(runs >= 50, "only {runs} interleavings: the model does not race");
}
