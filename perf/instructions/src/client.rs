//! The other end of the connection: sends a request whole, takes the answer whole.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Which answers are good: the status line of every one of them.
const GOOD: &[u8] = b"HTTP/1.1 200 ";

/// Where a head ends.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One connection.
pub(crate) struct Client {
    stream: DuplexStream,
    answer: Vec<u8>,
}

impl Client {
    /// Speaks over this end.
    pub(crate) const fn new(stream: DuplexStream) -> Self {
        Self { stream, answer: Vec::new() }
    }

    /// Sends a request and gives back the body of its answer.
    ///
    /// # Errors
    /// Any answer but a good one.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let body = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head_bytes) = find(&self.answer, HEAD_END) {
                break head_bytes + HEAD_END.len();
            }
        };
        if !self.answer.starts_with(GOOD) {
            let answer = String::from_utf8_lossy(&self.answer).into_owned();
            return Err(io::Error::other(format!("the service answered {answer}")));
        }
        let body_bytes = body_bytes(&self.answer[..body])
            .ok_or_else(|| io::Error::other("the service's answer has no Content-Length"))?;
        while self.answer.len() < body + body_bytes {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(&self.answer[body..])
    }
}

fn body_bytes(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let field = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    })?;
    field.trim().parse().ok()
}

/// Where `part` first occurs.
pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
