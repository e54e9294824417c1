//! What a server is told at its start: every setting resolved to a checked value.
//!
//! A flag wins over `SHARDMILL_*`, that over LocalStack's name, that over the name of the system behind LocalStack, that
//! over the default. The settings themselves are declared once, in `table`, and what means nothing here in `idle`;
//! `place` says whose variables are heard, `resolve` looks them up, and this file holds what they resolve to.

mod command;
mod idle;
mod place;
mod resolve;
mod settings;
mod snapshot_task;
#[cfg(test)]
mod systems_tests;
mod table;
#[cfg(test)]
mod tests;
mod unknown;
mod values;

pub use place::{Provider, System};
pub use settings::settings_table_markdown;
pub use snapshot_task::{SnapshotAction, SnapshotTask};

pub use crate::limits::{AtMemoryLimit, Limit};
use crate::names::{AccountId, Region, StreamName};
use crate::transitions::OwnTimes;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The settings of one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// In whose place the server runs, as the start-up line tells.
    pub in_place_of: System,
    /// Whose defaults held beside those of LocalStack.
    pub provider: Provider,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// A second port at the same address, where others have TLS; 0 takes any free one.
    pub tls_port: Option<u16>,
    /// What else to listen on.
    pub also_listen: Vec<SocketAddr>,
    /// Whether the start-up line says https; TLS is taken on every port either way.
    pub announces_https: bool,
    /// The account of callers whose access key is none, and of initial streams.
    pub account: AccountId,
    /// The region of callers who name none.
    pub region: Region,
    /// Threads that serve requests, 1 to [`WORKERS_MAX`](crate::limits::WORKERS_MAX).
    pub workers: usize,
    /// Share of PutRecord and PutRecords calls that are refused as throttled, 0.0 to 1.0.
    pub error_probability: f64,
    /// Where the fault plan starts, so that a run can be repeated. `None`: drawn at start.
    pub seed: Option<u64>,
    /// Open shards of one account and region.
    pub shard_limit: Limit,
    /// On-demand streams of one account and region.
    pub on_demand_stream_count_limit: Limit,
    /// Length of each control-plane transition (create, split, delete, ...), in ms. Puts and gets never wait.
    pub latency_ms: u64,
    /// Transitions whose length is their own.
    pub own_times: OwnTimes,
    /// Streams that exist from the start.
    pub initialize_streams: Vec<InitialStream>,
    /// Bytes of memory that the server may take. `None`: three quarters of what the machine or its cgroup grants.
    pub memory_limit_bytes: Option<Limit>,
    /// What happens when records have filled it.
    pub at_memory_limit: AtMemoryLimit,
    /// The server's certificate for TLS and what leads from it to a CA, in PEM. `None`: generated.
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM. `None`: it is in the same file.
    pub tls_key: Option<PathBuf>,
    /// Where the CA of the generated certificate is written at the start, in PEM.
    pub tls_ca_out: Option<PathBuf>,
    /// Whether requests are refused whose signature does not hold.
    pub require_signature: bool,
    /// Who may sign, in the form of AWS's credentials file.
    pub credentials: Option<PathBuf>,
    /// Whether state is kept in files.
    pub persistence: bool,
    /// Whether the server begins with the state that is in them. `None`: if it keeps any.
    pub load_data_if_exists: Option<bool>,
    /// The folder that they are in.
    pub persist_path: PathBuf,
    /// What the one is called that others know, too.
    pub persist_file_name: String,
    /// How long after a save the next one is made, if there is anything new, in ms.
    pub persist_interval_ms: u64,
    /// Who may save and load state over HTTP.
    pub snapshot_peers: SnapshotPeers,
    /// The process that started this one and with which the program ends, where the system can tell.
    pub end_with: Option<i32>,
    /// The least severe message that is logged.
    pub log_level: LogLevel,
    /// How a log line is written.
    pub log_format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            in_place_of: System::LocalStack,
            provider: Provider::KinesisMock,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 4566,
            tls_port: None,
            also_listen: Vec::new(),
            announces_https: false,
            account: AccountId::DEFAULT,
            region: Region::US_EAST_1,
            workers: values::available_workers(),
            error_probability: 0.0,
            seed: None,
            shard_limit: Limit::At(100),
            on_demand_stream_count_limit: Limit::At(10),
            latency_ms: 500,
            own_times: OwnTimes::default(),
            initialize_streams: Vec::new(),
            memory_limit_bytes: None,
            at_memory_limit: AtMemoryLimit::Trim,
            tls_cert: None,
            tls_key: None,
            tls_ca_out: None,
            require_signature: false,
            credentials: None,
            persistence: false,
            load_data_if_exists: None,
            persist_path: PathBuf::from("data"),
            persist_file_name: "kinesis-data.json".to_owned(),
            persist_interval_ms: 5_000,
            snapshot_peers: SnapshotPeers::Loopback,
            end_with: None,
            log_level: LogLevel::Info,
            log_format: LogFormat::Text,
        }
    }
}

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// Run a server.
    Serve {
        /// Its settings.
        config: Box<Config>,
        /// What was accepted and means nothing, a line for each, to be told once.
        notes: Vec<String>,
    },
    /// Save, load or look into state, and stop.
    Snapshot(SnapshotTask),
    /// Print this text (help or version) to stdout and stop; it ends with a line break.
    Show(String),
}

/// A stream that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialStream {
    /// Its name, unique within its region.
    pub name: StreamName,
    /// Its shards, at least 1.
    pub shards: u32,
    /// Its region.
    pub region: Region,
}

/// Who may save and load state over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotPeers {
    /// Clients on the same machine.
    Loopback,
    /// Everybody who can reach the server.
    Any,
}

/// How severe a message must be to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the words of the setting")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the settings make no server. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// A setting with a value that it does not take.
    BadValue {
        /// The flag or environment variable that held the value, as it was spelt.
        given_as: String,
        /// The value.
        value: String,
        /// The part of a list that is wrong.
        part: Option<String>,
        /// What the setting takes.
        accepted: &'static str,
    },
    /// A command line that cannot be read: an unknown flag, a flag without its value.
    BadCommandLine(String),
    /// A variable in our name that is no setting.
    UnknownVariable {
        /// Its name.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
}

impl ConfigError {
    /// The exit code of a program that stops here.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        2
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The debug form of a text escapes line breaks, which keeps the message one line.
            Self::BadValue { given_as, value, part, accepted } => {
                write!(f, "{given_as} is {value:?}")?;
                if let Some(part) = part {
                    write!(f, ", where {part:?} is wrong")?;
                }
                write!(f, "; accepted: {accepted}")
            }
            Self::BadCommandLine(message) => f.write_str(message),
            Self::UnknownVariable { name, nearest: Some(nearest) } => {
                write!(f, "{name:?} is no setting; was {nearest} meant?")
            }
            Self::UnknownVariable { name, nearest: None } => {
                write!(f, "{name:?} is no setting; see `shardmill --help`")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
