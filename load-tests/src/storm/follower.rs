//! A follower that polls: one connection, and an iterator for each shard that it is in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::walk::Walk;
use super::{STREAM, Shared};
use crate::auditor::{Findings, Violation};
use crate::wire::Connection;
use crate::wire::answers;
use crate::wire::request::Request;
use crate::wire::shards::Child;
use crate::workload::{Latencies, PATIENCE, RunError, good_body, note_latency, oldest_iterator};

/// Reads every shard from its first record to its end, by GetRecords.
pub(super) struct Poller {
    shared: Arc<Shared>,
    number: usize,
    connection: Connection,
    request: Request,
    /// Shards that are being read, each with the iterator to go on with.
    reading: VecDeque<(u32, Vec<u8>)>,
    followed: Followed,
}

/// What a follower saw.
pub(super) struct Followed {
    pub(super) walk: Walk,
    pub(super) last_progress: Instant,
    pub(super) latencies: Latencies,
    pub(super) findings: Findings,
}

/// What a read of one shard brought.
enum Read {
    Records(Vec<u8>),
    Nothing(Vec<u8>),
    End(Vec<Child>),
    /// The connection is of no further use, or the shard cannot be read.
    Broken,
}

impl Poller {
    pub(super) async fn open(shared: Arc<Shared>, number: usize) -> Result<Self, RunError> {
        let connection = Connection::open(shared.address, PATIENCE).await?;
        let followed = Followed {
            walk: Walk::new(number),
            last_progress: Instant::now(),
            latencies: shared.latencies.clone(),
            findings: Findings::default(),
        };
        let reading = VecDeque::new();
        let mut poller = Self { shared, number, connection, request: Request::default(), reading, followed };
        for shard in 0..poller.shared.plan.shards {
            poller.followed.walk.begin(shard);
            poller.begin(shard).await?;
        }
        Ok(poller)
    }

    /// Reads on until all else is done and a look at every shard brought nothing, or nothing is left that can be read.
    pub(super) async fn run(mut self) -> Followed {
        let interval = self.shared.plan.poll_intervals.get(self.number).copied().unwrap_or_default();
        loop {
            // Before the look: what is final now stays final while the answers are on their way.
            let is_over = self.shared.producing.load(Ordering::Acquire) == 0;
            match self.look_at_all().await {
                Err(error) => {
                    self.fail(&error);
                    break;
                }
                Ok(true) => self.followed.last_progress = Instant::now(),
                Ok(false) if is_over => break,
                Ok(false) => {}
            }
            if self.followed.last_progress.elapsed() > self.shared.plan.lasts + self.shared.plan.idle_max {
                self.fail(&RunError("no end was reached".to_owned()));
                break;
            }
            tokio::time::sleep(interval).await;
        }
        self.followed
    }

    /// Reads from each shard once, and tells whether there was anything.
    async fn look_at_all(&mut self) -> Result<bool, RunError> {
        let mut has_progress = false;
        for _ in 0..self.reading.len() {
            let Some((shard, iterator)) = self.reading.pop_front() else { break };
            match self.read(shard, &iterator).await {
                Read::Records(next) => {
                    has_progress = true;
                    self.reading.push_back((shard, next));
                }
                Read::Nothing(next) => self.reading.push_back((shard, next)),
                Read::End(children) => {
                    has_progress = true;
                    for child in self.followed.walk.end(shard, &children) {
                        self.begin(child).await?;
                    }
                }
                Read::Broken => return Err(RunError(format!("shard {shard} cannot be read any further"))),
            }
        }
        Ok(has_progress)
    }

    async fn begin(&mut self, shard: u32) -> Result<(), RunError> {
        let iterator = oldest_iterator(&mut self.connection, STREAM, shard).await?;
        self.reading.push_back((shard, iterator));
        Ok(())
    }

    async fn read(&mut self, shard: u32, iterator: &[u8]) -> Read {
        let (number, Followed { walk, latencies, findings, .. }) = (self.number, &mut self.followed);
        let name = || format!("GetRecords of follower {number} on shard {shard}");
        self.request.get_records(iterator);
        let started = Instant::now();
        let answer = self.connection.call(self.request.bytes()).await;
        note_latency(started, latencies, findings, name);
        let Ok(body) = good_body(answer, findings, name) else { return Read::Broken };
        let mut records = 0;
        let scanned = answers::get_records(body, |record| {
            records += 1;
            walk.observe(shard, &self.shared.payloads, &record);
        });
        self.shared.progress.read.fetch_add(records, Ordering::Relaxed);
        let tail = match scanned {
            Ok(tail) => tail,
            Err(error) => {
                findings.add(Violation::Failed, || format!("{}: answer: {error}", name()));
                return Read::Broken;
            }
        };
        match tail.next_iterator {
            Some(_) if !tail.children.is_empty() => {
                findings.add(Violation::Failed, || format!("{}: an iterator and children", name()));
                Read::Broken
            }
            Some(next) if records > 0 => Read::Records(next.into_owned()),
            Some(next) => Read::Nothing(next.into_owned()),
            None => Read::End(tail.children),
        }
    }

    fn fail(&mut self, error: &RunError) {
        let number = self.number;
        self.followed.findings.add(Violation::Failed, || format!("follower {number}: {error}"));
    }
}
