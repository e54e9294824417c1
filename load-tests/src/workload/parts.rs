//! The tasks of a run: a producer puts batch after batch, a poller follows one shard. Each owns its connection, its
//! request buffer and its results, and hands the results over when it ends; they share only counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::acknowledged::put_answer;
use super::calls::{good_body, note_latency};
use super::{Latencies, PATIENCE, RunError, STREAM, Shared, oldest_iterator};
use crate::auditor::{Acked, Findings, View, Violation};
use crate::wire::Connection;
use crate::wire::answers;
use crate::wire::request::Request;

/// Puts one producer's share of the records.
pub(super) struct Producer {
    shared: Arc<Shared>,
    connection: Connection,
    request: Request,
    records: u64,
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
        let (all, producers) = (shared.plan.records, u64::from(shared.plan.producers));
        // The first few take the remainder.
        let records = all / producers + u64::from(u64::from(producer) < all % producers);
        let written = Written {
            producer,
            sent: 0,
            acked: Vec::with_capacity(usize::try_from(records).unwrap_or(0)),
            latencies: shared.latencies.clone(),
            findings: Findings::default(),
        };
        let connection = Connection::open(shared.address, PATIENCE).await?;
        Ok(Self { shared, connection, request: Request::default(), records, written })
    }

    pub(super) async fn run(mut self) -> Written {
        while self.written.sent < self.records {
            let count = self.shared.batch_records.min(self.records - self.written.sent);
            if !self.put(count).await {
                break;
            }
        }
        self.shared.producing.fetch_sub(1, Ordering::Release);
        self.written
    }

    /// Puts the next `count` records. False when the connection is of no further use.
    async fn put(&mut self, count: u64) -> bool {
        let Written { producer, sent: first, acked, latencies, findings, .. } = &mut self.written;
        let (producer, first) = (*producer, std::mem::replace(first, *first + count));
        self.request.put_records(STREAM, &self.shared.payloads, producer, first, count);
        let name = || format!("PutRecords of producer {producer} from record {first}");
        let started = Instant::now();
        let answer = self.connection.call(self.request.bytes()).await;
        note_latency(started, latencies, findings, name);
        let body = match good_body(answer, findings, name) {
            Ok(body) => body,
            Err(goes_on) => return goes_on,
        };
        let acked_before = acked.len();
        put_answer(body, producer, first, count, acked, findings);
        for entry in &acked[acked_before..] {
            if let Some(count) = self.shared.acked.get(entry.shard as usize) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.shared.progress.written.fetch_add(count, Ordering::Relaxed);
        true
    }
}

/// Follows one shard from its oldest record.
pub(super) struct Poller {
    shared: Arc<Shared>,
    connection: Connection,
    request: Request,
    polled: Polled,
}

/// What a poller's task saw of its shard.
pub(super) struct Polled {
    pub(super) poller: usize,
    pub(super) shard: u32,
    pub(super) view: View,
    pub(super) last_progress: Instant,
    pub(super) latencies: Latencies,
    pub(super) findings: Findings,
}

/// What a read brought.
enum Read {
    Records,
    Nothing,
    /// The shard cannot be followed any further.
    End,
}

impl Poller {
    pub(super) async fn open(shared: Arc<Shared>, poller: usize, shard: u32) -> Result<Self, RunError> {
        let mut connection = Connection::open(shared.address, PATIENCE).await?;
        let mut request = Request::default();
        request.get_records(&oldest_iterator(&mut connection, STREAM, shard).await?);
        // A tenth more than an even share, so that the list rarely moves while it grows.
        let share = shared.plan.records / u64::from(shared.plan.shards);
        let view = View::new(poller, shard, usize::try_from(share + share / 10).unwrap_or(0));
        let (latencies, findings) = (shared.latencies.clone(), Findings::default());
        let polled = Polled { poller, shard, view, last_progress: Instant::now(), latencies, findings };
        Ok(Self { shared, connection, request, polled })
    }

    pub(super) async fn run(mut self) -> Polled {
        let interval = self.shared.plan.poll_intervals.get(self.polled.poller).copied().unwrap_or_default();
        let mut idle_since = Instant::now();
        loop {
            // Read before the answer: counts that are final now stay final while the answer is on its way.
            let wanted = self.wanted();
            match self.read().await {
                Read::End => break,
                Read::Records => {
                    idle_since = Instant::now();
                    self.polled.last_progress = idle_since;
                }
                // The empty answer after the last record shows that nothing is repeated behind it.
                Read::Nothing => match wanted {
                    None => idle_since = Instant::now(),
                    Some(wanted) if self.polled.view.records() >= wanted => break,
                    Some(_) if idle_since.elapsed() >= self.shared.plan.idle_max => break,
                    Some(_) => {}
                },
            }
            tokio::time::sleep(interval).await;
        }
        self.polled
    }

    /// Records acknowledged on this shard, once the producers are done.
    fn wanted(&self) -> Option<u64> {
        let done = self.shared.producing.load(Ordering::Acquire) == 0;
        let acked = self.shared.acked.get(self.polled.shard as usize)?;
        done.then(|| acked.load(Ordering::Relaxed))
    }

    async fn read(&mut self) -> Read {
        let Polled { poller, shard, view, latencies, findings, .. } = &mut self.polled;
        let name = || format!("GetRecords of poller {poller} on shard {shard}");
        let started = Instant::now();
        let answer = self.connection.call(self.request.bytes()).await;
        note_latency(started, latencies, findings, name);
        let body = match good_body(answer, findings, name) {
            Ok(body) => body,
            // The same iterator again after the usual wait.
            Err(true) => return Read::Nothing,
            Err(false) => return Read::End,
        };
        let before = view.records();
        let scanned = answers::get_records(body, |record| _ = view.observe(&self.shared.payloads, &record));
        let records = view.records() - before;
        self.shared.progress.read.fetch_add(records, Ordering::Relaxed);
        match scanned.map(|tail| tail.next_iterator) {
            Ok(Some(iterator)) => self.request.get_records(&iterator),
            Ok(None) => {
                findings.add(Violation::Failed, || {
                    format!("{}: the shard is open, but there is no next iterator", name())
                });
                return Read::End;
            }
            Err(error) => {
                findings.add(Violation::Failed, || format!("{}: answer: {error}", name()));
                return Read::End;
            }
        }
        if records > 0 { Read::Records } else { Read::Nothing }
    }
}
