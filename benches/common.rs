//! What benches share: the records they write, shards to write them to, and time taken without the preparation.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Throughput;
use shardmill::clock::MovableClock;
use shardmill::log::ChunkPool;
use shardmill::names::{HashKeyRange, ShardId};
use shardmill::protocol::codec::Codec;
use shardmill::router::ShardMap;
use shardmill::shard::batch::{Batch, Records};
use shardmill::shard::{Command, Shard, ShardContext, Tally};

/// Records of a full PutRecords.
pub(crate) const BATCH_RECORDS: u32 = 500;

/// Bytes of every partition key.
pub(crate) const KEY_BYTES: usize = 20;

/// When movable clocks start, epoch milliseconds.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// Batches that shards keep before they are trimmed: few enough that their memory is soon used again.
const BATCHES_KEPT: u64 = 8;

/// The record sizes of a bench, with how its name puts them.
pub(crate) const SIZES: [(&str, usize); 2] = [("100b", 100), ("1kib", 1024)];

/// The codecs of a bench, with how its name puts them.
pub(crate) const CODECS: [(&str, Codec); 2] = [("json", Codec::Json), ("cbor", Codec::Cbor)];

/// The partition key of record `number`: 20 characters that spread over all shards.
pub(crate) fn key(number: u32) -> String {
    format!("{:020}", u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The data of every record: bytes whose base64 text uses the whole alphabet.
pub(crate) fn data(bytes: usize) -> Vec<u8> {
    (0_u8..=u8::MAX).map(|byte| byte.wrapping_mul(151)).cycle().take(bytes).collect()
}

/// A full request of records of this size.
pub(crate) fn batch_records(data_bytes: usize) -> Records {
    let data = data(data_bytes);
    let mut records = Records::take();
    for number in 0..BATCH_RECORDS {
        records.push(&key(number), None, &data).expect("a request's bytes can be addressed");
    }
    records
}

/// A PutRecords body with those records for stream `s`: JSON compact, as most SDKs write it, or CBOR in indefinite
/// lengths, as those for Java do.
pub(crate) fn put_records_body(codec: Codec, data_bytes: usize) -> Vec<u8> {
    let data = data(data_bytes);
    let base64 = base64_simd::STANDARD.encode_to_string(&data);
    let entry = |number| match codec {
        Codec::Json | Codec::ApplicationJson => {
            let comma = if number == 0 { "" } else { "," };
            format!(r#"{comma}{{"Data":"{base64}","PartitionKey":"{}"}}"#, key(number)).into_bytes()
        }
        Codec::Cbor => {
            let length = u16::try_from(data.len()).expect("the sizes of benches are small").to_be_bytes();
            let key = key(number);
            [b"\xbf\x64Data\x59", &length[..], &data, b"\x6cPartitionKey\x74", key.as_bytes(), b"\xff"]
                .concat()
        }
    };
    let (open, close): (&[u8], &[u8]) = match codec {
        Codec::Json | Codec::ApplicationJson => (br#"{"StreamName":"s","Records":["#, b"]}"),
        Codec::Cbor => (b"\xbf\x67Records\x9f", b"\xff\x6aStreamName\x61s\xff"),
    };
    let entries: Vec<_> = (0..BATCH_RECORDS).map(entry).collect();
    [open, &entries.concat(), close].concat()
}

/// Records and bytes of one iteration.
pub(crate) fn throughput(records: u32, bytes: usize) -> Throughput {
    Throughput::ElementsAndBytes { elements: u64::from(records), bytes: bytes as u64 }
}

/// The time that `iterations` of `routine` take, dropping its output included, `prepare` left out.
///
/// Reading the clock costs some 50 ns per iteration: for routines of 5 us and more.
pub(crate) fn timed<S, I, O>(
    iterations: u64,
    state: &mut S,
    mut prepare: impl FnMut(&mut S) -> I,
    mut routine: impl FnMut(&mut S, I) -> O,
) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..iterations {
        let input = prepare(state);
        let started = Instant::now();
        black_box(routine(state, input));
        time += started.elapsed();
    }
    time
}

/// A stream's shards without its stream, on a clock that moves by 1 ms per trim.
pub(crate) struct Shards {
    pub(crate) map: ShardMap,
    clock: MovableClock,
    tally: Arc<Tally>,
}

impl Shards {
    pub(crate) fn new(count: u32) -> Self {
        let (clock, tally) = (MovableClock::new(START_MS), Arc::new(Tally::default()));
        let context = ShardContext::new(ChunkPool::new(), clock.clock(), Arc::clone(&tally), u64::MAX);
        let shards = (0..).zip(HashKeyRange::WHOLE.split_evenly(count)).map(|(index, range)| {
            let id = ShardId::new(index).expect("shard counts are small");
            Shard::new(id, range, START_MS / 1000, Arc::clone(&context))
        });
        Self { map: ShardMap::new(shards.collect()), clock, tally }
    }

    /// The records as a request that its shards have not seen.
    pub(crate) fn route(&self, records: &Records) -> Arc<Batch> {
        self.map.route(records.clone()).expect("a map without holes")
    }

    /// Moves time on and lets all but the last records go.
    pub(crate) async fn trim(&self) {
        self.clock.advance(Duration::from_millis(1));
        let not_before_ms = self.clock.clock().now_ms() - BATCHES_KEPT;
        for shard in self.map.shards() {
            let trimmed = shard.submit(Command::Trim { not_before_ms });
            assert!(trimmed.is_ok(), "an idle shard runs its commands at once");
        }
    }

    /// Panics if a shard gave up a command or failed.
    pub(crate) fn assert_well(&self) {
        assert_eq!((self.tally.commands_shed(), self.tally.shards_poisoned()), (0, 0));
    }
}
