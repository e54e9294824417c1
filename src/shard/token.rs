//! The run token: whoever holds it is the one that may change the shard.
//!
//! A shard's state sits in an [`Exclusive`] and is reached through a [`Token`] only. The token is taken by
//! compare-and-swap when it is free, or inherited by whoever pushes to the mailbox of an idle shard:
//!
//! ```text
//! IDLE        nobody runs; whoever has pushed a command has still to notify
//! RUN         someone holds the token
//! RUN_NOTIFY  someone holds the token, and a command may have been pushed since it last looked
//! ```
//! - take:    CAS IDLE -> RUN.
//! - notify (after a push): swap to RUN_NOTIFY; whoever saw IDLE now holds the token.
//! - release: CAS RUN -> IDLE; if that fails, swap to RUN and drain the mailbox again.
//!
//! A counting token would have a race here: the holder can pop a command before its producer counts it.
//!
//! # Memory ordering
//! Releasing (CAS RUN -> IDLE, Release) and taking (CAS IDLE -> RUN, Acquire) hand the state from one holder
//! to the next. A notifier that inherits does so by a swap with Acquire from the IDLE that the last holder
//! released. Its swap also releases its push: a holder that fails to let go swaps with Acquire, so the push
//! is visible when it drains again. The failed CAS itself needs no ordering. Explored under loom below: two
//! producers against an owner, and a take against a notify.
//!
//! A token that is dropped without being released (a panic outside a command, a runtime that stops with the
//! holder's task still queued) would leave RUN for ever. Dropping therefore runs [`Owner::on_abandon`], which
//! sees to what is queued, and then lets go.

use std::ops::Deref;

use crate::sync::{AtomicU8, Ordering, ProtocolCell};

const IDLE: u8 = 0;
const RUN: u8 = 1;
const RUN_NOTIFY: u8 = 2;

/// Something with a state that only the holder of its token may touch.
pub(crate) trait Owner {
    /// What the token guards.
    type State;

    /// Where the state and its token are.
    fn exclusive(&self) -> &Exclusive<Self::State>;

    /// Sees to all that is queued, since the holder will not. Runs once more per notification that came in
    /// meanwhile. Must not panic.
    fn on_abandon(&self, state: &mut Self::State);
}

/// A state and the token that guards it. Aligned so that a shard can put it on a cache line of its own.
#[repr(align(16))]
pub(crate) struct Exclusive<S> {
    token: AtomicU8,
    state: ProtocolCell<S>,
}

// SAFETY: `state` is reached through a `Token` only, of which at most one exists per `Exclusive` at a time
// (the protocol above), and the hand-over orders its accesses. A mutex would be safe code, but it cannot be
// inherited by a pusher without waking anyone, nor be handed to a spawned task.
#[allow(unsafe_code)]
unsafe impl<S: Send> Sync for Exclusive<S> {}

impl<S> Exclusive<S> {
    /// An idle state.
    pub(crate) fn new(state: S) -> Self {
        Self { token: AtomicU8::new(IDLE), state: ProtocolCell::new(state) }
    }
}

/// The right to change one owner's state. `R` is how the owner is held: `&Shard`, or `Arc<Shard>` in a task.
pub(crate) struct Token<R>
where
    R: Deref,
    R::Target: Owner,
{
    /// `None` once released.
    owner: Option<R>,
}

impl<R> Token<R>
where
    R: Deref,
    R::Target: Owner,
{
    /// Takes the token if nobody holds it.
    pub(crate) fn try_take(owner: R) -> Option<Self> {
        // Acquire: sees everything the last holder did to the state.
        let taken = owner.exclusive().token.compare_exchange(IDLE, RUN, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then(|| Self { owner: Some(owner) })
    }

    /// Says that something was pushed. If nobody held the token, the caller holds it now and must drain.
    pub(crate) fn notify(owner: R) -> Option<Self> {
        // Acquire for the state if this inherits; Release for the push that went before.
        let before = owner.exclusive().token.swap(RUN_NOTIFY, Ordering::AcqRel);
        (before == IDLE).then(|| Self { owner: Some(owner) })
    }

    /// Runs `f` on the owner and its state.
    #[allow(unsafe_code)]
    pub(crate) fn with<T>(
        &mut self,
        f: impl FnOnce(&R::Target, &mut <R::Target as Owner>::State) -> T,
    ) -> Option<T> {
        let owner: &R::Target = self.owner.as_deref()?;
        // SAFETY: this token is the only one of its owner while it lives, `&mut self` keeps this the only
        // use of it, and the take or notify that made it has acquired the state.
        Some(owner.exclusive().state.with_mut(|state| f(owner, unsafe { &mut *state })))
    }

    /// Lets go, unless something was pushed since the last look: then the token comes back, to drain again.
    pub(crate) fn release(mut self) -> Result<(), Self> {
        let Some(owner) = self.owner.take() else { return Ok(()) };
        if release_or_rearm(&owner.exclusive().token) {
            return Ok(());
        }
        self.owner = Some(owner);
        Err(self)
    }

    /// The same token, held through another reference to the same owner.
    pub(crate) fn held_by<Q>(mut self, other: Q) -> Token<Q>
    where
        Q: Deref<Target = R::Target>,
    {
        let same = self.owner.as_deref().is_some_and(|owner| std::ptr::eq(owner, &raw const *other));
        assert!(same, "a token was moved to another owner");
        self.owner = None;
        Token { owner: Some(other) }
    }
}

impl<R> Drop for Token<R>
where
    R: Deref,
    R::Target: Owner,
{
    fn drop(&mut self) {
        while self.with(Owner::on_abandon).is_some() {
            let Some(owner) = self.owner.take() else { return };
            if !release_or_rearm(&owner.exclusive().token) {
                self.owner = Some(owner);
            }
        }
    }
}

/// `true` if the token was let go; `false` if it is still held because of a notification, now consumed.
fn release_or_rearm(token: &AtomicU8) -> bool {
    // Release: hands the state to the next holder.
    if token.compare_exchange(RUN, IDLE, Ordering::Release, Ordering::Relaxed).is_ok() {
        return true;
    }
    // Acquire: sees the push that was notified. Release: keeps the chain for whoever notifies next.
    token.swap(RUN, Ordering::AcqRel);
    false
}

#[cfg(test)]
#[cfg(shardmill_loom)]
mod models {
    //! The token under loom, with a queue that is weaker than the real channel: a slot is reserved, written,
    //! and flagged with Release; a pop that finds its slot unflagged calls the queue empty.

    use std::sync::Arc;

    use loom::sync::atomic::{AtomicBool, AtomicUsize};

    use crate::sync::explore;

    use super::*;

    const COMMANDS: usize = 3;

    struct Queue {
        tail: AtomicUsize,
        full: Vec<AtomicBool>,
    }

    impl Queue {
        fn push(&self) {
            let slot = self.tail.fetch_add(1, Ordering::Relaxed);
            self.full[slot].store(true, Ordering::Release);
        }
    }

    struct Fake {
        exclusive: Exclusive<Ran>,
        queue: Queue,
    }

    #[derive(Default)]
    struct Ran {
        head: usize,
        inline: usize,
        abandoned: bool,
    }

    impl Fake {
        fn new() -> Arc<Self> {
            let full = (0..COMMANDS).map(|_| AtomicBool::new(false)).collect();
            let queue = Queue { tail: AtomicUsize::new(0), full };
            Arc::new(Self { exclusive: Exclusive::new(Ran::default()), queue })
        }

        fn drain(&self, ran: &mut Ran) {
            while ran.head < COMMANDS && self.queue.full[ran.head].load(Ordering::Acquire) {
                ran.head += 1;
            }
        }
    }

    impl Owner for Fake {
        type State = Ran;
        fn exclusive(&self) -> &Exclusive<Ran> {
            &self.exclusive
        }
        fn on_abandon(&self, state: &mut Ran) {
            state.abandoned = true;
            self.drain(state);
        }
    }

    fn drain_and_release(mut token: Token<&Fake>) {
        loop {
            token.with(Fake::drain);
            match token.release() {
                Ok(()) => return,
                Err(again) => token = again,
            }
        }
    }

    fn push_and_notify(fake: &Fake) {
        fake.queue.push();
        if let Some(token) = Token::notify(fake) {
            drain_and_release(token);
        }
    }

    fn run_inline_or_push(fake: &Fake) {
        if let Some(mut token) = Token::try_take(fake) {
            token.with(|_, ran| ran.inline += 1);
            // What is pushed from now on notifies; what was pushed before a holder let go, that one has drained.
            if let Err(token) = token.release() {
                drain_and_release(token);
            }
        } else {
            push_and_notify(fake);
        }
    }

    fn all_ran(fake: &Fake, expected: usize) {
        let Some(mut token) = Token::try_take(fake) else { panic!("the token was left held") };
        token.with(|_, ran| assert_eq!(ran.head + ran.inline, expected, "a command was left in the queue"));
        assert!(token.release().is_ok());
    }

    /// Protects: two producers and an owner: nothing is left in the mailbox, and no two run at once.
    #[test]
    fn loom_two_producers_and_an_owner() {
        explore(|| {
            let fake = Fake::new();
            let mut token = Token::try_take(&*fake).unwrap();
            let producers: Vec<_> = (0..2)
                .map(|_| {
                    let fake = Arc::clone(&fake);
                    loom::thread::spawn(move || push_and_notify(&fake))
                })
                .collect();
            token.with(|_, ran| ran.inline += 1);
            drain_and_release(token);
            for producer in producers {
                producer.join().unwrap();
            }
            all_ran(&fake, 3);
        });
    }

    /// Protects: takers that find the token free or busy, as requests do.
    #[test]
    fn loom_inline_or_push() {
        explore(|| {
            let fake = Fake::new();
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let fake = Arc::clone(&fake);
                    loom::thread::spawn(move || run_inline_or_push(&fake))
                })
                .collect();
            run_inline_or_push(&fake);
            for other in others {
                other.join().unwrap();
            }
            all_ran(&fake, 3);
        });
    }

    /// Protects: a dropped token has its owner see to what is queued, even while it is being dropped, and lets go.
    #[test]
    fn loom_an_abandoned_token_lets_go() {
        explore(|| {
            let fake = Fake::new();
            let token = Token::try_take(&*fake).unwrap();
            let producers: Vec<_> = (0..2)
                .map(|_| {
                    let fake = Arc::clone(&fake);
                    loom::thread::spawn(move || push_and_notify(&fake))
                })
                .collect();
            drop(token);
            for producer in producers {
                producer.join().unwrap();
            }
            let mut token = Token::try_take(&*fake).unwrap();
            token.with(|_, ran| assert!(ran.abandoned && ran.head == 2));
            assert!(token.release().is_ok());
        });
    }
}
