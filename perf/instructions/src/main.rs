//! Serves fixed requests to the service in memory, on one thread, so that callgrind can count what the service
//! executes; `run` beside this folder does the counting. Prints nothing when all went well. With the subcommand
//! [`allocations`] it counts what the service allocates, by itself.
//!
//! Two runs of one case that differ only in their number of requests differ by what those requests cost: start,
//! first use of memory and warm-up are the same in both.

mod allocations;
mod case;
mod client;
mod counted;
mod hyper_only;
mod tally;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use case::Case;
use counted::Counted;

/// The allocator of the server's program, counted.
#[global_allocator]
static ALLOCATOR: tally::Counting = tally::Counting;

const USAGE: &str = "\
usage: shardmill-instructions CASE REQUESTS, or: cases, or: vectors, or: allocations [OPTIONS] (or its --help)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["cases"] => print(&case::table()),
        ["allocations", "--help"] => print(allocations::HELP),
        ["allocations", ref options @ ..] => match allocations::run(options) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::from(1),
            Err(error) => Err(error),
        },
        ["vectors"] => print(&format!("{}\n", vectors())),
        [name, requests] => match (Case::named(name), requests.parse()) {
            (Some(case), Ok(requests)) => workload::run(case, requests, Counted).map(|_sent| ()),
            _ => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "instructions: {error}");
            // Not 1, which says that something was counted and is too much.
            ExitCode::from(2)
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
