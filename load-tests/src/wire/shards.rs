//! Shards as answers tell of them: in ListShards, and at the end of a closed shard.

use super::answers::{optional_string, sequence_of, shard_of};
use super::scan::{Cursor, ScanError};
use crate::sequence::Sequence;

/// The hash keys of a shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The first.
    pub start: u128,
    /// The last.
    pub end: u128,
}

/// A shard that a closed one became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its index.
    pub shard: u32,
    /// Indices of what it was made of.
    pub parents: Vec<u32>,
}

/// A shard of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its index.
    pub shard: u32,
    /// Indices of what it was made of: none, the one that was split, or the two that were merged.
    pub parents: Vec<u32>,
    /// Its keys.
    pub keys: Keys,
    /// StartingSequenceNumber.
    pub starting: Sequence,
    /// EndingSequenceNumber, of a closed shard.
    pub ending: Option<Sequence>,
}

/// A page of a ListShards answer, and the token of the next one.
///
/// # Errors
/// A body that is no such answer, or a shard that lacks a part.
pub fn list_shards(body: &[u8]) -> Result<(Vec<Listed>, Option<String>), ScanError> {
    let mut cursor = Cursor::new(body);
    let (mut shards, mut token) = (None, None);
    members(&mut cursor, |cursor, name| {
        match name {
            b"Shards" => shards = Some(list(cursor, listed)?),
            b"NextToken" => {
                token = optional_string(cursor)?.map(|text| String::from_utf8_lossy(&text).into_owned());
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    cursor.end()?;
    Ok((shards.ok_or_else(|| cursor.error("Shards"))?, token))
}

fn listed(cursor: &mut Cursor<'_>) -> Result<Listed, ScanError> {
    let (mut shard, mut parent, mut adjacent) = (None, None, None);
    let (mut keys, mut starting, mut ending) = (None, None, None);
    members(cursor, |cursor, name| {
        match name {
            b"ShardId" => shard = optional_shard(cursor)?,
            b"ParentShardId" => parent = optional_shard(cursor)?,
            b"AdjacentParentShardId" => adjacent = optional_shard(cursor)?,
            b"HashKeyRange" => keys = Some(hash_key_range(cursor)?),
            b"SequenceNumberRange" => members(cursor, |cursor, name| {
                match name {
                    b"StartingSequenceNumber" => starting = optional_sequence(cursor)?,
                    b"EndingSequenceNumber" => ending = optional_sequence(cursor)?,
                    _ => cursor.skip()?,
                }
                Ok(())
            })?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    match (shard, keys, starting) {
        (Some(shard), Some(keys), Some(starting)) => {
            let parents = parent.into_iter().chain(adjacent).collect();
            Ok(Listed { shard, parents, keys, starting, ending })
        }
        _ => Err(cursor.error("ShardId, HashKeyRange and StartingSequenceNumber")),
    }
}

/// The value of a `ChildShards` member.
pub(super) fn child_shards(cursor: &mut Cursor<'_>) -> Result<Vec<Child>, ScanError> {
    if cursor.peek() == Some(b'n') { cursor.skip().map(|()| Vec::new()) } else { list(cursor, child) }
}

fn child(cursor: &mut Cursor<'_>) -> Result<Child, ScanError> {
    let (mut shard, mut parents, mut keys) = (None, None, None);
    members(cursor, |cursor, name| {
        match name {
            b"ShardId" => shard = optional_shard(cursor)?,
            b"ParentShards" => {
                parents = Some(list(cursor, |cursor| {
                    let text = cursor.string()?;
                    shard_of(cursor, &text)
                })?);
            }
            b"HashKeyRange" => keys = Some(hash_key_range(cursor)?),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    match (shard, parents, keys) {
        (Some(shard), Some(parents), Some(_)) => Ok(Child { shard, parents }),
        _ => Err(cursor.error("ShardId, ParentShards and HashKeyRange")),
    }
}

fn hash_key_range(cursor: &mut Cursor<'_>) -> Result<Keys, ScanError> {
    let (mut start, mut end) = (None, None);
    members(cursor, |cursor, name| {
        match name {
            b"StartingHashKey" => start = hash_key(cursor)?,
            b"EndingHashKey" => end = hash_key(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    match (start, end) {
        (Some(start), Some(end)) => Ok(Keys { start, end }),
        _ => Err(cursor.error("two hash keys")),
    }
}

fn hash_key(cursor: &mut Cursor<'_>) -> Result<Option<u128>, ScanError> {
    let text = cursor.string()?;
    Ok(std::str::from_utf8(&text).ok().and_then(|digits| digits.parse().ok()))
}

fn optional_shard(cursor: &mut Cursor<'_>) -> Result<Option<u32>, ScanError> {
    let text = optional_string(cursor)?;
    text.map(|text| shard_of(cursor, &text)).transpose()
}

fn optional_sequence(cursor: &mut Cursor<'_>) -> Result<Option<Sequence>, ScanError> {
    let text = optional_string(cursor)?;
    text.map(|text| sequence_of(cursor, &text)).transpose()
}

/// Takes an object and hands over the name of each member, with the cursor before its value.
fn members<'a>(
    cursor: &mut Cursor<'a>,
    mut member: impl FnMut(&mut Cursor<'a>, &[u8]) -> Result<(), ScanError>,
) -> Result<(), ScanError> {
    let mut first = true;
    cursor.take(b'{', "an object")?;
    while cursor.more(b'}', &mut first)? {
        let name = cursor.name()?;
        member(cursor, &name)?;
    }
    Ok(())
}

fn list<'a, T>(
    cursor: &mut Cursor<'a>,
    mut item: impl FnMut(&mut Cursor<'a>) -> Result<T, ScanError>,
) -> Result<Vec<T>, ScanError> {
    let (mut items, mut first) = (Vec::new(), true);
    cursor.take(b'[', "a list")?;
    while cursor.more(b']', &mut first)? {
        items.push(item(cursor)?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page as a server may dress it: closed, split and merged shards, members in any order, nulls, more than is known.
    #[test]
    fn pages_are_read() {
        let body = r#"{ "NextToken" : "AAA=", "Shards" : [
            {"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"},
             "SequenceNumberRange":{"StartingSequenceNumber":"12","EndingSequenceNumber":"15","New":[1]}},
            {"ParentShardId":"shardId-000000000000","AdjacentParentShardId":"shardId-000000000001","ShardId":"shardId-000000000002",
             "SequenceNumberRange":{"EndingSequenceNumber":null,"StartingSequenceNumber":"20"},
             "HashKeyRange":{"EndingHashKey":"9","StartingHashKey":"5"}} ] }"#;
        let sequence = |text: &str| Sequence::parse(text.as_bytes()).unwrap();
        let whole = Listed {
            shard: 0,
            parents: vec![],
            keys: Keys { start: 0, end: u128::MAX },
            starting: sequence("12"),
            ending: Some(sequence("15")),
        };
        let merged = Listed {
            shard: 2,
            parents: vec![0, 1],
            keys: Keys { start: 5, end: 9 },
            starting: sequence("20"),
            ending: None,
        };
        assert_eq!(list_shards(body.as_bytes()), Ok((vec![whole, merged], Some("AAA=".to_owned()))));
        assert_eq!(list_shards(br#"{"Shards":[],"NextToken":null}"#), Ok((vec![], None)));
    }

    #[test]
    fn broken_pages_are_errors() {
        for body in [
            "{}",
            r#"{"Shards":[{}]}"#,
            r#"{"Shards":[{"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#,
            r#"{"Shards":[{"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"-1"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#,
            r#"{"Shards":[{"ShardId":"0","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#,
        ] {
            assert!(list_shards(body.as_bytes()).is_err(), "{body}");
        }
    }
}
