//! What a connection speaks, by its first bytes.
//!
//! One port takes HTTP/1.1, HTTP/2 by prior knowledge, and TLS with either inside (reference 1.7). This is decided once
//! for each connection. Over plain TCP the bytes are only looked at, so that HTTP/1.1 is then read from the socket
//! itself; within TLS, and from a client that sends its first bytes one by one, they are read and put back
//! ([`Rewound`]).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PREFACE_BYTES: usize = 24;

/// The first byte of a TLS connection: a record with part of the handshake. No HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// How long a client that has begun may take until it is known what it speaks. One that has not begun may wait, as in
/// the pools of connections that clients keep.
const DECIDED_WITHIN: Duration = Duration::from_secs(10);

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// TLS; what is inside is still to be seen.
    Tls,
    /// HTTP/2 from its preface on.
    Http2,
    /// HTTP/1.1, or nothing known, which is answered in HTTP/1.1.
    Http1,
}

impl Opening {
    /// What begins with these bytes; `None` if that depends on the next ones.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [TLS_HANDSHAKE, ..] => Some(Self::Tls),
            _ => Self::of_http(bytes),
        }
    }

    /// As [`Self::of`], where TLS cannot be.
    fn of_http(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(PREFACE) {
            Some(Self::Http2)
        } else if PREFACE.starts_with(bytes) {
            None
        } else {
            Some(Self::Http1)
        }
    }
}

/// Looks at the first bytes of a socket, and leaves them there. `None`: they are the start of a preface, and no more.
///
/// # Errors
/// The client closed the connection without a word, or broke it.
pub(super) async fn peek(socket: &TcpStream) -> io::Result<Option<Opening>> {
    let mut bytes = [0; PREFACE_BYTES];
    match socket.peek(&mut bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(Opening::of(&bytes[..count])),
    }
}

/// A stream whose first bytes may have been read already.
pub(super) struct Rewound<S> {
    first: [u8; PREFACE_BYTES],
    /// Of these, those that were given out again.
    given: usize,
    /// Of these, those that were read.
    read: usize,
    stream: S,
}

impl<S> Rewound<S> {
    /// A stream of which nothing was read.
    pub(super) const fn unread(stream: S) -> Self {
        Self { first: [0; PREFACE_BYTES], given: 0, read: 0, stream }
    }
}

impl<S: AsyncRead + Unpin> Rewound<S> {
    /// Reads until it is known which HTTP the stream carries.
    ///
    /// # Errors
    /// The stream broke, or the client began and took longer than [`DECIDED_WITHIN`].
    pub(super) async fn opened(stream: S) -> io::Result<(Opening, Self)> {
        let mut opened = Self::unread(stream);
        opened.read_more().await?;
        let decided = async {
            loop {
                match Opening::of_http(&opened.first[..opened.read]) {
                    Some(opening) => return Ok(opening),
                    // What has ended before it was decided is answered as what it is not: HTTP/1.1.
                    None if opened.read_more().await? == 0 => return Ok(Opening::Http1),
                    None => {}
                }
            }
        };
        let opening: io::Result<_> = timeout(DECIDED_WITHIN, decided).await?;
        Ok((opening?, opened))
    }

    async fn read_more(&mut self) -> io::Result<usize> {
        let count = self.stream.read(&mut self.first[self.read..]).await?;
        self.read += count;
        Ok(count)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let first = &this.first[this.given..this.read];
        if first.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let count = first.len().min(buffer.remaining());
        buffer.put_slice(&first[..count]);
        this.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: every HTTP method, also those that begin as the preface does, and every cut of the preface.
    #[test]
    fn first_bytes_tell_what_is_spoken() {
        for start in
            ["POST / ", "PUT", "PATCH", "PROPFIND", "GET", "DELETE", "OPTIONS", "HEAD", "x", "PRIVATE"]
        {
            assert_eq!(Opening::of(start.as_bytes()), Some(Opening::Http1), "{start}");
        }
        for cut in 0..PREFACE_BYTES {
            assert_eq!(Opening::of(&PREFACE[..cut]), None);
            let mut other = PREFACE[..=cut].to_vec();
            other[cut] ^= 0x80;
            assert_eq!(Opening::of(&other), Some(Opening::Http1), "{cut}");
        }
        assert_eq!(Opening::of(PREFACE), Some(Opening::Http2));
        assert_eq!(Opening::of(&[&PREFACE[..], b"\0\0"].concat()), Some(Opening::Http2));
        assert_eq!(Opening::of(&[TLS_HANDSHAKE]), Some(Opening::Tls));
        assert_eq!(Opening::of_http(&[TLS_HANDSHAKE]), Some(Opening::Http1));
    }

    /// Protects: what was read to decide is read again, whole and once, through buffers of any size.
    #[tokio::test]
    async fn what_was_read_is_given_out_again() {
        for (sent, opening) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"[..], Opening::Http2),
            (b"PRI * HTTP/1.1\r\n", Opening::Http1),
            (b"PR", Opening::Http1),
        ] {
            for buffer_bytes in [1, 5, 64] {
                let (opened, mut stream) = Rewound::opened(sent).await.unwrap();
                assert_eq!(opened, opening);
                let mut read = Vec::new();
                let mut buffer = vec![0; buffer_bytes];
                loop {
                    let count = stream.read(&mut buffer).await.unwrap();
                    if count == 0 {
                        break;
                    }
                    read.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(read, sent);
            }
        }
    }

    /// Protects: a client that has not begun may wait for ever; one that has begun may not.
    #[tokio::test(start_paused = true)]
    async fn whoever_begins_must_go_on() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut opened = std::pin::pin!(Rewound::opened(server));
        assert!(timeout(10 * DECIDED_WITHIN, opened.as_mut()).await.is_err());
        tokio::io::AsyncWriteExt::write_all(&mut client, &PREFACE[..3]).await.unwrap();
        let late = timeout(2 * DECIDED_WITHIN, opened).await.expect("an end");
        assert_eq!(late.err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
    }
}
