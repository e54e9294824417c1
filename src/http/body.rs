//! Request bodies in: frame by frame into one pooled buffer, within a budget for the whole server.
//!
//! The buffer grows as bytes arrive; a declared length is believed only as far as the budget goes. The permit
//! for the whole body is taken before its first byte is read: taken bit by bit, bodies that are half in could
//! each wait for what the others hold.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::HTTP_BODY_BYTES_MAX;

use super::pool::PooledBuffer;

/// Bytes of request bodies that may be in memory at once, for the whole server. Enough for a full-size body on
/// each of 32 connections; smaller ones in proportion.
const BUDGET_BYTES: usize = 32 * HTTP_BODY_BYTES_MAX;

/// What the budget is counted in, so that it fits the semaphore's 32-bit requests.
const PERMIT_BYTES: usize = 1 << 10;

/// How long a body may stand still before its connection is closed.
const STALL_MAX: Duration = Duration::from_secs(30);

/// The server's budget for request bodies.
#[derive(Clone)]
pub(crate) struct BodyBudget(Arc<Semaphore>);

impl BodyBudget {
    /// A full budget.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET_BYTES / PERMIT_BYTES)))
    }

    async fn permit(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        Arc::clone(&self.0).acquire_many_owned(permits).await.ok()
    }
}

/// A body that was read whole; its share of the budget is free again when this is dropped.
pub(crate) struct ReadBody {
    /// The bytes.
    pub(crate) bytes: PooledBuffer,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is, or says it will be, larger than [`HTTP_BODY_BYTES_MAX`].
    #[error("the body is larger than {HTTP_BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// The client went away, stood still, or broke the framing.
    #[error("the body ended early")]
    Broken,
}

/// Reads a whole body.
///
/// # Errors
/// [`BodyError`]. A declared length over the limit is refused before anything is read, so that a client that
/// asked with `Expect: 100-continue` never sends it.
pub(crate) async fn read(mut incoming: Incoming, budget: &BodyBudget) -> Result<ReadBody, BodyError> {
    let declared = incoming.size_hint();
    if declared.lower() > HTTP_BODY_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    if incoming.is_end_stream() {
        return Ok(ReadBody { bytes: PooledBuffer::default(), _permit: None });
    }
    let bytes_max =
        declared.exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(HTTP_BODY_BYTES_MAX);
    let permit = budget.permit(bytes_max).await;
    let mut bytes = PooledBuffer::take();
    while let Some(frame) = next_frame(&mut incoming).await? {
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > HTTP_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(ReadBody { bytes, _permit: permit })
}

async fn next_frame(incoming: &mut Incoming) -> Result<Option<Frame<Bytes>>, BodyError> {
    let frame = poll_fn(|context| Pin::new(&mut *incoming).poll_frame(context));
    match tokio::time::timeout(STALL_MAX, frame).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(frame))) => Ok(Some(frame)),
        Ok(Some(Err(_))) | Err(_) => Err(BodyError::Broken),
    }
}
