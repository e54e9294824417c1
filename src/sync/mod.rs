//! The primitives that the log and the run token are built from, behind one door.
//!
//! Normally they are the standard library's and arc-swap's. With `--cfg shardmill_loom` they are the model
//! checker's, so that the log and the token can be explored under every interleaving that matters. (Plain
//! `--cfg loom` would also reach into tokio, whose networking does not build under it.) Stand-ins are no
//! stronger than what they stand for: [`Swap`] is modelled by an index with Acquire and Release, not by a
//! mutex. Segment memory has its own stand-in (`log/chunk_model.rs`), one checked cell per byte.

mod ahead;
#[cfg(shardmill_loom)]
mod model;
#[cfg(not(shardmill_loom))]
mod real;

pub(crate) use ahead::fetch;
#[cfg(shardmill_loom)]
pub(crate) use model::*;
#[cfg(not(shardmill_loom))]
pub(crate) use real::*;
