//! The mailbox: where commands wait while another thread holds the shard's token.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::actor::Command;

/// Commands that may wait. Enough for every connection of a busy load test to have one queued; a longer
/// queue would only hide that the shard cannot keep up, since each holds a whole request.
const MAILBOX_COMMANDS_MAX: usize = 128;

/// A bounded queue of commands, and the senders that wait for room in it.
pub(super) struct Mailbox {
    sender: Sender<Command>,
    receiver: Receiver<Command>,
    room: Notify,
}

impl Default for Mailbox {
    fn default() -> Self {
        let (sender, receiver) = bounded(MAILBOX_COMMANDS_MAX);
        Self { sender, receiver, room: Notify::new() }
    }
}

impl Mailbox {
    /// Queues a command, or gives it back if the mailbox is full.
    pub(super) fn push(&self, command: Command) -> Result<(), Command> {
        self.sender.try_send(command).map_err(TrySendError::into_inner)
    }

    /// The oldest command. Only the holder of the token calls this.
    pub(super) fn pop(&self) -> Option<Command> {
        let command = self.receiver.try_recv().ok()?;
        // Every sender that waits tries again: a second one costs little, a forgotten one would cost a second.
        self.room.notify_waiters();
        Some(command)
    }

    /// Resolves when a command has been popped after this was enabled.
    pub(super) fn room(&self) -> Notified<'_> {
        self.room.notified()
    }
}
