//! The wire as a client sees it: HTTP/1.1 on one kept-alive connection, one request at a time, and readers for the
//! answers. Written by hand so that the client costs little beside the server it loads, and shares nothing with it.

pub mod answers;
pub mod base64;
pub mod multiplexed;
pub mod request;
pub mod scan;
pub mod shards;
pub mod subscription;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer to one request; borrowed from the connection until the next call.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status code.
    pub status: u16,
    /// The whole body.
    pub body: &'a [u8],
}

/// One kept-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// The answer being read; its capacity is kept from call to call.
    inbox: Vec<u8>,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum WireError {
    /// The connection failed or was closed in the middle.
    Io(io::Error),
    /// What came is not an HTTP answer that this client understands.
    Malformed(&'static str),
    /// Nothing complete came in time.
    Silent(Duration),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection lost: {error}"),
            Self::Malformed(what) => write!(f, "not an HTTP answer: {what}"),
            Self::Silent(waited) => write!(f, "no answer within {} s", waited.as_secs()),
        }
    }
}

impl std::error::Error for WireError {}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Connection {
    /// Connects. A call that takes longer than `patience` is given up, which ends the connection's use.
    ///
    /// # Errors
    /// Nothing listens at `address`.
    pub async fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // A request is one write; waiting to fill a segment would only add latency.
        stream.set_nodelay(true)?;
        Ok(Self { stream, inbox: Vec::with_capacity(64 * 1024), patience })
    }

    /// Sends one whole request and reads its whole answer.
    ///
    /// # Errors
    /// See [`WireError`]; the connection is of no further use after one.
    pub async fn call(&mut self, request: &[u8]) -> Result<Answer<'_>, WireError> {
        let patience = self.patience;
        let (head, status) = timeout(patience, self.exchange(request))
            .await
            .map_err(|_elapsed| WireError::Silent(patience))??;
        Ok(Answer { status, body: &self.inbox[head..] })
    }

    /// Returns the head's length and the status; the inbox then holds exactly head and body.
    async fn exchange(&mut self, request: &[u8]) -> Result<(usize, u16), WireError> {
        self.stream.write_all(request).await?;
        self.inbox.clear();
        let head_bytes = self.read_head().await?;
        let head = Head::parse(&self.inbox[..head_bytes])?;
        let whole = head_bytes + head.body_bytes;
        // Room for all of it at once: the reads below then never grow the buffer by doubling.
        self.inbox.reserve(whole.saturating_sub(self.inbox.len()));
        while self.inbox.len() < whole {
            self.read_some().await?;
        }
        if self.inbox.len() > whole {
            return Err(WireError::Malformed("bytes after the answer that nobody asked for"));
        }
        Ok((head_bytes, head.status))
    }

    async fn read_head(&mut self) -> Result<usize, WireError> {
        const HEAD_BYTES_MAX: usize = 16 * 1024;
        let mut searched = 0usize;
        loop {
            self.read_some().await?;
            let from = searched.saturating_sub(3);
            if let Some(place) = self.inbox[from..].windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(from + place + 4);
            }
            searched = self.inbox.len();
            if searched > HEAD_BYTES_MAX {
                return Err(WireError::Malformed("no end of the head"));
            }
        }
    }

    async fn read_some(&mut self) -> Result<(), WireError> {
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            return Err(WireError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }
}

/// The two things this client needs from an answer's head.
struct Head {
    status: u16,
    body_bytes: usize,
}

impl Head {
    fn parse(head: &[u8]) -> Result<Self, WireError> {
        let (status, fields) = status_and_fields(head)?;
        let body_bytes = field(fields, "content-length")
            .and_then(|value| value.parse().ok())
            .ok_or(WireError::Malformed("no Content-Length"))?;
        Ok(Self { status, body_bytes })
    }
}

/// The status of an answer, and its fields.
fn status_and_fields(head: &[u8]) -> Result<(u16, &str), WireError> {
    let head = std::str::from_utf8(head).map_err(|_utf8| WireError::Malformed("a head that is not text"))?;
    let (line, fields) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or(WireError::Malformed("a status line of HTTP/1.1"))?;
    Ok((status, fields))
}

fn field<'a>(fields: &'a str, wanted: &str) -> Option<&'a str> {
    let mut fields = fields.split("\r\n").filter_map(|line| line.split_once(':'));
    fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Serves `answer` in pieces of `piece` bytes to one request per call of the client.
    async fn serve(answer: &'static [u8], piece: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 64];
            while stream.read(&mut request).await.unwrap() > 0 {
                for part in answer.chunks(piece) {
                    stream.write_all(part).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        address
    }

    async fn called(answer: &'static [u8], piece: usize) -> Result<(u16, Vec<u8>), WireError> {
        let mut connection = Connection::open(serve(answer, piece).await, Duration::from_secs(5)).await?;
        connection.call(b"POST").await?;
        let answer = connection.call(b"POST").await?;
        Ok((answer.status, answer.body.to_vec()))
    }

    /// An answer may arrive cut anywhere, also in the middle of the blank line, and the connection serves again.
    #[tokio::test]
    async fn answers_arrive_in_pieces() {
        for piece in [1, 2, 3, 7, 1000] {
            let (status, body) =
                called(b"HTTP/1.1 400 Bad Request\r\ncontent-LENGTH:  5\r\nx: y\r\n\r\nhello", piece)
                    .await
                    .unwrap();
            assert_eq!((status, &body[..]), (400, &b"hello"[..]));
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_length_is_refused() {
        let answer = called(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 100).await;
        assert!(matches!(answer, Err(WireError::Malformed("no Content-Length"))));
        let answer = called(b"SSH-2.0\r\n\r\n", 100).await;
        assert!(matches!(answer, Err(WireError::Malformed(_))));
    }

    #[tokio::test]
    async fn silence_ends_a_call() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = Connection::open(address, Duration::from_millis(20)).await.unwrap();
        assert!(matches!(connection.call(b"POST").await, Err(WireError::Silent(_))));
    }
}
