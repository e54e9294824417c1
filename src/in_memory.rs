//! The service without sockets or threads of its own, for programs that measure what the service itself costs, and for tests
//! that ask it a great many things.
//!
//! What a server does per connection is done here on the runtime of the caller; the acceptor and housekeeping are
//! left out, so nothing happens that the caller did not ask for.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Config;
use crate::http::body::BodyBudget;
use crate::http::connection;
use crate::memory::MemoryPlan;
use crate::operation::Service;
use crate::server::{StartError, service};

/// A service and its connections. Dropping it ends them as a server's end does: after the request in flight.
pub struct InMemory {
    service: Arc<Service>,
    budget: BodyBudget,
    stopping: watch::Sender<bool>,
}

impl InMemory {
    /// A service with its initial streams ACTIVE. Of `config`, what is about sockets and threads goes unused; so that
    /// runs repeat, a seed that is not set is 0.
    ///
    /// # Errors
    /// An initial stream cannot be created.
    pub fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let plan = MemoryPlan::of(config);
        let service = service(config, &plan, config.seed.unwrap_or_default(), clock)?;
        Ok(Self { service, budget: BodyBudget::new(plan.bodies), stopping: watch::Sender::new(false) })
    }

    /// Serves one connection, in HTTP/1.1, until its other end is closed.
    pub fn serve<S>(&self, stream: S) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let stopping = self.stopping.subscribe();
        connection::serve_http1(stream, Arc::clone(&self.service), self.budget.clone(), stopping)
    }

    /// What housekeeping does each second: lets go of expired records and of deleted streams.
    pub async fn tidy_up(&self) {
        self.service.registry.tidy_up().await;
    }
}
