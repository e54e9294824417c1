//! loom models of the log: every interleaving of one writer and its readers, on segments of a few records.

use std::sync::Arc;

use crate::sync::explore;

use super::chunk::ChunkPool;
use super::{Log, ReadLimits, RecordBuffer, Writer};

const BORN_MS: u64 = 1_000;
const NO_LIMITS: ReadLimits = ReadLimits { records_max: u32::MAX, bytes_max: u64::MAX };

/// What a reader finds must be whole, dense, in order, and each record's data must be its own position.
fn positions_seen(log: &Log, from: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    let slice = log.read(from, 0, NO_LIMITS, |record| {
        assert_eq!(record.counter, record.position + 1);
        assert_eq!(record.key[..], b"k"[..]);
        assert_eq!(record.data[..], [u8::try_from(record.position).unwrap()]);
        seen.push(record.position);
    });
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a hole in {seen:?}");
    assert!(slice.tip >= slice.next);
    seen
}

fn append(writer: &mut Writer, log: &Log, pool: &Arc<ChunkPool>, positions: std::ops::Range<u8>, at_ms: u64) {
    for position in positions {
        let mut buffer = RecordBuffer::take();
        buffer.push(b"k", &[position]).unwrap();
        writer.append(log, pool, buffer.record(0), at_ms).unwrap();
    }
    writer.commit();
}

/// Protects: append and publish against a reader, across a seal: a prefix, never a hole or a torn record.
#[test]
fn loom_append_against_readers_across_a_seal() {
    explore(|| {
        let (log, pool) = (Arc::new(Log::new()), ChunkPool::new());
        let writing = {
            let (log, pool) = (Arc::clone(&log), Arc::clone(&pool));
            loom::thread::spawn(move || {
                let mut writer = Writer::new(1, BORN_MS);
                append(&mut writer, &log, &pool, 0..2, BORN_MS);
                append(&mut writer, &log, &pool, 2..6, BORN_MS + 1);
            })
        };
        let first = positions_seen(&log, 0);
        let second = positions_seen(&log, 0);
        assert!(second.len() >= first.len(), "the published prefix shrank");
        assert!([0, 2].contains(&first.len()) || first.len() > 2);
        writing.join().unwrap();
        assert_eq!(positions_seen(&log, 0).len(), 6);
    });
}

/// Protects: two readers that start in the middle see the same records as each other.
#[test]
fn loom_two_readers_and_a_writer() {
    explore(|| {
        let (log, pool) = (Arc::new(Log::new()), ChunkPool::new());
        let mut writer = Writer::new(1, BORN_MS);
        append(&mut writer, &log, &pool, 0..1, BORN_MS);
        let reading = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || positions_seen(&log, 1))
        };
        let writing = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || append(&mut writer, &log, &pool, 1..4, BORN_MS))
        };
        let here = positions_seen(&log, 1);
        let there = reading.join().unwrap();
        writing.join().unwrap();
        assert!(here.starts_with(&there) || there.starts_with(&here));
    });
}

/// Protects: a log that closes, and moves what it holds, against a reader: it sees all of it, wherever it looks.
#[test]
fn loom_close_against_a_reader() {
    explore(|| {
        let (log, pool) = (Arc::new(Log::new()), ChunkPool::new());
        let mut writer = Writer::new(1, BORN_MS);
        append(&mut writer, &log, &pool, 0..5, BORN_MS);
        let held_bytes = |log: &Log| log.view().segments().last().map_or(0, |tail| tail.capacity_bytes());
        let tail_bytes = held_bytes(&log);
        let closing = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || {
                append(&mut writer, &log, &pool, 5..6, BORN_MS);
                writer.close(&log, &pool);
            })
        };
        assert!([5, 6].contains(&positions_seen(&log, 0).len()));
        closing.join().unwrap();
        assert_eq!(positions_seen(&log, 0).len(), 6);
        assert!(2 * held_bytes(&log) <= tail_bytes, "nothing was moved");
    });
}

/// Protects: a search by time against an append: what comes meanwhile, and is what is sought, is not passed over.
#[test]
fn loom_seek_by_time_against_an_append() {
    explore(|| {
        let (log, pool) = (Arc::new(Log::new()), ChunkPool::new());
        let mut writer = Writer::new(1, BORN_MS);
        append(&mut writer, &log, &pool, 0..1, BORN_MS);
        let writing = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || {
                append(&mut writer, &log, &pool, 1..2, BORN_MS + 1);
                append(&mut writer, &log, &pool, 2..4, BORN_MS + 2);
            })
        };
        assert_eq!(log.position_at_time(BORN_MS + 1), 1);
        assert!([1, 2].contains(&log.position_at_time(BORN_MS + 2)));
        writing.join().unwrap();
    });
}

/// Protects: trim against a reader: it sees a dense stretch that starts at or after its position, and the
/// tip never runs back when the log is emptied.
#[test]
fn loom_trim_against_a_reader() {
    explore(|| {
        let (log, pool) = (Arc::new(Log::new()), ChunkPool::new());
        let mut writer = Writer::new(1, BORN_MS);
        append(&mut writer, &log, &pool, 0..3, BORN_MS);
        let trimming = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || {
                writer.trim(&log, BORN_MS + 1);
                append(&mut writer, &log, &pool, 3..4, BORN_MS + 2);
            })
        };
        let tip = log.tip();
        let seen = positions_seen(&log, 0);
        assert!(seen.is_empty() || seen[0] == 0 || seen[0] == 3, "{seen:?}");
        assert!(log.tip() >= tip, "the tip ran back");
        trimming.join().unwrap();
        assert_eq!(positions_seen(&log, 0), [3]);
    });
}
