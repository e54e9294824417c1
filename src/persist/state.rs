//! Everything that a server knows, as it is at one moment, while it goes on serving.

use std::hash::Hasher;

use ahash::AHasher;

use crate::control::account::Run;
use crate::control::{SavedShard, Scope, Taken};
use crate::log::{ReadLimits, Record};
use crate::operation::Service;
use crate::shard::Shard;

use super::codec::Field;
use super::error::PersistError;

/// What is read of a shard at once: little enough to be pinned, to be put in a block, and to take no longer
/// than a slice of work ([`super::pace`]).
const AT_ONCE: ReadLimits = ReadLimits { records_max: 1_000, bytes_max: 32 << 10 };

/// What is about no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// When it was taken, epoch milliseconds.
    pub taken_ms: u64,
    /// The keys that open tokens, the one that seals first.
    pub keys: Vec<[u8; 16]>,
    /// What accounts have committed themselves to.
    pub commitments: Vec<(Scope, Run)>,
}

/// The state of a server. Its records are in its shards, up to where each of them ended.
pub struct State {
    /// What is about no stream.
    pub head: Head,
    /// Every stream, by ascending ARN.
    pub streams: Vec<Taken>,
    /// Whose commitment it is where only one can be told.
    pub usual_caller: Scope,
}

/// How much was written or read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Streams.
    pub streams: u64,
    /// Shards.
    pub shards: u64,
    /// Records.
    pub records: u64,
    /// Bytes of keys and data.
    pub record_bytes: u64,
}

impl Totals {
    /// One more record.
    pub(super) const fn count_record(&mut self, bytes: usize) {
        self.records += 1;
        self.record_bytes += bytes as u64;
    }
}

impl State {
    /// The state of a server now.
    #[must_use]
    pub fn take(service: &Service) -> Self {
        let mut commitments = service.registry.accounts().runs();
        commitments.sort_unstable_by_key(|(scope, _)| (scope.account, scope.region));
        let head = Head { taken_ms: service.clock.now_ms(), keys: service.sealer.keys(), commitments };
        Self { head, streams: service.registry.take(), usual_caller: service.usual_caller }
    }

    /// A number that is another one after any change, but for what only time changes.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // Of this process only, so the hasher need not be the same in the next one.
        let mut hasher = AHasher::default();
        let mut bytes = Vec::new();
        self.head.commitments.put(&mut bytes);
        for stream in &self.streams {
            stream.saved.put(&mut bytes);
            hasher.write(&bytes);
            bytes.clear();
        }
        hasher.write(&bytes);
        hasher.finish()
    }
}

impl Field for Head {
    fn put(&self, out: &mut Vec<u8>) {
        self.taken_ms.put(out);
        self.keys.put(out);
        self.commitments.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self { taken_ms: Field::get(input)?, keys: Field::get(input)?, commitments: Field::get(input)? })
    }
}

/// Reads what a shard held when its state was taken. `visit` sees each record; after each few of them `rest` is called.
///
/// # Errors
/// What `rest` says.
pub(super) fn read_shard<C>(
    (shard, saved): (&Shard, &SavedShard),
    not_before_ms: u64,
    context: &mut C,
    mut visit: impl FnMut(&mut C, &Record<'_>),
    mut rest: impl FnMut(&mut C) -> Result<(), PersistError>,
) -> Result<(), PersistError> {
    let mut position = saved.horizon;
    while position < saved.tip {
        let slice = shard.log().read(position, not_before_ms, AT_ONCE, |record| {
            // What was trimmed meanwhile may have moved the start, and so the end.
            if record.position < saved.tip {
                visit(context, record);
            }
        });
        rest(context)?;
        if slice.records_count == 0 {
            break;
        }
        position = slice.next;
    }
    Ok(())
}
