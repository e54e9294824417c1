//! Texts that were recorded and are not given any more, because a limit or the model has changed since.

use super::Given::Superseded;
use super::Row;
use super::Source::Recorded;
use crate::error::ErrorKind;

const fn row(
    name: &'static str,
    kind: ErrorKind,
    text: &'static str,
    source: &'static str,
    since: &'static str,
) -> Row {
    Row { name, kind: Some(kind), text: Some(text), source: Recorded(source), given: Superseded(since) }
}

pub(super) const SUPERSEDED: &[Row] = &[
    row(
        "stream_name_null",
        ErrorKind::Validation,
        "1 validation error detected: Value null at 'streamName' failed to satisfy constraint: Member must not be null",
        "V1",
        "the model lets an ARN stand for the name",
    ),
    row(
        "shard_count_above_100000",
        ErrorKind::Validation,
        "1 validation error detected: Value '{count}' at 'shardCount' failed to satisfy constraint: Member must have \
         value less than or equal to 100000",
        "V2, reference 18.3",
        "the model has no such bound",
    ),
    row(
        "retention_above_a_week",
        ErrorKind::Validation,
        "1 validation error detected: Value '{hours}' at 'retentionPeriodHours' failed to satisfy constraint: Member \
         must have value less than or equal to 168",
        "V2, reference 10",
        "the model has no such bound",
    ),
    row(
        "tags_above_10",
        ErrorKind::Validation,
        "1 validation error detected: Value '{tags}' at 'tags' failed to satisfy constraint: Member must have length \
         less than or equal to 10",
        "V3, reference 12",
        "the model takes 200 at once",
    ),
    row(
        "request_above_5_mb",
        ErrorKind::InvalidArgument,
        "Records size exceeds 5 MB limit",
        "E22",
        "requests have taken 10 MiB since October 2025",
    ),
];
