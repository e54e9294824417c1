//! shardmill: an Amazon Kinesis Data Streams emulator fast enough to load-test against.
//!
//! # The way of a record
//! ```text
//! bytes in -> http -> protocol -> operation -> router -> shard -> log -> reply out
//!                                    |                     ^
//!                                    +-> control ----------+   (streams, states, quotas; shard maps)
//! GetRecords reads the log directly, without the mailbox.
//! ```
//! In that order:
//!
//! | module | what it does | start reading at |
//! |---|---|---|
//! | `http` | connections, bodies, buffers; one single-thread runtime per worker | `http/exchange.rs` |
//! | [`protocol`] | everything that knows JSON, CBOR and Kinesis' headers | [`protocol::exchange`] |
//! | [`operation`] | what each operation checks and does; one file each | [`operation::describe_limits`] |
//! | [`router`] | hash key to shard; a request split into one share per shard | [`router::ShardMaps`] |
//! | [`control`] | streams by account and region, their states and quotas | [`control::Registry`] |
//! | [`shard`] | the actor: mailbox, run token, iterator table | `shard/actor.rs` |
//! | [`log`] | the append log: one writer, readers that never wait | [`log`] |
//!
//! **A record is appended in one place:** `run_append` in `shard/actor.rs`, reached only through `change`, behind the
//! shard's run token. Sequence number, append and publication are one step there.
//!
//! Below all of these: [`names`], [`credentials`], [`policy`], [`limits`], [`error`], [`document`], [`clock`],
//! [`transitions`] and [`faults`], and `sync`, the primitives that the model checker can replace. Around them:
//! [`config`], `memory` (who may take how much), [`persist`] (state in files), [`Server`] and [`cli`].
//!
//! # What is deliberately absent
//! No lock is held across an await, and none is taken by a put or get that finds its shard idle. No timer drives a
//! stream's state: it is a function of the clock, and the first look after its time does what is due. No operation knows
//! a wire format. Nothing falls back to some default shard. ARCHITECTURE.md says what may depend on what; a test holds it.

pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod credentials;
pub mod document;
pub mod error;
pub mod faults;
mod http;
#[doc(hidden)]
pub mod in_memory;
pub mod limits;
pub mod log;
mod memory;
pub mod names;
pub mod operation;
pub mod persist;
pub mod policy;
mod pool;
pub mod protocol;
pub mod router;
mod server;
pub mod shard;
mod sync;
pub mod transitions;

pub use server::{Server, ShutdownReport, StartError};
