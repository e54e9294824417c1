//! What is known of a share before there is a batch.

use smallvec::SmallVec;

/// Where a share of a batch goes.
#[derive(Debug, Clone, Copy)]
pub struct Destination {
    /// The shard's place among those of the batch.
    pub shard: u32,
    /// Of the share.
    pub records_count: u16,
}

impl Destination {
    /// Those of shares whose records are still to be counted.
    pub(crate) fn counted(shard_of_each_share: &[u32], share_of_each_record: &[u16]) -> SmallVec<[Self; 16]> {
        let uncounted = |shard: &u32| Self { shard: *shard, records_count: 0 };
        let mut counted: SmallVec<[Self; 16]> = shard_of_each_share.iter().map(uncounted).collect();
        for share in share_of_each_record {
            counted[usize::from(*share)].records_count += 1;
        }
        counted
    }
}
