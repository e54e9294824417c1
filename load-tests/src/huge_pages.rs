//! Transparent huge pages: the system's mode, and a guard that changes it for the time of a measurement.
//!
//! The mode is the whole system's. A guard puts the old one back when it is dropped, so whoever holds one must end by
//! returning, also on a signal ([`crate::interrupt`]). Only SIGKILL leaves the changed mode behind.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where Linux keeps the mode: every mode it knows, the present one in brackets.
const SETTING: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// The present mode: `always`, `madvise` or `never`; `unknown` where there is no such setting.
pub fn mode() -> String {
    mode_at(Path::new(SETTING)).unwrap_or_else(|_error| "unknown".to_owned())
}

/// Holds the system at a mode.
#[derive(Debug)]
pub struct Held {
    setting: PathBuf,
    mode: &'static str,
    /// What to put back; nothing if the mode was the wanted one already.
    before: Option<String>,
}

impl Held {
    /// No process gets huge pages, whatever it asks for, until the guard is dropped.
    ///
    /// # Errors
    /// The system has no such setting, or this user may not change it.
    pub fn never() -> io::Result<Self> {
        Self::at(Path::new(SETTING), "never")
    }

    fn at(setting: &Path, mode: &'static str) -> io::Result<Self> {
        let explain = |error: io::Error| {
            let setting = setting.display();
            io::Error::new(error.kind(), format!("huge pages cannot be set to {mode}: {setting}: {error}"))
        };
        let before = Some(mode_at(setting).map_err(explain)?).filter(|before| before != mode);
        if before.is_some() {
            fs::write(setting, mode).map_err(explain)?;
        }
        let held = Self { setting: setting.to_owned(), mode, before };
        held.check()?;
        Ok(held)
    }

    /// What the guard will do at its end, for whoever has to do it by hand after a SIGKILL.
    pub fn promise(&self) -> String {
        match &self.before {
            Some(before) => format!("{before} is put back into {} at the end", self.setting.display()),
            None => format!("{} was {} already", self.setting.display(), self.mode),
        }
    }

    /// Whether the mode still is what it was set to.
    ///
    /// # Errors
    /// Somebody has changed it: what was measured meanwhile was not measured at this mode.
    pub fn check(&self) -> io::Result<()> {
        let now = mode_at(&self.setting)?;
        if now == self.mode {
            return Ok(());
        }
        Err(io::Error::other(format!("{} is {now} instead of {}", self.setting.display(), self.mode)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        if let Err(error) = fs::write(&self.setting, before) {
            let setting = self.setting.display();
            let _ = writeln!(io::stderr(), "{setting}: {before} could not be put back: {error}");
        }
    }
}

fn mode_at(setting: &Path) -> io::Result<String> {
    let text = fs::read_to_string(setting)?;
    let mode = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(mode, _)| mode);
    mode.map(str::to_owned).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no mode in brackets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in the setting's place. Unlike the kernel it keeps what was written as it is, brackets and all.
    struct Setting(PathBuf);

    impl Setting {
        fn new(name: &str, text: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("shardmill-huge-pages-{name}-{}", std::process::id()));
            fs::write(&path, text).unwrap();
            Self(path)
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Setting {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    /// Protects: the old mode comes back, and one that was already wanted is left alone.
    #[test]
    fn the_mode_is_put_back() {
        let setting = Setting::new("back", "always [madvise] never\n");
        // The mode in brackets is what a kernel would show after the write.
        let held = Held::at(&setting.0, "[never]");
        assert!(held.is_err(), "a file that shows another mode than was written is not held: {held:?}");
        assert_eq!(setting.text(), "madvise");

        let wanted = Setting::new("wanted", "always madvise [never]\n");
        let held = Held::at(&wanted.0, "never").unwrap();
        assert!(held.check().is_ok() && held.promise().ends_with("never already"));
        fs::write(&wanted.0, "always [madvise] never\n").unwrap();
        assert!(held.check().is_err(), "somebody else's change is noticed");
        drop(held);
        assert_eq!(wanted.text(), "always [madvise] never\n");
    }

    #[test]
    fn what_is_no_setting_is_an_error() {
        let error = Held::at(Path::new("/nonexistent/enabled"), "never").unwrap_err();
        assert!(error.to_string().starts_with("huge pages cannot be set to never: /nonexistent/enabled"));
        let setting = Setting::new("none", "never\n");
        assert!(Held::at(&setting.0, "never").is_err());
        assert_eq!(setting.text(), "never\n");
    }
}
