//! Where measurements are kept: one line of NDJSON per run, in a file of the day and commit, and the JSON members that
//! their rows are made of.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::machine::Machine;
use crate::paired::spread;

/// The file of the raw rows.
#[derive(Debug)]
pub struct Results {
    file: File,
    path: PathBuf,
}

impl Results {
    /// Opens the file of the machine's day and commit in a folder, both made if need be, to go on at its end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(folder: &Path, machine: &Machine) -> io::Result<Self> {
        let path = folder.join(format!("{}-{}.ndjson", machine.date, machine.commit));
        let explain = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        fs::create_dir_all(folder).map_err(explain)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(explain)?;
        Ok(Self { file, path })
    }

    /// Keeps a run: the members of its JSON object, without braces.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn row(&mut self, members: &str) -> io::Result<()> {
        // One write, so that rows of two programs stay whole.
        self.file.write_all(format!("{{{members}}}\n").as_bytes())
    }

    /// Where the rows are.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A number as a JSON member; what is no number is null.
pub fn member(name: &str, value: f64) -> String {
    format!("\"{name}\":{}", number(value))
}

/// Median, smallest and largest of some values as a JSON member.
pub fn spread_member(name: &str, values: &[f64]) -> String {
    let (median, min, max) = spread(values);
    let [median, min, max] = [median, min, max].map(number);
    format!("\"{name}\":{{\"median\":{median},\"min\":{min},\"max\":{max}}}")
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { "null".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: rows are added behind those of earlier runs, one per line.
    #[test]
    fn rows_are_kept() {
        let folder = std::env::temp_dir().join(format!("shardmill-results-{}", std::process::id()));
        let machine = Machine::here();
        for value in [1.0, f64::NAN] {
            let mut results = Results::open(&folder, &machine).unwrap();
            results.row(&member("a", value)).unwrap();
        }
        let results = Results::open(&folder, &machine).unwrap();
        assert_eq!(fs::read_to_string(results.path()).unwrap(), "{\"a\":1.0000}\n{\"a\":null}\n");
        fs::remove_dir_all(&folder).unwrap();
        let error = Results::open(Path::new("/proc/no such folder"), &machine).unwrap_err();
        assert!(error.to_string().starts_with("/proc/no such folder"), "{error}");
    }

    #[test]
    fn spreads_are_objects() {
        let text = spread_member("a", &[3.0, 1.0, 2.0]);
        assert_eq!(text, r#""a":{"median":2.0000,"min":1.0000,"max":3.0000}"#);
    }
}
