//! Load tests of a Kinesis server from the outside: everything here speaks over a socket and knows the server only by
//! its answers. In the order data flows:
//!
//! - [`payload`]: what each record contains, as a function of seed, producer and number;
//! - [`wire`]: requests, the HTTP/1.1 client, and the readers of answers;
//! - [`sequence`]: sequence numbers as numbers;
//! - [`workload`]: producers and pollers of one stress run;
//! - [`auditor`]: what must be true of what they saw;
//! - [`server`]: the server process, its start, processor time, memory and end;
//! - [`paired`]: the same requests to two servers in turn, compared by processor time;
//! - [`forms`]: requests as real clients write them, made from captures;
//! - [`latency`]: latency of puts and gets at a fixed rate;
//! - [`machine`]: where and from which commit a result was taken.
//!
//! Deliberately absent: any code of the server's own crate, an AWS SDK, and a JSON tree.

pub mod auditor;
pub mod forms;
pub mod latency;
pub mod machine;
pub mod paired;
pub mod payload;
pub mod sequence;
pub mod server;
pub mod wire;
pub mod workload;
