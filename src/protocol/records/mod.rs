//! The record path: PutRecord, PutRecords, GetRecords and SubscribeToShard, both directions.
//!
//! Well-formed puts are scanned straight from their bytes into the request, and replies are written straight into
//! bytes. Whatever is out of the ordinary (an unknown member, a wrong type, a broken constraint, an escape) takes the
//! general route through the tree and `operation::schema`, which finds the exact words for it.
//!
//! | | JSON | CBOR |
//! |---|---|---|
//! | puts in | `scan`, `layout`, `run`, `string`, `json_list` | `cbor_list` |
//! | their replies | `put_reply`, `put_entries` | `cbor_put_reply` |
//! | reads out | `get_reply` | `cbor_get_reply` |
//!
//! `event_messages` has the events of subscriptions, which hold records as `get_reply` writes them. `feed` cuts a PutRecords body into its list and the rest as it arrives; `requests` has the general route.

mod cbor_get_reply;
pub(in crate::protocol) mod cbor_list;
pub mod cbor_put_reply;
pub mod event_messages;
pub(in crate::protocol) mod feed;
pub mod get_body;
pub mod get_reply;
pub(in crate::protocol) mod json_list;
mod layout;
mod put_entries;
pub mod put_reply;
pub mod requests;
mod run;
pub(in crate::protocol) mod scan;
mod string;
