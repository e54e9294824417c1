//! An end by signal that is a return like any other: what was started is stopped and what was changed is put back by
//! the values that own it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-c and the polite ways of ending a process, caught from its making on.
#[derive(Debug)]
pub struct Interrupt([Signal; 3]);

impl Interrupt {
    /// Catches them. To be made within a runtime, before anything that has to be undone.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn catch() -> io::Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    /// The result of `work`, or an error when a signal comes first; `work` is dropped then.
    ///
    /// # Errors
    /// That of `work`, or the signal.
    pub async fn or<T, E>(mut self, work: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        E: From<io::Error>,
    {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            done = work => done,
            _ = interrupt.recv() => Err(ended_by("SIGINT").into()),
            _ = terminate.recv() => Err(ended_by("SIGTERM").into()),
            _ = hangup.recv() => Err(ended_by("SIGHUP").into()),
        }
    }
}

fn ended_by(signal: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, format!("ended by {signal}"))
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    struct Dropped<'a>(&'a std::cell::Cell<bool>);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    /// Protects: what must be undone at the end is undone at an end by signal too.
    #[tokio::test]
    async fn a_signal_drops_the_work() {
        let dropped = std::cell::Cell::new(false);
        let interrupt = Interrupt::catch().unwrap();
        let work = async {
            let _guard = Dropped(&dropped);
            kill_process(getpid(), Signal::TERM).unwrap();
            std::future::pending::<io::Result<()>>().await
        };
        let error = interrupt.or(work).await.unwrap_err();
        assert_eq!(error.to_string(), "ended by SIGTERM");
        assert!(dropped.get());
        let done = Interrupt::catch().unwrap().or(async { Ok::<_, io::Error>(7) }).await;
        assert_eq!(done.unwrap(), 7);
    }
}
