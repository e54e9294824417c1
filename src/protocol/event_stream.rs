//! Messages of AWS's event stream, `application/vnd.amazon.eventstream` (reference 13.1).
//!
//! ```text
//! u32 bytes of all | u32 bytes of headers | u32 CRC of those eight | headers | payload | u32 CRC of all before
//! header: u8 length, name, u8 7 (text), u16 length, value
//! ```
//! Numbers are big-endian, CRCs are CRC-32 as in zlib.

/// What the messages are sent as.
pub(super) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The type of a header whose value is a text; no other is needed.
const TEXT: u8 = 7;
const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;

/// What a message is, and in which headers it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the operation answers beside its events.
    InitialResponse,
    /// An event, by its name in the model.
    Event(&'static str),
    /// An error, by its name in the model.
    Exception(&'static str),
}

impl Kind {
    const fn headers(self) -> [(&'static str, &'static str); 3] {
        let (message_type, type_name, name, content_type) = match self {
            Self::InitialResponse => {
                ("event", ":event-type", "initial-response", "application/x-amz-json-1.1")
            }
            Self::Event(name) => ("event", ":event-type", name, "application/json"),
            Self::Exception(name) => ("exception", ":exception-type", name, "application/json"),
        };
        [(":message-type", message_type), (type_name, name), (":content-type", content_type)]
    }
}

/// A whole message.
pub(super) fn message(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut message = begin(kind, payload.len(), 0);
    message.extend_from_slice(payload);
    finish(&mut message);
    message
}

/// All of a message that comes before a payload of so many bytes, with room for the rest and some to spare. Ended by
/// [`finish`].
pub(super) fn begin(kind: Kind, payload_bytes: usize, spare_bytes: usize) -> Vec<u8> {
    let headers = kind.headers();
    let headers_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let whole_bytes = PRELUDE_BYTES + headers_bytes + payload_bytes + CRC_BYTES;
    let mut message = Vec::with_capacity(whole_bytes + spare_bytes);
    for bytes in [whole_bytes, headers_bytes] {
        // A record has 10 MiB at the most.
        message.extend_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes());
    }
    append_crc(&mut message);
    for (name, value) in headers {
        // Names and values are constants of a few characters.
        message.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(name.as_bytes());
        message.push(TEXT);
        message.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        message.extend_from_slice(value.as_bytes());
    }
    message
}

/// Ends a message.
pub(super) fn finish(message: &mut Vec<u8>) {
    append_crc(message);
    let announced = message.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize);
    debug_assert_eq!(announced, Some(message.len()), "the payload is not as long as announced");
}

fn append_crc(message: &mut Vec<u8>) {
    let crc = crc32fast::hash(message);
    message.extend_from_slice(&crc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Protects: the two messages of reference 13.1 that botocore's own parser has decoded, byte for byte.
    #[test]
    fn verified_vectors() {
        assert_eq!(
            hex(&message(Kind::InitialResponse, b"{}")),
            "0000007200000060ab820d9e0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d74797065070010696e697469\
             616c2d726573706f6e73650d3a636f6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e2d312e31\
             7b7de16e66e4"
        );
        let in_use = Kind::Exception("ResourceInUseException");
        assert_eq!(
            hex(&message(in_use, br#"{"message":"x"}"#)),
            "0000008300000064d9bbb06a0d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d74797065\
             0700165265736f75726365496e557365457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f\
             6a736f6e7b226d657373616765223a2278227de1ecdf10"
        );
    }
}
