//! The life of a job, without clocks: the work waits for the test.

use std::sync::mpsc::{Receiver, Sender, channel};

use ketch_interface::{BackendConfiguration, BackendStatus, Qobj, result::ExperimentResult};

use super::*;

struct Idle;

impl Backend for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Err(Error::not_supported("idle", "configuration"))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("idle", "1.0.0"))
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(Error::not_supported("idle", "running"))
    }
}

fn submit(
    queue: &Arc<JobQueue>,
    work: impl FnOnce(&Running) -> Result<RunResult> + Send + 'static,
) -> Arc<dyn Job> {
    queue.submit(Arc::new(Idle), &RunOptions::default(), work)
}

fn good() -> RunResult {
    RunResult { success: true, status: "COMPLETED".to_owned(), ..RunResult::default() }
}

/// A job that tells when it runs, and ends when it is told to.
fn held(queue: &Arc<JobQueue>) -> (Arc<dyn Job>, Receiver<()>, Sender<()>) {
    let ((started, has_started), (end, may_end)) = (channel(), channel());
    let job = submit(queue, move |_| {
        started.send(()).unwrap();
        may_end.recv().unwrap();
        Ok(good())
    });
    (job, has_started, end)
}

#[test]
fn jobs_run_in_turn_and_know_their_place() {
    let queue = JobQueue::new(1);
    let (first, started, end) = held(&queue);
    started.recv().unwrap();
    let second = submit(&queue, |_| Ok(good()));
    let third = submit(&queue, |_| Ok(good()));
    assert_eq!(first.status().unwrap(), JobStatus::Running);
    assert_eq!(first.queue_position().unwrap(), None);
    assert_eq!(second.status().unwrap(), JobStatus::Queued);
    let places = || (second.queue_position().unwrap(), third.queue_position().unwrap());
    assert_eq!(places(), (Some(1), Some(2)));
    assert!(second.cancel().unwrap());
    assert_eq!(second.status().unwrap(), JobStatus::Cancelled);
    assert_eq!(places(), (None, Some(1)));
    assert!(matches!(second.result(None), Err(Error::Cancelled { .. })));

    end.send(()).unwrap();
    let result = third.result(None).unwrap();
    assert_eq!(third.status().unwrap(), JobStatus::Done);
    assert_eq!((result.job_id, result.backend_name), (third.job_id(), "idle".to_owned()));
    assert!(result.date.unwrap().ends_with('Z'));
    assert!(!third.cancel().unwrap());
    assert_eq!(third.queue_position().unwrap(), None);
}

/// A job with a deadline this far away.
fn due(
    queue: &Arc<JobQueue>,
    within: Duration,
    work: impl FnOnce(&Running) -> Result<RunResult> + Send + 'static,
) -> Arc<dyn Job> {
    let deadline = Some(SystemTime::now() + within);
    let options = RunOptions { deadline, ..RunOptions::default() };
    queue.submit(Arc::new(Idle), &options, work)
}

#[test]
fn work_without_end_is_stopped_at_its_deadline() {
    let queue = JobQueue::new(1);
    // On a busy machine a deadline may pass before the job has begun; then the next one is later.
    let ended = [20, 200, 2_000, 20_000].into_iter().map(|within| {
        let job = due(&queue, Duration::from_millis(within), |running| {
            while !running.is_cancelled() {
                std::thread::yield_now();
            }
            Err(Error::Cancelled { job: running.job_id().to_owned() })
        });
        let error = job.result(None).unwrap_err();
        assert!(matches!(error, Error::JobFailed { .. }), "{error}");
        (job, error.to_string())
    });
    let has_begun = |(_, error): &(_, String)| error.ends_with("its deadline passed while it ran");
    let (job, _) = { ended }.find(has_begun).expect("one of them begins in time");
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    assert!(!job.cancel().unwrap());
}

#[test]
fn a_job_whose_deadline_passed_is_not_begun() {
    let queue = JobQueue::new(1);
    let (first, started, end) = held(&queue);
    started.recv().unwrap();
    let late = due(&queue, Duration::ZERO, |_| panic!("it is begun"));
    end.send(()).unwrap();
    let error = late.result(None).unwrap_err().to_string();
    assert!(error.ends_with("its deadline passed before its turn came"), "{error}");
    assert!(first.result(None).is_ok());
    let early = due(&queue, Duration::from_secs(3600), |_| Ok(good()));
    assert!(early.result(None).is_ok());
}

#[test]
fn a_time_out_is_typed_and_does_not_cancel() {
    let queue = JobQueue::new(1);
    let (job, started, end) = held(&queue);
    started.recv().unwrap();
    let after = Duration::from_millis(1);
    match job.result(Some(after)) {
        Err(Error::Timeout { job: id, after: waited }) => {
            assert_eq!((id, waited), (job.job_id(), after));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(job.status().unwrap(), JobStatus::Running);
    end.send(()).unwrap();
    assert!(job.result(Some(Duration::from_secs(60))).unwrap().success);
    // Nothing is left to wait for.
    assert!(job.result(Some(Duration::ZERO)).unwrap().success);
}

#[test]
fn a_running_job_sees_that_it_is_cancelled() {
    let queue = JobQueue::new(1);
    let (started, has_started) = channel();
    let job = submit(&queue, move |running| {
        started.send(()).unwrap();
        while !running.is_cancelled() {
            std::thread::yield_now();
        }
        Err(Error::Cancelled { job: running.job_id().to_owned() })
    });
    has_started.recv().unwrap();
    assert!(job.cancel().unwrap());
    assert!(matches!(job.result(None), Err(Error::Cancelled { .. })));
    assert_eq!(job.status().unwrap(), JobStatus::Cancelled);
    assert_eq!(job.error_message().unwrap(), None);
}

#[test]
fn a_failed_experiment_makes_an_error_that_keeps_the_rest() {
    let queue = JobQueue::new(1);
    let experiment = |name: &str, success, status: &str| ExperimentResult {
        name: name.to_owned(),
        success,
        status: status.to_owned(),
        ..ExperimentResult::default()
    };
    let experiments =
        vec![experiment("good", true, "DONE"), experiment("bad", false, "the gate `warp`")];
    // The work itself claims success.
    let job = submit(&queue, move |_| Ok(RunResult { experiments, ..good() }));
    let result = job.result(None).unwrap();
    assert!(!result.success && result.experiment("good").unwrap().success);
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    let message = job.error_message().unwrap().unwrap();
    assert_eq!(message, "experiment `bad` failed: the gate `warp`");
}

#[test]
fn those_who_only_look_at_a_result_share_it() {
    let job = submit(&JobQueue::new(1), |_| Ok(good()));
    let shared = job.shared_result(None).unwrap();
    assert!(Arc::ptr_eq(&shared, &job.shared_result(None).unwrap()));
    assert_eq!(*shared, job.result(None).unwrap());
}

#[test]
fn errors_and_panics_end_the_job_and_not_the_queue() {
    let queue = JobQueue::new(1);
    let failed = submit(&queue, |_| Err(Error::other("x", "no luck")));
    let panicked = submit(&queue, |_| panic!("out of luck"));
    let fine = submit(&queue, |_| Ok(good()));
    assert_eq!(failed.result(None).unwrap_err().to_string(), "no luck");
    let error = panicked.result(None).unwrap_err();
    assert!(matches!(error, Error::ProviderPanicked { .. }));
    assert_eq!(panicked.status().unwrap(), JobStatus::Error);
    let message = panicked.error_message().unwrap().unwrap();
    assert_eq!(message, "provider `idle` panicked: out of luck");
    assert!(fine.result(None).unwrap().success);
}

#[test]
fn several_run_at_once_and_dropped_handles_do_not_cancel() {
    let queue = JobQueue::new(2);
    let (one, one_started, end_one) = held(&queue);
    let (two, two_started, end_two) = held(&queue);
    // Both run, though neither has ended.
    one_started.recv().unwrap();
    two_started.recv().unwrap();
    let (done, is_done) = channel();
    drop(submit(&queue, move |_| {
        done.send(()).unwrap();
        Ok(good())
    }));
    end_one.send(()).unwrap();
    is_done.recv().unwrap();
    end_two.send(()).unwrap();
    assert!(one.result(None).unwrap().success && two.result(None).unwrap().success);
}

#[test]
fn jobs_are_found_while_somebody_holds_them() {
    let queue = JobQueue::new(1);
    let options = RunOptions { job_key: Some("mine".to_owned()), ..RunOptions::default() };
    let job = queue.submit(Arc::new(Idle), &options, |_| Ok(good()));
    job.result(None).unwrap();
    assert_eq!(queue.job("mine").unwrap().status().unwrap(), JobStatus::Done);
    let other = submit(&queue, |_| Ok(good()));
    other.result(None).unwrap();
    assert_ne!(other.job_id(), submit(&queue, |_| Ok(good())).job_id());
    let done = JobQuery { status: Some(JobStatus::Done), ..JobQuery::default() };
    let ids: Vec<String> = queue.jobs(&done).iter().map(|job| job.job_id()).collect();
    assert!(ids.ends_with(&[other.job_id(), "mine".to_owned()]), "{ids:?}");
    assert!(matches!(queue.job("yours").err(), Some(Error::JobNotFound { .. })));
}

#[test]
fn any_text_is_a_job_key() {
    let queue = JobQueue::new(1);
    let options = RunOptions { job_key: Some("a\0b".to_owned()), ..RunOptions::default() };
    let job = queue.submit(Arc::new(Idle), &options, |_| Ok(good()));
    assert!(job.result(None).unwrap().success);
    assert!(submit(&queue, |_| Ok(good())).result(None).unwrap().success);
}

#[test]
fn work_that_is_dropped_unused_may_look_at_its_queue() {
    struct Looks(Arc<JobQueue>, Sender<u64>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.1.send(self.0.pending()).unwrap();
        }
    }
    let queue = JobQueue::new(1);
    let (first, started, end) = held(&queue);
    started.recv().unwrap();
    let (seen, has_seen) = channel();
    let looks = Looks(Arc::clone(&queue), seen);
    let job = submit(&queue, move |_| {
        let _looks = looks;
        Ok(good())
    });
    // On a thread of its own, so that a deadlock is a failure and no hang.
    let cancelled = std::thread::spawn(move || job.cancel().unwrap());
    assert_eq!(has_seen.recv_timeout(Duration::from_secs(60)), Ok(1));
    assert!(cancelled.join().unwrap());
    end.send(()).unwrap();
    first.result(None).unwrap();
}
