//! GetRecords: what follows a shard iterator, and the next iterator or, at the end of a closed shard, its children
//! (reference 7.2).

use crate::control::Scope;
use crate::error::ApiError;
use crate::limits::{GET_RECORDS_BYTES_MAX, GET_RECORDS_LIMIT_MAX};
use crate::log::{ReadLimits, Record};
use crate::names::StreamArn;
use crate::shard::readers::Reader;

use super::iterator::ShardIterator;
use super::records_read::RecordsRead;
use super::refusals;
use super::service::Service;
use super::stream_ref::StreamRef;

/// Where to read, and how much.
#[derive(Debug, Clone)]
pub struct Request {
    iterator: ShardIterator,
    records_max: u32,
    dry_run: bool,
}

/// What was read.
pub struct Reply {
    /// The records, and what is told beside them.
    pub read: RecordsRead,
    /// The token to go on with; none at the end of a closed shard.
    pub next_iterator: Option<String>,
}

impl Request {
    /// A request from its members.
    ///
    /// # Errors
    /// E8 and E9 about the iterator, or a StreamARN that names another stream than it (E8, inferred).
    pub fn new(
        iterator: &str,
        limit: Option<i64>,
        arn: Option<&str>,
        dry_run: bool,
        service: &Service,
    ) -> Result<Self, ApiError> {
        let iterator = ShardIterator::open(&service.sealer, iterator, service.clock.now_ms())?;
        if let Some(arn) = arn {
            let named = StreamArn::parse(arn).map(|arn| {
                let scope = Scope { account: arn.account, region: arn.region };
                StreamRef { scope, name: arn.name }
            });
            if named.as_ref() != Some(&iterator.stream) {
                return Err(refusals::bad_iterator());
            }
        }
        let records_max = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(GET_RECORDS_LIMIT_MAX);
        Ok(Self { iterator, records_max, dry_run })
    }

    /// The stream that the iterator is of.
    #[must_use]
    pub const fn stream(&self) -> &StreamRef {
        &self.iterator.stream
    }

    /// Reads. `visit` sees each record that the reply will hold, so that its size can be summed on the way.
    ///
    /// # Errors
    /// E6 if the stream or shard is gone, or all that a closed shard held has expired.
    pub fn execute(self, service: &Service, visit: impl FnMut(&Record<'_>)) -> Result<Reply, ApiError> {
        let Self { iterator, records_max, dry_run } = self;
        let no_shard = || refusals::no_shard(&iterator.stream, iterator.shard);
        let stream = service.registry.find(iterator.stream.scope, iterator.stream.name.as_str());
        let stream =
            stream.filter(|stream| stream.incarnation == iterator.incarnation).ok_or_else(no_shard)?;
        let now_ms = service.clock.now_ms();
        if dry_run {
            stream.shard_map().find(iterator.shard, stream.horizon_ms(now_ms)).ok_or_else(no_shard)?;
            return Err(refusals::dry_run());
        }
        let limits = ReadLimits { records_max, bytes_max: GET_RECORDS_BYTES_MAX as u64 };
        let read = RecordsRead::read(&stream, iterator.shard, iterator.position, limits, now_ms, visit);
        let read = read.ok_or_else(no_shard)?;
        let reader = Reader { chain: iterator.chain, position: read.slice.next, seen_ms: now_ms };
        read.shard.readers().note(reader);
        let next_iterator = read.children.is_none().then(|| {
            let next = ShardIterator { position: read.slice.next, issued_ms: now_ms, ..iterator };
            next.seal(&service.sealer)
        });
        Ok(Reply { read, next_iterator })
    }
}
