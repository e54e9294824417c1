//! State as kinesis-mock's JSON, stream by stream and record by record.

use std::io::Write;

use base64_simd::STANDARD;

use crate::control::account::Run;
use crate::control::{
    Commitment, Consumer, DailyQuota, EncryptionTimes, SavedShard, SavedStream, StreamSettings, Tags, Taken,
};
use crate::limits::RECORD_BYTES_DEFAULT;
use crate::log::Record;
use crate::names::{ConsumerArn, SequenceNumber};

use super::super::error::PersistError;
use super::super::pace::Pace;
use super::super::state::{State, Totals, read_shard};
use super::{ENDING_NUMBER, time};
use crate::protocol::json::write_string;

/// Writes state. Streams that are about to go are left out: kinesis-mock would never let go of them.
///
/// # Errors
/// The system's refusal, or the end of the time that there is.
pub fn write(state: &State, mut out: impl Write, pace: &mut Pace) -> Result<Totals, PersistError> {
    let mut totals = Totals::default();
    let now_ms = state.head.taken_ms;
    let streams = state.streams.iter().filter(|taken| taken.saved.life.gone_from_ms == u64::MAX);
    out.write_all(b"{\"streams\":{")?;
    let mut policies = Vec::new();
    for (number, taken) in streams.enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        write_stream(taken, now_ms, &mut out, pace, &mut totals)?;
        policies.extend(policies_of(&taken.saved));
    }
    let mut text = b"},\"resourcePolicies\":{".to_vec();
    members(&policies, &mut text, |(arn, policy), text| {
        member(arn, text);
        write_string(policy, text);
    });
    text.extend_from_slice(b"},\"accountSettings\":{\"minimumThroughputBillingCommitment\":");
    let run = state.head.commitments.iter().find(|(scope, _)| *scope == state.usual_caller);
    commitment(run.map(|(_, run)| *run), now_ms, &mut text);
    text.extend_from_slice(b"}}");
    out.write_all(&text)?;
    Ok(totals)
}

/// The name of a member, and what stands behind it.
fn member(name: &str, text: &mut Vec<u8>) {
    write_string(name, text);
    text.push(b':');
}

/// Elements with commas between them.
fn members<T>(list: &[T], text: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    for (number, element) in list.iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        write(element, text);
    }
}

fn add(text: &mut Vec<u8>, more: impl AsRef<[u8]>) {
    text.extend_from_slice(more.as_ref());
}

fn policies_of(stream: &SavedStream) -> Vec<(String, String)> {
    let of_stream =
        stream.attached.policy.as_ref().map(|policy| (stream.arn.to_string(), policy.text().to_owned()));
    let consumers = stream.consumers.iter().filter_map(|consumer| {
        let policy = consumer.attached.policy.as_ref()?;
        Some((consumer_arn(stream, consumer).to_string(), policy.text().to_owned()))
    });
    of_stream.into_iter().chain(consumers).collect()
}

fn consumer_arn(stream: &SavedStream, consumer: &Consumer) -> ConsumerArn {
    ConsumerArn { stream: stream.arn.clone(), name: consumer.name.clone(), created_s: consumer.created_s }
}

fn write_stream(
    taken: &Taken,
    now_ms: u64,
    out: &mut impl Write,
    pace: &mut Pace,
    totals: &mut Totals,
) -> Result<(), PersistError> {
    let saved = &taken.saved;
    // What it will be once nothing changes any more, since kinesis-mock would not change it.
    let settings = saved.plan.target();
    let (mut text, arn) = (Vec::new(), saved.arn.to_string());
    member(&arn, &mut text);
    add(&mut text, "{\"consumers\":{");
    let consumers: Vec<_> = saved.consumers.iter().filter(|one| one.gone_from_ms == u64::MAX).collect();
    members(&consumers, &mut text, |consumer, text| write_consumer(saved, consumer, text));
    add(&mut text, "},");
    write_settings(saved, settings, &mut text);
    add(&mut text, ",\"shards\":{");
    out.write_all(&text)?;
    totals.streams += 1;
    for (number, (shard, saved_shard)) in taken.shards.iter().zip(&saved.shards).enumerate() {
        text.clear();
        if number > 0 {
            text.push(b',');
        }
        write_string(&shard_key(saved_shard), &mut text);
        add(&mut text, ":[");
        let mut records = Records { text: std::mem::take(&mut text), is_first: true, totals };
        let encrypted = &saved.plan.encrypted;
        read_shard(
            (shard, saved_shard),
            taken.not_before_ms,
            &mut records,
            |records, record| {
                records.add(record, encrypted, shard.sequence_number(record.counter, record.arrival_ms));
            },
            |records| {
                out.write_all(&records.text)?;
                records.text.clear();
                pace.step()
            },
        )?;
        text = records.text;
        text.push(b']');
        out.write_all(&text)?;
        totals.shards += 1;
    }
    text.clear();
    add(&mut text, "},");
    write_end(saved, settings, now_ms, &mut text);
    text.push(b'}');
    out.write_all(&text)?;
    Ok(())
}

/// The records of a shard as text.
struct Records<'t> {
    text: Vec<u8>,
    is_first: bool,
    totals: &'t mut Totals,
}

impl Records<'_> {
    #[allow(
        clippy::needless_borrow,
        clippy::needless_borrows_for_generic_args,
        reason = "the model checker's slice is a copy"
    )]
    fn add(&mut self, record: &Record<'_>, encrypted: &EncryptionTimes, number: SequenceNumber) {
        let Self { text, is_first, totals } = self;
        if !std::mem::replace(is_first, false) {
            text.push(b',');
        }
        add(text, "{\"ApproximateArrivalTimestamp\":");
        add(text, time::seconds(record.arrival_ms));
        add(text, ",\"Data\":\"");
        STANDARD.encode_append(&record.data, text);
        add(text, "\",\"EncryptionType\":\"");
        add(text, encryption_type(encrypted.holds_at(record.arrival_ms)));
        add(text, "\",\"PartitionKey\":");
        write_string(std::str::from_utf8(&record.key).unwrap_or_default(), text);
        add(text, format!(",\"SequenceNumber\":\"{number}\"}}"));
        totals.count_record(record.key.len() + record.data.len());
    }
}

const fn encryption_type(is_encrypted: bool) -> &'static str {
    if is_encrypted { "KMS" } else { "NONE" }
}

fn write_consumer(stream: &SavedStream, consumer: &Consumer, text: &mut Vec<u8>) {
    member(consumer.name.as_str(), text);
    add(text, "{\"ConsumerARN\":");
    write_string(&consumer_arn(stream, consumer).to_string(), text);
    add(
        text,
        format!(",\"ConsumerCreationTimestamp\":{}", time::seconds(consumer.created_s.saturating_mul(1_000))),
    );
    add(text, ",\"ConsumerName\":");
    write_string(consumer.name.as_str(), text);
    add(text, ",\"ConsumerStatus\":\"ACTIVE\",\"StreamARN\":");
    write_string(&stream.arn.to_string(), text);
    add(text, ",\"Tags\":");
    write_tags(&consumer.attached.tags, text);
    text.push(b'}');
}

fn write_tags(tags: &Tags, text: &mut Vec<u8>) {
    text.push(b'{');
    members(tags.after(None), text, |(key, value), text| {
        member(key, text);
        write_string(value, text);
    });
    text.push(b'}');
}

fn write_settings(saved: &SavedStream, settings: &StreamSettings, text: &mut Vec<u8>) {
    add(text, "\"encryptionType\":\"");
    add(text, encryption_type(settings.key_id.is_some()));
    add(text, "\",\"enhancedMonitoring\":[{\"ShardLevelMetrics\":[");
    let metrics: Vec<_> = settings.shard_level_metrics.names().collect();
    members(&metrics, text, |name, text| write_string(name, text));
    add(text, "]}],\"keyId\":");
    match &settings.key_id {
        Some(key_id) => write_string(key_id, text),
        None => add(text, "null"),
    }
    let hours = saved.retention_ms / 3_600_000;
    add(text, format!(",\"retentionPeriod\":{{\"length\":{hours},\"unit\":\"HOURS\"}}"));
}

fn write_end(saved: &SavedStream, settings: &StreamSettings, now_ms: u64, text: &mut Vec<u8>) {
    add(text, "\"streamArn\":");
    write_string(&saved.arn.to_string(), text);
    add(text, format!(",\"streamCreationTimestamp\":\"{}\"", time::iso(saved.life.created_ms)));
    add(text, format!(",\"streamModeDetails\":{{\"StreamMode\":\"{}\"}}", settings.mode.name()));
    add(text, ",\"streamName\":");
    write_string(saved.arn.name.as_str(), text);
    add(text, ",\"streamStatus\":\"ACTIVE\",\"tags\":");
    write_tags(&saved.attached.tags, text);
    add(text, ",\"shardCountUpdates\":[");
    let updates = saved.daily_use.iter().filter(|(quota, _)| *quota == DailyQuota::ShardCountUpdates);
    let updates: Vec<_> = updates.map(|(_, time_ms)| time_ms.min(&now_ms)).collect();
    members(&updates, text, |time_ms, text| add(text, format!("\"{}\"", time::iso(**time_ms))));
    let or_null = |number: Option<String>| number.unwrap_or_else(|| "null".to_owned());
    let record_bytes = Some(settings.record_bytes_max).filter(|bytes| *bytes != RECORD_BYTES_DEFAULT);
    let record_kib = or_null(record_bytes.map(|bytes| (bytes / 1024).to_string()));
    let warm = or_null(settings.warm_throughput_mibps.map(|mibps| mibps.to_string()));
    add(text, format!("],\"maxRecordSizeInKiB\":{record_kib},\"warmThroughputMiBps\":{warm}"));
}

/// A shard as kinesis-mock has it: as the name of the member that holds its records.
fn shard_key(shard: &SavedShard) -> String {
    let text_or_null = |text: Option<String>| text.map_or("null".to_owned(), |text| format!("\"{text}\""));
    let [parent, adjacent] = [shard.parents.parent(), shard.parents.adjacent()]
        .map(|id| text_or_null(id.map(|id| id.to_string())));
    let closed = shard.closed.as_ref().map(|(closed_s, _)| time::iso(closed_s * 1_000));
    let ending = text_or_null(closed.as_ref().map(|_| ENDING_NUMBER.to_owned()));
    let (closed, created) = (text_or_null(closed), time::iso(shard.created_s * 1_000));
    let (start, end) = (shard.range.start.0, shard.range.end.0);
    let starting = SequenceNumber::starting(shard.created_s, shard.id);
    let (id, index) = (shard.id, shard.id.index());
    format!(
        "{{\"AdjacentParentShardId\":{adjacent},\"ClosedTimestamp\":{closed},\"CreatedAtTimestamp\":\"{created}\",\
         \"HashKeyRange\":{{\"EndingHashKey\":\"{end}\",\"StartingHashKey\":\"{start}\"}},\"ParentShardId\":{parent},\
         \"SequenceNumberRange\":{{\"EndingSequenceNumber\":{ending},\"StartingSequenceNumber\":\"{starting}\"}},\
         \"ShardId\":\"{id}\",\"ShardIndex\":{index}}}"
    )
}

fn commitment(run: Option<Run>, now_ms: u64, text: &mut Vec<u8>) {
    let Some(run) = run else { return add(text, "null") };
    let Commitment { status, started_ms, ended_ms, earliest_allowed_end_ms } = run.told(now_ms);
    let time = |time_ms: Option<u64>| time_ms.map_or("null".to_owned(), time::seconds);
    add(
        text,
        format!(
            "{{\"Status\":\"{}\",\"StartedAt\":{},\"EndedAt\":{},\"EarliestAllowedEndAt\":{}}}",
            status.name(),
            time(started_ms),
            time(ended_ms),
            time(earliest_allowed_end_ms)
        ),
    );
}
