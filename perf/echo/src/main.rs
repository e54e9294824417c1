//! The yardstick: reads whole requests and answers each POST with the same bytes, and does nothing else.
//!
//! It stands on what the server stands on (hyper, one single-thread runtime per worker, one acceptor, the same
//! allocator, the same headers), so the difference between the two is the emulator's own work. With `--blocking` it
//! is a bare thread per connection instead: what the kernel alone costs.

mod blocking;
// The server's own: the yardstick must not stand on another heap.
#[cfg(target_os = "linux")]
#[path = "../../../src/heap.rs"]
mod heap;
mod on_hyper;

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// Constants of the right length: a UUID, and the base64 of 72 bytes.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
const ID_2: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// No request is larger; a declared length above it ends the connection.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Answers every POST with the same bytes
#[derive(Debug, Parser)]
struct Options {
    /// Port on 127.0.0.1; 0 is any free one, printed
    #[arg(long, default_value_t = 4570)]
    port: u16,
    /// Single-thread runtimes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// File with the answer's body
    #[arg(long, conflicts_with = "reply_bytes")]
    reply: Option<PathBuf>,
    /// Length of an answer's body of zeros
    #[arg(long, default_value_t = 0)]
    reply_bytes: usize,
    /// A blocking thread per connection, without hyper
    #[arg(long)]
    blocking: bool,
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    heap::advise_huge_pages();
    heap::delay_purges();
    match serve(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process is ended.
fn serve(options: &Options) -> io::Result<()> {
    let reply = match &options.reply {
        Some(path) => fs::read(path)?,
        None => vec![b'0'; options.reply_bytes],
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
    let mut out = io::stdout().lock();
    writeln!(out, "echo listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    drop(out);
    if options.blocking {
        blocking::serve(&listener, &reply)
    } else {
        on_hyper::serve(&listener, &reply.into(), options.workers)
    }
}
