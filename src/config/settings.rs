//! What a setting is: flag, environment names, defaults, help, and the field it fills; and the README's tables.
//!
//! The command line, the look-up in the environment, `--help` and the README's tables are all made from the rows in
//! `table` and `idle`.

use super::Config;
use super::idle::IDLE;
use super::place::{Place, System, Where};
use super::table::SETTINGS;
use super::values::BadValue;
use std::fmt::Write;

/// One setting.
pub(super) struct Setting {
    /// The flag, without its dashes.
    pub(super) flag: &'static str,
    /// What kinesalite calls the flag.
    pub(super) kinesalite_flag: Option<&'static str>,
    /// Environment variables, ours first; each wins over those behind it.
    pub(super) env: &'static [Name],
    /// What stands for the value in help texts.
    pub(super) value_name: &'static str,
    /// The default, in the words of the setting.
    pub(super) default: Default,
    /// Where it is another one.
    pub(super) other_defaults: &'static [(Where, &'static str)],
    /// One line of help.
    pub(super) help: &'static str,
    /// What the setting takes, to end the message about a bad value.
    pub(super) accepted: &'static str,
    /// Reads a value into its field.
    pub(super) apply: fn(&mut Config, &str) -> Result<(), BadValue>,
}

/// What stands for the value of a flag that may be given without one.
pub(super) const BOOL: &str = "BOOL";

impl Setting {
    /// A row that says nothing, for the members that a row leaves out.
    pub(super) const EMPTY: Self = Self {
        flag: "",
        kinesalite_flag: None,
        env: &[],
        value_name: "",
        default: Default::Value(""),
        other_defaults: &[],
        help: "",
        accepted: "",
        apply: |_, _| Ok(()),
    };

    /// The flags that fill it.
    pub(super) fn flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.flag].into_iter().chain(self.kinesalite_flag)
    }

    /// Whether the flag may be given without a value, which then is `true`.
    pub(super) fn is_switch(&self) -> bool {
        self.value_name == BOOL
    }

    /// The default in this place.
    pub(super) fn other_default(&self, place: Place) -> Option<&'static str> {
        self.other_defaults.iter().find(|(here, _)| here.is(place)).map(|(_, value)| *value)
    }

    /// The default and where it is another one, with each value dressed by `dress`.
    pub(super) fn defaults_text(&self, dress: impl Fn(&str) -> String) -> String {
        let mut text = match self.default {
            Default::Value("") => "none".to_owned(),
            Default::Value(text) => dress(text),
            Default::Described(text) => text.to_owned(),
        };
        for (here, value) in self.other_defaults {
            // Writing to a String cannot fail.
            let _ = write!(text, "; {} {}", here.text(), dress(value));
        }
        text
    }
}

/// The name of an environment variable.
pub(super) struct Name {
    /// The name.
    pub(super) text: &'static str,
    /// The systems that know it; none: it is ours and always heard.
    pub(super) of: &'static [System],
}

impl Name {
    /// One of ours.
    pub(super) const fn ours(text: &'static str) -> Self {
        Self { text, of: &[] }
    }

    /// One of LocalStack's.
    pub(super) const fn localstack(text: &'static str) -> Self {
        Self { text, of: &[System::LocalStack] }
    }

    /// One of kinesis-mock's.
    pub(super) const fn kinesis_mock(text: &'static str) -> Self {
        Self { text, of: &[System::KinesisMock] }
    }

    /// One of kinesalite's.
    pub(super) const fn kinesalite(text: &'static str) -> Self {
        Self { text, of: &[System::Kinesalite] }
    }

    /// One of both kinesis-mock and kinesalite.
    pub(super) const fn of_both(text: &'static str) -> Self {
        Self { text, of: &[System::KinesisMock, System::Kinesalite] }
    }

    /// Whether it is heard in this place.
    pub(super) fn is_heard(&self, place: Place) -> bool {
        self.of.is_empty() || self.of.iter().any(|system| place.hears(*system))
    }
}

/// The value of a setting that is not given.
pub(super) enum Default {
    /// A value that could be given just so.
    Value(&'static str),
    /// Something that depends on the machine or the run, described.
    Described(&'static str),
}

/// The table of settings for the README.
#[must_use]
pub fn settings_table_markdown() -> String {
    let code = |text: &str| format!("`{text}`");
    let mut table = String::from("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let Setting { flag, value_name, help, .. } = setting;
        let value = if setting.is_switch() { format!("[={value_name}]") } else { format!(" {value_name}") };
        let kinesalites = setting.kinesalite_flag.map(|flag| format!("--{flag}"));
        let flags = [format!("--{flag}{value}")].into_iter().chain(kinesalites);
        let flags = flags.map(|flag| code(&flag)).collect::<Vec<_>>().join(", ");
        let env = setting.env.iter().map(|name| code(name.text)).collect::<Vec<_>>().join(", ");
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(table, "| {flags} | {env} | {} | {help} |", setting.defaults_text(code));
    }
    table.push_str("\n| Accepted without effect | Since |\n|---|---|\n");
    for idle in IDLE {
        let _ = writeln!(table, "| `{}` | {} |", idle.name, idle.why);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::{Limit, LogFormat, LogLevel};
    use super::*;

    /// The default is told in the table and held by `Config::default`: they must be the same.
    #[test]
    fn the_declared_defaults_are_the_real_ones() {
        let mut config = Config {
            host: [9, 9, 9, 9].into(),
            port: 9,
            error_probability: 0.9,
            shard_limit: Limit::At(9),
            on_demand_stream_count_limit: Limit::At(9),
            latency_ms: 9,
            require_signature: true,
            log_level: LogLevel::Error,
            log_format: LogFormat::Json,
            ..Config::default()
        };
        for setting in SETTINGS {
            if let Default::Value(text) = setting.default
                && !text.is_empty()
            {
                (setting.apply)(&mut config, text).unwrap_or_else(|_| panic!("--{}", setting.flag));
            }
            for (_, text) in setting.other_defaults {
                assert!((setting.apply)(&mut Config::default(), text).is_ok(), "--{}", setting.flag);
            }
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn names_are_unique_and_ours_come_first() {
        let mut seen = std::collections::BTreeSet::new();
        for setting in SETTINGS {
            if let Some((first, others)) = setting.env.split_first() {
                let ours = format!("SHARDMILL_{}", setting.flag.replace('-', "_").to_uppercase());
                assert_eq!((first.text, first.of.len()), (ours.as_str(), 0));
                assert!(others.iter().all(|name| !name.of.is_empty()), "{}", setting.flag);
            }
            assert!(seen.insert(setting.flag), "{}", setting.flag);
            assert!(setting.kinesalite_flag.is_none_or(|flag| seen.insert(flag)), "{}", setting.flag);
            assert!(setting.env.iter().all(|name| seen.insert(name.text)), "{}", setting.flag);
        }
        assert!(IDLE.iter().all(|idle| seen.insert(idle.name)));
    }

    /// A broken row would leave the README without a table.
    #[test]
    fn each_setting_is_one_row_of_four_cells() {
        let table = settings_table_markdown();
        let (settings, idle) = table.split_once("\n\n").unwrap();
        let rows: Vec<_> = settings.lines().collect();
        assert_eq!(rows.len(), SETTINGS.len() + 2);
        assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{table}");
        assert!(
            rows.contains(
                &"| `--shard-limit COUNT`, `--shardLimit` | `SHARDMILL_SHARD_LIMIT`, `KINESIS_SHARD_LIMIT`, \
                  `SHARD_LIMIT` | `100`; as kinesis-mock `50`; with kinesalite `10` | Open shards of one account and \
                  region |"
            ),
            "{table}"
        );
        assert_eq!(idle.lines().count(), IDLE.len() + 2);
        assert!(idle.lines().all(|row| row.matches('|').count() == 3), "{table}");
    }

    #[test]
    fn numbers_in_the_help_are_the_limits() {
        let accepted = |flag| SETTINGS.iter().find(|setting| setting.flag == flag).unwrap().accepted;
        assert!(accepted("workers").ends_with(&crate::limits::WORKERS_MAX.to_string()));
        assert!(accepted("initialize-streams").contains(&crate::limits::SHARD_COUNT_MAX.to_string()));
        assert!(accepted("seed").ends_with(&u64::MAX.to_string()));
        assert!(accepted("latency-ms").ends_with(&super::super::values::DURATION_MS_MAX.to_string()));
    }
}
