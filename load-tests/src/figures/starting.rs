//! From the start of the program to its first answer, and what it holds when it has nothing to do.

use std::time::{Duration, Instant};

use super::{Run, Subject, Value, quantile, resident_mib};
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::workload::{RunError, good};

const FIRST_ANSWER_MS_MAX: f64 = 10.0;
const IDLE_MIB_MAX: f64 = 7.0;

/// Starts of one run, of which the median counts.
const STARTS: usize = 5;
/// Nothing is asked for so long before an idle server is looked at: its housekeeping has had its turn.
const IDLE: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the server a few times.
///
/// # Errors
/// It does not start or answer.
pub async fn run(subject: &Subject) -> Result<Run, RunError> {
    let list = Request::new("ListStreams", "{}");
    let (mut ms, mut mib) = (Vec::new(), Vec::new());
    for start in 0..=STARTS {
        let started = Instant::now();
        let server = subject.start(&[])?;
        let mut connection = Connection::open(server.address(), PATIENCE).await?;
        good(&mut connection, &list).await?;
        // The first start reads the program from the disk.
        if start > 0 {
            ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        if start == STARTS {
            tokio::time::sleep(IDLE).await;
            mib.push(resident_mib(&server)?);
        }
    }
    let listed = ms.iter().map(|ms| format!("{ms:.3}")).collect::<Vec<_>>().join(",");
    Ok(Run {
        values: vec![
            Value::limited("start_to_first_answer_ms", quantile(&mut ms, 0.5), FIRST_ANSWER_MS_MAX),
            Value::limited("idle_resident_mib", quantile(&mut mib, 0.5), IDLE_MIB_MAX),
        ],
        details: vec![format!("\"starts_ms\":[{listed}]")],
    })
}
