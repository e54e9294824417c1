//! Standard base64 with padding, written apart from the server's so that a fault there cannot cancel itself out.
//! Encoding serves the request bodies; decoding reads only the fixed-length head of a payload, because everything
//! after the head is compared as text.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BAD: u8 = 0xFF;
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut table = [BAD; 256];
    let mut value = 0u8;
    while value < 64 {
        table[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    table
}

/// Appends the base64 text of `bytes`, padded to a multiple of four characters.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (groups, rest) = bytes.as_chunks::<3>();
    for group in groups {
        out.extend_from_slice(&quad(*group));
    }
    match *rest {
        [a] => {
            let [first, second, ..] = quad([a, 0, 0]);
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [a, b] => {
            let [first, second, third, _] = quad([a, b, 0]);
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        _ => {}
    }
}

fn quad([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| ALPHABET[((bits >> shift) & 63) as usize])
}

/// Decodes exactly `4 * GROUPS` characters without padding into `GROUPS` groups of three bytes; `None` when a
/// character is outside the alphabet.
pub fn decode_groups<const GROUPS: usize>(text: &[[u8; 4]; GROUPS]) -> Option<[[u8; 3]; GROUPS]> {
    let mut bytes = [[0u8; 3]; GROUPS];
    let mut seen = 0u8;
    for (group, &[a, b, c, d]) in bytes.iter_mut().zip(text) {
        let value = |character: u8| VALUES[usize::from(character)];
        let (a, b, c, d) = (value(a), value(b), value(c), value(d));
        seen |= a | b | c | d;
        *group = [(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d];
    }
    (seen & 0xC0 == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The vectors of RFC 4648 section 10: each length of the last group, with its padding.
    #[test]
    fn encodes_the_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn decodes_what_it_encodes_for_every_byte() {
        for first in 0..=255u8 {
            let group = [first, first.wrapping_mul(37), !first];
            let text: [u8; 4] = encoded(&group).into_bytes().try_into().unwrap();
            assert_eq!(decode_groups(&[text]), Some([group]));
        }
    }

    #[test]
    fn refuses_characters_outside_the_alphabet() {
        for bad in [b'=', b'-', b'_', b' ', 0, 0xFF] {
            assert_eq!(decode_groups(&[[b'A', b'A', b'A', bad]]), None);
        }
    }
}
