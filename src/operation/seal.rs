//! Sealed tokens: opaque to clients, and nothing but what this server made opens again.
//!
//! AES-128-GCM with a random nonce under a key drawn at start. A token is
//! `00 00 00 00 00 00 00 01 | nonce (12) | sealed body | tag (16)` in base64: the first eight bytes are what AWS's
//! shard iterators begin with, so that they start with `AAAAAAAAAA` (reference 5.5).

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use base64_simd::STANDARD;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::cell::RefCell;

const PREFIX: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
const NONCE_BYTES: usize = 12;

/// What a token is for: one kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A shard iterator.
    ShardIterator,
    /// A NextToken of ListShards.
    ListShardsPage,
    /// A NextToken of ListStreams.
    ListStreamsPage,
    /// A NextToken of ListStreamConsumers.
    ListStreamConsumersPage,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ShardIterator => b"shard-iterator",
            Self::ListShardsPage => b"list-shards",
            Self::ListStreamsPage => b"list-streams",
            Self::ListStreamConsumersPage => b"list-stream-consumers",
        }
    }
}

/// Seals and opens tokens.
pub struct Sealer {
    cipher: Aes128Gcm,
}

impl Sealer {
    /// A sealer with this key.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { cipher: Aes128Gcm::new(&key.into()) }
    }

    /// A token for these bytes. Two of the same bytes differ.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, body: &[u8]) -> String {
        let mut nonce = [0; NONCE_BYTES];
        with_random(|random| random.fill_bytes(&mut nonce));
        let payload = Payload { msg: body, aad: purpose.label() };
        // Sealing fails only past 64 GiB; an empty body opens as nothing.
        let sealed = self.cipher.encrypt(&Nonce::<Aes128Gcm>::from(nonce), payload).unwrap_or_default();
        let mut token = Vec::with_capacity(PREFIX.len() + NONCE_BYTES + sealed.len());
        token.extend_from_slice(&PREFIX);
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&sealed);
        STANDARD.encode_to_string(token)
    }

    /// The bytes of a token of this purpose; `None` if it was not made here, or was changed.
    #[must_use]
    pub fn open(&self, purpose: Purpose, token: &str) -> Option<Vec<u8>> {
        let token = STANDARD.decode_to_vec(token).ok()?;
        let sealed = token.strip_prefix(&PREFIX)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: purpose.label() };
        self.cipher.decrypt(&Nonce::<Aes128Gcm>::from(*nonce), payload).ok()
    }
}

/// Numbers that are distinct, not secret: nonces, and the names of readers.
pub(super) fn with_random<T>(f: impl FnOnce(&mut Xoshiro256PlusPlus) -> T) -> T {
    RANDOM.with_borrow_mut(f)
}

thread_local! {
    /// Two nonces in 2^96 hardly meet; each thread starts from the system's entropy.
    static RANDOM: RefCell<Xoshiro256PlusPlus> = RefCell::new(Xoshiro256PlusPlus::from_seed(entropy()));
}

/// Bytes from the system's source of randomness.
///
/// A system that has none at start still gets distinct seeds, from the address space and the time.
#[must_use]
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let hasher = std::hash::RandomState::new();
        for (number, chunk) in bytes.chunks_mut(8).enumerate() {
            let word = std::hash::BuildHasher::hash_one(&hasher, (number, std::time::Instant::now()));
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Protects: two seals of one body differ, start as AWS's do, and both open.
    #[test]
    fn seals_differ_and_open() {
        let sealer = Sealer::new([7; 16]);
        let [a, b] = [(); 2].map(|()| sealer.seal(Purpose::ShardIterator, b"body"));
        assert_ne!(a, b);
        assert!(a.starts_with("AAAAAAAAAA"));
        assert_eq!(sealer.open(Purpose::ShardIterator, &b).as_deref(), Some(&b"body"[..]));
        assert_eq!(sealer.open(Purpose::ListShardsPage, &b), None);
        assert_eq!(Sealer::new([8; 16]).open(Purpose::ShardIterator, &b), None);
    }

    proptest! {
        /// Protects: any body comes back; any change of any character of a token is noticed; nothing panics.
        #[test]
        fn changes_are_noticed(body in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), by in "[A-Za-z0-9+/=é]") {
            let sealer = Sealer::new([7; 16]);
            let token = sealer.seal(Purpose::ShardIterator, &body);
            prop_assert_eq!(sealer.open(Purpose::ShardIterator, &token), Some(body));
            let at = at.index(token.len());
            let changed = format!("{}{by}{}", &token[..at], &token[at + 1..]);
            if changed != token {
                prop_assert_eq!(sealer.open(Purpose::ShardIterator, &changed), None);
            }
        }
    }
}
