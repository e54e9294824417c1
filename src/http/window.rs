//! Windows: the buffers of replies that are written in chunks, used again so that none is filled with zeros twice.
//!
//! A window has its full length from the start, so that whole blocks can be written to it; how much of it counts is
//! known afterwards. A small reply gets a window of its own, so that a client that is slow to read it holds little.

use std::thread::LocalKey;

use crate::pool::{Pool, Pooled, Reused};
use crate::protocol::records::get_body::GetBody;

/// Length of a window: large enough that a chunk's cost is in its bytes, small enough that a slow reader holds little.
pub(crate) const WINDOW_BYTES: usize = 128 << 10;

/// Length of a window where a connection has many replies on their way, of each of which it may hold a few windows.
pub(crate) const WINDOW_BYTES_MULTIPLEXED: usize = 32 << 10;

/// A window that has room for a reply and this much more has room for it in one chunk, as a rule.
const SPARE_BYTES: u64 = 2 << 10;

thread_local! {
    static WINDOWS: Pool<Window> = const { Pool::new() };
}

#[derive(Default)]
struct Window(Vec<u8>);

impl Reused for Window {
    fn pool() -> &'static LocalKey<Pool<Self>> {
        &WINDOWS
    }

    fn kept_bytes(&self) -> usize {
        // Those that grew for a large record are not worth keeping, nor small ones.
        if self.0.len() == WINDOW_BYTES { WINDOW_BYTES } else { 0 }
    }

    fn renew(&mut self) {}
}

/// A chunk; its window returns to the pool of whichever thread drops it.
pub(crate) struct Chunk {
    window: Pooled<Window>,
    written: usize,
}

impl Chunk {
    /// The next chunk of a reply of which so many bytes are left, through a window of this length. Only windows of
    /// [`WINDOW_BYTES`] come from the pool.
    pub(crate) fn write(writer: &mut GetBody, left_bytes: u64, window_bytes: usize) -> Self {
        let mut window = match usize::try_from(left_bytes + SPARE_BYTES) {
            Ok(bytes) if bytes <= window_bytes / 8 => Pooled::of(Window(vec![0; bytes])),
            _ if window_bytes == WINDOW_BYTES => Pooled::take(),
            _ => Pooled::of(Window(vec![0; window_bytes])),
        };
        if window.0.is_empty() {
            window.0.resize(WINDOW_BYTES, 0);
        }
        let written = writer.write_chunk(&mut window.0);
        Self { window, written }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.window.0[..self.written]
    }
}
