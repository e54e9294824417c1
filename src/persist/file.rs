//! A file that is there whole or not at all: written beside its place, made sure of, and moved there; by one at a time,
//! since two servers may have been given one folder.
//!
//! The system gets its work evenly ([`Part`]). Left alone it would copy what it is given in one go, write all of the file
//! to the disk at the end, and let go of the former one's pages when that loses its name: tens of milliseconds each for
//! 100 MiB, and while a system call runs, some kernels let nobody else have its core.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[cfg(target_os = "linux")]
use {rustix::fs::Advice, std::num::NonZeroU64};

use super::error::{FileError, PersistError};

/// Bytes that are handed to the system at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Bytes after which the system is asked to write them to the disk: a tenth of a millisecond of its time.
const STRETCH_BYTES: u64 = 512 << 10;

const OWNER_ONLY: u32 = 0o600;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: there are keys in it.
    Owner,
    /// Whoever may read what the owner makes.
    Usual,
}

/// Writes a file, and puts it in the place of the former one once all of it is on disk. Folders that are missing are made.
///
/// # Errors
/// What `write` says, or the system's refusal; then the former file is as it was.
pub fn replace<T>(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut BufWriter<Part>) -> Result<T, PersistError>,
) -> Result<T, FileError> {
    let part = part_of(path);
    let opened = make_folder(folder_of(path)).and_then(|()| open_part(&part, readers));
    let file = opened.map_err(|error| PersistError::from(error).of(path))?;
    let written = write_part(path, &part, file, write);
    if written.is_err() {
        // What is half written is of no use; if it cannot be removed, the next save writes over it.
        let _ = fs::remove_file(&part);
    }
    written.map_err(|error| error.of(path))
}

/// The empty file beside, locked until it is closed.
fn open_part(part: &Path, readers: Readers) -> io::Result<File> {
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another server writes it now");
    let mut options = File::options();
    if readers == Readers::Owner {
        options.mode(OWNER_ONLY);
    }
    let file = options.write(true).create(true).truncate(false).open(part)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(busy()),
        // Not every file system has locks.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    // It may have been moved to its place before it was locked.
    let (locked, named) = (file.metadata()?, fs::metadata(part)?);
    if (locked.dev(), locked.ino()) != (named.dev(), named.ino()) {
        return Err(busy());
    }
    file.set_len(0)?;
    if readers == Readers::Owner {
        // It may have been left by somebody who was killed. Not every file system has permissions.
        let _ = file.set_permissions(Permissions::from_mode(OWNER_ONLY));
    }
    Ok(file)
}

fn write_part<T>(
    path: &Path,
    part: &Path,
    file: File,
    write: impl FnOnce(&mut BufWriter<Part>) -> Result<T, PersistError>,
) -> Result<T, PersistError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, Part { file, bytes: 0, asked: 0 });
    let result = write(&mut out)?;
    out.flush()?;
    out.get_mut().sync()?;
    fs::rename(part, path)?;
    sync_folder(folder_of(path))?;
    Ok(result)
}

/// A file in the making: handed to the system in small pieces, and on to the disk every few of them.
pub struct Part {
    file: File,
    bytes: u64,
    /// Up to where the system was asked to write it to the disk.
    asked: u64,
}

impl Part {
    /// Gives it this date.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn set_modified(&self, changed: SystemTime) -> io::Result<()> {
        self.file.set_modified(changed)
    }

    /// Has all of it on the disk.
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.asked > 0 {
            // Of a small file it would cost more than it is worth.
            self.let_go(0);
        }
        Ok(())
    }

    /// What is on the disk need not be in memory as well, from here on; what is not is to be written.
    fn let_go(&self, from: u64) {
        // On Linux that is what this advice does; a file system that knows none does without.
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(&self.file, from, NonZeroU64::new(self.bytes - from), Advice::DontNeed);
        #[cfg(not(target_os = "linux"))]
        let _ = from;
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(&bytes[..bytes.len().min(BUFFER_BYTES)])?;
        self.bytes += written as u64;
        if self.bytes - self.asked >= STRETCH_BYTES {
            // The stretch before should be on the disk by now.
            self.let_go(self.asked.saturating_sub(STRETCH_BYTES));
            self.asked = self.bytes;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a file is written before it is whole.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder that is missing, and those above it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    if above != folder {
        make_folder(above)?;
    }
    fs::create_dir_all(folder)?;
    sync_folder(above)
}

/// That the file has its name is also something to be made sure of.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a save that fails leaves the former file as it was, and nothing beside it.
    #[test]
    fn the_former_file_stays() {
        let folder = std::env::temp_dir().join(format!("shardmill-file-{}", std::process::id()));
        let path = folder.join("deeper/state");
        replace(&path, Readers::Usual, |out| Ok(out.write_all(b"one")?)).unwrap();
        let failed = replace(&path, Readers::Usual, |out| {
            out.write_all(b"two")?;
            Err::<(), _>(PersistError::Late)
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.ends_with("deeper/state: not within the time that there was"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, Readers::Usual, |out| Ok(out.write_all(b"three")?)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    /// Protects: of two that write one file at once the later one leaves it to the other, untouched.
    #[test]
    fn one_writes_at_a_time() {
        let folder = std::env::temp_dir().join(format!("shardmill-two-{}", std::process::id()));
        let path = folder.join("state");
        let save = |text: &[u8]| replace(&path, Readers::Usual, |out| Ok(out.write_all(text)?));
        replace(&path, Readers::Usual, |out| {
            out.write_all(b"one")?;
            out.flush()?;
            let refused = save(b"two").unwrap_err().to_string();
            assert!(refused.ends_with("state: another server writes it now"), "{refused}");
            Ok(out.write_all(b" and the same")?)
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one and the same");
        // What somebody has left who was killed is in nobody's way.
        fs::write(part_of(&path), "longer than what is written next").unwrap();
        save(b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        fs::remove_dir_all(folder).unwrap();
    }
}
