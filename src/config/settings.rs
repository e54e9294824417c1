//! Every setting, declared once: flag, environment names, default, help, and the field it fills.
//!
//! The command line, the look-up in the environment, `--help` and the README's table are all made from this table.

use super::values::{self, BadValue};
use super::{AtMemoryLimit, Config, LogFormat, LogLevel};
use std::fmt::Write;

/// One setting.
pub(super) struct Setting {
    /// The flag, without its dashes.
    pub(super) flag: &'static str,
    /// Environment variables, ours first, then LocalStack's.
    pub(super) env: &'static [&'static str],
    /// What stands for the value in help texts.
    pub(super) value_name: &'static str,
    /// The default, in the words of the setting.
    pub(super) default: Default,
    /// One line of help.
    pub(super) help: &'static str,
    /// What the setting takes, to end the message about a bad value.
    pub(super) accepted: &'static str,
    /// Reads a value into its field.
    pub(super) apply: fn(&mut Config, &str) -> Result<(), BadValue>,
}

/// The value of a setting that is not given.
pub(super) enum Default {
    /// A value that could be given just so.
    Value(&'static str),
    /// Something that depends on the machine or the run, described.
    Described(&'static str),
}

impl Default {
    /// The text for help and table.
    pub(super) const fn text(&self) -> &'static str {
        match self {
            Self::Value(text) | Self::Described(text) => text,
        }
    }
}

/// All settings, in the order of help and table.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        flag: "host",
        env: &["SHARDMILL_HOST"],
        value_name: "ADDRESS",
        default: Default::Value("127.0.0.1"),
        help: "Address to listen on; 0.0.0.0 for every interface",
        accepted: "an IP address or localhost",
        apply: |config, text| values::host(text).map(|host| config.host = host),
    },
    Setting {
        flag: "port",
        env: &["SHARDMILL_PORT"],
        value_name: "PORT",
        default: Default::Value("4566"),
        help: "Port to listen on; 0 takes any free one, which the start-up line names",
        accepted: "a whole number from 0 to 65535",
        apply: |config, text| values::whole(text, 0..=u16::MAX).map(|port| config.port = port),
    },
    Setting {
        flag: "workers",
        env: &["SHARDMILL_WORKERS"],
        value_name: "COUNT",
        default: Default::Described("one per available core"),
        help: "Threads that serve requests",
        accepted: "a whole number from 1 to 256",
        apply: |config, text| values::workers(text).map(|workers| config.workers = workers),
    },
    Setting {
        flag: "error-probability",
        env: &["SHARDMILL_ERROR_PROBABILITY", "KINESIS_ERROR_PROBABILITY"],
        value_name: "SHARE",
        default: Default::Value("0.0"),
        help: "Share of PutRecord and PutRecords calls refused as throttled",
        accepted: "a number from 0.0 to 1.0",
        apply: |config, text| values::probability(text).map(|share| config.error_probability = share),
    },
    Setting {
        flag: "seed",
        env: &["SHARDMILL_SEED"],
        value_name: "NUMBER",
        default: Default::Described("drawn at start and printed"),
        help: "Seed of the injected errors, to repeat a run",
        accepted: "a whole number from 0 to 18446744073709551615",
        apply: |config, text| values::whole(text, 0..=u64::MAX).map(|seed| config.seed = Some(seed)),
    },
    Setting {
        flag: "shard-limit",
        env: &["SHARDMILL_SHARD_LIMIT", "KINESIS_SHARD_LIMIT"],
        value_name: "COUNT",
        default: Default::Value("100"),
        help: "Open shards of one account and region",
        accepted: "a whole number from 0 or Infinity",
        apply: |config, text| values::limit(text).map(|limit| config.shard_limit = limit),
    },
    Setting {
        flag: "on-demand-stream-count-limit",
        env: &["SHARDMILL_ON_DEMAND_STREAM_COUNT_LIMIT", "KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT"],
        value_name: "COUNT",
        default: Default::Value("10"),
        help: "On-demand streams of one account and region",
        accepted: "a whole number from 0 or Infinity",
        apply: |config, text| values::limit(text).map(|limit| config.on_demand_stream_count_limit = limit),
    },
    Setting {
        flag: "latency-ms",
        env: &["SHARDMILL_LATENCY_MS", "KINESIS_LATENCY"],
        value_name: "MS",
        default: Default::Value("500"),
        help: "How long a stream is CREATING, UPDATING or DELETING, in ms; puts and gets never wait; 0 disables",
        accepted: "a whole number of milliseconds from 0 to 86400000",
        apply: |config, text| values::whole(text, 0..=86_400_000).map(|latency| config.latency_ms = latency),
    },
    Setting {
        flag: "initialize-streams",
        env: &["SHARDMILL_INITIALIZE_STREAMS", "KINESIS_INITIALIZE_STREAMS"],
        value_name: "LIST",
        default: Default::Value(""),
        help: "Streams that exist from the start: name[:shards[:region]],... with 4 shards in us-east-1 by default",
        accepted: "a list name[:shards[:region]],... with shards from 1 to 1000000 and no stream twice",
        apply: |config, text| values::streams(text).map(|streams| config.initialize_streams = streams),
    },
    Setting {
        flag: "memory-limit",
        env: &["SHARDMILL_MEMORY_LIMIT"],
        value_name: "SIZE",
        default: Default::Described("three quarters of the machine's or cgroup's"),
        help: "Memory that the server may take; at least 128MiB",
        accepted: "a number of bytes, optionally with KiB, MiB or GiB, not under 128MiB, or Infinity",
        apply: |config, text| values::bytes_limit(text).map(|limit| config.memory_limit_bytes = Some(limit)),
    },
    Setting {
        flag: "at-memory-limit",
        env: &["SHARDMILL_AT_MEMORY_LIMIT"],
        value_name: "POLICY",
        default: Default::Value("trim"),
        help: "When records have filled it: trim the oldest, or throttle puts",
        accepted: "trim or throttle",
        apply: |config, text| {
            let policies = [("trim", AtMemoryLimit::Trim), ("throttle", AtMemoryLimit::Throttle)];
            values::word(text, &policies).map(|policy| config.at_memory_limit = policy)
        },
    },
    Setting {
        flag: "tls-cert",
        env: &["SHARDMILL_TLS_CERT", "CUSTOM_SSL_CERT_PATH"],
        value_name: "FILE",
        default: Default::Described("generated when first asked for"),
        help: "Certificate for TLS in PEM, with those that lead to its CA",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_cert = Some(path)),
    },
    Setting {
        flag: "tls-key",
        env: &["SHARDMILL_TLS_KEY"],
        value_name: "FILE",
        default: Default::Described("in the certificate's file"),
        help: "Key of that certificate in PEM",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_key = Some(path)),
    },
    Setting {
        flag: "tls-ca-out",
        env: &["SHARDMILL_TLS_CA_OUT"],
        value_name: "FILE",
        default: Default::Described("not written"),
        help: "Where to write the CA of the generated certificate, for clients to trust",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_ca_out = Some(path)),
    },
    Setting {
        flag: "log-level",
        env: &["SHARDMILL_LOG_LEVEL", "KINESIS_MOCK_LOG_LEVEL"],
        value_name: "LEVEL",
        default: Default::Value("info"),
        help: "Least severe message that is logged: error, warn, info, debug or trace",
        accepted: "error, warn, info, debug or trace",
        apply: |config, text| values::word(text, LOG_LEVELS).map(|level| config.log_level = level),
    },
    Setting {
        flag: "log-format",
        env: &["SHARDMILL_LOG_FORMAT"],
        value_name: "FORMAT",
        default: Default::Value("text"),
        help: "How log lines are written to stderr: text or json",
        accepted: "text or json",
        apply: |config, text| values::word(text, LOG_FORMATS).map(|format| config.log_format = format),
    },
];

const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

/// The table of settings for the README.
#[must_use]
pub fn settings_table_markdown() -> String {
    let mut table = String::from("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n");
    for Setting { flag, env, value_name, default, help, .. } in SETTINGS {
        let env = env.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let default = match default {
            Default::Value("") => "none".to_owned(),
            Default::Value(text) => format!("`{text}`"),
            Default::Described(text) => (*text).to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `--{flag} {value_name}` | {env} | {default} | {help} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default is told in the table and held by `Config::default`: they must be the same.
    #[test]
    fn the_declared_defaults_are_the_real_ones() {
        let mut config = Config {
            host: [9, 9, 9, 9].into(),
            port: 9,
            error_probability: 0.9,
            shard_limit: super::super::Limit::At(9),
            on_demand_stream_count_limit: super::super::Limit::At(9),
            latency_ms: 9,
            log_level: LogLevel::Error,
            log_format: LogFormat::Json,
            ..Config::default()
        };
        for setting in SETTINGS {
            if let Default::Value(text) = setting.default {
                (setting.apply)(&mut config, text).unwrap_or_else(|_| panic!("--{}", setting.flag));
            }
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn names_are_unique_and_ours_come_first() {
        let mut seen = std::collections::BTreeSet::new();
        for setting in SETTINGS {
            let ours = format!("SHARDMILL_{}", setting.flag.replace('-', "_").to_uppercase());
            assert_eq!(setting.env.first(), Some(&ours.as_str()));
            assert!(seen.insert(setting.flag), "{}", setting.flag);
            assert!(setting.env.iter().all(|name| seen.insert(name)), "{}", setting.flag);
        }
    }

    /// A broken row would leave the README without a table.
    #[test]
    fn each_setting_is_one_row_of_four_cells() {
        let table = settings_table_markdown();
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), SETTINGS.len() + 2);
        assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{table}");
        assert_eq!(
            rows[7],
            "| `--shard-limit COUNT` | `SHARDMILL_SHARD_LIMIT`, `KINESIS_SHARD_LIMIT` | `100` | \
             Open shards of one account and region |"
        );
    }

    #[test]
    fn numbers_in_the_help_are_the_limits() {
        let accepted = |flag| SETTINGS.iter().find(|setting| setting.flag == flag).unwrap().accepted;
        assert!(accepted("workers").ends_with(&crate::limits::WORKERS_MAX.to_string()));
        assert!(accepted("initialize-streams").contains(&crate::limits::SHARD_COUNT_MAX.to_string()));
        assert!(accepted("seed").ends_with(&u64::MAX.to_string()));
    }
}
