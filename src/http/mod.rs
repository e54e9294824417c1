//! HTTP: connections, bodies and headers. Knows no wire format; hands heads and bodies to `protocol`.
//!
//! - [`worker`]: a thread with a runtime of its own, and the connections it serves.
//! - [`connection`]: one connection, and the end of one that makes no progress.
//! - [`exchange`]: one request and its answer.
//! - [`body`]: request bodies in, within a budget; [`reply_body`]: replies out, in chunks.
//! - [`window`]: the buffers of replies in chunks.
//! - [`health`]: answers about the server itself.

pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod exchange;
pub(crate) mod health;
pub(crate) mod reply_body;
pub(crate) mod window;
pub(crate) mod worker;
