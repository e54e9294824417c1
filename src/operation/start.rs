//! Where reading starts: the five starting positions of GetShardIterator and SubscribeToShard (reference 7.1).

use crate::error::ApiError;
use crate::names::Parsed;
use crate::shard::Shard;

use super::refusals;
use super::stream_ref::StreamRef;

/// A starting position, as far as members alone can tell: what is missing or too much is found out only after stream and
/// shard, since that is AWS's order.
#[derive(Debug, Clone)]
pub struct Start {
    /// TRIM_HORIZON, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER.
    pub kind: String,
    /// The sequence number.
    pub number: Option<String>,
    /// The time, epoch milliseconds.
    pub timestamp_ms: Option<u64>,
}

impl Start {
    /// Position of the first record to be read.
    ///
    /// # Errors
    /// E10 to E16.
    pub fn position(&self, shard: &Shard, stream: &StreamRef, now_ms: u64) -> Result<u64, ApiError> {
        let kind = self.kind.as_str();
        match (kind, &self.number) {
            ("AT_SEQUENCE_NUMBER", Some(number)) => {
                counter(number, shard, stream).map(|counter| at(shard, counter))
            }
            ("AFTER_SEQUENCE_NUMBER", Some(number)) => {
                counter(number, shard, stream).map(|counter| at(shard, counter.saturating_add(1)))
            }
            ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", None) => Err(refusals::start_not_given(kind)),
            (_, Some(_)) => Err(refusals::start_given(kind)),
            ("LATEST", None) => Ok(shard.log().tip()),
            ("AT_TIMESTAMP", None) => match self.timestamp_ms {
                None => Err(refusals::no_timestamp()),
                // Records of a shard that was just created have arrived when it was, which lies a little ahead.
                Some(timestamp_ms) if timestamp_ms > now_ms.max(shard.created_s * 1000) => {
                    Err(refusals::timestamp_in_future(timestamp_ms, now_ms))
                }
                Some(timestamp_ms) => Ok(shard.log().position_at_time(timestamp_ms)),
            },
            // TRIM_HORIZON; reading skips what has expired by then.
            _ => Ok(shard.log().horizon()),
        }
    }
}

fn at(shard: &Shard, counter: u64) -> u64 {
    shard.log().position_at_counter(counter)
}

/// The counter that a sequence number of this shard encodes.
fn counter(number: &str, shard: &Shard, stream: &StreamRef) -> Result<u64, ApiError> {
    if number == "0" {
        // AWS answered 500 (reference 7.1, recorded).
        return Err(refusals::internal_failure());
    }
    let parsed =
        Parsed::parse(number).ok_or_else(|| refusals::bad_starting_number(number, shard.id, stream))?;
    if i64::from(parsed.shard) != i64::from(shard.id.index()) {
        return Err(refusals::number_of_other_shard(&parsed.shard_text(), shard.id));
    }
    // Only version 2 has a counter, and no stream here ever issued another version.
    let of_this_shard = parsed.counter.filter(|_| parsed.created_s == shard.created_s);
    of_this_shard.ok_or_else(|| refusals::number_of_other_stream(parsed.value, shard.id, stream))
}
