//! A client's side of Signature Version 4: requests that are really signed, and a server that requires it.

use ring::{digest, hmac};
use serde_json::Value;
use shardmill::config::Config;

use crate::client::{Answer, request};
use crate::setup::{JSON, TestServer, config};
use crate::source::root;

/// When the clock of every test starts, as signatures have it.
pub(crate) const DATE: &str = "20231114T221320Z";

/// The keys that its server knows, in the project's folder.
const CREDENTIALS: &str = "tests/data/credentials";

/// Who signs, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer {
    pub(crate) key_id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) session_token: Option<&'static str>,
    pub(crate) region: &'static str,
    pub(crate) date: &'static str,
}

const NEW: Signer = Signer { key_id: "", secret: "", session_token: None, region: "us-east-1", date: DATE };
/// A user of the account 111111111111.
pub(crate) const OWNER: Signer = Signer { key_id: "OWNER", secret: "owner/secret", ..NEW };
/// A user of the account 222222222222.
pub(crate) const GUEST: Signer = Signer { key_id: "GUEST", secret: "guest/secret", ..NEW };
/// Another user of it, with a temporary key.
pub(crate) const PASSING: Signer =
    Signer { key_id: "PASSING", secret: "passing/secret", session_token: Some("pass/port=="), ..NEW };
/// The same with a key that is good for two hours.
pub(crate) const LEAVING: Signer = Signer { key_id: "LEAVING", secret: "leaving/secret", ..PASSING };

impl TestServer {
    /// A server that requires signatures.
    pub(crate) fn signed(config: Config) -> Self {
        let credentials = Some(root().join(CREDENTIALS));
        Self::with(Config { require_signature: true, credentials, ..config })
    }

    /// The same with the settings of most tests, and a stream `s` of one shard that belongs to [`OWNER`].
    pub(crate) fn signed_with_stream() -> Self {
        let server = Self::signed(config());
        let input = serde_json::json!({"StreamName": "s", "ShardCount": 1});
        assert_eq!(server.call_as(OWNER, "CreateStream", &input).both(), (200, ""));
        server
    }

    /// The answer to an operation that is signed so.
    pub(crate) fn call_as(&self, signer: Signer, operation: &str, input: &Value) -> Answer {
        self.exchange(&signer.post(operation, JSON, input.to_string().as_bytes()))
    }

    /// The answer to these bytes.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes);
        connection.answer()
    }
}

impl Signer {
    /// The user of this name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "owner" => OWNER,
            "guest" => GUEST,
            "passing" => PASSING,
            _ => panic!("nobody: {name}"),
        }
    }

    /// The bytes of a request that is signed in its header.
    pub(crate) fn post(self, operation: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        let fields = self.fields(operation, content_type, body);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        request("POST /", &fields, body)
    }

    /// The fields of a request to `localhost` that is signed in its header.
    pub(crate) fn fields(
        self,
        operation: &str,
        content_type: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("content-type", content_type.to_owned()),
            ("host", "localhost".to_owned()),
            ("x-amz-date", self.date.to_owned()),
        ];
        fields.extend(self.session_token.map(|token| ("x-amz-security-token", token.to_owned())));
        fields.push(("x-amz-target", format!("Kinesis_20131202.{operation}")));
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", sha256(body));
        let credential = format!("{}/{}", self.key_id, self.scope());
        let signature = self.sign(&canonical);
        fields.retain(|(name, _)| *name != "host");
        fields.push((
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"),
        ));
        fields
    }

    /// The bytes of a presigned request that is good for so many seconds.
    pub(crate) fn presigned(self, operation: &str, expires_s: u32, body: &[u8]) -> Vec<u8> {
        let target = format!("Kinesis_20131202.{operation}");
        let credential = format!("{}/{}", self.key_id, self.scope()).replace('/', "%2F");
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={expires_s}",
            self.date
        );
        if let Some(token) = self.session_token {
            let token = token.replace('/', "%2F").replace('=', "%3D");
            query.push_str(&format!("&X-Amz-Security-Token={token}"));
        }
        query.push_str("&X-Amz-SignedHeaders=host%3Bx-amz-target");
        let canonical = format!(
            "POST\n/\n{query}\nhost:localhost\nx-amz-target:{target}\n\nhost;x-amz-target\n{}",
            sha256(body)
        );
        let line = format!("POST /?{query}&X-Amz-Signature={}", self.sign(&canonical));
        request(&line, &[("Content-Type", JSON), ("X-Amz-Target", &target)], body)
    }

    fn scope(self) -> String {
        format!("{}/{}/kinesis/aws4_request", &self.date[..8], self.region)
    }

    fn sign(self, canonical: &str) -> String {
        let scope = self.scope();
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", self.date, sha256(canonical.as_bytes()));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in scope.split('/').chain([to_sign.as_str()]) {
            let part = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes());
            key = part.as_ref().to_vec();
        }
        hex(&key)
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
