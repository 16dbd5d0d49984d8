//! Jobs that a service runs: the ledger.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, Error, Extensions, FIND_JOB, Job, JobStatus,
    Message, Qobj, Result, RunOptions, RunResult,
    result::{ExperimentResult, Memory},
};
use ketch_jobs::{JobFilter, NewJob, Runner, StoredBackend, StoredJob};

use crate::common::{LONG, Lab, Scratch, experiments, names};

/// A service on the other side of a line that fails on purpose.
struct Line {
    service: Arc<Lab>,
    fault: Mutex<Fault>,
    /// Jobs that reached the service.
    sent: AtomicU64,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The job does not reach the service.
    Before,
    /// The job does, and its receipt is lost.
    After,
    /// As `After`, and the provider says in its own words that it cannot tell.
    Doubtful,
    /// The service says no.
    Refused,
    /// What a job came to arrives as nonsense.
    Garbled,
}

impl Line {
    fn new() -> Arc<Self> {
        let (fault, sent) = (Mutex::new(Fault::None), AtomicU64::new(0));
        Arc::new(Self { service: Lab::new(false), fault, sent })
    }

    fn break_with(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

/// A job whose result takes a second to come over the line, if it comes.
struct Slow(Arc<dyn Job>, Fault);

impl Job for Slow {
    fn job_id(&self) -> String {
        self.0.job_id()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.0.backend()
    }

    fn status(&self) -> Result<JobStatus> {
        self.0.status()
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        match timeout.filter(|timeout| *timeout < Duration::from_secs(1)) {
            Some(after) => Err(Error::Timeout { job: self.0.job_id(), after }),
            None if self.1 == Fault::Garbled => Err(Error::other("service.answer", "<html>")),
            None => self.0.result(timeout),
        }
    }

    fn cancel(&self) -> Result<bool> {
        self.0.cancel()
    }
}

impl Backend for Line {
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
        let fault = *self.fault.lock().unwrap();
        let lost = || Error::Transport { service: "the lab".to_owned(), source: None };
        match fault {
            Fault::Before => return Err(lost()),
            Fault::Refused => return Err(Error::Unauthenticated { reason: "no".to_owned() }),
            _ => {}
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let job = self.service.run(qobj, options)?;
        // The service remembers a job whose receipt nobody has.
        job.result(LONG)?;
        std::mem::forget(Arc::clone(&job));
        match fault {
            Fault::After => Err(lost()),
            Fault::Doubtful => Err(Error::other("job.submission_unknown", "cannot tell")),
            _ => Ok(job),
        }
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let fault = *self.fault.lock().unwrap();
        Ok(Arc::new(Slow(self.service.retrieve_job(job_id)?, fault)))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Line {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == FIND_JOB)
    }

    /// The service's own id of a job is the key that was sent with it.
    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        let key = message.to_json().unwrap_or_default()["job_key"].as_str().unwrap().to_owned();
        let known = self.service.retrieve_job(&key).is_ok().then_some(key);
        Ok(Message::json(&serde_json::json!({ "job_id": known })))
    }
}

fn only_job(scratch: &Scratch) -> ketch_jobs::JobRecord {
    let jobs = scratch.store.jobs(&JobFilter::default()).unwrap();
    let [only] = jobs.as_slice() else { panic!("{jobs:?}") };
    only.clone()
}

fn send(scratch: &Scratch, line: &Arc<Line>) -> Result<Arc<dyn Job>> {
    let line = Arc::clone(line) as Arc<dyn Backend>;
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", line);
    backend.run(experiments(1), RunOptions::default())
}

#[test]
fn a_services_job_is_read_from_another_process_and_kept_on_first_read() {
    let scratch = Scratch::new();
    let line = Line::new();
    let id = send(&scratch, &line).unwrap().job_id();
    assert!(only_job(&scratch).service_id.is_some());
    scratch.tamper("UPDATE jobs SET owner = 'gone'");
    scratch.other().recover().unwrap();
    assert_eq!(only_job(&scratch).state, JobStatus::Running, "nobody needs to live for it");

    let job = StoredJob::new(scratch.other(), &id, Arc::clone(&line) as Arc<dyn Backend>);
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0"]);
    // From now on the service is not needed.
    let unreachable: Arc<dyn Backend> = Lab::new(false);
    let later = StoredJob::new(scratch.other(), &id, unreachable);
    assert_eq!(names(&later.result(LONG).unwrap()), ["e0"]);
}

#[test]
fn single_shots_are_kept_if_they_were_asked_for() {
    let scratch = Scratch::new();
    let told = ExperimentResult {
        success: true,
        memory: Memory::from_bytes(1, vec![0, 1, 1].into()),
        ..ExperimentResult::default()
    };
    assert!(told.memory.is_some());
    let told = RunResult { success: true, experiments: vec![told; 2], ..RunResult::default() };
    for asked in [false, true] {
        let mut qobj = experiments(2);
        qobj.config.memory = Some(asked);
        // One experiment has its own mind.
        qobj.experiments_mut()[1].config.memory = Some(true);
        let job = NewJob::new("lab/bench", Runner::Service, RunOptions::default());
        let id = scratch.store.submit(&job, &qobj).unwrap();
        scratch.store.sent(&id, "7").unwrap();
        scratch.store.settle_service(&id, &Ok(told.clone())).unwrap();
        let kept = scratch.store.result(&id).unwrap().unwrap();
        let memories: Vec<bool> = kept.experiments.iter().map(|one| one.memory.is_some()).collect();
        assert_eq!(memories, [asked, true]);
    }
}

#[test]
fn nonsense_is_not_what_a_job_came_to() {
    let (scratch, line) = (Scratch::new(), Line::new());
    send(&scratch, &line).unwrap();
    let id = only_job(&scratch).id;
    let elsewhere = StoredJob::new(Arc::clone(&scratch.store), id, Arc::clone(&line) as _);
    line.break_with(Fault::Garbled);
    assert_eq!(elsewhere.result(LONG).unwrap_err().code(), "service.answer");
    line.break_with(Fault::None);
    assert!(elsewhere.result(LONG).unwrap().success);
    assert_eq!(only_job(&scratch).state, JobStatus::Done);
}

#[test]
fn a_job_whose_receipt_was_lost_is_looked_up_and_never_sent_again() {
    let scratch = Scratch::new();
    let line = Line::new();
    line.break_with(Fault::After);
    assert_eq!(send(&scratch, &line).map(drop).unwrap_err().code(), "transport");
    let record = only_job(&scratch);
    assert_eq!((record.state, record.service_id), (JobStatus::Initializing, None));
    assert_eq!(record.error.unwrap().code, "transport");

    line.break_with(Fault::None);
    let job = StoredJob::new(scratch.other(), &record.id, Arc::clone(&line) as Arc<dyn Backend>);
    job.status().unwrap();
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0"]);
    assert_eq!(line.sent.load(Ordering::Relaxed), 1);
}

#[test]
fn a_job_of_which_the_provider_cannot_tell_is_not_forgotten() {
    let scratch = Scratch::new();
    let line = Line::new();
    line.break_with(Fault::Doubtful);
    assert_eq!(send(&scratch, &line).map(drop).unwrap_err().code(), "job.submission_unknown");
    line.break_with(Fault::None);
    let id = only_job(&scratch).id;
    let job = StoredJob::new(scratch.other(), &id, Arc::clone(&line) as Arc<dyn Backend>);
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0"]);
    assert_eq!(line.sent.load(Ordering::Relaxed), 1);
}

#[test]
fn nobody_looks_for_a_job_that_is_being_sent() {
    let scratch = Scratch::new();
    let line = Line::new();
    let options = RunOptions::default();
    let new = NewJob::new("lab/bench", Runner::Service, options.clone());
    let id = scratch.store.submit(&new, &experiments(1)).unwrap();
    // The service has it, and its sender, this process, has not heard so yet.
    let options = RunOptions { job_key: Some(id.clone()), ..options };
    let sent = line.run(experiments(1), options).unwrap();
    assert!(scratch.other().recover().unwrap().unknown.is_empty());
    let job = StoredJob::new(scratch.other(), &id, Arc::clone(&line) as Arc<dyn Backend>);
    assert_eq!(job.status().unwrap(), JobStatus::Initializing);
    let error = job.result(Some(Duration::from_millis(30))).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(only_job(&scratch).service_id, None);

    scratch.store.sent(&id, &sent.job_id()).unwrap();
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0"]);
    // To write down the same once more is no mistake.
    scratch.store.sent(&id, &sent.job_id()).unwrap();
}

#[test]
fn a_job_that_never_arrived_stays_until_the_user_decides() {
    let scratch = Scratch::new();
    let line = Line::new();
    line.break_with(Fault::Before);
    send(&scratch, &line).map(drop).unwrap_err();
    let id = only_job(&scratch).id;
    line.break_with(Fault::None);
    let job = StoredJob::new(scratch.other(), &id, Arc::clone(&line) as Arc<dyn Backend>);
    assert_eq!(job.status().unwrap(), JobStatus::Initializing);
    assert!(job.error_message().unwrap().unwrap().contains("cannot reach the lab"));
    // There is nothing to wait for.
    assert_eq!(job.result(LONG).unwrap_err().code(), "transport");
    assert!(!job.cancel().unwrap());
    assert_eq!(line.sent.load(Ordering::Relaxed), 0, "nothing is sent by looking");
    scratch.store.delete(&id).unwrap();
}

#[test]
fn a_job_that_the_service_refuses_was_never_one() {
    let scratch = Scratch::new();
    let line = Line::new();
    line.break_with(Fault::Refused);
    assert_eq!(send(&scratch, &line).map(drop).unwrap_err().code(), "unauthenticated");
    assert!(scratch.store.jobs(&JobFilter::default()).unwrap().is_empty());
}
