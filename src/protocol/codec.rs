//! Which wire format a request speaks, from its `Content-Type`; the answer speaks the same (reference 1.1).

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
