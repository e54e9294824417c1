//! loom model of sealing: two shards that become one, an append that may meet the seal inline or in the queue, and the
//! map that the last seal replaces.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::explore;

use super::token::{Exclusive, Owner, Token};

const SEAL: usize = 1;
const APPEND: usize = 2;
/// Commands that one model queues at the most.
const COMMANDS: usize = 2;

/// A shard as far as sealing goes, with a queue that is no stronger than the real channel.
struct Fake {
    exclusive: Exclusive<State>,
    tail: AtomicUsize,
    /// 0 is empty.
    queue: Vec<AtomicUsize>,
    reshard: Arc<Reshard>,
    /// What was stored, published as a log does it.
    stored: AtomicUsize,
    /// Appends that were given back.
    given_back: AtomicUsize,
}

#[derive(Default)]
struct State {
    head: usize,
    is_sealed: bool,
}

/// The countdown of [`Seal`](super::seal::Seal), and the map that it ends with.
struct Reshard {
    pending: AtomicUsize,
    map: AtomicUsize,
}

impl Fake {
    fn new(reshard: &Arc<Reshard>) -> Arc<Self> {
        Arc::new(Self {
            exclusive: Exclusive::new(State::default()),
            tail: AtomicUsize::new(0),
            queue: (0..COMMANDS).map(|_| AtomicUsize::new(0)).collect(),
            reshard: Arc::clone(reshard),
            stored: AtomicUsize::new(0),
            given_back: AtomicUsize::new(0),
        })
    }

    fn run(&self, state: &mut State, command: usize) {
        if command == SEAL {
            state.is_sealed = true;
            if self.reshard.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.reshard.map.store(1, Ordering::Release);
            }
        } else if state.is_sealed {
            self.given_back.fetch_add(1, Ordering::Release);
        } else {
            self.stored.fetch_add(1, Ordering::Release);
        }
    }

    fn drain(&self, state: &mut State) {
        while let Some(slot) = self.queue.get(state.head) {
            let command = slot.load(Ordering::Acquire);
            if command == 0 {
                return;
            }
            state.head += 1;
            self.run(state, command);
        }
    }

    fn submit(&self, command: usize) {
        let mut token = if let Some(mut token) = Token::try_take(self) {
            token.with(|fake, state| fake.run(state, command));
            let Err(token) = token.release() else { return };
            token
        } else {
            let slot = self.tail.fetch_add(1, Ordering::Relaxed);
            self.queue[slot].store(command, Ordering::Release);
            let Some(token) = Token::notify(self) else { return };
            token
        };
        loop {
            token.with(Self::drain);
            match token.release() {
                Ok(()) => return,
                Err(again) => token = again,
            }
        }
    }
}

impl Owner for Fake {
    type State = State;
    fn exclusive(&self) -> &Exclusive<State> {
        &self.exclusive
    }
    fn on_abandon(&self, state: &mut State) {
        self.drain(state);
    }
}

/// Protects: an append beside the seals of its shard and of another is stored or given back, once; and whoever sees the
/// new map sees all that was stored in the shards that it closes, so that a reader at their end misses nothing.
#[test]
fn loom_seal_against_a_queued_append() {
    explore(|| {
        let reshard = Arc::new(Reshard { pending: AtomicUsize::new(2), map: AtomicUsize::new(0) });
        let shards = [Fake::new(&reshard), Fake::new(&reshard)];
        let appending = {
            let shard = Arc::clone(&shards[0]);
            loom::thread::spawn(move || shard.submit(APPEND))
        };
        let sealing = {
            let shard = Arc::clone(&shards[0]);
            loom::thread::spawn(move || shard.submit(SEAL))
        };
        shards[1].submit(SEAL);
        let is_closed = reshard.map.load(Ordering::Acquire) == 1;
        let stored = shards[0].stored.load(Ordering::Acquire);
        appending.join().unwrap();
        sealing.join().unwrap();
        let (stored_then, given_back) =
            (shards[0].stored.load(Ordering::Acquire), shards[0].given_back.load(Ordering::Acquire));
        assert_eq!(stored_then + given_back, 1);
        assert!(!is_closed || stored == stored_then, "a closed shard's log grew");
        assert_eq!(reshard.map.load(Ordering::Acquire), 1, "a seal was left in the queue");
    });
}
