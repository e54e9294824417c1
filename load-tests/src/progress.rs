//! How far a measurement is: a line on stderr while that is a terminal, and nothing otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Steps of a measurement; the line goes with the value.
#[derive(Debug)]
pub struct Steps(ProgressBar);

impl Steps {
    /// So many steps ahead.
    pub fn new(steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {msg} {wide_bar} {elapsed}") {
            bar.set_style(style);
        }
        // A step can take a minute; the seconds go on meanwhile.
        bar.enable_steady_tick(Duration::from_secs(1));
        Self(bar)
    }

    /// What the present step does.
    pub fn doing(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// One step is done.
    pub fn done(&self) {
        self.0.inc(1);
    }

    /// Runs something that prints, with the line out of its way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
