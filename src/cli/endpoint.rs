//! The little of an HTTP/1.1 client that `shardmill snapshot` needs: one request, one answer, both as streams.

use std::io::{self, BufRead, BufReader, Read, Take, Write};
use std::net::TcpStream;

/// Bytes of the body of a request that are sent at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Bytes of a line of an answer's head, at most.
const LINE_BYTES_MAX: u64 = 16 << 10;

/// Where a server is.
pub(super) struct Endpoint {
    address: String,
}

/// An answer, its body still to be read.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: AnswerBody,
}

impl Endpoint {
    /// Reads `http://host:port`, the port 80 if it is left out.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn parse(url: &str) -> io::Result<Self> {
        let address = url.strip_prefix("http://").map(|address| address.trim_end_matches('/'));
        let address = address.filter(|address| !address.is_empty() && !address.contains('/'));
        let wrong =
            || io::Error::new(io::ErrorKind::InvalidInput, format!("{url:?} is not http://host:port"));
        let address = address.ok_or_else(wrong)?;
        let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self { address: if has_port { address.to_owned() } else { format!("{address}:80") } })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// There is no server, or none of HTTP.
    pub(super) fn get(&self, path: &str) -> io::Result<Answer> {
        let mut socket = self.connect()?;
        self.write_head(&mut socket, "GET", path, "")?;
        read_answer(socket)
    }

    /// Sends something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(super) fn put(&self, path: &str, body: impl Read) -> io::Result<Answer> {
        let mut socket = self.connect()?;
        self.write_head(&mut socket, "PUT", path, "Transfer-Encoding: chunked\r\n")?;
        let sent = send_chunks(&mut socket, body);
        // A server that refuses does not read to the end; what it says counts.
        match (read_answer(socket), sent) {
            (Err(_), Err(error)) => Err(error),
            (answer, _) => answer,
        }
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let named = |error| io::Error::other(format!("no server at {}: {error}", self.address));
        TcpStream::connect(&self.address).map_err(named)
    }

    fn write_head(&self, socket: &mut TcpStream, method: &str, path: &str, more: &str) -> io::Result<()> {
        let Self { address } = self;
        write!(socket, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n")
    }
}

fn send_chunks(socket: &mut TcpStream, mut body: impl Read) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = body.read(&mut chunk)?;
        write!(socket, "{read:x}\r\n")?;
        socket.write_all(&chunk[..read])?;
        socket.write_all(b"\r\n")?;
        if read == 0 {
            return Ok(());
        }
    }
}

fn read_answer(socket: TcpStream) -> io::Result<Answer> {
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, socket);
    let status_line = read_line(&mut reader)?;
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("what answers is no server of HTTP"))?;
    let (mut length, mut is_chunked) = (u64::MAX, false);
    loop {
        let line = read_line(&mut reader)?.to_ascii_lowercase();
        match line.split_once(':').map(|(name, value)| (name, value.trim())) {
            None => break,
            Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
            Some(("transfer-encoding", "chunked")) => is_chunked = true,
            Some(_) => {}
        }
    }
    let left = if is_chunked { 0 } else { length };
    Ok(Answer { status, body: AnswerBody { reader: reader.take(left), is_chunked, is_first: true } })
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    if line.pop() != Some('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches('\r').to_owned())
}

/// The body of an answer. One that ends too early is an error, not an end.
pub(super) struct AnswerBody {
    /// What is left of the body, or of the chunk.
    reader: Take<BufReader<TcpStream>>,
    is_chunked: bool,
    is_first: bool,
}

impl AnswerBody {
    /// Goes on to the next chunk; `false` if there is none.
    fn next_chunk(&mut self) -> io::Result<bool> {
        let reader = self.reader.get_mut();
        if !std::mem::replace(&mut self.is_first, false) {
            read_line(reader)?;
        }
        let line = read_line(reader)?;
        let length = u64::from_str_radix(&line, 16).map_err(io::Error::other)?;
        self.reader.set_limit(length);
        self.is_chunked = length > 0;
        Ok(length > 0)
    }
}

impl Read for AnswerBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.reader.limit() == 0 && self.is_chunked && !self.next_chunk()? {
            return Ok(0);
        }
        let read = self.reader.read(buffer)?;
        if read == 0 && !buffer.is_empty() && ![0, u64::MAX].contains(&self.reader.limit()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(read)
    }
}
