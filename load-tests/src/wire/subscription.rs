//! The wire of a subscriber: a body in chunks that goes on for minutes, cut into the messages of AWS's event stream.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{WireError, field, status_and_fields};

/// A message: its `:event-type` or `:exception-type`, and its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Such as `SubscribeToShardEvent`.
    pub kind: String,
    /// JSON.
    pub payload: Vec<u8>,
}

/// One subscription, on a connection of its own.
#[derive(Debug)]
pub struct Subscription {
    stream: TcpStream,
    /// What has come and is not cut into chunks yet.
    chunks: Vec<u8>,
    /// What has come in chunks and is no message yet.
    body: Vec<u8>,
    is_over: bool,
    patience: Duration,
}

impl Subscription {
    /// Connects and asks. More than `patience` without a message, here or later, is an error.
    ///
    /// # Errors
    /// See [`WireError`]; an answer other than 200 is malformed.
    pub async fn open(address: SocketAddr, request: &[u8], patience: Duration) -> Result<Self, WireError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        let (chunks, body) = (Vec::with_capacity(64 << 10), Vec::new());
        let mut subscription = Self { stream, chunks, body, is_over: false, patience };
        loop {
            if let Some(end) = find(&subscription.chunks, b"\r\n\r\n") {
                match status_and_fields(&subscription.chunks[..end])? {
                    (200, fields) if field(fields, "transfer-encoding") == Some("chunked") => {}
                    _ => return Err(WireError::Malformed("a subscription that was refused")),
                }
                subscription.chunks.drain(..end + 4);
                return Ok(subscription);
            }
            subscription.read_some().await?;
        }
    }

    /// The next message; `None` at the end of the body.
    ///
    /// # Errors
    /// See [`WireError`]; the subscription is of no further use after one.
    pub async fn next(&mut self) -> Result<Option<Message>, WireError> {
        loop {
            if let Some(message) = take_message(&mut self.body)? {
                return Ok(Some(message));
            }
            if self.is_over {
                return match self.body.is_empty() {
                    true => Ok(None),
                    false => Err(WireError::Malformed("an end in the middle of a message")),
                };
            }
            while let Some(chunk) = take_chunk(&mut self.chunks)? {
                self.is_over |= chunk.is_empty();
                self.body.extend_from_slice(&chunk);
            }
            if self.body.len() < message_bytes(&self.body) {
                self.read_some().await?;
            }
        }
    }

    async fn read_some(&mut self) -> Result<(), WireError> {
        if self.is_over {
            return Ok(());
        }
        let read = timeout(self.patience, self.stream.read_buf(&mut self.chunks)).await;
        match read.map_err(|_elapsed| WireError::Silent(self.patience))?? {
            0 => Err(WireError::Io(std::io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The first chunk, if all of it is there; an empty one is the end.
fn take_chunk(bytes: &mut Vec<u8>) -> Result<Option<Vec<u8>>, WireError> {
    let Some(line) = find(bytes, b"\r\n") else { return Ok(None) };
    let length =
        std::str::from_utf8(&bytes[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
    let length = length.ok_or(WireError::Malformed("no length of a chunk"))?;
    let (start, end) = (line + 2, line + 2 + length);
    if bytes.len() < end + 2 {
        return Ok(None);
    }
    let chunk = bytes[start..end].to_vec();
    bytes.drain(..end + 2);
    Ok(Some(chunk))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Length of the message that `bytes` begin with, as far as it is known.
fn message_bytes(bytes: &[u8]) -> usize {
    number(bytes, 0).map_or(4, |length| length as usize)
}

/// The first message, if all of it is there.
///
/// # Errors
/// Lengths or checksums do not hold.
pub fn take_message(bytes: &mut Vec<u8>) -> Result<Option<Message>, WireError> {
    let length = message_bytes(bytes);
    if bytes.len() < length.max(16) {
        return Ok(None);
    }
    let headers_bytes = number(bytes, 4).unwrap_or_default() as usize;
    let checked = number(bytes, 8) == Some(crc32fast::hash(&bytes[..8]))
        && number(bytes, length - 4) == Some(crc32fast::hash(&bytes[..length - 4]));
    let parts = bytes.get(12..12 + headers_bytes).zip(bytes.get(12 + headers_bytes..length - 4));
    let Some((headers, payload)) = parts.filter(|_| checked) else {
        return Err(WireError::Malformed("a message whose checksums do not hold"));
    };
    let kind = kind_of(headers).ok_or(WireError::Malformed("a message without its type"))?;
    let message = Message { kind, payload: payload.to_vec() };
    bytes.drain(..length);
    Ok(Some(message))
}

/// The value of the header that names the kind of event or exception; all are texts.
fn kind_of(mut headers: &[u8]) -> Option<String> {
    loop {
        let (name_bytes, rest) = headers.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*name_bytes))?;
        let (lengths, rest) = rest.split_first_chunk::<3>()?;
        let (value, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([lengths[1], lengths[2]])))?;
        if matches!(name, b":event-type" | b":exception-type") {
            return String::from_utf8(value.to_vec()).ok();
        }
        headers = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn message(name: &str, kind: &str, payload: &[u8]) -> Vec<u8> {
        let mut headers = vec![u8::try_from(name.len()).unwrap()];
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(kind.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(kind.as_bytes());
        let length = 16 + headers.len() + payload.len();
        let mut message = u32::try_from(length).unwrap().to_be_bytes().to_vec();
        message.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
        message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
        message.extend_from_slice(&headers);
        message.extend_from_slice(payload);
        message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
        message
    }

    /// Whatever the pieces that it comes in, and wherever chunks are cut, the messages are the same; a flipped bit is
    /// noticed.
    #[tokio::test]
    async fn messages_arrive_in_pieces() {
        let body = [message(":event-type", "a", b"{}"), message(":exception-type", "b", b"")].concat();
        for (piece, chunk, flipped) in [(1, 3, None), (7, 1000, None), (1000, 5, None), (1000, 100, Some(20))]
        {
            let mut body = body.clone();
            if let Some(at) = flipped {
                body[at] ^= 1;
            }
            let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for chunk in body.chunks(chunk) {
                answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                answer.extend_from_slice(chunk);
                answer.extend_from_slice(b"\r\n");
            }
            answer.extend_from_slice(b"0\r\n\r\n");
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                for part in answer.chunks(piece) {
                    stream.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            let mut subscription =
                Subscription::open(address, b"POST", Duration::from_secs(5)).await.unwrap();
            let mut seen = Vec::new();
            let ended = loop {
                match subscription.next().await {
                    Ok(Some(message)) => seen.push((message.kind, message.payload)),
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            match flipped {
                None => assert_eq!(seen, [("a".into(), b"{}".to_vec()), ("b".into(), Vec::new())]),
                Some(_) => assert_eq!(seen, []),
            }
            assert_eq!(ended, flipped.is_none());
        }
    }
}
