//! Records back to JSON: the way out for a body that turns out, when part of it was read, not to be for the scan.

use crate::protocol::json::write_utf8;
use crate::shard::batch::Records;

/// Appends the items of a list: no brackets, and no comma at the end.
pub(super) fn write(records: &Records, out: &mut Vec<u8>) {
    for number in 0..records.len() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"Data\":\"");
        base64_simd::STANDARD.encode_append(records.data(number), out);
        out.extend_from_slice(b"\",\"PartitionKey\":");
        write_utf8(records.key(number), out);
        if let Some(hash_key) = records.explicit_hash_key(number) {
            out.extend_from_slice(b",\"ExplicitHashKey\":\"");
            out.extend_from_slice(hash_key.to_string().as_bytes());
            out.push(b'"');
        }
        out.push(b'}');
    }
}
