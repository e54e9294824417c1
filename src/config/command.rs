//! The command line, built from the table of settings.

use super::ConfigError;
use super::settings::{Default, SETTINGS};
use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What a command line says.
pub(super) enum Line {
    /// Flags that were given, with their values.
    Flags(BTreeMap<&'static str, String>),
    /// A text was asked for.
    Show(String),
}

const EXAMPLES: &str = "\
EXAMPLES
  shardmill
      Serve on http://127.0.0.1:4566, one worker per core.
  shardmill serve --port 0 --initialize-streams orders:8,audit:1:eu-west-1
      Take a free port, and have two streams ready.
  shardmill serve --host 0.0.0.0 --shard-limit Infinity --latency-ms 0
      For load tests: every interface, no shard limit, no waiting for CREATING.
  shardmill serve --error-probability 0.1 --seed 42
      Refuse about one put in ten as throttled, by a plan that can be repeated.
  KINESIS_LATENCY=0 KINESIS_SHARD_LIMIT=500 shardmill
      Settings from the environment; a flag wins over it.

An empty environment variable counts as unset. Exit codes: 0 stopped by a signal, 1 failed, 2 bad settings.
";

/// Reads a command line, the program's name first.
pub(super) fn parse<A>(args: A) -> Result<Line, ConfigError>
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    match command().try_get_matches_from(args) {
        Ok(matches) => Ok(Line::Flags(flags(matches.subcommand().map_or(&matches, |(_, serve)| serve)))),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Line::Show(error.to_string()))
        }
        Err(error) => {
            // The first line says what is wrong; tips and usage follow, which `--help` gives better.
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Err(ConfigError::BadCommandLine(format!("{what}; see `shardmill --help`")))
        }
    }
}

/// `shardmill` alone takes the flags of `shardmill serve` and means the same.
fn command() -> Command {
    let serve = Command::new("serve").about("Serve Kinesis until SIGTERM or SIGINT; the default");
    with_settings(Command::new("shardmill"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand(with_settings(serve))
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

fn with_settings(command: Command) -> Command {
    let args = SETTINGS.iter().map(|setting| {
        let default = match setting.default {
            Default::Value("") => "none",
            ref default => default.text(),
        };
        Arg::new(setting.flag)
            .long(setting.flag)
            .value_name(setting.value_name)
            .help(format!("{} [default: {default}] [env: {}]", setting.help, setting.env.join(", ")))
            .action(ArgAction::Set)
            // So that `--port -1` is told what a port is.
            .allow_negative_numbers(true)
    });
    command.args(args).after_help(EXAMPLES).next_line_help(true)
}

fn flags(matches: &ArgMatches) -> BTreeMap<&'static str, String> {
    let given = |flag| matches.get_one::<String>(flag).map(|value| (flag, value.clone()));
    SETTINGS.iter().filter_map(|setting| given(setting.flag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap's own check of the whole definition, which it otherwise makes only where an argument is used.
    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
