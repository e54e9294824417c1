//! What every call of a run is held against: an answer in time, and a good one.

use std::time::{Duration, Instant};

use super::{Latencies, STALL, excerpt};
use crate::auditor::{Findings, Violation};
use crate::wire::{Answer, WireError};

/// Records a call's latency; one that took [`STALL`] or more is a finding.
pub(crate) fn note_latency(
    started: Instant,
    latencies: &mut Latencies,
    findings: &mut Findings,
    name: impl Fn() -> String,
) {
    let latency: Duration = started.elapsed();
    latencies.record(latency);
    if latency >= STALL {
        findings.add(Violation::Stalled, || format!("{} took {} ms", name(), latency.as_millis()));
    }
}

/// The body of a 200. Anything else is a finding, and tells whether the connection can go on.
pub(crate) fn good_body<'a>(
    answer: Result<Answer<'a>, WireError>,
    findings: &mut Findings,
    name: impl Fn() -> String,
) -> Result<&'a [u8], bool> {
    match answer {
        Ok(Answer { status: 200, body }) => Ok(body),
        Ok(Answer { status, body }) => {
            findings.add(Violation::Failed, || format!("{}: {status} {}", name(), excerpt(body)));
            Err(true)
        }
        Err(error) => {
            findings.add(Violation::Failed, || format!("{}: {error}", name()));
            Err(false)
        }
    }
}
