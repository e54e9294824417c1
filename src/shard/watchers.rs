//! Who waits for a shard's next record, and how they are woken.
//!
//! Readers that are pushed to (subscriptions) have nothing to do while nothing comes. Each is a [`Watcher`]: it arms
//! itself with its task's waker, looks at the shard once more, and sleeps. Whoever changes what it would see (records
//! are published, or the shard map closes the shard) calls [`Shard::notify_watchers`], which costs a fence and one load
//! while nobody is armed. Waking disarms: a batch wakes a task once, and a task that is busy not at all.
//!
//! # Memory ordering
//! Two sides write one thing and read the other: the changer stores what it publishes and loads [`Armed`]; the watcher
//! stores `Armed` and loads what is published. A SeqCst fence between store and load on both sides rules out that each
//! misses the other. If the changer sees the watcher, the lock orders them, and it wakes it. A request that publishes in
//! many shards fences once, between the last publication and the first load: each pair is ordered as it is alone. Explored
//! under loom in the tests below.

use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crate::sync::{AtomicU32, Mutex, Ordering, fence};

use super::Shard;

/// How many watchers are armed; apart from their list, so that whoever appends looks at nothing else.
pub(super) struct Armed(AtomicU32);

impl Armed {
    /// None.
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Whether somebody is to be woken for what was published before [`after_publication`].
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        // Relaxed: the fence before it orders it.
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// To be called between publications and [`Armed::is_any`] of whoever may watch them: one fence for any number of them.
#[inline]
pub(super) fn after_publication() {
    // See the header.
    fence(Ordering::SeqCst);
}

/// The watchers of one shard.
#[derive(Default)]
pub(super) struct Watchers(Mutex<List>);

#[derive(Default)]
struct List {
    next_id: u64,
    armed: Vec<(u64, Waker)>,
}

impl Watchers {
    /// Wakes who is armed.
    #[cold]
    pub(super) fn wake(&self, armed: &Armed) {
        let woken = self.change(armed, |list| std::mem::take(&mut list.armed));
        // Not under the lock: a task may run at once on another thread, and arm itself again.
        for (_, waker) in woken {
            waker.wake();
        }
    }

    fn arm(&self, armed: &Armed, id: u64, waker: &Waker) {
        self.change(armed, |list| match list.armed.iter_mut().find(|(other, _)| *other == id) {
            Some((_, armed)) => armed.clone_from(waker),
            None => list.armed.push((id, waker.clone())),
        });
        // See the header: after the count, before the watcher looks.
        fence(Ordering::SeqCst);
    }

    fn disarm(&self, armed: &Armed, id: u64) {
        self.change(armed, |list| list.armed.retain(|(other, _)| *other != id));
    }

    fn change<T>(&self, armed: &Armed, change: impl FnOnce(&mut List) -> T) -> T {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut list);
        // Relaxed: the fences order it. Each watcher belongs to a consumer, and a stream has few of those.
        armed.0.store(u32::try_from(list.armed.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        result
    }
}

/// Somebody who waits for what comes to a shard.
pub struct Watcher {
    shard: Arc<Shard>,
    id: u64,
}

impl Watcher {
    /// A watcher of this shard, not armed.
    #[must_use]
    pub fn of(shard: Arc<Shard>) -> Self {
        let id = shard.watchers().change(&shard.armed, |list| {
            list.next_id += 1;
            list.next_id
        });
        Self { shard, id }
    }

    /// Has the task woken once, by the next change of the shard. What has changed before may wake nobody: look at the
    /// shard again after this, before you wait.
    pub fn arm(&self, waker: &Waker) {
        self.shard.watchers().arm(&self.shard.armed, self.id, waker);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shard.watchers().disarm(&self.shard.armed, self.id);
    }
}

#[cfg(test)]
#[cfg(shardmill_loom)]
mod models {
    use std::sync::atomic::AtomicUsize as Count;
    use std::task::Wake;

    use loom::sync::atomic::AtomicUsize;

    use super::*;
    use crate::sync::explore;

    /// Counts wake-ups. Not a modelled access: it is looked at when both threads have ended.
    #[derive(Default)]
    struct Woken(Count);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Protects: a watcher that arms itself, and then does not see what two others publish, is woken; and once.
    #[test]
    fn loom_no_record_is_slept_through() {
        explore(|| {
            let shared = Arc::new((Armed::new(), Watchers::default(), AtomicUsize::new(0)));
            let woken = Arc::new(Woken::default());
            let changers = [(); 2].map(|()| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || {
                    let (armed, watchers, published) = &*shared;
                    published.fetch_add(1, Ordering::Release);
                    after_publication();
                    if armed.is_any() {
                        watchers.wake(armed);
                    }
                })
            });
            let (armed, watchers, published) = &*shared;
            watchers.arm(armed, 1, &Waker::from(Arc::clone(&woken)));
            let seen = published.load(Ordering::Acquire);
            for changer in changers {
                changer.join().unwrap();
            }
            let wakes = woken.0.load(Ordering::Relaxed);
            assert!(wakes == 1 || (seen == 2 && wakes == 0), "saw {seen}, woken {wakes} times");
        });
    }

    /// Protects: the same where one fence stands for publications in two shards.
    #[test]
    fn loom_one_fence_for_two_shards() {
        explore(|| {
            let shards = Arc::new([(); 2].map(|()| (Armed::new(), Watchers::default(), AtomicUsize::new(0))));
            let woken = [(); 2].map(|()| Arc::new(Woken::default()));
            let changer = {
                let shards = Arc::clone(&shards);
                loom::thread::spawn(move || {
                    for (_, _, published) in &*shards {
                        published.store(1, Ordering::Release);
                    }
                    after_publication();
                    for (armed, watchers, _) in &*shards {
                        if armed.is_any() {
                            watchers.wake(armed);
                        }
                    }
                })
            };
            let seen = [0, 1].map(|shard| {
                let (armed, watchers, published) = &shards[shard];
                watchers.arm(armed, 1, &Waker::from(Arc::clone(&woken[shard])));
                published.load(Ordering::Acquire)
            });
            changer.join().unwrap();
            for (seen, woken) in seen.into_iter().zip(woken) {
                let wakes = woken.0.load(Ordering::Relaxed);
                assert!(wakes == 1 || (seen == 1 && wakes == 0), "saw {seen}, woken {wakes} times");
            }
        });
    }
}

#[cfg(test)]
#[cfg(not(shardmill_loom))]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::log::ChunkPool;
    use crate::names::{HashKeyRange, ShardId};
    use crate::shard::{Command, ShardContext};

    fn shard() -> Arc<Shard> {
        let context = ShardContext::new(ChunkPool::new(), Clock::system(), Arc::default(), u64::MAX);
        Shard::new(ShardId::FIRST, HashKeyRange::WHOLE, 1_700_000_000, context)
    }

    /// Protects: each watcher is woken once for each time that it arms itself, and none that is gone.
    #[test]
    fn armed_watchers_are_woken_once() {
        let shard = shard();
        let [stays, goes] = [(); 2].map(|()| Watcher::of(Arc::clone(&shard)));
        let (waker, woken) = counting_waker();
        for _ in 0..2 {
            stays.arm(&waker);
        }
        goes.arm(&waker);
        drop(goes);
        for _ in 0..3 {
            shard.notify_watchers();
        }
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        stays.arm(&waker);
        shard.notify_watchers();
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        drop(shard.submit(Command::Trim { not_before_ms: 1 }));
        assert_eq!(woken.load(Ordering::Relaxed), 2, "nothing new to see");
    }

    fn counting_waker() -> (Waker, Arc<AtomicU32>) {
        struct Count(Arc<AtomicU32>);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(AtomicU32::new(0));
        (Waker::from(Arc::new(Count(Arc::clone(&count)))), count)
    }
}
