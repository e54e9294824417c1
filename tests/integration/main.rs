//! The crate's one integration binary: a server in this process, spoken to over sockets by a client that knows no
//! line of the server's code; and two tests that read the project's own files.
//!
//! - [`client`]: a tiny HTTP/1.1 client; [`setup`]: a server for a test and the requests most tests make.
//! - [`health`], [`dispatch`], [`errors`], [`shapes`], [`spellings`], [`iterators`], [`faults`]: what is answered, byte
//!   for byte.
//! - [`transport`], [`shutdown`], [`parting`], [`crowd`]: bodies, connections, and their ends.
//! - [`layers`], [`tidy`]: habits of the source, read with the help of [`source`].
//!
//! An AWS SDK drives the same server in the package `shardmill-sdk-tests`.

#![cfg(test)]

#[cfg(test)]
mod client;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod dispatch;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod health;
#[cfg(test)]
mod iterators;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod parting;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod source;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod transport;
