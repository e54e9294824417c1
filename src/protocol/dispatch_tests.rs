//! The order of reference 1.6, rule by rule; rows A2, A3 and A11; other services; what is not built.

use super::super::answer::error_answer;
use super::super::cbor;
use super::super::head::tests::Fields;
use super::*;
use crate::error::ErrorKind;
use crate::names::{AccountId, Region};

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=123456789012/20240101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=ab";
const PUT: &str = "Kinesis_20131202.PutRecords";
const UNKNOWN: &str = "{\"__type\":\"UnknownOperationException\"}";
const SERIALIZATION: &str = "{\"__type\":\"SerializationException\"}";

/// A request under construction.
#[derive(Clone)]
struct Request {
    method: &'static str,
    query: Option<&'static str>,
    fields: Fields,
}

impl Request {
    fn new(method: &'static str) -> Self {
        Self { method, query: None, fields: Fields::default() }
    }

    /// A POST of JSON to a target, signed.
    fn good(target: &str) -> Self {
        Self::new("POST").with("content-type", JSON).with("x-amz-target", target).signed()
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.0.retain(|(field, _)| *field != name);
        self.fields.0.push((name, value.to_owned()));
        self
    }

    fn signed(self) -> Self {
        self.signed_as(SIGNED)
    }

    fn signed_as(self, authorization: &str) -> Self {
        self.with("authorization", authorization).with("x-amz-date", "20240101T000000Z")
    }

    fn unsigned(self) -> Self {
        self.with("authorization", "")
    }

    fn head(&self) -> RequestHead<'_, Fields> {
        RequestHead { method: self.method, path: "/", query: self.query, headers: &self.fields }
    }

    fn resolved(&self, body: Body<'_>) -> Result<(Operation, Caller<'static>), Answer> {
        match classify(&self.head()) {
            Class::Preflight(answer) | Class::Refused(answer) => Err(answer),
            Class::Post(post) => resolve(&self.head(), &post, body, None),
        }
    }

    /// Checks status, content type and text of the answer that refuses the request.
    fn check(&self, body: Body<'_>, status: u16, content_type: Option<&str>, text: &str) {
        let answer = self.resolved(body).unwrap_err();
        assert_eq!(
            (answer.status, answer.content_type, std::str::from_utf8(&answer.body).unwrap()),
            (status, content_type, text),
            "{:?}",
            self.fields
        );
    }

    fn check_error(&self, body: Body<'_>, codec: Codec, error: &ApiError) {
        assert_eq!(self.resolved(body).unwrap_err(), error_answer(codec, error), "{:?}", self.fields);
    }
}

/// The ordinary case: operation and caller come out, in either JSON.
#[test]
fn good_requests() {
    for content_type in [JSON, "application/json", "application/x-amz-json-1.1; charset=utf-8"] {
        let (operation, caller) =
            Request::good(PUT).with("content-type", content_type).resolved(Body::Object).unwrap();
        assert_eq!(operation, Operation::PutRecords);
        assert_eq!(caller.account, AccountId::parse("123456789012"));
        assert_eq!(caller.region, Region::parse("eu-west-1"));
    }
}

/// Rule 1, and that it needs both the method and the origin.
#[test]
fn preflight() {
    let request = Request::new("OPTIONS").with("origin", "x");
    assert!(matches!(classify(&request.head()), Class::Preflight(_)));
    request.check(Body::Empty, 200, None, "");
    assert!(matches!(classify(&Request::new("OPTIONS").head()), Class::Refused(_)));
}

/// Rule 2 in its order, for other methods and for bodies of other content types.
#[test]
fn unreadable_requests() {
    let both = "<InvalidSignatureException>\n  <Message>Found both 'X-Amz-Algorithm' as a query-string param and \
                'Authorization' as HTTP header.</Message>\n</InvalidSignatureException>\n";
    let body = Body::Raw(b"hello");
    for request in [
        Request::new("GET"),
        Request::new("PUT"),
        Request::new("DELETE"),
        Request::new("OPTIONS"),
        Request::new("POST"),
        Request::new("POST").with("content-type", "text/plain"),
        Request::new("POST").with("content-type", "application/x-www-form-urlencoded"),
    ] {
        let mut presigned = request.clone();
        presigned.query = Some("X-Amz-Algorithm");
        presigned.clone().signed_as("x").check(body, 403, None, both);
        let text = presigned.resolved(body).unwrap_err().body;
        assert!(text.starts_with(b"<IncompleteSignatureException>\n  <Message>AWS query-string parameters"));
        let text = request.clone().signed_as("x").resolved(body).unwrap_err().body;
        assert!(
            text.starts_with(b"<IncompleteSignatureException>\n  <Message>Authorization header requires")
        );
        request.check(
            body,
            403,
            None,
            "<MissingAuthenticationTokenException>\n  <Message>Missing Authentication Token</Message>\n\
             </MissingAuthenticationTokenException>\n",
        );
        let signed = request.signed();
        for (target, service, operation) in [
            ("Some.Thing", "Some", "Thing"),
            ("DynamoDB_20120810.ListTables", "DynamoDB_20120810", "ListTables"),
        ] {
            let text = format!(
                "<UnrecognizedClientException>\n  <Message>No authorization strategy was found for service: {service}, \
                 operation: {operation}</Message>\n</UnrecognizedClientException>\n"
            );
            signed.clone().with("x-amz-target", target).check(body, 403, None, &text);
        }
        let unknown = signed.clone().with("x-amz-target", "Kinesis_20131202.Nope");
        unknown.check(body, 500, None, "<InternalFailure/>\n");
        signed.clone().with("x-amz-target", PUT).check(body, 404, None, "<UnknownOperationException/>\n");
        signed.check(
            body,
            403,
            None,
            "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n\
             </AccessDeniedException>\n",
        );
    }
}

/// Rule 3: before authentication, and in CBOR unless the content type is exactly AWS's JSON.
#[test]
fn empty_bodies() {
    let target = |target| Request::new("POST").with("x-amz-target", target);
    target(PUT).with("content-type", JSON).check(Body::Empty, 400, Some(JSON), SERIALIZATION);
    for unknown in [target("Kinesis_20131202.Nope"), target("Whatever"), Request::new("POST")] {
        unknown.with("content-type", JSON).check(Body::Empty, 400, Some(JSON), UNKNOWN);
    }
    for content_type in ["", CBOR, "application/json", "text/plain"] {
        let request = target(PUT).with("content-type", content_type);
        let answer = request.resolved(Body::Empty).unwrap_err();
        assert_eq!((answer.status, answer.content_type), (400, Some(CBOR)));
        assert_eq!(answer.body, cbor::write_error("SerializationException", None));
        let answer = request.with("x-amz-target", "x").resolved(Body::Empty).unwrap_err();
        assert_eq!(answer.body, cbor::write_error("UnknownOperationException", None));
    }
}

/// Rules 4 and 6 come before rule 7: a bad body, then a bad name, then missing credentials.
#[test]
fn order_of_post_errors() {
    let nothing = Request::new("POST").with("content-type", JSON);
    nothing.check(Body::Malformed, 400, Some(JSON), SERIALIZATION);
    nothing.check(Body::Object, 400, Some(JSON), UNKNOWN);
    nothing.clone().with("x-amz-target", "Kinesis_20131202.Nope").check(
        Body::Object,
        400,
        Some(JSON),
        UNKNOWN,
    );
    nothing.clone().with("x-amz-target", "Whatever.PutRecords").check(Body::Object, 400, Some(JSON), UNKNOWN);
    nothing.clone().with("x-amz-target", PUT).check(Body::Malformed, 400, Some(JSON), SERIALIZATION);
    let text = r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#;
    nothing.with("x-amz-target", PUT).check(Body::Object, 400, Some(JSON), text);
    let unbuilt = Request::good("Kinesis_20131202.CreateQueue").unsigned();
    unbuilt.check(Body::Object, 400, Some(JSON), text);
    let plain = Request::good(PUT).unsigned().with("content-type", "application/json");
    plain.check(Body::Object, 400, Some("application/json"), text);
}

/// A presigned POST is as good as a signed one.
#[test]
fn presigned() {
    let mut request = Request::good(PUT).unsigned();
    request.query = Some(
        "X-Amz-Algorithm=a&X-Amz-Credential=AKID%2F20240101%2Feu-west-1%2Fkinesis%2Faws4_request\
         &X-Amz-Signature=c&X-Amz-SignedHeaders=host&X-Amz-Date=d",
    );
    let (_, caller) = request.resolved(Body::Object).unwrap();
    assert_eq!((caller.account, caller.region), (None, Region::parse("eu-west-1")));
}

/// Known operations that are not built say so by name.
#[test]
fn not_built() {
    let text =
        r#"{"__type":"NotImplementedException","message":"shardmill does not implement CreateQueue yet."}"#;
    Request::good("Kinesis_20131202.CreateQueue").check(Body::Object, 400, Some(JSON), text);
}

/// Rules 4, 6 and 7 hold for CBOR as they do for JSON, and their answers are CBOR.
#[test]
fn cbor_requests() {
    let request = Request::good(PUT).with("content-type", CBOR);
    assert!(matches!(request.resolved(Body::Object), Ok((Operation::PutRecords, _))));
    let error = |kind| ApiError::bare(kind);
    let nothing = request.clone().unsigned().with("x-amz-target", "Kinesis_20131202.Nope");
    nothing.check_error(Body::Malformed, Codec::Cbor, &error(ErrorKind::Serialization));
    nothing.check_error(Body::Object, Codec::Cbor, &error(ErrorKind::UnknownOperation));
    let missing = ApiError::new(ErrorKind::MissingAuthenticationToken, "Missing Authentication Token");
    request.unsigned().check_error(Body::Object, Codec::Cbor, &missing);
}

/// Another service's client learns what it did wrong, in its own format, signed or not where the target
/// tells.
#[test]
fn other_services() {
    let text = |what: &str| {
        format!(
            "shardmill serves Amazon Kinesis Data Streams only; this request is for {what}. \
             Point that client's endpoint elsewhere."
        )
    };
    let json = |what: &str| format!(r#"{{"__type":"UnknownOperationException","message":"{}"}}"#, text(what));
    let xml = |what: &str| {
        format!(
            "<ErrorResponse><Error><Code>UnknownOperationException</Code><Message>{}</Message></Error></ErrorResponse>",
            text(what)
        )
    };
    let dynamodb = SIGNED.replace("kinesis", "dynamodb");
    let sts = SIGNED.replace("kinesis", "sts");
    let json_1_0 = "application/x-amz-json-1.0";
    let tables = "DynamoDB_20120810.ListTables";
    let metrics = "GraniteServiceVersion20100801.PutMetricData";
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let (object, raw) = (Body::Object, Body::Raw(b"{}"));
    Request::good(tables).unsigned().check(object, 400, Some(JSON), &json(tables));
    Request::good(tables).with("content-type", json_1_0).check(raw, 400, Some(json_1_0), &json(tables));
    Request::good(metrics).signed_as(&dynamodb).check(object, 400, Some(JSON), &json(metrics));
    Request::good(PUT).signed_as(&dynamodb).check(object, 400, Some(JSON), &json("dynamodb"));
    Request::new("POST").signed_as(&dynamodb).check(raw, 400, Some("text/xml"), &xml("dynamodb"));
    Request::new("GET").signed_as(&dynamodb).check(Body::Empty, 400, Some("text/xml"), &xml("dynamodb"));
    let action = Body::Raw(b"Version=2011-06-15&Action=GetCallerIdentity");
    let request = Request::new("POST").with("content-type", form);
    request.check(action, 400, Some("text/xml"), &xml("GetCallerIdentity"));
    request.signed_as(&sts).check(action, 400, Some("text/xml"), &xml("sts"));
    // A body that cannot be read is still the first thing to say.
    Request::good(tables).check(Body::Malformed, 400, Some(JSON), SERIALIZATION);
    Request::good(tables).check(Body::Empty, 400, Some(JSON), UNKNOWN);
}
