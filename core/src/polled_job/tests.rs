//! The life of a job at a service that answers by a script.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use ketch_interface::{BackendConfiguration, BackendStatus, Qobj, RunOptions};
use serde_json::json;

use super::*;

struct Far;

impl Backend for Far {
    fn name(&self) -> &str {
        "far"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Err(Error::not_supported("far", "configuration"))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("far", "1.0.0"))
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(Error::not_supported("far", "running"))
    }
}

/// Tells one line of the script for each look, the last one for ever, and counts the questions.
#[derive(Default)]
struct Script {
    looks: Mutex<VecDeque<Result<Value>>>,
    result: Mutex<Option<RunResult>>,
    /// Why there is no result yet.
    refusal: Mutex<Option<Error>>,
    questions: Mutex<Vec<&'static str>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl JobService for Script {
    fn look(&self, job_id: &str, _limit: Duration) -> Result<JobNews> {
        assert_eq!(job_id, "17");
        lock(&self.questions).push("look");
        let mut looks = lock(&self.looks);
        let last = looks.len() == 1;
        let told = if last { looks[0].clone() } else { looks.pop_front().unwrap() };
        told.map(|document| JobNews::from_json(&document))
    }

    fn result(&self, job_id: &str, _limit: Duration) -> Result<RunResult> {
        lock(&self.questions).push("result");
        if let Some(refusal) = &*lock(&self.refusal) {
            return Err(refusal.clone());
        }
        lock(&self.result).clone().ok_or_else(|| Error::JobNotFound { job: job_id.to_owned() })
    }

    fn cancel(&self, _job_id: &str, _limit: Duration) -> Result<bool> {
        lock(&self.questions).push("cancel");
        *lock(&self.looks) = [Ok(json!({"status": "CANCELLED"}))].into();
        Ok(true)
    }
}

fn script(looks: impl IntoIterator<Item = Result<Value>>) -> Arc<Script> {
    let looks = Mutex::new(looks.into_iter().collect());
    let result = RunResult { success: true, ..RunResult::default() };
    Arc::new(Script { looks, result: Mutex::new(Some(result)), ..Script::default() })
}

fn job(service: &Arc<Script>) -> PolledJob {
    PolledJob::new("17", Arc::new(Far), Arc::clone(service) as Arc<dyn JobService>)
}

fn says(status: &str) -> Result<Value> {
    Ok(json!({"status": status, "position": 2, "error": "a wire came loose", "created": 86400.5}))
}

fn no_answer() -> Error {
    Error::Transport { service: "http://lab.example".to_owned(), source: None }
}

#[test]
fn a_result_is_waited_for_and_asked_for_once() {
    let looks = [says("QUEUED"), Err(no_answer()), says("mending"), says("RUNNING"), says("DONE")];
    let service = script(looks);
    let job = job(&service);
    let result = job.result(None).unwrap();
    assert_eq!((result.job_id.as_str(), result.backend_name.as_str()), ("17", "far"));
    let asked = ["look", "look", "look", "look", "look", "result"];
    assert_eq!(*lock(&service.questions), asked);
    // What is final changes no more, and nobody is asked.
    assert_eq!(job.result(Some(Duration::ZERO)).unwrap(), result);
    assert_eq!(job.result(Some(Duration::MAX)).unwrap(), result);
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    assert!(!job.cancel().unwrap());
    assert_eq!((job.queue_position().unwrap(), job.error_message().unwrap()), (None, None));
    let noon = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_500);
    assert_eq!(job.creation_date().unwrap(), Some(noon));
    assert_eq!(*lock(&service.questions), asked);
}

#[test]
fn a_look_that_finds_a_result_brings_it() {
    let service = script([says("DONE")]);
    assert!(job(&service).result(Some(Duration::ZERO)).unwrap().success);
}

#[test]
fn a_job_of_another_backend_is_none_of_this_one() {
    let of = |backend: Value| script([Ok(json!({"status": "RUNNING", "backend": backend}))]);
    assert_eq!(job(&of(json!("far"))).found().unwrap().job_id(), "17");
    assert!(job(&of(json!(null))).found().is_ok(), "the service does not say whose it is");
    let other = job(&of(json!("near"))).found();
    assert!(matches!(other.err(), Some(Error::JobNotFound { job }) if job == "17"));
}

#[test]
fn ids_that_no_service_gives_are_not_asked_for() {
    for id in ["", ".", "..", &"7".repeat(5000)] {
        let service = script([says("RUNNING")]);
        let job = PolledJob::new(id, Arc::new(Far), Arc::clone(&service) as Arc<dyn JobService>);
        assert!(matches!(job.found().err(), Some(Error::JobNotFound { job }) if job == id));
        assert!(lock(&service.questions).is_empty());
    }
}

#[test]
fn each_end_is_told_as_what_it_is() {
    let end = |status: &str, result: Option<RunResult>| {
        let service = script([says(status)]);
        *lock(&service.result) = result;
        let job = job(&service);
        (job.result(None), job.error_message().unwrap())
    };
    let (cancelled, message) = end("CANCELLED", None);
    assert!(matches!(cancelled, Err(Error::Cancelled { job }) if job == "17"));
    assert_eq!(message, None);
    let (failed, message) = end("ERROR", None);
    assert_eq!(failed.unwrap_err().to_string(), "job `17` failed: a wire came loose");
    assert_eq!(message.as_deref(), Some("a wire came loose"));
    // What there is of a result is not lost.
    let (partial, _) = end("ERROR", Some(RunResult::default()));
    assert!(!partial.unwrap().success);
    let (lost, _) = end("DONE", None);
    assert!(matches!(lost, Err(Error::JobNotFound { .. })));
}

#[test]
fn what_cannot_pass_is_told_at_once() {
    let reason = "the token has expired".to_owned();
    let service = script([says("RUNNING"), Err(Error::Unauthenticated { reason })]);
    assert!(matches!(job(&service).result(None), Err(Error::Unauthenticated { .. })));
    assert_eq!(*lock(&service.questions), ["look", "look"]);
}

/// Takes all the time that it is given, and does not answer.
struct Silent(Mutex<Receiver<()>>, Sender<Duration>);

impl JobService for Silent {
    fn look(&self, _job_id: &str, limit: Duration) -> Result<JobNews> {
        self.1.send(limit).unwrap();
        assert!(lock(&self.0).recv_timeout(limit).is_err());
        Err(no_answer())
    }

    fn result(&self, _job_id: &str, _limit: Duration) -> Result<RunResult> {
        Err(no_answer())
    }

    fn cancel(&self, _job_id: &str, _limit: Duration) -> Result<bool> {
        Err(no_answer())
    }
}

#[test]
fn a_time_out_does_not_wait_for_a_service_that_is_silent() {
    let ((_never, silence), (limits, asked)) = (channel(), channel());
    let service = Arc::new(Silent(Mutex::new(silence), limits));
    let job = PolledJob::new("17", Arc::new(Far), service);
    for after in [Duration::ZERO, Duration::from_millis(30), Duration::from_millis(200)] {
        let start = Instant::now();
        let timed_out = job.result(Some(after)).unwrap_err();
        let took = start.elapsed();
        assert!(matches!(timed_out, Error::Timeout { after: told, .. } if told == after));
        assert!(took >= after && took < after + Duration::from_secs(5), "{took:?}");
        let longest = asked.try_iter().max().unwrap();
        assert!(longest <= after.max(LOOK), "{longest:?} of {after:?}");
    }
}

#[test]
fn a_result_that_is_held_back_is_not_asked_for_without_waits() {
    let service = script([says("DONE")]);
    *lock(&service.refusal) = Some(Error::RateLimited { retry_after: None });
    let job = job(&service);
    let after = Duration::from_millis(300);
    assert!(matches!(job.result(Some(after)), Err(Error::Timeout { .. })));
    // The shortest waits that chance allows are 25 ms, 37 ms, 56 ms, 84 ms and 126 ms.
    let times =
        |question| lock(&service.questions).iter().filter(|asked| **asked == question).count();
    assert!((2..20).contains(&times("result")), "{} times", times("result"));
    assert_eq!(times("look"), 1, "the end is known");
    // What it gives in the end is taken.
    *lock(&service.refusal) = None;
    assert!(job.result(None).unwrap().success);
}

#[test]
fn cancelling_answers_while_a_result_is_waited_for() {
    let service = script([says("RUNNING")]);
    let job = job(&service);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| job.result(None));
        assert_eq!(job.status().unwrap(), JobStatus::Running);
        assert!(job.cancel().unwrap());
        assert!(matches!(waiting.join().unwrap(), Err(Error::Cancelled { .. })));
    });
    assert_eq!(job.status().unwrap(), JobStatus::Cancelled);
}

#[test]
fn news_are_read_from_whatever_is_said() {
    let news = JobNews::from_json(&json!({"status": "queued", "backend": "far", "position": 1}));
    assert_eq!(
        (news.status, news.position, news.backend),
        (JobStatus::Queued, Some(1), Some("far".to_owned()))
    );
    let odd = [json!(null), json!([1]), json!({"status": 7, "position": -1, "created": "noon"})];
    for document in odd.into_iter().chain([json!({"position": 1e300, "created": -1e300})]) {
        let news = JobNews::from_json(&document);
        assert_eq!(news.status, JobStatus::Other(String::new()), "{document}");
        assert_eq!((news.position, news.created, news.error), (None, None, None), "{document}");
    }
}
