//! All benchmarks, from the codec in memory to a server over a socket. A name states its case.
//!
//! - [`codec`]: PutRecords bodies in, PutRecords and GetRecords replies out; no connection, no shard work.
//! - [`router`]: hash keys to owners, requests to shards.
//! - [`append`]: the log alone, one writer, recycled memory.
//! - [`actor`]: routed requests stored by shards, uncontended and contended.
//! - [`end_to_end`]: whole requests to a server in this process, one connection, one request at a time.
//! - [`common`]: what they share; [`client`]: a tiny client of HTTP/1.1, TLS and HTTP/2.
//!
//! `cargo bench` measures in about five minutes; `cargo bench -- router` some of it. `cargo test` runs each bench
//! once, so that none can rot. Whatever is stored must be stored whole: a bench that sheds or fails panics.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench whose work fails must stop")]

mod actor;
mod append;
mod client;
mod codec;
mod common;
mod end_to_end;
mod router;

use std::time::Duration;

use criterion::Criterion;

/// The program's own allocator, so that allocations cost here what they cost there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(10_000)
        .configure_from_args();
    codec::benches(&mut criterion);
    router::benches(&mut criterion);
    append::benches(&mut criterion);
    actor::benches(&mut criterion);
    end_to_end::benches(&mut criterion);
    criterion.final_summary();
}
