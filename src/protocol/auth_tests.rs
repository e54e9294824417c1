//! Rows A3 to A6 of reference 2, to the letter, and what is read from good credentials.

use super::super::head::tests::Fields;
use super::*;
use crate::error::ErrorKind;

const COMPLETE: &str = "AWS4-HMAC-SHA256 Credential=AKID/20240101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=ab";

fn request(
    query: Option<&'static str>,
    fields: &[(&'static str, &str)],
) -> Result<Credential<'static>, ApiError> {
    let fields = Fields(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
    let head = RequestHead { method: "POST", path: "/", query, headers: &fields };
    authenticate(&head).map(|Credential { caller, service }| Credential {
        caller,
        service: service.map(|service| Cow::Owned(service.into_owned())),
    })
}

fn check_refused(
    query: Option<&'static str>,
    fields: &[(&'static str, &str)],
    kind: ErrorKind,
    message: &str,
) {
    let error = request(query, fields).unwrap_err();
    assert_eq!((error.kind, error.message.as_deref()), (kind, Some(message)));
}

/// A3: nothing at all, or an empty header.
#[test]
fn unsigned() {
    for fields in [&[][..], &[("authorization", "")]] {
        check_refused(None, fields, ErrorKind::MissingAuthenticationToken, "Missing Authentication Token");
    }
}

/// A4: each missing item in order, then the raw header.
#[test]
fn incomplete_headers() {
    check_refused(
        None,
        &[("authorization", "AWS4-")],
        ErrorKind::IncompleteSignature,
        "Authorization header requires 'Credential' parameter. \
         Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         Authorization=AWS4-",
    );
    check_refused(
        None,
        &[("authorization", "AWS4-HMAC-SHA256 Signature=b,  Credential=, SignedHeaders"), ("date", "d")],
        ErrorKind::IncompleteSignature,
        "Authorization header requires 'Credential' parameter. \
         Authorization header requires 'SignedHeaders' parameter. \
         Authorization=AWS4-HMAC-SHA256 Signature=b,  Credential=, SignedHeaders",
    );
    let message = format!(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization={COMPLETE}"
    );
    check_refused(None, &[("authorization", COMPLETE)], ErrorKind::IncompleteSignature, &message);
}

/// A5: each missing or empty parameter in order.
#[test]
fn incomplete_queries() {
    check_refused(
        Some("X-Amz-Algorithm"),
        &[],
        ErrorKind::IncompleteSignature,
        "AWS query-string parameters must include 'X-Amz-Algorithm'. \
         AWS query-string parameters must include 'X-Amz-Credential'. \
         AWS query-string parameters must include 'X-Amz-Signature'. \
         AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
         AWS query-string parameters must include 'X-Amz-Date'. \
         Re-examine the query-string parameters.",
    );
    check_refused(
        Some("X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=&X-Amz-SignedHeaders=d&X-Amz-Date=e"),
        &[],
        ErrorKind::IncompleteSignature,
        "AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string parameters.",
    );
}

/// A6: both forms at once, whatever they hold.
#[test]
fn both_forms() {
    check_refused(
        Some("X-Amz-Algorithm=a"),
        &[("authorization", "x")],
        ErrorKind::InvalidSignature,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
}

/// Account and region come from the credential, in either form; blanks do for commas; odd ones fall back.
#[test]
fn callers() {
    let signed = |credential: &str| {
        let authorization = format!("AWS4-HMAC-SHA256 Credential={credential} SignedHeaders=a;b,Signature=c");
        request(None, &[("authorization", &authorization), ("x-amz-date", "d")]).unwrap()
    };
    let region = |text| Some(Region::parse(text).unwrap());
    for (credential, account, region, service) in [
        ("AKID/20240101/eu-west-1/kinesis/aws4_request", None, region("eu-west-1"), Some("kinesis")),
        (
            "123456789012/20240101/us-west-2/dynamodb/aws4_request",
            AccountId::parse("123456789012"),
            region("us-west-2"),
            Some("dynamodb"),
        ),
        ("1234567890123/x", None, None, None),
        ("a/b/UPPER CASE/kinesis", None, None, None),
        ("a/b//", None, None, None),
    ] {
        let found = signed(credential);
        assert_eq!(found.caller, Caller { account, region, user: None }, "{credential}");
        assert_eq!(found.service().map(text), service, "{credential}");
    }
    let presigned = "X-Amz-Algorithm=a&X-Amz-Credential=AKID%2F20240101%2feu-west-1%2Fkinesis%2Faws4_request\
                     &X-Amz-Signature=c&X-Amz-SignedHeaders=host&X-Amz-Date=d";
    let found = request(Some(presigned), &[]).unwrap();
    assert_eq!(found.caller.region, region("eu-west-1"));
    assert_eq!(found.service().map(text), Some("kinesis"));
}

/// Percent signs that mean nothing are left alone.
#[test]
fn percent_signs() {
    for (text, decoded) in [
        ("a%2Fb", "a/b"),
        ("%", "%"),
        ("%2", "%2"),
        ("%zz", "%zz"),
        ("%+f", "%+f"),
        ("%ff", "%ff"),
        ("%c3%a9", "é"),
        ("%é", "%é"),
    ] {
        assert_eq!(*percent_decode(text), *decoded.as_bytes(), "{text}");
    }
}
