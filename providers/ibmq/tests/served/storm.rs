//! A thousand jobs for the real `ketch serve`, through a network where everything goes wrong that
//! can, while servers are killed.
//!
//! `KETCH_STORM_JOBS` is the number of jobs, 1000 without it.

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use ketch_core::{Circuit, JobStatus, Provider, Qobj};
use ketch_jobs::{JobFilter, Store, StoredBackend};
use ketch_provider_ibmq::Settings;

use crate::{
    careful::Careful,
    network::{FAULTS, Network, fault},
    service::{BACKEND, End, Service},
    support::fast,
};

/// Clients at the same time.
const CLIENTS: u32 = 16;

/// A fault for so many of the questions.
const RARITY: u64 = 8;

fn jobs() -> u32 {
    env::var("KETCH_STORM_JOBS").map_or(1000, |text| text.parse().unwrap())
}

fn tiny() -> Qobj {
    Qobj::from_circuit(Circuit::new(1, 1).x(0).measure(0, 0)).with_shots(10)
}

/// A server that is killed or stalled is given up soon. The limits are those of questions, not of
/// jobs.
fn impatient() -> Settings {
    let limit = Duration::from_secs(2);
    Settings { request: limit, submit: limit, ..fast() }
}

#[test]
fn no_job_is_lost_and_none_is_run_twice() {
    let service = Service::with(&["--max-pending", "100000"]);
    let begun = Arc::new(OnceLock::new());
    let has_begun = Arc::clone(&begun);
    let draw = move |number: u64, question: &str| {
        has_begun.get().and_then(|()| fault(number, question, RARITY))
    };
    let network = Network::to(service.port, Box::new(draw)).unwrap();
    let provider = service.provider(&network.url(), impatient());
    let inner = provider.get_backend(BACKEND).unwrap();
    inner.configuration().unwrap();
    begun.set(()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(directory.path()).unwrap());
    let backend = StoredBackend::new(Arc::clone(&store), "ibmq/device", Arc::clone(&inner));
    let careful = Careful { network: &network, store: &store, inner: &*inner, backend: &backend };

    let (jobs, next) = (jobs(), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match number {
                        _ if number >= jobs => return,
                        _ if number % 200 == 100 => service.restart(End::Killed),
                        _ if number % 200 == 0 && number > 0 => service.restart(End::Orderly),
                        _ => {}
                    }
                    let job = careful.hand_over(&format!("job {number}"), tiny());
                    let result = careful.wait_for(&*job);
                    assert_eq!(result.counts(0).unwrap().get("1"), 10, "job {number}");
                }
            });
        }
    });

    let struck = network.struck();
    let kinds = if jobs >= 1000 { FAULTS.len() } else { 1 };
    assert!(struck.len() >= kinds, "{struck:?}");
    let kept = store.jobs(&JobFilter::default()).unwrap();
    assert_eq!(kept.len(), jobs as usize);
    let undone: Vec<_> = kept.iter().filter(|record| record.state != JobStatus::Done).collect();
    assert!(undone.is_empty(), "{undone:?}");
    // What the server has: every job that is known here, once, taken by one worker, and no other.
    let taken = service.jobs();
    let mut tags = BTreeMap::<&str, usize>::new();
    for record in &taken {
        *tags.entry(&record.tags[0]).or_default() += 1;
        let (state, attempt) = (&record.state, record.attempt);
        assert_eq!((state, attempt, record.completed), (&JobStatus::Done, 1, 1), "{record:?}");
    }
    let keys: Vec<String> = kept.iter().map(|record| format!("ketch-{}", record.id)).collect();
    assert_eq!(tags, keys.iter().map(|key| (key.as_str(), 1)).collect());
}

#[test]
fn a_server_that_is_gone_is_asked_little_more_than_anybody_wants() {
    const ASKED: u32 = 1000;
    let service = Service::with(&[]);
    let network = Network::to(service.port, Box::new(|_, _| None)).unwrap();
    let provider = service.provider(&network.url(), fast());
    let backend = provider.get_backend(BACKEND).unwrap();
    backend.status().unwrap();
    service.stop(End::Killed);
    let before = network.questions();
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < ASKED {
                    let error = backend.status().unwrap_err();
                    assert!(error.is_retryable(), "{error}");
                }
            });
        }
    });
    let sent = network.questions() - before;
    assert!(sent > u64::from(ASKED), "nothing was repeated");
    assert!(sent <= u64::from(ASKED + ASKED / 10), "{sent} questions were sent for {ASKED}");
    service.restart(End::Killed);
    // Nobody is shut out by that.
    assert!((0..ASKED).any(|_| backend.status().is_ok_and(|status| status.operational)));
}
