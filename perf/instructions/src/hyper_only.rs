//! What hyper allocates by itself: a service that reads each request whole and answers the same bytes, with the
//! server's headers, on the same kind of connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;

/// As the server's.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// Of the right length: a UUID, and the base64 of 72 bytes.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
const ID_2: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

thread_local! {
    /// Used again by each request of the thread, and so no allocation of a steady one.
    static BODY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Serves a connection until its other end is closed.
pub(crate) async fn serve(stream: DuplexStream, reply: Bytes) {
    let answers = service_fn(move |request| {
        let reply = reply.clone();
        async move { Ok::<_, Infallible>(answer(request, reply).await) }
    });
    // A connection's end, in whatever way, is the client's business.
    let _ = http1::Builder::new()
        .max_buf_size(READ_BUFFER_BYTES)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), answers)
        .await;
}

async fn answer(request: Request<Incoming>, reply: Bytes) -> Response<Once> {
    let mut incoming = request.into_body();
    BODY.with_borrow_mut(Vec::clear);
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
        if let Some(bytes) = frame.data_ref() {
            BODY.with_borrow_mut(|body| body.extend_from_slice(bytes));
        }
    }
    let mut response = Response::new(Once(Some(reply)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert(HeaderName::from_static("x-amzn-requestid"), HeaderValue::from_static(REQUEST_ID));
    headers.insert(HeaderName::from_static("x-amz-id-2"), HeaderValue::from_static(ID_2));
    response
}

/// A body of one frame.
struct Once(Option<Bytes>);

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
