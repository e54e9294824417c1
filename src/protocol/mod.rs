//! Wire formats: codecs, targets, credentials, error bodies and the order in which bad requests are refused.
//!
//! This is the only room that knows JSON, CBOR and Kinesis' headers. It sees a request as plain text and
//! bytes, so that it can be tested without a connection; `http` fetches those from the transport.

pub mod answer;
pub mod auth;
mod base64;
pub mod cbor;
pub mod codec;
pub mod dispatch;
mod event_stream;
pub mod exchange;
pub mod foreign;
pub mod head;
pub mod headers;
pub mod json;
mod json_text;
pub mod records;
mod signature;
