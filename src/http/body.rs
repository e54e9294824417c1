//! Request bodies in: frame by frame, within a budget for the whole server.
//!
//! A declared length is believed only as far as the budget goes. The permit
//! for the whole body is taken before its first byte is read: taken bit by bit, bodies that are half in could
//! each wait for what the others hold.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

    async fn permit(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        Arc::clone(&self.0).acquire_many_owned(permits).await.ok()
    }
}

/// A body's share of the budget, free again when this is dropped: when nothing made of the body is left either.
pub(crate) struct BodyShare {
    _permit: Option<OwnedSemaphorePermit>,
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
pub(crate) async fn read(
    mut incoming: Incoming,
    budget: &BodyBudget,
    intake: &mut Intake,
) -> Result<BodyShare, BodyError> {
    let declared = incoming.size_hint();
    if declared.lower() > HTTP_BODY_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    if incoming.is_end_stream() {
        return Ok(BodyShare { _permit: None });
    }
    let bytes_max =
        declared.exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(HTTP_BODY_BYTES_MAX);
    let permit = tokio::time::timeout(READ_WITHIN, budget.permit(bytes_max)).await;
    let share = BodyShare { _permit: permit.map_err(|_| BodyError::Busy)? };
    let within = READ_WITHIN + Duration::from_secs((bytes_max / READ_BYTES_PER_S_MIN) as u64);
    tokio::time::timeout(within, read_frames(&mut incoming, intake))
        .await
        .map_err(|_| BodyError::Broken)??;
    Ok(share)
}

async fn read_frames(incoming: &mut Incoming, intake: &mut Intake) -> Result<(), BodyError> {
    let mut bytes = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *incoming).poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        bytes += data.len();
        if bytes > HTTP_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        intake.add(&data);
    }
    Ok(())
}
