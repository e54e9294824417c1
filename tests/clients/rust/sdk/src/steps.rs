//! Steps of a client's program: each says on a line of its own whether it passed.

use std::fmt::Debug;
use std::future::Future;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Runs steps, and remembers whether one failed.
#[derive(Default)]
pub struct Steps {
    failed: bool,
}

impl Steps {
    pub async fn step(&mut self, name: &str, step: impl Future<Output = Outcome>) {
        match step.await {
            Ok(()) => println!("ok {name}"),
            Err(error) => {
                self.failed = true;
                println!("FAIL {name}: {}", format!("{error:?}").replace('\n', " "));
            }
        }
    }

    pub fn end(self) -> ExitCode {
        ExitCode::from(u8::from(self.failed))
    }
}

/// Returns once the condition holds, or with its first error.
pub async fn wait_until<F: Future<Output = Outcome<bool>>>(what: &str, condition: impl Fn() -> F) -> Outcome {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if condition().await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("not within 20 s: {what}").into())
}

pub fn equal<T: PartialEq + Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{found:?} is not {expected:?}").into()) }
}
