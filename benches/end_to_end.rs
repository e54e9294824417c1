//! Whole requests to a server in this process: one worker, one connection, one request at a time.
//!
//! In JSON and CBOR over HTTP/1.1, and over HTTP/2 (`h2`) and TLS (`tls`). The time is a round trip as a client sees it, its
//! own part included; for the server's processor time alone see
//! `perf/README.md`. Faults and transition times are off.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use shardmill::Server;
use shardmill::clock::Clock;
use shardmill::config::{Config, Limit};
use shardmill::protocol::codec::Codec;

use crate::client::{Client, Request, Wire, health};
use crate::common::{BATCH_RECORDS, KEY_BYTES, data, key, put_records_body, throughput, timed};

/// Data and keys that a stream holds before a new one takes its place: below what the server keeps of a deleted
/// stream's memory, so that in the long run no page is fresh.
const STORED_BYTES_MAX: usize = 32 << 20;

/// Requests of 500 that fill one GetRecords reply.
const READ_REQUESTS: u32 = 20;

/// How requests are written and sent, with how a bench's name puts it.
const FORMS: [(&str, Codec, Wire); 5] = [
    ("json", Codec::Json, Wire::Plain),
    ("cbor", Codec::Cbor, Wire::Plain),
    ("json_h2", Codec::Json, Wire::Http2),
    ("cbor_h2", Codec::Cbor, Wire::Http2),
    ("json_tls", Codec::Json, Wire::Tls),
];

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("end_to_end");
    for (form, codec, wire) in FORMS {
        for (name, data_bytes, shards) in [("100b", 100, 4), ("1kib", 1024, 16)] {
            let put = Put {
                request: Request::new(codec, "PutRecords", &put_records_body(codec, data_bytes)),
                answer_start: none_failed(codec),
                records: BATCH_RECORDS,
                stored_bytes: BATCH_RECORDS as usize * (data_bytes + KEY_BYTES),
                shards,
            };
            put.bench(&mut group, wire, &format!("put_records_500x{name}_{form}_{shards}shards"));
        }
        get_records(&mut group, form, codec, wire);
    }
    let data = base64_simd::STANDARD.encode_to_string(data(100));
    let body = format!(r#"{{"StreamName":"s","Data":"{data}","PartitionKey":"{}"}}"#, key(1));
    let put = Put {
        request: Request::new(Codec::Json, "PutRecord", body.as_bytes()),
        answer_start: b"{\"SequenceNumber\":\"",
        records: 1,
        stored_bytes: 100 + KEY_BYTES,
        shards: 4,
    };
    for (form, wire) in [("json", Wire::Plain), ("json_h2", Wire::Http2), ("json_tls", Wire::Tls)] {
        put.bench(&mut group, wire, &format!("put_record_100b_{form}_4shards"));
    }
    group.finish();
}

/// How the answer to a PutRecords begins when everything was stored.
const fn none_failed(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Json | Codec::ApplicationJson => b"{\"FailedRecordCount\":0,",
        Codec::Cbor => b"\xbf\x71FailedRecordCount\x00",
    }
}

/// A put that is repeated.
struct Put {
    request: Request,
    /// How an answer begins when everything was stored.
    answer_start: &'static [u8],
    records: u32,
    stored_bytes: usize,
    shards: u32,
}

impl Put {
    fn bench(&self, group: &mut BenchmarkGroup<'_, WallTime>, wire: Wire, name: &str) {
        let mut subject = Subject::start(wire, self.shards);
        group.throughput(throughput(self.records, self.request.bytes()));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let make_room = |subject: &mut Subject| subject.make_room(self.stored_bytes);
                timed(iterations, &mut subject, make_room, |subject, ()| {
                    let answer = subject.client.call(&self.request);
                    assert!(answer.starts_with(self.answer_start), "{}", String::from_utf8_lossy(answer));
                })
            });
        });
        subject.stop();
    }
}

fn get_records(group: &mut BenchmarkGroup<'_, WallTime>, form: &str, codec: Codec, wire: Wire) {
    let mut subject = Subject::start(wire, 1);
    let put = Request::new(codec, "PutRecords", &put_records_body(codec, 100));
    for _ in 0..READ_REQUESTS {
        assert!(subject.client.call(&put).starts_with(none_failed(codec)));
    }
    let shard = r#"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
    let answer = String::from_utf8_lossy(subject.client.operation("GetShardIterator", shard)).into_owned();
    let body = match codec {
        // The answer's one member has the name that the request's has.
        Codec::Json | Codec::ApplicationJson => answer.into_bytes(),
        Codec::Cbor => {
            let iterator = answer.split('"').nth(3).expect("an iterator");
            let length = u16::try_from(iterator.len()).expect("512 at the most").to_be_bytes();
            [b"\xa1\x6dShardIterator\x79", &length[..], iterator.as_bytes()].concat()
        }
    };
    let get = Request::new(codec, "GetRecords", &body);
    let records = READ_REQUESTS * BATCH_RECORDS;
    let name = b"SequenceNumber";
    let answer = subject.client.call(&get);
    let (count, bytes) = (answer.windows(name.len()).filter(|part| part == name).count(), answer.len());
    assert_eq!(count, records as usize);
    group.throughput(throughput(records, bytes));
    group.bench_function(format!("get_records_10000x100b_{form}"), |bencher| {
        bencher.iter(|| assert_eq!(subject.client.call(&get).len(), bytes));
    });
    subject.stop();
}

/// A server with one stream `s`, and a connection to it.
struct Subject {
    server: Server,
    client: Client,
    shards: u32,
    stored_bytes: usize,
}

impl Subject {
    fn start(wire: Wire, shards: u32) -> Self {
        let ca_file = (wire == Wire::Tls)
            .then(|| std::env::temp_dir().join(format!("shardmill-bench-{}.pem", std::process::id())));
        let config = Config {
            port: 0,
            workers: 1,
            latency_ms: 0,
            error_probability: 0.0,
            shard_limit: Limit::Infinite,
            tls_ca_out: ca_file.clone(),
            ..Config::default()
        };
        let server = Server::start(config, Clock::system()).expect("a server");
        let ca = ca_file.map(|file| {
            let ca = std::fs::read(&file).expect("the CA is there as soon as the server is");
            std::fs::remove_file(&file).expect("a file of ours");
            ca
        });
        let client = Client::connect(wire, server.local_addr(), &ca.unwrap_or_default());
        let mut subject = Self { server, client, shards, stored_bytes: 0 };
        subject.create_stream();
        subject
    }

    fn create_stream(&mut self) {
        let body = format!(r#"{{"StreamName":"s","ShardCount":{}}}"#, self.shards);
        self.client.operation("CreateStream", &body);
    }

    /// Replaces the stream if it could not hold `bytes` more.
    fn make_room(&mut self, bytes: usize) {
        self.stored_bytes += bytes;
        if self.stored_bytes > STORED_BYTES_MAX {
            self.client.operation("DeleteStream", r#"{"StreamName":"s"}"#);
            self.create_stream();
            self.stored_bytes = bytes;
        }
    }

    /// Panics if a shard gave up a command or failed.
    fn stop(self) {
        let health = health(self.server.local_addr());
        assert!(health.contains(r#""shards_poisoned":0,"commands_shed":0"#), "{health}");
        drop(self.client);
        self.server.shutdown();
    }
}
