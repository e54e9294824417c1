//! Serves fixed requests to the service in memory, on one thread, so that callgrind can count what the service
//! executes; `run` beside this folder does the counting. Prints nothing when all went well.
//!
//! Two runs of one case that differ only in their number of requests differ by what those requests cost: start,
//! first use of memory and warm-up are the same in both.

mod case;
mod client;
mod counted;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use case::Case;

/// The allocator of the server's program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: shardmill-instructions CASE REQUESTS, or: cases, or: vectors";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["cases"] => print(&case::table()),
        ["vectors"] => print(&format!("{}\n", vectors())),
        [name, requests] => match (Case::named(name), requests.parse()) {
            (Some(case), Ok(requests)) => workload::run(case, requests),
            _ => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), workload::Failed> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// The widest vectors that this program finds: which of the service's routes it takes depends on them.
fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return "avx512f";
    } else if is_x86_feature_detected!("avx2") {
        return "avx2";
    }
    std::env::consts::ARCH
}
