//! The echo on hyper, wired as the server is: one acceptor hands sockets to single-thread runtimes in turn; bodies
//! are read frame by frame into one buffer per connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::BODY_BYTES_MAX;

const READ_BUFFER_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn serve(listener: &TcpListener, reply: &Bytes, workers: u16) -> io::Result<()> {
    let mut inboxes = Vec::new();
    for _ in 0..workers {
        // Unbounded: it holds accepted sockets only, and the acceptor must not wait for a busy worker.
        let (inbox, sockets) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let reply = reply.clone();
        thread::spawn(move || LocalSet::new().block_on(&runtime, worker(sockets, reply)));
        inboxes.push(inbox);
    }
    for inbox in inboxes.iter().cycle() {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        inbox.send(socket).map_err(|_closed| io::Error::other("a worker ended"))?;
    }
    Ok(())
}

async fn worker(mut sockets: mpsc::UnboundedReceiver<TcpStream>, reply: Bytes) {
    while let Some(socket) = sockets.recv().await {
        if let Ok(socket) = tokio::net::TcpStream::from_std(socket) {
            tokio::task::spawn_local(connection(socket, reply.clone()));
        }
    }
}

async fn connection(socket: tokio::net::TcpStream, reply: Bytes) {
    let buffer = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let (buffer, reply) = (Rc::clone(&buffer), reply.clone());
        async move {
            // Taken out for the time of the request, so that no borrow is held across an await.
            let mut body = buffer.take();
            let status = read(request, &mut body).await;
            buffer.replace(body);
            status.map(|status| answer(status, reply))
        }
    });
    // A connection's end, in whatever way, is the client's business.
    let _ = http1::Builder::new()
        .max_buf_size(READ_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

/// Reads the whole body, as a server has to before it can answer.
async fn read(request: Request<Incoming>, buffer: &mut Vec<u8>) -> hyper::Result<StatusCode> {
    if request.method() != Method::POST {
        return Ok(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut body = request.into_body();
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    buffer.clear();
    buffer.reserve(declared.min(BODY_BYTES_MAX));
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Some(bytes) = frame?.data_ref() {
            if buffer.len() + bytes.len() > BODY_BYTES_MAX {
                return Ok(StatusCode::PAYLOAD_TOO_LARGE);
            }
            buffer.extend_from_slice(bytes);
        }
    }
    Ok(StatusCode::OK)
}

/// hyper adds Content-Length and Date.
fn answer(status: StatusCode, reply: Bytes) -> Response<Once> {
    let body = if status == StatusCode::OK { reply } else { Bytes::new() };
    let mut response = Response::new(Once(Some(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(crate::CONTENT_TYPE));
    headers.insert(HeaderName::from_static("x-amzn-requestid"), HeaderValue::from_static(crate::REQUEST_ID));
    headers.insert(HeaderName::from_static("x-amz-id-2"), HeaderValue::from_static(crate::ID_2));
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
        Poll::Ready(self.0.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
