//! What others' variables and flags mean nothing here: accepted, so that nobody has to take them away, and told once.

use super::place::System;
use super::settings::Name;

/// A variable or flag without meaning.
pub(super) struct Idle {
    /// The variable, or the flag without its dashes.
    pub(super) name: Name,
    /// Whether it is a flag.
    pub(super) is_flag: bool,
    /// Why it means nothing.
    pub(super) why: &'static str,
}

impl Idle {
    const fn variable(name: Name, why: &'static str) -> Self {
        Self { name, is_flag: false, why }
    }

    /// How its users write it.
    pub(super) fn text(&self) -> String {
        format!("{}{}", if self.is_flag { "--" } else { "" }, self.name.text)
    }
}

/// The flag with which LocalStack started the native kinesis-mock: it tells in whose place the server is.
pub(super) const GC_FLAG: &str = "gc";

const NO_JVM: &str = "memory is bounded by `--memory-limit`";
const NO_PACKAGE: &str = "no other Kinesis is installed or run";
const OTHER_CERTIFICATE: &str = "TLS shows a generated certificate, or the one of `--tls-cert`";

/// All of them.
pub(super) static IDLE: &[Idle] = &[
    Idle::variable(Name::localstack("KINESIS_MOCK_PROVIDER_ENGINE"), NO_PACKAGE),
    Idle::variable(Name::localstack("KINESIS_MOCK_VERSION"), NO_PACKAGE),
    Idle::variable(Name::localstack("KINESIS_MOCK_INITIAL_HEAP_SIZE"), NO_JVM),
    Idle::variable(Name::localstack("KINESIS_MOCK_MAXIMUM_HEAP_SIZE"), NO_JVM),
    Idle::variable(Name::kinesis_mock("KINESIS_MOCK_CERT_PATH"), OTHER_CERTIFICATE),
    Idle::variable(Name::kinesis_mock("KINESIS_MOCK_CERT_PASSWORD"), OTHER_CERTIFICATE),
    Idle::variable(Name::kinesis_mock("KINESIS_MOCK_KEYSTORE_PASSWORD"), OTHER_CERTIFICATE),
    Idle::variable(Name::kinesis_mock("KINESIS_MOCK_KEYMANAGER_PASSWORD"), OTHER_CERTIFICATE),
    Idle {
        name: Name { text: GC_FLAG, of: &[System::KinesisMock] },
        is_flag: true,
        why: "there is no garbage collector; it tells that the server stands in for kinesis-mock",
    },
];
