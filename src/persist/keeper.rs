//! Keeps state in files while a server runs: saved when it has changed, at an interval, and at the end.
//!
//! The steady form is our own snapshot. Where the file is to be called `something.json`, as kinesis-mock's is, it lies
//! beside it as `something.snapshot`, and kinesis-mock's form is written too, for whoever expects it there. The snapshot
//! is the later of the two after each save; so if the other one is newer, somebody else has put it there, and it counts.
//!
//! A thread of low priority saves, gently ([`Pace::gentle`]); the interval begins when a save has ended. The last save is
//! made as fast as it goes, by the time that the server has for its end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::operation::Service;

use super::error::{FileError, PersistError};
use super::file::replace;
use super::format::{self, Format};
use super::loading::Putting;
use super::pace::Pace;
use super::state::{State, Totals};

/// Looking for changes more often than this would be all that the thread does.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    snapshot: PathBuf,
    mock: Option<PathBuf>,
}

/// What was found when a server began.
#[derive(Debug)]
pub struct Found {
    /// The file that was loaded.
    pub path: PathBuf,
    /// How much was in it.
    pub totals: Totals,
    /// What the files say already; `None` if they do not say the same.
    kept: Option<u64>,
}

impl Files {
    /// The files of this name in this folder.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        if name.ends_with(".json") {
            Self { snapshot: path.with_extension("snapshot"), mock: Some(path) }
        } else {
            Self { snapshot: path, mock: None }
        }
    }

    /// The file that the user knows of.
    #[must_use]
    pub fn named(&self) -> &Path {
        self.mock.as_ref().unwrap_or(&self.snapshot)
    }

    /// Loads what is kept there into a server, if there is anything.
    ///
    /// # Errors
    /// The newest file cannot be loaded; nothing of it is, then.
    pub fn load(&self, service: &Service) -> Result<Option<Found>, FileError> {
        let changed = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
        let snapshot = changed(&self.snapshot);
        let mock = self.mock.as_ref().filter(|mock| changed(mock) > snapshot);
        let path = match (mock, snapshot) {
            (Some(mock), _) => mock,
            (None, Some(_)) => &self.snapshot,
            (None, None) => return Ok(None),
        };
        let file = File::open(path).map_err(|error| PersistError::from(error).of(path))?;
        let putting = Putting { replaces: false, goes_on: true };
        let input = io::BufReader::with_capacity(256 << 10, file);
        let totals = format::load(service, input, putting).map_err(|error| error.of(path))?;
        // Where there are two files, they need not say the same: a server may have been killed between them.
        let kept = self.mock.is_none().then(|| State::take(service).fingerprint());
        Ok(Some(Found { path: path.clone(), totals, kept }))
    }

    /// Writes all of them.
    fn save(&self, state: &State, pace: &mut Pace) -> Result<Totals, FileError> {
        let totals = replace(&self.snapshot, |out| format::write(state, Format::Snapshot, out, pace))?;
        if let Some(mock) = &self.mock {
            replace(mock, |out| format::write(state, Format::KinesisMock, out, pace))?;
            // Now it is the later one again; where that cannot be told, the other form says the same.
            let _ = File::options()
                .append(true)
                .open(&self.snapshot)
                .and_then(|file| file.set_modified(SystemTime::now()));
        }
        Ok(totals)
    }
}

/// Keeps a server's state, from its making to [`Keeper::finish`]. Dropped, it does not save any more.
pub struct Keeper {
    /// A save under way is to be broken off.
    stopped: Arc<AtomicBool>,
    /// By when the last save has to be done.
    deadline: mpsc::Sender<Instant>,
    thread: JoinHandle<Result<(), FileError>>,
}

impl Keeper {
    /// Begins to keep the state of a server.
    ///
    /// # Errors
    /// The system's refusal of a thread.
    pub fn start(
        service: Arc<Service>,
        files: Files,
        interval: Duration,
        found: Option<&Found>,
    ) -> io::Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let (deadline, ended) = mpsc::channel();
        let kept = found.and_then(|found| found.kept);
        let keeping = Keeping { service, files, kept, stopped: Arc::clone(&stopped) };
        let interval = interval.max(INTERVAL_MIN);
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || keeping.run(interval, &ended))?;
        Ok(Self { stopped, deadline, thread })
    }

    /// Saves once more what has changed, by this time. The server must not change any more.
    ///
    /// # Errors
    /// What could not be saved, and why; the former file is there then.
    pub fn finish(self, deadline: Instant) -> Result<(), FileError> {
        self.stopped.store(true, Ordering::Relaxed);
        // A thread that has panicked has said so.
        let _ = self.deadline.send(deadline);
        self.thread.join().unwrap_or(Ok(()))
    }
}

/// What the thread has.
struct Keeping {
    service: Arc<Service>,
    files: Files,
    /// What the files say; `None` if that is not known, or nothing.
    kept: Option<u64>,
    stopped: Arc<AtomicBool>,
}

impl Keeping {
    fn run(mut self, interval: Duration, ended: &mpsc::Receiver<Instant>) -> Result<(), FileError> {
        be_nice();
        loop {
            match ended.recv_timeout(interval) {
                Err(RecvTimeoutError::Timeout) => {
                    let pace = Pace::gentle(Arc::clone(&self.stopped));
                    match self.save_changes(pace) {
                        Ok(()) | Err(FileError { error: PersistError::Stopped, .. }) => {}
                        Err(error) => tracing::error!(%error, "state was not saved"),
                    }
                }
                Ok(deadline) => return self.save_changes(Pace::until(deadline)),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn save_changes(&mut self, mut pace: Pace) -> Result<(), FileError> {
        let begun = Instant::now();
        let state = State::take(&self.service);
        let fingerprint = state.fingerprint();
        if self.kept == Some(fingerprint) {
            return Ok(());
        }
        // What it took to look is work, too.
        pace.step().map_err(|error| error.of(self.files.named()))?;
        let totals = self.files.save(&state, &mut pace)?;
        self.kept = Some(fingerprint);
        tracing::debug!(records = totals.records, ms = begun.elapsed().as_millis(), "state was saved");
        Ok(())
    }
}

/// Lets whoever serves go first, for as long as this thread lives.
pub fn be_nice() {
    // On Linux this is about the calling thread alone; elsewhere it would slow down the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}
