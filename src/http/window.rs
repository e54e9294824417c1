//! Windows: the buffers of replies that are written in chunks, used again so that none is filled with zeros twice.
//!
//! A window has its full length from the start, so that whole blocks can be written to it; how much of it counts is
//! known afterwards. A small reply gets a window of its own, so that a client that is slow to read it holds little.

use std::cell::RefCell;

use crate::protocol::records::get_reply::RecordsWriter;

/// Length of a window: large enough that a chunk's cost is in its bytes, small enough that a slow reader holds little.
const WINDOW_BYTES: usize = 128 << 10;

/// A window that has room for a reply and this much more has room for it in one chunk, as a rule.
const SPARE_BYTES: u64 = 2 << 10;

/// Windows that a thread keeps.
const KEPT_WINDOWS_MAX: usize = 16;

thread_local! {
    static WINDOWS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A chunk; its window returns to the pool of whichever thread drops it.
pub(crate) struct Chunk {
    window: Vec<u8>,
    written: usize,
}

impl Chunk {
    /// The next chunk of a reply of which so many bytes are left.
    pub(crate) fn write(writer: &mut RecordsWriter, left_bytes: u64) -> Self {
        let mut window = match usize::try_from(left_bytes + SPARE_BYTES) {
            Ok(bytes) if bytes <= WINDOW_BYTES / 8 => vec![0; bytes],
            _ => WINDOWS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; WINDOW_BYTES]),
        };
        let written = writer.write_chunk(&mut window);
        Self { window, written }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.window[..self.written]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // Those that grew for a large record are not worth keeping, nor small ones.
        if self.window.len() != WINDOW_BYTES {
            return;
        }
        let window = std::mem::take(&mut self.window);
        // A thread that is ending has no pool any more; the window just goes.
        let _ = WINDOWS.try_with(|windows| {
            if let Ok(mut windows) = windows.try_borrow_mut()
                && windows.len() < KEPT_WINDOWS_MAX
            {
                windows.push(window);
            }
        });
    }
}
