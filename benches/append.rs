//! The log alone: append and publish of 500 records into recycled segments, and a read of 10,000.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use shardmill::log::{ChunkPool, Log, ReadLimits, RecordBuffer, Writer};

use crate::common::{BATCH_RECORDS, KEY_BYTES, SIZES, START_MS, data, key, throughput, timed};

/// Records of one read: as many as a GetRecords takes.
const READ_RECORDS: u32 = 10_000;

/// Data and keys that the log keeps: two of its largest segments, beyond which memory is used again.
const KEPT_BYTES: usize = 2 << 20;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    for (size, data_bytes) in SIZES {
        let batch_bytes = BATCH_RECORDS as usize * (data_bytes + KEY_BYTES);
        group.throughput(throughput(BATCH_RECORDS, batch_bytes));
        group.bench_function(format!("append_500x{size}"), |bencher| {
            let mut appender = Appender::new(data_bytes);
            let kept_ms = (KEPT_BYTES / batch_bytes) as u64;
            bencher.iter_custom(|iterations| {
                let prepare = |appender: &mut Appender| appender.trim(kept_ms);
                timed(iterations, &mut appender, prepare, |appender, ()| appender.append(BATCH_RECORDS))
            });
        });
    }
    for (size, data_bytes) in SIZES {
        let mut filled = Appender::new(data_bytes);
        filled.append(READ_RECORDS);
        let limits = ReadLimits { records_max: READ_RECORDS, bytes_max: u64::MAX };
        group.throughput(throughput(READ_RECORDS, READ_RECORDS as usize * (data_bytes + KEY_BYTES)));
        group.bench_function(format!("read_10000x{size}"), |bencher| {
            bencher.iter(|| {
                let slice = filled.log.read(0, 0, limits, |record| {
                    black_box((record.key, record.data));
                });
                assert_eq!(slice.records_count, READ_RECORDS);
            });
        });
    }
    group.finish();
}

/// A log with its writer and what to write.
struct Appender {
    log: Log,
    writer: Writer,
    pool: Arc<ChunkPool>,
    records: RecordBuffer,
    now_ms: u64,
}

impl Appender {
    fn new(data_bytes: usize) -> Self {
        let (mut records, data) = (RecordBuffer::take(), data(data_bytes));
        for key in (0..BATCH_RECORDS).map(key) {
            records.push(key.as_bytes(), &data).expect("a record of a usual size");
        }
        Self {
            log: Log::new(),
            writer: Writer::new(1, START_MS),
            pool: ChunkPool::new(),
            records,
            now_ms: START_MS,
        }
    }

    /// Moves time on by 1 ms and lets records older than `kept_ms` go.
    fn trim(&mut self, kept_ms: u64) {
        self.now_ms += 1;
        self.writer.trim(&self.log, self.now_ms - kept_ms);
    }

    /// Appends records of the present millisecond and publishes them.
    fn append(&mut self, count: u32) {
        let arrival_ms = self.writer.arrival_ms(self.now_ms);
        let record = |number| self.records.record(number % self.records.len());
        let appended = self.writer.append_run(&self.log, &self.pool, count as usize, record, arrival_ms);
        appended.expect("memory for a segment");
        self.writer.commit();
    }
}
