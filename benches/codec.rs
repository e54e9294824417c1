//! The wire format of the record path, in memory: a PutRecords body to its request, replies to their bytes.

use std::sync::Arc;

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use shardmill::clock::MovableClock;
use shardmill::config::Limit;
use shardmill::control::{
    ControlSettings, NewStream, Registry, Scope, Stream, StreamMode, StreamSettings, Tags,
};
use shardmill::faults::FaultPlan;
use shardmill::log::Ceiling;
use shardmill::names::{AccountId, Region, ShardId, StreamName};
use shardmill::operation::Service;
use shardmill::operation::get_records;
use shardmill::operation::iterator::ShardIterator;
use shardmill::operation::put_records::Reply;
use shardmill::operation::seal::Sealer;
use shardmill::operation::stream_ref::StreamRef;
use shardmill::protocol::codec::Codec;
use shardmill::protocol::dispatch::{Class, classify};
use shardmill::protocol::exchange::{Intake, prepare};
use shardmill::protocol::head::{Field, Headers, RequestHead};
use shardmill::protocol::json::JsonScratch;
use shardmill::protocol::records::get_body::GetBody;
use shardmill::protocol::records::{cbor_put_reply, put_reply};
use shardmill::router;
use shardmill::shard::Tally;
use shardmill::transitions::Transitions;

use crate::common::{
    BATCH_RECORDS, CODECS, SIZES, START_MS, batch_records, put_records_body, throughput, timed,
};

/// Records of a GetRecords reply; at 1 KiB they come to just under its 10 MiB.
const READ_RECORDS: u32 = 10_000;

/// Bytes that a reply is written in at a time, as the server does.
const CHUNK_BYTES: usize = 128 << 10;

/// Bytes of a body that arrive at a time: hyper's buffer.
const FRAME_BYTES: usize = 64 << 10;

const SCOPE: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for codec in CODECS {
        for (size, data_bytes) in SIZES {
            put_records_request(&mut group, codec, size, data_bytes);
        }
        put_records_reply(&mut group, codec);
        for (size, data_bytes) in SIZES {
            get_records_reply(&mut group, codec, size, data_bytes);
        }
    }
    group.finish();
}

/// Head and body to a request whose records are decoded; nothing is stored.
fn put_records_request(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (name, codec): (&str, Codec),
    size: &str,
    data_bytes: usize,
) {
    let (service, _) = service_with_stream(1);
    let head = RequestHead { method: "POST", path: "/", query: None, headers: &PutRecordsFields(codec) };
    let Class::Post(post) = classify(&head) else { panic!("a POST was taken for something else") };
    let body = put_records_body(codec, data_bytes);
    group.throughput(throughput(BATCH_RECORDS, body.len()));
    group.bench_function(format!("put_records_request_500x{size}_{name}"), |bencher| {
        let mut state = JsonScratch::default();
        bencher.iter_custom(|iterations| {
            timed(
                iterations,
                &mut state,
                |_| (),
                |scratch, ()| {
                    let mut intake = Intake::new(&post, &service);
                    body.chunks(FRAME_BYTES).for_each(|frame| intake.add(frame));
                    let prepared = prepare(&head, &post, &mut intake, scratch, &service);
                    prepared.unwrap_or_else(|answer| panic!("refused: {answer:?}"))
                },
            )
        });
    });
}

/// A settled request to the bytes of its reply.
fn put_records_reply(group: &mut BenchmarkGroup<'_, WallTime>, (name, codec): (&str, Codec)) {
    let (_service, stream) = service_with_stream(4);
    let reply = store(&stream, 1, 100).pop().expect("one request was stored");
    let write = match codec {
        Codec::Json | Codec::ApplicationJson => put_reply::put_records,
        Codec::Cbor => cbor_put_reply::put_records,
    };
    group.throughput(throughput(BATCH_RECORDS, write(&reply).as_ref().len()));
    group.bench_function(format!("put_records_reply_500_4shards_{name}"), |bencher| {
        bencher.iter(|| write(&reply));
    });
}

/// An opened iterator to the records of the reply and its length; these records to their bytes.
fn get_records_reply(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (name, codec): (&str, Codec),
    size: &str,
    data_bytes: usize,
) {
    let (service, stream) = service_with_stream(1);
    store(&stream, READ_RECORDS / BATCH_RECORDS, data_bytes);
    let iterator = ShardIterator {
        stream: StreamRef { scope: SCOPE, name: stream.name().clone() },
        incarnation: stream.incarnation,
        shard: ShardId::FIRST,
        position: 0,
        chain: 1,
        issued_ms: START_MS,
    };
    let token = iterator.seal(&service.sealer);
    let request = get_records::Request::new(&token, None, None, false, &service).expect("a good iterator");
    let select = |request: get_records::Request| {
        GetBody::read(codec, request, &service).unwrap_or_else(|error| panic!("refused: {error}"))
    };
    let body_bytes = select(request.clone()).length();
    assert!(body_bytes > u64::from(READ_RECORDS) * data_bytes as u64, "a reply of fewer records");
    group
        .throughput(throughput(READ_RECORDS, usize::try_from(body_bytes).expect("a reply that fits memory")));
    group.bench_function(format!("get_records_select_10000x{size}_{name}"), |bencher| {
        let prepare = |(): &mut ()| request.clone();
        bencher.iter_custom(|iterations| timed(iterations, &mut (), prepare, |(), request| select(request)));
    });
    group.bench_function(format!("get_records_write_10000x{size}_{name}"), |bencher| {
        let mut window = vec![0; CHUNK_BYTES];
        bencher.iter_custom(|iterations| {
            let prepare = |_: &mut Vec<u8>| select(request.clone());
            timed(iterations, &mut window, prepare, |window, mut body| {
                let mut written: u64 = 0;
                while !body.is_done() {
                    written += body.write_chunk(window) as u64;
                }
                assert_eq!(written, body.length());
            })
        });
    });
}

/// The header fields that a PutRecords is recognised by.
struct PutRecordsFields(Codec);

impl Headers for PutRecordsFields {
    fn header(&self, field: Field) -> Option<&[u8]> {
        match field {
            Field::Authorization => Some(
                b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=abcdef",
            ),
            Field::ContentType => Some(self.0.content_type().as_bytes()),
            Field::XAmzDate => Some(b"20231114T221320Z"),
            Field::XAmzTarget => Some(b"Kinesis_20131202.PutRecords"),
            _ => None,
        }
    }

    fn for_each(&self, see: &mut dyn FnMut(&str, &[u8])) {
        see("host", b"localhost");
    }
}

/// All that is behind the wire, with one stream `s` of so many shards. Time stands still.
fn service_with_stream(shard_count: u32) -> (Service, Arc<Stream>) {
    let (clock, tally) = (MovableClock::new(START_MS).clock(), Arc::new(Tally::default()));
    let settings = ControlSettings {
        shard_limit: Limit::Infinite,
        on_demand_stream_count_limit: Limit::Infinite,
        transitions: Transitions::all(0),
        ceiling: Ceiling::NONE,
    };
    let registry = Registry::new(settings, clock.clone(), Arc::clone(&tally));
    let new = NewStream {
        scope: SCOPE,
        name: StreamName::parse("s").expect("a good name"),
        shard_count,
        settings: StreamSettings::of(StreamMode::Provisioned),
        tags: Tags::default(),
    };
    let stream = registry.create(new).expect("no quota is near");
    let (sealer, faults) = (Sealer::new([7; 16]), FaultPlan::new(0.0, 0));
    let service = Service { registry, clock, sealer, faults, tally, usual_caller: SCOPE, credentials: None };
    (service, stream)
}

/// Stores so many full requests.
fn store(stream: &Stream, requests: u32, data_bytes: usize) -> Vec<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (map, records) = (stream.shard_map(), batch_records(data_bytes));
    let store_one = |_| {
        let batch = map.route(records.clone()).expect("a map without holes");
        runtime.block_on(router::store(&batch));
        assert_eq!(batch.failed_count(), 0);
        let name = StreamName::parse("s").expect("a good name");
        Reply::Stored { batch, stream: StreamRef { scope: SCOPE, name }, is_encrypted: false }
    };
    (0..requests).map(store_one).collect()
}
