//! The server's state over HTTP: `GET /_shardmill/snapshot` saves it, as a stream; PUT or POST loads it.
//!
//! A thread of its own reads or writes, and its pieces pass through a short queue: whoever takes or sends them slowly
//! holds up that thread and nobody else. Answered to trusted clients only, not to those that a proxy speaks for, and to no
//! web page: a browser says where the page came from, or, of a page that claims to come from here, under which name it was
//! asked for. Not at all where signatures are required.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, FORWARDED, HOST, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};
use std::future::poll_fn;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::document::Value;
use crate::operation::Service;
use crate::persist::keeper::be_nice;
use crate::persist::{self, Format, Pace, PersistError, Putting, State, Totals};
use crate::protocol::json;

use super::connection::Behind;
use super::reply_body::{ReplyBody, StateBody};
use super::window::WINDOW_BYTES;

/// Where it is.
pub(super) const PATH: &str = "/_shardmill/snapshot";

/// Bytes of a piece of what is saved.
const PIECE_BYTES: usize = 64 << 10;

/// Pieces that wait.
const PIECES_MAX: usize = 4;

/// How long a client may take for the next piece of what is to be loaded.
const PIECE_WITHIN: Duration = Duration::from_secs(30);

/// Saves and loads at once, at most: each has a thread and reads all there is.
const TURNS: usize = 2;

/// Who may save and load the state of a server, and the turns in which that is done.
#[derive(Clone)]
pub(crate) struct StateAccess {
    is_open_to_all: bool,
    turns: Arc<Semaphore>,
}

impl StateAccess {
    /// For everybody, or for clients on the same machine.
    pub(crate) fn new(is_open_to_all: bool) -> Self {
        Self { is_open_to_all, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// The same, if it is for the client of this connection.
    pub(super) fn for_peer(self, socket: &TcpStream) -> Option<Self> {
        let is_here = || socket.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        (self.is_open_to_all || is_here()).then_some(self)
    }

    /// Whether the host that a request names is ours. A page of the web may have the name of its own host lead to this
    /// machine, and then counts as one of ours; but not under an address, nor under a name without a dot.
    fn is_own_host_named(&self, request: &Request<Incoming>) -> bool {
        let fields = request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or("."));
        let authority = request.uri().authority().map(Authority::as_str);
        self.is_open_to_all || fields.chain(authority).all(is_own_host)
    }

    /// Whether a proxy passes a request on. One on this machine makes every client look like one of this machine.
    fn is_on_behalf_of_others(&self, request: &Request<Incoming>) -> bool {
        let fields = request.headers();
        !self.is_open_to_all && (fields.contains_key(FORWARDED) || fields.contains_key("x-forwarded-for"))
    }
}

/// Whether nobody on the web can have this name: `localhost:4566`, `[::1]`.
fn is_own_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_matches(['[', ']']);
    !name.contains(['.', ':']) || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

/// A refusal or the end of a load: a status, and what is told.
type Told = (StatusCode, Value<'static>);

/// Answers a request for that path.
pub(super) async fn answer(request: Request<Incoming>, behind: &Behind) -> Response<ReplyBody> {
    let is_whole = request.method() == Method::GET;
    let (status, value) = match begin(&request, behind) {
        Err(refused) => refused,
        Ok((turn, Asked { format, replaces })) => {
            let service = Arc::clone(&behind.service);
            if is_whole {
                match save(service, format, turn) {
                    Ok(pieces) => return saved(pieces, format),
                    Err(error) => message(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
                }
            } else {
                load(service, request.into_body(), Putting { replaces, goes_on: false }, turn).await
            }
        }
    };
    let mut body = Vec::new();
    json::write(&value, &mut body);
    let mut response = Response::new(ReplyBody::whole(body, WINDOW_BYTES));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !is_whole && status != StatusCode::OK {
        // What is left of the body is not worth reading.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What the query asks for.
struct Asked {
    format: Format,
    replaces: bool,
}

/// Whether it may begin, and what is wanted.
fn begin(request: &Request<Incoming>, behind: &Behind) -> Result<(OwnedSemaphorePermit, Asked), Told> {
    let Some(access) = &behind.state else {
        let why = "state is saved and loaded for clients on the same machine; see --snapshot-peers";
        return Err(message(StatusCode::FORBIDDEN, why));
    };
    if behind.service.credentials.is_some() {
        // State is that of all accounts, and a request for it is nobody's.
        let why = "where signatures are required, state is kept in files (--persistence), not sent";
        return Err(message(StatusCode::FORBIDDEN, why));
    }
    if !access.is_own_host_named(request) {
        let why = "state is saved and loaded under localhost or an address only; see --snapshot-peers";
        return Err(message(StatusCode::FORBIDDEN, why));
    }
    if access.is_on_behalf_of_others(request) {
        let why = "state is not saved or loaded through a proxy, which may speak for any client; see --snapshot-peers";
        return Err(message(StatusCode::FORBIDDEN, why));
    }
    if request.headers().contains_key(ORIGIN) {
        return Err(message(StatusCode::FORBIDDEN, "state is not saved or loaded for web pages"));
    }
    if ![Method::GET, Method::PUT, Method::POST].contains(request.method()) {
        return Err(message(StatusCode::METHOD_NOT_ALLOWED, "GET saves; PUT or POST loads"));
    }
    let mut asked = Asked { format: Format::Snapshot, replaces: false };
    for part in request.uri().query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("format", name)) if Format::parse(name).is_some() => {
                asked.format = Format::parse(name).unwrap_or(Format::Snapshot);
            }
            Some(("replace", "true")) => asked.replaces = true,
            Some(("replace", "false")) => asked.replaces = false,
            _ => {
                let why = format!("{part:?} is none of format=snapshot, format=kinesis-mock, replace=true");
                return Err(message(StatusCode::BAD_REQUEST, &why));
            }
        }
    }
    let busy = |_| message(StatusCode::SERVICE_UNAVAILABLE, "others are saving or loading state");
    Ok((Arc::clone(&access.turns).try_acquire_owned().map_err(busy)?, asked))
}

fn message(status: StatusCode, text: &str) -> Told {
    (status, Value::structure([("message", Value::string(text.to_owned()))]))
}

fn saved(pieces: StateBody, format: Format) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::State(pieces));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

/// Has a thread write what there is.
fn save(service: Arc<Service>, format: Format, turn: OwnedSemaphorePermit) -> io::Result<StateBody> {
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    std::thread::Builder::new().name("save".to_owned()).spawn(move || {
        be_nice();
        let state = State::take(&service);
        let mut out = Pieces { sender, piece: Vec::with_capacity(PIECE_BYTES) };
        let written = persist::write(&state, format, &mut out, &mut Pace::free());
        if let Err(error) = written.and_then(|_| Ok(out.flush()?)) {
            tracing::warn!(%error, "state was not saved to the end");
            // If the client is gone too, nobody needs to be told.
            let _ = out.sender.blocking_send(Err(io::Error::other(error.to_string())));
        }
        // Whoever has been told that this one has ended finds a turn. The thread itself may wait long for its last moment.
        drop(turn);
        drop(out);
    })?;
    Ok(pieces)
}

/// Where what is saved is cut into pieces.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(piece.into())).map_err(gone)
    }
}

/// Has a thread load what comes.
async fn load(service: Arc<Service>, body: Incoming, putting: Putting, turn: OwnedSemaphorePermit) -> Told {
    let (pieces, received) = mpsc::channel(PIECES_MAX);
    let (done, loaded) = oneshot::channel();
    let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
        be_nice();
        let input = Received { pieces: received, piece: Bytes::new() };
        let loaded = persist::load(&service, input, putting);
        drop(turn);
        // The client may be gone.
        let _ = done.send(loaded);
    });
    if let Err(error) = thread {
        return message(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
    }
    pass_on(body, pieces).await;
    match loaded.await {
        Ok(Ok(totals)) => (StatusCode::OK, totals_value(totals)),
        Ok(Err(error)) => message(status_of(&error), &error.to_string()),
        Err(_) => message(StatusCode::INTERNAL_SERVER_ERROR, "loading has failed"),
    }
}

/// Passes a body on until it ends, it breaks, or nobody wants more of it.
async fn pass_on(mut body: Incoming, pieces: mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let piece = match tokio::time::timeout(PIECE_WITHIN, frame).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Ok(data),
                Err(_) => continue,
            },
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let is_last = piece.is_err();
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// A body as it is read by a thread.
struct Received {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(self.piece.len().min(buffer.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

fn totals_value(totals: Totals) -> Value<'static> {
    let count = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    Value::structure([
        ("streams", count(totals.streams)),
        ("shards", count(totals.shards)),
        ("records", count(totals.records)),
        ("record_bytes", count(totals.record_bytes)),
    ])
}

const fn status_of(error: &PersistError) -> StatusCode {
    match error {
        PersistError::Load(_) => StatusCode::CONFLICT,
        PersistError::Memory { .. } => StatusCode::INSUFFICIENT_STORAGE,
        PersistError::Damaged { .. } | PersistError::Version { .. } | PersistError::Io(_) => {
            StatusCode::BAD_REQUEST
        }
        PersistError::Late | PersistError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_host;

    /// Protects: a page of the web cannot have the server take it for its own by having its name lead here.
    #[test]
    fn hosts_of_the_web_are_not_ours() {
        for own in [
            "localhost",
            "localhost:4566",
            "127.0.0.1:1",
            "[::1]:4566",
            "[::1]",
            "a.localhost:80",
            "box:4566",
        ] {
            assert!(is_own_host(own), "{own}");
        }
        for other in
            ["example.com", "example.com:4566", "localhost.example.com", "127.0.0.1.nip.io:80", ".", "::1:x"]
        {
            assert!(!is_own_host(other), "{other}");
        }
    }
}
