//! The states of many jobs at the real service, asked for together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_core::{Backend, Circuit, Job, JobStatus, Provider, Qobj, RunOptions};
use ketch_jobs::{Budget, Claim, NewJob, Runner};
use ketch_provider_ibmq::Settings;

use crate::{
    network::{FAULTS, Fault, Network},
    service::{BACKEND, End, Service},
    support::fast,
};

/// Clients at the same time.
const CLIENTS: usize = 8;

/// How a question for a list begins.
const LIST: &str = "GET /api/v1/jobs?";

const PATIENCE: Duration = Duration::from_secs(300);

/// Nobody's look at a job is so old that another list is due, and no list that failed is tried again
/// while the test runs.
fn patient() -> Settings {
    let long = Duration::from_secs(60);
    Settings { poll: long, poll_limit: long, request: long, budget: long * 2, ..fast() }
}

fn tiny() -> Qobj {
    Qobj::from_circuit(Circuit::new(1, 1).x(0).measure(0, 0)).with_shots(10)
}

/// Takes the whole machine for a job that does nothing until it ends: no other is run.
fn blocker(service: &Service) -> Claim {
    let store = Arc::new(service.store());
    let new = NewJob::new("nobody/nothing", Runner::Worker, RunOptions::default());
    store.submit(&new, &tiny()).unwrap();
    store.claim(Budget::whole_machine()).unwrap().unwrap()
}

/// Does something while the claim is kept.
fn keeping<T>(claim: &Claim, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Who comes too late has lost it; then the others run, which is no mistake.
                let _ = claim.renew();
                thread::park_timeout(Duration::from_millis(100));
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn submitted(backend: &dyn Backend, n_jobs: usize) -> Vec<Arc<dyn Job>> {
    (0..n_jobs).map(|_| backend.run(tiny(), RunOptions::default()).unwrap()).collect()
}

/// Every client does this with some of the jobs, until all of them are through.
fn side_by_side(jobs: &[Arc<dyn Job>], work: impl Fn(&[Arc<dyn Job>]) + Sync) {
    thread::scope(|scope| {
        for jobs in jobs.chunks(jobs.len().div_ceil(CLIENTS)) {
            scope.spawn(|| work(jobs));
        }
    });
}

/// Their order.
fn rank(status: &JobStatus) -> usize {
    let order = [JobStatus::Queued, JobStatus::Running, JobStatus::Done];
    order.iter().position(|known| known == status).unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn the_states_of_many_jobs_take_few_questions() {
    const JOBS: usize = 200;
    const ROUNDS: u64 = 10;
    let service = Service::with(&[]);
    let network = Network::to(service.port, Box::new(|_, _| None)).unwrap();
    let backend = service.provider(&network.url(), patient()).get_backend(BACKEND).unwrap();
    let blocker = blocker(&service);
    let (sent, again) = keeping(&blocker, || {
        let jobs = submitted(&*backend, JOBS);
        let before = network.questions();
        for _ in 0..ROUNDS / 2 {
            assert!(jobs.iter().all(|job| job.status().unwrap() == JobStatus::Queued));
        }
        for _ in 0..ROUNDS / 2 {
            side_by_side(&jobs, |jobs| {
                assert!(jobs.iter().all(|job| job.status().unwrap() == JobStatus::Queued));
            });
        }
        let sent = network.questions() - before;
        // Also of jobs that another process submitted.
        let another = service.provider(&network.url(), patient()).get_backend(BACKEND).unwrap();
        let before = network.questions();
        for job in &jobs {
            let job = another.retrieve_job(&job.job_id()).unwrap();
            assert_eq!(job.status().unwrap(), JobStatus::Queued);
        }
        let again = network.questions() - before;
        // The list that has just come says that it waits.
        let first = &jobs[0];
        assert!(first.cancel().unwrap());
        let found = backend.retrieve_job(&first.job_id()).unwrap();
        assert_eq!(found.status().unwrap(), JobStatus::Cancelled);
        (sent, again)
    });
    println!("{sent} questions for {} looks, {again} for {JOBS} jobs", JOBS as u64 * ROUNDS);
    assert!(sent <= JOBS as u64 * ROUNDS / 20, "{sent} questions");
    assert!(again <= JOBS as u64 / 5, "{again} questions");
    blocker.cancelled().unwrap();
}

#[test]
fn what_goes_wrong_with_lists_is_no_jobs_trouble() {
    let service = Service::with(&[]);
    let (lists, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let (drawn, fine) = (Arc::clone(&lists), Arc::clone(&answered));
    let draw = move |_: u64, question: &str| {
        if !question.starts_with(LIST) {
            return None;
        }
        // Each fault in turn, and every other list comes.
        let number = drawn.fetch_add(1, Ordering::Relaxed);
        let fault = FAULTS[number / 2 % FAULTS.len()];
        fine.fetch_add(u64::from(number % 2 == 1), Ordering::Relaxed);
        (number % 2 == 0).then_some(fault)
    };
    let network = Network::to(service.port, Box::new(draw)).unwrap();
    // A fault that is stalled is given up soon, and a list that failed is asked for again.
    let (request, poll_limit) = (Duration::from_secs(2), Duration::from_millis(200));
    let settings = Settings { request, poll_limit, ..fast() };
    let backend = service.provider(&network.url(), settings).get_backend(BACKEND).unwrap();
    let blocker = blocker(&service);
    let jobs = keeping(&blocker, || submitted(&*backend, 40));
    let begun = Instant::now();
    let all_struck = || network.struck().len() == FAULTS.len();
    let follow = |jobs: &[Arc<dyn Job>]| {
        let mut ranks = vec![0; jobs.len()];
        while ranks.iter().any(|rank| *rank < 2) {
            for (known, job) in ranks.iter_mut().zip(jobs) {
                // Asked for alone, each answers.
                let seen = rank(&job.status().unwrap());
                assert!(seen >= *known, "from {known} to {seen}");
                *known = seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{ranks:?} {:?}", network.struck());
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| side_by_side(&jobs, follow));
        keeping(&blocker, || {
            while !all_struck() && begun.elapsed() < PATIENCE {
                thread::yield_now();
            }
        });
        blocker.cancelled().unwrap();
        // Whoever looked for work and found none to do may be gone.
        backend.run(tiny(), RunOptions::default()).unwrap();
    });
    assert!(all_struck(), "{:?}", network.struck());
    assert!(answered.load(Ordering::Relaxed) > 0);
    for job in &jobs {
        let result = job.result(Some(PATIENCE)).unwrap();
        assert_eq!(result.counts(0).unwrap().get("1"), 10);
    }
    let taken = service.jobs().into_iter().filter(|job| job.backend != "nobody/nothing");
    assert!(taken.filter(|job| job.state == JobStatus::Done).all(|job| job.attempt == 1));
}

#[test]
fn a_list_that_does_not_come_leaves_time_to_ask_for_the_job() {
    let service = Service::with(&[]);
    let stall = |_: u64, question: &str| question.starts_with(LIST).then_some(Fault::Stalled);
    let network = Network::to(service.port, Box::new(stall)).unwrap();
    let settings = Settings { poll_limit: Duration::from_secs(60), ..fast() };
    let backend = service.provider(&network.url(), settings).get_backend(BACKEND).unwrap();
    let jobs = submitted(&*backend, 6);
    let begun = Instant::now();
    while service.jobs().iter().any(|job| !job.state.is_final()) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", service.jobs());
        thread::yield_now();
    }
    for job in &jobs {
        // Now and then the machine has no half a second for an answer.
        let mut looks = (0..60).map(|_| job.result(Some(Duration::from_secs(1))));
        assert!(looks.any(|result| result.is_ok()), "{}", job.job_id());
    }
}

#[test]
fn a_server_that_is_gone_is_asked_little_more_for_many_jobs() {
    const ASKED: usize = 1000;
    let service = Service::with(&[]);
    let network = Network::to(service.port, Box::new(|_, _| None)).unwrap();
    let backend = service.provider(&network.url(), patient()).get_backend(BACKEND).unwrap();
    let blocker = blocker(&service);
    keeping(&blocker, || {
        let jobs = submitted(&*backend, 40);
        assert!(jobs.iter().all(|job| job.status().unwrap() == JobStatus::Queued));
        service.stop(End::Killed);
        let before = network.questions();
        side_by_side(&jobs, |jobs| {
            for job in jobs.iter().cycle().take(ASKED / CLIENTS) {
                // A list that has just come may be read once more.
                if let Err(error) = job.status() {
                    assert!(error.is_retryable(), "{error}");
                }
            }
        });
        let sent = network.questions() - before;
        assert!(sent >= (ASKED - jobs.len()) as u64, "{sent} questions were sent for {ASKED}");
        assert!(sent <= (ASKED + ASKED / 10) as u64, "{sent} questions were sent for {ASKED}");
        service.restart(End::Killed);
        assert!(jobs.iter().all(|job| job.status().unwrap() == JobStatus::Queued));
    });
    blocker.cancelled().unwrap();
}
