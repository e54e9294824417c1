//! A running server: workers, the acceptor, housekeeping, and an orderly end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::config::{Config, SnapshotPeers, System};
use crate::control::{
    ControlError, ControlSettings, NewStream, Registry, Relief, Scope, StreamMode, StreamSettings, Tags,
};
use crate::credentials::{Credentials, CredentialsError};
use crate::faults::FaultPlan;
use crate::http::body::BodyBudget;
use crate::http::connection::{self, Shared};
use crate::http::snapshot::StateAccess;
use crate::http::tls::{Tls, TlsFiles};
use crate::http::worker::Worker;
use crate::limits::AtMemoryLimit;
use crate::memory::MemoryPlan;
use crate::operation::Service;
use crate::operation::seal::{Sealer, entropy};
use crate::persist::FileError;
use crate::persist::keeper::{Files, Found, Keeper};
use crate::shard::Tally;
use crate::transitions::{OwnTimes, Transitions};

/// How long the end of a server takes at the most: `docker stop` grants 10 s, and ending the process is in it.
const END_WITHIN: Duration = Duration::from_millis(9_500);

/// How often expired records and deleted streams are given back.
const HOUSEKEEPING_PERIOD: Duration = Duration::from_secs(1);

/// Connections that may wait to be accepted. The usual 128 overflows when a load test opens hundreds at once, and each
/// overflow costs its client a second; the system caps it at its own limit.
const ACCEPT_BACKLOG: i32 = 4096;

/// How often the memory of idle shards is given to busy ones at the ceiling.
const RELIEF_REST: Duration = Duration::from_millis(10);

/// How long the acceptor rests when the system has no more file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A running server. Dropping it stops it without waiting; [`Server::shutdown`] lets requests finish.
///
/// ```
/// use shardmill::Server;
/// use shardmill::clock::MovableClock;
/// use shardmill::config::Config;
///
/// let time = MovableClock::new(1_700_000_000_000);
/// let config = Config { port: 0, workers: 1, ..Config::default() };
/// let server = Server::start(config, time.clock())?;
/// let endpoint = format!("http://{}", server.local_addr());
/// // Point an AWS SDK at `endpoint`; move time with `time.advance(…)`.
/// # assert!(endpoint.starts_with("http://127.0.0.1:"));
/// server.shutdown();
/// # Ok::<(), shardmill::StartError>(())
/// ```
pub struct Server {
    address: SocketAddr,
    other_addresses: Vec<SocketAddr>,
    config: Config,
    seed: u64,
    record_bytes_max: u64,
    stopping: watch::Sender<bool>,
    acceptor: Option<JoinHandle<()>>,
    workers: Vec<JoinHandle<usize>>,
    keeper: Option<Keeper>,
}

/// Why a server did not start; one line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Someone else listens there.
    #[error(
        "{0} is taken; stop what listens there, or choose another port with --port (0 takes any free one)"
    )]
    AddressInUse(SocketAddr),
    /// The system refused to listen there.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The system refused a thread or a runtime.
    #[error("cannot start a worker: {0}")]
    Worker(#[source] std::io::Error),
    /// A stream that the settings ask for could not be created.
    #[error("cannot create the initial stream {name}: {reason}")]
    InitialStream {
        /// The stream.
        name: String,
        /// The refusal.
        reason: ControlError,
    },
    /// The state that the server is to begin with cannot be loaded.
    #[error("cannot begin with the state in {0}")]
    State(#[from] FileError),
    /// The files that have to do with TLS are not as they should be, or there is no entropy for keys.
    #[error("{0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file of credentials is not as it should be.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Nobody could sign.
    #[error("--require-signature is given without --credentials")]
    NoCredentials,
    /// Keys that nothing is checked with.
    #[error("--credentials is given without --require-signature")]
    IdleCredentials,
}

impl StartError {
    /// The exit code of a program that could not start: 2 if the settings are to blame, 1 otherwise.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::InitialStream { .. }
            | Self::Tls(_)
            | Self::Credentials(_)
            | Self::NoCredentials
            | Self::IdleCredentials => 2,
            Self::AddressInUse(_) | Self::Listen(..) | Self::Worker(_) | Self::State(_) => 1,
        }
    }
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections whose requests had not finished in time.
    pub connections_cut: usize,
    /// Whether state was to be kept and a file of it could not be saved in the end; the log says which, and why.
    pub is_state_unsaved: bool,
}

impl Server {
    /// Starts serving. Initial streams are ACTIVE before the port opens.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(config: Config, clock: Clock) -> Result<Self, StartError> {
        let seed = config.seed.unwrap_or_else(|| u64::from_le_bytes(entropy()));
        let plan = MemoryPlan::of(&config);
        let service = bare_service(&config, &plan, seed, clock)?;
        let files = Files::new(&config.persist_path, &config.persist_file_name);
        let found = load_state(&config, &files, &service)?;
        create_initial_streams(&config, &service.registry)?;
        let tls = Tls::new(&tls_files(&config)).map_err(|error| StartError::Tls(error.into()))?;
        let (listeners, address, other_addresses) = listen(&config)?;
        let (stopping, stopped) = watch::channel(false);
        let shared = Shared {
            service: Arc::clone(&service),
            budget: BodyBudget::new(plan.bodies),
            tls: Arc::new(tls),
            state: StateAccess::new(config.snapshot_peers == SnapshotPeers::Any),
        };
        let workers: Result<Vec<_>, _> = (0..config.workers.max(1))
            .map(|number| Worker::start(number, shared.clone(), stopped.clone()))
            .collect();
        let workers = workers.map_err(StartError::Worker)?;
        let (sockets, workers): (Vec<_>, _) =
            workers.into_iter().map(|worker| (worker.sockets, worker.thread)).unzip();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(StartError::Worker)?;
        let acceptor = std::thread::Builder::new()
            .name("acceptor".to_owned())
            .spawn({
                let service = Arc::clone(&service);
                move || runtime.block_on(accept_until_stopped(listeners, sockets, service, stopped))
            })
            .map_err(StartError::Worker)?;
        let interval = Duration::from_millis(config.persist_interval_ms);
        let keeper = || Keeper::start(service, files, interval, found.as_ref());
        let keeper = config.persistence.then(keeper).transpose().map_err(StartError::Worker)?;
        let record_bytes_max = plan.ceiling.soft_bytes;
        Ok(Self {
            address,
            other_addresses,
            config,
            seed,
            record_bytes_max,
            stopping,
            acceptor: Some(acceptor),
            workers,
            keeper,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where else it listens: at the TLS port first, if there is one, then at what else it was told.
    #[must_use]
    pub fn other_addrs(&self) -> &[SocketAddr] {
        &self.other_addresses
    }

    /// What is switched on, in words.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        let config = &self.config;
        let faults = if config.error_probability > 0.0 {
            format!("error probability {}, seed {}", config.error_probability, self.seed)
        } else {
            "faults off".to_owned()
        };
        let others = self.other_addrs().iter().map(|address| format!("also on {address}"));
        let own_times = if config.own_times == OwnTimes::default() { "" } else { ", some of their own" };
        let mut features: Vec<_> = others.collect();
        if config.in_place_of != System::LocalStack {
            features.push(format!("in the place of {}", config.in_place_of.name()));
        }
        features.extend([
            format!("workers {}", config.workers),
            faults,
            format!("transitions {} ms{own_times}", config.latency_ms),
            format!("shard limit {}", config.shard_limit),
        ]);
        features.push(match (self.record_bytes_max, config.at_memory_limit) {
            (u64::MAX, _) => "memory unlimited".to_owned(),
            (bytes, AtMemoryLimit::Trim) => format!("records trimmed past {} MiB", bytes >> 20),
            (bytes, AtMemoryLimit::Throttle) => format!("puts throttled past {} MiB", bytes >> 20),
        });
        features.push(match &config.tls_cert {
            Some(path) => format!("TLS certificate {}", path.display()),
            None => "TLS certificate generated".to_owned(),
        });
        if config.require_signature {
            features.push("signatures required".to_owned());
        }
        if config.persistence {
            let files = Files::new(&config.persist_path, &config.persist_file_name);
            features.push(format!("state kept in {}", files.named().display()));
        }
        if !config.initialize_streams.is_empty() {
            features.push(format!("initial streams {}", config.initialize_streams.len()));
        }
        features
    }

    /// Stops accepting, lets requests in flight finish for up to 5 s, saves the state that is to be kept, and ends; all
    /// that within 10 s. Blocks meanwhile.
    pub fn shutdown(mut self) -> ShutdownReport {
        let deadline = Instant::now() + END_WITHIN;
        self.stopping.send_replace(true);
        if let Some(acceptor) = self.acceptor.take() {
            // A panicked thread has said so already; there is nothing more to save.
            let _ = acceptor.join();
        }
        let connections_cut = self.workers.drain(..).map(|worker| worker.join().unwrap_or(0)).sum();
        let saved = self.keeper.take().map_or(Ok(()), |keeper| keeper.finish(deadline));
        if let Err(error) = &saved {
            tracing::error!(%error, "a state file could not be saved; it is as the save before has left it");
        }
        ShutdownReport { connections_cut, is_state_unsaved: saved.is_err() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

/// What is served, without what serves it. Initial streams are ACTIVE.
///
/// # Errors
/// An initial stream cannot be created, or there are no credentials to check signatures with.
pub(crate) fn service(
    config: &Config,
    plan: &MemoryPlan,
    seed: u64,
    clock: Clock,
) -> Result<Arc<Service>, StartError> {
    let service = bare_service(config, plan, seed, clock)?;
    create_initial_streams(config, &service.registry)?;
    Ok(service)
}

/// The same, without streams.
///
/// # Errors
/// There are no credentials to check signatures with.
fn bare_service(
    config: &Config,
    plan: &MemoryPlan,
    seed: u64,
    clock: Clock,
) -> Result<Arc<Service>, StartError> {
    let tally = Arc::new(Tally::default());
    let settings = ControlSettings {
        shard_limit: config.shard_limit,
        on_demand_stream_count_limit: config.on_demand_stream_count_limit,
        transitions: Transitions::new(config.latency_ms, config.own_times),
        ceiling: plan.ceiling,
    };
    Ok(Arc::new(Service {
        registry: Registry::new(settings, clock.clone(), Arc::clone(&tally)),
        clock,
        sealer: Sealer::new(entropy()),
        faults: FaultPlan::new(config.error_probability, seed),
        tally,
        usual_caller: Scope { account: config.account, region: config.region },
        credentials: credentials(config)?,
    }))
}

/// Begins with the state that is in files, if it is to, and there is any.
fn load_state(config: &Config, files: &Files, service: &Service) -> Result<Option<Found>, StartError> {
    if !config.load_data_if_exists.unwrap_or(config.persistence) {
        return Ok(None);
    }
    let found = files.load(service)?;
    if let Some(Found { path, totals }) = &found {
        let (streams, records) = (totals.streams, totals.records);
        tracing::info!(streams, records, "goes on with the state in {}", path.display());
    }
    Ok(found)
}

/// Who may sign, if signatures are required.
fn credentials(config: &Config) -> Result<Option<Credentials>, StartError> {
    match (&config.credentials, config.require_signature) {
        (None, false) => Ok(None),
        (Some(path), true) => Ok(Some(Credentials::load(path, config.account)?)),
        (None, true) => Err(StartError::NoCredentials),
        (Some(_), false) => Err(StartError::IdleCredentials),
    }
}

fn tls_files(config: &Config) -> TlsFiles {
    TlsFiles {
        certificate: config.tls_cert.clone(),
        key: config.tls_key.clone(),
        ca_out: config.tls_ca_out.clone(),
    }
}

fn create_initial_streams(config: &Config, registry: &Registry) -> Result<(), StartError> {
    for stream in &config.initialize_streams {
        let scope = Scope { account: config.account, region: stream.region };
        // It may have come with the state that the server goes on with.
        if registry.find(scope, stream.name.as_str()).is_some() {
            continue;
        }
        let new = NewStream {
            scope,
            name: stream.name.clone(),
            shard_count: stream.shards,
            settings: StreamSettings::of(StreamMode::Provisioned),
            tags: Tags::default(),
        };
        registry.create_active(new).map_err(|reason| {
            let name = stream.name.to_string();
            StartError::InitialStream { name, reason }
        })?;
    }
    Ok(())
}

/// Listens at every address that is asked for, the usual one first; or at none.
fn listen(config: &Config) -> Result<(Vec<TcpListener>, SocketAddr, Vec<SocketAddr>), StartError> {
    let tls = config.tls_port.map(|port| SocketAddr::new(config.host, port));
    let (first, address) = listen_at(SocketAddr::new(config.host, config.port))?;
    let (mut listeners, mut others) = (vec![first], Vec::new());
    for wanted in tls.into_iter().chain(config.also_listen.iter().copied()) {
        let (listener, address) = listen_at(wanted)?;
        listeners.push(listener);
        others.push(address);
    }
    Ok((listeners, address, others))
}

fn listen_at(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::AddressInUse(wanted),
        _ => StartError::Listen(wanted, error),
    };
    let listener = bound(wanted).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// As `TcpListener::bind`, but with a longer line of connections that wait to be accepted.
fn bound(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A port whose last connections are still dying may be taken again at once, as everywhere on Unix.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(ACCEPT_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Hands connections to the workers, and keeps house in between.
async fn accept_until_stopped(
    listeners: Vec<TcpListener>,
    sockets: Vec<tokio::sync::mpsc::UnboundedSender<std::net::TcpStream>>,
    service: Arc<Service>,
    mut stopped: watch::Receiver<bool>,
) {
    let house = tokio::spawn(keep_house(Arc::clone(&service)));
    let relieved = Arc::clone(&service);
    let relief = tokio::spawn(async move {
        let mut relief = Relief::default();
        loop {
            relieved.registry.relieve_pressure(&mut relief).await;
            // What writers and readers let go of meanwhile may be enough.
            tokio::time::sleep(RELIEF_REST).await;
        }
    });
    // Aborted when it is dropped, which closes the listeners.
    let mut accepting: JoinSet<()> =
        listeners.into_iter().map(|listener| accept(listener, sockets.clone())).collect();
    connection::stopped(&mut stopped).await;
    accepting.shutdown().await;
    // They would go on for minutes.
    service.registry.end_subscriptions();
    house.abort();
    relief.abort();
}

/// Hands the connections of one listener to the workers in turn.
async fn accept(
    listener: TcpListener,
    workers: Vec<tokio::sync::mpsc::UnboundedSender<std::net::TcpStream>>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot accept connections"),
    };
    let mut turns = workers.iter().cycle();
    loop {
        match listener.accept().await.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => {
                // A worker that has ended takes no more; the socket closes.
                let _ = turns.next().map(|worker| worker.send(socket));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

async fn keep_house(service: Arc<Service>) {
    let mut period = tokio::time::interval(HOUSEKEEPING_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        if let Some(followed) = service.clock.follow_wall() {
            tracing::warn!(
                gap_ms = followed.gap_ms,
                step_ms = followed.step_ms,
                "the wall clock has stepped forward; the service clock follows gradually"
            );
        }
        service.registry.tidy_up().await;
    }
}
