//! PutRecords: up to 500 records, each into the shard that owns its key; results in request order (reference 6).

use std::sync::Arc;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use crate::control::{PutRules, RecordDistribution, Scope, Stream};
use crate::error::ApiError;
use crate::limits::REQUEST_BYTES_MAX;
use crate::names::HashKey;
use crate::shard::batch::{Batch, Records};

use super::refusals;
use super::seal::with_random;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Records to store.
pub struct Request {
    /// The stream.
    pub stream: StreamRef,
    /// The records, in request order.
    pub records: Records,
    /// An explicit hash key above 2^128 - 1, which refuses the call where hash keys choose shards.
    pub bad_hash_key: Option<String>,
    /// Only say whether it would succeed.
    pub dry_run: bool,
}

/// What became of the records.
pub enum Reply {
    /// They went to their shards.
    Stored {
        /// What became of each record.
        batch: Arc<Batch>,
        /// The stream, to be named where a record was refused.
        stream: StreamRef,
        /// Whether the stream encrypts what it stores.
        is_encrypted: bool,
    },
    /// None was stored: a throttle that someone switched on.
    Throttled {
        /// How many there were.
        count: usize,
    },
}

impl Request {
    /// A request from its members.
    ///
    /// # Errors
    /// The stream is not named, or named twice.
    pub fn new(
        (name, arn): (Option<&str>, Option<&str>),
        caller: Scope,
        records: Records,
        dry_run: bool,
    ) -> Result<Self, ApiError> {
        Ok(Self { stream: StreamRef::from_members(name, arn, caller)?, records, bad_hash_key: None, dry_run })
    }

    /// Stores the records. The request is checked whole before any shard is touched.
    ///
    /// # Errors
    /// E1, a record over the stream's size, E22 for too much together. What goes wrong later is told per record.
    pub async fn execute(self, service: &Service) -> Result<Reply, ApiError> {
        let (stream, rules) = self.stream.find_writable(service)?;
        if self.records.total_bytes() > REQUEST_BYTES_MAX {
            return Err(refusals::request_too_large());
        }
        // None is too large where all together are not.
        if self.records.total_bytes() > rules.record_bytes_max {
            for number in 0..self.records.len() {
                let path = || format!("records.{}.member.data", number + 1);
                check_record(&self.records, number, rules.record_bytes_max, path)?;
            }
        }
        if let Some(key) = &self.bad_hash_key
            && rules.distribution == RecordDistribution::UserPartitionKey
        {
            return Err(refusals::hash_key_too_large(key));
        }
        if self.dry_run {
            return Err(refusals::dry_run());
        }
        if service.faults.put_fails() {
            return Ok(Reply::Throttled { count: self.records.len() });
        }
        let batch = store(&stream, self.records, rules).await?;
        Ok(Reply::Stored { batch, stream: self.stream, is_encrypted: rules.is_encrypted })
    }
}

impl Reply {
    /// Records in the request.
    #[must_use]
    pub fn record_count(&self) -> usize {
        match self {
            Self::Stored { batch, .. } => batch.records().len(),
            Self::Throttled { count } => *count,
        }
    }

    /// Whether the stream encrypts what it stored.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Stored { is_encrypted: true, .. })
    }

    /// Records that were not stored.
    #[must_use]
    pub fn failed_count(&self) -> usize {
        match self {
            Self::Stored { batch, .. } => batch.failed_count(),
            Self::Throttled { count } => *count,
        }
    }
}

/// Checks one record against the stream's size limit.
pub(super) fn check_record(
    records: &Records,
    number: usize,
    bytes_max: usize,
    path: impl FnOnce() -> String,
) -> Result<(), ApiError> {
    let record_bytes = records.record_bytes(number);
    if record_bytes <= bytes_max {
        return Ok(());
    }
    let data_bytes = records.data(number).len();
    if data_bytes > bytes_max {
        return Err(refusals::data_too_large(&path(), data_bytes, bytes_max));
    }
    Err(refusals::record_too_large(&path(), record_bytes, bytes_max))
}

/// Stores the records, each in the shard that owns its key, or wherever the service chooses. A hole in the shard map is
/// our bug and fails the call.
pub(super) async fn store(
    stream: &Stream,
    mut records: Records,
    rules: PutRules,
) -> Result<Arc<Batch>, ApiError> {
    if rules.distribution == RecordDistribution::Auto {
        let hash_key = |random: &mut Xoshiro256PlusPlus| {
            HashKey(u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()))
        };
        with_random(|random| records.scatter(|| hash_key(random)));
    }
    stream.shard_maps().store(records).await.map_err(|unowned| {
        tracing::error!(stream = %stream.arn, %unowned, "records refused");
        refusals::internal_failure()
    })
}

/// Whether records of this stream may do without partition keys: a stream of the AUTO distribution ignores them. A
/// stream that cannot be found is told of later.
#[must_use]
pub fn keys_are_optional(
    (name, arn): (Option<&str>, Option<&str>),
    caller: Scope,
    service: &Service,
) -> bool {
    let stream = StreamRef::from_members(name, arn, caller).ok();
    let found = stream.and_then(|stream| stream.find_writable(service).ok());
    found.is_some_and(|(_, rules)| rules.distribution == RecordDistribution::Auto)
}
