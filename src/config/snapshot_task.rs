//! `shardmill snapshot`: what its command line says.

use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;

/// What is to be done with a file of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotTask {
    /// What.
    pub action: SnapshotAction,
    /// The file.
    pub file: PathBuf,
    /// Whether the result is told as JSON.
    pub json: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotAction {
    /// The state of a running server is saved.
    Save {
        /// Where it serves: `http://host:port`.
        endpoint: String,
        /// In which format: `snapshot` or `kinesis-mock`.
        format: String,
    },
    /// It is loaded into a running server.
    Load {
        /// Where that serves.
        endpoint: String,
        /// Whether streams of the same name are replaced.
        replace: bool,
    },
    /// The file is read and told about; no server is needed.
    Inspect,
}

const EXAMPLES: &str = "\
EXAMPLES
  shardmill snapshot save state.snapshot
      Save what the server on port 4566 holds. It goes on serving meanwhile.
  shardmill snapshot save --format kinesis-mock kinesis-data.json
      The same, for kinesis-mock.
  shardmill snapshot load --endpoint http://127.0.0.1:4567 --replace state.snapshot
      Load it into another server, in the place of streams of the same names.
  shardmill snapshot inspect --json state.snapshot
      Check every byte of a file, and tell what is in it.

A file that is damaged is refused by its name and the place in it, and nothing of it is loaded.
";

/// The subcommand.
pub(super) fn command() -> Command {
    let save = Command::new("save")
        .about("Save the state of a running server to a file")
        .args([file("Where to save; what was there is replaced once all is on disk"), endpoint()])
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["snapshot", "kinesis-mock"])
                .default_value("snapshot")
                .help("Our own format, or the JSON that kinesis-mock keeps"),
        );
    let load = Command::new("load")
        .about("Load a file into a running server: all of it or nothing")
        .args([file("A snapshot, or what kinesis-mock has kept"), endpoint()])
        .arg(switch("replace", "Replace streams of the same names, which are else a reason to refuse"));
    let inspect =
        Command::new("inspect").about("Check a file and tell what is in it").arg(file("A snapshot"));
    let actions = [save, load, inspect].map(|action| {
        action.arg(switch("json", "Tell the result as JSON")).after_help(EXAMPLES).next_line_help(true)
    });
    Command::new("snapshot")
        .about("Save, load or look into the state of a server")
        .subcommands(actions)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .after_help(EXAMPLES)
}

fn file(help: &'static str) -> Arg {
    Arg::new("file").value_name("FILE").required(true).help(help)
}

fn endpoint() -> Arg {
    Arg::new("endpoint")
        .long("endpoint")
        .value_name("URL")
        .default_value("http://127.0.0.1:4566")
        .help("Where the server is")
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// What was given behind `snapshot`.
pub(super) fn task(matches: &ArgMatches) -> Option<SnapshotTask> {
    let (name, given) = matches.subcommand()?;
    let text = |name| given.get_one::<String>(name).cloned().unwrap_or_default();
    let action = match name {
        "save" => SnapshotAction::Save { endpoint: text("endpoint"), format: text("format") },
        "load" => SnapshotAction::Load { endpoint: text("endpoint"), replace: given.get_flag("replace") },
        _ => SnapshotAction::Inspect,
    };
    Some(SnapshotTask { action, file: text("file").into(), json: given.get_flag("json") })
}
