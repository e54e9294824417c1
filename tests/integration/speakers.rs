//! Clients that speak HTTP/2, TLS, or both.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{ANSWER_WAIT, Connection, socket};
use crate::setup::{JSON, SIGNED};

/// One HTTP/2 connection, driven by the runtime of its test.
#[derive(Clone)]
pub(crate) struct Http2 {
    requests: SendRequest<Bytes>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Http2Answer {
    pub(crate) head: Response<()>,
    pub(crate) body: Vec<u8>,
}

impl Http2 {
    /// By prior knowledge, over plain TCP.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("the server listens");
        socket.set_nodelay(true).unwrap();
        Self::over(socket).await
    }

    /// Over something else.
    pub(crate) async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // No more than one answer is read ahead; and until the server has said how many streams it allows, they are no more
        // than any server does: it would refuse the others.
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 20).initial_connection_window_size(16 << 20);
        builder.initial_max_send_streams(100);
        let (requests, connection) = within(builder.handshake(stream)).await.expect("an HTTP/2 connection");
        tokio::spawn(async move {
            // A server that stops, or a test that ends, ends it.
            let _ = connection.await;
        });
        Self { requests }
    }

    /// Waits for room for a stream: for as long as those that have one take, each of which is waited for with patience.
    async fn room(&self) -> SendRequest<Bytes> {
        self.requests.clone().ready().await.expect("room for a stream")
    }

    /// Begins a request for an operation. The body's length is declared unless it is `None`.
    pub(crate) async fn begin(
        &self,
        operation: &str,
        body_bytes: Option<usize>,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        self.send(head(operation, body_bytes)).await
    }

    /// Sends the head of any request.
    pub(crate) async fn send(&self, head: Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
        let mut requests = self.room().await;
        requests.send_request(head, false).expect("a stream")
    }

    /// The answer to a GET.
    pub(crate) async fn get(&self, path: &str) -> Http2Answer {
        let head = Request::get(format!("http://localhost{path}")).body(()).unwrap();
        let mut requests = self.room().await;
        whole(requests.send_request(head, true).expect("a stream").0).await
    }

    /// The answer to one operation.
    pub(crate) async fn call(&self, operation: &str, input: &Value) -> Http2Answer {
        self.post(operation, input.to_string().into()).await
    }

    /// The answer to a body.
    pub(crate) async fn post(&self, operation: &str, body: Bytes) -> Http2Answer {
        let (answer, mut stream) = self.begin(operation, Some(body.len())).await;
        // A stream that was refused meanwhile takes no more; its answer says why.
        let _ = stream.send_data(body, true);
        whole(answer).await
    }
}

/// The head of a signed request for an operation.
pub(crate) fn head(operation: &str, body_bytes: Option<usize>) -> Request<()> {
    let mut head = Request::post("http://localhost/")
        .header("content-type", JSON)
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"));
    for (name, value) in SIGNED {
        head = head.header(name, value);
    }
    if let Some(bytes) = body_bytes {
        head = head.header("content-length", bytes);
    }
    head.body(()).unwrap()
}

/// Reads an answer to its end, at any speed.
pub(crate) async fn whole(answer: ResponseFuture) -> Http2Answer {
    let (head, mut stream) = begun(answer).await;
    let mut body = Vec::new();
    while let Some(part) = within(stream.data()).await {
        let part = part.expect("a whole body");
        body.extend_from_slice(&part);
        stream.flow_control().release_capacity(part.len()).unwrap();
    }
    Http2Answer { head, body }
}

/// An answer of which only the head was read.
pub(crate) async fn begun(answer: ResponseFuture) -> (Response<()>, RecvStream) {
    let (head, stream) = within(answer).await.expect("an answer").into_parts();
    (Response::from_parts(head, ()), stream)
}

/// What a future gives, if it does not take for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let patience: Duration = 3 * ANSWER_WAIT;
    tokio::time::timeout(patience, future).await.expect("an end")
}

impl Http2Answer {
    /// Status and body together.
    pub(crate) fn both(&self) -> (u16, &str) {
        (self.head.status().as_u16(), std::str::from_utf8(&self.body).expect("a body of text"))
    }

    /// The body as a JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// A client of TLS that trusts one CA.
#[derive(Clone)]
pub(crate) struct Tls {
    config: ClientConfig,
}

impl Tls {
    /// Trusts the CA in this PEM, and offers no protocol.
    pub(crate) fn trusting(ca_pem: &[u8]) -> Self {
        Self::speaking(ca_pem, rustls::ALL_VERSIONS)
    }

    /// As [`Self::trusting`], in these versions only.
    pub(crate) fn speaking(ca_pem: &[u8], versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem) {
            roots.add(certificate.expect("a certificate")).expect("a CA");
        }
        assert_eq!(roots.len(), 1, "{}", String::from_utf8_lossy(ca_pem));
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config }
    }

    /// Offers these protocols.
    pub(crate) fn offering(mut self, protocols: &[&str]) -> Self {
        self.config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// Shakes hands with whoever listens there, as a client that means to speak to `name`.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(address).await.expect("the server listens");
        let name = ServerName::try_from(name.to_owned()).unwrap();
        within(TlsConnector::from(Arc::new(self.config.clone())).connect(name, socket)).await
    }

    /// A connection in HTTP/1.1.
    pub(crate) fn http1(&self, address: SocketAddr, name: &str) -> Connection {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = ClientConnection::new(Arc::new(self.config.clone()), name).unwrap();
        Connection::over(StreamOwned::new(tls, socket(address)))
    }
}
