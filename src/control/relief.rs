//! How a server at its memory ceiling finds what was written longest ago, over all of its shards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};

use crate::log::{ChunkPool, OldestSegment};
use crate::shard::{Command, Shard};

/// Shards by the age of what is oldest in them. What was learned of them is kept from one relief to the next, since a
/// look at a thousand shards costs more than what is trimmed at a time.
#[derive(Default)]
pub struct Relief {
    /// The shards that held something when all were looked at, unless they are gone.
    shards: Vec<Weak<Shard>>,
    /// Their oldest segments, by the last arrival. It may have been trimmed since, and what follows it is younger.
    oldest: BinaryHeap<Reverse<(u64, usize)>>,
    /// When all were looked at, epoch milliseconds: what is older than that is in one of these shards.
    looked_ms: u64,
}

impl Relief {
    /// Trims one segment after the other, always the one that was written to longest ago, until the pool holds no more
    /// than `wanted_bytes`. `look` gives the time and all shards, if they have to be looked at anew.
    pub(super) async fn trim_oldest(
        &mut self,
        pool: &ChunkPool,
        wanted_bytes: u64,
        look: impl Fn() -> (u64, Vec<Arc<Shard>>),
    ) {
        // What readers have pinned comes back when they are done, and trimming more would not speed that up: so what
        // was let go of counts as well as what is free.
        let mut expected_bytes = pool.held_bytes();
        let (mut is_new, mut busy) = (false, Vec::new());
        while expected_bytes.min(pool.held_bytes()) > wanted_bytes {
            let Some((number, shard, segment)) = self.next(is_new) else {
                if is_new {
                    break;
                }
                let (now_ms, shards) = look();
                *self = Self::of(now_ms, &shards);
                // They are among these again, by other numbers.
                busy.clear();
                is_new = true;
                continue;
            };
            let last_arrival_ms = segment.last_arrival_ms;
            if shard.submit(Command::Trim { not_before_ms: last_arrival_ms + 1 }).is_ok() {
                expected_bytes = expected_bytes.saturating_sub(segment.bytes);
                let next = shard.log().oldest_segment().map(|next| next.last_arrival_ms);
                self.oldest
                    .extend(next.filter(|next| *next > last_arrival_ms).map(|next| Reverse((next, number))));
            } else {
                // It makes room by itself; perhaps it can be trimmed next time.
                busy.push(Reverse((last_arrival_ms, number)));
            }
            tokio::task::yield_now().await;
        }
        self.oldest.extend(busy);
    }

    fn of(looked_ms: u64, shards: &[Arc<Shard>]) -> Self {
        let last_arrival = |(number, shard): (usize, &Arc<Shard>)| {
            Some(Reverse((shard.log().oldest_segment()?.last_arrival_ms, number)))
        };
        let oldest = shards.iter().enumerate().filter_map(last_arrival).collect();
        Self { shards: shards.iter().map(Arc::downgrade).collect(), oldest, looked_ms }
    }

    /// The oldest segment that is known of, and whose it is; none where one that is not known of may be older, unless
    /// the shards were looked at just now.
    fn next(&mut self, is_new: bool) -> Option<(usize, Arc<Shard>, OldestSegment)> {
        loop {
            let Reverse((last_arrival_ms, number)) = *self.oldest.peek()?;
            if last_arrival_ms >= self.looked_ms && !is_new {
                return None;
            }
            self.oldest.pop();
            let Some(shard) = self.shards.get(number).and_then(Weak::upgrade) else { continue };
            let Some(segment) = shard.log().oldest_segment() else { continue };
            if segment.last_arrival_ms == last_arrival_ms {
                return Some((number, shard, segment));
            }
            self.oldest.push(Reverse((segment.last_arrival_ms, number)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MovableClock;
    use crate::names::{HashKeyRange, ShardId};
    use crate::shard::batch::{Batch, Destination, Records};
    use crate::shard::{ShardContext, Tally};
    use std::time::Duration;

    const START_MS: u64 = 1_700_000_000_000;

    struct Server {
        context: Arc<ShardContext>,
        clock: MovableClock,
        shards: Vec<Arc<Shard>>,
    }

    impl Server {
        fn add_shard(&mut self) {
            let id = ShardId::new(u32::try_from(self.shards.len()).unwrap()).unwrap();
            let context = Arc::clone(&self.context);
            self.shards.push(Shard::new(id, HashKeyRange::WHOLE, START_MS / 1000, context));
        }

        /// A record that has a segment for itself, a second after the one before.
        fn put(&self, shard: usize) {
            self.clock.advance(Duration::from_secs(1));
            let mut records = Records::take();
            records.push("k", None, &[1; 1_000_000]).unwrap();
            let shards: Arc<[_]> = [Arc::clone(&self.shards[shard])].into();
            let batch = Batch::new(records, &shards, &[Destination { shard: 0, records_count: 1 }], &[0]);
            batch.run(|_, _| panic!("the shard is busy"));
        }

        /// Lets go of as many segments; gives how many times all shards were looked at for it.
        async fn relieve(&self, relief: &mut Relief, segments: u64) -> usize {
            let (pool, looks) = (&self.context.pool, std::sync::atomic::AtomicUsize::new(0));
            let segment_bytes = 1_000_000;
            let wanted_bytes = pool.held_bytes() - segments * segment_bytes;
            let look = || {
                looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                (self.clock.clock().now_ms(), self.shards.clone())
            };
            relief.trim_oldest(pool, wanted_bytes, look).await;
            looks.into_inner()
        }

        /// The records that each shard holds.
        fn held(&self) -> Vec<u64> {
            let held = |shard: &Arc<Shard>| shard.watermark().tip - shard.watermark().horizon;
            self.shards.iter().map(held).collect()
        }
    }

    /// Protects: the oldest goes first wherever it is, also of shards that came later or held nothing; what is known is
    /// not looked at again; a shard that is gone is let go of.
    #[tokio::test]
    async fn the_oldest_goes_first() {
        let clock = MovableClock::new(START_MS);
        let context =
            ShardContext::new(ChunkPool::new(), clock.clock(), Arc::new(Tally::default()), 86_400_000);
        let mut server = Server { context, clock, shards: Vec::new() };
        (0..4).for_each(|_| server.add_shard());
        for shard in [0, 1, 0, 1, 2, 0] {
            server.put(shard);
        }
        server.clock.advance(Duration::from_secs(1));
        let mut relief = Relief::default();
        assert_eq!(server.relieve(&mut relief, 1).await, 1);
        assert_eq!(server.held(), [2, 2, 1, 0]);
        // Shard 3 was empty, and shard 4 was not there.
        server.add_shard();
        for shard in [3, 4, 1] {
            server.put(shard);
        }
        assert_eq!(server.relieve(&mut relief, 2).await, 0, "what was known was enough");
        assert_eq!(server.held(), [1, 2, 1, 1, 1]);
        // One shard lets go of its own oldest record meanwhile.
        let oldest = server.shards[1].log().oldest_segment().unwrap();
        let trim = Command::Trim { not_before_ms: oldest.last_arrival_ms + 1 };
        assert!(server.shards[1].submit(trim).is_ok());
        assert_eq!(server.relieve(&mut relief, 2).await, 0);
        assert_eq!(server.held(), [0, 1, 0, 1, 1]);
        assert_eq!(server.relieve(&mut relief, 2).await, 1, "younger than the last look");
        assert_eq!(server.held(), [0, 1, 0, 0, 0]);
        let gone = Arc::downgrade(&server.shards[1]);
        server.shards.clear();
        assert!(gone.upgrade().is_none(), "a shard that is gone is kept");
        let nothing = server.relieve(&mut relief, 0).await;
        assert_eq!(nothing, 0);
    }
}
