//! PutRecord: one record into the shard that owns its key (reference 6).

use std::sync::Arc;

use crate::control::{PutRules, RecordDistribution, Scope, Stream};
use crate::error::ApiError;
use crate::names::{Parsed, SequenceNumber, ShardId};
use crate::shard::batch::{Records, Stored};

use super::put_records::{check_record, store};
use super::refusals;
use super::service::Service;
use super::stream_ref::StreamRef;

/// One record to store.
pub struct Request {
    /// The stream.
    pub stream: StreamRef,
    /// The record, alone.
    pub records: Records,
    /// A number that the new one must exceed, as the caller gave it.
    pub number_for_ordering: Option<String>,
    /// An explicit hash key above 2^128 - 1, which refuses the call where hash keys choose shards.
    pub bad_hash_key: Option<String>,
    /// Only say whether it would succeed.
    pub dry_run: bool,
}

/// Where the record went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Its shard.
    pub shard: ShardId,
    /// Its sequence number.
    pub number: SequenceNumber,
    /// Whether the stream encrypts what it stores.
    pub is_encrypted: bool,
}

impl Request {
    /// A request from its members. `record` is the one record.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn new(
        (name, arn): (Option<&str>, Option<&str>),
        caller: Scope,
        records: Records,
        number_for_ordering: Option<&str>,
        dry_run: bool,
    ) -> Result<Self, ApiError> {
        let stream = StreamRef::from_members(name, arn, caller)?;
        Ok(Self {
            stream,
            records,
            number_for_ordering: number_for_ordering.map(str::to_owned),
            bad_hash_key: None,
            dry_run,
        })
    }

    /// Stores the record.
    ///
    /// # Errors
    /// E1, a record over the stream's size, E18 for a bad ordering number, a planned throttle, E19 at the memory
    /// limit if that is to throttle, or an internal failure if the shard could not store it.
    pub async fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let (stream, rules) = self.check(service)?;
        let batch = store(&stream, self.records, rules).await?;
        let Some((shard, stored)) = batch.shares().next() else { return Err(refusals::internal_failure()) };
        match stored {
            Stored { count: 0, throttled: true, .. } => {
                Err(refusals::shard_throttled(&self.stream, shard.id))
            }
            Stored { count: 0, .. } => Err(refusals::internal_failure()),
            Stored { first_counter, arrival_ms, .. } => {
                let number = shard.sequence_number(first_counter, arrival_ms);
                Ok(Reply { shard: shard.id, number, is_encrypted: rules.is_encrypted })
            }
        }
    }

    fn check(&self, service: &Service) -> Result<(Arc<Stream>, PutRules), ApiError> {
        let (stream, rules) = self.stream.find_writable(service)?;
        check_record(&self.records, 0, rules.record_bytes_max, || "data".to_owned())?;
        if let Some(key) = &self.bad_hash_key
            && rules.distribution == RecordDistribution::UserPartitionKey
        {
            return Err(refusals::hash_key_too_large(key));
        }
        if let Some(number) = &self.number_for_ordering {
            // Numbers of a shard begin with its creation, which lies a second ahead when others were just closed.
            let newest_s = stream.shard_map().shards().last().map_or(0, |newest| newest.created_s);
            let now_s = newest_s.max(service.clock.now_ms() / 1000);
            // Of this shard, a number of the past is below every number to come: there is one writer. Another
            // shard's is accepted as well, as AWS does (reference 5.4).
            let is_past = Parsed::parse(number)
                .is_some_and(|parsed| parsed.time_s.is_none_or(|time_s| time_s <= now_s));
            if !is_past {
                return Err(refusals::bad_ordering_number(number, &self.stream));
            }
        }
        if self.dry_run {
            return Err(refusals::dry_run());
        }
        if service.faults.put_fails() {
            return Err(refusals::planned_throttle());
        }
        Ok((stream, rules))
    }
}
