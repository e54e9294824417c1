//! One connection: what it speaks, and its requests.
//!
//! Plain HTTP/1.1 is served from the socket itself, as if nothing else existed; all that is rarer is kept in a box, so
//! that an idle connection stays small.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::operation::Service;

use super::body::BodyBudget;
use super::exchange;
use super::head_watch::{Answered, HeadWatch, Turns};
use super::http2;
use super::opening::{Opening, Rewound, peek};
use super::snapshot::StateAccess;
use super::tls::{Tls, is_http2_agreed};
use super::wire::Wire;
use super::write_watch::WriteWatch;

/// hyper's buffer for reading, and the largest request head.
const READ_BUFFER_BYTES: usize = 64 << 10;

/// What connections are served with.
#[derive(Clone)]
pub(crate) struct Shared {
    /// What answers.
    pub(crate) service: Arc<Service>,
    /// What bodies may take.
    pub(crate) budget: BodyBudget,
    /// Whose certificate is shown.
    pub(crate) tls: Arc<Tls>,
    /// Who may save and load state, and how often at once.
    pub(crate) state: StateAccess,
}

/// What the requests of one connection are answered with.
pub(super) struct Behind {
    pub(super) service: Arc<Service>,
    pub(super) budget: BodyBudget,
    /// Saving and loading state, if it is for the client.
    pub(super) state: Option<StateAccess>,
}

/// What the requests of one HTTP/1.1 connection share. It is counted for each connection, so that what each request counts
/// up and down stays in the caches of one core.
pub(super) struct Served {
    behind: Behind,
    pub(super) turns: Turns,
}

impl Served {
    /// For a connection that has had no request.
    pub(super) fn new(behind: Behind) -> Arc<Self> {
        Arc::new(Self { behind, turns: Turns::default() })
    }
}

/// Serves whatever a client speaks until it closes the connection, it stalls, or `stopping` turns true; then requests in
/// flight are finished first.
pub(crate) async fn serve(socket: TcpStream, shared: Shared, mut stopping: watch::Receiver<bool>) {
    // Nothing more is to be said to a client that is gone without a word, or when the server stops.
    let Some(Ok(opening)) = unless_stopped(pin!(peek(&socket)), &mut stopping).await else { return };
    let Shared { service, budget, tls, state } = shared;
    let behind = Behind { service, budget, state: state.for_peer(&socket) };
    if opening == Some(Opening::Http1) {
        serve_plain(socket, behind, stopping).await;
    } else if let Err(error) = Box::pin(serve_rarer(socket, opening, &tls, behind, stopping)).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Serves a connection within this process in HTTP/1.1.
pub(crate) async fn serve_http1<S>(
    stream: S,
    service: Arc<Service>,
    budget: BodyBudget,
    stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    serve_plain(stream, Behind { service, budget, state: None }, stopping).await;
}

async fn serve_plain<S>(stream: S, behind: Behind, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Err(error) = http1(WriteWatch::over(stream), behind, &mut stopping).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Serves what does not begin as HTTP/1.1 over plain TCP.
async fn serve_rarer(
    socket: TcpStream,
    opening: Option<Opening>,
    tls: &Tls,
    behind: Behind,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(opened) = unless_stopped(pin!(open(socket, opening, tls)), &mut stopping).await else {
        return Ok(());
    };
    match opened? {
        (Opening::Http2, stream) => http2::serve(stream, behind, &mut stopping).await?,
        (Opening::Http1 | Opening::Tls, stream) => http1(stream, behind, &mut stopping).await?,
    }
    Ok(())
}

/// Goes on from the first bytes of a connection to where its HTTP begins.
async fn open(
    socket: TcpStream,
    opening: Option<Opening>,
    tls: &Tls,
) -> io::Result<(Opening, Rewound<Wire>)> {
    match opening {
        Some(Opening::Tls) => {
            let arrived_at = socket.local_addr()?.ip();
            let stream = tls.accept(WriteWatch::over(socket), arrived_at).await?;
            let is_http2 = is_http2_agreed(&stream);
            let wire = Wire::Tls(Box::new(stream));
            // Clients that agree on nothing may still begin with the preface.
            if is_http2 { Ok((Opening::Http2, Rewound::unread(wire))) } else { Rewound::opened(wire).await }
        }
        Some(Opening::Http2) => Ok((Opening::Http2, Rewound::unread(Wire::Plain(WriteWatch::over(socket))))),
        Some(Opening::Http1) | None => Rewound::opened(Wire::Plain(WriteWatch::over(socket))).await,
    }
}

async fn http1<S>(stream: S, behind: Behind, stopping: &mut watch::Receiver<bool>) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let served = Served::new(behind);
    let stream = HeadWatch::over(stream, Arc::clone(&served));
    let answers = service_fn(move |request| {
        // Now, since hyper reads on before it polls what is returned.
        served.turns.begin();
        let served = Arc::clone(&served);
        async move {
            let answer = exchange::answer(request, &served.behind).await;
            Ok::<_, Infallible>(answer.map(|body| Answered::new(body, served)))
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(READ_BUFFER_BYTES)
        // hyper's time-out for heads would also cut idle connections that a client's pool means to use again.
        .header_read_timeout(None)
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

/// What the future gives, or `None` if the server stops first.
///
/// Does what `select!` would, but looks after the stop only when there is news of it: the future is a connection, which
/// wakes with every request.
pub(super) async fn unless_stopped<T>(
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
