//! kinesis-mock's JSON into a server.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use base64_simd::STANDARD;

use crate::control::account::Run;
use crate::control::{
    Attached, Consumer, DailyQuota, EncryptionTimes, Life, Plan, SavedShard, SavedStream, ShardLevelMetrics,
    StreamMode, StreamSettings, Tags,
};
use crate::limits::{PARTITION_KEY_BYTES_MAX, RECORD_BYTES_MAX, RETENTION_HOURS_DEFAULT};
use crate::log::RecordBuffer;
use crate::names::{ConsumerArn, HashKey, HashKeyRange, Parsed, ShardId, StreamArn};
use crate::operation::Service;
use crate::policy::Policy;
use crate::router::Parents;

use super::super::error::PersistError;
use super::super::loading::{Loading, Putting, StreamLogs};
use super::super::state::{Head, Totals};
use super::json::Reader;
use super::time;

/// The key of streams whose file names none though it says that they are encrypted.
const KEY_DEFAULT: &str = "alias/aws/kinesis";

type Found<T> = Result<T, PersistError>;

/// Loads a file of kinesis-mock into a server: all of it or, on any error, nothing.
///
/// # Errors
/// It is not as kinesis-mock writes it, there is no memory for it, or a stream of the same name exists.
pub fn load(service: &Service, input: impl Read, putting: Putting) -> Result<Totals, PersistError> {
    let mut reader = Reader::new(input);
    let (mut streams, mut policies, mut run) = (Vec::new(), HashMap::new(), None);
    let mut totals = Totals::default();
    reader.object(|reader, name| match name {
        "streams" => reader.object(|reader, arn| {
            let arn = StreamArn::parse(arn).ok_or_else(|| reader.wrong("this is no stream's ARN"))?;
            streams.extend(read_stream(reader, arn, service, &mut totals)?);
            Ok(())
        }),
        "resourcePolicies" => reader.object(|reader, arn| {
            policies.insert(arn.to_owned(), reader.text()?);
            Ok(())
        }),
        "accountSettings" => {
            let found = reader.optional(read_account)?;
            run = found.flatten();
            Ok(())
        }
        _ => reader.skip(),
    })?;
    reader.end()?;
    let mut loading = Loading::new(service);
    for (mut saved, logs) in streams {
        attach_policies(&mut saved, &mut policies);
        totals.streams += 1;
        totals.shards += saved.shards.len() as u64;
        loading.add(saved, logs);
    }
    let commitments = run.map(|run| (service.usual_caller, run)).into_iter().collect();
    let head = Head { taken_ms: service.clock.now_ms(), keys: Vec::new(), commitments };
    loading.finish(Some(head), putting)?;
    Ok(totals)
}

fn attach_policies(saved: &mut SavedStream, policies: &mut HashMap<String, String>) {
    if let Some(policy) = policies.remove(&saved.arn.to_string()) {
        Arc::make_mut(&mut saved.attached).policy = Some(Policy::new(&policy));
    }
    for consumer in &mut saved.consumers {
        let (stream, name) = (saved.arn.clone(), consumer.name.clone());
        let arn = ConsumerArn { stream, name, created_s: consumer.created_s };
        if let Some(policy) = policies.remove(&arn.to_string()) {
            Arc::make_mut(consumer).attached.policy = Some(Policy::new(&policy));
        }
    }
}

fn read_account(reader: &mut Reader<impl Read>) -> Found<Option<Run>> {
    let mut run = None;
    reader.object(|reader, name| {
        if name != "minimumThroughputBillingCommitment" {
            return reader.skip();
        }
        if reader.null()? {
            return Ok(());
        }
        let (mut status, mut started_ms, mut ended_ms, mut earliest_ms) = (String::new(), None, None, None);
        reader.object(|reader, name| {
            match name {
                "Status" => status = reader.text()?,
                "StartedAt" => started_ms = reader.optional(read_seconds)?,
                "EndedAt" => ended_ms = reader.optional(read_seconds)?,
                "EarliestAllowedEndAt" => earliest_ms = reader.optional(read_seconds)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let ends_ms = if status == "ENABLED" { None } else { ended_ms.or(earliest_ms) };
        run = started_ms.map(|started_ms| Run { started_ms, ends_ms });
        Ok(())
    })?;
    Ok(run)
}

fn read_seconds(reader: &mut Reader<impl Read>) -> Found<u64> {
    let seconds = reader.number()?;
    time::from_seconds(seconds).ok_or_else(|| reader.wrong("this is no time"))
}

fn read_iso(reader: &mut Reader<impl Read>) -> Found<u64> {
    let text = reader.text()?;
    time::parse_iso(&text).ok_or_else(|| reader.wrong("this is no time"))
}

/// What is found of a stream, in whichever order.
struct Stream<'s> {
    logs: StreamLogs<'s>,
    shards: Vec<SavedShard>,
    /// When records of each shard began to be encrypted, or not to be: their arrivals.
    switches: Vec<(u64, bool)>,
    settings: StreamSettings,
    is_encrypted: bool,
    key_id: Option<String>,
    retention_ms: u64,
    created_ms: u64,
    tags: Tags,
    consumers: Vec<Arc<Consumer>>,
    daily_use: Vec<(DailyQuota, u64)>,
    is_going: bool,
}

/// A stream; `None` if it is about to go.
fn read_stream<'s>(
    reader: &mut Reader<impl Read>,
    arn: StreamArn,
    service: &'s Service,
    totals: &mut Totals,
) -> Found<Option<(SavedStream, StreamLogs<'s>)>> {
    let now_ms = service.clock.now_ms();
    let mut stream = Stream {
        logs: StreamLogs::new(&service.registry),
        shards: Vec::new(),
        switches: Vec::new(),
        settings: StreamSettings::of(StreamMode::Provisioned),
        is_encrypted: false,
        key_id: None,
        retention_ms: u64::from(RETENTION_HOURS_DEFAULT) * 3_600_000,
        created_ms: now_ms,
        tags: Tags::default(),
        consumers: Vec::new(),
        daily_use: Vec::new(),
        is_going: false,
    };
    reader.object(|reader, name| {
        match name {
            "shards" => reader.object(|reader, key| read_shard(reader, key, &mut stream, totals))?,
            "consumers" => reader.object(|reader, _| {
                stream.consumers.extend(read_consumer(reader)?.map(Arc::new));
                Ok(())
            })?,
            _ => read_member(reader, name, &mut stream)?,
        }
        Ok(())
    })?;
    if stream.is_going {
        return Ok(None);
    }
    let incarnation = service.registry.incarnation_to_give();
    Ok(Some(stream.finish(arn, incarnation, now_ms)))
}

fn read_member(reader: &mut Reader<impl Read>, name: &str, stream: &mut Stream<'_>) -> Found<()> {
    match name {
        "encryptionType" => stream.is_encrypted = reader.text()? == "KMS",
        "keyId" => stream.key_id = reader.optional(Reader::text)?,
        "retentionPeriod" => stream.retention_ms = read_duration_ms(reader)?,
        "streamCreationTimestamp" => stream.created_ms = read_iso(reader)?,
        "streamStatus" => stream.is_going = reader.text()? == "DELETING",
        "tags" => stream.tags = read_tags(reader)?,
        "streamModeDetails" => reader.object(|reader, name| {
            if name != "StreamMode" {
                return reader.skip();
            }
            let mode = StreamMode::parse(&reader.text()?);
            stream.settings.mode = mode.ok_or_else(|| reader.wrong("there is no such mode"))?;
            Ok(())
        })?,
        "enhancedMonitoring" => reader.array(|reader| {
            reader.object(|reader, _| {
                reader.array(|reader| {
                    let metrics = ShardLevelMetrics::of([reader.text()?.as_str()]);
                    stream.settings.shard_level_metrics = stream.settings.shard_level_metrics.and(metrics);
                    Ok(())
                })
            })
        })?,
        "shardCountUpdates" => reader.array(|reader| {
            stream.daily_use.push((DailyQuota::ShardCountUpdates, read_iso(reader)?));
            Ok(())
        })?,
        "maxRecordSizeInKiB" => {
            if let Some(kib) = reader.optional(Reader::whole)? {
                let bytes = usize::try_from(kib.saturating_mul(1024)).unwrap_or(usize::MAX);
                stream.settings.record_bytes_max = bytes.min(RECORD_BYTES_MAX);
            }
        }
        "warmThroughputMiBps" => {
            let mibps = reader.optional(Reader::whole)?;
            stream.settings.warm_throughput_mibps = mibps.and_then(|mibps| mibps.try_into().ok());
        }
        // The name of the member that the stream is says what these two say.
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_tags(reader: &mut Reader<impl Read>) -> Found<Tags> {
    let mut tags = Vec::new();
    reader.object(|reader, key| {
        tags.push((key.to_owned(), reader.text()?));
        Ok(())
    })?;
    Tags::default().with(tags).map_err(|error| reader.wrong(error.to_string()))
}

/// `{"length":24,"unit":"HOURS"}`, with any of Java's units.
fn read_duration_ms(reader: &mut Reader<impl Read>) -> Found<u64> {
    let (mut length, mut unit_ms) = (0, None);
    reader.object(|reader, name| {
        match name {
            "length" => length = reader.whole()?,
            "unit" => {
                unit_ms = match reader.text()?.as_str() {
                    "MILLISECONDS" => Some(1),
                    "SECONDS" => Some(1_000),
                    "MINUTES" => Some(60_000),
                    "HOURS" => Some(3_600_000),
                    "DAYS" => Some(86_400_000),
                    _ => None,
                }
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let duration_ms = unit_ms.and_then(|unit_ms| length.checked_mul(unit_ms));
    duration_ms.ok_or_else(|| reader.wrong("this is no duration"))
}

/// A consumer; `None` if it is about to go.
fn read_consumer(reader: &mut Reader<impl Read>) -> Found<Option<Consumer>> {
    let (mut arn, mut tags, mut created_ms, mut is_going) = (None, Tags::default(), 0, false);
    reader.object(|reader, name| {
        match name {
            "ConsumerARN" => arn = ConsumerArn::parse(&reader.text()?),
            "ConsumerCreationTimestamp" => created_ms = read_seconds(reader)?,
            "ConsumerStatus" => is_going = reader.text()? == "DELETING",
            "Tags" if !reader.null()? => tags = read_tags(reader)?,
            "Tags" => {}
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let arn = arn.ok_or_else(|| reader.wrong("a consumer without an ARN"))?;
    let consumer = Consumer {
        name: arn.name,
        created_s: arn.created_s,
        attached: Attached { tags, policy: None },
        active_from_ms: created_ms,
        gone_from_ms: u64::MAX,
    };
    Ok((!is_going).then_some(consumer))
}

/// What the name of a member says of the shard whose records it holds.
#[derive(Default)]
struct ShardKey {
    id: Option<ShardId>,
    start: Option<HashKey>,
    end: Option<HashKey>,
    parent: Option<ShardId>,
    adjacent: Option<ShardId>,
    created_ms: u64,
    closed_ms: Option<u64>,
    is_closed: bool,
}

fn read_key(key: &str) -> Found<ShardKey> {
    let mut reader = Reader::new(key.as_bytes());
    let mut found = ShardKey::default();
    reader.object(|reader, name| {
        match name {
            "ShardId" => found.id = ShardId::parse_lenient(&reader.text()?),
            "ParentShardId" => found.parent = read_shard_id(reader)?,
            "AdjacentParentShardId" => found.adjacent = read_shard_id(reader)?,
            "CreatedAtTimestamp" => found.created_ms = read_iso(reader)?,
            "ClosedTimestamp" => found.closed_ms = reader.optional(read_iso)?,
            "HashKeyRange" => reader.object(|reader, name| {
                let key = HashKey::parse(&reader.text()?).ok();
                match name {
                    "StartingHashKey" => found.start = key,
                    _ => found.end = key,
                }
                Ok(())
            })?,
            "SequenceNumberRange" => reader.object(|reader, name| {
                let is_there = reader.optional(Reader::text)?.is_some();
                found.is_closed |= is_there && name == "EndingSequenceNumber";
                Ok(())
            })?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(found)
}

fn read_shard_id(reader: &mut Reader<impl Read>) -> Found<Option<ShardId>> {
    let id = reader.optional(Reader::text)?;
    let parsed = id.as_deref().map(ShardId::parse_lenient);
    match parsed {
        Some(None) => Err(reader.wrong("this is no shard")),
        other => Ok(other.flatten()),
    }
}

fn read_shard(
    reader: &mut Reader<impl Read>,
    key: &str,
    stream: &mut Stream<'_>,
    totals: &mut Totals,
) -> Found<()> {
    let key = read_key(key).map_err(|_| reader.wrong("a shard that is not described as JSON"))?;
    let range = key.start.zip(key.end).map(|(start, end)| HashKeyRange { start, end });
    let (Some(id), Some(range)) = (key.id, range.filter(|range| range.start <= range.end)) else {
        return Err(reader.wrong("a shard without its name or its hash keys"));
    };
    let place = stream.shards.len();
    let mut shard = SavedShard {
        id,
        range,
        created_s: key.created_ms / 1_000,
        parents: key.parent.map_or(Parents::NONE, |parent| Parents::new(parent, key.adjacent)),
        closed: None,
        horizon: 0,
        tip: 0,
        next_counter: 0,
    };
    stream.logs.add(shard.created_s);
    let mut was_encrypted = None;
    reader.array(|reader| {
        let record = Record::read(reader)?;
        let arrival_ms = record.append(reader, place, &mut shard, &mut stream.logs)?;
        if was_encrypted.replace(record.is_encrypted) != Some(record.is_encrypted) {
            stream.switches.push((arrival_ms, record.is_encrypted));
        }
        totals.count_record(record.key.len() + record.data.len());
        Ok(())
    })?;
    let log = stream.logs.log(place);
    (shard.tip, shard.next_counter) = (log.next_position(), log.next_counter());
    if key.is_closed {
        // Files of old have no time; it was not before the last record.
        let closed_ms = key.closed_ms.unwrap_or(0).max(log.last_arrival_ms());
        shard.closed = Some((closed_ms / 1_000, Vec::new()));
    }
    stream.shards.push(shard);
    Ok(())
}

/// A record on its way in.
#[derive(Default)]
struct Record {
    arrival_ms: u64,
    data: Vec<u8>,
    key: String,
    number: String,
    is_encrypted: bool,
}

impl Record {
    fn read(reader: &mut Reader<impl Read>) -> Found<Self> {
        let mut record = Self::default();
        reader.object(|reader, name| {
            match name {
                "ApproximateArrivalTimestamp" => record.arrival_ms = read_seconds(reader)?,
                "Data" => {
                    let data = STANDARD.decode_to_vec(reader.text()?);
                    record.data = data.map_err(|_| reader.wrong("data that is not Base64"))?;
                }
                "PartitionKey" => record.key = reader.text()?,
                "SequenceNumber" => record.number = reader.text()?,
                "EncryptionType" => {
                    record.is_encrypted = reader.optional(Reader::text)?.is_some_and(|kind| kind == "KMS");
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        if record.key.len() > PARTITION_KEY_BYTES_MAX || record.data.len() > RECORD_BYTES_MAX {
            return Err(reader.wrong("a record larger than any"));
        }
        Ok(record)
    }

    /// Appends it, under its own number; tells when it arrived.
    fn append(
        &self,
        reader: &Reader<impl Read>,
        place: usize,
        shard: &mut SavedShard,
        logs: &mut StreamLogs<'_>,
    ) -> Found<u64> {
        let number = Parsed::parse(&self.number).filter(|number| number.version == 2);
        let parts = number.and_then(|number| Some((number, number.counter?, number.time_s?)));
        let (number, counter, time_s) =
            parts.ok_or_else(|| reader.wrong("a sequence number that is none"))?;
        if logs.log(place).next_counter() == 0 {
            // What records say of their shard's creation counts: consumers have these numbers.
            shard.created_s = number.created_s;
        }
        if number.created_s != shard.created_s || i64::from(number.shard) != i64::from(shard.id.index()) {
            return Err(reader.wrong("a sequence number of another shard"));
        }
        // The second is in the number as well, and there it counts.
        let second = time_s * 1_000..=time_s * 1_000 + 999;
        let arrival_ms = self.arrival_ms.clamp(*second.start(), *second.end());
        let arrival_ms = arrival_ms.max(logs.log(place).last_arrival_ms());
        let mut records = RecordBuffer::take();
        let too_large = |_| reader.wrong("a record larger than any");
        records.push(self.key.as_bytes(), &self.data).map_err(too_large)?;
        logs.append(place, &records, counter, arrival_ms, reader.offset())?;
        Ok(arrival_ms)
    }
}

impl<'s> Stream<'s> {
    fn finish(mut self, arn: StreamArn, incarnation: u64, now_ms: u64) -> (SavedStream, StreamLogs<'s>) {
        self.logs.sort_with(&mut self.shards);
        self.close_parents();
        let key_id = self.key_id.unwrap_or_else(|| KEY_DEFAULT.to_owned());
        let settings = StreamSettings { key_id: self.is_encrypted.then(|| key_id.into()), ..self.settings };
        let settings = Arc::new(settings);
        let encrypted = encryption_times(self.switches, self.is_encrypted, now_ms);
        let plan = Plan { before: Arc::clone(&settings), after: settings, from_ms: 0, encrypted };
        let life = Life {
            created_ms: self.created_ms,
            active_from_ms: self.created_ms,
            updating_until_ms: 0,
            gone_from_ms: u64::MAX,
        };
        let saved = SavedStream {
            arn,
            incarnation,
            life,
            retention_ms: self.retention_ms,
            expired_before_ms: 0,
            plan: Arc::new(plan),
            attached: Arc::new(Attached { tags: self.tags, policy: None }),
            consumers: self.consumers,
            daily_use: self.daily_use,
            resharding: None,
            shards: self.shards,
        };
        (saved, self.logs)
    }

    /// Tells each closed shard what it became: there only children know their parents.
    fn close_parents(&mut self) {
        let children: Vec<_> = self
            .shards
            .iter()
            .flat_map(|child| child.parents.iter().map(|parent| (parent, child.id)))
            .collect();
        for (parent, child) in children {
            let place = self.shards.binary_search_by_key(&parent, |shard| shard.id).ok();
            let parent = place.and_then(|place| self.shards.get_mut(place));
            if let Some((_, children)) = parent.and_then(|parent| parent.closed.as_mut()) {
                children.push(child);
            }
        }
    }
}

/// When encryption was switched, as far as records and what is set now tell.
fn encryption_times(mut switches: Vec<(u64, bool)>, is_on: bool, now_ms: u64) -> EncryptionTimes {
    switches.sort_unstable();
    switches.push((now_ms.max(switches.last().map_or(0, |(time_ms, _)| time_ms + 1)), is_on));
    let mut state = false;
    EncryptionTimes::of(
        switches.into_iter().filter_map(|(time_ms, is_on)| {
            (std::mem::replace(&mut state, is_on) != is_on).then_some(time_ms)
        }),
    )
}
