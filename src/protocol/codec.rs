//! Which wire format a request speaks, from its `Content-Type`; the answer speaks the same (reference 1.1).
//!
//! And the three things that every format does: bytes to a document, a document to an operation's input, a document to
//! bytes.

use super::json::JsonScratch;
use super::{cbor, json};
use crate::document::Value;
use crate::error::ApiError;
use crate::operation::schema::{self, Input, shapes::Structure};

/// The deepest nesting that is read; the deepest input of the model has 4 levels.
pub(super) const DEPTH_MAX: usize = 64;
/// The most values and names that are read: a full PutRecords has under 5,000, and a tree of millions would cost
/// far more memory than the body that asked for it.
pub(super) const NODES_MAX: usize = 1 << 16;

/// A body that does not decode to an object (reference 1.6, rule 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A wire format of Kinesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// `application/x-amz-json-1.1`
    Json,
    /// `application/x-amz-cbor-1.1`
    Cbor,
    /// `application/json`, which AWS turns away (reference 1.6, rule 5). Here it is JSON like any other,
    /// because that is what someone with curl sends first.
    ApplicationJson,
}

impl Codec {
    /// The codec of a `Content-Type` value; parameters and blanks around it mean nothing, nor does case.
    #[must_use]
    pub fn from_content_type(content_type: &[u8]) -> Option<Self> {
        // As nearly every client spells it.
        if content_type == Self::Json.content_type().as_bytes() {
            return Some(Self::Json);
        }
        let essence = essence(content_type);
        [Self::Json, Self::Cbor, Self::ApplicationJson]
            .into_iter()
            .find(|codec| essence.eq_ignore_ascii_case(codec.content_type().as_bytes()))
    }

    /// The `Content-Type` of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/x-amz-cbor-1.1",
            Self::ApplicationJson => "application/json",
        }
    }

    /// Reads a body, which is spoilt after: JSON is read in place.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(super) fn parse<'a>(
        self,
        body: &'a mut [u8],
        scratch: &mut JsonScratch,
    ) -> Result<Value<'a>, Malformed> {
        match self {
            Self::Json | Self::ApplicationJson => json::parse(body, scratch),
            Self::Cbor => cbor::parse(body),
        }
    }

    /// Reads a request's document as an operation's input.
    ///
    /// # Errors
    /// What AWS answers to a wrong type or a broken constraint.
    pub(super) fn read<'a>(
        self,
        structure: &'static Structure,
        document: Value<'a>,
    ) -> Result<Input<'a>, ApiError> {
        match self {
            Self::Json | Self::ApplicationJson => schema::read(structure, document),
            Self::Cbor => schema::read_binary(structure, document),
        }
    }

    /// Appends the bytes of an answer's document.
    pub(super) fn write(self, document: &Value<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json | Self::ApplicationJson => json::write(document, out),
            Self::Cbor => cbor::write(document, out),
        }
    }
}

/// A media type without its parameters.
pub(super) fn essence(content_type: &[u8]) -> &[u8] {
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters, blanks and case do not matter; anything else is no codec.
    #[test]
    fn content_types() {
        for (content_type, codec) in [
            ("application/x-amz-json-1.1", Some(Codec::Json)),
            (" application/x-amz-json-1.1 ; charset=utf-8", Some(Codec::Json)),
            ("Application/X-Amz-Json-1.1", Some(Codec::Json)),
            ("application/x-amz-cbor-1.1", Some(Codec::Cbor)),
            ("application/json;charset=UTF-8", Some(Codec::ApplicationJson)),
            ("application/x-amz-json-1.0", None),
            ("text/plain", None),
            ("", None),
        ] {
            assert_eq!(Codec::from_content_type(content_type.as_bytes()), codec, "{content_type}");
        }
    }
}
