//! HTTP: connections, bodies and headers. Knows no wire format; hands heads and bodies to `protocol`.
//!
//! - [`worker`]: a thread with a runtime of its own, and the connections it serves.
//! - [`connection`]: one connection, whatever it speaks; [`http2`]: the part of it that only HTTP/2 has.
//! - [`opening`]: what a connection speaks, by its first bytes; [`tls`] and [`certificates`]: the handshake, and who we
//!   are in it; [`wire`]: plain or within TLS; [`write_watch`] and [`head_watch`]: the end of one that makes no progress.
//! - [`exchange`]: one request and its answer.
//! - [`body`]: request bodies in, within a budget; [`reply_body`]: replies out, in chunks.
//! - [`window`]: the buffers of replies in chunks.
//! - [`health`]: answers about the server itself; [`snapshot`]: its state, saved and loaded.

pub(crate) mod body;
mod certificates;
pub(crate) mod connection;
pub(crate) mod exchange;
mod head_watch;
pub(crate) mod health;
mod http2;
mod opening;
pub(crate) mod reply_body;
pub(crate) mod snapshot;
pub(crate) mod tls;
pub(crate) mod window;
mod wire;
pub(crate) mod worker;
mod write_watch;
