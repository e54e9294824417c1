//! The latency measurements against a double of the server that can be told to be at fault: a clean double must pass,
//! and no fault may hide behind a latency.

// Marked as test code, so that the lints for test code hold in it.
#[cfg(test)]
mod double;

use double::{Double, Fault};
use shardmill_load_tests::auditor::{Findings, Violation};
use shardmill_load_tests::latency::gets::Gets;
use shardmill_load_tests::latency::pacing::warm_up;
use shardmill_load_tests::latency::puts::Puts;
use shardmill_load_tests::latency::{Subject, Workload};
use shardmill_load_tests::workload::RunError;

/// Records put in all, by both measurements below; the double gives its newest record away when it has so many.
const RECORDS: u64 = 5_000;

/// Every connection sends `each` requests, without a schedule: how many fit into its time would be this machine's mood.
async fn checked<S: Subject>(fault: Fault, workload: Workload, each: u64) -> Result<Findings, RunError> {
    let (subject, mut callers) = S::open(Double::start(fault).await, workload).await?;
    for _ in 0..each {
        callers = warm_up(callers).await?;
    }
    subject.audit(callers).await
}

/// Four connections with ten requests of 125 records.
async fn puts(fault: Fault) -> Result<Findings, RunError> {
    let workload =
        Workload { seed: 11, shards: 3, records_per_request: 125, record_bytes: 100, connections: 4 };
    checked::<Puts>(fault, workload, 10).await
}

/// Twenty pages of 50 records on each of 5 shards, give or take.
async fn gets(fault: Fault) -> Result<Findings, RunError> {
    let workload =
        Workload { seed: 11, shards: 5, records_per_request: 50, record_bytes: 100, connections: 4 };
    checked::<Gets>(fault, workload, 30).await
}

#[tokio::test]
async fn doubles_without_fault_are_clean() {
    for findings in [puts(Fault::None).await.unwrap(), gets(Fault::None).await.unwrap()] {
        assert_eq!(findings.total(), 0, "{findings}");
    }
}

#[tokio::test]
async fn each_fault_of_a_put_is_named() {
    for (fault, violation) in [
        (Fault::LosesOne, Violation::Lost),
        (Fault::StoresOneTwice, Violation::Repeated),
        (Fault::SwapsTwo, Violation::Reordered),
        (Fault::AltersOne, Violation::Altered),
        (Fault::NamesAnotherShard, Violation::Misplaced),
        (Fault::RefusesOne, Violation::Refused),
    ] {
        let findings = puts(fault).await.unwrap();
        assert_eq!(findings.count(violation), 1, "{fault:?}:\n{findings}");
    }
}

#[tokio::test]
async fn no_fault_of_a_get_passes() {
    for fault in [
        Fault::LosesOne,
        Fault::StoresOneTwice,
        Fault::SwapsTwo,
        Fault::AltersOne,
        Fault::NamesAnotherShard,
        Fault::RefusesOne,
    ] {
        let findings = gets(fault).await.unwrap();
        assert!(findings.total() > 0, "{fault:?}");
    }
}

/// Setup that fails is not a verdict.
#[tokio::test]
async fn a_server_that_refuses_the_stream_is_an_error() {
    assert!(puts(Fault::RefusesStreams).await.is_err());
    assert!(gets(Fault::RefusesStreams).await.is_err());
}
