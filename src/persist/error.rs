//! What can be wrong with a file of state, and where.

use std::io;
use std::path::{Path, PathBuf};

use crate::control::LoadError;

/// Why state was not saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    /// The system refused to read or write.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A byte is not what was written, or it is none of ours.
    #[error("damaged at byte {offset}: {what}")]
    Damaged {
        /// Where, counted from the beginning.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// It is of a version that this program does not know.
    #[error("byte {offset}: version {version} of the format, and this program knows version {known} only")]
    Version {
        /// Where it says so.
        offset: u64,
        /// The file's.
        version: u32,
        /// Ours.
        known: u32,
    },
    /// There is not enough memory for what it holds.
    #[error("at byte {offset}: its records need more memory than the server may take; see --memory-limit")]
    Memory {
        /// How far it was read.
        offset: u64,
    },
    /// What it holds cannot be put back here.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There was no more time.
    #[error("not within the time that there was")]
    Late,
    /// Somebody wants something else to be done.
    #[error("broken off")]
    Stopped,
}

impl PersistError {
    /// Damage at this place.
    pub(crate) fn damaged(offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { offset, what: what.into() }
    }

    /// The same, of this file.
    #[must_use]
    pub fn of(self, path: &Path) -> FileError {
        FileError { path: path.to_owned(), error: self }
    }
}

/// What is wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub error: PersistError,
}
