//! A file that is there whole or not at all: written beside its place, made sure of, and moved there; by one at a time,
//! since two servers may have been given one folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::{FileError, PersistError};

/// Bytes that are handed to the system at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes a file, and puts it in the place of the former one once all of it is on disk. Folders that are missing are made.
///
/// # Errors
/// What `write` says, or the system's refusal; then the former file is as it was.
pub fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, PersistError>,
) -> Result<T, FileError> {
    let part = part_of(path);
    let opened = make_folder(folder_of(path)).and_then(|()| open_part(&part));
    let file = opened.map_err(|error| PersistError::from(error).of(path))?;
    let written = write_part(path, &part, file, write);
    if written.is_err() {
        // What is half written is of no use; if it cannot be removed, the next save writes over it.
        let _ = fs::remove_file(&part);
    }
    written.map_err(|error| error.of(path))
}

/// The empty file beside, locked until it is closed.
fn open_part(part: &Path) -> io::Result<File> {
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another server writes it now");
    let file = File::options().write(true).create(true).truncate(false).open(part)?;
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
    Ok(file)
}

fn write_part<T>(
    path: &Path,
    part: &Path,
    file: File,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, PersistError>,
) -> Result<T, PersistError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let result = write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(part, path)?;
    sync_folder(folder_of(path))?;
    Ok(result)
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
        replace(&path, |out| Ok(out.write_all(b"one")?)).unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"two")?;
            Err::<(), _>(PersistError::Late)
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.ends_with("deeper/state: not within the time that there was"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, |out| Ok(out.write_all(b"three")?)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    /// Protects: of two that write one file at once the later one leaves it to the other, untouched.
    #[test]
    fn one_writes_at_a_time() {
        let folder = std::env::temp_dir().join(format!("shardmill-two-{}", std::process::id()));
        let path = folder.join("state");
        let save = |text: &[u8]| replace(&path, |out| Ok(out.write_all(text)?));
        replace(&path, |out| {
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
