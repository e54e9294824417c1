//! The whole workload against a double of the server that can be told to be at fault: a clean double must pass, and
//! each fault must be named. Without this the stress test could be green because it looks at nothing.

// Marked as test code, so that the lints for test code hold in it.
#[cfg(test)]
mod double;

use std::sync::Arc;
use std::time::Duration;

use double::{Double, Fault};
use shardmill_load_tests::auditor::Violation;
use shardmill_load_tests::workload::{Outcome, Plan, Progress, RunError, run};

const RECORDS: u64 = 5_003;

async fn outcome(fault: Fault) -> Result<Outcome, RunError> {
    let address = Double::start(fault).await;
    let plan = Plan {
        seed: 11,
        records: RECORDS,
        shards: 3,
        record_bytes: 100,
        producers: 4,
        poll_intervals: vec![Duration::from_millis(1), Duration::from_millis(1), Duration::from_millis(20)],
        idle_max: Duration::from_millis(100),
    };
    run(address, plan, Arc::new(Progress::default())).await
}

#[tokio::test]
async fn a_double_without_fault_is_clean() {
    let outcome = outcome(Fault::None).await.unwrap();
    assert_eq!(outcome.findings.total(), 0, "{}", outcome.findings);
    assert_eq!((outcome.written, outcome.read), (RECORDS, 3 * RECORDS));
    assert!(outcome.puts.requests() >= 12 && outcome.gets.requests() >= 3 * 3);
    assert!(outcome.puts.longest() > Duration::ZERO);
}

#[tokio::test]
async fn each_fault_is_named() {
    let pollers = 3;
    for (fault, violation, count) in [
        (Fault::LosesOne, Violation::Lost, pollers),
        (Fault::StoresOneTwice, Violation::Repeated, pollers),
        (Fault::SwapsTwo, Violation::Reordered, pollers),
        (Fault::AltersOne, Violation::Altered, pollers),
        (Fault::NamesAnotherShard, Violation::Misplaced, pollers),
        (Fault::RefusesOne, Violation::Refused, 1),
        (Fault::FailsOneRead, Violation::Failed, 1),
    ] {
        let outcome = outcome(fault).await.unwrap();
        assert_eq!(outcome.findings.count(violation), count, "{fault:?}:\n{}", outcome.findings);
    }
}

/// Setup that fails is not a verdict.
#[tokio::test]
async fn a_server_that_refuses_the_stream_is_an_error() {
    let error = outcome(Fault::RefusesStreams).await.unwrap_err();
    assert!(error.to_string().contains("LimitExceededException"), "{error}");
}
