//! An HTTP/1.1 connection whose client must finish a head that it has begun.
//!
//! A client that waits before its next request may wait for ever, as those in pools do, and costs little. One that has
//! sent a part of a head costs all that it sent, and nothing else limits how long: so the rest must come within
//! [`HEAD_WITHIN`]. (hyper's own time-out would not tell these two apart.)

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::connection::Served;
use super::reply_body::ReplyBody;

/// How long a client may take from the first bytes of a head to its last.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Whose turn it is: even numbers are the client's, who sends a head or nothing; odd ones belong to a request, from its
/// head to the last of its reply. Relaxed throughout: a connection and its requests are polled in one task.
#[derive(Debug, Default)]
pub(super) struct Turns(AtomicU32);

impl Turns {
    /// A request begins: its head has come.
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of an answer; with it a turn ends.
pub(super) struct Answered {
    body: ReplyBody,
    served: Arc<Served>,
}

impl Answered {
    /// The answer to the request that has the turn.
    pub(super) const fn new(body: ReplyBody, served: Arc<Served>) -> Self {
        Self { body, served }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.served.turns.end();
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = <ReplyBody as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose reads fail when a head that has begun does not end.
pub(super) struct HeadWatch<S> {
    stream: S,
    served: Arc<Served>,
    /// The turn in which something was read last.
    turn: u32,
    has_begun: bool,
    /// Runs while the rest of a head is waited for; most heads come at once.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> HeadWatch<S> {
    /// Watches over a stream of which nothing was read.
    pub(super) const fn over(stream: S, served: Arc<Served>) -> Self {
        Self { stream, served, turn: 0, has_begun: false, late: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadWatch<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let turn = this.served.turns.now();
        if turn != this.turn {
            (this.turn, this.has_begun, this.late) = (turn, false, None);
        }
        let read_before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if !turn.is_multiple_of(2) {
            return read;
        }
        if read.is_ready() {
            this.has_begun |= buffer.filled().len() > read_before;
            return read;
        }
        if this.has_begun {
            let late = this.late.get_or_insert_with(|| Box::pin(sleep(HEAD_WITHIN)));
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadWatch<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::config::Config;
    use crate::http::body::BodyBudget;
    use crate::http::connection::Behind;
    use crate::memory::MemoryPlan;

    const PATIENCE: Duration = HEAD_WITHIN.saturating_mul(10);

    fn served() -> Arc<Served> {
        let config = Config::default();
        let plan = MemoryPlan::of(&config);
        let service = crate::server::service(&config, &plan, 0, crate::clock::Clock::system()).unwrap();
        Served::new(Behind { service, budget: BodyBudget::new(plan.bodies), state: None })
    }

    /// Protects: a head that has begun ends in time or ends its connection, however its bytes are spread; a client that
    /// sends nothing, or the body of a request, or has had its answer, is waited for.
    #[tokio::test(start_paused = true)]
    async fn heads_end_in_time() {
        let (mut client, server) = duplex(64);
        let served = served();
        let mut watched = HeadWatch::over(server, Arc::clone(&served));
        let mut byte = [0];
        for _request in 0..2 {
            assert!(timeout(PATIENCE, watched.read(&mut byte)).await.is_err(), "nothing was sent");
            client.write_all(b"POST").await.unwrap();
            for _ in 0..4 {
                watched.read_exact(&mut byte).await.unwrap();
            }
            served.turns.begin();
            assert!(timeout(PATIENCE, watched.read(&mut byte)).await.is_err(), "a body may be late");
            drop(Answered::new(ReplyBody::whole("", 1), Arc::clone(&served)));
        }
        client.write_all(b"P").await.unwrap();
        watched.read_exact(&mut byte).await.unwrap();
        let begun = Instant::now();
        let trickle = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                client.write_all(b"x").await.unwrap();
            }
        };
        let read_all = async {
            loop {
                if let Err(error) = watched.read_exact(&mut byte).await {
                    return error;
                }
            }
        };
        let error = tokio::select! {
            error = read_all => error,
            never = trickle => never,
        };
        assert_eq!(
            (error.kind(), begun.elapsed().as_secs()),
            (io::ErrorKind::TimedOut, HEAD_WITHIN.as_secs())
        );
    }
}
