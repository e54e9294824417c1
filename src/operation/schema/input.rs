//! A request's members after the checks: typed, in the order of the structure, and free of any wire format.

use super::shapes::Structure;
use std::borrow::Cow;

/// One value of a checked request.
#[derive(Debug, Clone, PartialEq)]
pub enum Member<'a> {
    /// Absent, or `null`.
    Null,
    /// Text.
    String(Cow<'a, str>),
    /// A whole number within 32 bits.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Epoch milliseconds.
    TimestampMs(u64),
    /// Decoded bytes.
    Blob(Cow<'a, [u8]>),
    /// A nested structure.
    Structure(Input<'a>),
    /// A list; no element of a checked list is [`Member::Null`].
    List(Vec<Member<'a>>),
    /// A map without duplicate keys, in the order of the request.
    Map(Vec<(Cow<'a, str>, Cow<'a, str>)>),
}

/// A structure whose members have the types and keep the constraints of the model.
///
/// The getters take the member's name in the model. A name that the structure does not have is a mistake of
/// the calling code, caught in debug builds; in release builds it reads as absent.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    pub(super) structure: &'static Structure,
    /// One for each member of the structure, in its order.
    pub(super) members: Vec<Member<'a>>,
}

impl PartialEq for Input<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.structure, other.structure) && self.members == other.members
    }
}

impl<'a> Input<'a> {
    fn member(&self, name: &str) -> &Member<'a> {
        let index = self.structure.members.iter().position(|member| member.name == name);
        debug_assert!(index.is_some(), "{} has no member {name}", self.structure.name);
        index.and_then(|index| self.members.get(index)).unwrap_or(&Member::Null)
    }

    /// A text member.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<&str> {
        match self.member(name) {
            Member::String(text) => Some(text),
            _ => None,
        }
    }

    /// A number, clamped to 32 bits as Kinesis does.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.member(name) {
            Member::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// A truth value.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.member(name) {
            Member::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// A point in time, in epoch milliseconds.
    #[must_use]
    pub fn timestamp_ms(&self, name: &str) -> Option<u64> {
        match self.member(name) {
            Member::TimestampMs(time_ms) => Some(*time_ms),
            _ => None,
        }
    }

    /// Decoded bytes.
    #[must_use]
    pub fn blob(&self, name: &str) -> Option<&[u8]> {
        match self.member(name) {
            Member::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A nested structure.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&Input<'a>> {
        match self.member(name) {
            Member::Structure(input) => Some(input),
            _ => None,
        }
    }

    /// A list of any element shape.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&[Member<'a>]> {
        match self.member(name) {
            Member::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The structures of a list of structures, in order; nothing if the list is absent.
    pub fn structures(&self, name: &str) -> impl Iterator<Item = &Input<'a>> {
        self.list(name).unwrap_or_default().iter().filter_map(|element| match element {
            Member::Structure(input) => Some(input),
            _ => None,
        })
    }

    /// A map from text to text, each key once.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&[(Cow<'a, str>, Cow<'a, str>)]> {
        match self.member(name) {
            Member::Map(entries) => Some(entries),
            _ => None,
        }
    }
}
