//! Keeps state in files while a server runs: saved when it has changed, at an interval, and at the end.
//!
//! The steady form is our own snapshot. Where the file is to be called `something.json`, as kinesis-mock's is, it lies
//! beside it as `something.snapshot`, and kinesis-mock's form is written too, for whoever expects it there. The snapshot
//! is the later of the two after each save; so if the other one is newer, somebody else has put it there, and it counts.
//!
//! A thread of low priority saves, gently ([`Pace::gentle`]); the interval begins when a save has ended. The last save is
//! made as fast as it goes, by a thread of usual priority and by the time that the server has for its end.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use crate::operation::Service;

use super::error::{FileError, PersistError};
use super::file::{Part, Readers, replace};
use super::format::{self, Format};
use super::loading::Putting;
use super::pace::Pace;
use super::state::{State, Totals};

/// Looking for changes more often than this would be all that the thread does.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// How much later than in time the thread may tell that it was not in time.
const LAST_WORD_WITHIN: Duration = Duration::from_millis(200);

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
        let snapshot = changed(&self.snapshot)?;
        let path = match &self.mock {
            Some(mock) if changed(mock)? > snapshot => mock,
            _ if snapshot.is_some() => &self.snapshot,
            _ => return Ok(None),
        };
        let file = File::open(path).map_err(|error| PersistError::from(error).of(path))?;
        let putting = Putting { replaces: false, goes_on: true };
        let input = io::BufReader::with_capacity(256 << 10, file);
        let totals = format::load(service, input, putting).map_err(|error| error.of(path))?;
        Ok(Some(Found { path: path.clone(), totals }))
    }

    /// Writes all of them. From the moment on that each has its name, the snapshot, which says more, is not the earlier
    /// one, whenever the server is killed and wherever the clock has gone.
    fn save(&self, state: &State, pace: &mut Pace) -> Result<Totals, FileError> {
        let former = self.mock.as_ref().and_then(|mock| changed(mock).ok().flatten());
        let ahead = former.filter(|former| *former > SystemTime::now());
        let totals = replace(&self.snapshot, Readers::Owner, |out| {
            let totals = format::write(state, Format::Snapshot, out, pace)?;
            date(out, ahead)?;
            Ok(totals)
        })?;
        if let Some(mock) = &self.mock {
            let snapshot = changed(&self.snapshot)?;
            replace(mock, Readers::Usual, |out| {
                format::write(state, Format::KinesisMock, out, pace)?;
                Ok(date(out, snapshot)?)
            })?;
        }
        Ok(totals)
    }
}

/// When a file was changed last; `None` if there is none. One that cannot be looked at is not taken for none, since it
/// would be replaced.
fn changed(path: &Path) -> Result<Option<SystemTime>, FileError> {
    match fs::metadata(path).and_then(|about| about.modified()) {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PersistError::from(error).of(path)),
    }
}

/// Gives what has been written this date, if there is one to be given.
fn date(out: &mut BufWriter<Part>, changed: Option<SystemTime>) -> io::Result<()> {
    out.flush()?;
    if let Some(changed) = changed {
        // Where the system refuses, the other form may be the later one; it is whole, too.
        let _ = out.get_ref().set_modified(changed);
    }
    Ok(())
}

/// Keeps a server's state, from its making to [`Keeper::finish`]. Dropped, it does not save any more.
pub struct Keeper {
    /// A save under way is to be broken off.
    stopped: Arc<AtomicBool>,
    /// Takes what the thread has, once it is to end.
    last: mpsc::Sender<mpsc::Sender<Keeping>>,
    /// The file that the user knows of.
    named: PathBuf,
}

impl Keeper {
    /// Begins to keep the state of a server. What was `found` when it began is saved again at once: counters have jumped
    /// since, and how far, a server after the next one would not know if the clock had been set back.
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
        let (last, ended) = mpsc::channel();
        let named = files.named().to_owned();
        let keeping = Keeping { service, files, kept: None, stopped: Arc::clone(&stopped) };
        let interval = interval.max(INTERVAL_MIN);
        let first = if found.is_some() { Duration::ZERO } else { interval };
        std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || keeping.run(first, interval, &ended))?;
        Ok(Self { stopped, last, named })
    }

    /// Saves once more what has changed, by this time. The server must not change any more.
    ///
    /// # Errors
    /// What could not be saved, and why; the former file is there then.
    pub fn finish(self, deadline: Instant) -> Result<(), FileError> {
        self.stopped.store(true, Ordering::Relaxed);
        let (keeping, kept) = mpsc::channel();
        // A thread that has panicked does not hear it.
        let _ = self.last.send(keeping);
        let error = |error: PersistError| error.of(&self.named);
        let mut keeping = within(deadline, &kept).map_err(error)?;
        // By a thread of usual priority.
        let (result, told) = mpsc::channel();
        let save = move || {
            // After the deadline nobody listens.
            let _ = result.send(keeping.save_changes(Pace::until(deadline)));
        };
        let thread = std::thread::Builder::new().name("last save".to_owned()).spawn(save);
        thread.map_err(|refused| error(refused.into()))?;
        within(deadline, &told).map_err(error)?
    }
}

/// What a thread has to say until then. The system may take as long as it likes over a disk that is slow.
fn within<T>(deadline: Instant, told: &mpsc::Receiver<T>) -> Result<T, PersistError> {
    let left = deadline.saturating_duration_since(Instant::now()) + LAST_WORD_WITHIN;
    told.recv_timeout(left).map_err(|missing| match missing {
        RecvTimeoutError::Timeout => PersistError::Late,
        RecvTimeoutError::Disconnected => io::Error::other("the thread that saves has panicked").into(),
    })
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
    fn run(mut self, first: Duration, interval: Duration, ended: &mpsc::Receiver<mpsc::Sender<Self>>) {
        be_nice();
        let mut rest = first;
        loop {
            match ended.recv_timeout(rest) {
                Err(RecvTimeoutError::Timeout) => {
                    let pace = Pace::gentle(Arc::clone(&self.stopped));
                    match self.save_changes(pace) {
                        Ok(()) | Err(FileError { error: PersistError::Stopped, .. }) => {}
                        Err(error) => tracing::error!(%error, "state was not saved"),
                    }
                    rest = interval;
                }
                Ok(last) => {
                    // Whoever has asked may have given up.
                    let _ = last.send(self);
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn save_changes(&mut self, mut pace: Pace) -> Result<(), FileError> {
        let begun = Instant::now();
        let state = State::take(&self.service);
        let fingerprint = state.fingerprint();
        // What it took to look is work, too.
        pace.step().map_err(|error| error.of(self.files.named()))?;
        if self.kept == Some(fingerprint) {
            return Ok(());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::memory::MemoryPlan;

    fn service() -> Arc<Service> {
        let config = Config::default();
        crate::server::service(&config, &MemoryPlan::of(&config), 0, Clock::system()).unwrap()
    }

    /// Protects: of two files the snapshot is loaded, though the other was written after it, and though its date lay ahead;
    /// until somebody else puts another one there.
    #[test]
    fn the_snapshot_counts_until_somebody_else_writes() {
        let folder = std::env::temp_dir().join(format!("shardmill-keeper-{}", std::process::id()));
        let files = Files::new(&folder, "kinesis-data.json");
        let found = || files.load(&service()).unwrap().map(|found| found.path);
        let save = || files.save(&State::take(&service()), &mut Pace::free()).unwrap();
        assert_eq!(found(), None);
        save();
        assert_eq!(found().as_ref(), Some(&files.snapshot));
        let mock = files.mock.as_ref().unwrap();
        let ahead = SystemTime::now() + Duration::from_secs(3_600);
        File::options().append(true).open(mock).unwrap().set_modified(ahead).unwrap();
        assert_eq!(found().as_ref(), Some(mock));
        // Killed before it came to the other form.
        let kept = fs::read(mock).unwrap();
        save();
        fs::write(mock, kept).unwrap();
        File::options().append(true).open(mock).unwrap().set_modified(ahead).unwrap();
        assert_eq!(found().as_ref(), Some(&files.snapshot));
        fs::remove_dir_all(folder).unwrap();
    }

    /// Protects: files that cannot be looked at are not taken for none.
    #[test]
    fn what_cannot_be_looked_at_is_told() {
        let file = std::env::temp_dir().join(format!("shardmill-no-folder-{}", std::process::id()));
        fs::write(&file, "no folder").unwrap();
        let refused = Files::new(&file, "kinesis-data.json").load(&service()).unwrap_err().to_string();
        assert!(refused.contains("kinesis-data.snapshot: Not a directory"), "{refused}");
        fs::remove_file(file).unwrap();
    }
}
