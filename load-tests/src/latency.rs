//! Latency at a fixed rate. Requests start by a schedule that does not wait for answers, and each latency counts from
//! the moment the schedule named, so that a server which stalls cannot hide the requests it kept from being sent. In
//! the order data flows:
//!
//! - [`command`]: options, one fresh server per rate, and the end of the search for the highest rate;
//! - [`pacing`]: the schedule, and the callers that follow it;
//! - [`puts`] and [`gets`]: the two operations that are measured;
//! - [`checking`]: whether what was answered is right, and what was acknowledged is there;
//! - [`recording`]: latencies and what is reported of them;
//! - [`reporting`] and [`plot`]: table, JSON and SVG.

pub mod checking;
pub mod command;
pub mod gets;
pub mod pacing;
pub mod plot;
pub mod puts;
pub mod recording;
pub mod reporting;

use std::net::SocketAddr;
use std::time::Duration;

use crate::auditor::Findings;
use crate::payload::KEY_CHARS;
use crate::workload::RunError;
use pacing::Caller;

/// A request that takes this long will not be answered. Far above any pause that is made on purpose.
const PATIENCE: Duration = Duration::from_secs(30);
const STREAM: &str = "latency";
/// Records and bytes of data and keys in one PutRecords, and bytes in one GetRecords answer (reference section 6).
const PUT_RECORDS_MAX: u64 = 500;
const REQUEST_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// What each request of a run is.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Everything random follows from it.
    pub seed: u64,
    /// Shards of the stream.
    pub shards: u32,
    /// Records that one request puts or gets.
    pub records_per_request: u64,
    /// Data bytes of each record.
    pub record_bytes: usize,
    /// Connections, each with one request at a time.
    pub connections: u16,
}

impl Workload {
    /// Data and key bytes of one request's records.
    pub fn request_bytes(&self) -> u64 {
        self.records_per_request.saturating_mul(self.stored_record_bytes())
    }

    fn stored_record_bytes(&self) -> u64 {
        u64::try_from(self.record_bytes.saturating_add(KEY_CHARS)).unwrap_or(u64::MAX)
    }
}

/// An operation that can be measured: what must be there first, who sends, and what must be true afterwards.
pub trait Subject: Sized {
    /// AWS's name of the operation.
    const OPERATION: &'static str;
    /// Most records of one request.
    const RECORDS_PER_REQUEST_MAX: u64;
    /// Whether each request leaves its records in the server.
    const STORES: bool;
    /// Sends its requests, one at a time.
    type Caller: Caller;

    /// Makes an empty server ready and opens all connections.
    ///
    /// # Errors
    /// The server refuses any of it: nothing was measured.
    fn open(
        address: SocketAddr,
        workload: Workload,
    ) -> impl Future<Output = Result<(Self, Vec<Self::Caller>), RunError>>;

    /// What was wrong, all requests and the server's final content together.
    ///
    /// # Errors
    /// The server does not answer any more.
    fn audit(self, callers: Vec<Self::Caller>) -> impl Future<Output = Result<Findings, RunError>>;
}
