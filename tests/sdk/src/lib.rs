//! shardmill driven by the AWS SDK for Rust: what a program sees that was written for Amazon Kinesis.
//!
//! - [`emulator`]: a server and clients for a test.
//! - [`streams`], [`listing`], [`scopes`]: streams, who sees them, and their shards.
//! - [`records`], [`reading`]: what goes in comes out.
//! - [`subscriptions`]: records that are pushed.
//! - [`resharding`]: splits and merges under producers, and readers that follow the children.
//! - [`administration`]: streams, consumers and accounts are set, tagged and described.
//! - [`signatures`]: a server that looks at them.
//! - [`refusals`]: errors by the SDK's types. [`settings`]: what a server was told at its start.
//!
//! The library itself is empty: everything here is a test.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod records;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod resharding;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod subscriptions;
