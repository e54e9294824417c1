//! Reply bodies out: whole ones as they are, records in chunks that are written as the connection takes them, events as
//! they come.
//!
//! Where a connection has many replies on their way, they go out in windows, and each window that is taken counts as
//! progress (`http2.rs`). Not so the events of a subscription: whoever takes them late holds up nobody else.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::protocol::records::event_messages::EventMessages;
use crate::protocol::records::get_body::GetBody;

use super::http2::made_progress;
use super::window::Chunk;

/// The body of an answer.
pub(crate) enum ReplyBody {
    /// What is left of a reply that is written already.
    Whole(WholeBody),
    /// Records, written chunk by chunk.
    Records(RecordsBody),
    /// The events of a subscription.
    Events(EventsBody),
    /// State that is saved, as it is written.
    State(StateBody),
}

/// State on its way out. Where writing it fails, the body does not end as it should.
pub(crate) type StateBody = mpsc::Receiver<io::Result<Bytes>>;

/// A written reply on its way out.
pub(crate) struct WholeBody {
    left: Bytes,
    /// Length of a frame, at most.
    window_bytes: usize,
}

/// Records on their way out; their segments stay pinned until they are written.
pub(crate) struct RecordsBody {
    writer: Box<GetBody>,
    left: u64,
    /// Length of a chunk, at most, unless one record is longer.
    window_bytes: usize,
    /// Whether to let other tasks run before the next chunk.
    yields: bool,
}

/// A subscription on its way out. It pins nothing: what was read for an event is written at once.
pub(crate) struct EventsBody {
    messages: Box<EventMessages>,
    /// Whether to let other tasks run before the next message.
    yields: bool,
}

impl ReplyBody {
    /// The events of a subscription.
    pub(crate) const fn events(messages: Box<EventMessages>) -> Self {
        Self::Events(EventsBody { messages, yields: false })
    }

    /// A whole body, in frames of this size.
    pub(crate) fn whole(body: impl Into<Bytes>, window_bytes: usize) -> Self {
        made_progress();
        Self::Whole(WholeBody { left: body.into(), window_bytes })
    }

    /// The records of a GetRecords, in chunks of this size.
    pub(crate) fn records(writer: Box<GetBody>, window_bytes: usize) -> Self {
        made_progress();
        let left = writer.length();
        Self::Records(RecordsBody { writer, left, window_bytes, yields: false })
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(whole) => Poll::Ready(whole.next_frame().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Records(records) => records.poll_chunk(context),
            Self::Events(events) => events.poll_message(context),
            Self::State(pieces) => {
                made_progress();
                let piece = ready!(pieces.poll_recv(context));
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.left.is_empty(),
            Self::Records(records) => records.left == 0,
            Self::Events(_) | Self::State(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.left.len() as u64),
            Self::Records(records) => SizeHint::with_exact(records.left),
            // Over HTTP/1.1 that makes it chunked.
            Self::Events(_) | Self::State(_) => SizeHint::default(),
        }
    }
}

impl WholeBody {
    fn next_frame(&mut self) -> Option<Bytes> {
        if self.left.is_empty() {
            return None;
        }
        made_progress();
        Some(self.left.split_to(self.left.len().min(self.window_bytes)))
    }
}

impl RecordsBody {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.writer.is_done() {
            debug_assert_eq!(self.left, 0, "the reply is shorter than its Content-Length");
            return Poll::Ready(None);
        }
        if std::mem::replace(&mut self.yields, false) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let chunk = Bytes::from_owner(Chunk::write(&mut self.writer, self.left, self.window_bytes));
        // The other side of the promise made by the Content-Length.
        debug_assert!(chunk.len() as u64 <= self.left, "the reply is longer than its Content-Length");
        self.left = self.left.saturating_sub(chunk.len() as u64);
        self.yields = true;
        made_progress();
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

impl EventsBody {
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if std::mem::replace(&mut self.yields, false) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let message = ready!(self.messages.poll_next(context));
        self.yields = true;
        Poll::Ready(message.map(|message| Ok(Frame::data(message.into()))))
    }
}
