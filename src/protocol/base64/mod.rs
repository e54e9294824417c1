//! Base64 of records' data (RFC 4648, 4), by the vectors that the CPU has.

pub(in crate::protocol) mod decode;
pub(crate) mod encode;
