//! The figures' checks against a double of the server that can be told to be at fault: a clean double gives a figure,
//! and no fault does.

// Marked as test code, so that the lints for test code hold in it.
#[cfg(test)]
mod double;

use double::{Double, Fault};
use shardmill_load_tests::figures::delivery::{Delivered, Reader, deliver};
use shardmill_load_tests::figures::many_shards::check;
use shardmill_load_tests::figures::{delivery, many_shards};
use shardmill_load_tests::workload::{RunError, create_stream};

/// Records put in all, by either measurement; the double gives its newest record away when it has so many.
const RECORDS: u64 = 2_000;

async fn delivered(fault: Fault) -> Result<Delivered, RunError> {
    let plan = delivery::Plan { puts: RECORDS, rate_per_s: 4_000 };
    // A subscriber checks what comes in the same way.
    deliver(Double::start(fault).await, plan, Reader::Poller).await
}

async fn checked(fault: Fault) -> Result<(), RunError> {
    let plan = many_shards::Plan { shards: 200, records_per_shard: 10 };
    let address = Double::start(fault).await;
    create_stream(address, "any", plan.shards).await?;
    check(address, plan).await
}

/// Every put but the warm-up has both its times.
#[tokio::test]
async fn a_double_without_fault_delivers() {
    let Delivered { received_us, answered_us, answers } = delivered(Fault::None).await.unwrap();
    assert_eq!((received_us.len(), answered_us.len()), (1_800, 1_800));
    assert!(answers > 0);
    // The double keeps its newest record back until the next put, so each but the last comes after its own answer.
    let mut pairs = received_us.iter().zip(&answered_us).take(1_799);
    assert!(pairs.all(|(received, answered)| received > answered));
}

#[tokio::test]
async fn no_fault_is_delivered() {
    for fault in [
        Fault::LosesOne,
        Fault::StoresOneTwice,
        Fault::SwapsTwo,
        Fault::AltersOne,
        Fault::RefusesOne,
        Fault::FailsOneRead,
    ] {
        assert!(delivered(fault).await.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn many_shards_are_checked() {
    checked(Fault::None).await.unwrap();
    for (fault, words) in [
        (Fault::LosesOne, "VIOLATION lost: 1"),
        (Fault::StoresOneTwice, "VIOLATION repeated: 1"),
        (Fault::SwapsTwo, "VIOLATION reordered: 1"),
        (Fault::AltersOne, "VIOLATION altered: 1"),
        (Fault::NamesAnotherShard, "1 on another shard"),
        (Fault::RefusesOne, "VIOLATION refused: 1"),
    ] {
        let error = checked(fault).await.unwrap_err().to_string();
        assert!(error.contains(words), "{fault:?}: {error}");
    }
}
