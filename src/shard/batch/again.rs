//! Records that a sealed shard gave back: a second request of them, and one reply for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smallvec::SmallVec;

use crate::names::ShardId;

use super::{Batch, Destination, Records, Shard, Share};

impl Batch {
    /// Whether a sealed shard gave records back. Meaningful once the batch has [settled](Self::settled).
    #[must_use]
    pub fn is_given_back(&self) -> bool {
        // Relaxed: read after `pending` was seen at zero with Acquire.
        self.given_back.load(Ordering::Relaxed)
    }

    /// The sealed shards that gave records back.
    pub fn shards_given_back(&self) -> impl Iterator<Item = ShardId> {
        self.shares().filter(|(_, stored)| stored.given_back).map(|(shard, _)| shard.id)
    }

    /// The records that were given back, in request order: none of them was stored.
    #[must_use]
    pub fn records_given_back(&self) -> Records {
        let is_given_back: SmallVec<[bool; 16]> =
            self.shares().map(|(_, stored)| stored.given_back).collect();
        let mut given_back = Records::take();
        for (number, share) in self.share_of_each_record().iter().enumerate() {
            if is_given_back[usize::from(*share)] {
                // They fitted before.
                let copied = given_back.push_copy(&self.records, number);
                debug_assert!(copied.is_ok());
            }
        }
        given_back
    }

    /// This request as if the shares that were given back had been those of `again` from the start, which has settled
    /// as well and holds [what was given back](Self::records_given_back).
    #[must_use]
    pub fn joined<'s>(&'s self, again: &'s Self) -> Arc<Self> {
        let mut shares: SmallVec<[(&Arc<Shard>, &Share); 4]> = SmallVec::new();
        let mut add_share = |batch: &'s Self, share| {
            shares.push((batch.shard(share), share));
            // A request has at most 500 records, hence shares.
            u16::try_from(shares.len() - 1).unwrap_or(u16::MAX)
        };
        let kept: SmallVec<[Option<u16>; 16]> = self
            .shares
            .iter()
            .map(|share| (!share.stored().given_back).then(|| add_share(self, share)))
            .collect();
        let added: SmallVec<[u16; 16]> = again.shares.iter().map(|share| add_share(again, share)).collect();
        let mut again_of = again.share_of_each_record().iter().map(|share| added[usize::from(*share)]);
        let share_of_each_record: Vec<u16> = self
            .share_of_each_record()
            .iter()
            .map(|share| {
                let share = kept[usize::from(*share)].or_else(|| again_of.next());
                debug_assert!(share.is_some(), "a record was lost on its way to another shard");
                share.unwrap_or_default()
            })
            .collect();
        let shards = shares.iter().map(|(shard, _)| Arc::clone(shard)).collect();
        let places: SmallVec<[u32; 16]> = (0..).take(shares.len()).collect();
        let outcomes: SmallVec<[_; 16]> = shares.iter().map(|(_, share)| share.stored()).collect();
        let destinations = Destination::counted(&places, &share_of_each_record);
        let mut joined = Self::sorted(self.records.clone(), shards, &destinations, &share_of_each_record);
        joined.pending = AtomicU32::new(0);
        for (share, stored) in joined.shares.iter().zip(outcomes) {
            share.note(stored);
            *joined.given_back.get_mut() |= stored.given_back;
        }
        Arc::new(joined)
    }
}

impl Records {
    /// Adds a record of another request.
    fn push_copy(&mut self, from: &Self, number: usize) -> Result<(), crate::log::TooLarge> {
        let (key, data) = (from.key(number), from.data(number));
        self.room(data.len())[..data.len()].copy_from_slice(data);
        self.buffer.finish(data.len(), key)?;
        self.note(from.explicit_hash_key(number));
        Ok(())
    }
}
