//! The service's refusals: error texts of the reference's section 14, by their numbers there.
//!
//! Tagged *recorded* where a real answer was captured, *inferred* where the text is a guess.

use std::fmt::Display;

use crate::error::{ApiError, ErrorKind};
use crate::names::{HashKeyRange, ShardId};

use super::stream_ref::StreamRef;

/// E1, recorded: the stream is unknown (or CREATING, for puts).
pub(crate) fn no_stream(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} not found.", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E2, recorded: the name is taken.
pub(crate) fn stream_exists(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} already exists.", scope.account);
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E3, recorded: the stream is in another state than ACTIVE.
pub(crate) fn stream_not_active(stream: &StreamRef, status: &str) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Stream {name} under account {} not ACTIVE, instead in state {status}", scope.account);
    ApiError::new(ErrorKind::ResourceInUse, text)
}

/// E4, recorded: the account's shard quota in the region.
pub(crate) fn shard_limit(stream: &StreamRef, open: u64, limit: impl Display, additional: u64) -> ApiError {
    let scope = stream.scope;
    let text = format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: \
         {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: {additional}. \
         Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) \
         for current limits and how to request higher limits.",
        scope.account, scope.region
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E5, inferred: too many streams CREATING at once.
pub(crate) fn creating_limit(max: usize) -> ApiError {
    let text = format!("Limit for streams being created concurrently exceeded: {max}.");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred: the account's on-demand stream quota in the region.
pub(crate) fn on_demand_stream_limit(limit: impl Display) -> ApiError {
    let text =
        format!("This request would exceed the on-demand stream limit for the account. Limit: {limit}.");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E6, recorded: no such shard, or no such stream where a shard was asked for.
pub(crate) fn no_shard(stream: &StreamRef, shard: ShardId) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Shard {shard} in stream {name} under account {} does not exist", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E7, recorded: the shard id cannot be read, or names no shard.
pub(crate) fn shard_not_found(stream: &StreamRef, shard: impl Display) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!("Could not find shard {shard} in stream {name} under account {}.", scope.account);
    ApiError::new(ErrorKind::ResourceNotFound, text)
}

/// E8, recorded: the shard iterator was not made here, or was damaged.
pub(crate) fn bad_iterator() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Invalid ShardIterator.")
}

/// E9, recorded: the shard iterator is too old. Times in epoch milliseconds.
pub(crate) fn expired_iterator(issued_ms: u64, now_ms: u64, ttl_ms: u64) -> ApiError {
    let text = format!(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
         future than the tolerated delay of {ttl_ms} milliseconds.",
        JavaDate(issued_ms / 1000),
        JavaDate(now_ms / 1000)
    );
    ApiError::new(ErrorKind::ExpiredIterator, text)
}

/// E10 and E11, recorded: the iterator type and the presence of StartingSequenceNumber contradict each other.
pub(crate) fn starting_number_mismatch(iterator_type: &str, given: bool) -> ApiError {
    let presence = if given { "also a" } else { "no" };
    let text = format!(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
         (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {iterator_type} and \
         {presence} StartingSequenceNumber."
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E12, recorded: the sequence number encodes another shard.
pub(crate) fn number_of_other_shard(encoded: &str, shard: ShardId) -> ApiError {
    let text = format!(
        "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call to a shard with {shard}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E13, recorded; E14 with the recorded ending, for a number of another stream.
pub(crate) fn bad_starting_number(
    number: impl Display,
    shard: ShardId,
    stream: &StreamRef,
    of_other_stream: bool,
) -> ApiError {
    let StreamRef { scope, name } = stream;
    let ending = if of_other_stream { " because it did not come from this stream." } else { "." };
    let text = format!(
        "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {name} under account \
         {} is invalid{ending}",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E15, recorded: AT_TIMESTAMP without a timestamp.
pub(crate) fn no_timestamp() -> ApiError {
    let text = "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
                timestamp parameter.";
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E16, recorded: the timestamp lies in the future. Times in epoch milliseconds.
pub(crate) fn timestamp_in_future(timestamp_ms: u64, now_ms: u64) -> ApiError {
    let text = format!(
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         {timestamp_ms}, currentTimestampInMillis: {now_ms}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E17, recorded: the explicit hash key is above 2^128 - 1.
pub(crate) fn hash_key_too_large(key: &str) -> ApiError {
    let text = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {key}"
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E18, recorded: SequenceNumberForOrdering cannot be read, or lies in the future.
pub(crate) fn bad_ordering_number(number: &str, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {name} under account {} is invalid.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E19, recorded: a shard takes no more now.
pub(crate) fn shard_throttled(stream: &StreamRef, shard: ShardId) -> String {
    let StreamRef { scope, name } = stream;
    format!("Rate exceeded for shard {shard} in stream {name} under account {}.", scope.account)
}

/// The text of a throttle that someone switched on, literally as LocalStack gives it.
pub(crate) const PLANNED_THROTTLE: &str = "Rate exceeded for shard X in stream Y under account Z.";

/// E21, from the model: an entry that was not stored because something broke.
pub(crate) const ENTRY_FAILED: &str = "Internal Service Failure";

/// E22, inferred from its 5 MiB form: the records of one request together.
pub(crate) fn request_too_large() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Records size exceeds 10 MB limit")
}

/// E23 in its recorded form, with the stream's own limit: one record's data.
pub(crate) fn data_too_large(path: &str, data_bytes: usize, bytes_max: usize) -> ApiError {
    let text = format!(
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={data_bytes} cap={data_bytes}]' at \
         '{path}' failed to satisfy constraint: Member must have length less than or equal to {bytes_max}"
    );
    ApiError::new(ErrorKind::Validation, text)
}

/// Inferred: the data fits, but not with its partition key (reference 6 counts both).
pub(crate) fn record_too_large(path: &str, record_bytes: usize, bytes_max: usize) -> ApiError {
    let text = format!(
        "The record at '{path}' has {record_bytes} bytes of data and partition key; the stream takes at most \
         {bytes_max} bytes per record."
    );
    ApiError::new(ErrorKind::Validation, text)
}

/// E24, recorded: a shard cannot be split before this key.
pub(crate) fn bad_split_key(key: &str, shard: ShardId, range: HashKeyRange, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let HashKeyRange { start, end } = range;
    let text = format!(
        "NewStartingHashKey {key} used in SplitShard() on shard {shard} in stream {name} under account {} is not both \
         greater than one plus the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E25, recorded: the two shards' ranges do not meet.
pub(crate) fn not_adjacent(shard: ShardId, other: ShardId, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Shards {shard} and {other} in stream {name} under account {} are not an adjacent pair of shards eligible for \
         merging",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E26, recorded: the shard is closed.
pub(crate) fn shard_closed(shard: ShardId, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Shard {shard} in stream {name} under account {} has already been merged or split, and thus is not eligible \
         for merging or splitting.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E34, recorded for AddTagsToStream: more tags than a stream takes. AWS's text says 10 where the limit is 50.
pub(crate) fn too_many_tags(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "Failed to add tags to stream {name} under account {} because a given stream cannot have more than 10 tags \
         associated with it.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E35, recorded.
pub(crate) fn no_token_and_no_stream() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Either NextToken or StreamName should be provided.")
}

/// E36, recorded.
pub(crate) fn token_and_stream() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "NextToken and StreamName cannot be provided together.")
}

/// E43, inferred: the service itself shards the stream.
pub(crate) fn stream_on_demand(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text =
        format!("Request is invalid. Stream {name} under account {} is in On-Demand mode.", scope.account);
    ApiError::new(ErrorKind::Validation, text)
}

/// E44, its text recorded and its code inferred: more than twice as many shards.
pub(crate) fn above_double(open: usize, target: usize) -> ApiError {
    let text = format!(
        "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: {open} \
         Target shard count: {target}"
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E45, inferred from E44: less than half as many shards.
pub(crate) fn below_half(open: usize, target: usize) -> ApiError {
    let text = format!(
        "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: {open} \
         Target shard count: {target}"
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred from the model: more shards than UpdateShardCount makes.
pub(crate) fn above_max_shard_count(max: usize, target: usize) -> ApiError {
    let text = format!("UpdateShardCount cannot scale up over {max} shards. Target shard count: {target}");
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// Inferred: shards of so few keys that they cannot be split as the new count would need.
pub(crate) fn shards_too_narrow(stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "The shards of stream {name} under account {} have too few hash keys to be split any further.",
        scope.account
    );
    ApiError::new(ErrorKind::InvalidArgument, text)
}

/// E46, inferred: something was done to the stream as often as it may be within a day.
pub(crate) fn daily_limit(operation: &str, max: usize, stream: &StreamRef) -> ApiError {
    let StreamRef { scope, name } = stream;
    let text = format!(
        "{operation} was called {max} times on stream {name} under account {} within the last 24 hours, which is its \
         limit.",
        scope.account
    );
    ApiError::new(ErrorKind::LimitExceeded, text)
}

/// E51, inferred: the pagination token is too old.
pub(crate) fn expired_next_token() -> ApiError {
    ApiError::new(ErrorKind::ExpiredNextToken, "The pagination token passed to the operation is expired.")
}

/// Inferred: the pagination token was not made here, was damaged, or is another operation's.
pub(crate) fn bad_next_token() -> ApiError {
    ApiError::new(ErrorKind::InvalidArgument, "Invalid NextToken.")
}

/// From the model's wording: every check passed, and DryRun was set.
pub(crate) fn dry_run() -> ApiError {
    let text = "The request was rejected because the DryRun parameter was specified.";
    ApiError::new(ErrorKind::DryRunOperation, text)
}

/// E53, recorded: HTTP 500 without a message.
pub(crate) const fn internal_failure() -> ApiError {
    ApiError::bare(ErrorKind::InternalFailure)
}

/// Epoch seconds as Java prints a date: `Wed Mar 04 01:02:40 UTC 2020`.
struct JavaDate(u64);

impl Display for JavaDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil_date(days);
        let weekday = usize::try_from(days % 7).map_or("", |index| DAYS[index]);
        let month = MONTHS.get(month).copied().unwrap_or_default();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
    }
}

/// Year, month from 0, and day from 1 of a day counted from the epoch (proleptic Gregorian calendar).
fn civil_date(days: u64) -> (u64, usize, u64) {
    // Counted from 1 March of year 0, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(march_month >= 10);
    (year, usize::try_from(month).unwrap_or(0), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the recorded date form of E9, and the calendar around leap days and centuries.
    #[test]
    fn dates_are_javas() {
        let texts =
            [1_583_283_760, 0, 951_827_696, 4_107_542_399, 1_735_689_599].map(|s| JavaDate(s).to_string());
        assert_eq!(
            texts,
            [
                "Wed Mar 04 01:02:40 UTC 2020",
                "Thu Jan 01 00:00:00 UTC 1970",
                "Tue Feb 29 12:34:56 UTC 2000",
                "Sun Feb 28 23:59:59 UTC 2100",
                "Tue Dec 31 23:59:59 UTC 2024",
            ]
        );
    }
}
