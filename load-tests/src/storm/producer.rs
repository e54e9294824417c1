//! A producer of a storm: one put after the other until it is over, so that each of its keys has an order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{STREAM, Shared};
use crate::auditor::{Acked, Findings};
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::workload::{Latencies, PATIENCE, RunError, good_body, note_latency, put_answer};

/// Puts batches of records.
pub(super) struct Producer {
    shared: Arc<Shared>,
    connection: Connection,
    request: Request,
    written: Written,
}

/// What a producer did.
pub(super) struct Written {
    pub(super) producer: u16,
    pub(super) sent: u64,
    pub(super) acked: Vec<Acked>,
    pub(super) latencies: Latencies,
    pub(super) findings: Findings,
}

impl Producer {
    pub(super) async fn open(shared: Arc<Shared>, producer: u16) -> Result<Self, RunError> {
        let connection = Connection::open(shared.address, PATIENCE).await?;
        let (latencies, findings) = (shared.latencies.clone(), Findings::default());
        let written = Written { producer, sent: 0, acked: Vec::new(), latencies, findings };
        Ok(Self { shared, connection, request: Request::default(), written })
    }

    pub(super) async fn run(mut self) -> Written {
        while !self.shared.over.load(Ordering::Acquire) && self.put().await {
            tokio::time::sleep(self.shared.plan.put_interval).await;
        }
        self.shared.producing.fetch_sub(1, Ordering::Release);
        self.written
    }

    /// Puts the next records. False when the connection is of no further use.
    async fn put(&mut self) -> bool {
        let count = self.shared.plan.batch_records;
        let Written { producer, sent, acked, latencies, findings } = &mut self.written;
        let (producer, first) = (*producer, std::mem::replace(sent, *sent + count));
        self.request.put_records(STREAM, &self.shared.payloads, producer, first, count);
        let name = || format!("PutRecords of producer {producer} from record {first}");
        let started = Instant::now();
        let answer = self.connection.call(self.request.bytes()).await;
        note_latency(started, latencies, findings, name);
        let body = match good_body(answer, findings, name) {
            Ok(body) => body,
            Err(goes_on) => return goes_on,
        };
        put_answer(body, producer, first, count, acked, findings);
        self.shared.progress.written.fetch_add(count, Ordering::Relaxed);
        true
    }
}
