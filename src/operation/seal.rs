//! Sealed tokens: opaque to clients, and nothing but what this server made opens again.
//!
//! AES-128-GCM with a random nonce under a key drawn at start, or kept with the state that tokens point into. A token is
//! `00 00 00 00 00 00 00 01 | nonce (12) | sealed body | tag (16)` in base64: the first eight bytes are what AWS's
//! shard iterators begin with, so that they start with `AAAAAAAAAA` (reference 5.5).

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use arc_swap::ArcSwap;
use base64_simd::STANDARD;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use smallvec::{SmallVec, smallvec};
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

/// Keys that open tokens, at most; the oldest are forgotten first.
const KEYS_MAX: usize = 16;

/// A key, and what is made of it.
#[derive(Clone)]
struct Key {
    bytes: [u8; 16],
    cipher: Aes128Gcm,
}

impl Key {
    fn new(bytes: [u8; 16]) -> Self {
        Self { bytes, cipher: Aes128Gcm::new(&bytes.into()) }
    }
}

/// Seals and opens tokens.
pub struct Sealer {
    /// The first one seals, all of them open.
    keys: ArcSwap<SmallVec<[Key; 1]>>,
}

impl Sealer {
    /// A sealer with this key.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { keys: ArcSwap::from_pointee(smallvec![Key::new(key)]) }
    }

    /// The keys: the one that seals, then those that only open.
    #[must_use]
    pub fn keys(&self) -> Vec<[u8; 16]> {
        self.keys.load().iter().map(|key| key.bytes).collect()
    }

    /// Opens from now on also what was sealed with these.
    pub fn open_also(&self, keys: &[[u8; 16]]) {
        self.change(|known| known.iter().map(|key| key.bytes).chain(keys.iter().copied()).collect());
    }

    /// Seals from now on with the first of these, and opens what was sealed with any; what was sealed before, too.
    pub fn go_on_with(&self, keys: &[[u8; 16]]) {
        self.change(|known| keys.iter().copied().chain(known.iter().map(|key| key.bytes)).collect());
    }

    fn change(&self, change: impl Fn(&[Key]) -> Vec<[u8; 16]>) {
        self.keys.rcu(|known| {
            let mut keys: SmallVec<[Key; 1]> = SmallVec::new();
            for bytes in change(known) {
                if keys.len() < KEYS_MAX && keys.iter().all(|key| key.bytes != bytes) {
                    keys.push(Key::new(bytes));
                }
            }
            keys
        });
    }

    /// A token for these bytes. Two of the same bytes differ.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, body: &[u8]) -> String {
        let mut nonce = [0; NONCE_BYTES];
        with_random(|random| random.fill_bytes(&mut nonce));
        let payload = Payload { msg: body, aad: purpose.label() };
        // Sealing fails only past 64 GiB; an empty body opens as nothing.
        let keys = self.keys.load();
        let sealed = keys.first().and_then(|key| key.cipher.encrypt(&nonce.into(), payload).ok());
        let sealed = sealed.unwrap_or_default();
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
        let nonce = Nonce::<Aes128Gcm>::from(*nonce);
        let payload = || Payload { msg: sealed, aad: purpose.label() };
        self.keys.load().iter().find_map(|key| key.cipher.decrypt(&nonce, payload()).ok())
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

    /// Protects: keys of other servers open their tokens here, and one that is gone on with seals; they do not grow without
    /// end.
    #[test]
    fn other_keys_open_too() {
        let [one, other] = [1, 2].map(|key| Sealer::new([key; 16]));
        let [of_one, of_other] = [&one, &other].map(|sealer| sealer.seal(Purpose::ShardIterator, b"body"));
        let opens = |sealer: &Sealer, token: &str| sealer.open(Purpose::ShardIterator, token).is_some();
        one.open_also(&other.keys());
        assert!(opens(&one, &of_other) && !opens(&other, &of_one));
        assert!(opens(&Sealer::new([1; 16]), &one.seal(Purpose::ShardIterator, b"still its own")));
        other.go_on_with(&one.keys());
        assert!(opens(&other, &of_one) && opens(&other, &of_other));
        assert_eq!(other.keys(), [[1; 16], [2; 16]]);
        for key in 0..100 {
            one.open_also(&[[key; 16]]);
        }
        assert_eq!((one.keys().len(), one.keys()[0]), (KEYS_MAX, [1; 16]));
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
