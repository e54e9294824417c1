//! Base64 with the standard alphabet and padding, as blobs are written in JSON.

pub(in crate::protocol) mod decode;
