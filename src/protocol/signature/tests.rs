//! AWS's published examples, and what is said where a signature does not hold.

use std::ops::ControlFlow;

use super::super::auth::authenticate;
use super::super::head::tests::Fields;
use super::*;
use crate::error::ErrorKind;
use crate::names::AccountId;

/// The signed requests of AWS's test suite for Signature Version 4, in both forms: without the version of HTTP, and
/// without those of headers over several lines and of clients that encode a path once.
const VECTORS: &str = include_str!("vectors.txt");
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2023-11-14T22:13:20Z, and that as signatures have it.
const NOW_S: u64 = 1_700_000_000;
const NOW: &str = "20231114T221320Z";

/// A request as text: method and target, fields, and a body after an empty line.
struct Request {
    method: String,
    path: String,
    query: Option<String>,
    fields: Fields,
    body: String,
}

impl Request {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (&*name.to_lowercase().leak(), value.to_owned())
        });
        let fields = Fields(fields.collect());
        Self { method: method.to_owned(), path: path.to_owned(), query, fields, body: body.to_owned() }
    }

    fn head(&self) -> RequestHead<'_, Fields> {
        RequestHead {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.fields,
        }
    }

    fn payload_hash(&self) -> String {
        let mut hash = PayloadHash::new();
        self.body.as_bytes().chunks(3).for_each(|part| hash.add(part));
        hash.finish()
    }

    fn is_signed(&self, secret: &str) -> bool {
        let head = self.head();
        authenticate(&head).unwrap();
        let claim = Claim::of(&head).unwrap();
        let canonical = canonical::request(&head, &claim.signed_headers(), &self.payload_hash());
        is_signed(&claim, &claim.scope(), secret, &canonical)
    }
}

/// Protects: AWS's examples hold, and none of them with another secret, method or path.
#[test]
fn published_examples() {
    let vectors: Vec<_> = VECTORS.split("### ").filter(|vector| !vector.is_empty()).collect();
    assert_eq!(vectors.len(), 58);
    for vector in vectors {
        let (name, request) = vector.split_once('\n').unwrap();
        let mut request = Request::parse(request.trim_end());
        assert!(request.is_signed(SECRET), "{name}");
        assert!(!request.is_signed("wJalrXUtnFEMI"), "{name}");
        request.method.push('S');
        assert!(!request.is_signed(SECRET), "{name}");
        request.method.pop();
        request.path.push('x');
        assert!(!request.is_signed(SECRET), "{name}");
    }
}

/// What a client has signed, by the rules that the examples hold to: one field after the other may be wrong.
#[derive(Clone)]
struct Signer {
    id: &'static str,
    date: String,
    scope: &'static str,
    signed_headers: &'static str,
    session_token: Option<&'static str>,
    expires: Option<&'static str>,
}

const SCOPE: &str = "20231114/eu-west-1/kinesis/aws4_request";
const HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";

impl Signer {
    fn new() -> Self {
        Self {
            id: "AKID",
            date: NOW.to_owned(),
            scope: SCOPE,
            signed_headers: HEADERS,
            session_token: None,
            expires: None,
        }
    }

    /// A request in the header form.
    fn request(&self) -> Request {
        let mut request = Request::parse(
            "POST /\nHost:localhost\nContent-Type:application/x-amz-json-1.1\nX-Amz-Target:Kinesis_20131202.ListStreams\n\n{}",
        );
        request.fields.0.push(("x-amz-date", self.date.clone()));
        request.fields.0.extend(self.session_token.map(|token| ("x-amz-security-token", token.to_owned())));
        let Self { id, scope, signed_headers, .. } = self;
        let with = |signature: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
            )
        };
        request.fields.0.push(("authorization", with("00")));
        let signature = sign(&request);
        request.fields.0.last_mut().unwrap().1 = with(&signature);
        request
    }

    /// The same as a presigned query.
    fn presigned(&self) -> Request {
        let mut request =
            Request::parse("POST /\nHost:localhost\nX-Amz-Target:Kinesis_20131202.ListStreams\n\n{}");
        let scope = self.scope.replace('/', "%2F");
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{scope}&X-Amz-Date={}&X-Amz-SignedHeaders=\
             host%3bx-amz-target",
            self.id, self.date
        );
        for (name, value) in [("Expires", self.expires), ("Security-Token", self.session_token)] {
            if let Some(value) = value {
                query.push_str(&format!("&X-Amz-{name}={value}"));
            }
        }
        request.query = Some(format!("{query}&X-Amz-Signature=00"));
        let signature = sign(&request);
        request.query = Some(format!("{query}&X-Amz-Signature={signature}"));
        request
    }
}

/// The signature that a request should have: no digit of it is known from elsewhere, so each is tried.
fn sign(request: &Request) -> String {
    let head = request.head();
    let claim = Claim::of(&head).unwrap();
    let canonical = canonical::request(&head, &claim.signed_headers(), &request.payload_hash());
    hex(signature(&claim, &claim.scope(), SECRET, &canonical).as_ref())
}

fn credentials() -> Credentials {
    Credentials::parse(
        &format!(
            "[plain]\naws_access_key_id=AKID\naws_secret_access_key={SECRET}\naccount_id=111111111111\n\
         [temporary]\naws_access_key_id=ASIA\naws_secret_access_key={SECRET}\naws_session_token=t0\n\
         [passing]\naws_access_key_id=ASIB\naws_secret_access_key={SECRET}\naws_session_token=t0\n\
         aws_expiration=2023-11-14T22:13:20Z\n"
        ),
        AccountId::DEFAULT,
    )
    .unwrap()
}

/// Account and region of the caller, or code and text of the refusal.
fn checked(request: &Request, now_s: u64) -> Result<(AccountId, Region), (ErrorKind, String)> {
    let (credentials, payload_hash) = (credentials(), request.payload_hash());
    let check = Check { credentials: &credentials, now_ms: now_s * 1000 + 999, payload_hash: &payload_hash };
    let caller =
        check.caller(&request.head()).map(|caller| (caller.account.unwrap(), caller.region.unwrap()));
    caller.map_err(|error| (error.kind, error.message.unwrap().into_owned()))
}

fn check_refused(request: &Request, now_s: u64, kind: ErrorKind, text: &str) {
    assert_eq!(checked(request, now_s), Err((kind, text.to_owned())));
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";
const UNKNOWN: &str = "The security token included in the request is invalid.";

/// Protects: what is signed well is let in as its key's account, in either form, with a token where the key has one.
#[test]
fn good_signatures() {
    let here = Region::parse("eu-west-1").unwrap();
    let signer = Signer::new();
    for request in [signer.request(), signer.presigned()] {
        assert_eq!(checked(&request, NOW_S), Ok((AccountId::parse("111111111111").unwrap(), here)));
    }
    let signed_headers = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    let temporary = Signer { id: "ASIA", session_token: Some("t0"), signed_headers, ..signer.clone() };
    let token_added = Signer { signed_headers: HEADERS, ..temporary.clone() };
    for request in [temporary.request(), temporary.presigned(), token_added.request()] {
        assert_eq!(checked(&request, NOW_S), Ok((AccountId::DEFAULT, here)));
    }
    // An HTTP date does as well, if that is what was signed.
    let mut dated = Signer { signed_headers: "content-type;date;host;x-amz-target", ..signer }.request();
    dated.fields.0.retain(|(name, _)| *name != "x-amz-date");
    dated.fields.0.push(("date", "Tue, 14 Nov 2023 22:13:20 GMT".to_owned()));
    resign(&mut dated);
    assert!(checked(&dated, NOW_S).is_ok());
}

/// Puts the right signature into the header of a request that was changed.
fn resign(request: &mut Request) {
    let signature = sign(request);
    let authorization = request.fields.0.iter_mut().find(|(name, _)| *name == "authorization").unwrap();
    let end = authorization.1.rfind('=').unwrap() + 1;
    authorization.1.replace_range(end.., &signature);
}

/// A7, A10: whatever of a request is changed after it was signed, and whoever signed it.
#[test]
fn changed_requests_and_strangers() {
    let mismatch = |request: &Request| check_refused(request, NOW_S, ErrorKind::InvalidSignature, MISMATCH);
    let changes: [&dyn Fn(&mut Request); 6] = [
        &|request| request.body.push(' '),
        &|request| request.method = "PUT".to_owned(),
        &|request| request.path.push('x'),
        &|request| request.query = Some(format!("a=b&{}", request.query.as_deref().unwrap_or_default())),
        &|request| request.fields.0.push(("x-amz-target", "Kinesis_20131202.DeleteStream".to_owned())),
        &|request| request.fields.0.retain(|(name, _)| *name != "host"),
    ];
    for change in changes {
        for mut request in [Signer::new().request(), Signer::new().presigned()] {
            change(&mut request);
            mismatch(&request);
        }
    }
    // Another region's key, and signatures that are none.
    let mut elsewhere = Signer::new().request();
    elsewhere.replace_authorization("eu-west-1", "eu-west-2");
    mismatch(&elsewhere);
    for signature in ["0", "zz", "é", &"0".repeat(64), &"0".repeat(66)] {
        let mut request = Signer::new().request();
        let right = sign(&request);
        request.replace_authorization(&right, signature);
        mismatch(&request);
    }
    // More fields than came, though it is signed so.
    let signed_headers = "content-type;host;x-amz-date;x-amz-target;a;b;c";
    mismatch(&Signer { signed_headers, ..Signer::new() }.request());
    let unknown = |request: &Request| check_refused(request, NOW_S, ErrorKind::UnrecognizedClient, UNKNOWN);
    unknown(&Signer { id: "AKIE", ..Signer::new() }.request());
    let token = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    for (id, session_token) in
        [("ASIA", None), ("ASIA", Some("t1")), ("ASIA", Some("t")), ("AKID", Some("t0"))]
    {
        let signed_headers = if session_token.is_some() { token } else { HEADERS };
        let signer = Signer { id, session_token, signed_headers, ..Signer::new() };
        unknown(&signer.request());
        unknown(&signer.presigned());
    }
}

impl Request {
    fn replace_authorization(&mut self, from: &str, to: &str) {
        let authorization = self.fields.0.iter_mut().find(|(name, _)| *name == "authorization").unwrap();
        authorization.1 = authorization.1.replace(from, to);
    }
}

/// A8, A9: five minutes either way, to the second; a presigned request as long as it says.
#[test]
fn time_limits() {
    let request = Signer::new().request();
    for now_s in [NOW_S - 300, NOW_S, NOW_S + 300] {
        assert!(checked(&request, now_s).is_ok());
    }
    check_refused(
        &request,
        NOW_S + 301,
        ErrorKind::InvalidSignature,
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221821Z - 5 min.)",
    );
    check_refused(
        &request,
        NOW_S - 301,
        ErrorKind::InvalidSignature,
        "Signature not yet current: 20231114T221320Z is still later than 20231114T221319Z (20231114T220819Z + 5 min.)",
    );
    let presigned = |expires| Signer { expires, ..Signer::new() }.presigned();
    assert!(checked(&presigned(Some("604800")), NOW_S + 604_800).is_ok());
    check_refused(
        &presigned(Some("60")),
        NOW_S + 61,
        ErrorKind::InvalidSignature,
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221421Z - 1 min.)",
    );
    check_refused(
        &presigned(None),
        NOW_S + 301,
        ErrorKind::InvalidSignature,
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T221821Z - 5 min.)",
    );
}

/// A12: from the second at which the key's time is over, and only to those who show its token.
#[test]
fn expired_keys() {
    let signed_headers = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    let signer = Signer { id: "ASIB", session_token: Some("t0"), signed_headers, ..Signer::new() };
    let stranger = Signer { session_token: Some("t1"), ..signer.clone() };
    for (mut request, mut other) in
        [(signer.request(), stranger.request()), (signer.presigned(), stranger.presigned())]
    {
        assert!(checked(&request, NOW_S - 1).is_ok());
        let text = "The security token included in the request is expired";
        check_refused(&request, NOW_S, ErrorKind::ExpiredToken, text);
        // Nobody looks at the signature then, as nobody does for a stranger.
        request.body.push(' ');
        check_refused(&request, NOW_S, ErrorKind::ExpiredToken, text);
        other.body.push(' ');
        check_refused(&other, NOW_S, ErrorKind::UnrecognizedClient, UNKNOWN);
    }
}

/// Scopes that are not ours, and too little that is signed, though it is signed well.
#[test]
fn scopes_and_signed_headers() {
    for (scope, text) in [
        ("20231114/EU/kinesis/aws4_request", "Credential should be scoped to a valid region, not 'EU'."),
        (
            "20231114/eu-west-1/Kinesis/aws4_request",
            "Credential should be scoped to correct service: 'kinesis'.",
        ),
        (
            "20231114/eu-west-1/kinesis/aws5",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.",
        ),
        (
            "20231113/eu-west-1/kinesis/aws4_request",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20231113' != \
             '20231114', from '20231114T221320Z'.",
        ),
    ] {
        let request = Signer { scope, ..Signer::new() }.request();
        check_refused(&request, NOW_S, ErrorKind::InvalidSignature, text);
    }
    for (signed_headers, text) in [
        (
            "content-type;x-amz-date;x-amz-target",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        ("host;x-amz-date", "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."),
    ] {
        let request = Signer { signed_headers, ..Signer::new() }.request();
        check_refused(&request, NOW_S, ErrorKind::InvalidSignature, text);
    }
}

/// Claims that cannot be read.
#[test]
fn unreadable_claims() {
    let claim = |request: &Request| match Claim::of(&request.head()) {
        Err(error) => ControlFlow::Break((error.kind, error.message.unwrap().into_owned())),
        Ok(_) => ControlFlow::Continue(()),
    };
    let mut request = Signer::new().request();
    request.replace_authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512");
    let text = "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'. The only one is 'AWS4-HMAC-SHA256'.";
    assert_eq!(claim(&request), ControlFlow::Break((ErrorKind::IncompleteSignature, text.to_owned())));
    let mut request = Signer::new().request();
    request.fields.0.retain(|(name, _)| *name != "x-amz-date");
    request.fields.0.push(("x-amz-date", "yesterday".to_owned()));
    let text = "Date must be in ISO-8601 'basic format'. Got 'yesterday'.";
    assert_eq!(claim(&request), ControlFlow::Break((ErrorKind::IncompleteSignature, text.to_owned())));
    for expires in ["0", "604801", "-1", "soon", ""] {
        let mut request = Signer::new().presigned();
        request.query.as_mut().unwrap().push_str(&format!("&X-Amz-Expires={expires}"));
        let text = "X-Amz-Expires must be a number of seconds from 1 to 604800.";
        assert_eq!(claim(&request), ControlFlow::Break((ErrorKind::InvalidSignature, text.to_owned())));
    }
}

/// A body that the client has left unsigned, and has said so, may be any.
#[test]
fn unsigned_payloads() {
    let mut request = Signer {
        signed_headers: "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target",
        ..Signer::new()
    }
    .request();
    request.fields.0.push(("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned()));
    let head = request.head();
    let claim = Claim::of(&head).unwrap();
    let canonical = canonical::request(&head, &claim.signed_headers(), UNSIGNED_PAYLOAD);
    let right = hex(signature(&claim, &claim.scope(), SECRET, &canonical).as_ref());
    let wrong = request.fields.0.iter().find(|(name, _)| *name == "authorization").unwrap().1.clone();
    let wrong = wrong.rsplit_once('=').unwrap().1.to_owned();
    request.replace_authorization(&wrong, &right);
    request.body.push_str("anything");
    assert!(checked(&request, NOW_S).is_ok());
    let header = request.fields.0.iter_mut().find(|(name, _)| *name == "x-amz-content-sha256").unwrap();
    header.1 = "0".repeat(64);
    check_refused(&request, NOW_S, ErrorKind::InvalidSignature, MISMATCH);
}
