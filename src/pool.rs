//! Buffers that are used again: a few per thread and kind, so that steady work allocates none.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Buffers of one kind that a thread keeps.
const KEPT_MAX: usize = 16;

/// Bytes of one kind that a thread keeps, so that outliers are not paid for ever.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// A kind of buffer with a pool of its own.
pub(crate) trait Reused: Default + 'static {
    /// The pool of each thread.
    fn pool() -> &'static LocalKey<Pool<Self>>;

    /// Bytes that it holds on to.
    fn kept_bytes(&self) -> usize;

    /// Makes it ready for its next use.
    fn renew(&mut self);
}

/// What a thread keeps of one kind.
pub(crate) struct Pool<T> {
    kept: RefCell<Vec<T>>,
}

impl<T> Pool<T> {
    /// An empty pool.
    pub(crate) const fn new() -> Self {
        Self { kept: RefCell::new(Vec::new()) }
    }
}

/// A buffer that returns to the pool of whichever thread drops it.
#[derive(Debug)]
pub(crate) struct Pooled<T: Reused>(T);

impl<T: Reused> Pooled<T> {
    /// A buffer that has not been in the pool.
    pub(crate) const fn of(buffer: T) -> Self {
        Self(buffer)
    }

    /// A renewed buffer, with whatever room its last use has left.
    pub(crate) fn take() -> Self {
        Self(T::pool().with(|pool| pool.kept.borrow_mut().pop()).unwrap_or_default())
    }
}

impl<T: Reused> Default for Pooled<T> {
    /// A buffer without any room, without a look at the pool.
    fn default() -> Self {
        Self(T::default())
    }
}

impl<T: Reused + Clone> Clone for Pooled<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Reused> Deref for Pooled<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Reused> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Reused> Drop for Pooled<T> {
    fn drop(&mut self) {
        let bytes = self.0.kept_bytes();
        if bytes == 0 || bytes > KEPT_BYTES_MAX {
            return;
        }
        // A thread that is ending has no pool any more; the buffer just goes.
        let _ = T::pool().try_with(|pool| {
            let Ok(mut kept) = pool.kept.try_borrow_mut() else { return };
            let total: usize = kept.iter().map(Reused::kept_bytes).sum();
            if kept.len() < KEPT_MAX && total + bytes <= KEPT_BYTES_MAX {
                self.0.renew();
                kept.push(std::mem::take(&mut self.0));
            }
        });
    }
}

/// Bytes, empty when taken.
pub(crate) type PooledBytes = Pooled<Vec<u8>>;

thread_local! {
    static BYTES: Pool<Vec<u8>> = const { Pool::new() };
}

impl Reused for Vec<u8> {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &BYTES
    }

    fn kept_bytes(&self) -> usize {
        self.capacity()
    }

    fn renew(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a buffer comes back empty with its capacity; outliers do not come back.
    #[test]
    fn buffers_return_unless_they_are_large() {
        let mut buffer = PooledBytes::take();
        buffer.extend_from_slice(&[1; 1000]);
        let address = buffer.as_ptr();
        drop(buffer);
        let again = PooledBytes::take();
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        let mut large: Vec<_> = (0..2).map(|_| PooledBytes::take()).collect();
        large.iter_mut().for_each(|buffer| buffer.reserve(KEPT_BYTES_MAX / 2 + 1));
        let capacity = large[0].capacity();
        drop(large);
        let kept = || BYTES.with(|pool| pool.kept.borrow().iter().map(Vec::capacity).sum::<usize>());
        assert_eq!(kept(), capacity);
    }
}
