//! The command line, built from the table of settings.

use super::ConfigError;
use super::idle::{GC_FLAG, IDLE};
use super::place::System;
use super::settings::Setting;
use super::snapshot_task::{self, SnapshotTask};
use super::table::SETTINGS;
use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What a command line says.
pub(super) enum Line {
    /// To serve.
    Serve {
        /// In whose place.
        in_place_of: System,
        /// Flags that were given, with their values.
        flags: BTreeMap<&'static str, String>,
    },
    /// To do something with state, and stop.
    Snapshot(SnapshotTask),
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
  shardmill kinesis-mock
      Where kinesis-mock ran: its ports, 4567 and 4568, and its variables.
  shardmill kinesalite --port 4567 --shardLimit 20 --createStreamMs 0
      Where kinesalite ran, with its flags.
  shardmill snapshot save state.snapshot
      Save what a running server holds; `shardmill snapshot --help` says more.

An empty environment variable counts as unset. Exit codes: 0 stopped by a signal, 1 failed, 2 bad settings.
";

/// Reads a command line, the program's name first.
pub(super) fn parse<A>(args: A) -> Result<Line, ConfigError>
where
    A: IntoIterator,
    A::Item: Into<OsString>,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let program = args.first().map_or(System::LocalStack, |name| System::of_program(name));
    match command().try_get_matches_from(args) {
        Ok(matches) => {
            let (subcommand, serve) = matches.subcommand().unwrap_or(("", &matches));
            if subcommand == "snapshot" {
                let unsaid = || ConfigError::BadCommandLine("see `shardmill snapshot --help`".to_owned());
                return snapshot_task::task(serve).map(Line::Snapshot).ok_or_else(unsaid);
            }
            let in_place_of = match subcommand {
                "kinesis-mock" => System::KinesisMock,
                "kinesalite" => System::Kinesalite,
                _ if serve.contains_id(GC_FLAG) => System::KinesisMock,
                _ => program,
            };
            Ok(Line::Serve { in_place_of, flags: flags(serve) })
        }
        Err(error) if is_text(error.kind()) => Ok(Line::Show(error.to_string())),
        Err(error) => {
            // The first line says what is wrong; tips and usage follow, which `--help` gives better.
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Err(ConfigError::BadCommandLine(format!("{what}; see `shardmill --help`")))
        }
    }
}

const fn is_text(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// `shardmill` alone takes the flags of `shardmill serve` and means the same.
fn command() -> Command {
    let serve = Command::new("serve").about("Serve Kinesis until SIGTERM or SIGINT; the default");
    let kinesis_mock = Command::new("kinesis-mock").about("Serve in the place of kinesis-mock");
    let kinesalite = Command::new("kinesalite").about("Serve in the place of kinesalite");
    with_settings(Command::new("shardmill"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands([serve, kinesis_mock, kinesalite].map(with_settings))
        .subcommand(snapshot_task::command())
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

fn with_settings(command: Command) -> Command {
    let idle = IDLE.iter().filter_map(|idle| {
        let help = format!("Accepted without effect: {}", idle.why);
        idle.flag().map(|flag| Arg::new(flag).long(flag).value_name("NAME").help(help))
    });
    command.args(SETTINGS.iter().flat_map(args)).args(idle).after_help(EXAMPLES).next_line_help(true)
}

/// The flag of a setting, and kinesalite's for the same, which is not shown by itself.
fn args(setting: &'static Setting) -> impl Iterator<Item = Arg> {
    let default = setting.defaults_text(str::to_owned);
    let mut help = format!("{} [default: {default}]", setting.help).replace('`', "");
    if let Some(flag) = setting.kinesalite_flag {
        help.push_str(&format!(" [as kinesalite: --{flag}]"));
    }
    if !setting.env.is_empty() {
        let names: Vec<_> = setting.env.iter().map(|name| name.text).collect();
        help.push_str(&format!(" [env: {}]", names.join(", ")));
    }
    let flag = arg(setting.flag, setting).help(help);
    let kinesalites =
        setting.kinesalite_flag.map(|flag| arg(flag, setting).conflicts_with(setting.flag).hide(true));
    [flag].into_iter().chain(kinesalites)
}

fn arg(flag: &'static str, setting: &Setting) -> Arg {
    let arg = Arg::new(flag)
        .long(flag)
        .value_name(setting.value_name)
        .action(ArgAction::Set)
        // So that `--port -1` is told what a port is.
        .allow_negative_numbers(true);
    if setting.is_switch() {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    }
}

/// The flags that were given, as they were spelt.
fn flags(matches: &ArgMatches) -> BTreeMap<&'static str, String> {
    let names = SETTINGS.iter().flat_map(Setting::flags).chain([GC_FLAG]);
    names.filter_map(|flag| matches.get_one::<String>(flag).map(|value| (flag, value.clone()))).collect()
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
