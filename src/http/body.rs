//! Request bodies in: frame by frame, within a budget for the whole server.
//!
//! A declared length is believed only as far as the budget goes. The permit
//! for the whole body is taken before its first byte is read: taken bit by bit, bodies that are half in could
//! each wait for what the others hold.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::limits::HTTP_BODY_BYTES_MAX;
use crate::protocol::exchange::Intake;

/// What the budget is counted in, so that it fits the semaphore's 32-bit requests.
const PERMIT_BYTES: usize = 1 << 10;

/// How long a body may take, whatever its size, and how long it may wait for its share of the budget.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// On top of that, a body may take as long as it would at this rate: a slow client cannot hold its share for ever.
const READ_BYTES_PER_S_MIN: usize = 256 << 10;

/// The server's budget for request bodies.
#[derive(Clone)]
pub(crate) struct BodyBudget(Arc<Semaphore>);

impl BodyBudget {
    /// A budget of so many bytes, at least one full-size body.
    pub(crate) fn new(bytes: u64) -> Self {
        let permits = usize::try_from(bytes).unwrap_or(usize::MAX) / PERMIT_BYTES;
        Self(Arc::new(Semaphore::new(
            permits.clamp(HTTP_BODY_BYTES_MAX / PERMIT_BYTES, Semaphore::MAX_PERMITS),
        )))
    }

    /// The share of a body of so many bytes; `None` if it is not to be had in [`READ_WITHIN`].
    async fn share(&self, bytes: usize) -> Option<BodyShare<'_>> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        // Nobody waits in line while this much is free.
        let permit = match self.0.try_acquire_many(permits) {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(READ_WITHIN, self.0.acquire_many(permits)).await.ok()?.ok()?,
        };
        Some(BodyShare { _permit: Some(permit) })
    }
}

/// A body's share of the budget, free again when this is dropped: when nothing made of the body is left either.
pub(crate) struct BodyShare<'b> {
    _permit: Option<SemaphorePermit<'b>>,
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
    let share = budget.share(bytes_max).await.ok_or(BodyError::Busy)?;
    let read_within = READ_WITHIN + Duration::from_secs((bytes_max / READ_BYTES_PER_S_MIN) as u64);
    within(read_within, read_frames(&mut incoming, intake)).await.ok_or(BodyError::Broken)??;
    Ok(share)
}

/// What the future gives, or `None` once it has waited for so long. The timer is only made when there is a wait: a small
/// body comes with its head.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(limit, future).await.ok(),
    }
}

async fn read_frames(incoming: &mut Incoming, intake: &mut Intake) -> Result<(), BodyError> {
    let mut bytes = 0;
    while !incoming.is_end_stream()
        && let Some(frame) = poll_fn(|context| Pin::new(&mut *incoming).poll_frame(context)).await
    {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        bytes += data.len();
        if bytes > HTTP_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        intake.add(&data);
    }
    Ok(())
}
