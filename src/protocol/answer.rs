//! Whole answers that need no operation: errors in the codec of the request, and what is said without a
//! codec.

use super::cbor;
use super::codec::Codec;
use super::json::write_string;
use crate::error::ApiError;

/// A complete answer, but for the headers that every answer carries (`headers`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`; `None` means that the field is not sent.
    pub content_type: Option<&'static str>,
    /// The whole body; an empty one has a `Content-Length` of 0.
    pub body: Vec<u8>,
}

/// An error in the codec of its request (reference 1.2 and 1.3).
///
/// JSON spells the message of a type error `Message` and of everything else `message`; an error without a
/// message has no such member.
#[must_use]
pub fn error_answer(codec: Codec, error: &ApiError) -> Answer {
    Answer {
        status: error.kind.status(),
        content_type: Some(codec.content_type()),
        body: match codec {
            Codec::Json | Codec::ApplicationJson => json_error(error),
            Codec::Cbor => cbor::write_error(error.kind.name(), error.message.as_deref()),
        },
    }
}

/// The JSON body of an error.
pub(super) fn json_error(error: &ApiError) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + error.message.as_deref().map_or(0, str::len));
    body.extend_from_slice(b"{\"__type\":");
    write_string(error.kind.name(), &mut body);
    if let Some(message) = &error.message {
        let name: &[u8] = match error.kind.message_is_capitalised() {
            true => b",\"Message\":",
            false => b",\"message\":",
        };
        body.extend_from_slice(name);
        write_string(message, &mut body);
    }
    body.push(b'}');
    body
}

/// The answer of AWS's front end to a request that has no codec: almost XML, and no `Content-Type`
/// (reference 1.6, rule 2).
pub(super) fn front_end_answer(status: u16, error: &ApiError) -> Answer {
    let name = error.kind.name();
    let body = match &error.message {
        Some(message) => format!("<{name}>\n  <Message>{}</Message>\n</{name}>\n", escape_xml(message)),
        None => format!("<{name}/>\n"),
    };
    Answer { status, content_type: None, body: body.into_bytes() }
}

/// `&`, `<` and `>` as entities. Quotes stay, since the texts of AWS have them as they are.
pub(super) fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn body(answer: &Answer) -> &str {
        std::str::from_utf8(&answer.body).unwrap()
    }

    /// The casing quirk of 1.2, and no message member where there is no message.
    #[test]
    fn json_errors() {
        for (error, status, text) in [
            (
                ApiError::new(ErrorKind::ResourceNotFound, "Stream \"s\" not found."),
                400,
                r#"{"__type":"ResourceNotFoundException","message":"Stream \"s\" not found."}"#,
            ),
            (
                ApiError::new(ErrorKind::Serialization, "Expected null"),
                400,
                r#"{"__type":"SerializationException","Message":"Expected null"}"#,
            ),
            (ApiError::bare(ErrorKind::Serialization), 400, r#"{"__type":"SerializationException"}"#),
            (ApiError::bare(ErrorKind::InternalFailure), 500, r#"{"__type":"InternalFailure"}"#),
        ] {
            let answer = error_answer(Codec::Json, &error);
            assert_eq!((answer.status, body(&answer)), (status, text));
            assert_eq!(answer.content_type, Some("application/x-amz-json-1.1"));
        }
        let plain = error_answer(Codec::ApplicationJson, &ApiError::bare(ErrorKind::UnknownOperation));
        assert_eq!(plain.content_type, Some("application/json"));
    }

    /// CBOR errors are CBOR, with a lower-case message always.
    #[test]
    fn cbor_errors() {
        let answer = error_answer(Codec::Cbor, &ApiError::new(ErrorKind::Serialization, "m"));
        assert_eq!(answer.content_type, Some("application/x-amz-cbor-1.1"));
        assert_eq!(answer.body, cbor::write_error("SerializationException", Some("m")));
    }

    /// The front end's form, with text that cannot break out of it.
    #[test]
    fn front_end_errors() {
        let error = ApiError::new(ErrorKind::AccessDenied, "it's <b>&");
        assert_eq!(
            body(&front_end_answer(403, &error)),
            "<AccessDeniedException>\n  <Message>it's &lt;b&gt;&amp;</Message>\n</AccessDeniedException>\n"
        );
        let bare = front_end_answer(500, &ApiError::bare(ErrorKind::InternalFailure));
        assert_eq!((body(&bare), bare.content_type), ("<InternalFailure/>\n", None));
    }
}
