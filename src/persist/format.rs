//! Which formats there are, and how one is known by its first byte.

use std::io::{Cursor, Read, Write};

use crate::operation::Service;

use super::error::PersistError;
use super::loading::{self, Putting};
use super::mock;
use super::pace::Pace;
use super::snapshot;
use super::state::{State, Totals};

/// How state stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Ours.
    Snapshot,
    /// kinesis-mock's.
    KinesisMock,
}

impl Format {
    /// What it is called.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "snapshot" => Some(Self::Snapshot),
            "kinesis-mock" => Some(Self::KinesisMock),
            _ => None,
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Snapshot => "application/octet-stream",
            Self::KinesisMock => "application/json",
        }
    }
}

/// Writes state in a format.
///
/// # Errors
/// The system's refusal, or the end of the time that there is.
pub fn write(
    state: &State,
    format: Format,
    out: &mut impl Write,
    pace: &mut Pace,
) -> Result<Totals, PersistError> {
    match format {
        Format::Snapshot => snapshot::write(state, out, pace),
        Format::KinesisMock => mock::write(state, out, pace),
    }
}

/// Loads a file, in whichever format it is, into a server: all of it or, on any error, nothing.
///
/// # Errors
/// It is not as it was written, there is no memory for it, or a stream of the same name exists.
pub fn load(service: &Service, mut input: impl Read, putting: Putting) -> Result<Totals, PersistError> {
    let mut first = [0];
    let read = input.read(&mut first)?;
    let is_json = read > 0 && matches!(first, [b'{' | b' ' | b'\t' | b'\r' | b'\n']);
    let input = Cursor::new(first).take(read as u64).chain(input);
    if is_json { mock::load(service, input, putting) } else { loading::load(service, input, putting) }
}
