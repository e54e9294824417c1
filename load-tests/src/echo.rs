//! The yardstick as a process: a server that reads the same requests, answers the same bytes, and does nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::server::Server;

/// A running echo.
#[derive(Debug)]
pub struct Echo {
    server: Server,
    /// What it repeats; goes with it.
    _reply: ReplyFile,
}

impl Echo {
    /// Starts the echo's program to repeat `reply`, on so many runtimes, or with a bare thread per connection.
    ///
    /// # Errors
    /// It does not start, or there is no room for the answer's file.
    pub fn start(program: &Path, workers: u16, reply: &[u8], blocking: bool) -> io::Result<Self> {
        let reply = ReplyFile::write(reply)?;
        let path = reply.0.to_string_lossy().into_owned();
        let mut arguments =
            ["--workers".to_owned(), workers.to_string(), "--reply".to_owned(), path].to_vec();
        arguments.extend(blocking.then(|| "--blocking".to_owned()));
        Ok(Self { server: Server::start(program, &arguments, &[])?, _reply: reply })
    }

    /// Its process.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// The answer that the echo repeats; removed with the value.
#[derive(Debug)]
struct ReplyFile(PathBuf);

impl ReplyFile {
    fn write(body: &[u8]) -> io::Result<Self> {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let name = format!("shardmill-echo-reply-{}-{number}", process::id());
        let file = Self(std::env::temp_dir().join(name));
        fs::write(&file.0, body)?;
        Ok(file)
    }
}

impl Drop for ReplyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
