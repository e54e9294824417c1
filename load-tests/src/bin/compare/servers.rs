//! A server under test, with its memory full where records are put.

use std::error::Error;
use std::io;
use std::path::Path;

use shardmill_load_tests::paired::{Case, Kind, prepare, requests, round, sample};
use shardmill_load_tests::server::Server;

use super::Options;

/// A server with the case's stream; if records are to be put, with its memory full, so that what is measured is its
/// steady state: segments are recycled and no page is touched for the first time.
pub(super) async fn full_server(
    options: &Options,
    program: &Path,
    case: &Case,
) -> Result<Server, Box<dyn Error>> {
    let limit = format!("{}MiB", options.memory_limit_mib());
    let server = start_server(options, program, &[("SHARDMILL_MEMORY_LIMIT", &limit)])?;
    prepare(server.address(), case).await?;
    if case.kind != Kind::GetRecords {
        // Half a MiB each, so twice the limit.
        let fill = Case {
            name: "fill",
            kind: Kind::PutRecords,
            records: 500,
            record_bytes: 1024,
            requests: 4 * options.memory_limit_mib(),
            ..*case
        };
        // Then half of what a round sends: records of another size take the memory otherwise.
        let own = Case { requests: (case.requests / 2).max(u64::from(case.connections)), ..*case };
        for case in [fill, own] {
            let requests = requests(server.address(), &case).await?;
            let reply = sample(server.address(), &case, &requests).await?;
            round(&server, &case, requests, reply.len()).await?;
        }
    }
    Ok(server)
}

/// A server: no quota of shards, no transition times, and what else its environment should say.
fn start_server(options: &Options, program: &Path, more: &[(&str, &str)]) -> io::Result<Server> {
    let variables =
        [("KINESIS_SHARD_LIMIT", "Infinity"), ("KINESIS_LATENCY", "0"), ("SHARDMILL_LOG_LEVEL", "warn")];
    let workers = ["--workers".to_owned(), options.workers.to_string()];
    Server::start(program, &workers, &[&variables, more].concat())
}
