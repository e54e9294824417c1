//! A server process under test: started on a free port, watched through /proc, stopped with the value that owns it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const START_MAX: Duration = Duration::from_secs(20);
const STOP_MAX: Duration = Duration::from_secs(6);
/// Length of a tick in /proc/PID/stat: USER_HZ is 100 on every Linux architecture that Rust supports.
const TICK: Duration = Duration::from_millis(10);

/// A running server process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts `program --port 0` with more arguments and variables, and waits for its line that says where it
    /// listens. The line must contain `listening on http://ADDRESS`.
    ///
    /// # Errors
    /// The program cannot be started, ends early, or does not say within 20 s where it listens.
    pub fn start(program: &Path, arguments: &[String], variables: &[(&str, &str)]) -> io::Result<Self> {
        let explain =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", program.display()));
        let mut child = Command::new(program)
            .args(["--port", "0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(explain)?;
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            // The thread reads on after the address, so that a talkative server never blocks on a full pipe; it ends
            // with the server.
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if let Some(address) = address_in(&line) {
                        let _ = sender.send(address);
                    }
                }
            });
        }
        // Owned from here on, so that an early return stops the child.
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        server.address = receiver.recv_timeout(START_MAX).map_err(|_nothing| {
            explain(io::Error::new(io::ErrorKind::TimedOut, "it did not print where it listens"))
        })?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds the process still (SIGSTOP) until [`Server::resume`]. Its sockets go on taking what fits their buffers.
    ///
    /// # Errors
    /// The process is gone.
    pub fn pause(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Lets a process that was held still go on (SIGCONT).
    ///
    /// # Errors
    /// The process is gone.
    pub fn resume(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Processor time used so far, per thread from its scheduler statistics where the kernel keeps them.
    ///
    /// # Errors
    /// The process is gone.
    pub fn cpu(&self) -> io::Result<CpuReading> {
        let folder = format!("/proc/{}", self.child.id());
        let mut threads_ns = BTreeMap::new();
        for entry in fs::read_dir(format!("{folder}/task"))? {
            let entry = entry?;
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            if let Some(ns) = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok()) {
                threads_ns.insert(entry.file_name().to_string_lossy().into_owned(), ns);
            }
        }
        let ticks = ticks_in(&fs::read_to_string(format!("{folder}/stat"))?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat without its times"))?;
        Ok(CpuReading { threads_ns, coarse: TICK.saturating_mul(ticks) })
    }

    /// Times so far of the threads whose names begin so.
    ///
    /// # Errors
    /// The process is gone.
    pub fn threads(&self, name: &str) -> io::Result<ThreadTimes> {
        let mut times = ThreadTimes::default();
        for entry in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let path = entry?.path();
            // A thread that has ended meanwhile counts no more.
            let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
            if read("comm").starts_with(name) {
                let text = read("schedstat");
                let mut fields = text.split_ascii_whitespace().map(|word| word.parse().unwrap_or(0));
                let mut next = || Duration::from_nanos(fields.next().unwrap_or(0));
                times = ThreadTimes { ran: times.ran + next(), waited: times.waited + next() };
            }
        }
        Ok(times)
    }

    /// Page faults so far that needed no disk, of all threads: each is a page touched for the first time, or again
    /// after it was given back.
    ///
    /// # Errors
    /// The process is gone.
    pub fn minor_faults(&self) -> io::Result<u64> {
        minor_faults_in(&fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat without its page faults")
        })
    }

    /// Resident memory now and at its highest, in KiB.
    ///
    /// # Errors
    /// The process is gone.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib_of = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_ascii_whitespace().next())
                .and_then(|word| word.parse().ok())
                .unwrap_or(0)
        };
        Ok(Memory { resident_kib: kib_of("VmRSS:"), resident_max_kib: kib_of("VmHWM:") })
    }
}

impl Drop for Server {
    /// SIGTERM, six seconds of patience (a shutdown may take five), then SIGKILL.
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ =
            writeln!(io::stderr(), "the server ignored SIGTERM for {} s and was killed", STOP_MAX.as_secs());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now, in KiB.
    pub resident_kib: u64,
    /// At its highest, in KiB.
    pub resident_max_kib: u64,
}

/// What the scheduler says of some threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadTimes {
    /// On a core.
    pub ran: Duration,
    /// Ready to run, while others had the core.
    pub waited: Duration,
}

impl ThreadTimes {
    /// Those since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self { ran: self.ran.saturating_sub(earlier.ran), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Processor time of a process at one moment.
#[derive(Debug)]
pub struct CpuReading {
    threads_ns: BTreeMap<String, u64>,
    coarse: Duration,
}

impl CpuReading {
    /// Time used since `earlier`, user and system: to the nanosecond when no thread ended in between (its time would
    /// be lost with it), else in ticks of 10 ms.
    pub fn since(&self, earlier: &Self) -> Duration {
        let mut ns = 0u64;
        for (thread, before) in &earlier.threads_ns {
            match self.threads_ns.get(thread) {
                Some(now) => ns += now.saturating_sub(*before),
                None => return self.coarse.saturating_sub(earlier.coarse),
            }
        }
        let started = self.threads_ns.iter().filter(|(thread, _)| !earlier.threads_ns.contains_key(*thread));
        ns += started.map(|(_, now)| now).sum::<u64>();
        if ns == 0 { self.coarse.saturating_sub(earlier.coarse) } else { Duration::from_nanos(ns) }
    }
}

/// `... listening on http://127.0.0.1:4566 (...)`
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    rest.split_ascii_whitespace().next()?.trim_end_matches('/').parse().ok()
}

/// User and system ticks: fields 14 and 15.
fn ticks_in(stat: &str) -> Option<u32> {
    let mut fields = fields_from(stat, 14)?;
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

/// Field 10: its children's faults are the next but one.
fn minor_faults_in(stat: &str) -> Option<u64> {
    fields_from(stat, 10)?.next()?.parse().ok()
}

/// The fields of `/proc/PID/stat` from `number` (at least 3) on, counted after the name's closing parenthesis because
/// the name may hold blanks.
fn fields_from(stat: &str, number: usize) -> Option<impl Iterator<Item = &str>> {
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().skip(number - 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_up_lines_are_understood() {
        let line = "shardmill 0.1.0 listening on http://127.0.0.1:4566 (workers 2; faults off)";
        assert_eq!(address_in(line), Some(SocketAddr::from(([127, 0, 0, 1], 4566))));
        assert_eq!(
            address_in("echo listening on http://127.0.0.1:7/"),
            Some(SocketAddr::from(([127, 0, 0, 1], 7)))
        );
        assert_eq!(address_in("listening soon"), None);
    }

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "12 (a b) c) S 1 2 3 4 5 6 77 8 9 10 250 50 0 0 20 0 3 0 1";
        assert_eq!(ticks_in(stat), Some(300));
        assert_eq!(minor_faults_in(stat), Some(77));
        assert_eq!(ticks_in("12 (x) S 1"), None);
        assert_eq!(minor_faults_in("12 (x) S 1"), None);
    }

    fn reading(threads: &[(&str, u64)], coarse_ms: u64) -> CpuReading {
        let threads_ns = threads.iter().map(|(thread, ns)| ((*thread).to_owned(), *ns)).collect();
        CpuReading { threads_ns, coarse: Duration::from_millis(coarse_ms) }
    }

    #[test]
    fn time_of_threads_is_summed_and_an_ended_thread_means_ticks() {
        let before = reading(&[("1", 100), ("2", 50)], 10);
        let same = reading(&[("1", 150), ("2", 75), ("3", 5)], 20);
        assert_eq!(same.since(&before), Duration::from_nanos(80));
        let ended = reading(&[("1", 150)], 30);
        assert_eq!(ended.since(&before), Duration::from_millis(20));
        let without = reading(&[], 40);
        assert_eq!(without.since(&reading(&[], 10)), Duration::from_millis(30));
    }

    #[test]
    fn a_program_that_says_nothing_is_an_error() {
        let error = Server::start(Path::new("/bin/true"), &[], &[]).unwrap_err();
        assert!(error.to_string().contains("did not print"), "{error}");
        assert!(Server::start(Path::new("/nonexistent/server"), &[], &[]).is_err());
    }
}
