//! shardmill driven by the AWS SDK for Rust.
