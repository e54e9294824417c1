//! One connection: requests one after the other, and an end to one whose client stopped reading.
//!
//! An answer pins log segments until it is written, so a client that takes nothing for [`WRITE_STALL_MAX`] loses
//! its connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::operation::Service;

use super::body::BodyBudget;
use super::exchange;

/// hyper's buffer for reading, and the largest request head.
const READ_BUFFER_BYTES: usize = 64 << 10;

/// How long a client may take nothing of what is written to it.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);

/// Serves a connection until the client closes it, it stalls, or `stopping` turns true; then requests in flight
/// are finished first.
pub(crate) async fn serve<S>(
    stream: S,
    service: Arc<Service>,
    budget: BodyBudget,
    mut stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let io = TokioIo::new(WriteWatch { stream, stalled: None });
    // One counter for each connection: what each request counts up and down then stays in the caches of one core.
    let shared = Arc::new((service, budget));
    let answers = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(exchange::answer(request, &shared.0, &shared.1).await) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(READ_BUFFER_BYTES)
        // hyper's time-out for heads would also cut idle connections that a client's pool means to use again.
        .header_read_timeout(None)
        .serve_connection(io, answers);
    let mut connection = pin!(connection);
    let ended = match unless_stopped(connection.as_mut(), &mut stopping).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// What the future gives, or `None` if the server stops first.
///
/// Does what `select!` would, but looks after the stop only when there is news of it: the future is a connection, which
/// wakes with every request.
async fn unless_stopped<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
    stopping: &mut watch::Receiver<bool>,
) -> Option<T> {
    let news = stopping.clone();
    let mut stopped = pin!(stopped(stopping));
    // Whom `stopped` will wake.
    let mut told: Option<Waker> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let is_told = told.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_told && matches!(news.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        told = Some(context.waker().clone());
        stopped.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// Resolves when the server stops, or is gone.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// A stream whose writes fail once nothing was taken for [`WRITE_STALL_MAX`].
struct WriteWatch<S> {
    stream: S,
    /// Runs while a write waits; made on the first wait, since most writes do not.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteWatch<S> {
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_MAX)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteWatch<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteWatch<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, buffers);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
