//! A thousand jobs through a network where everything goes wrong that can.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use ketch_core::{Backend, JobStatus, Provider};
use ketch_jobs::{JobFilter, Store, StoredBackend};
use ketch_provider_ibmq::Settings;

use crate::{
    careful::Careful,
    network::{FAULTS, Network, fault},
    replay::{
        Server,
        ibm::{DEVICE, Ibm},
        lock,
    },
    support::{TestHost, account, bell, fast, provider_of},
};

const JOBS: u32 = 1000;

/// Clients at the same time.
const CLIENTS: u32 = 16;

/// One question of so many meets a fault.
const RARITY: u64 = 8;

struct Storm {
    service: Arc<Ibm>,
    server: Mutex<Option<Server>>,
    network: Network,
    store: Arc<Store>,
    /// What speaks to the service.
    inner: Arc<dyn Backend>,
    backend: StoredBackend,
}

impl Storm {
    fn over(store: Store) -> Self {
        let service = Arc::new(Ibm::with_course(&["Queued", "Running", "Completed"]));
        let server = Server::start(Arc::clone(&service)).unwrap();
        let begun = Arc::new(OnceLock::new());
        let has_begun = Arc::clone(&begun);
        let draw = move |number: u64, question: &str| {
            has_begun.get().and_then(|()| fault(number, question, RARITY))
        };
        let network = Network::to(server.port(), Box::new(draw)).unwrap();
        let limit = Duration::from_millis(500);
        let settings = Settings { request: limit, submit: limit, ..fast() };
        let provider = provider_of(&TestHost::with(&[account(&network.url())]), settings);
        let inner = provider.get_backend(DEVICE).unwrap();
        inner.configuration().unwrap();
        begun.set(()).unwrap();
        let store = Arc::new(store);
        let backend = StoredBackend::new(Arc::clone(&store), "ibmq/device", Arc::clone(&inner));
        Self { service, server: Mutex::new(Some(server)), network, store, inner, backend }
    }

    /// The server ends in the middle of its work, and another one takes its place with its jobs.
    fn restart(&self) {
        let mut server = lock(&self.server);
        let port = server.take().map(|server| server.port()).unwrap();
        *server = Some(Server::start_on(port, Arc::clone(&self.service)).unwrap());
    }

    fn careful(&self) -> Careful<'_> {
        let Self { network, store, inner, backend, .. } = self;
        Careful { network, store, inner: &**inner, backend }
    }
}

#[test]
fn no_job_is_lost_and_none_is_run_twice() {
    let directory = tempfile::tempdir().unwrap();
    let storm = Storm::over(Store::open(directory.path()).unwrap());
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= JOBS {
                        return;
                    }
                    if number % 250 == 125 {
                        storm.restart();
                    }
                    let job = storm.careful().hand_over(&format!("job {number}"), bell());
                    let result = storm.careful().wait_for(&*job);
                    assert_eq!(result.counts(0).unwrap().total(), 10);
                }
            });
        }
    });

    let struck = storm.network.struck();
    assert_eq!(struck.len(), FAULTS.len(), "{struck:?}");
    let kept = storm.store.jobs(&JobFilter::default()).unwrap();
    assert_eq!(kept.len(), JOBS as usize);
    let undone: Vec<_> = kept.iter().filter(|record| record.state != JobStatus::Done).collect();
    assert!(undone.is_empty(), "{undone:?}");
    // What the server counted: every job that is known here, once, and no other.
    let mut taken = BTreeMap::<String, usize>::new();
    for tag in storm.service.tags() {
        *taken.entry(tag).or_default() += 1;
    }
    let expected = kept.iter().map(|record| (format!("ketch-{}", record.id), 1)).collect();
    assert_eq!(taken, expected);
}
