//! A tiny blocking HTTP/1.1 client on one kept-alive connection. It expects success and panics at anything else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use shardmill::protocol::codec::Codec;

/// An answer that takes longer than this ends the bench.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    socket: TcpStream,
    /// The answer being read: its head, then its body.
    inbox: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("a socket of ours");
        socket.set_read_timeout(Some(ANSWER_WAIT)).expect("a socket of ours");
        Self { socket, inbox: Vec::new() }
    }

    /// Sends a whole request and returns the body of its answer, which must be a 200.
    pub(crate) fn call(&mut self, request: &[u8]) -> &[u8] {
        self.socket.write_all(request).expect("the server reads");
        self.inbox.resize(64 << 10, 0);
        let mut filled = 0;
        let head_bytes = loop {
            let read = self.socket.read(&mut self.inbox[filled..]).expect("an answer in time");
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
        self.socket.read_exact(&mut self.inbox[filled..]).expect("a whole answer in time");
        assert_eq!(self.inbox.len(), whole, "more came than was announced");
        &self.inbox[head_bytes..]
    }

    /// The answer to one operation.
    pub(crate) fn operation(&mut self, operation: &str, body: &str) -> &[u8] {
        self.call(&request(Codec::Json, operation, body.as_bytes()))
    }
}

/// The bytes of a request, with the head that an SDK sends; nobody checks the signature.
pub(crate) fn request(codec: Codec, operation: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: 20231114T221320Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=abcdef\r\nContent-Length: {}\r\n\r\n",
        codec.content_type(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn content_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|(_, value)| value.trim().parse().ok());
    length.expect("an answer of known length")
}
