//! What a command does to a shard, and who runs it.
//!
//! A request that finds the token free runs its share, or its command, on its own thread, at the cost of an
//! uncontended lock. If the token is busy the command goes to the mailbox and the request waits for its countdown. The
//! holder drains the mailbox before it lets go, but only so much ([`DRAIN_COMMANDS_MAX`],
//! [`DRAIN_BYTES_MAX`]) on another request's time: the rest goes to a task of its own.
//!
//! - Back-pressure: a full mailbox makes the sender wait; only after [`SHED_AFTER`] is the command dropped,
//!   which fails its records as an internal failure and is counted. It is never called a throttle.
//! - Sealing: a shard that was sealed gives the records of an append back; it can still be trimmed.
//! - Panics: a command that panics poisons its shard. Its records fail, the published prefix stays readable,
//!   later writes fail, and health says so. Other shards do not notice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::log::{AppendError, Writer};

use super::Shard;
use super::batch::{AppendCommand, Part, Stored};
use super::mailbox::Mailbox;
use super::seal::SealCommand;
use super::token::{Exclusive, Owner, Token};

/// Commands that a request drains for others before it hands the token to a task.
const DRAIN_COMMANDS_MAX: usize = 64;

/// Bytes that a request appends for others before it hands the token to a task.
const DRAIN_BYTES_MAX: usize = 256 << 10;

/// How long a sender waits for room in a full mailbox.
const SHED_AFTER: Duration = Duration::from_secs(1);

/// Everything that can change a shard.
pub enum Command {
    /// Append one request's records for this shard.
    Append(AppendCommand),
    /// Let go of records that arrived before this, in epoch milliseconds.
    Trim {
        /// The oldest arrival to keep.
        not_before_ms: u64,
    },
    /// Take no more records.
    Seal(SealCommand),
    /// Panic, to show that it stays in its shard.
    #[cfg(test)]
    Panic,
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.bytes(),
            _ => 0,
        }
    }

    pub(super) const fn is_seal(&self) -> bool {
        matches!(self, Self::Seal(_))
    }
}

/// The part of a shard that only the holder of its token sees.
pub(crate) struct ActorState {
    writer: Writer,
    condition: Condition,
}

/// What a shard takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Everything.
    Open,
    /// No more records.
    Sealed,
    /// Nothing, since a panic left it half changed.
    Poisoned,
}

/// Counter 0 is the shard's StartingSequenceNumber (reference 5.4).
pub(super) const COUNTER_FIRST: u64 = 1;

impl ActorState {
    pub(super) const fn new(created_s: u64) -> Self {
        Self::of(Writer::new(COUNTER_FIRST, created_s * 1000), true)
    }

    pub(super) const fn of(writer: Writer, is_open: bool) -> Self {
        let condition = if is_open { Condition::Open } else { Condition::Sealed };
        Self { writer, condition }
    }
}

impl Shard {
    /// Has a command run: here and now if the shard is idle, else by whoever is busy with it.
    ///
    /// # Errors
    /// Gives the command back if the mailbox is full; [`Self::submit_waiting`] is for that.
    pub fn submit(self: &Arc<Self>, command: Command) -> Result<(), Command> {
        if let Some(mut token) = Token::try_take(&**self) {
            execute(&mut token, command);
            self.release(token);
            return Ok(());
        }
        self.mailbox.get_or_init(Box::default).push(command)?;
        self.notify();
        Ok(())
    }

    /// Appends here and now if the shard is idle; gives `None` if it is not. The caller is to see to watchers.
    #[inline(always)]
    pub(super) fn append_if_idle(self: &Arc<Self>, part: &Part<'_>) -> Option<Stored> {
        let mut token = Token::try_take(&**self)?;
        let stored = token.with(|shard, state| change(shard, state, |state| append(shard, state, part)));
        self.release(token);
        Some(stored.flatten().unwrap_or(Stored::NOTHING))
    }

    /// Lets go of a token that was taken while nobody held it. Whoever had pushed something by then has still to notify,
    /// so the mailbox is looked at only after a notification.
    #[inline]
    fn release(self: &Arc<Self>, token: Token<&Self>) {
        if let Err(token) = token.release() {
            self.drain_and_release(token);
        }
    }

    /// As [`Self::submit`], but waits in line for room. After [`SHED_AFTER`] the command is dropped, which fails
    /// its records, and counted.
    pub async fn submit_waiting(self: Arc<Self>, command: Command) {
        let mailbox = self.mailbox.get_or_init(Box::default);
        if tokio::time::timeout(SHED_AFTER, mailbox.push_waiting(command)).await.is_ok() {
            self.notify();
        } else {
            self.context.tally.count_shed_command();
        }
    }

    /// Says that a command was pushed; drains the mailbox if nobody else is about to.
    fn notify(self: &Arc<Self>) {
        if let Some(token) = Token::notify(&**self) {
            self.drain_and_release(token);
        }
    }

    /// Runs what is queued and lets go; hands the token to a task when that would take long.
    fn drain_and_release(self: &Arc<Self>, mut token: Token<&Self>) {
        let mut budget = Budget::default();
        loop {
            if self.drain(&mut token, &mut budget) {
                match token.release() {
                    Ok(()) => return,
                    Err(again) => token = again,
                }
            } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let token = token.held_by(Arc::clone(self));
                runtime.spawn(Arc::clone(self).drain_in_task(token));
                return;
            } else {
                // Outside a runtime nobody else waits for this thread.
                budget = Budget::default();
            }
        }
    }

    async fn drain_in_task(self: Arc<Self>, mut token: Token<Arc<Self>>) {
        loop {
            tokio::task::yield_now().await;
            if self.drain(&mut token, &mut Budget::default()) {
                match token.release() {
                    Ok(()) => return,
                    Err(again) => token = again,
                }
            }
        }
    }

    /// Runs queued commands until the mailbox is empty (`true`) or the budget is spent (`false`).
    fn drain<R>(&self, token: &mut Token<R>, budget: &mut Budget) -> bool
    where
        R: std::ops::Deref<Target = Self>,
    {
        let Some(mailbox) = self.mailbox.get() else { return true };
        while budget.is_left() {
            let Some(command) = mailbox.pop() else { return true };
            budget.spend(command.bytes());
            execute(token, command);
        }
        false
    }
}

/// What a request may still do for others.
struct Budget {
    commands: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { commands: DRAIN_COMMANDS_MAX, bytes: DRAIN_BYTES_MAX }
    }
}

impl Budget {
    const fn is_left(&self) -> bool {
        self.commands > 0 && self.bytes > 0
    }

    fn spend(&mut self, bytes: usize) {
        self.commands -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Runs a command. Where it does not run, dropping it fails its records; of a seal it is as good as run.
fn execute<R>(token: &mut Token<R>, command: Command)
where
    R: std::ops::Deref<Target = Shard>,
{
    token.with(|shard, state| change(shard, state, |state| run(shard, state, command)));
}

/// The one door through which a shard changes. A panic stays inside and poisons the shard: `None` then and ever after.
#[inline(always)]
fn change<T>(shard: &Shard, state: &mut ActorState, change: impl FnOnce(&mut ActorState) -> T) -> Option<T> {
    if state.condition == Condition::Poisoned {
        return None;
    }
    // What the panic left half done is never read again: the condition guards the writer, and readers see
    // published records only. That is the unwind safety asserted here.
    let changed = catch_unwind(AssertUnwindSafe(|| change(state)));
    if changed.is_err() {
        poison(shard, state);
    }
    changed.ok()
}

fn run(shard: &Shard, state: &mut ActorState, command: Command) {
    match command {
        Command::Append(mut command) => {
            let stored = append(shard, state, &command.part());
            shard.notify_watchers();
            command.settle(stored);
        }
        Command::Trim { not_before_ms } => state.writer.trim(&shard.log, not_before_ms),
        Command::Seal(seal) => {
            state.condition = Condition::Sealed;
            state.writer.close(&shard.log, &shard.context.pool);
            seal.note(state.writer.arrival_ms(0));
        }
        #[cfg(test)]
        Command::Panic => panic!("a planted panic"),
    }
}

/// Appends, if the shard takes records.
#[inline(always)]
fn append(shard: &Shard, state: &mut ActorState, part: &Part<'_>) -> Stored {
    match state.condition {
        Condition::Open => run_append(shard, &mut state.writer, part),
        Condition::Sealed | Condition::Poisoned => Stored::GIVEN_BACK,
    }
}

/// Sequence numbers, append and publication of one share: one step, whoever watches. Watchers are told by the caller.
///
/// Inlined, so that what became of it stays in registers: read from memory that was just written, it would wait for all
/// that was written before, and that goes to memory which is in no cache.
#[inline(always)]
fn run_append(shard: &Shard, writer: &mut Writer, part: &Part<'_>) -> Stored {
    let arrival_ms = writer.arrival_ms(part.routed_ms);
    let first_counter = writer.next_counter();
    let Part { records, numbers, .. } = *part;
    let record = |place: usize| records.record(usize::from(numbers[place]));
    let appended = writer.append_run(&shard.log, &shard.context.pool, numbers.len(), record, arrival_ms);
    let (count, throttled) = match appended {
        Ok(()) => (numbers.len(), false),
        Err((count, AppendError::Throttled)) => (count, true),
        Err((count, error)) => {
            tracing::error!(shard = %shard.id, %error, "records refused");
            (count, false)
        }
    };
    // A request has at most 500 records.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    writer.commit();
    #[cfg(not(shardmill_loom))]
    shard.next_write.note(writer);
    Stored { first_counter, arrival_ms, count, throttled, given_back: false }
}

fn poison(shard: &Shard, state: &mut ActorState) {
    if state.condition != Condition::Poisoned {
        state.condition = Condition::Poisoned;
        shard.context.tally.count_poisoned_shard();
        tracing::error!(shard = %shard.id, "a command panicked: the shard refuses writes from now on");
    }
}

impl Owner for Shard {
    type State = ActorState;

    fn exclusive(&self) -> &Exclusive<ActorState> {
        &self.exclusive
    }

    /// A runtime that ends takes its tasks with it, and one of them may hold the token while other workers still
    /// serve: what is queued is run here then. Only a panic poisons.
    fn on_abandon(&self, state: &mut ActorState) {
        if std::thread::panicking() {
            poison(self, state);
        }
        if let Some(mailbox) = self.mailbox.get() {
            while let Some(command) = mailbox.pop() {
                change(self, state, |state| run(self, state, command));
            }
        }
    }
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Mailbox>();
};
