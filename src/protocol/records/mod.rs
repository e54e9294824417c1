//! The record path in JSON: PutRecord, PutRecords and GetRecords, both directions.
//!
//! Well-formed PutRecords bodies are read straight from simd-json's tape into the batch, and replies are written
//! straight into bytes. Whatever is out of the ordinary (an unknown member, a wrong type, a broken constraint)
//! takes the general route through the tree and `operation::schema`, which finds the exact words for it.

pub mod get_reply;
pub mod put_reply;
pub mod requests;
mod tape_put_records;
