//! CBOR, as far as error answers need it: the full codec is not built yet.
//!
//! A CBOR client must be able to read why its request is refused, so errors are written in its own format: a
//! map of definite length that holds text strings (reference 1.3).

const MAJOR_TEXT: u8 = 3 << 5;
const MAJOR_MAP: u8 = 5 << 5;

/// The body of an error answer: `__type`, and `message` if there is one.
#[must_use]
pub fn write_error(kind: &str, message: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + kind.len() + message.map_or(0, str::len));
    out.push(MAJOR_MAP | if message.is_some() { 2 } else { 1 });
    write_text(&mut out, "__type");
    write_text(&mut out, kind);
    if let Some(message) = message {
        write_text(&mut out, "message");
        write_text(&mut out, message);
    }
    out
}

/// A text string under the shortest header that holds its length.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if let Ok(len) = u8::try_from(text.len()) {
        match len {
            0..24 => out.push(MAJOR_TEXT | len),
            _ => out.extend([MAJOR_TEXT | 24, len]),
        }
    } else if let Ok(len) = u16::try_from(text.len()) {
        out.push(MAJOR_TEXT | 25);
        out.extend(len.to_be_bytes());
    } else {
        out.push(MAJOR_TEXT | 27);
        out.extend((text.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of an error without and with a message, by hand from RFC 8949.
    #[test]
    fn errors() {
        assert_eq!(write_error("A", None), b"\xa1\x66__type\x61A");
        assert_eq!(write_error("A", Some("b")), b"\xa2\x66__type\x61A\x67message\x61b");
    }

    /// Length headers change form at 24, 256 and 65,536.
    #[test]
    fn length_headers() {
        for (len, header) in [
            (23, &b"\x77"[..]),
            (24, b"\x78\x18"),
            (255, b"\x78\xff"),
            (256, b"\x79\x01\x00"),
            (65_535, b"\x79\xff\xff"),
            (65_536, b"\x7b\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            let mut out = Vec::new();
            write_text(&mut out, &"x".repeat(len));
            assert_eq!(out.len(), header.len() + len);
            assert!(out.starts_with(header), "{len}");
        }
    }
}
