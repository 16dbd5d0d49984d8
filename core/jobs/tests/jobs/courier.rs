//! Jobs of services that a worker sends and follows.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, Error as JobError, Extensions, FIND_JOB, Job,
    JobStatus, Message, Qobj, Result, RunOptions, RunResult,
};
use ketch_jobs::{
    Budget, Courier, Error, JobRecord, NewJob, Resolver, Runner, Store, TOO_LONG, WorkOptions,
    served::Served, work, work_until,
};

use crate::common::{Lab, Only, Scratch, experiments, names};

/// A service that remembers its jobs, on the other side of a line.
struct Remote {
    service: Arc<Lab>,
    known: Mutex<Vec<Arc<dyn Job>>>,
    /// What happens to the jobs that are sent next, the last one first.
    faults: Mutex<Vec<Fault>>,
    /// Calls that tried to send.
    tries: AtomicU64,
    /// Questions for jobs by their keys.
    looked_up: AtomicU64,
    /// Where users stop their jobs.
    store: Mutex<Option<Arc<Store>>>,
    /// What was asked of jobs that are [`Fault::Odd`] and refused.
    refused: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
enum Fault {
    /// The line breaks before the job arrives.
    Before,
    /// The line breaks when the job has arrived.
    After,
    /// There is no room now.
    Full,
    /// Nor here, and the user stops the job meanwhile.
    Stopped,
    Refused,
    /// It arrives; what it comes to cannot be had, and it cannot be stopped.
    Odd,
}

/// A job that its service runs and knows little of.
struct Odd(Arc<dyn Job>, Arc<AtomicU64>);

impl Job for Odd {
    fn job_id(&self) -> String {
        self.0.job_id()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.0.backend()
    }

    fn status(&self) -> Result<JobStatus> {
        self.0.status()
    }

    fn result(&self, _timeout: Option<Duration>) -> Result<RunResult> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Err(JobError::other("service.answer", "the answer makes no sense"))
    }

    fn cancel(&self) -> Result<bool> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Err(JobError::not_supported("the lab", "stopping a job"))
    }
}

impl Remote {
    fn new(faults: &[Fault]) -> Arc<Self> {
        Arc::new(Self {
            service: Lab::new(false),
            known: Mutex::default(),
            faults: Mutex::new(faults.to_vec()),
            tries: AtomicU64::new(0),
            looked_up: AtomicU64::new(0),
            store: Mutex::default(),
            refused: Arc::default(),
        })
    }

    fn arrived(&self) -> usize {
        self.known.lock().unwrap().len()
    }
}

impl Backend for Remote {
    fn name(&self) -> &str {
        self.service.name()
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        self.service.configuration()
    }

    fn status(&self) -> Result<BackendStatus> {
        self.service.status()
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        let fault = self.faults.lock().unwrap().pop();
        let lost = || JobError::Transport { service: "the lab".to_owned(), source: None };
        match fault {
            Some(Fault::Before) => return Err(lost()),
            Some(Fault::Full) => return Err(JobError::RateLimited { retry_after: None }),
            Some(Fault::Stopped) => {
                let store = self.store.lock().unwrap().clone().unwrap();
                assert!(store.cancel(&options.job_key.unwrap()).unwrap());
                return Err(JobError::RateLimited { retry_after: None });
            }
            Some(Fault::Refused) => {
                return Err(JobError::Unauthenticated { reason: "no".to_owned() });
            }
            Some(Fault::After | Fault::Odd) | None => {}
        }
        let mut job = self.service.run(qobj, options)?;
        if let Some(Fault::Odd) = fault {
            job = Arc::new(Odd(job, Arc::clone(&self.refused)));
        }
        self.known.lock().unwrap().push(Arc::clone(&job));
        if let Some(Fault::After) = fault { Err(lost()) } else { Ok(job) }
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let known = self.known.lock().unwrap();
        let found = known.iter().find(|job| job.job_id() == job_id);
        found.cloned().ok_or_else(|| JobError::JobNotFound { job: job_id.to_owned() })
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Remote {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == FIND_JOB)
    }

    /// The service's own id of a job is the key that was sent with it.
    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        let key = message.to_json().unwrap_or_default()["job_key"].as_str().unwrap().to_owned();
        let known = self.retrieve_job(&key).is_ok().then_some(key);
        Ok(Message::json(&serde_json::json!({ "job_id": known })))
    }
}

fn send(scratch: &Scratch, user: &str, name: &str, cost: Option<u64>) -> String {
    send_to(scratch, Runner::Service, user, name, cost)
}

fn send_to(scratch: &Scratch, runner: Runner, user: &str, name: &str, cost: Option<u64>) -> String {
    let served = Served {
        user: user.to_owned(),
        program: "sampler".to_owned(),
        session: None,
        cost,
        params: b"{}".to_vec(),
        refused: None,
    };
    let mut qobj = experiments(1);
    qobj.experiments_mut()[0].header.insert("name".to_owned(), name.into());
    let new = NewJob::new("lab/bench", runner, RunOptions::default());
    scratch.store.submit(&NewJob { served: Some(served), ..new }, &qobj).unwrap()
}

fn at_once() -> WorkOptions {
    let budget = Budget { threads: 2, memory: u64::MAX };
    WorkOptions { budget, idle: Duration::ZERO }
}

/// A worker on a thread of its own, until it is told to go.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Worker {
    fn start(scratch: &Scratch, remote: &Arc<Remote>) -> Self {
        let (store, stop) = (scratch.other(), Arc::new(AtomicBool::new(false)));
        let (told, backend) = (Arc::clone(&stop), Arc::clone(remote) as Arc<dyn Backend>);
        let thread = thread::spawn(move || {
            work_until(&told, &store, &Only("lab/bench", backend), &at_once(), || {}).unwrap();
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// Waits until a job is as it should be.
fn until(scratch: &Scratch, id: &str, is: impl Fn(&JobRecord) -> bool) -> JobRecord {
    let begun = Instant::now();
    loop {
        let record = scratch.store.job(id).unwrap();
        if is(&record) {
            return record;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{record:?}");
        thread::yield_now();
    }
}

#[test]
fn a_worker_sends_the_jobs_of_services_and_brings_back_what_they_come_to() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[]));
    let ids: Vec<String> = (0..12)
        .map(|number| {
            send(&scratch, if number < 9 { "ada" } else { "bob" }, &format!("e{number}"), None)
        })
        .collect();
    assert!(store.has_errands().unwrap() && !store.has_work(at_once().budget).unwrap());
    assert_eq!(store.job(&ids[0]).unwrap().state, JobStatus::Queued);
    // Also where the service waits, users take turns.
    assert_eq!(store.position(&ids[9]).unwrap(), Some(2));
    let stopped = send(&scratch, "ada", "stopped", None);
    assert!(store.cancel(&stopped).unwrap());
    let own = scratch.submit("lab/bench", &experiments(1));
    let resolver = Only("lab/bench", Arc::clone(&remote) as Arc<dyn Backend>);
    let mut siblings = 0;
    work(store, &resolver, &at_once(), || siblings += 1).unwrap();
    assert_eq!(siblings, 1, "somebody else is to run what is run here");
    for (number, id) in ids.iter().enumerate() {
        let record = store.job(id).unwrap();
        assert_eq!((&record.state, record.completed), (&JobStatus::Done, 1), "{record:?}");
        assert_eq!(record.service_id.as_deref(), Some(id.as_str()));
        let result = store.result(id).unwrap().unwrap();
        assert_eq!(names(&result), [format!("e{number}")]);
    }
    assert_eq!(store.job(&stopped).unwrap().state, JobStatus::Cancelled);
    assert_eq!(store.job(&own).unwrap().state, JobStatus::Done);
    // The own job was sent there as well, since this backend is the only one.
    assert_eq!((remote.arrived(), remote.tries.load(Ordering::Relaxed)), (13, 13));
    assert!(!store.has_errands().unwrap() && !Courier::exists(store).unwrap());
}

#[test]
fn no_job_of_a_service_is_lost_or_sent_twice_whatever_the_line_does() {
    let scratch = Scratch::new();
    let remote = Remote::new(&[Fault::Full, Fault::After]);
    let first = send(&scratch, "ada", "a", None);
    let second = send(&scratch, "ada", "b", None);
    let worker = Worker::start(&scratch, &remote);
    for (id, name) in [(&first, "a"), (&second, "b")] {
        until(&scratch, id, |record| record.state.is_final());
        assert_eq!(names(&scratch.store.result(id).unwrap().unwrap()), [name]);
    }
    assert_eq!(remote.arrived(), 2);
    // One was turned away and sent again; the other one was found there.
    assert_eq!(remote.tries.load(Ordering::Relaxed), 3);
    worker.stop();

    // One that never arrived fails in the end, and one that is refused does at once.
    remote.faults.lock().unwrap().extend([Fault::Refused, Fault::Before]);
    let lost = send(&scratch, "ada", "c", None);
    let worker = Worker::start(&scratch, &remote);
    until(&scratch, &lost, |record| record.error.is_some());
    assert_eq!(scratch.store.job(&lost).unwrap().state, JobStatus::Initializing);
    assert!(matches!(scratch.store.delete(&lost), Err(Error::Illegal { .. })));
    scratch.tamper(&format!("UPDATE jobs SET lease_wall = 0 WHERE id = '{lost}'"));
    let failed = until(&scratch, &lost, |record| record.state.is_final());
    assert_eq!(
        (failed.state, failed.error.unwrap().code.as_str()),
        (JobStatus::Error, "transport")
    );
    worker.stop();
    let refused = send(&scratch, "ada", "d", None);
    let worker = Worker::start(&scratch, &remote);
    let failed = until(&scratch, &refused, |record| record.state.is_final());
    assert_eq!(failed.error.unwrap().code, "unauthenticated");
    worker.stop();
    assert_eq!((remote.arrived(), remote.tries.load(Ordering::Relaxed)), (2, 5));
}

#[test]
fn a_job_at_a_service_outlives_its_worker_and_is_stopped_when_it_is_to() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[]));
    let id = send(&scratch, "ada", "stuck", None);
    let worker = Worker::start(&scratch, &remote);
    until(&scratch, &id, |record| record.ran() > Duration::ZERO);
    worker.stop();
    assert_eq!(store.job(&id).unwrap().state, JobStatus::Running);
    assert!(store.usage("ada", std::time::UNIX_EPOCH).unwrap().seconds > 0.0);
    assert!(matches!(store.delete(&id), Err(Error::Illegal { .. })));
    // Another worker finds it there.
    let worker = Worker::start(&scratch, &remote);
    assert!(store.cancel(&id).unwrap());
    let record = until(&scratch, &id, |record| record.state.is_final());
    assert_eq!((record.state, record.error), (JobStatus::Cancelled, None));
    worker.stop();

    let long = send(&scratch, "ada", "stuck", Some(1));
    let worker = Worker::start(&scratch, &remote);
    let record = until(&scratch, &long, |record| record.state.is_final());
    assert_eq!(record.state, JobStatus::Cancelled);
    assert!(record.ran() >= Duration::from_secs(1), "{record:?}");
    assert_eq!(record.error.unwrap().code, TOO_LONG);
    worker.stop();
    assert_eq!(remote.arrived(), 2);
}

/// Waits until something was counted so often.
fn counted(count: &AtomicU64, to: u64) {
    let begun = Instant::now();
    while count.load(Ordering::Relaxed) < to {
        assert!(begun.elapsed() < Duration::from_secs(60), "{count:?} and not {to}");
        thread::yield_now();
    }
}

#[test]
fn a_job_whose_service_misbehaves_keeps_no_others_waiting() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[Fault::Odd, Fault::Odd]));
    let odd = send(&scratch, "ada", "a", None);
    let worker = Worker::start(&scratch, &remote);
    counted(&remote.refused, 1);
    // What came of it could not be had once; others are sent all the same.
    let next = send(&scratch, "bob", "gate", None);
    until(&scratch, &next, |record| record.state == JobStatus::Running);
    let failed = until(&scratch, &odd, |record| record.state.is_final());
    assert_eq!(failed.error.unwrap().code, "service.answer");
    // The next one cannot be stopped, and its end is heard.
    let refused = remote.refused.load(Ordering::Relaxed);
    assert!(store.cancel(&next).unwrap());
    counted(&remote.refused, refused + 1);
    let good = send(&scratch, "ada", "b", None);
    remote.service.gate.open();
    until(&scratch, &good, |record| record.state == JobStatus::Done);
    let failed = until(&scratch, &next, |record| record.state.is_final());
    assert_eq!(failed.error.unwrap().code, "service.answer");
    worker.stop();
}

#[test]
fn a_job_that_is_to_stop_and_cannot_be_found_is_not_asked_for_again_and_again() {
    let scratch = Scratch::new();
    let remote = Remote::new(&[Fault::Before]);
    let lost = send(&scratch, "ada", "a", None);
    let worker = Worker::start(&scratch, &remote);
    until(&scratch, &lost, |record| record.error.is_some());
    let (begun, before) = (Instant::now(), remote.looked_up.load(Ordering::Relaxed));
    assert!(scratch.store.cancel(&lost).unwrap());
    // One may be under way and one comes at once; before each of the others is a quarter of a second.
    counted(&remote.looked_up, before + 4);
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    worker.stop();
}

#[test]
fn a_job_that_nobody_asked_about_for_days_ran_while_it_was_heard_to() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[]));
    let id = send(&scratch, "ada", "gate", Some(7200));
    let worker = Worker::start(&scratch, &remote);
    until(&scratch, &id, |record| record.ran() > Duration::ZERO);
    worker.stop();
    // Two days pass, in which the job ends at its service.
    let days = 2 * 24 * 3_600_000;
    scratch.tamper(&format!(
        "UPDATE jobs SET taken_ms = taken_ms - {days}, lease_wall = lease_wall - {days}"
    ));
    let hour = Duration::from_secs(3600);
    let used = || store.usage("ada", std::time::UNIX_EPOCH).unwrap().seconds;
    assert!(store.job(&id).unwrap().ran() < hour && used() < hour.as_secs_f64());
    remote.service.gate.open();
    remote.retrieve_job(&id).unwrap().result(None).unwrap();
    let worker = Worker::start(&scratch, &remote);
    let over = until(&scratch, &id, |record| record.state.is_final());
    assert_eq!((&over.state, &over.error), (&JobStatus::Done, &None));
    assert!(over.ran() < hour && used() < hour.as_secs_f64(), "{over:?}");
    worker.stop();
}

#[test]
fn what_a_service_takes_moves_nobodys_turn_here() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[]));
    let here = |user: &str| send_to(&scratch, Runner::Worker, user, "here", None);
    let bobs = [(); 3].map(|()| here("bob"));
    for number in 0..8 {
        send(&scratch, "ada", &format!("e{number}"), None);
    }
    // While it is at its service, the worker has no time for others.
    let last = send(&scratch, "ada", "gate", None);
    let worker = Worker::start(&scratch, &remote);
    until(&scratch, &last, |record| record.state == JobStatus::Running);
    worker.stop();
    // Whoever comes now waits for one of bob's, and not for all of them.
    let new = here("cleo");
    assert_eq!(store.position(&new).unwrap(), Some(2));
    assert_eq!(store.position(&bobs[2]).unwrap(), Some(4));
    // What ada has sent to the service counts there.
    let [adas, cleos] = ["ada", "cleo"].map(|user| send(&scratch, user, "e", None));
    let places = [adas, cleos, here("ada")].map(|id| store.position(&id).unwrap());
    assert_eq!(places, [Some(1), Some(2), Some(3)]);
    remote.service.gate.open();
}

#[test]
fn a_job_that_is_stopped_while_its_service_turns_it_away_is_not_sent_again() {
    let scratch = Scratch::new();
    let remote = Remote::new(&[Fault::Stopped]);
    *remote.store.lock().unwrap() = Some(scratch.other());
    let id = send(&scratch, "ada", "a", None);
    let resolver = Only("lab/bench", Arc::clone(&remote) as Arc<dyn Backend>);
    work(&scratch.store, &resolver, &at_once(), || {}).unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().state, JobStatus::Cancelled);
    assert_eq!((remote.arrived(), remote.tries.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn a_job_that_cannot_be_read_fails_alone_and_unsent() {
    let scratch = Scratch::new();
    let (store, remote) = (&scratch.store, Remote::new(&[]));
    let unread = send(&scratch, "ada", "a", None);
    scratch.tamper("UPDATE documents SET bytes = NULL WHERE name = 'qobj'");
    let good = send(&scratch, "ada", "b", None);
    let resolver = Only("lab/bench", Arc::clone(&remote) as Arc<dyn Backend>);
    work(store, &resolver, &at_once(), || {}).unwrap();
    let failed = store.job(&unread).unwrap();
    assert_eq!((failed.state, failed.attempt), (JobStatus::Error, 0));
    assert_eq!(failed.error.unwrap().code, "store.unavailable");
    assert_eq!(store.job(&good).unwrap().state, JobStatus::Done);
}

/// Knows a backend, and another one of the same name in another directory.
struct InDirectories([Arc<Remote>; 2]);

impl Resolver for InDirectories {
    fn backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        Err(JobError::BackendNotFound { name: name.to_owned(), known: vec![] })
    }

    fn backend_of(&self, job: &JobRecord) -> Result<Arc<dyn Backend>> {
        let [here, there] = &self.0;
        let found = if job.plugins.flag.is_empty() { here } else { there };
        Ok(Arc::clone(found) as Arc<dyn Backend>)
    }
}

#[test]
fn each_job_is_sent_by_the_plugin_that_it_named() {
    let scratch = Scratch::new();
    let remotes = [(); 2].map(|()| Remote::new(&[]));
    let [here, there] = ["a", "b"].map(|name| send(&scratch, "ada", name, None));
    scratch.tamper(&format!(
        r#"UPDATE jobs SET plugins = '{{"flag": ["/else"]}}' WHERE id = '{there}'"#
    ));
    work(&scratch.store, &InDirectories(remotes.clone()), &at_once(), || {}).unwrap();
    for (remote, id) in remotes.iter().zip([here, there]) {
        assert_eq!(remote.arrived(), 1);
        assert_eq!(remote.retrieve_job(&id).unwrap().job_id(), id);
    }
}

/// Does not know the backend the first time.
struct Late(Arc<Remote>, AtomicU64);

impl Resolver for Late {
    fn backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        match self.1.fetch_add(1, Ordering::Relaxed) {
            0 => Err(JobError::BackendNotFound { name: name.to_owned(), known: vec![] }),
            _ => Ok(Arc::clone(&self.0) as Arc<dyn Backend>),
        }
    }
}

#[test]
fn a_backend_that_is_not_there_for_a_moment_fails_no_jobs() {
    let scratch = Scratch::new();
    let remote = Remote::new(&[]);
    let id = send(&scratch, "ada", "a", None);
    work(&scratch.store, &Late(Arc::clone(&remote), AtomicU64::new(0)), &at_once(), || {}).unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().state, JobStatus::Done);
    assert_eq!(remote.arrived(), 1);
}
