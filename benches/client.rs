//! A tiny blocking client on one kept-alive connection, of HTTP/1.1, plain or within TLS, or of HTTP/2. It expects success
//! and panics at anything else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use shardmill::protocol::codec::Codec;
use tokio::runtime::Runtime;

/// An answer that takes longer than this ends the bench.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// Bytes that a server may send over HTTP/2 before it is told to go on: more than any answer of a bench.
const WINDOW_BYTES: u32 = 64 << 20;

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP/1.1.
    Plain,
    /// HTTP/1.1 within TLS.
    Tls,
    /// HTTP/2, known beforehand.
    Http2,
}

/// A request that is sent many times.
pub(crate) struct Request {
    codec: Codec,
    operation: &'static str,
    body: Bytes,
    /// All of it in HTTP/1.1.
    http1: Vec<u8>,
}

impl Request {
    /// With the head that an SDK sends; nobody checks the signature.
    pub(crate) fn new(codec: Codec, operation: &'static str, body: &[u8]) -> Self {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
             X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: {DATE}\r\n\
             Authorization: {AUTHORIZATION}\r\nContent-Length: {}\r\n\r\n",
            codec.content_type(),
            body.len()
        );
        let http1 = [head.as_bytes(), body].concat();
        Self { codec, operation, body: Bytes::copy_from_slice(body), http1 }
    }

    /// Bytes of head and body in HTTP/1.1.
    pub(crate) const fn bytes(&self) -> usize {
        self.http1.len()
    }

    fn http2_head(&self) -> http::Request<()> {
        let request = http::Request::post("http://localhost/")
            .header("content-type", self.codec.content_type())
            .header("x-amz-target", format!("Kinesis_20131202.{}", self.operation))
            .header("x-amz-date", DATE)
            .header("authorization", AUTHORIZATION)
            .header("content-length", self.body.len());
        request.body(()).expect("a request")
    }
}

const DATE: &str = "20231114T221320Z";
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=abcdef";

/// One connection.
pub(crate) enum Client {
    Plain(Http1<TcpStream>),
    Tls(Box<Http1<StreamOwned<ClientConnection, TcpStream>>>),
    Http2(Http2),
}

impl Client {
    /// `ca` is what to trust, in PEM, where TLS is spoken.
    pub(crate) fn connect(wire: Wire, address: SocketAddr, ca: &[u8]) -> Self {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("a socket of ours");
        socket.set_read_timeout(Some(ANSWER_WAIT)).expect("a socket of ours");
        match wire {
            Wire::Plain => Self::Plain(Http1::over(socket)),
            Wire::Tls => Self::Tls(Box::new(Http1::over(within_tls(socket, ca)))),
            Wire::Http2 => Self::Http2(Http2::over(socket)),
        }
    }

    /// Sends a request and returns the body of its answer, which must be a 200.
    pub(crate) fn call(&mut self, request: &Request) -> &[u8] {
        match self {
            Self::Plain(client) => client.call(&request.http1),
            Self::Tls(client) => client.call(&request.http1),
            Self::Http2(client) => client.call(request),
        }
    }

    /// The answer to one operation.
    pub(crate) fn operation(&mut self, operation: &'static str, body: &str) -> &[u8] {
        self.call(&Request::new(Codec::Json, operation, body.as_bytes()))
    }
}

/// What the server says of its health.
pub(crate) fn health(address: SocketAddr) -> String {
    let Client::Plain(mut client) = Client::connect(Wire::Plain, address, b"") else { unreachable!() };
    let answer = client.call(b"GET /_shardmill/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    String::from_utf8_lossy(answer).into_owned()
}

fn within_tls(socket: TcpStream, ca: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca).expect("a CA")).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a connection"), socket)
}

/// HTTP/1.1 over anything.
pub(crate) struct Http1<S> {
    stream: S,
    /// The answer being read: its head, then its body.
    inbox: Vec<u8>,
}

impl<S: Read + Write> Http1<S> {
    const fn over(stream: S) -> Self {
        Self { stream, inbox: Vec::new() }
    }

    fn call(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("the server reads");
        self.stream.flush().expect("the server reads");
        self.inbox.resize(64 << 10, 0);
        let mut filled = 0;
        let head_bytes = loop {
            let read = self.stream.read(&mut self.inbox[filled..]).expect("an answer in time");
            assert!(read > 0, "the connection was closed, or its head is too long");
            filled += read;
            let end = self.inbox[..filled].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.inbox[..head_bytes]).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.inbox[..filled]));
        let whole = head_bytes + content_length(&head);
        self.inbox.resize(whole.max(filled), 0);
        self.stream.read_exact(&mut self.inbox[filled..]).expect("a whole answer in time");
        assert_eq!(self.inbox.len(), whole, "more came than was announced");
        &self.inbox[head_bytes..]
    }
}

fn content_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|(_, value)| value.trim().parse().ok());
    length.expect("an answer of known length")
}

/// HTTP/2, driven while a call waits.
pub(crate) struct Http2 {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
    /// The body of the last answer.
    inbox: Vec<u8>,
}

impl Http2 {
    fn over(socket: TcpStream) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let requests = runtime.block_on(async {
            socket.set_nonblocking(true).expect("a socket of ours");
            let socket = tokio::net::TcpStream::from_std(socket).expect("a socket of ours");
            let mut builder = h2::client::Builder::new();
            builder.initial_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
            let (requests, connection) = builder.handshake(socket).await.expect("HTTP/2");
            tokio::spawn(connection);
            requests
        });
        Self { runtime, requests, inbox: Vec::new() }
    }

    fn call(&mut self, request: &Request) -> &[u8] {
        let Self { runtime, requests, inbox } = self;
        inbox.clear();
        let answered = async {
            *requests = requests.clone().ready().await.expect("a stream");
            let (response, mut body) = requests.send_request(request.http2_head(), false).expect("a stream");
            body.send_data(request.body.clone(), true).expect("a stream");
            let response = response.await.expect("an answer");
            let (status, mut body) = (response.status(), response.into_body());
            while let Some(piece) = body.data().await {
                let piece = piece.expect("a whole answer");
                body.flow_control().release_capacity(piece.len()).expect("a stream");
                inbox.extend_from_slice(&piece);
            }
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(inbox));
        };
        runtime
            .block_on(async { tokio::time::timeout(ANSWER_WAIT, answered).await })
            .expect("an answer in time");
        inbox
    }
}
