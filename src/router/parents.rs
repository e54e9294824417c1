//! What a shard was made of. Kept beside the shards: an untouched one has no eight bytes to spare.

use crate::names::ShardId;

/// Stands for no shard.
const NOBODY: u32 = u32::MAX;
const _: () = assert!(ShardId::new(NOBODY).is_none());

/// The shards that a shard was made of: none, the one that was split, or the two that were merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parents([u32; 2]);

impl Parents {
    /// A shard that came with its stream.
    pub const NONE: Self = Self([NOBODY; 2]);

    /// The shard that was split, or the two that were merged: ParentShardId, then AdjacentParentShardId.
    #[must_use]
    pub const fn new(parent: ShardId, adjacent: Option<ShardId>) -> Self {
        let adjacent = match adjacent {
            Some(adjacent) => adjacent.index(),
            None => NOBODY,
        };
        Self([parent.index(), adjacent])
    }

    /// ParentShardId.
    #[must_use]
    pub const fn parent(self) -> Option<ShardId> {
        ShardId::new(self.0[0])
    }

    /// AdjacentParentShardId: only a merged shard has one.
    #[must_use]
    pub const fn adjacent(self) -> Option<ShardId> {
        ShardId::new(self.0[1])
    }

    /// Both, as far as there are.
    pub fn iter(self) -> impl Iterator<Item = ShardId> {
        self.parent().into_iter().chain(self.adjacent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SHARD_INDEX_MAX;

    /// Protects: what goes in comes out, for the last index as for the first.
    #[test]
    fn parents_come_back() {
        let last = ShardId::new(SHARD_INDEX_MAX).unwrap();
        let read = |parents: Parents| (parents.parent(), parents.adjacent(), parents.iter().count());
        assert_eq!(read(Parents::NONE), (None, None, 0));
        assert_eq!(read(Parents::new(ShardId::FIRST, None)), (Some(ShardId::FIRST), None, 1));
        assert_eq!(read(Parents::new(last, Some(ShardId::FIRST))), (Some(last), Some(ShardId::FIRST), 2));
    }
}
