//! Events of jobs that push, of jobs that say nothing, and of providers that say too much.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use ketch_interface::{Backend, BackendConfiguration, BackendStatus, Qobj, RunOptions, RunResult};
use serde_json::json;

use super::{mailbox::BETWEEN_PROGRESS, *};
use crate::{JobQueue, Running};

/// Longer than anything here takes on a busy machine, so that a hang fails.
const LONG: Duration = Duration::from_secs(60);

struct Bench;

impl Backend for Bench {
    fn name(&self) -> &str {
        "bench"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::new(BackendConfiguration::simulator("bench", "1.0.0", None)))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("bench", "1.0.0"))
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(Error::not_supported("bench", "running"))
    }
}

/// A job that pushes nothing; its states are what a test makes them.
struct Silent(Mutex<Result<JobStatus>>);

impl Silent {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Ok(JobStatus::Queued))))
    }

    fn becomes(&self, state: Result<JobStatus>) {
        *self.0.lock().unwrap() = state;
    }
}

impl Job for Silent {
    fn job_id(&self) -> String {
        "silent".to_owned()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Bench)
    }

    fn status(&self) -> Result<JobStatus> {
        self.0.lock().unwrap().clone()
    }

    fn result(&self, _timeout: Option<Duration>) -> Result<RunResult> {
        Err(Error::not_supported("a silent job", "results"))
    }

    fn cancel(&self) -> Result<bool> {
        Ok(false)
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        Ok(Some(3))
    }
}

fn submit(
    queue: &Arc<JobQueue>,
    work: impl FnOnce(&Running) -> Result<RunResult> + Send + 'static,
) -> Arc<dyn Job> {
    queue.submit(Arc::new(Bench), &RunOptions::default(), work)
}

fn good() -> Result<RunResult> {
    Ok(RunResult { success: true, status: "COMPLETED".to_owned(), ..RunResult::default() })
}

/// A job that does what it is told, and ends when nobody tells it any more.
fn told(queue: &Arc<JobQueue>) -> (Arc<dyn Job>, Sender<News>) {
    let (teller, orders): (Sender<News>, Receiver<News>) = channel();
    let job = submit(queue, move |running| {
        for order in orders {
            match order {
                News::Progress(Progress { done, of, within }) => running.progress(done, of, within),
                News::Log { level, line } => running.log(level, &line),
                News::State(_) => {}
            }
        }
        good()
    });
    (job, teller)
}

#[track_caller]
fn next(events: &mut Events) -> JobEvent {
    events.next_within(LONG).expect("nothing happened")
}

fn progress(done: u64, of: u64, within: f64) -> Progress {
    Progress { done, of, within }
}

#[test]
fn a_job_of_a_queue_tells_its_life() {
    let queue = JobQueue::new(1);
    let (first, first_teller) = told(&queue);
    first.events().unwrap().find(|event| *event == JobEvent::State(JobStatus::Running)).unwrap();
    let (second, teller) = told(&queue);
    let mut events = second.events().unwrap();
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Queued));
    assert_eq!(next(&mut events), JobEvent::Position(1));
    drop(first_teller);
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Running));
    // Soon after it came, progress is of no interest.
    let level = Level::Info;
    teller.send(News::Log { level, line: "hello".to_owned() }).unwrap();
    assert_eq!(next(&mut events), JobEvent::Log { level, line: "hello".to_owned() });
    let half = progress(1, 2, 0.5);
    teller.send(News::Progress(half)).unwrap();
    assert_eq!(next(&mut events), JobEvent::Progress(half));
    assert_eq!(half.share(), 0.75);
    assert_eq!(events.try_next(), None);
    drop(teller);
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Done));
    assert_eq!((events.next(), events.try_next()), (None, None));
    assert_eq!(first.status().unwrap(), JobStatus::Done);

    // Who comes late hears the end.
    let heard: Vec<JobEvent> = second.events().unwrap().collect();
    assert_eq!(heard, [JobEvent::State(JobStatus::Done)]);
}

#[test]
fn a_cancelled_job_says_so_at_once() {
    let queue = JobQueue::new(1);
    let (running, _teller) = told(&queue);
    let waiting = submit(&queue, |_| good());
    let mut events = waiting.events().unwrap();
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Queued));
    waiting.cancel().unwrap();
    let last = events.last();
    assert_eq!(last, Some(JobEvent::State(JobStatus::Cancelled)));
    drop(running);
}

#[test]
fn a_job_that_says_nothing_is_looked_at() {
    let silent = Silent::new();
    let job: Arc<dyn Job> = Arc::clone(&silent) as _;
    let mut events = job.events().unwrap();
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Queued));
    assert_eq!(next(&mut events), JobEvent::Position(3));
    silent.becomes(Ok(JobStatus::Running));
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Running));
    // What passes says nothing about the job.
    silent.becomes(Err(Error::Transport { service: "it".to_owned(), source: None }));
    assert_eq!(events.next_within(Duration::from_millis(60)), None);
    silent.becomes(Ok(JobStatus::Done));
    assert_eq!(next(&mut events), JobEvent::State(JobStatus::Done));

    let lost = Silent::new();
    lost.becomes(Err(Error::JobNotFound { job: "silent".to_owned() }));
    let job: Arc<dyn Job> = Arc::clone(&lost) as _;
    let heard: Vec<JobEvent> = job.events().unwrap().collect();
    assert_eq!(heard, [JobEvent::State(JobStatus::Error)]);
}

#[test]
fn whoever_stops_listening_stops_nothing_else() {
    let silent = Silent::new();
    let job: Arc<dyn Job> = Arc::clone(&silent) as _;
    let mut events = job.events().unwrap();
    next(&mut events);
    drop((events, job));
    // Nobody holds the job for listeners that are gone.
    let start = Instant::now();
    while Arc::strong_count(&silent) > 1 {
        assert!(start.elapsed() < LONG);
        std::thread::yield_now();
    }
    let queue = JobQueue::new(1);
    let (job, teller) = told(&queue);
    drop(job.events().unwrap());
    drop(teller);
    assert!(job.result(Some(LONG)).unwrap().success);
}

#[test]
fn listeners_are_called_and_may_panic() {
    let queue = JobQueue::new(1);
    let (job, teller) = told(&queue);
    let (heard, events) = channel();
    job.on_event(|event| panic!("heard {event:?}")).unwrap();
    job.on_event(move |event| heard.send((std::thread::current().id(), event)).unwrap()).unwrap();
    let (thread, event) = events.recv_timeout(LONG).unwrap();
    assert_ne!(thread, std::thread::current().id());
    assert!(matches!(event, JobEvent::State(JobStatus::Queued | JobStatus::Running)), "{event:?}");
    drop(teller);
    // The listener goes with the last event, and its sender with it.
    let rest: Vec<JobEvent> = events.into_iter().map(|(_, event)| event).collect();
    assert_eq!(rest.last(), Some(&JobEvent::State(JobStatus::Done)));
}

#[test]
fn many_jobs_are_followed_without_a_thread_for_each() {
    let queue = JobQueue::new(2);
    let jobs: Vec<Arc<dyn Job>> = (0..500).map(|_| submit(&queue, |_| good())).collect();
    let silent: Vec<Arc<Silent>> = (0..500).map(|_| Silent::new()).collect();
    let all = jobs.into_iter().chain(silent.iter().map(|job| Arc::clone(job) as Arc<dyn Job>));
    let most = AtomicUsize::new(0);
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "ketch events").count()
    };
    let mut ended = vec![false; 1000];
    for (number, (place, event)) in events_of(all).unwrap().enumerate() {
        if number == 0 {
            silent.iter().for_each(|job| job.becomes(Ok(JobStatus::Done)));
        }
        if number % 100 == 0 {
            most.fetch_max(threads(), Ordering::Relaxed);
        }
        if event == JobEvent::State(JobStatus::Done) {
            assert!(!std::mem::replace(&mut ended[place], true), "{place} ended twice");
        }
    }
    assert!(ended.into_iter().all(|ended| ended));
    let most = most.into_inner();
    assert!((1..=4).contains(&most), "{most} threads");
}

/// A mailbox that nobody looks at but the test.
fn mailbox() -> Mailbox {
    Mailbox::new(Arc::default(), 0)
}

fn drained(mailbox: &Mailbox) -> Vec<JobEvent> {
    std::iter::from_fn(|| mailbox.take().0).collect()
}

#[test]
fn progress_comes_ten_times_a_second_and_a_slow_reader_loses_nothing_else() {
    let mailbox = mailbox();
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    let tell = |ms: u64| {
        mailbox.push(&News::Progress(progress(0, 1, ms as f64 / 2000.0)), at(ms));
    };
    // One who reads all the time.
    let mut read = 0;
    for ms in 0..1000 {
        tell(ms);
        read += drained(&mailbox).len();
    }
    assert_eq!(read, 10);
    // One who does not.
    mailbox.push(&News::State(JobStatus::Queued), at(1000));
    mailbox.push(&News::State(JobStatus::Running), at(1000));
    (1000..2000).for_each(tell);
    mailbox.push(&News::State(JobStatus::Validating), at(2000));
    let pushes = mailbox.pushes();
    mailbox.heard(pushes, JobStatus::Done, None, None, at(2000));
    let state = JobEvent::State;
    let found = drained(&mailbox);
    let [first, second, third, JobEvent::Progress(newest), last] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        [first, second, third, last].map(Clone::clone),
        [JobStatus::Queued, JobStatus::Running, JobStatus::Validating, JobStatus::Done].map(state)
    );
    assert!(newest.within >= 0.94, "{newest:?}");
}

#[test]
fn what_came_too_soon_is_told_when_the_time_has_come() {
    let mailbox = mailbox();
    let start = Instant::now();
    mailbox.push(&News::Progress(progress(0, 2, 0.0)), start);
    mailbox.push(&News::Progress(progress(1, 2, 0.0)), start + BETWEEN_PROGRESS / 2);
    assert_eq!(drained(&mailbox).len(), 1);
    mailbox.heard(mailbox.pushes(), JobStatus::Running, None, None, start + BETWEEN_PROGRESS);
    let expected = [JobEvent::Progress(progress(1, 2, 0.0)), JobEvent::State(JobStatus::Running)];
    assert_eq!(drained(&mailbox), expected);
}

#[test]
fn memory_is_bounded_whatever_a_provider_says() {
    let mailbox = mailbox();
    let now = Instant::now();
    let line = "ä".repeat(10_000);
    for _ in 0..5000 {
        mailbox.push(&News::Log { level: Level::Info, line: line.clone() }, now);
        mailbox.push(&News::State(JobStatus::Queued), now);
        mailbox.push(&News::State(JobStatus::Running), now);
    }
    let found = drained(&mailbox);
    assert!(found.len() <= 1100, "{}", found.len());
    let lines = found.iter().filter_map(|event| match event {
        JobEvent::Log { line, .. } => Some(line.as_str()),
        _ => None,
    });
    let lines: Vec<&str> = lines.collect();
    assert!(lines[0].ends_with("lines are missing here: nobody read them in time"), "{}", lines[0]);
    assert!(lines[1..].iter().all(|line| line.len() == 4096));
}

#[test]
fn a_final_state_is_the_jobs_own_to_tell_and_old_answers_are_not_believed() {
    let mailbox = mailbox();
    let now = Instant::now();
    mailbox.push(&News::State(JobStatus::Done), now);
    assert_eq!(drained(&mailbox), []);
    // It was asked, said QUEUED, and ran before that was written down.
    let pushes = mailbox.pushes();
    mailbox.push(&News::State(JobStatus::Running), now);
    assert!(!mailbox.heard(pushes, JobStatus::Queued, Some(1), None, now));
    assert_eq!(drained(&mailbox), [JobEvent::State(JobStatus::Running)]);
    let fast = self::mailbox();
    fast.heard(fast.pushes(), JobStatus::Queued, None, None, now);
    fast.heard(fast.pushes(), JobStatus::Done, None, None, now);
    let life = [JobStatus::Queued, JobStatus::Running, JobStatus::Done];
    assert_eq!(drained(&fast), life.map(JobEvent::State), "a job that is DONE has run");
    assert!(mailbox.heard(pushes, JobStatus::Error, None, None, now));
    mailbox.push(&News::State(JobStatus::Running), now);
    assert_eq!(drained(&mailbox), [JobEvent::State(JobStatus::Error)]);
}

#[test]
fn progress_does_not_go_back_to_an_old_answer() {
    let mailbox = mailbox();
    let start = Instant::now();
    mailbox.push(&News::State(JobStatus::Running), start);
    // It was asked, said 8 %, and had pushed 12 % before that was written down.
    let pushes = mailbox.pushes();
    mailbox.push(&News::Progress(progress(0, 1, 0.12)), start);
    let later = start + 2 * BETWEEN_PROGRESS;
    mailbox.heard(pushes, JobStatus::Running, None, Some(progress(0, 1, 0.08)), later);
    let expected = [JobEvent::State(JobStatus::Running), JobEvent::Progress(progress(0, 1, 0.12))];
    assert_eq!(drained(&mailbox), expected);
    let asked = Some(progress(0, 1, 0.19));
    mailbox.heard(mailbox.pushes(), JobStatus::Running, None, asked, later);
    assert_eq!(drained(&mailbox), [JobEvent::Progress(progress(0, 1, 0.19))]);
}

#[test]
fn documents_of_any_provider_are_read() {
    let check = |document: serde_json::Value, expected: Option<(&str, Vec<News>)>| {
        assert_eq!(News::read(&document), expected, "{document}");
    };
    let told = |progress| Some(("j", vec![News::Progress(progress)]));
    check(json!({"job_id": "j", "progress": 0.5}), told(progress(0, 1, 0.5)));
    check(json!({"job_id": "j", "done": 3, "of": 2, "within": 7}), told(progress(2, 2, 0.0)));
    check(json!({"job_id": "j", "done": 1, "of": 2, "within": -1.0}), told(progress(1, 2, 0.0)));
    check(json!({"job_id": "j", "done": -1, "of": "2"}), Some(("j", vec![])));
    check(json!({"progress": 0.5}), None);
    check(json!("nonsense"), None);
    for news in [
        News::State(JobStatus::Validating),
        News::Progress(progress(1, 3, 0.25)),
        News::Log { level: Level::Debug, line: "a \"b\"\n".to_owned() },
    ] {
        let (_, document) = news.document("j");
        check(document, Some(("j", vec![news])));
    }
}
