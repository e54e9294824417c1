//! Whole requests as bytes: the head that an AWS SDK would send (the signature is made up, nobody verifies it) and
//! bodies in compact JSON.

use std::fmt::Write as _;

use crate::payload::{Payloads, RecordId};

/// Room kept in front of the body, because the head holds the body's length.
const HEAD_BYTES_MAX: usize = 512;

/// One request, built into a buffer that is used again for the next.
#[derive(Debug)]
pub struct Request {
    /// `HEAD_BYTES_MAX` bytes of room, then the body; `start` is where the head begins in the room.
    buffer: Vec<u8>,
    start: usize,
    head: String,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            buffer: vec![0; HEAD_BYTES_MAX],
            start: HEAD_BYTES_MAX,
            head: String::with_capacity(HEAD_BYTES_MAX),
        }
    }
}

impl AsRef<[u8]> for Request {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl Request {
    /// A request of `operation` with the given body; for the small ones.
    pub fn new(operation: &str, body: &str) -> Self {
        let mut request = Self::default();
        request.build(operation, |out| out.extend_from_slice(body.as_bytes()));
        request
    }

    /// Builds a request of `operation` whose body is what `write` appends.
    pub fn build(&mut self, operation: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.truncate(HEAD_BYTES_MAX);
        write(&mut self.buffer);
        self.head.clear();
        // Writing to a String cannot fail.
        let _ = write!(
            self.head,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: Kinesis_20131202.{operation}\r\nX-Amz-Date: 20260101T000000Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/kinesis/aws4_request, \
             SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\n\r\n",
            self.buffer.len() - HEAD_BYTES_MAX
        );
        debug_assert!(self.head.len() <= HEAD_BYTES_MAX, "operation names are short");
        self.start = HEAD_BYTES_MAX - self.head.len();
        self.buffer[self.start..HEAD_BYTES_MAX].copy_from_slice(self.head.as_bytes());
    }

    /// Head and body, ready to send.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// PutRecords of the records `first..first + count` of one producer.
    pub fn put_records(&mut self, stream: &str, payloads: &Payloads, producer: u16, first: u64, count: u64) {
        self.build("PutRecords", |out| {
            out.extend_from_slice(b"{\"StreamName\":\"");
            out.extend_from_slice(stream.as_bytes());
            out.extend_from_slice(b"\",\"Records\":[");
            for number in first..first + count {
                if number > first {
                    out.push(b',');
                }
                out.push(b'{');
                write_record(out, payloads, RecordId::new(producer, number));
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        });
    }

    /// PutRecords of the records `first..first + count` of producer 0, each with the explicit hash key that
    /// `hash_key` names for its number.
    pub fn put_records_to(
        &mut self,
        stream: &str,
        payloads: &Payloads,
        first: u64,
        count: u64,
        hash_key: impl Fn(u64) -> u128,
    ) {
        self.build("PutRecords", |out| {
            out.extend_from_slice(b"{\"StreamName\":\"");
            out.extend_from_slice(stream.as_bytes());
            out.extend_from_slice(b"\",\"Records\":[");
            for number in first..first + count {
                if number > first {
                    out.push(b',');
                }
                out.extend_from_slice(b"{\"ExplicitHashKey\":\"");
                out.extend_from_slice(hash_key(number).to_string().as_bytes());
                out.extend_from_slice(b"\",");
                write_record(out, payloads, RecordId::new(0, number));
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        });
    }

    /// PutRecord of one record.
    pub fn put_record(&mut self, stream: &str, payloads: &Payloads, id: RecordId) {
        self.build("PutRecord", |out| {
            out.extend_from_slice(b"{\"StreamName\":\"");
            out.extend_from_slice(stream.as_bytes());
            out.extend_from_slice(b"\",");
            write_record(out, payloads, id);
            out.push(b'}');
        });
    }

    /// GetRecords from an iterator, which is base64 and so needs no escaping.
    pub fn get_records(&mut self, iterator: &[u8]) {
        self.build("GetRecords", |out| {
            out.extend_from_slice(b"{\"ShardIterator\":\"");
            out.extend_from_slice(iterator);
            out.extend_from_slice(b"\",\"Limit\":10000}");
        });
    }
}

fn write_record(out: &mut Vec<u8>, payloads: &Payloads, id: RecordId) {
    out.extend_from_slice(b"\"Data\":\"");
    payloads.write_data(id, out);
    out.extend_from_slice(b"\",\"PartitionKey\":\"");
    out.extend_from_slice(&payloads.key(id));
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::answers::find_string;

    /// The declared length is the body's, whatever was in the buffer before, and the body holds what was asked.
    #[test]
    fn heads_fit_their_bodies() {
        let payloads = Payloads::new(1, 100);
        let mut request = Request::default();
        for count in [500u64, 1, 3] {
            request.put_records("load", &payloads, 2, 10, count);
            let text = std::str::from_utf8(request.bytes()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with("POST / HTTP/1.1\r\n") && head.contains("Kinesis_20131202.PutRecords\r\n")
            );
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
            assert_eq!(body.matches("\"Data\"").count(), usize::try_from(count).unwrap());
            let key = payloads.key(RecordId::new(2, 10));
            assert_eq!(find_string(body.as_bytes(), b"PartitionKey").as_deref(), Some(&key[..]));
            let data = find_string(body.as_bytes(), b"Data").unwrap();
            assert_eq!(payloads.identify(&key, &data), Ok(RecordId::new(2, 10)));
        }
        request.put_records_to("load", &payloads, 4, 2, |number| u128::from(number) << 64);
        let text = std::str::from_utf8(request.bytes()).unwrap();
        assert_eq!(text.matches("\"Data\"").count(), 2);
        assert!(text.contains(r#"[{"ExplicitHashKey":"73786976294838206464","Data":""#), "{text}");
        assert!(text.contains(r#"},{"ExplicitHashKey":"92233720368547758080","Data":""#), "{text}");
        request.get_records(b"AAA=");
        assert!(request.bytes().ends_with(b"\r\n\r\n{\"ShardIterator\":\"AAA=\",\"Limit\":10000}"));
    }
}
