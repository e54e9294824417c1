//! The quotas and bounds of Kinesis Data Streams, each with its source.
//!
//! "model" is botocore's service model, "reference" the section of the semantics notes. Units come last in each
//! name; bounds that follow from one another are tied at compile time at the end of the file.

/// One kibibyte.
const KIB: usize = 1024;
/// One mebibyte.
const MIB: usize = 1024 * KIB;

/// Entries of one PutRecords, at most (model `PutRecordsRequestEntryList`).
pub const PUT_RECORDS_ENTRIES_MAX: usize = 500;
/// Data and partition keys of one PutRecords together, in bytes (reference 6).
pub const REQUEST_BYTES_MAX: usize = 10 * MIB;
/// Data and partition key of one record where the stream does not say otherwise, in bytes (reference 6).
pub const RECORD_BYTES_DEFAULT: usize = RECORD_SIZE_KIB_DEFAULT as usize * KIB;
/// Data and partition key of one record on any stream, in bytes (model `Data`, reference 6).
pub const RECORD_BYTES_MAX: usize = RECORD_SIZE_KIB_MAX as usize * KIB;
/// `MaxRecordSizeInKiB` of a stream that does not set it, in KiB (reference 6).
pub const RECORD_SIZE_KIB_DEFAULT: u32 = 1024;
/// The smallest `MaxRecordSizeInKiB`, in KiB (model `MaxRecordSizeInKiB`).
pub const RECORD_SIZE_KIB_MIN: u32 = 1024;
/// The largest `MaxRecordSizeInKiB`, in KiB (model `MaxRecordSizeInKiB`).
pub const RECORD_SIZE_KIB_MAX: u32 = 10_240;
/// Characters of a partition key, at most (model `PartitionKey`).
pub const PARTITION_KEY_CHARS_MAX: usize = 256;
/// Bytes of a partition key, at most: a character of UTF-8 has up to four.
pub const PARTITION_KEY_BYTES_MAX: usize = PARTITION_KEY_CHARS_MAX * 4;
/// Decimal digits of a hash key, at most (model `HashKey`).
pub const HASH_KEY_DIGITS_MAX: usize = 39;
/// Decimal digits of a sequence number, at most (model `SequenceNumber`).
pub const SEQUENCE_NUMBER_DIGITS_MAX: usize = 129;

/// Characters of a stream, consumer, channel or queue name, at most (model `StreamName`).
pub const STREAM_NAME_CHARS_MAX: usize = 128;
/// The largest shard index (reference 5.2: a signed 32-bit number).
pub const SHARD_INDEX_MAX: u32 = 0x7fff_ffff;
/// Shards that a request may name, at most (model `ShardCountObject`).
pub const SHARD_COUNT_MAX: u32 = 1_000_000;
/// Shards that UpdateShardCount makes, at most (reference 8.3).
pub const UPDATED_SHARD_COUNT_MAX: usize = 10_000;
/// UpdateShardCount that change one stream, per rolling 24 h (reference 16).
pub const SHARD_COUNT_UPDATES_PER_DAY_MAX: usize = 10;
/// Shards of a new on-demand stream (reference 11).
pub const ON_DEMAND_SHARDS_INITIAL: u32 = 4;
/// Bytes that a shard is meant to take per second, data and keys (reference 16).
pub const SHARD_WRITE_BYTES_PER_S: u64 = 1 << 20;
/// Records that a shard is meant to take per second (reference 16).
pub const SHARD_WRITE_RECORDS_PER_S: u64 = 1_000;
/// How long the writes to an on-demand stream are averaged before it is scaled, in ms (AWS's account of the mode).
pub const ON_DEMAND_WINDOW_MS: u64 = 60_000;
/// How far back the peak counts that an on-demand stream takes twice of, in days (reference 11).
pub const ON_DEMAND_PEAK_DAYS: u64 = 30;
/// Streams of one account that may be CREATING at once (reference 16).
pub const CREATING_STREAMS_MAX: usize = 5;
/// Tags of one resource, at most (reference 12).
pub const RESOURCE_TAGS_MAX: usize = 50;
/// Characters of a tag's key, at most (model `TagKey`).
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag's value, at most (model `TagValue`).
pub const TAG_VALUE_CHARS_MAX: usize = 256;

/// Records of one GetRecords, at most, and where no `Limit` is given (model `GetRecordsInputLimit`).
pub const GET_RECORDS_LIMIT_MAX: u32 = 10_000;
/// Data and partition keys of one GetRecords answer, in bytes; the first record is always returned (reference 7.2).
pub const GET_RECORDS_BYTES_MAX: usize = 10 * MIB;
/// Characters of a shard iterator, at most (model `ShardIterator`).
pub const SHARD_ITERATOR_CHARS_MAX: usize = 512;
/// How long a shard iterator lives after it was issued, in ms (reference 5.5).
pub const ITERATOR_TTL_MS: u64 = 300_000;
/// How long a subscription lasts, in ms (reference 13.1).
pub const SUBSCRIPTION_MS: u64 = 300_000;
/// How soon after it began a subscription may be replaced by another of its consumer and shard, in ms (reference 13.1).
pub const RESUBSCRIBE_AFTER_MS: u64 = 5_000;
/// Records of one event of a subscription, at most. With [`EVENT_BYTES_MAX`] it keeps an event below 64 KiB in JSON
/// (unless one record is larger), so that a slow subscriber holds at most 128 KiB.
pub const EVENT_RECORDS_MAX: u32 = 128;
/// Bytes of data and keys in one event of a subscription, at most, unless one record has more.
pub const EVENT_BYTES_MAX: u64 = 30 << 10;
/// How long a subscriber hears nothing at the most, in ms (reference 13.1).
pub const EVENT_PERIOD_MS: u64 = 5_000;
/// How long a NextToken lives after it was issued, in ms (reference 9.1).
pub const NEXT_TOKEN_TTL_MS: u64 = 300_000;

/// Retention of a new stream, in hours (reference 10).
pub const RETENTION_HOURS_DEFAULT: u32 = 24;
/// The shortest retention, in hours (reference 10).
pub const RETENTION_HOURS_MIN: u32 = 24;
/// The longest retention, in hours (reference 10).
pub const RETENTION_HOURS_MAX: u32 = 8_760;

/// Consumers of one stream, at most (reference 13).
pub const STREAM_CONSUMERS_MAX: usize = 20;
/// Consumers of one on-demand stream of an account with a throughput commitment, at most (reference 13).
pub const ADVANTAGE_CONSUMERS_MAX: usize = 50;
/// Consumers of one stream that may be CREATING at once (reference 13).
pub const CREATING_CONSUMERS_MAX: usize = 5;

/// What "per rolling 24 h" means, in ms (reference 16).
pub const ROLLING_DAY_MS: u64 = 24 * 3_600_000;
/// UpdateStreamMode that switch a stream's mode, per rolling 24 h (reference 16).
pub const MODE_SWITCHES_PER_DAY_MAX: usize = 2;
/// StartStreamEncryption that succeed on one stream, per rolling 24 h (reference 16).
pub const ENCRYPTION_STARTS_PER_DAY_MAX: usize = 25;
/// StopStreamEncryption that succeed on one stream, per rolling 24 h (reference 16).
pub const ENCRYPTION_STOPS_PER_DAY_MAX: usize = 25;
/// How long a throughput commitment lasts at least, in ms (reference 11).
pub const COMMITMENT_MS_MIN: u64 = 24 * 3_600_000;
/// Warm throughput of one stream, at most, in MiB/s (reference 11).
pub const WARM_THROUGHPUT_MIBPS_MAX: u32 = 10_240;

/// The largest page size that the listing calls take in `Limit` or `MaxResults` (model `ListShardsInputLimit`).
pub const PAGE_LIMIT_MAX: usize = 10_000;
/// Shards on one page of ListShards, at most and by default (reference 9.1).
pub const LIST_SHARDS_PAGE_MAX: usize = 1_000;
/// Shards on one page of DescribeStream, at most and by default (reference 9.2).
pub const DESCRIBE_STREAM_PAGE_MAX: usize = 100;
/// Streams on one page of ListStreams, at most and by default (reference 9.4).
pub const LIST_STREAMS_PAGE_MAX: usize = 100;
/// Consumers on one page of ListStreamConsumers, at most and by default (reference 9.5).
pub const LIST_CONSUMERS_PAGE_MAX: usize = 100;
/// Tags on one page of ListTagsForStream, at most and by default (model `ListTagsForStreamInputLimit`).
pub const LIST_TAGS_PAGE_MAX: usize = 50;

/// Bytes of an HTTP request body, at most: a full PutRecords in base64 is 13.4 MiB (reference 1.1).
pub const HTTP_BODY_BYTES_MAX: usize = 16 * MIB;
/// The smallest memory limit, in bytes. Ours: below it there is no room for a few full-size requests beside the records.
pub const MEMORY_LIMIT_BYTES_MIN: u64 = 128 << 20;
/// Worker threads that a server takes, at most. Ours: past this a core-per-worker server gains nothing.
pub const WORKERS_MAX: usize = 256;

const _: () = {
    assert!(RECORD_BYTES_DEFAULT <= RECORD_BYTES_MAX);
    assert!(RECORD_SIZE_KIB_MIN <= RECORD_SIZE_KIB_DEFAULT && RECORD_SIZE_KIB_DEFAULT <= RECORD_SIZE_KIB_MAX);
    // The largest record must fit a request and an answer, or it could be neither stored nor read.
    assert!(RECORD_BYTES_MAX <= REQUEST_BYTES_MAX);
    assert!(RECORD_BYTES_MAX <= GET_RECORDS_BYTES_MAX);
    assert!(PARTITION_KEY_BYTES_MAX < RECORD_BYTES_DEFAULT);
    // The largest request must fit a body: base64 makes four characters of three bytes, and the JSON around
    // an entry (names, quotes, an explicit hash key) is under 256 bytes.
    assert!(REQUEST_BYTES_MAX.div_ceil(3) * 4 + PUT_RECORDS_ENTRIES_MAX * 256 <= HTTP_BODY_BYTES_MAX);
    assert!(LIST_SHARDS_PAGE_MAX <= PAGE_LIMIT_MAX && LIST_STREAMS_PAGE_MAX <= PAGE_LIMIT_MAX);
    assert!(DESCRIBE_STREAM_PAGE_MAX <= PAGE_LIMIT_MAX);
    assert!(SHARD_COUNT_MAX <= SHARD_INDEX_MAX);
    assert!(RETENTION_HOURS_MIN <= RETENTION_HOURS_DEFAULT && RETENTION_HOURS_DEFAULT <= RETENTION_HOURS_MAX);
    assert!(LIST_CONSUMERS_PAGE_MAX <= PAGE_LIMIT_MAX);
    // A whole resource's tags fit one page.
    assert!(RESOURCE_TAGS_MAX <= LIST_TAGS_PAGE_MAX);
};

/// A quota that may be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this many.
    At(u64),
    /// No limit: `Infinity`.
    Infinite,
}

impl Limit {
    /// Whether `count` is within the limit.
    #[must_use]
    pub const fn allows(self, count: u64) -> bool {
        match self {
            Self::At(max) => count <= max,
            Self::Infinite => true,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(max) => std::fmt::Display::fmt(max, f),
            Self::Infinite => f.pad("Infinity"),
        }
    }
}

/// What happens when records have filled the memory that they may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtMemoryLimit {
    /// The oldest records go, before their retention is over.
    Trim,
    /// Puts are refused as throttled.
    Throttle,
}
