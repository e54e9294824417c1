//! Header fields that every answer carries: request ids (reference 1.4) and CORS (1.5).
//!
//! Ids only have to differ, so they come from a small generator of each thread that the system's randomness
//! seeds once; an answer costs no system call for them.

use super::head::{Headers, RequestHead};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};

thread_local! {
    static RANDOM: RefCell<Xoshiro256PlusPlus> = RefCell::new(seeded());
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

/// A fresh value for `x-amzn-RequestId`: a UUID of version 4, as text.
#[must_use]
pub fn request_id() -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; 16];
    RANDOM.with_borrow_mut(|random| random.fill_bytes(&mut bytes));
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|place| !matches!(place, 8 | 13 | 18 | 23));
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (place, nibble) in places.zip(nibbles) {
        text[place] = HEX[usize::from(nibble)];
    }
    text
}

/// A fresh value for `x-amz-id-2`: 72 random bytes in Base64. Every answer has one, but for a preflight.
#[must_use]
pub fn extended_request_id() -> [u8; 96] {
    let mut bytes = [0; 72];
    RANDOM.with_borrow_mut(|random| random.fill_bytes(&mut bytes));
    let mut text = [0; 96];
    // The encoder hands back the part it wrote, here all of it.
    let _ = base64_simd::STANDARD.encode(&bytes, base64_simd::Out::from_slice(&mut text));
    text
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
        headers: Option<&'a str>,
        /// The value of `Access-Control-Request-Method`, to be allowed as it is.
        method: Option<&'a str>,
    },
}

impl<'a> Cors<'a> {
    /// The rules for a request.
    pub fn of<H: Headers + ?Sized>(head: &RequestHead<'a, H>) -> Self {
        match head.header("origin") {
            None => Self::None,
            Some(_) if head.method == "OPTIONS" => Self::Preflight {
                headers: head.header("access-control-request-headers"),
                method: head.header("access-control-request-method"),
            },
            Some(_) => Self::Origin,
        }
    }

    /// Names (in lower case) and values of the header fields to add, each handed to `add`.
    pub fn for_each_header(self, mut add: impl FnMut(&'static str, &'a str)) {
        if self == Self::None {
            return;
        }
        add("access-control-allow-origin", "*");
        match self {
            Self::None => {}
            Self::Origin => add(
                "access-control-expose-headers",
                "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
            ),
            Self::Preflight { headers, method } => {
                add("access-control-max-age", "172800");
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
            let id = request_id();
            let text = std::str::from_utf8(&id).unwrap();
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
        let here = extended_request_id();
        assert_eq!(base64_simd::STANDARD.decode_to_vec(here).unwrap().len(), 72);
        let there = std::thread::spawn(extended_request_id).join().unwrap();
        assert!(here != there && here != extended_request_id());
    }

    fn added(method: &str, fields: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let fields = Fields(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
        let head = RequestHead { method, query: None, headers: &fields };
        let mut added = Vec::new();
        Cors::of(&head).for_each_header(|name, value| added.push((name, value.to_owned())));
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
