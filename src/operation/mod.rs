//! What each operation of the service means: its request, its checks, what it does, its reply.
//!
//! One file per operation, all of one shape: `Request::validate` takes checked members ([`schema`]) and makes a
//! request that can only be well formed; `Request::execute` does it; `Reply` is what the caller learns. None of
//! them knows a wire format. The shortest is `describe_limits`.
//!
//! - [`names`]: all operations of the model, and which of them are built.
//! - [`schema`]: type and constraint checks, from one table of shapes.
//! - [`service`]: what operations act on, and the dispatch of those that are not on the record path.
//! - [`refusals`]: the table of all messages, each with its text, its source and when it is given.
//! - [`iterator`], [`page`], [`seal`]: opaque tokens.
//! - [`stream_ref`], [`consumer_ref`], [`resource`]: which stream or consumer a request means.
//! - [`overview`]: what is held and who reads it, which AWS has no operation for.

pub mod add_tags_to_stream;
mod administration;
pub mod consumer_ref;
pub mod create_stream;
pub mod decrease_stream_retention_period;
pub mod delete_resource_policy;
pub mod delete_stream;
pub mod deregister_stream_consumer;
pub mod describe_account_settings;
pub mod describe_limits;
pub mod describe_stream;
pub mod describe_stream_consumer;
pub mod describe_stream_summary;
pub mod disable_enhanced_monitoring;
pub mod enable_enhanced_monitoring;
pub mod get_records;
pub mod get_resource_policy;
pub mod get_shard_iterator;
pub mod increase_stream_retention_period;
pub mod iterator;
mod java_date;
pub mod list_shards;
pub mod list_stream_consumers;
pub mod list_streams;
pub mod list_tags_for_resource;
pub mod list_tags_for_stream;
pub mod merge_shards;
pub mod names;
pub mod overview;
pub mod page;
pub mod permission;
pub mod put_record;
pub mod put_records;
pub mod put_resource_policy;
pub mod records_read;
pub mod refusals;
pub mod register_stream_consumer;
pub mod remove_tags_from_stream;
pub mod resource;
pub mod schema;
pub mod seal;
pub mod service;
pub mod split_shard;
pub mod start;
pub mod start_stream_encryption;
pub mod stop_stream_encryption;
pub mod stream_ref;
pub mod subscribe_to_shard;
pub mod tag_resource;
pub mod untag_resource;
pub mod update_account_settings;
pub mod update_max_record_size;
pub mod update_shard_count;
pub mod update_stream_mode;
pub mod update_stream_record_distribution_strategy;
pub mod update_stream_warm_throughput;

pub use names::Operation;
pub use service::Service;
