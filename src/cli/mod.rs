//! From a command line to a running server and back to an exit code.
//!
//! Stdout carries one line, when the server can be reached; everything else goes to stderr. Exit codes: 0 stopped by
//! a signal or a text was asked for, 1 the server could not run or not save its state, 2 bad settings, 130 a second
//! signal cut the shutdown short.

mod endpoint;
mod snapshot;

use crate::clock::Clock;
use crate::config::{Config, Invocation, LogFormat, LogLevel, System};
use crate::server::Server;
#[cfg(target_os = "linux")]
use rustix::process::{Pid, getppid, set_parent_process_death_signal};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

/// The exit code of a shutdown that a second signal cut short: what a shell reports for an interrupt.
const EXIT_INTERRUPTED: i32 = 130;

/// Does what the command line (the program's name first) and the process environment ask for.
///
/// Returns when the server has stopped, or at once if there is none to run. A second SIGTERM or SIGINT ends the
/// process from within, without returning.
pub fn run<A>(args: A) -> ExitCode
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    // A variable that is not UTF-8 must be refused by name, so it is read lossily rather than overlooked.
    let lossily = |text: OsString| text.to_string_lossy().into_owned();
    let env = std::env::vars_os().map(|(name, value)| (lossily(name), lossily(value)));
    match Config::resolve(args, env) {
        Ok(Invocation::Serve { config, notes }) => serve(*config, &notes),
        Ok(Invocation::Snapshot(task)) => match snapshot::run(&task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        },
        Ok(Invocation::Show(text)) => {
            // Whoever closed our stdout did not want the text.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, error.exit_code()),
    }
}

/// Runs a server until a signal.
fn serve(config: Config, notes: &[String]) -> ExitCode {
    start_logging(config.log_level, config.log_format);
    for note in notes {
        tracing::info!("{note}");
    }
    // Signals are caught before the server can be reached: one that follows the start-up line at once, or that hits
    // process 1 of a container, where uncaught ones are ignored, still stops it in order.
    let signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => return fail(&format_args!("cannot catch signals: {error}"), 1),
    };
    if let Some(Err(error)) = config.end_with.map(end_with) {
        return fail(&error, 1);
    }
    take_all_files();
    let config = match with_seed(config, getrandom::u64) {
        Ok(config) => config,
        Err(error) => return fail(&format_args!("cannot draw a seed: {error}"), 1),
    };
    let (system, scheme) = (config.in_place_of, if config.announces_https { "https" } else { "http" });
    let server = match Server::start(config, Clock::system()) {
        Ok(server) => server,
        Err(error) => return fail(&error, error.exit_code()),
    };
    let line = start_line(system, scheme, server.local_addr(), &server.features());
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "cannot write the start-up line: {line}");
    }
    drop(stdout);
    match signals.wait() {
        Ok(name) => tracing::info!("{name}: shutting down"),
        // Without signals nobody could stop the server, so it stops now.
        Err(error) => tracing::error!(%error, "cannot wait for signals: shutting down"),
    }
    let report = server.shutdown();
    tracing::info!(?report, "stopped");
    if report.is_state_unsaved { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Has the system send SIGTERM as soon as this process has ended, which must be our parent.
#[cfg(target_os = "linux")]
fn end_with(pid: i32) -> io::Result<()> {
    set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    // It may have ended before it was asked for.
    if getppid().map(Pid::as_raw_pid) != Some(pid) {
        return Err(io::Error::other(format!("process {pid} has not started this one, or has ended")));
    }
    Ok(())
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
fn end_with(_pid: i32) -> io::Result<()> {
    Ok(())
}

/// Lets the process have as many files, and so connections, open at once as the system allows it. Shells give 1,024, and
/// a fleet of subscribers needs more. Where even that is refused, what there is must do.
fn take_all_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Fills in a seed where none was given, so that the one in use can be told and given again.
fn with_seed<E>(config: Config, draw: impl FnOnce() -> Result<u64, E>) -> Result<Config, E> {
    let seed = config.seed.map_or_else(draw, Ok)?;
    Ok(Config { seed: Some(seed), ..config })
}

/// The line that says where the server is; tools wait for it and read the address from it.
fn start_line(system: System, scheme: &str, addr: SocketAddr, features: &[String]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match system {
        // To the letter what its users wait for.
        System::Kinesalite => format!("Listening at {scheme}://{addr}"),
        System::LocalStack | System::KinesisMock => {
            format!("shardmill {version} listening on {scheme}://{addr} ({})", features.join("; "))
        }
    }
}

/// Says why in one line and gives the exit code.
fn fail(why: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // If stderr is gone too, the code remains.
    let _ = writeln!(io::stderr(), "shardmill: {why}");
    ExitCode::from(code)
}

/// Sends log lines to stderr, unless the process has its own ideas already (a test that starts a server).
fn start_logging(level: LogLevel, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(level_filter(level))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

const fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// SIGTERM and SIGINT, caught from its making on.
struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let guard = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        Ok(Self { runtime, terminate, interrupt })
    }

    /// Blocks until the first signal and gives its name. A second one, whenever it comes, ends the process.
    fn wait(mut self) -> io::Result<&'static str> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().name("signals".into()).spawn(move || {
            let first = self.next();
            // The receiver only goes once it has its answer.
            let _ = sender.send(first);
            self.next();
            std::process::exit(EXIT_INTERRUPTED);
        })?;
        receiver.recv().map_err(io::Error::other)
    }

    fn next(&mut self) -> &'static str {
        let Self { runtime, terminate, interrupt } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts find the address by this line, so its shape is fixed.
    #[test]
    fn the_start_up_line_names_the_address_and_what_is_on() {
        let features = ["workers 2", "faults off"].map(String::from);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            start_line(System::LocalStack, "http", "127.0.0.1:4566".parse().unwrap(), &features),
            format!("shardmill {version} listening on http://127.0.0.1:4566 (workers 2; faults off)")
        );
        let line = start_line(System::KinesisMock, "https", "[::1]:80".parse().unwrap(), &features);
        assert!(line.contains(" https://[::1]:80 ("), "{line}");
        let line = start_line(System::Kinesalite, "http", "0.0.0.0:4567".parse().unwrap(), &features);
        assert_eq!(line, "Listening at http://0.0.0.0:4567");
    }

    #[test]
    fn a_given_seed_is_kept_and_a_missing_one_drawn() {
        let given = Config { seed: Some(7), ..Config::default() };
        let seed = |config, drawn: Result<u64, ()>| with_seed(config, || drawn).map(|config| config.seed);
        assert_eq!(seed(given, Err(())), Ok(Some(7)));
        assert_eq!(seed(Config::default(), Ok(9)), Ok(Some(9)));
        assert_eq!(seed(Config::default(), Err(())), Err(()));
    }

    #[test]
    fn levels_keep_their_order() {
        let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        assert!(levels.map(level_filter).is_sorted());
    }

    /// Help is no failure; a bad setting is one, of its own kind. Neither starts a server.
    #[test]
    fn what_starts_no_server_ends_at_once() {
        let same = |left: ExitCode, right: ExitCode| format!("{left:?}") == format!("{right:?}");
        assert!(same(run(["shardmill", "--version"]), ExitCode::SUCCESS));
        assert!(same(run(["shardmill", "serve", "--port", "x"]), ExitCode::from(2)));
    }
}
