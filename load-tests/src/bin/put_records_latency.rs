//! Latency of PutRecords at fixed rates, up to the rate that the server cannot take; all records are read back and
//! compared with the acknowledgements.

use std::process::ExitCode;

use clap::Parser;
use shardmill_load_tests::latency::command::{Options, run};
use shardmill_load_tests::latency::puts::Puts;

/// Measures the latency of PutRecords at fixed rates and checks what was put
#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    run::<Puts>(&Command::parse().options)
}
