//! Latency of GetRecords at fixed rates, up to the rate that the server cannot take; every answer is compared with
//! what was put.

use std::process::ExitCode;

use clap::Parser;
use shardmill_load_tests::latency::command::{Options, run};
use shardmill_load_tests::latency::gets::Gets;

/// Measures the latency of GetRecords at fixed rates and checks every answer
#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    run::<Gets>(&Command::parse().options)
}
