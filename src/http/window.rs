//! Windows: the buffers of replies that are written in chunks, used again so that none is filled with zeros twice.
//!
//! A window has its full length from the start, so that whole blocks can be written to it; how much of it counts is
//! known afterwards. A small reply gets a window of its own, so that a client that is slow to read it holds little.

use std::thread::LocalKey;

use crate::pool::{Pool, Pooled, Reused};
use crate::protocol::records::get_body::GetBody;

/// Length of a window: large enough that a chunk's cost is in its bytes, small enough that a slow reader holds little.
const WINDOW_BYTES: usize = 128 << 10;

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
    /// The next chunk of a reply of which so many bytes are left.
    pub(crate) fn write(writer: &mut GetBody, left_bytes: u64) -> Self {
        let mut window = match usize::try_from(left_bytes + SPARE_BYTES) {
            Ok(bytes) if bytes <= WINDOW_BYTES / 8 => Pooled::of(Window(vec![0; bytes])),
            _ => Pooled::take(),
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
