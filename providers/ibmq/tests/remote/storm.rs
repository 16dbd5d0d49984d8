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

use ketch_core::{Backend, Error, Job, JobStatus, Provider};
use ketch_jobs::{JobFilter, NewJob, Runner, Store, StoredBackend};
use ketch_provider_ibmq::Settings;

use crate::{
    network::{FAULTS, Fault, Network},
    replay::{
        Server,
        ibm::{DEVICE, Ibm},
        lock,
    },
    support::{TestHost, account, bell, fast, provider_of, told},
};

const JOBS: u32 = 1000;

/// Clients at the same time.
const CLIENTS: u32 = 16;

/// One question of so many meets a fault.
const RARITY: u64 = 8;

/// The fault of a question: the same for the same number, as far as it makes sense there.
fn fault(number: u64, question: &str) -> Option<Fault> {
    // A key that is refused is wrong for good; only tokens expire.
    let is_for_token = question.starts_with("POST /identity");
    drawn(number).filter(|fault| !(is_for_token && *fault == Fault::Expired))
}

fn drawn(number: u64) -> Option<Fault> {
    // The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let kinds = FAULTS.len() as u64;
    z.is_multiple_of(RARITY).then(|| FAULTS[usize::try_from(z / RARITY % kinds).unwrap()])
}

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
            has_begun.get().and_then(|()| fault(number, question))
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

    /// Hands over a job of this label until the service has it, as a careful user does: where
    /// nobody knows whether it arrived, the service is asked before anything is sent again.
    fn hand_over(&self, label: &str) -> Arc<dyn Job> {
        loop {
            let new = NewJob {
                label: Some(label.to_owned()),
                ..NewJob::new("ibmq/device", Runner::Service, Default::default())
            };
            let error = match self.backend.run_as(new, bell()) {
                Ok(job) => return job,
                Err(error) => error,
            };
            let is_open = error.code() == "job.submission_unknown";
            assert!(is_open || is_passing(&error), "{label}: {}", told(&error));
            let filter = JobFilter { label: Some(label.to_owned()), ..JobFilter::default() };
            let kept = self.store.jobs(&filter).unwrap();
            // Nothing is kept of what surely did not arrive.
            let Some(doubtful) = kept.first() else { continue };
            self.network.settle();
            let found = loop {
                match self.store.look_up(&doubtful.id, &*self.inner) {
                    Ok(found) => break found,
                    Err(error) => assert!(is_passing(&error), "{label}: {}", told(&error)),
                }
            };
            if found {
                return self.backend.retrieve_job(&doubtful.id).unwrap();
            }
            self.store.delete(&doubtful.id).unwrap();
        }
    }

    /// Waits for the result however often something else comes.
    fn wait_for(&self, job: &dyn Job) {
        loop {
            match job.result(Some(Duration::from_secs(5))) {
                Ok(result) => return assert_eq!(result.counts(0).unwrap().total(), 10),
                Err(error) => assert!(is_passing(&error), "{}", told(&error)),
            }
        }
    }
}

/// Whether asking again is right: it passes, the answer made no sense, or two tokens in a row had
/// expired.
fn is_passing(error: &Error) -> bool {
    error.is_retryable()
        || error.code() == "service.answer"
        || matches!(error, Error::Timeout { .. } | Error::Unauthenticated { .. })
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
                    let job = storm.hand_over(&format!("job {number}"));
                    storm.wait_for(&*job);
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
