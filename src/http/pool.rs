//! Buffers that are used again: a few per thread, so that steady work allocates none.

use std::cell::RefCell;

/// Buffers that a thread keeps.
const KEPT_BUFFERS_MAX: usize = 16;

/// A larger buffer is given back to the allocator, so that one outlier is not paid for ever.
const KEPT_BUFFER_BYTES_MAX: usize = 2 << 20;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A byte buffer that returns to the pool of whichever thread drops it.
#[derive(Default)]
pub(crate) struct PooledBuffer(Vec<u8>);

impl PooledBuffer {
    /// An empty buffer, with whatever capacity its last use has left.
    pub(crate) fn take() -> Self {
        Self(BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default())
    }
}

impl std::ops::Deref for PooledBuffer {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl std::ops::DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if buffer.capacity() == 0 || buffer.capacity() > KEPT_BUFFER_BYTES_MAX {
            return;
        }
        buffer.clear();
        // A thread that is ending has no pool any more; the buffer just goes.
        let _ = BUFFERS.try_with(|buffers| {
            if let Ok(mut buffers) = buffers.try_borrow_mut()
                && buffers.len() < KEPT_BUFFERS_MAX
            {
                buffers.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a buffer comes back empty with its capacity; an outlier does not come back.
    #[test]
    fn buffers_return_unless_they_are_large() {
        let mut buffer = PooledBuffer::take();
        buffer.extend_from_slice(&[1; 1000]);
        let address = buffer.as_ptr();
        drop(buffer);
        let again = PooledBuffer::take();
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        let mut large = PooledBuffer::take();
        large.reserve(KEPT_BUFFER_BYTES_MAX + 1);
        drop(large);
        assert!(BUFFERS.with_borrow(|buffers| buffers.iter().all(|b| b.capacity() <= KEPT_BUFFER_BYTES_MAX)));
    }
}
