//! The crate's one integration binary: a server in this process, spoken to over sockets by a client that knows no
//! line of the server's code; and tests that read the project's own files.
//!
//! - [`client`]: a tiny HTTP/1.1 client; [`speakers`]: clients that speak HTTP/2 or TLS; [`setup`]: a server for a test
//!   and the requests most tests make; [`folder`]: files of a test.
//! - [`health`], [`dispatch`], [`errors`], [`shapes`], [`spellings`], [`iterators`], [`faults`]: what is answered, byte
//!   for byte; [`bodies`], [`cbor_bodies`]: to what real clients sent; [`cbor`]: in the other codec.
//! - [`subscriptions`]: records that are pushed, event by event.
//! - [`model`]: every member of every operation, against AWS's own model; [`expectations`]: answers written out by hand
//!   from the reference.
//! - [`mutations`]: requests that nobody would send, to every operation.
//! - [`resharding`]: splits, merges and new shard counts, and what readers see of them; [`on_demand`]: those that the
//!   service starts by itself.
//! - [`tags`], [`policies`], [`settings`], [`encryption`], [`account`], [`consumers`]: how streams, consumers and accounts
//!   are set, tagged and described; [`administration_errors`]: what is refused of it, to the letter.
//! - [`scopes`], [`durations`]: accounts and regions, each for itself; transitions, each with a time of its own.
//! - [`snapshots`]: state saved and loaded while the server goes on; [`persistence`]: kept in files by the program.
//! - [`launch_forms`]: started as kinesis-mock and kinesalite are, through the npm package too; [`kinesis_local`]: state
//!   files between us and the real kinesis-mock.
//! - [`signatures`]: a server that requires them, and [`signer`], which makes them.
//! - [`http2`], [`tls`]: what else than plain HTTP/1.1 the port takes; [`budget`]: bodies that want more memory than there
//!   is.
//! - [`transport`], [`shutdown`], [`parting`], [`crowd`], [`program`]: bodies, connections, processes, and their
//!   ends.
//! - [`layers`], [`tidy`]: habits of the source, read with the help of [`source`]; [`readme`]: what the README repeats of
//!   it.
//!
//! An AWS SDK drives the same server in the package `shardmill-sdk-tests`.

#![cfg(test)]

mod account;
mod administration_errors;
mod bodies;
mod budget;
mod cbor;
mod cbor_bodies;
mod client;
mod consumers;
mod crowd;
mod dispatch;
mod durations;
mod encryption;
mod errors;
mod expectations;
mod faults;
mod folder;
mod health;
mod http2;
mod iterators;
mod kinesis_local;
mod launch_forms;
mod layers;
mod model;
mod mutations;
mod on_demand;
mod parting;
mod persistence;
mod policies;
mod program;
mod readme;
mod resharding;
mod scopes;
mod settings;
mod setup;
mod shapes;
mod shutdown;
mod signatures;
mod signer;
mod snapshots;
mod source;
mod speakers;
mod spellings;
mod subscriptions;
mod tags;
mod tidy;
mod tls;
mod transport;
