//! That a server which stalls is charged for every request it kept waiting, and that tickets come in order, once each.

use super::*;

/// Answers at once, except between two moments: then only at the second.
#[derive(Debug, Clone)]
struct Stalling {
    from: Instant,
    to: Instant,
    calls: u64,
}

impl Caller for Stalling {
    fn prepare(&mut self) {}

    async fn call(&mut self) -> Answered {
        self.calls += 1;
        if Instant::now() >= self.from {
            tokio::time::sleep_until(self.to.into()).await;
        }
        Answered { at: Instant::now(), goes_on: true }
    }
}

async fn driven(
    schedule: Schedule,
    from: Duration,
    to: Duration,
    callers: usize,
) -> (Vec<Stalling>, Recording) {
    let stalling = Stalling { from: schedule.start() + from, to: schedule.start() + to, calls: 0 };
    drive(schedule, vec![stalling; callers]).await.unwrap()
}

/// Four callers, a stall of 250 ms in 300: a client that waits for answers before it goes on would show four slow
/// requests. Here every request meant for the stall has at least the rest of the stall as its latency: 151 of 300 were
/// meant for its first 150 ms, so at least half took 100 ms or more. (A slow machine only adds to that.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_requests_count_from_the_schedule() {
    let schedule = Schedule::new(1_000, 300);
    let (stall, end) = (Duration::from_millis(25), Duration::from_millis(275));
    let (callers, recording) = driven(schedule, stall, end, 4).await;
    assert_eq!(callers.iter().map(|caller| caller.calls).sum::<u64>(), 300);
    let summary = recording.summary(&schedule);
    assert_eq!((summary.answered, summary.unsent), (300, 0));
    assert!(summary.p50_ms >= 99.0, "{summary:?}");
    assert!(summary.max_ms >= 249.0, "{summary:?}");
    assert!(summary.sent_late_p99_ms >= 200.0, "{summary:?}");
}

/// A rate that the server cannot take ends all the same, and what was never sent is neither forgotten nor quick.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsent_requests_are_told_and_count() {
    let schedule = Schedule::new(1_000, 100);
    let (callers, recording) = driven(schedule, Duration::ZERO, Duration::from_millis(250), 3).await;
    let calls = callers.iter().map(|caller| caller.calls).sum::<u64>();
    let summary = recording.summary(&schedule);
    // One each; fewer if this machine held still for the whole of the run's 200 ms.
    assert!(calls <= 3, "{summary:?}");
    assert_eq!((summary.answered, summary.unsent), (calls, 100 - calls));
    assert!(summary.p50_ms >= 149.0, "{summary:?}");
    assert!(summary.achieved_per_s < 100.0, "{summary:?}");
}

/// A caller without a connection must not leave the others' tickets or the pacer behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_callers_end_the_run() {
    struct Lost;
    impl Caller for Lost {
        fn prepare(&mut self) {}

        async fn call(&mut self) -> Answered {
            Answered { at: Instant::now(), goes_on: false }
        }
    }
    let schedule = Schedule::new(1_000, 2_000_000);
    let (callers, recording) = drive(schedule, vec![Lost, Lost]).await.unwrap();
    let summary = recording.summary(&schedule);
    assert_eq!((callers.len(), summary.answered, summary.unsent), (2, 2, 1_999_998));
}

#[test]
fn moments_do_not_drift() {
    for rate_per_s in [1, 3, 7, 333, 1_000_000] {
        let schedule = Schedule::new(rate_per_s, rate_per_s * 100);
        assert_eq!(schedule.length(), Duration::from_secs(100));
        assert_eq!(schedule.intended(0), schedule.start());
        assert_eq!(schedule.intended(rate_per_s * 99) - schedule.start(), Duration::from_secs(99));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_are_handed_out_once_each_and_in_order() {
    let gate = Arc::new(Gate::new(Instant::now() + Duration::from_secs(60)));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let gate = Arc::clone(&gate);
        tasks.spawn(async move {
            let mut mine = Vec::new();
            while let Some(number) = gate.take().await {
                mine.push(number);
                tokio::task::yield_now().await;
            }
            mine
        });
    }
    let issuer = Arc::clone(&gate);
    let issuing = thread::spawn(move || {
        for _ in 0..10_000 {
            assert!(issuer.issue());
        }
        issuer.close();
        issuer.issue()
    });
    let mut all = Vec::new();
    while let Some(mine) = tasks.join_next().await {
        let mine = mine.unwrap();
        assert!(mine.is_sorted());
        all.extend(mine);
    }
    all.sort_unstable();
    assert_eq!(all, (0..10_000).collect::<Vec<_>>());
    assert!(!issuing.join().unwrap(), "nothing is issued behind a closed gate");
}
