//! The cases: what is sent, to how many shards, and what it may cost.

use std::fmt::Write as _;

/// One kind of request, sent again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// What it is, in one word.
    pub(crate) name: &'static str,
    /// The operation and its size.
    pub(crate) kind: Kind,
    /// Bytes of a record's data.
    pub(crate) record_bytes: usize,
    /// Shards of the stream.
    pub(crate) shards: u32,
    /// Requests of the shorter of two runs; the longer has twice as many.
    pub(crate) requests: u32,
    /// Instructions per record to stay within, where there is such a goal.
    pub(crate) goal: Option<u32>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PutRecords of [`RECORDS_PER_PUT`] records.
    PutRecords,
    /// PutRecord.
    PutRecord,
    /// GetRecords of [`RECORDS_PER_GET`] records.
    GetRecords,
}

/// Records of one PutRecords.
pub(crate) const RECORDS_PER_PUT: u64 = 500;
/// Records of one GetRecords.
pub(crate) const RECORDS_PER_GET: u64 = 10_000;

/// Every case. The number of requests is such that a shard fills a segment of the largest size in a short run, but
/// for PutRecord, which would take minutes.
pub(crate) const CASES: [Case; 4] = [
    Case {
        name: "put_records_500x100b_4shards",
        kind: Kind::PutRecords,
        record_bytes: 100,
        shards: 4,
        requests: 80,
        goal: Some(600),
    },
    Case {
        name: "put_records_500x1kib_16shards",
        kind: Kind::PutRecords,
        record_bytes: 1024,
        shards: 16,
        requests: 40,
        goal: Some(1750),
    },
    Case {
        name: "put_record_100b_4shards",
        kind: Kind::PutRecord,
        record_bytes: 100,
        shards: 4,
        requests: 2000,
        goal: None,
    },
    Case {
        name: "get_records_10000x100b_1shard",
        kind: Kind::GetRecords,
        record_bytes: 100,
        shards: 1,
        requests: 5,
        goal: None,
    },
];

impl Case {
    /// The case of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Records that one request puts or gets.
    pub(crate) const fn records_per_request(&self) -> u64 {
        match self.kind {
            Kind::PutRecords => RECORDS_PER_PUT,
            Kind::PutRecord => 1,
            Kind::GetRecords => RECORDS_PER_GET,
        }
    }
}

/// The cases for a script: name, requests of the shorter run, records per request, goal or `-`; tabs in between.
pub(crate) fn table() -> String {
    let mut table = String::new();
    for case in &CASES {
        let goal = case.goal.map_or_else(|| "-".to_owned(), |goal| goal.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{}\t{}\t{}\t{goal}", case.name, case.requests, case.records_per_request());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: every case still runs, however short, and the script can read every line about it.
    #[test]
    fn every_case_runs() {
        for case in &CASES {
            crate::workload::run(case, 2, crate::counted::Counted).unwrap();
        }
        assert!(table().lines().all(|line| line.split('\t').count() == 4));
        assert_eq!(Case::named("put_record_100b_4shards").map(|case| case.shards), Some(4));
    }
}
