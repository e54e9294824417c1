//! Request bodies in: frame by frame, within a budget for the whole server.
//!
//! A declared length is believed only as far as the budget goes. The permit
//! for the whole body is taken before its first byte is read: taken bit by bit, bodies that are half in could
//! each wait for what the others hold.
//!
//! - **Small bodies** have a reserve of their own, so that clients that declare large bodies and are slow, or never send
//!   them, hold up nobody but each other.
//! - **Bodies that wait** for their permit cost memory, too: over HTTP/1.1 the buffers of a connection that has begun a
//!   request, over HTTP/2 what is sent unasked, up to a stream's window. That is counted apart, and where it is used up a
//!   request is refused at once. The windows of all streams together never exceed their connection's (`http2.rs`), so a
//!   body that waits takes no room from one that is read.
//! - **Silent bodies** lose their share: a body must keep up a rate from [`READ_GRACE`] on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::limits::HTTP_BODY_BYTES_MAX;
use crate::memory::BodyBytes;
use crate::protocol::exchange::Intake;

use super::http2::STREAM_WINDOW_BYTES;

/// What the budgets are counted in, so that they fit the semaphores' 32-bit requests.
const PERMIT_BYTES: usize = 1 << 10;

/// What a connection holds in HTTP/1.1 whose request waits: buffers of hyper's and the head, measured.
const WAITING_REQUEST_BYTES: usize = 32 << 10;

/// The largest body that may use the reserve for small ones.
const SMALL_BODY_BYTES_MAX: usize = 64 << 10;

/// How long a body may wait for its share of the budget.
const SHARE_WITHIN: Duration = Duration::from_secs(30);

/// How long a body may take before its rate counts.
pub(super) const READ_GRACE: Duration = Duration::from_secs(10);

/// The rate that a body must keep up, so that a slow client cannot hold its share for ever.
const READ_BYTES_PER_S_MIN: usize = 256 << 10;

/// The server's budget for request bodies.
#[derive(Clone)]
pub(crate) struct BodyBudget(Arc<Budget>);

struct Budget {
    any: Semaphore,
    small: Semaphore,
    waiting: Semaphore,
    waiting_bytes: u64,
}

impl BodyBudget {
    /// A budget of so many bytes.
    pub(crate) fn new(bytes: BodyBytes) -> Self {
        let semaphore = |bytes: u64, bytes_min: usize| {
            let permits = usize::try_from(bytes).unwrap_or(usize::MAX) / PERMIT_BYTES;
            Semaphore::new(permits.clamp(bytes_min / PERMIT_BYTES, Semaphore::MAX_PERMITS))
        };
        Self(Arc::new(Budget {
            any: semaphore(bytes.any, HTTP_BODY_BYTES_MAX),
            small: semaphore(bytes.small, SMALL_BODY_BYTES_MAX),
            waiting: semaphore(bytes.waiting, STREAM_WINDOW_BYTES),
            waiting_bytes: bytes.waiting,
        }))
    }

    /// How many streams one connection may have, so that all of them may wait: as the budget allows, within a range.
    pub(crate) fn streams_max(&self, range: std::ops::RangeInclusive<u32>) -> u32 {
        let streams = self.0.waiting_bytes / STREAM_WINDOW_BYTES as u64;
        u32::try_from(streams).unwrap_or(u32::MAX).clamp(*range.start(), *range.end())
    }

    /// The share of a body of so many bytes; `None` if it is not to be had in [`SHARE_WITHIN`], or if there is no room
    /// to wait.
    async fn share(&self, bytes: usize, arrival: Arrival) -> Option<BodyShare<'_>> {
        let permits = permits_of(bytes)?;
        let Budget { any, small, waiting, .. } = &*self.0;
        let lines = if bytes <= SMALL_BODY_BYTES_MAX { [any, small] } else { [any, any] };
        // Nobody waits in a line while this much of it is free.
        if let Some(permit) = lines.iter().find_map(|line| line.try_acquire_many(permits).ok()) {
            return Some(BodyShare { _permit: Some(permit) });
        }
        let [_, line] = lines;
        let held_meanwhile = match arrival {
            Arrival::Asked => WAITING_REQUEST_BYTES,
            Arrival::Unasked => bytes.min(STREAM_WINDOW_BYTES),
        };
        let _waiting = waiting.try_acquire_many(permits_of(held_meanwhile)?).ok()?;
        let permit = timeout(SHARE_WITHIN, line.acquire_many(permits)).await.ok()?.ok()?;
        Some(BodyShare { _permit: Some(permit) })
    }
}

fn permits_of(bytes: usize) -> Option<u32> {
    u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()
}

/// A body's share of the budget, free again when this is dropped: when nothing made of the body is left either.
pub(crate) struct BodyShare<'b> {
    _permit: Option<SemaphorePermit<'b>>,
}

/// When a body's bytes come to lie in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// As it is read: HTTP/1.1.
    Asked,
    /// As it is sent, up to a stream's window: HTTP/2.
    Unasked,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is, or says it will be, larger than [`HTTP_BODY_BYTES_MAX`].
    #[error("the body is larger than {HTTP_BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// The client went away, was too slow, or broke the framing.
    #[error("the body ended early")]
    Broken,
    /// Other bodies have held the whole budget for too long.
    #[error("too many request bodies at once")]
    Busy,
}

/// Reads a whole body into `intake`.
///
/// # Errors
/// [`BodyError`]. A declared length over the limit is refused before anything is read, so that a client that
/// asked with `Expect: 100-continue` never sends it.
pub(crate) async fn read<'b>(
    mut incoming: Incoming,
    arrival: Arrival,
    budget: &'b BodyBudget,
    intake: &mut Intake,
) -> Result<BodyShare<'b>, BodyError> {
    let declared = incoming.size_hint();
    if declared.lower() > HTTP_BODY_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    if incoming.is_end_stream() {
        return Ok(BodyShare { _permit: None });
    }
    let bytes_max =
        declared.exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(HTTP_BODY_BYTES_MAX);
    let share = budget.share(bytes_max, arrival).await.ok_or(BodyError::Busy)?;
    read_frames(&mut incoming, intake).await?;
    Ok(share)
}

async fn read_frames(incoming: &mut Incoming, intake: &mut Intake) -> Result<(), BodyError> {
    let mut bytes = 0;
    let mut pace = Pace { started: None, timer: pin!(None) };
    loop {
        if incoming.is_end_stream() {
            return Ok(());
        }
        let next = poll_fn(|context| match Pin::new(&mut *incoming).poll_frame(context) {
            Poll::Pending => pace.poll_late(context, bytes).map(|()| Err(BodyError::Broken)),
            Poll::Ready(frame) => Poll::Ready(frame.transpose().map_err(|_| BodyError::Broken)),
        });
        let Some(frame) = next.await? else { return Ok(()) };
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len();
        if bytes > HTTP_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        intake.add(&data);
    }
}

/// Whether a body keeps up its rate. The timer is only made when there is a wait: a small body comes with its head.
struct Pace<'t> {
    started: Option<Instant>,
    timer: Pin<&'t mut Option<Sleep>>,
}

impl Pace<'_> {
    /// Ready when a body of which so many bytes have come is too late.
    fn poll_late(&mut self, context: &mut Context<'_>, bytes: usize) -> Poll<()> {
        let started = *self.started.get_or_insert_with(Instant::now);
        let due = started + READ_GRACE + Duration::from_secs((bytes / READ_BYTES_PER_S_MIN) as u64);
        loop {
            let Some(mut timer) = self.timer.as_mut().as_pin_mut() else {
                self.timer.set(Some(sleep_until(due)));
                continue;
            };
            // Set for what had come then; what has come since puts it off.
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Room for one body of full size, two small ones, and what comes of two streams.
    fn budget() -> BodyBudget {
        let small = 2 * SMALL_BODY_BYTES_MAX as u64;
        let waiting = 2 * STREAM_WINDOW_BYTES as u64;
        BodyBudget::new(BodyBytes { any: HTTP_BODY_BYTES_MAX as u64, small, waiting })
    }

    /// Protects: small bodies go their own way past a large one that holds everything, as many as were provided for, and
    /// a share that is given back serves the next.
    #[tokio::test(start_paused = true)]
    async fn small_bodies_have_a_reserve() {
        let budget = budget();
        let large = budget.share(HTTP_BODY_BYTES_MAX, Arrival::Asked).await.expect("all of it");
        let small = [(); 2].map(|()| budget.share(SMALL_BODY_BYTES_MAX, Arrival::Asked));
        let [one, other] = small;
        let small = (one.await.expect("a share"), other.await.expect("a share"));
        let begun = Instant::now();
        for bytes in [1, SMALL_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX + 1] {
            assert!(budget.share(bytes, Arrival::Asked).await.is_none());
        }
        assert_eq!(begun.elapsed().as_secs(), 3 * SHARE_WITHIN.as_secs());
        drop(small);
        assert!(budget.share(1, Arrival::Asked).await.is_some());
        drop(large);
        assert!(budget.share(HTTP_BODY_BYTES_MAX, Arrival::Asked).await.is_some());
    }

    /// Protects: what is held of requests that wait is bounded, in both versions of HTTP: one too many is refused at once,
    /// not after a wait; but a small one still has the reserve.
    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_counted() {
        let windows = 2 * STREAM_WINDOW_BYTES;
        for (arrival, room) in [(Arrival::Unasked, 2), (Arrival::Asked, windows / WAITING_REQUEST_BYTES)] {
            let budget = budget();
            let large = budget.share(HTTP_BODY_BYTES_MAX, arrival).await.expect("all of it");
            let waiting: Vec<_> = (0..room)
                .map(|_| {
                    let budget = budget.clone();
                    tokio::spawn(async move { budget.share(MIB, arrival).await.is_some() })
                })
                .collect();
            tokio::task::yield_now().await;
            let begun = Instant::now();
            assert!(budget.share(MIB, arrival).await.is_none());
            assert!(budget.share(SMALL_BODY_BYTES_MAX, arrival).await.is_some());
            assert_eq!(begun.elapsed(), Duration::ZERO);
            drop(large);
            for waiting in waiting {
                assert!(waiting.await.unwrap());
            }
            assert!(budget.share(MIB, arrival).await.is_some());
        }
    }

    /// Protects: a connection has as many streams as may wait, within the range it is given.
    #[test]
    fn streams_fit_the_budget() {
        assert_eq!(budget().streams_max(1..=9), 2);
        assert_eq!(budget().streams_max(5..=9), 5);
        assert_eq!(budget().streams_max(1..=1), 1);
    }

    /// How long a body lasts that has so many bytes after each second, the last of them for ever.
    async fn lasts(bytes_by_second: &[usize]) -> Duration {
        let begun = Instant::now();
        let mut pace = Pace { started: None, timer: pin!(None) };
        let mut second = pin!(sleep_until(begun + Duration::from_secs(1)));
        let mut at = 0;
        poll_fn(|context| {
            while second.as_mut().poll(context).is_ready() {
                at = (at + 1).min(bytes_by_second.len() - 1);
                let next = second.deadline() + Duration::from_secs(1);
                second.as_mut().reset(next);
            }
            pace.poll_late(context, bytes_by_second[at])
        })
        .await;
        begun.elapsed()
    }

    /// Protects: silence ends a body after the grace; bytes that came put the end off, by what they are worth.
    #[tokio::test(start_paused = true)]
    async fn bodies_keep_a_pace() {
        assert_eq!(lasts(&[0]).await.as_secs(), READ_GRACE.as_secs());
        assert_eq!(lasts(&[READ_BYTES_PER_S_MIN]).await.as_secs(), READ_GRACE.as_secs() + 1);
        let late_burst = [0, 0, 0, 0, 0, 5 * READ_BYTES_PER_S_MIN];
        assert_eq!(lasts(&late_burst).await.as_secs(), READ_GRACE.as_secs() + 5);
        let steady: Vec<_> = (0..60).map(|second| second * READ_BYTES_PER_S_MIN).collect();
        assert_eq!(lasts(&steady).await.as_secs(), READ_GRACE.as_secs() + 59);
    }
}
