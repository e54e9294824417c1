//! A shard that begins with what it held before: filled while nobody else knows of it, then made.

use std::sync::Arc;

use crate::log::{AppendError, Log, RecordBuffer, Writer};
use crate::names::{HashKeyRange, ShardId};

use super::actor::{ActorState, COUNTER_FIRST};
use super::{Shard, ShardContext};

/// The log of a shard to be.
pub struct LoadedLog {
    context: Arc<ShardContext>,
    log: Log,
    writer: Writer,
}

impl LoadedLog {
    /// Nothing yet, of a shard that was created at `created_s`, epoch seconds.
    #[must_use]
    pub fn new(created_s: u64, context: Arc<ShardContext>) -> Self {
        // Counters from 0: the first record that another system stored may have that one.
        Self { context, log: Log::new(), writer: Writer::new(0, created_s.saturating_mul(1000)) }
    }

    /// The position of the next record.
    #[must_use]
    pub const fn next_position(&self) -> u64 {
        self.writer.next_position()
    }

    /// The counter of the next record, at least.
    #[must_use]
    pub const fn next_counter(&self) -> u64 {
        self.writer.next_counter()
    }

    /// Arrival of the last record, epoch milliseconds; or the shard's creation.
    #[must_use]
    pub fn last_arrival_ms(&self) -> u64 {
        self.writer.arrival_ms(0)
    }

    /// Goes on at a later position. What came before is let go of: it had been trimmed there.
    pub fn skip_to(&mut self, position: u64) {
        if position > self.writer.next_position() {
            self.writer.commit();
            self.writer.skip_positions(&self.log, position);
        }
    }

    /// Adds these records, their counters consecutive from `counter` on, which is not below [`Self::next_counter`];
    /// all with this arrival, not before [`Self::last_arrival_ms`].
    ///
    /// # Errors
    /// There is no memory for them, or no more than others need.
    pub fn append(
        &mut self,
        records: &RecordBuffer,
        counter: u64,
        arrival_ms: u64,
    ) -> Result<(), AppendError> {
        self.writer.skip_counters(counter);
        let (horizon, pool) = (self.log.horizon(), &self.context.pool);
        let record = |number| records.record(number);
        let appended = self.writer.append_run(&self.log, pool, records.len(), record, arrival_ms);
        self.writer.commit();
        appended.map_err(|(_, error)| error)?;
        // At the ceiling a writer lets go of its oldest records; here nothing may be missing.
        if self.log.horizon() == horizon { Ok(()) } else { Err(AppendError::Throttled) }
    }

    /// The shard, whose next record gets a counter of at least `next_counter`.
    #[must_use]
    pub fn into_shard(
        mut self,
        id: ShardId,
        range: HashKeyRange,
        created_s: u64,
        next_counter: u64,
        is_open: bool,
    ) -> Arc<Shard> {
        self.writer.skip_counters(next_counter.max(COUNTER_FIRST));
        if self.writer.next_counter() > COUNTER_FIRST {
            self.writer.tell_counter(&self.log);
        }
        if !is_open {
            self.writer.close(&self.log, &self.context.pool);
        }
        let Self { context, log, writer } = self;
        Shard::with(id, range, created_s, context, log, ActorState::of(writer, is_open))
    }
}
