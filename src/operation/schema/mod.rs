//! What a request must look like: one table per operation, and the two checks that every request passes.
//!
//! [`read`] turns a [`Value`](crate::document::Value) into an [`Input`] or into the exact error that Kinesis
//! gives: first the types of the whole input (reference 3), then the constraints of its members (reference
//! 4). Nothing here knows an operation's own rules or a wire format; the tables in [`shapes`] are data.

pub mod administration;
mod constraints;
mod input;
mod patterns;
pub mod shapes;
mod types;

pub use input::{Input, Member};
pub use types::{read, read_binary};
