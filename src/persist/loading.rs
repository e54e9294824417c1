//! What is read becomes streams that nobody knows yet; in the end they are put back, all at once.

use std::io::Read;
use std::sync::Arc;

use crate::control::{LoadedStream, Registry, SavedShard, SavedStream};
use crate::log::RecordBuffer;
use crate::names::SequenceNumber;
use crate::operation::Service;
use crate::shard::ShardContext;
use crate::shard::loading::LoadedLog;

use super::error::PersistError;
use super::snapshot::{self, Item, Run};
use super::state::{Head, Totals};

/// What is to become of what is here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Putting {
    /// Streams of the same name are replaced; else they are refused.
    pub replaces: bool,
    /// The server goes on as the one that wrote the file: it seals tokens with its key.
    pub goes_on: bool,
}

/// Loads a file of our own format into a server: all of it or, on any error, nothing.
///
/// # Errors
/// It is not as it was written, there is no memory for it, or a stream of the same name exists.
pub fn load(service: &Service, input: impl Read, putting: Putting) -> Result<Totals, PersistError> {
    let mut loading = Loading::new(service);
    let mut head = None;
    let totals = snapshot::read(input, |item, offset| {
        match item {
            Item::Head(found) => {
                loading.known_ms = Some(found.taken_ms);
                head = Some(found);
            }
            Item::Stream(saved) => {
                loading.end_stream();
                loading.begin_stream(saved);
            }
            Item::Run(run) => return loading.append_run(&run, offset),
        }
        Ok(())
    })?;
    loading.end_stream();
    loading.finish(head, putting)?;
    Ok(totals)
}

/// Streams in the making.
pub(super) struct Loading<'s> {
    service: &'s Service,
    streams: Vec<LoadedStream>,
    /// The one whose records come.
    open: Option<(SavedStream, StreamLogs<'s>)>,
    /// Until when it is known which numbers were issued, epoch milliseconds; `None`: until each shard's last record.
    known_ms: Option<u64>,
}

impl<'s> Loading<'s> {
    pub(super) const fn new(service: &'s Service) -> Self {
        Self { service, streams: Vec::new(), open: None, known_ms: None }
    }

    fn begin_stream(&mut self, saved: SavedStream) {
        let mut logs = StreamLogs::new(&self.service.registry);
        for shard in &saved.shards {
            logs.add(shard.created_s);
        }
        self.open = Some((saved, logs));
    }

    fn append_run(&mut self, run: &Run<'_>, offset: u64) -> Result<(), PersistError> {
        let damaged = |what| PersistError::damaged(offset, what);
        let (saved, logs) = self.open.as_mut().ok_or_else(|| damaged("records of no stream"))?;
        let place = saved.shards.binary_search_by_key(&run.shard, |shard| shard.id);
        let place = place.map_err(|_| damaged("records of a shard that is not there"))?;
        let (log, shard, count) = (logs.log(place), &saved.shards[place], run.records.len() as u64);
        if run.position < log.next_position() {
            return Err(damaged("records that are there already"));
        }
        let is_within = |first: u64, end| first.checked_add(count).is_some_and(|next| next <= end);
        if !is_within(run.position, shard.tip) || !is_within(run.counter, shard.next_counter) {
            return Err(damaged("records after the last one of their shard"));
        }
        if run.arrival_ms / 1_000 > SequenceNumber::TIME_S_MAX {
            return Err(damaged("records of no time"));
        }
        log.skip_to(run.position);
        logs.append(place, run.records, run.counter, run.arrival_ms, offset)
    }

    fn end_stream(&mut self) {
        if let Some((saved, logs)) = self.open.take() {
            self.add(saved, logs);
        }
    }

    /// A stream whose logs are filled.
    pub(super) fn add(&mut self, saved: SavedStream, logs: StreamLogs<'_>) {
        self.streams.push(logs.into_stream(saved, self.known_ms));
    }

    /// Puts them back.
    pub(super) fn finish(self, head: Option<Head>, putting: Putting) -> Result<(), PersistError> {
        let Service { registry, sealer, .. } = self.service;
        registry.put_back(self.streams, putting.replaces)?;
        if let Some(head) = head {
            registry.accounts().set_runs(head.commitments);
            if putting.goes_on {
                sealer.go_on_with(&head.keys);
            } else {
                sealer.open_also(&head.keys);
            }
        }
        Ok(())
    }
}

/// The logs of a stream in the making.
pub(super) struct StreamLogs<'r> {
    registry: &'r Registry,
    context: Arc<ShardContext>,
    logs: Vec<LoadedLog>,
}

impl<'r> StreamLogs<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        Self { registry, context: registry.loading_context(), logs: Vec::new() }
    }

    /// One more shard's, which was created at this time, epoch seconds.
    pub(super) fn add(&mut self, created_s: u64) {
        self.logs.push(LoadedLog::new(created_s, Arc::clone(&self.context)));
    }

    /// Brings the logs into the order in which these shards ascend, as the shards themselves.
    pub(super) fn sort_with(&mut self, shards: &mut Vec<SavedShard>) {
        let mut both: Vec<_> = std::mem::take(shards).into_iter().zip(self.logs.drain(..)).collect();
        both.sort_by_key(|(shard, _)| shard.id);
        (*shards, self.logs) = both.into_iter().unzip();
    }

    /// The log of the shard at this place; there is one.
    pub(super) fn log(&mut self, place: usize) -> &mut LoadedLog {
        &mut self.logs[place]
    }

    /// Adds records to the shard at this place.
    pub(super) fn append(
        &mut self,
        place: usize,
        records: &RecordBuffer,
        counter: u64,
        arrival_ms: u64,
        offset: u64,
    ) -> Result<(), PersistError> {
        let bytes: usize = (0..records.len()).map(|number| records.payload_bytes(number)).sum();
        let log = &mut self.logs[place];
        if counter < log.next_counter() || arrival_ms < log.last_arrival_ms() {
            return Err(PersistError::damaged(offset, "records that are out of order"));
        }
        if !self.context.has_room(bytes as u64, self.registry.is_empty()) {
            return Err(PersistError::Memory { offset });
        }
        log.append(records, counter, arrival_ms).map_err(|_| PersistError::Memory { offset })
    }

    fn into_stream(self, saved: SavedStream, known_ms: Option<u64>) -> LoadedStream {
        let Self { registry, context, logs } = self;
        let shard = |(log, shard): (LoadedLog, &SavedShard)| {
            let mut log = log;
            log.skip_to(shard.tip);
            let known_ms = known_ms.unwrap_or(log.last_arrival_ms());
            let next_counter = registry.counter_to_go_on_with(&saved.arn, shard, known_ms);
            log.into_shard(shard.id, shard.range, shard.created_s, next_counter, shard.closed.is_none())
        };
        let shards = logs.into_iter().zip(&saved.shards).map(shard).collect();
        LoadedStream { saved, context, shards }
    }
}
