//! Header fields that every answer carries: request ids (reference 1.4) and CORS (1.5).
//!
//! Ids only have to differ, so they come from a small generator of each thread that the system's randomness seeds once,
//! and are made for several answers at a time: an answer costs no system call for them, and hardly an allocation.

use super::head::{Field, Headers, RequestHead};
use base64_simd::AsOut;
use bytes::Bytes;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Answers for which ids are made at once.
const STOCK: usize = 256;

/// Random bytes of an extended request id, and its characters.
const EXTENDED_BYTES: usize = 72;
const EXTENDED_CHARS: usize = EXTENDED_BYTES / 3 * 4;
/// Characters of a UUID.
const UUID_CHARS: usize = 36;

thread_local! {
    static IDS: RefCell<IdStock> = RefCell::new(IdStock { random: seeded(), request: Bytes::new(), extended: Bytes::new() });
}

/// The ids of one answer, as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerIds {
    /// The value of `x-amzn-RequestId`: a UUID of version 4.
    pub request: Bytes,
    /// The value of `x-amz-id-2`: 72 random bytes in Base64. Every answer has one, but for a preflight.
    pub extended: Bytes,
}

impl AnswerIds {
    /// Ids that no other answer has.
    #[must_use]
    pub fn next() -> Self {
        IDS.with_borrow_mut(IdStock::take)
    }
}

struct IdStock {
    random: Xoshiro256PlusPlus,
    request: Bytes,
    extended: Bytes,
}

impl IdStock {
    fn take(&mut self) -> AnswerIds {
        if self.request.is_empty() {
            self.fill();
        }
        AnswerIds {
            request: self.request.split_to(UUID_CHARS),
            extended: self.extended.split_to(EXTENDED_CHARS),
        }
    }

    fn fill(&mut self) {
        let mut text = vec![0; STOCK * (UUID_CHARS + EXTENDED_CHARS)];
        let (request, extended) = text.split_at_mut(STOCK * UUID_CHARS);
        for id in request.as_chunks_mut::<UUID_CHARS>().0 {
            *id = uuid(self.random.next_u64(), self.random.next_u64());
        }
        let mut bytes = [0; STOCK * EXTENDED_BYTES];
        self.random.fill_bytes(&mut bytes);
        let _ = base64_simd::STANDARD.encode(&bytes, extended.as_out());
        // One buffer for all, since each would have a counter to allocate as well.
        self.extended = Bytes::from(text);
        self.request = self.extended.split_to(STOCK * UUID_CHARS);
    }
}

fn seeded() -> Xoshiro256PlusPlus {
    let mut seed = [0; 32];
    if getrandom::fill(&mut seed).is_err() {
        // A system without randomness still gets different ids from each thread: the standard library's hash
        // keys.
        for part in seed.chunks_exact_mut(8) {
            part.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
        }
    }
    Xoshiro256PlusPlus::from_seed(seed)
}

/// A UUID of version 4 (RFC 9562) made of these random bits.
fn uuid(high: u64, low: u64) -> [u8; UUID_CHARS] {
    let mut text = [b'-'; UUID_CHARS];
    text[..8].copy_from_slice(&hex_digits(high));
    text[9..13].copy_from_slice(&hex_digits(high >> 4)[..4]);
    text[14..18].copy_from_slice(&hex_digits(high >> 4)[4..]);
    text[19..23].copy_from_slice(&hex_digits(low)[..4]);
    text[24..28].copy_from_slice(&hex_digits(low)[4..]);
    text[28..].copy_from_slice(&hex_digits(low >> 4));
    text[14] = b'4';
    text[19] = b"89ab"[usize::from(low.to_le_bytes()[0] & 3)];
    text
}

/// The lower half of each byte as a hexadecimal digit, all eight at once.
const fn hex_digits(nibbles: u64) -> [u8; 8] {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let nibbles = nibbles & (ONES * 0x0f);
    // Adding 6 carries into the upper half of a byte from ten on.
    let letters = ((nibbles + ONES * 6) >> 4) & ONES;
    (nibbles + ONES * b'0' as u64 + letters * (b'a' - b'9' - 1) as u64).to_le_bytes()
}

/// What the CORS rules add to an answer; decided by the head alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cors<'a> {
    /// No `Origin`, nothing to add.
    None,
    /// Any other request with an `Origin`.
    Origin,
    /// `OPTIONS` with an `Origin`; the answer has no `x-amz-id-2` and no `Content-Type`.
    Preflight {
        /// The value of `Access-Control-Request-Headers`, to be allowed as it is.
        headers: Option<&'a [u8]>,
        /// The value of `Access-Control-Request-Method`, to be allowed as it is.
        method: Option<&'a [u8]>,
    },
}

impl<'a> Cors<'a> {
    /// The rules for a request.
    pub fn of<H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Self {
        match head.header(Field::Origin) {
            None => Self::None,
            Some(_) if head.method == "OPTIONS" => Self::Preflight {
                headers: head.header(Field::AccessControlRequestHeaders),
                method: head.header(Field::AccessControlRequestMethod),
            },
            Some(_) => Self::Origin,
        }
    }

    /// Names (in lower case) and values of the header fields to add, each handed to `add`.
    pub fn for_each_header(self, mut add: impl FnMut(&'static str, &'a [u8])) {
        if self == Self::None {
            return;
        }
        add("access-control-allow-origin", b"*");
        match self {
            Self::None => {}
            Self::Origin => add(
                "access-control-expose-headers",
                b"x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
            ),
            Self::Preflight { headers, method } => {
                add("access-control-max-age", b"172800");
                if let Some(headers) = headers {
                    add("access-control-allow-headers", headers);
                }
                if let Some(method) = method {
                    add("access-control-allow-methods", method);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::tests::Fields;
    use super::*;
    use std::collections::HashSet;

    /// Version and variant of RFC 9562, dashes in place, no id twice.
    #[test]
    fn request_ids() {
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let id = AnswerIds::next().request;
            let text = std::str::from_utf8(&id).unwrap();
            assert_eq!(text.len(), 36);
            for (place, letter) in text.char_indices() {
                match place {
                    8 | 13 | 18 | 23 => assert_eq!(letter, '-'),
                    14 => assert_eq!(letter, '4'),
                    19 => assert!("89ab".contains(letter)),
                    _ => assert!("0123456789abcdef".contains(letter)),
                }
            }
            assert!(seen.insert(id));
        }
    }

    /// 72 bytes in Base64, no id twice, also not between threads.
    #[test]
    fn extended_request_ids() {
        let ids = || (0..100).map(|_| AnswerIds::next().extended).collect::<Vec<_>>();
        let there = std::thread::spawn(ids).join().unwrap();
        let all: HashSet<_> = ids().into_iter().chain(there).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|id| base64_simd::STANDARD.decode_to_vec(id).unwrap().len() == 72));
    }

    /// Each digit is its number, whatever the upper half of its byte holds.
    #[test]
    fn hexadecimal_digits() {
        for number in 0..=255_u8 {
            let digits = hex_digits(u64::from_ne_bytes([number; 8]));
            assert_eq!(digits, [format!("{:x}", number & 15).as_bytes()[0]; 8]);
        }
    }

    fn added(method: &str, fields: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let fields = Fields(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
        let head = RequestHead { method, path: "/", query: None, headers: &fields };
        let mut added = Vec::new();
        Cors::of(&head)
            .for_each_header(|name, value| added.push((name, String::from_utf8(value.to_vec()).unwrap())));
        added
    }

    /// Reference 1.5: nothing without an origin, exposure with one, permission for a preflight.
    #[test]
    fn cors() {
        assert_eq!(added("POST", &[]), []);
        assert_eq!(added("OPTIONS", &[]), []);
        let any = ("access-control-allow-origin", "*".to_owned());
        let exposed =
            "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date";
        assert_eq!(
            added("POST", &[("origin", "x")]),
            [any.clone(), ("access-control-expose-headers", exposed.to_owned())]
        );
        let age = ("access-control-max-age", "172800".to_owned());
        assert_eq!(added("OPTIONS", &[("origin", "x")]), [any.clone(), age.clone()]);
        assert_eq!(
            added(
                "OPTIONS",
                &[
                    ("origin", "x"),
                    ("access-control-request-headers", "a, b"),
                    ("access-control-request-method", "POST")
                ]
            ),
            [
                any,
                age,
                ("access-control-allow-headers", "a, b".to_owned()),
                ("access-control-allow-methods", "POST".to_owned())
            ]
        );
    }
}
