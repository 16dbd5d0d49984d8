//! `ketch serve`: every backend over HTTP, in the shapes of IBM Quantum's service.
//!
//! The server writes rows into the job store and reads them; workers run the jobs, in processes of
//! their own. So a restart loses nothing, and jobs run on meanwhile.
//!
//! * `http` moves bytes, within limits (`room`, `paced`); `request` and `answer` are what the rest
//!   sees of it,
//! * `routes` is the table of what can be asked, one file a resource behind it,
//! * `users` says who asks: tokens, and the access tokens that are given for them (`jwt`),
//! * `programs` reads what jobs are asked for as and writes their results, `wire` in the clients'
//!   encoding,
//! * `own` tells which accounts are at the server itself,
//! * `names` writes names of backends as one segment of a path.

#![forbid(unsafe_code)]

mod answer;
mod audit;
mod backends;
mod http;
mod jobs;
mod jwt;
mod names;
mod own;
mod paced;
mod programs;
mod quotas;
mod request;
mod room;
mod routes;
mod sessions;
mod time;
mod tls;
mod usage;
mod users;
mod watch;
mod wire;
mod work;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use ketch::{
    Registry,
    jobs::{PluginDirectories, Result, Store},
};

pub use tls::{Tls, TlsError};
pub use users::{INSTANCE, SCOPES};

/// How many requests read the store at a time.
const READERS: usize = 3;

/// What a server takes from those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a body.
    pub body: usize,
    /// How long a request may take to arrive, the head and the body each; how long it waits for a
    /// place; and how long the client may keep the server waiting with an answer.
    pub arriving: Duration,
    /// How many connections are served at a time; others wait.
    pub connections: usize,
}

impl Default for Limits {
    /// 16 MiB, 30 seconds, 512 connections.
    fn default() -> Self {
        Self { body: 16 << 20, arriving: Duration::from_secs(30), connections: 512 }
    }
}

/// What one user may have; `None` is as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Jobs that wait or run.
    pub pending: Option<u64>,
    /// Sessions that take jobs.
    pub sessions: Option<u64>,
    /// Shots of one job, all its experiments together.
    pub shots: Option<u64>,
    /// Qubits of a circuit.
    pub qubits: Option<u32>,
    /// Seconds that the jobs of the last four weeks ran.
    pub seconds: Option<u64>,
}

/// What a server needs.
pub struct Options {
    /// The plugins whose backends are served.
    pub registry: Registry,
    /// Where the server will be: accounts there are not used, since it cannot serve itself.
    pub address: SocketAddr,
    /// Whether backends that are not local are served. Jobs there are sent with the accounts of
    /// whoever runs the server.
    pub remote: bool,
    /// The jobs.
    pub store: Arc<Store>,
    /// Where else the workers are to look for plugins.
    pub plugins: PluginDirectories,
    /// What it takes.
    pub limits: Limits,
    /// What each user may have.
    pub quotas: Quotas,
    /// With what it encrypts; `None` if it does not.
    pub tls: Option<Tls>,
    /// Called when there is work, so that a worker is started.
    pub wake: Box<dyn Fn() + Send + Sync>,
    /// Told of what the server's owner should know, a line at a time.
    pub say: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("limits", &self.limits)
            .field("quotas", &self.quotas)
            .finish_non_exhaustive()
    }
}

/// A server that is ready to answer.
#[derive(Debug)]
pub struct Server {
    service: Arc<Service>,
    limits: Limits,
    tls: Option<Tls>,
}

/// What all requests share.
pub(crate) struct Service {
    pub(crate) backends: backends::Backends,
    /// For writing, which waits for the disk.
    pub(crate) store: Arc<Store>,
    /// For reading, on connections of its own. Its connection for writing is for `/healthz` alone.
    pub(crate) reading: Store,
    pub(crate) signing_key: Vec<u8>,
    pub(crate) audit: audit::Audit,
    pub(crate) watch: watch::Watch,
    pub(crate) started: SystemTime,
    pub(crate) plugins: PluginDirectories,
    pub(crate) quotas: Quotas,
    /// Those wait here for a place who may keep a thread for long.
    pub(crate) queues: routes::Queues,
    /// Held while jobs are counted and one is added, so that no user gets one too many.
    pub(crate) counting: Mutex<()>,
    pub(crate) wake: Box<dyn Fn() + Send + Sync>,
    pub(crate) say: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Server {
    /// Looks at the backends, and says what is wrong with some. Blocks while services are asked.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn new(options: Options) -> Result<Self> {
        let Options { registry, store, plugins, limits, quotas, tls, wake, say, .. } = options;
        for account in own::leave_out(&registry, options.address) {
            if options.remote {
                say(&format!("note: account `{account}` is at this server itself and is left out"));
            }
        }
        let service = Service {
            backends: backends::Backends::new(registry, options.remote),
            reading: Store::open(store.directory())?.with_readers(READERS)?,
            signing_key: store.secret("access tokens")?,
            audit: audit::Audit::open(store.directory())?,
            watch: watch::Watch::default(),
            started: SystemTime::now(),
            store,
            plugins,
            quotas,
            queues: routes::Queues::sharing(http::THREADS),
            counting: Mutex::default(),
            wake,
            say,
        };
        for problem in service.backends.problems() {
            (service.say)(&format!("warning: {problem}"));
        }
        Ok(Self { service: Arc::new(service), limits, tls })
    }

    /// The names by which backends are asked for, and their qualified names.
    #[must_use]
    pub fn names(&self) -> Vec<(String, String)> {
        let listed = self.service.backends.listed();
        listed.iter().map(|one| (one.wire.clone(), one.listed.name.clone())).collect()
    }

    /// How many backends of remote services are not served, since they were not asked for.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.service.backends.left_out()
    }

    /// Answers until `stop` is set; then lets those finish that are being answered, for at most ten
    /// seconds. Blocks.
    ///
    /// # Errors
    /// If nothing can be accepted at the socket.
    pub fn serve(self, listener: TcpListener, stop: &AtomicBool) -> io::Result<()> {
        http::serve(listener, self.service, self.limits, self.tls, stop)
    }
}
