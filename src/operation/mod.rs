//! What each operation of the service means: its request, its checks, what it does, its reply.
//!
//! One file per operation, all of one shape: `Request::validate` takes checked members ([`schema`]) and makes a
//! request that can only be well formed; `Request::execute` does it; `Reply` is what the caller learns. None of
//! them knows a wire format. The shortest is `describe_limits`.
//!
//! - [`names`]: all operations of the model, and which of them are built.
//! - [`schema`]: type and constraint checks, from one table of shapes.
//! - [`service`]: what operations act on, and the dispatch of those that are not on the record path.
//! - [`refusals`]: AWS's error texts, each with its source.
//! - [`iterator`], [`page`], [`seal`]: opaque tokens.
//! - [`overview`]: what is held and who reads it, which AWS has no operation for.

pub mod create_stream;
pub mod delete_stream;
pub mod describe_limits;
pub mod describe_stream;
pub mod describe_stream_summary;
pub mod get_records;
pub mod get_shard_iterator;
pub mod iterator;
pub mod list_shards;
pub mod list_streams;
pub mod merge_shards;
pub mod names;
pub mod overview;
pub mod page;
pub mod put_record;
pub mod put_records;
pub mod refusals;
pub mod schema;
pub mod seal;
pub mod service;
pub mod split_shard;
pub mod stream_ref;
pub mod update_shard_count;

pub use names::Operation;
pub use service::Service;
