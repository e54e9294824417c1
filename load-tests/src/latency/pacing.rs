//! The schedule and those who follow it. A thread of its own issues one ticket per request at the moment the schedule
//! names; a caller that is free takes the oldest ticket and sends. When all are busy, tickets wait, and their waiting
//! counts, because a latency begins at the named moment whoever was late.
//!
//! A thread rather than the runtime's timer, which only knows whole milliseconds: an answer takes less than one.

use std::collections::VecDeque;
use std::fs;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::recording::Recording;
use crate::workload::RunError;

/// From the schedule's making to its first request: enough for every caller to have a request ready.
const LEAD: Duration = Duration::from_millis(50);
const NS_PER_S: u64 = 1_000_000_000;

/// When each request is to start: evenly, at a fixed rate.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Instant,
    rate_per_s: u64,
    requests: u64,
}

impl Schedule {
    /// `requests` (below 10^10) at `rate_per_s`, both raised to 1, from a moment ahead of now.
    pub fn new(rate_per_s: u64, requests: u64) -> Self {
        Self { start: Instant::now() + LEAD, rate_per_s: rate_per_s.max(1), requests: requests.max(1) }
    }

    /// The moment of the first request.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Requests per second.
    pub fn rate_per_s(&self) -> u64 {
        self.rate_per_s
    }

    /// Requests in all.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The moment of request `number`, from the start and not from its predecessor, so that nothing adds up.
    pub fn intended(&self, number: u64) -> Instant {
        self.start + self.offset(number)
    }

    /// From the first request to one interval after the last.
    pub fn length(&self) -> Duration {
        self.offset(self.requests)
    }

    /// After as long again, what has not been sent stays unsent: a rate far too high must come to an end.
    pub fn give_up(&self) -> Instant {
        self.start + self.length() * 2
    }

    fn offset(&self, number: u64) -> Duration {
        Duration::from_nanos(number.saturating_mul(NS_PER_S) / self.rate_per_s)
    }
}

/// When an answer, or the certainty that none comes, was there.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// The moment, before the answer was looked at.
    pub at: Instant,
    /// Whether the connection can be used again.
    pub goes_on: bool,
}

/// One connection's requests.
pub trait Caller: Send + 'static {
    /// Builds the next request, while no request of this caller is due.
    fn prepare(&mut self);

    /// Sends it, reads the whole answer, notes the moment, and only then checks what came.
    fn call(&mut self) -> impl Future<Output = Answered> + Send;
}

/// Every caller sends one request, side by side, so that connections and code are warm before the clock starts. The
/// requests are checked like all others.
///
/// # Errors
/// A task of the test itself died.
pub async fn warm_up<C: Caller>(callers: Vec<C>) -> Result<Vec<C>, RunError> {
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        tasks.spawn(async move {
            caller.prepare();
            // A connection that failed here fails again at its first request, where it is counted.
            let _ = caller.call().await;
            caller
        });
    }
    let mut callers = Vec::with_capacity(tasks.len());
    while let Some(caller) = tasks.join_next().await {
        callers.push(caller.map_err(died)?);
    }
    Ok(callers)
}

/// Sends the schedule's requests and returns the callers with the latency of every request.
///
/// # Errors
/// A task or thread of the test itself died.
pub async fn drive<C: Caller>(schedule: Schedule, callers: Vec<C>) -> Result<(Vec<C>, Recording), RunError> {
    let gate = Arc::new(Gate::new(schedule.give_up()));
    let mut recording = Recording::new()?;
    let mut tasks = JoinSet::new();
    for caller in callers {
        tasks.spawn(follow(schedule, Arc::clone(&gate), caller, recording.clone()));
    }
    let pacer = {
        let gate = Arc::clone(&gate);
        thread::Builder::new().name("pacer".to_owned()).spawn(move || pace(&schedule, &gate))?
    };
    let mut callers = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        let (caller, part) = done.map_err(died)?;
        recording.merge(&part)?;
        callers.push(caller);
    }
    // When every caller lost its connection, the pacer is still at it.
    gate.close();
    pacer.join().map_err(|_panic| RunError("the pacing thread died".to_owned()))?;
    let now = Instant::now();
    for number in gate.taken()..schedule.requests() {
        recording.unsent(schedule.intended(number), now);
    }
    Ok((callers, recording))
}

fn died(error: impl std::fmt::Display) -> RunError {
    RunError(format!("a task of the test itself died: {error}"))
}

async fn follow<C: Caller>(
    schedule: Schedule,
    gate: Arc<Gate>,
    mut caller: C,
    mut recording: Recording,
) -> (C, Recording) {
    loop {
        caller.prepare();
        let Some(number) = gate.take().await else { break };
        let sent = Instant::now();
        let answered = caller.call().await;
        recording.answer(schedule.intended(number), sent, answered.at);
        if !answered.goes_on {
            break;
        }
    }
    (caller, recording)
}

/// Issues every ticket at its moment, or at once when that has passed.
fn pace(schedule: &Schedule, gate: &Gate) {
    sleep_exactly();
    for number in 0..schedule.requests() {
        let wait = schedule.intended(number).saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        if !gate.issue() {
            break;
        }
    }
    gate.close();
}

/// Asks the kernel not to round this thread's sleeps up by its usual 50 us. Where that is not granted, they are, and
/// the report's "sent late" shows it.
fn sleep_exactly() {
    let thread = fs::read_link("/proc/thread-self").ok();
    if let Some(id) = thread.as_deref().and_then(|path| path.file_name()) {
        let _ = fs::write(std::path::Path::new("/proc").join(id).join("timerslack_ns"), "1");
    }
}

/// Where tickets wait for callers, or callers for tickets.
#[derive(Debug)]
struct Gate {
    line: Mutex<Line>,
    /// From then on no ticket is handed out.
    give_up: Instant,
}

#[derive(Debug, Default)]
struct Line {
    issued: u64,
    taken: u64,
    closed: bool,
    /// Callers that found no ticket, the longest waiting first: all connections get their turn.
    waiting: VecDeque<Waker>,
}

impl Gate {
    fn new(give_up: Instant) -> Self {
        Self { line: Mutex::default(), give_up }
    }

    /// One more request is due. False when nobody will send it.
    fn issue(&self) -> bool {
        let mut line = self.line();
        if line.closed {
            return false;
        }
        line.issued += 1;
        let next = line.waiting.pop_front();
        // A caller that wakes to find its ticket taken by one that never slept waits again; the ticket is not lost.
        drop(line);
        if let Some(waker) = next {
            waker.wake();
        }
        true
    }

    /// No more requests will be due; tickets that wait are still handed out.
    fn close(&self) {
        let mut line = self.line();
        line.closed = true;
        let waiting = std::mem::take(&mut line.waiting);
        drop(line);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The next request's number, when it is due; nothing when all are sent or given up.
    async fn take(&self) -> Option<u64> {
        poll_fn(|context| {
            let mut line = self.line();
            if line.taken < line.issued {
                if Instant::now() >= self.give_up {
                    return Poll::Ready(None);
                }
                line.taken += 1;
                return Poll::Ready(Some(line.taken - 1));
            }
            if line.closed {
                return Poll::Ready(None);
            }
            line.waiting.push_back(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Requests handed out.
    fn taken(&self) -> u64 {
        self.line().taken
    }

    /// Nothing that holds the lock can fail half-way.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
