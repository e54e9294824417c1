//! The canonical form of a request: what both sides of a signature hash, so that whatever comes between them may spell
//! the same request in another way.

use super::hex;
use crate::protocol::auth::percent_decode;
use crate::protocol::head::{Headers, RequestHead};

/// The query parameter that cannot be signed by itself.
const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// The canonical form of a request of which these header fields are signed, in this order. `payload` stands for its body.
pub(super) fn request<H: Headers + ?Sized>(
    head: &RequestHead<'_, H>,
    signed_headers: &[&str],
    payload: &str,
) -> String {
    let (method, path, query) =
        (head.method, canonical_path(head.path), canonical_query(head.query.unwrap_or_default()));
    let headers = canonical_headers(head, signed_headers);
    let names = signed_headers.join(";");
    format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{payload}")
}

/// The path without detours, encoded once more than it came.
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut canonical = String::with_capacity(path.len() + 1);
    for part in &parts {
        canonical.push('/');
        encode(part.as_bytes(), &mut canonical);
    }
    if parts.is_empty() || path.ends_with('/') {
        canonical.push('/');
    }
    canonical
}

/// All parameters but the signature, by name and value, each in one way of encoding.
fn canonical_query(query: &str) -> String {
    let encoded = |text| {
        let mut out = String::new();
        encode(&percent_decode(text), &mut out);
        out
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.filter(|(name, _)| *name != SIGNATURE_PARAMETER);
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A line for each of these fields: its values as they came, with a comma between them and one blank for many.
fn canonical_headers<H: Headers + ?Sized>(head: &RequestHead<'_, H>, names: &[&str]) -> String {
    let mut values: Vec<Option<String>> = vec![None; names.len()];
    head.headers.for_each(&mut |name, value| {
        let Some(at) = names.iter().position(|signed| *signed == name) else { return };
        let words: Vec<_> = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
        let value = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
        match &mut values[at] {
            Some(values) => {
                values.push(',');
                values.push_str(&value);
            }
            none => *none = Some(value),
        }
    });
    // A field that is signed and did not come has no line, and so nobody's signature.
    let lines = names.iter().zip(values);
    lines.filter_map(|(name, value)| Some(format!("{name}:{}\n", value?))).collect()
}

/// Appends the text with all but unreserved characters (RFC 3986) encoded.
fn encode(text: &[u8], out: &mut String) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[*byte]).to_ascii_uppercase());
        }
    }
}
