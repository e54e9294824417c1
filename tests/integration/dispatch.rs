//! Requests that never reach an operation: one of each class of reference 1.6, sent and compared as bytes.

use crate::client::{Answer, request};
use crate::setup::{JSON, SIGNED, TestServer};

const CBOR: &str = "application/x-amz-cbor-1.1";
const LIST: (&str, &str) = ("X-Amz-Target", "Kinesis_20131202.ListStreams");

fn ask(server: &TestServer, line: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut connection = server.connect();
    connection.send(request(line, fields, body));
    connection.answer()
}

/// Protects: rule 2, what is not a POST gets the front end's answer by credentials and target, without a media type.
#[test]
fn other_methods() {
    let server = TestServer::start();
    let missing = "<MissingAuthenticationTokenException>\n  <Message>Missing Authentication Token</Message>\n\
                   </MissingAuthenticationTokenException>\n";
    let denied = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized\
                  </Message>\n</AccessDeniedException>\n";
    let unknown_service = "<UnrecognizedClientException>\n  <Message>No authorization strategy was found for service: \
                           Whatever, operation: Do</Message>\n</UnrecognizedClientException>\n";
    let both = "<InvalidSignatureException>\n  <Message>Found both 'X-Amz-Algorithm' as a query-string param and \
                'Authorization' as HTTP header.</Message>\n</InvalidSignatureException>\n";
    let [authorization, date] = SIGNED;
    for (line, fields, status, body) in [
        ("GET /", &[][..], 403, missing),
        ("PUT /any/path", &[LIST], 403, missing),
        ("GET /", &[authorization, date], 403, denied),
        ("DELETE /", &[authorization, date, ("X-Amz-Target", "Whatever.Do")], 403, unknown_service),
        ("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256", &[authorization, date], 403, both),
        ("OPTIONS /", &[authorization, date, LIST], 404, "<UnknownOperationException/>\n"),
        (
            "GET /",
            &[authorization, date, ("X-Amz-Target", "Kinesis_20131202.Nothing")],
            500,
            "<InternalFailure/>\n",
        ),
    ] {
        let answer = ask(&server, line, fields, b"");
        assert_eq!(
            (answer.both(), answer.header("content-type")),
            ((status, body), None),
            "{line} {fields:?}"
        );
    }
}

/// Protects: rule 2 for a POST of a media type that is no codec.
#[test]
fn unknown_codecs() {
    let server = TestServer::start();
    let fields = [SIGNED[0], SIGNED[1], LIST, ("Content-Type", "text/plain")];
    let answer = ask(&server, "POST /", &fields, b"{}");
    assert_eq!(answer.both(), (404, "<UnknownOperationException/>\n"));
    assert_eq!(answer.header("content-type"), None);
}

/// Protects: rules 3 and 4, a missing or unreadable body is told before missing credentials; an empty body is
/// answered in CBOR unless JSON was named.
#[test]
fn unreadable_bodies() {
    let server = TestServer::start();
    let json = ("Content-Type", JSON);
    let unreadable = r#"{"__type":"SerializationException"}"#;
    let unknown = r#"{"__type":"UnknownOperationException"}"#;
    for (fields, body, expected) in [
        (&[json, LIST][..], "", unreadable),
        (&[json], "", unknown),
        (&[json, LIST], "hello", unreadable),
        (&[json, LIST], "true", unreadable),
        (&[json, LIST], "null", unreadable),
        (&[json, LIST], "[]", unreadable),
        (&[json, LIST], r#"{"Limit":"#, unreadable),
    ] {
        let answer = ask(&server, "POST /", fields, body.as_bytes());
        assert_eq!((answer.both(), answer.header("content-type")), ((400, expected), Some(JSON)), "{body}");
    }
    let answer = ask(&server, "POST /", &[LIST], b"");
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(CBOR)));
    assert!(answer.body.windows(22).any(|text| text == b"SerializationException"), "{answer:?}");
}

/// Protects: rules 6 and 7, an unknown operation is told before missing credentials, and those with status 400.
#[test]
fn operations_before_credentials() {
    let server = TestServer::start();
    let json = ("Content-Type", JSON);
    let missing =
        r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#;
    let incomplete = r#"{"__type":"IncompleteSignatureException","message":"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=nonsense"}"#;
    for (fields, expected) in [
        (
            &[json, ("X-Amz-Target", "Kinesis_20131202.Nothing")][..],
            r#"{"__type":"UnknownOperationException"}"#,
        ),
        (&[json, ("X-Amz-Target", "Whatever.ListStreams")], r#"{"__type":"UnknownOperationException"}"#),
        (&[json, LIST], missing),
        (&[json, LIST, ("Authorization", "nonsense")], incomplete),
    ] {
        let answer = ask(&server, "POST /", fields, b"{}");
        assert_eq!(answer.both(), (400, expected), "{fields:?}");
    }
}

/// Protects: a presigned query serves as credentials, and one that lacks its parts is told which.
#[test]
fn presigned_queries() {
    let server = TestServer::start();
    let fields = [("Content-Type", JSON), LIST];
    let line = "POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20231114%2Fus-east-1%2Fkinesis\
                %2Faws4_request&X-Amz-Signature=a&X-Amz-SignedHeaders=host&X-Amz-Date=20231114T221320Z";
    assert_eq!(ask(&server, line, &fields, b"{}").status, 200);
    let answer = ask(&server, "POST /?X-Amz-Algorithm=x&X-Amz-Credential=&X-Amz-Signature=a", &fields, b"{}");
    let expected = r#"{"__type":"IncompleteSignatureException","message":"AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."}"#;
    assert_eq!(answer.both(), (400, expected));
}

/// Protects: someone with curl and `application/json` is served, in the media type that was sent.
#[test]
fn plain_json_is_served() {
    let server = TestServer::start();
    let fields = [SIGNED[0], SIGNED[1], LIST, ("Content-Type", "application/json; charset=utf-8")];
    let answer = ask(&server, "POST /", &fields, b"{}");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
}

/// Protects: what is not built says so, in the codec of its request, and is never a fake success.
#[test]
fn not_built_says_so() {
    let server = TestServer::start();
    let [authorization, date] = SIGNED;
    let queue = ("X-Amz-Target", "Kinesis_20131202.CreateQueue");
    let answer = ask(&server, "POST /", &[authorization, date, ("Content-Type", JSON), queue], b"{}");
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some("NotImplementedException")));
    assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains("CreateQueue")), "{answer:?}");
    let answer = ask(&server, "POST /", &[authorization, date, ("Content-Type", CBOR), queue], b"\xbf\xff");
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(CBOR)));
    assert!(answer.body.windows(23).any(|text| text == b"NotImplementedException"), "{answer:?}");
}

/// Protects: a client of another service is told that it came to the wrong place, in its own format.
#[test]
fn foreign_services() {
    let server = TestServer::start();
    let [authorization, date] = SIGNED;
    let dynamodb = [
        authorization,
        date,
        ("Content-Type", "application/x-amz-json-1.0"),
        ("X-Amz-Target", "DynamoDB_20120810.ListTables"),
    ];
    let answer = ask(&server, "POST /", &dynamodb, b"{}");
    let text = "shardmill serves Amazon Kinesis Data Streams only; this request is for \
                DynamoDB_20120810.ListTables. Point that client's endpoint elsewhere.";
    let expected = format!(r#"{{"__type":"UnknownOperationException","message":"{text}"}}"#);
    assert_eq!(answer.both(), (400, expected.as_str()));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
    let sts = [authorization, date, ("Content-Type", "application/x-www-form-urlencoded")];
    let answer = ask(&server, "POST /", &sts, b"Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/xml")));
    assert!(answer.text().contains("this request is for GetCallerIdentity."), "{answer:?}");
}

/// Protects: the path means nothing to the service (reference 1.1).
#[test]
fn paths_are_ignored() {
    let server = TestServer::start();
    let fields = [SIGNED[0], SIGNED[1], LIST, ("Content-Type", JSON)];
    for line in ["POST /", "POST /any/path", "POST //?x=y"] {
        assert_eq!(ask(&server, line, &fields, b"{}").status, 200, "{line}");
    }
}
