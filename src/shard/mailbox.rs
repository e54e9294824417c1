//! The mailbox: where commands wait while another thread holds the shard's token.

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::Semaphore;

use super::actor::Command;

/// Commands that may wait. Enough for every connection of a busy load test to have one queued; a longer
/// queue would only hide that the shard cannot keep up, since each holds a whole request.
const MAILBOX_COMMANDS_MAX: usize = 128;

/// A bounded queue of commands, and a line of senders that wait for room in it.
pub(super) struct Mailbox {
    sender: Sender<Command>,
    receiver: Receiver<Command>,
    /// A permit per free place. Its line is first come, first served: a sender that waits is not overtaken by one
    /// that comes later, or it could wait until it is shed.
    room: Semaphore,
}

impl Default for Mailbox {
    fn default() -> Self {
        // One more for the seal, which no queue may keep out.
        let (sender, receiver) = bounded(MAILBOX_COMMANDS_MAX + 1);
        Self { sender, receiver, room: Semaphore::new(MAILBOX_COMMANDS_MAX) }
    }
}

impl Mailbox {
    /// Queues a command, or gives it back if the mailbox is full. There is always a place for a shard's one seal.
    pub(super) fn push(&self, command: Command) -> Result<(), Command> {
        if command.is_seal() {
            self.send(command);
            return Ok(());
        }
        match self.room.try_acquire() {
            Ok(place) => {
                place.forget();
                self.send(command);
                Ok(())
            }
            Err(_) => Err(command),
        }
    }

    /// Queues a command once there is room.
    pub(super) async fn push_waiting(&self, command: Command) {
        // The semaphore is never closed; if it were, the command would be dropped, which fails its records.
        if let Ok(place) = self.room.acquire().await {
            place.forget();
            self.send(command);
        }
    }

    /// The oldest command.
    pub(super) fn pop(&self) -> Option<Command> {
        let command = self.receiver.try_recv().ok()?;
        if !command.is_seal() {
            self.room.add_permits(1);
        }
        Some(command)
    }

    fn send(&self, command: Command) {
        let sent = self.sender.try_send(command);
        debug_assert!(sent.is_ok(), "a permit was there, but no place");
    }
}
