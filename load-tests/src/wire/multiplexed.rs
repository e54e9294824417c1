//! One HTTP/2 connection with many answers at once, each read at a pace of its own: flow control holds up the one that is
//! not read, and no other.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use tokio::net::TcpStream;

use super::WireError;
use super::request::Request;
use super::subscription::{Message, take_message};

/// Bytes of an answer that may come before they are read.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// A connection.
#[derive(Debug)]
pub struct Multiplexed {
    requests: SendRequest<Bytes>,
}

/// An answer of AWS's event stream that goes on.
#[derive(Debug)]
pub struct Events {
    stream: RecvStream,
    /// What has come and is no message yet.
    body: Vec<u8>,
}

impl Multiplexed {
    /// Connects, by prior knowledge. The connection's window is that of so many answers together.
    ///
    /// # Errors
    /// Nothing listens there, or nothing that speaks HTTP/2.
    pub async fn open(address: SocketAddr, answers: u32) -> Result<Self, WireError> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(answers.saturating_mul(STREAM_WINDOW_BYTES));
        let (requests, connection) = builder.handshake(socket).await.map_err(failed)?;
        // It ends with the server or with the last handle of it.
        tokio::spawn(connection);
        Ok(Self { requests })
    }

    /// Asks for events.
    ///
    /// # Errors
    /// See [`WireError`]; an answer other than 200 is malformed.
    pub async fn subscribe(&mut self, request: &Request) -> Result<Events, WireError> {
        let malformed = || WireError::Malformed("a request");
        let text = std::str::from_utf8(request.bytes()).map_err(|_utf8| malformed())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(malformed)?;
        let mut builder = http::Request::post("http://localhost/");
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            if name != "Host" {
                builder = builder.header(name, value);
            }
        }
        let head = builder.body(()).map_err(|_field| malformed())?;
        let mut requests = self.requests.clone().ready().await.map_err(failed)?;
        let (answer, mut sending) = requests.send_request(head, false).map_err(failed)?;
        sending.send_data(Bytes::copy_from_slice(body.as_bytes()), true).map_err(failed)?;
        let answer = answer.await.map_err(failed)?;
        if answer.status() != 200 {
            return Err(WireError::Malformed("a subscription that was refused"));
        }
        Ok(Events { stream: answer.into_body(), body: Vec::new() })
    }
}

impl Events {
    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// See [`WireError`].
    pub async fn next(&mut self) -> Result<Option<Message>, WireError> {
        loop {
            if let Some(message) = take_message(&mut self.body)? {
                return Ok(Some(message));
            }
            match self.stream.data().await {
                None if self.body.is_empty() => return Ok(None),
                None => return Err(WireError::Malformed("an end in the middle of a message")),
                Some(part) => {
                    let part = part.map_err(failed)?;
                    self.body.extend_from_slice(&part);
                    self.stream.flow_control().release_capacity(part.len()).map_err(failed)?;
                }
            }
        }
    }
}

fn failed(error: h2::Error) -> WireError {
    WireError::Io(io::Error::other(error))
}
