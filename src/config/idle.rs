//! What others' variables and flags mean nothing here: accepted, so that nobody has to take them away, and told once.

/// A variable or flag without meaning.
pub(super) struct Idle {
    /// The variable, or the flag with its dashes.
    pub(super) name: &'static str,
    /// Why it means nothing.
    pub(super) why: &'static str,
}

impl Idle {
    /// The flag without its dashes, if it is one.
    pub(super) fn flag(&self) -> Option<&'static str> {
        self.name.strip_prefix("--")
    }
}

/// The flag with which LocalStack started the native kinesis-mock: it tells in whose place the server is.
pub(super) const GC_FLAG: &str = "gc";

const NO_PACKAGE: &str = "no other Kinesis is installed or run";
const NO_JVM: &str = "memory is bounded by `--memory-limit`";
const OTHER_CERTIFICATE: &str = "TLS shows a generated certificate, or the one of `--tls-cert`";

/// All of them.
pub(super) static IDLE: &[Idle] = &[
    Idle { name: "KINESIS_MOCK_PROVIDER_ENGINE", why: NO_PACKAGE },
    Idle { name: "KINESIS_MOCK_VERSION", why: NO_PACKAGE },
    Idle { name: "KINESIS_MOCK_INITIAL_HEAP_SIZE", why: NO_JVM },
    Idle { name: "KINESIS_MOCK_MAXIMUM_HEAP_SIZE", why: NO_JVM },
    Idle { name: "KINESIS_MOCK_CERT_PATH", why: OTHER_CERTIFICATE },
    Idle { name: "KINESIS_MOCK_CERT_PASSWORD", why: OTHER_CERTIFICATE },
    Idle { name: "KINESIS_MOCK_KEYSTORE_PASSWORD", why: OTHER_CERTIFICATE },
    Idle { name: "KINESIS_MOCK_KEYMANAGER_PASSWORD", why: OTHER_CERTIFICATE },
    Idle {
        name: "--gc",
        why: "there is no garbage collector; it tells that the server stands in for kinesis-mock",
    },
];
