//! HTTP/2 connections: many requests at once, each a stream with a task of its own.
//!
//! Flow control is what bounds memory here, in both directions:
//!
//! - **In.** A stream's window is what a client may send of a body before anybody reads it. The connection's window is the
//!   sum of those of all streams it may have, so that bodies that wait for the budget (`body.rs`) never take the room of
//!   one that is being read: otherwise each could wait for the other.
//! - **Out.** A stream buffers at most [`SEND_BUFFER_BYTES`] and one frame more, and one frame waits before it: with
//!   frames of 32 KiB (`window.rs`), a client that reads slowly costs 128 KiB, beside what the rest of its reply is made
//!   from. One that takes nothing of a reply, for as long as a connection may stall, loses that stream, and with it what
//!   the rest pins.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::connection::{Behind, unless_stopped};
use super::exchange;
use super::window::WINDOW_BYTES_MULTIPLEXED;
use super::write_watch::WRITE_STALL_MAX;

/// What a client may send on one stream before it is read.
pub(super) const STREAM_WINDOW_BYTES: usize = 64 << 10;

/// Streams of one connection at once. At least what clients count on (reference 1.7); at most what leaves its window
/// within 64 MiB.
const STREAMS: std::ops::RangeInclusive<u32> = 128..=1_024;

/// What may be buffered of a reply beyond the frame that is being written.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// The largest request head. Session tokens are its largest part, a few KiB; and each stream that waits holds its own.
const HEAD_BYTES_MAX: u32 = 32 << 10;

const _: () = assert!(SEND_BUFFER_BYTES + 2 * WINDOW_BYTES_MULTIPLEXED <= 128 << 10);
const _: () = assert!(*STREAMS.end() as usize * STREAM_WINDOW_BYTES <= 64 << 20);

/// Serves a connection until the client closes it, it breaks, or the server stops; then streams in flight are finished
/// first, and the client is told to begin no others.
///
/// # Errors
/// How the connection ended, if not in order.
pub(super) async fn serve<S>(
    stream: S,
    behind: Behind,
    stopping: &mut watch::Receiver<bool>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let streams_max = behind.budget.streams_max(STREAMS);
    let connection_window =
        u32::try_from(STREAM_WINDOW_BYTES).unwrap_or(u32::MAX).saturating_mul(streams_max);
    let behind = Arc::new(behind);
    let answers = service_fn(move |request| {
        let behind = Arc::clone(&behind);
        async move { Ok::<_, Infallible>(exchange::answer(request, &behind).await) }
    });
    let connection = http2::Builder::new(StreamTasks)
        .initial_stream_window_size(u32::try_from(STREAM_WINDOW_BYTES).unwrap_or(u32::MAX))
        .initial_connection_window_size(connection_window)
        .max_concurrent_streams(streams_max)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answers);
    let mut connection = pin!(connection);
    match unless_stopped(connection.as_mut(), stopping).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Gives each stream a task on the worker's own thread.
#[derive(Debug, Clone, Copy)]
struct StreamTasks;

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(unless_stalled(stream));
    }
}

thread_local! {
    /// Whether the stream that is being polled has come to its reply, or a part of it was taken.
    static MADE_PROGRESS: Cell<bool> = const { Cell::new(false) };
}

/// Tells the stream that is being polled that its reply has begun, or that a part of it was taken.
pub(super) fn made_progress() {
    MADE_PROGRESS.set(true);
}

/// Runs a stream to its end, or until its client has taken nothing of its reply for [`WRITE_STALL_MAX`]: the stream is
/// dropped then, which resets it. (The connection cannot tell: its other streams go on.)
async fn unless_stalled(stream: impl Future<Output = ()>) {
    let mut stream = pin!(stream);
    let mut stalled: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        MADE_PROGRESS.set(false);
        if stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let made_progress = MADE_PROGRESS.get();
        match &mut stalled {
            Some(timer) if made_progress => timer.as_mut().reset(Instant::now() + WRITE_STALL_MAX),
            None if made_progress => stalled = Some(Box::pin(sleep(WRITE_STALL_MAX))),
            _ => {}
        }
        match &mut stalled {
            Some(timer) => timer.as_mut().poll(context),
            None => Poll::Pending,
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::super::reply_body::ReplyBody;
    use super::*;

    /// A stream that takes so many parts of a reply, one each poll, and then waits for ever.
    async fn takes(mut parts: usize) {
        poll_fn(|context| {
            if parts > 0 {
                parts -= 1;
                made_progress();
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })
        .await;
    }

    /// Protects: a stream ends whose reply has begun and goes no further; one that waits for something else stays.
    #[tokio::test(start_paused = true)]
    async fn stalled_streams_end() {
        let patience = 10 * WRITE_STALL_MAX;
        for parts in [1, 5] {
            let begun = Instant::now();
            assert!(tokio::time::timeout(patience, unless_stalled(takes(parts))).await.is_ok(), "{parts}");
            assert_eq!(begun.elapsed().as_secs(), WRITE_STALL_MAX.as_secs());
        }
        assert!(tokio::time::timeout(patience, unless_stalled(takes(0))).await.is_err());
        assert!(tokio::time::timeout(patience, unless_stalled(async {})).await.is_ok());
    }

    const REPLY_BYTES: usize = 10 * WINDOW_BYTES_MULTIPLEXED;

    /// The reply of [`REPLY_BYTES`] to a client whose streams have a window of so many bytes.
    async fn reply_through(stream_window: usize) -> h2::RecvStream {
        let (client, server) = tokio::io::duplex(1 << 10);
        let replies = service_fn(async |_| {
            let body = ReplyBody::whole(vec![b'x'; REPLY_BYTES], WINDOW_BYTES_MULTIPLEXED);
            Ok::<_, Infallible>(hyper::Response::new(body))
        });
        let connection = http2::Builder::new(StreamTasks).serve_connection(TokioIo::new(server), replies);
        tokio::spawn(async move { connection.await.is_ok() });
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(u32::try_from(stream_window).unwrap());
        let (mut requests, connection) = builder.handshake::<_, hyper::body::Bytes>(client).await.unwrap();
        tokio::spawn(async move { connection.await.is_ok() });
        let head = http::Request::get("http://localhost/").body(()).unwrap();
        requests.send_request(head, true).unwrap().0.await.unwrap().into_body()
    }

    /// Protects: a client that never opens its window to a reply does not keep what it holds.
    #[tokio::test(start_paused = true)]
    async fn a_closed_window_keeps_no_reply() {
        let begun = Instant::now();
        let end = reply_through(0).await.data().await.unwrap().expect_err("a reset");
        assert_eq!(end.reason(), Some(h2::Reason::CANCEL));
        assert_eq!(begun.elapsed().as_secs(), WRITE_STALL_MAX.as_secs());
    }

    /// Protects: a client that takes a little now and then gets all of its reply.
    #[tokio::test(start_paused = true)]
    async fn slow_readers_get_their_reply() {
        let mut reply = reply_through(WINDOW_BYTES_MULTIPLEXED / 4).await;
        let mut bytes = 0;
        while let Some(part) = reply.data().await {
            let part = part.unwrap();
            sleep(WRITE_STALL_MAX / 8).await;
            reply.flow_control().release_capacity(part.len()).unwrap();
            bytes += part.len();
        }
        assert_eq!(bytes, REPLY_BYTES);
    }
}
