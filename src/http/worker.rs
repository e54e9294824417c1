//! A worker: one thread, one single-thread runtime, and the connections that were handed to it.

use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::body::READ_GRACE;
use super::connection::{self, Shared};

/// How long requests in flight may take to finish when the server stops.
pub(crate) const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// A timer that is always set, and due before any that a request sets (10 s). A timer that becomes the first one due
/// makes the runtime wake itself through the kernel: a system call for each request whose body is waited for.
const EARLY_TIMER_EVERY: Duration = Duration::from_secs(5);

const _: () = assert!(EARLY_TIMER_EVERY.as_secs() < READ_GRACE.as_secs());

/// A running worker. It ends when `stopping` turns true and its connections have ended, or after
/// [`FINISH_WITHIN`].
pub(crate) struct Worker {
    /// Where to hand connections.
    pub(crate) sockets: mpsc::UnboundedSender<TcpStream>,
    /// The thread; its result is how many connections were cut off.
    pub(crate) thread: JoinHandle<usize>,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// The system's refusal of another thread or runtime.
    pub(crate) fn start(
        number: usize,
        shared: Shared,
        stopping: watch::Receiver<bool>,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        // Unbounded: the acceptor hands over at most what the system's own backlog lets in.
        let (sockets, received) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || runtime.block_on(serve(received, shared, stopping)))?;
        Ok(Self { sockets, thread })
    }
}

async fn serve(
    mut received: mpsc::UnboundedReceiver<TcpStream>,
    shared: Shared,
    mut stopping: watch::Receiver<bool>,
) -> usize {
    let mut connections = JoinSet::new();
    let mut early_timer = tokio::time::interval(EARLY_TIMER_EVERY);
    loop {
        tokio::select! {
            socket = received.recv() => {
                let Some(socket) = socket else { break };
                match tokio::net::TcpStream::from_std(socket) {
                    Ok(socket) => {
                        // Latency matters more than a packet saved; a socket that refuses serves as well.
                        let _ = socket.set_nodelay(true);
                        connections.spawn(connection::serve(socket, shared.clone(), stopping.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "a connection was lost between threads"),
                }
            }
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection panicked");
                }
            }
            () = connection::stopped(&mut stopping) => break,
            _ = early_timer.tick() => {}
        }
    }
    let finished = async { while connections.join_next().await.is_some() {} };
    // Told by what is left rather than by the time-out: the last one may end with it.
    let _ = tokio::time::timeout(FINISH_WITHIN, finished).await;
    connections.len()
}
