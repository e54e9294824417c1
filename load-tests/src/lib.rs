//! Load tests of a Kinesis server from the outside: everything here speaks over a socket and knows the server only by
//! its answers. In the order data flows:
//!
//! - [`payload`]: what each record contains, as a function of seed, producer and number;
//! - [`wire`]: requests, clients of HTTP/1.1 and HTTP/2, and the readers of answers;
//! - [`sequence`]: sequence numbers as numbers;
//! - [`workload`]: producers and pollers of one stress run;
//! - [`storm`]: producers, followers and a resharder of one storm of reshards;
//! - [`fan_out`]: very many subscriptions at once;
//! - [`auditor`]: what must be true of what they saw;
//! - [`server`] and [`echo`]: the server process, its start, processor time, memory and end, and the yardstick's;
//! - [`paired`]: the same requests to two servers in turn, compared by processor time;
//! - [`forms`]: requests as real clients write them, made from captures;
//! - [`latency`]: latency of puts and gets at a fixed rate;
//! - [`figures`]: what has a limit of its own instead of a yardstick: steadiness, delivery, start, very many shards;
//! - [`machine`] and [`results`]: where and from which commit a result was taken, and where it is kept;
//! - [`huge_pages`], [`interrupt`], [`progress`]: the machine's mode, an end by signal, and how far a measurement is.
//!
//! Deliberately absent: any code of the server's own crate, an AWS SDK, and a JSON tree.

pub mod auditor;
pub mod echo;
pub mod fan_out;
pub mod figures;
pub mod forms;
pub mod huge_pages;
pub mod interrupt;
pub mod latency;
pub mod machine;
pub mod paired;
pub mod payload;
pub mod progress;
pub mod results;
pub mod sequence;
pub mod server;
pub mod storm;
pub mod wire;
pub mod workload;
