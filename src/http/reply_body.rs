//! Reply bodies out: whole ones as they are, records in chunks that are written as the connection takes them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::protocol::records::get_body::GetBody;

use super::http2::took_records;
use super::window::Chunk;

/// The body of an answer.
pub(crate) enum ReplyBody {
    /// One piece, or nothing any more.
    Whole(Option<Bytes>),
    /// Records, written chunk by chunk.
    Records(RecordsBody),
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

impl ReplyBody {
    /// A whole body.
    pub(crate) fn whole(body: impl Into<Bytes>) -> Self {
        Self::Whole(Some(body.into()).filter(|body| !body.is_empty()))
    }

    /// The records of a GetRecords, in chunks of this size.
    pub(crate) fn records(writer: Box<GetBody>, window_bytes: usize) -> Self {
        let left = writer.length();
        Self::Records(RecordsBody { writer, left, window_bytes, yields: false })
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Records(records) => records.poll_chunk(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Records(records) => records.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(body) => body.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Records(records) => records.left,
        })
    }
}

impl RecordsBody {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
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
        took_records();
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}
