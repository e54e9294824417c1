//! Shard iterators: where a reader is, sealed into a token that only this server can open.
//!
//! A token names the stream by scope, name and incarnation, so that it dies with the stream; it is valid for
//! 300 s after its issue; nothing is stored, so the same one can be read any number of times (reference 5.5).

use crate::control::Scope;
use crate::error::ApiError;
use crate::limits::ITERATOR_TTL_MS;
use crate::names::{AccountId, Region, ShardId, StreamName};

use super::refusals;
use super::seal::{Purpose, Sealer};
use super::stream_ref::StreamRef;

/// What a shard iterator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIterator {
    /// The stream.
    pub stream: StreamRef,
    /// Which incarnation of it.
    pub incarnation: u64,
    /// The shard.
    pub shard: ShardId,
    /// Position of the next record to read.
    pub position: u64,
    /// Names the reader: drawn by GetShardIterator, carried on by each GetRecords.
    pub chain: u64,
    /// When it was issued, epoch milliseconds.
    pub issued_ms: u64,
}

impl ShardIterator {
    /// The token.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer) -> String {
        let mut body = Vec::with_capacity(160);
        for number in [self.incarnation, self.position, self.chain, self.issued_ms] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(&self.shard.index().to_le_bytes());
        write_stream_ref(&self.stream, &mut body);
        sealer.seal(Purpose::ShardIterator, &body)
    }

    /// What a token says, if it is one of ours and not too old.
    ///
    /// AWS tolerates a token in literal double quotes (reference 5.5).
    ///
    /// # Errors
    /// E8 if it was not made here or was damaged, E9 if it has expired.
    pub fn open(sealer: &Sealer, token: &str, now_ms: u64) -> Result<Self, ApiError> {
        let token = token.strip_prefix('"').and_then(|token| token.strip_suffix('"')).unwrap_or(token);
        let body = sealer.open(Purpose::ShardIterator, token);
        let iterator = body.and_then(|body| Self::read(&body)).ok_or_else(refusals::bad_iterator)?;
        if now_ms.saturating_sub(iterator.issued_ms) > ITERATOR_TTL_MS {
            return Err(refusals::expired_iterator(iterator.issued_ms, now_ms, ITERATOR_TTL_MS));
        }
        Ok(iterator)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let (incarnation, rest) = read_u64(body)?;
        let (position, rest) = read_u64(rest)?;
        let (chain, rest) = read_u64(rest)?;
        let (issued_ms, rest) = read_u64(rest)?;
        let (shard, rest) = rest.split_first_chunk::<4>()?;
        let shard = ShardId::new(u32::from_le_bytes(*shard))?;
        let (stream, _) = read_stream_ref(rest)?;
        Some(Self { stream, incarnation, shard, position, chain, issued_ms })
    }
}

/// Writes account, region and name.
pub(super) fn write_stream_ref(stream: &StreamRef, out: &mut Vec<u8>) {
    for text in [&*stream.scope.account.to_string(), stream.scope.region.as_str(), stream.name.as_str()] {
        // Each is at most 128 characters long by its type.
        out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(text.as_bytes());
    }
}

/// Reads what [`write_stream_ref`] wrote, and the rest.
pub(super) fn read_stream_ref(body: &[u8]) -> Option<(StreamRef, &[u8])> {
    let (account, rest) = read_text(body)?;
    let (region, rest) = read_text(rest)?;
    let (name, rest) = read_text(rest)?;
    let scope = Scope { account: AccountId::parse(account)?, region: Region::parse(region)? };
    Some((StreamRef { scope, name: StreamName::parse(name)? }, rest))
}

/// Reads one number, and the rest.
pub(super) fn read_u64(body: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = body.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn read_text(body: &[u8]) -> Option<(&str, &[u8])> {
    let (&len, rest) = body.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(len))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    const NOW_MS: u64 = 1_583_283_760_000;

    fn iterator(name: &str, numbers: [u64; 3], shard: u32) -> ShardIterator {
        let scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
        let [incarnation, position, chain] = numbers;
        ShardIterator {
            stream: StreamRef { scope, name: StreamName::parse(name).unwrap() },
            incarnation,
            shard: ShardId::new(shard).unwrap(),
            position,
            chain,
            issued_ms: NOW_MS,
        }
    }

    /// Protects: a token lives 300 s, no more and no less, and says so in AWS's words.
    #[test]
    fn tokens_expire() {
        let sealer = Sealer::new([1; 16]);
        let token = iterator("s", [1, 2, 3], 0).seal(&sealer);
        assert!(ShardIterator::open(&sealer, &token, NOW_MS + 300_000).is_ok());
        let error = ShardIterator::open(&sealer, &token, NOW_MS + 300_001).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ExpiredIterator);
        assert_eq!(
            error.message.unwrap(),
            "Iterator expired. The iterator was created at time Wed Mar 04 01:02:40 UTC 2020 while right now it is \
             Wed Mar 04 01:07:40 UTC 2020 which is further in the future than the tolerated delay of 300000 \
             milliseconds."
        );
    }

    /// Protects: literal quotes are tolerated, nonsense is E8.
    #[test]
    fn quotes_and_nonsense() {
        let sealer = Sealer::new([1; 16]);
        let token = iterator("s", [1, 2, 3], 0).seal(&sealer);
        assert!(ShardIterator::open(&sealer, &format!("\"{token}\""), NOW_MS).is_ok());
        for nonsense in ["", "AAAAAAAAAAbad", "\"", "é", &token[1..]] {
            assert_eq!(ShardIterator::open(&sealer, nonsense, NOW_MS), Err(refusals::bad_iterator()));
        }
    }

    proptest! {
        /// Protects: whatever goes in comes out, and fits AWS's 512 characters.
        #[test]
        fn round_trips(name in "[a-zA-Z0-9_.-]{1,128}", numbers in any::<[u64; 3]>(), shard in 0..1_u32 << 31) {
            let sealer = Sealer::new([1; 16]);
            let iterator = iterator(&name, numbers, shard);
            let token = iterator.seal(&sealer);
            prop_assert!(token.len() <= 512);
            prop_assert_eq!(ShardIterator::open(&sealer, &token, NOW_MS), Ok(iterator));
        }
    }
}
