//! Variables in our name that are no settings: refused, lest a typing error go unseen, with the name that was meant.
//!
//! Kubernetes puts variables into every container that begin with the name of each service; those of a service
//! called `shardmill`, or `shardmill-something`, are not meant for us.

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "SHARDMILL_";

/// Whether Kubernetes has set this one, by its value: `SHARDMILL_PORT=tcp://10.0.0.7:4566`.
pub(super) fn is_service_address(name: &str, value: &str) -> bool {
    name.starts_with(PREFIX) && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Whether it is one that Kubernetes sets, by its name: `SHARDMILL_SERVICE_HOST`, `SHARDMILL_PORT_4566_TCP_PROTO`.
pub(super) fn is_of_service(name: &str) -> bool {
    name.contains("_SERVICE_") || name.contains("_PORT_")
}

/// The name that is nearest to what was written, if one is near enough to have been meant.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = names.map(|name| (distance(written, name), name)).min()?;
    // Of what tells names apart, half may be wrong; and a name that was cut short is still known.
    let telling = |name: &str| name.len().saturating_sub(PREFIX.len());
    let is_cut = name.starts_with(written) || written.starts_with(name);
    (is_cut || distance <= telling(written).max(telling(name)) / 2).then_some(name)
}

/// How many letters must be inserted, left out or replaced to make one of the other, in whatever case.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other_letter) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(!letter.eq_ignore_ascii_case(&other_letter));
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, letters) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("PORT", "PROT", 2),
            ("same", "SAME", 0),
        ] {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }

    /// Protects: slips of every kind find their name, and what is like nothing finds none.
    #[test]
    fn what_was_meant_is_found() {
        const NAMES: &[&str] = &["SHARDMILL_PORT", "SHARDMILL_SHARD_LIMIT", "SHARDMILL_LATENCY_MS"];
        for (written, meant) in [
            ("SHARDMILL_PROT", Some("SHARDMILL_PORT")),
            ("SHARDMILL_PORTS", Some("SHARDMILL_PORT")),
            ("SHARDMILL_SHARDS_LIMIT", Some("SHARDMILL_SHARD_LIMIT")),
            ("SHARDMILL_SHARDLIMIT", Some("SHARDMILL_SHARD_LIMIT")),
            ("SHARDMILL_LATENCY", Some("SHARDMILL_LATENCY_MS")),
            ("SHARDMILL_shard_limit", Some("SHARDMILL_SHARD_LIMIT")),
            ("SHARDMILL_COLOUR", None),
            ("SHARDMILL_X", None),
        ] {
            assert_eq!(nearest(written, NAMES.iter().copied()), meant, "{written}");
        }
    }

    /// Protects: what Kubernetes sets for services `shardmill` and `shardmill-tls` is not taken for settings.
    #[test]
    fn variables_of_kubernetes_are_known() {
        for name in [
            "SHARDMILL_SERVICE_HOST",
            "SHARDMILL_SERVICE_PORT",
            "SHARDMILL_SERVICE_PORT_HTTP",
            "SHARDMILL_TLS_SERVICE_HOST",
            "SHARDMILL_PORT_4566_TCP",
            "SHARDMILL_PORT_4566_TCP_ADDR",
        ] {
            assert!(is_of_service(name), "{name}");
        }
        assert!(is_service_address("SHARDMILL_PORT", "tcp://10.0.0.7:4566"));
        assert!(!is_service_address("SHARDMILL_PORT", "4566"));
        assert!(!is_service_address("KINESIS_LATENCY", "tcp://10.0.0.7:4566"));
        assert!(!is_of_service("SHARDMILL_PORT") && !is_of_service("SHARDMILL_TLS_PORT"));
    }
}
