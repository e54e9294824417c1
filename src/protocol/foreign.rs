//! Requests that are meant for another AWS service, and an answer that tells so.
//!
//! A client of several services is easily pointed at one endpoint for all of them (the KCL keeps its leases
//! in DynamoDB and its metrics in CloudWatch). AWS would answer with a bare exception; here the text names
//! the mistake, in a form that the SDK of that other service can print.

use super::answer::{Answer, escape_xml, json_error};
use super::cbor;
use super::codec::{Codec, essence};
use super::head::query_value;
use crate::operation::refusals;

/// Target prefixes that carry no date and so cannot be recognised by their form.
const DATELESS_PREFIXES: [&str; 10] = [
    "AmazonSQS",
    "AmazonSSM",
    "AWSCognitoIdentityProviderService",
    "AWSCognitoIdentityService",
    "AWSEvents",
    "AWSGlue",
    "AWSStepFunctions",
    "CertificateManager",
    "TrentService",
    "secretsmanager",
];

const JSON_1_0: &str = "application/x-amz-json-1.0";

/// Whether the prefix of a target is that of another AWS service: a name and a date, such as
/// `DynamoDB_20120810` or `GraniteServiceVersion20100801`, or one of the known names without.
pub(super) fn is_foreign_prefix(prefix: &str) -> bool {
    if DATELESS_PREFIXES.contains(&prefix) {
        return true;
    }
    let name = prefix.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let date = &prefix[name.len()..];
    let is_named = name.ends_with(['_', 'n', 'v', 'V']) && name.len() > 1;
    is_named && date.len() == 8 && date.starts_with("20") && name != "Kinesis_"
}

/// Whether a credential scope names another service than this one.
pub(super) fn is_foreign_service(service: Option<&[u8]>) -> bool {
    service.is_some_and(|service| service != b"kinesis" && !service.eq_ignore_ascii_case(b"kinesis"))
}

/// Whether a request speaks the query protocol, in which the operation is a form field.
pub(super) fn is_form(content_type: &[u8]) -> bool {
    essence(content_type).eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Whether a request is of the older JSON protocol, which Kinesis does not speak and DynamoDB does.
pub(super) fn is_json_1_0(content_type: &[u8]) -> bool {
    essence(content_type).eq_ignore_ascii_case(JSON_1_0.as_bytes())
}

/// The operation that a form asks for; `None` unless it is a plain name.
pub(super) fn form_action(body: &[u8]) -> Option<&str> {
    let action = query_value(std::str::from_utf8(body).ok()?, "Action")?;
    (!action.is_empty() && action.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(action)
}

/// The answer to a request for `what`, in the format that the content type asks for; XML where it asks for
/// none.
pub(super) fn foreign_answer(content_type: &[u8], what: &str) -> Answer {
    let error = refusals::other_service(what);
    let json = [JSON_1_0, Codec::Json.content_type(), Codec::ApplicationJson.content_type()];
    let cbor = ["application/cbor", Codec::Cbor.content_type()];
    let is_asked = |offered: &&&'static str| essence(content_type).eq_ignore_ascii_case(offered.as_bytes());
    let (content_type, body) = if let Some(content_type) = json.iter().find(is_asked) {
        (*content_type, json_error(&error))
    } else if let Some(content_type) = cbor.iter().find(is_asked) {
        (*content_type, cbor::write_error(error.kind.name(), error.message.as_deref()))
    } else {
        let message = escape_xml(error.message.as_deref().unwrap_or_default());
        let code = error.kind.name();
        let body = format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        ("text/xml", body.into_bytes())
    };
    Answer { status: 400, content_type: Some(content_type), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other services are recognised by form or by name; nonsense and Kinesis itself are not.
    #[test]
    fn prefixes() {
        for prefix in [
            "DynamoDB_20120810",
            "DynamoDBStreams_20120810",
            "GraniteServiceVersion20100801",
            "Logs_20140328",
            "Firehose_20150804",
            "AmazonEC2ContainerServiceV20141113",
            "KinesisAnalytics_20180523",
            "TrentService",
            "secretsmanager",
        ] {
            assert!(is_foreign_prefix(prefix), "{prefix}");
        }
        for prefix in [
            "",
            "Kinesis_20131202",
            "Kinesis_20121202",
            "Whatever",
            "_20131202",
            "20131202",
            "A_1",
            "Aé20131202",
        ] {
            assert!(!is_foreign_prefix(prefix), "{prefix}");
        }
    }

    /// The action of a form is printed only if it looks like one.
    #[test]
    fn actions() {
        assert_eq!(form_action(b"Version=1&Action=GetCallerIdentity"), Some("GetCallerIdentity"));
        for body in [&b"Action="[..], b"Action=<b>", b"Version=1", b"\xff", b""] {
            assert_eq!(form_action(body), None);
        }
    }

    /// One sentence, in the three formats.
    #[test]
    fn formats() {
        let text = "shardmill serves Amazon Kinesis Data Streams only; this request is for DynamoDB_20120810.ListTables. \
                    Point that client's endpoint elsewhere.";
        let what = "DynamoDB_20120810.ListTables";
        let json = foreign_answer(b"application/x-amz-json-1.0; charset=utf-8", what);
        assert_eq!((json.status, json.content_type), (400, Some("application/x-amz-json-1.0")));
        let expected = format!(r#"{{"__type":"UnknownOperationException","message":"{text}"}}"#);
        assert_eq!(std::str::from_utf8(&json.body), Ok(expected.as_str()));
        let cbor = foreign_answer(b"application/cbor", what);
        assert_eq!(cbor.body, cbor::write_error("UnknownOperationException", Some(text)));
        let xml = foreign_answer(b"", what);
        let expected = format!(
            "<ErrorResponse><Error><Code>UnknownOperationException</Code><Message>{text}</Message></Error></ErrorResponse>"
        );
        assert_eq!(
            (xml.content_type, std::str::from_utf8(&xml.body)),
            (Some("text/xml"), Ok(expected.as_str()))
        );
    }
}
