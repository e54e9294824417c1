//! The record path in JSON: PutRecord, PutRecords and GetRecords, both directions.
//!
//! Well-formed puts are scanned straight from their bytes into the request, and replies are written straight into
//! bytes. Whatever is out of the ordinary (an unknown member, a wrong type, a broken constraint, an escape) takes the
//! general route through simd-json, the tree and `operation::schema`, which finds the exact words for it.

pub(in crate::protocol) mod feed;
pub mod get_reply;
mod layout;
pub mod put_reply;
pub mod requests;
mod restore;
mod run;
pub(in crate::protocol) mod scan;
mod string;
