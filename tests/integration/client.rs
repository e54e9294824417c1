//! A tiny HTTP/1.1 client: bytes out, one answer at a time back in. It checks nothing that a test should check.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer that takes longer than this fails its test.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// One connection to a server.
pub(crate) struct Connection {
    reader: BufReader<Box<dyn Socket>>,
}

/// What carries a connection.
pub(crate) trait Socket: Read + Write + Send {}

impl<S: Read + Write + Send> Socket for S {}

/// One answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order they came.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(socket(address))
    }

    /// A connection over something else than a bare socket.
    pub(crate) fn over(socket: impl Socket + 'static) -> Self {
        Self { reader: BufReader::new(Box::new(socket)) }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server reads");
    }

    /// Sends bytes to a server that may have stopped reading.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.begin_answer();
        if answer.status >= 200 {
            let length = answer.header("content-length").expect("an answer of known length").parse().unwrap();
            answer.body = vec![0; length];
            self.reader.read_exact(&mut answer.body).expect("a whole body");
        }
        answer
    }

    /// The next chunk of a body that comes in chunks; none is its end.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a chunk");
        let length = line.strip_suffix("\r\n").and_then(|length| usize::from_str_radix(length, 16).ok());
        let length = length.unwrap_or_else(|| panic!("not the length of a chunk: {line:?}"));
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).expect("a whole chunk");
        assert_eq!(chunk.split_off(length), b"\r\n");
        (length > 0).then_some(chunk)
    }

    /// The head of the next answer.
    pub(crate) fn begin_answer(&mut self) -> Answer {
        let head = self.head();
        let (status_line, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {status_line:?}"));
        let headers: Vec<_> = fields
            .lines()
            .map(|line| line.split_once(':').unwrap_or_else(|| panic!("not a field: {line:?}")))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        Answer { status, headers, body: Vec::new() }
    }

    /// Waits until the next answer has begun to come.
    pub(crate) fn await_first_byte(&mut self) {
        assert!(!self.reader.fill_buf().expect("an answer").is_empty());
    }

    /// Whether the server has closed its side, with nothing left to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        // A reset is an end as well.
        self.reader.fill_buf().map_or_else(|error| !is_timeout(&error), <[u8]>::is_empty)
    }

    /// Leaves out what the server has sent so far, which is no answer; never says that it is enough.
    pub(crate) fn skip_byte(&mut self) -> bool {
        let skipped = self.reader.buffer().len();
        self.reader.consume(skipped);
        false
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.reader.read_until(b'\n', &mut head).expect("an answer");
            assert!(read > 0, "the connection ended after {:?}", String::from_utf8_lossy(&head));
        }
        head.truncate(head.len() - 4);
        String::from_utf8(head).unwrap()
    }
}

impl Answer {
    /// The value of a field, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    /// The body as a JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Status and body together, for one assertion over both.
    pub(crate) fn both(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}

/// A socket that does not wait for ever.
pub(crate) fn socket(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server listens");
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(ANSWER_WAIT)).unwrap();
    socket.set_write_timeout(Some(ANSWER_WAIT)).unwrap();
    socket
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// A request: its line, its fields, and a body of declared length if there is one.
pub(crate) fn request(line: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || line.starts_with("POST") {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}
