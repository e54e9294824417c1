//! The log against a plain `Vec`: whatever is appended, committed, trimmed and read, both agree.

use proptest::prelude::*;

use super::chunk::ChunkPool;
use super::{Cursor, Log, ReadLimits, RecordBuffer, Writer};

const BORN_MS: u64 = 1_000_000;
const NO_LIMITS: ReadLimits = ReadLimits { records_max: u32::MAX, bytes_max: u64::MAX };

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    position: u64,
    counter: u64,
    arrival_ms: u64,
    key: Vec<u8>,
    data: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Records of these data sizes, all arriving this many milliseconds after the last batch.
    Append { later_ms: u64, sizes: Vec<usize> },
    /// Trim what is older than this many milliseconds.
    Trim { kept_ms: u64 },
    /// Read from this share of the positions ever used.
    Read { share: f64, records_max: u32, bytes_max: u64 },
    /// Seek by counter and by time.
    Seek { share: f64 },
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![8 => 0_usize..300, 2 => 900_usize..5_000, 1 => 200_000_usize..400_000];
    prop_oneof![
        6 => (0_u64..4, prop::collection::vec(size, 1..40)).prop_map(|(later_ms, sizes)| Step::Append { later_ms, sizes }),
        1 => (0_u64..8).prop_map(|kept_ms| Step::Trim { kept_ms }),
        2 => (0.0..1.1, 1_u32..200, 1_u64..600_000)
            .prop_map(|(share, records_max, bytes_max)| Step::Read { share, records_max, bytes_max }),
        2 => (0.0..1.1).prop_map(|share| Step::Seek { share }),
    ]
}

/// Appends a record given by its parts.
fn append_parts(
    writer: &mut Writer,
    log: &Log,
    pool: &std::sync::Arc<ChunkPool>,
    key: &[u8],
    data: &[u8],
    arrival_ms: u64,
) {
    let mut buffer = RecordBuffer::take();
    buffer.push(key, data).unwrap();
    writer.append(log, pool, buffer.record(0), arrival_ms).unwrap();
}

struct Model {
    all: Vec<Kept>,
    horizon: u64,
}

impl Model {
    fn live(&self) -> &[Kept] {
        &self.all[usize::try_from(self.horizon).unwrap()..]
    }

    fn tip(&self) -> u64 {
        self.all.len() as u64
    }

    fn read(&self, position: u64, limits: ReadLimits) -> Vec<Kept> {
        let start = usize::try_from(position.max(self.horizon)).unwrap().min(self.all.len());
        let mut bytes = 0;
        let mut taken = Vec::new();
        for record in &self.all[start..] {
            bytes += (record.key.len() + record.data.len()) as u64;
            if taken.len() as u64 >= u64::from(limits.records_max)
                || !taken.is_empty() && bytes > limits.bytes_max
            {
                break;
            }
            taken.push(record.clone());
        }
        taken
    }
}

fn read_log(log: &Log, position: u64, limits: ReadLimits) -> Vec<Kept> {
    let mut seen_while_collecting = 0;
    let slice = log.read(position, 0, limits, |_| seen_while_collecting += 1);
    let mut records = Vec::new();
    let mut cursor = Cursor::default();
    // In bites of three, so that resuming inside and between segments is part of every read.
    while !slice.is_done(cursor) {
        let mut bite = 0;
        cursor = slice.visit(cursor, |record| {
            bite += 1;
            if bite > 3 {
                return false;
            }
            records.push(Kept {
                position: record.position,
                counter: record.counter,
                arrival_ms: record.arrival_ms,
                key: record.key.to_vec(),
                data: record.data.to_vec(),
            });
            true
        });
    }
    assert_eq!((records.len(), seen_while_collecting), (slice.records_count as usize, slice.records_count));
    assert_eq!(slice.next, slice.start + u64::from(slice.records_count));
    records
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn share_of(count: u64, share: f64) -> u64 {
    (count as f64 * share) as u64
}

fn run(steps: Vec<Step>) {
    let pool = ChunkPool::new();
    let (log, mut writer) = (Log::new(), Writer::new(1, BORN_MS));
    let mut model = Model { all: Vec::new(), horizon: 0 };
    let mut now_ms = BORN_MS;
    for step in steps {
        match step {
            Step::Append { later_ms, sizes } => {
                now_ms += later_ms;
                for size in sizes {
                    let position = model.tip();
                    let (key, data) =
                        (format!("key-{position}").into_bytes(), vec![position.to_le_bytes()[0]; size]);
                    append_parts(&mut writer, &log, &pool, &key, &data, now_ms);
                    model.all.push(Kept { position, counter: position + 1, arrival_ms: now_ms, key, data });
                }
                writer.commit();
            }
            Step::Trim { kept_ms } => {
                let cutoff_ms = now_ms - kept_ms;
                writer.trim(&log, cutoff_ms);
                let first_kept = model.all.partition_point(|record| record.arrival_ms < cutoff_ms) as u64;
                model.horizon = model.horizon.max(first_kept);
            }
            Step::Read { share, records_max, bytes_max } => {
                let position = share_of(model.tip(), share);
                let limits = ReadLimits { records_max, bytes_max };
                assert_eq!(read_log(&log, position, limits), model.read(position, limits));
            }
            Step::Seek { share } => {
                let counter = share_of(model.tip() + 2, share);
                let by_counter = model
                    .live()
                    .iter()
                    .find(|record| record.counter >= counter)
                    .map_or(model.tip(), |r| r.position);
                assert_eq!(log.position_at_counter(counter), by_counter);
                let time_ms = BORN_MS + share_of(now_ms - BORN_MS + 2, share);
                let by_time = model
                    .live()
                    .iter()
                    .find(|record| record.arrival_ms >= time_ms)
                    .map_or(model.tip(), |r| r.position);
                assert_eq!(log.position_at_time(time_ms), by_time);
                let from_time = model.live().iter().filter(|record| record.arrival_ms >= time_ms).count();
                assert_eq!(log.read(0, time_ms, NO_LIMITS, |_| ()).records_count as usize, from_time);
            }
        }
        assert_eq!((log.tip(), log.horizon()), (model.tip(), model.horizon));
    }
    assert_eq!(read_log(&log, 0, NO_LIMITS), model.live());
    let (watermark, appended) = (log.watermark(1), log.appended());
    writer.close(&log, &pool);
    assert_eq!((log.watermark(1), log.appended()), (watermark, appended));
    assert_eq!(read_log(&log, 0, NO_LIMITS), model.live());
    for record in model.live() {
        assert_eq!(log.position_at_counter(record.counter), record.position);
    }
    writer.trim(&log, u64::MAX);
    assert_eq!((log.tip(), pool.held_bytes()), (model.tip(), 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Protects: positions, counters, arrivals, contents, seeks, limits and trims, across segment borders
    /// of every size.
    #[test]
    fn agrees_with_a_plain_vec(steps in prop::collection::vec(step(), 1..40)) {
        run(steps);
    }
}

/// Protects: a record of 1 MiB, and the largest AWS takes, go through whole.
#[test]
fn large_records_are_whole() {
    let (pool, log, mut writer) = (ChunkPool::new(), Log::new(), Writer::new(1, BORN_MS));
    let sizes = [1 << 20, 10, 10 << 20, 20];
    for (size, fill) in sizes.into_iter().zip(1_u8..) {
        append_parts(&mut writer, &log, &pool, b"key", &vec![fill; size], BORN_MS);
    }
    writer.commit();
    let records = read_log(&log, 0, NO_LIMITS);
    assert_eq!(records.iter().map(|record| record.data.len()).collect::<Vec<_>>(), sizes);
    assert!(records.iter().zip(1_u8..).all(|(record, fill)| record.data.iter().all(|byte| *byte == fill)));
}

/// Protects: a closed log holds little more than its records take, however large its last segment was; who reads that one
/// keeps it until it is through.
#[test]
fn a_closed_log_gives_back_what_it_does_not_use() {
    const KIB: u64 = 1 << 10;
    for (records, held_kib) in [
        (0, 0),
        (1, 4),
        (4, 4),
        // From here on 4 KiB are full, and the rest stands in what had 64.
        (5, 4 + 4),
        (8, 4 + 4),
        (9, 4 + 64),
        (69, 4 + 64),
        // In what had 256.
        (70, 4 + 64 + 4),
        (129, 4 + 64 + 64),
        (200, 4 + 64 + 256),
        (329, 4 + 64 + 256),
        // In what had 1,024.
        (330, 4 + 64 + 256 + 4),
        (500, 4 + 64 + 256 + 256),
        (700, 4 + 64 + 256 + 6 * 64),
        (900, 4 + 64 + 256 + 1_024),
    ] {
        let (pool, log, mut writer) = (ChunkPool::new(), Log::new(), Writer::new(1, BORN_MS));
        for _ in 0..records {
            append_parts(&mut writer, &log, &pool, b"key", &[7; 1_000], BORN_MS);
        }
        writer.commit();
        let open_bytes = pool.held_bytes();
        let slice = log.read(0, 0, NO_LIMITS, |_| ());
        writer.close(&log, &pool);
        assert!(pool.held_bytes() >= open_bytes, "a segment was taken from under its reader");
        let mut whole = 0;
        slice.visit(Cursor::default(), |record| {
            whole += usize::from(record.data == [7; 1_000]);
            true
        });
        drop(slice);
        assert_eq!(
            (whole, pool.held_bytes()),
            (records, held_kib * KIB),
            "{records} records, {open_bytes} B before"
        );
        assert_eq!(read_log(&log, 0, NO_LIMITS).len(), records);
    }
}

/// Protects: a reader keeps what it holds, however much is trimmed and reused meanwhile.
#[test]
fn a_slice_outlives_a_trim() {
    let (pool, log, mut writer) = (ChunkPool::new(), Log::new(), Writer::new(1, BORN_MS));
    let fill = |writer: &mut Writer, byte: u8, at_ms: u64| {
        for _ in 0..40 {
            append_parts(writer, &log, &pool, b"key", &[byte; 1_000], at_ms);
        }
        writer.commit();
    };
    fill(&mut writer, 1, BORN_MS);
    let slice = log.read(0, 0, NO_LIMITS, |_| ());
    writer.trim(&log, BORN_MS + 1);
    fill(&mut writer, 2, BORN_MS + 2);
    let mut count = 0;
    slice.visit(Cursor::default(), |record| {
        assert!(record.data.iter().all(|byte| *byte == 1));
        count += 1;
        true
    });
    assert_eq!((count, log.horizon(), log.tip()), (40, 40, 80));
}
