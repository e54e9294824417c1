//! A request or reply as a tree, free of any wire format.
//!
//! Codecs in `protocol` turn bytes into a [`Value`] and back; operations read and build it through
//! `operation::schema`. The record path (PutRecord, PutRecords, GetRecords) does not pass through here
//! unless something is wrong with the request and the exact error text is wanted.

use std::borrow::Cow;

/// One node of the tree. Strings and blobs borrow from the request where they can.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`; the same as absent in a request.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text. In a JSON request a blob is still its base64 text.
    String(Cow<'a, str>),
    /// Decoded bytes; in a request, only CBOR has them.
    Blob(Cow<'a, [u8]>),
    /// Epoch milliseconds. JSON writes seconds with a fraction, and its requests hold plain numbers of those.
    TimestampMs(u64),
    /// A list.
    List(Vec<Value<'a>>),
    /// A structure or map, in the order it came.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Text that is owned or borrowed, as the caller has it.
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    /// A structure from its members, in the order given.
    pub fn structure<const N: usize>(members: [(&'a str, Value<'a>); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
    }

    /// The member of a structure; the last of several with one name. `None` for anything but a map.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Map(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}
