//! PutRecords at a fixed rate: every request puts records of its own, and at the end the server is read from front to
//! back: what was acknowledged must be there, once, in order, as acknowledged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::checking::{Came, came, read_back};
use super::pacing::{Answered, Caller};
use super::{PATIENCE, PUT_RECORDS_MAX, STREAM, Subject, Workload};
use crate::auditor::{Acked, Findings, Ledger};
use crate::payload::Payloads;
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::workload::{RunError, create_stream, put_answer};

/// The run as a whole.
#[derive(Debug)]
pub struct Puts {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    workload: Workload,
    payloads: Payloads,
    /// Requests prepared so far; request `n` has the records from `n * records_per_request` on.
    prepared: AtomicU64,
}

/// One connection.
#[derive(Debug)]
pub struct PutCaller {
    shared: Arc<Shared>,
    connection: Connection,
    request: Request,
    /// First record of the prepared request.
    first: u64,
    acked: Vec<Acked>,
    findings: Findings,
}

impl Subject for Puts {
    const OPERATION: &'static str = "PutRecords";
    const RECORDS_PER_REQUEST_MAX: u64 = PUT_RECORDS_MAX;
    const STORES: bool = true;
    type Caller = PutCaller;

    async fn open(address: SocketAddr, workload: Workload) -> Result<(Self, Vec<Self::Caller>), RunError> {
        create_stream(address, STREAM, workload.shards).await?;
        let payloads = Payloads::new(workload.seed, workload.record_bytes);
        let shared = Arc::new(Shared { workload, payloads, prepared: AtomicU64::new(0) });
        let mut callers = Vec::new();
        for _ in 0..workload.connections {
            callers.push(PutCaller {
                shared: Arc::clone(&shared),
                connection: Connection::open(address, PATIENCE).await?,
                request: Request::default(),
                first: 0,
                acked: Vec::new(),
                findings: Findings::default(),
            });
        }
        Ok((Self { address, shared }, callers))
    }

    async fn audit(self, callers: Vec<Self::Caller>) -> Result<Findings, RunError> {
        let Shared { workload, payloads, prepared } = &*self.shared;
        let mut findings = Findings::default();
        let mut acked = Vec::with_capacity(callers.iter().map(|caller| caller.acked.len()).sum());
        for mut caller in callers {
            findings.merge(&caller.findings);
            acked.append(&mut caller.acked);
        }
        let sent = prepared.load(Ordering::Relaxed) * workload.records_per_request;
        let ledger = Ledger::new(workload.shards, acked, vec![sent]);
        findings.merge(&ledger.findings);
        findings.merge(&ledger.audit(&read_back(self.address, workload.shards, payloads).await?));
        Ok(findings)
    }
}

impl Caller for PutCaller {
    fn prepare(&mut self) {
        let Shared { workload, payloads, prepared } = &*self.shared;
        let count = workload.records_per_request;
        self.first = prepared.fetch_add(1, Ordering::Relaxed) * count;
        self.request.put_records(STREAM, payloads, 0, self.first, count);
    }

    async fn call(&mut self) -> Answered {
        let (first, count) = (self.first, self.shared.workload.records_per_request);
        let answer = self.connection.call(self.request.bytes()).await;
        let at = Instant::now();
        let goes_on = match came(answer, &mut self.findings, || {
            format!("PutRecords of {count} records from {first}")
        }) {
            Came::Body(body) => {
                put_answer(body, 0, first, count, &mut self.acked, &mut self.findings);
                true
            }
            Came::Refusal => true,
            Came::Nothing => false,
        };
        Answered { at, goes_on }
    }
}
