//! The floor: one blocking thread per connection, no runtime, no HTTP library. It finds the end of the head and the
//! Content-Length, reads that many bytes and writes the same answer each time.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::{BODY_BYTES_MAX, CONTENT_TYPE, ID_2, REQUEST_ID};

const HEAD_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn serve(listener: &TcpListener, reply: &[u8]) -> io::Result<()> {
    // A constant Date: of the right length, and reading a clock is not what is measured here.
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {CONTENT_TYPE}\r\nx-amzn-requestid: {REQUEST_ID}\r\nx-amz-id-2: {ID_2}\r\n\
         content-length: {}\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
        reply.len()
    )
    .into_bytes();
    answer.extend_from_slice(reply);
    let answer = Arc::new(answer);
    loop {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        let answer = Arc::clone(&answer);
        // A connection's end, in whatever way, is the client's business.
        thread::spawn(move || connection(socket, &answer));
    }
}

fn connection(mut socket: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut buffer = vec![0; HEAD_BYTES_MAX];
    let mut filled = 0;
    loop {
        let head_bytes = loop {
            if let Some(place) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") {
                break place + 4;
            }
            filled += match buffer.get_mut(filled..) {
                Some(room) if !room.is_empty() => some(socket.read(room)?)?,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            };
        };
        let whole = head_bytes + body_bytes(&buffer[..head_bytes])?;
        if buffer.len() < whole {
            buffer.resize(whole, 0);
        }
        while filled < whole {
            filled += some(socket.read(&mut buffer[filled..])?)?;
        }
        socket.write_all(answer)?;
        // What came of the next request moves to the front.
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

fn some(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
}

fn body_bytes(head: &[u8]) -> io::Result<usize> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(head).map_err(|_utf8| invalid())?;
    let length = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim());
    let length = length.last().map_or(Ok(0), str::parse).map_err(|_number| invalid())?;
    if length > BODY_BYTES_MAX { Err(invalid()) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_found_and_bounded() {
        assert_eq!(body_bytes(b"POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  12 \r\n\r\n").unwrap(), 12);
        assert_eq!(body_bytes(b"POST / HTTP/1.1\r\n\r\n").unwrap(), 0);
        assert!(body_bytes(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n").is_err());
        assert!(body_bytes(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").is_err());
    }
}
