//! A few threads look at all jobs that somebody listens to, and sort in what jobs push.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ketch_interface::{Job, JobStatus, Message, Result};
use serde_json::Value;

use super::{
    JOB_EVENT, News, PROGRESS, Progress,
    mailbox::{Mailbox, lock},
    no_thread,
};

/// So many threads look at jobs at most: more than one, since a service may be slow to answer.
const MAX_THREADS: usize = 4;

/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// How often a job is looked at: the first pause, which grows by half, and the longest.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    shortest: Duration,
    longest: Duration,
}

/// A job that pushes its states is looked at in case that it cannot any more.
const PUSHES: Pauses = pauses(1, 250);
/// A job that runs here and says nothing.
const SILENT: Pauses = pauses(1, 25);
/// A job of a service, which is asked over a network.
const REMOTE: Pauses = pauses(250, 5000);

const fn pauses(shortest: u64, longest: u64) -> Pauses {
    let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
    Pauses { shortest, longest }
}

/// A job that somebody listens to.
struct Entry {
    job: Arc<dyn Job>,
    /// Gone when nobody listens any more.
    mailbox: Weak<Mailbox>,
    job_id: String,
    /// Unknown until it was looked at first.
    pauses: Option<Pauses>,
    pause: Duration,
    /// A thread looks at it right now.
    is_looked_at: bool,
    /// It pushed a state since the last look began.
    has_pushed: bool,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    by_job: HashMap<String, Vec<u64>>,
    /// When to look at which next. One that was looked at meanwhile has a later line.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    next: u64,
    threads: usize,
    /// Threads that wait.
    idle: usize,
}

static TABLE: LazyLock<(Mutex<Table>, Condvar)> = LazyLock::new(Default::default);

/// The number of entries, so that pushing costs nothing while nobody listens.
static LISTENED: AtomicUsize = AtomicUsize::new(0);

fn table() -> MutexGuard<'static, Table> {
    lock(&TABLE.0)
}

/// Puts the job's events into the mailbox from now on, as long as there is one.
pub(super) fn look_after(job: Arc<dyn Job>, mailbox: &Arc<Mailbox>) -> Result<()> {
    let job_id = job.job_id();
    let mut table = table();
    if table.threads == 0 {
        start_thread(&mut table).map_err(no_thread)?;
    }
    let number = table.next;
    table.next += 1;
    let entry = Entry {
        job,
        mailbox: Arc::downgrade(mailbox),
        job_id: job_id.clone(),
        pauses: None,
        pause: Duration::ZERO,
        is_looked_at: false,
        has_pushed: false,
    };
    table.entries.insert(number, entry);
    table.by_job.entry(job_id).or_default().push(number);
    table.due.push(Reverse((Instant::now(), number)));
    LISTENED.store(table.entries.len(), Ordering::Release);
    drop(table);
    TABLE.1.notify_one();
    Ok(())
}

/// Sorts in what a provider told of a job: a document of [`JOB_EVENT`], or of
/// [`LOG`](crate::LOG) with a `job_id`. For whoever stands between a provider and the listeners.
/// Does not block.
pub fn publish(document: &Value) {
    if LISTENED.load(Ordering::Acquire) == 0 {
        return;
    }
    if let Some((job_id, news)) = News::read(document) {
        news.iter().for_each(|news| push(job_id, news));
    }
}

/// The same for a job of this very library.
pub(crate) fn push(job_id: &str, news: &News) {
    if LISTENED.load(Ordering::Acquire) == 0 {
        return;
    }
    let now = Instant::now();
    let mut table = table();
    let table = &mut *table;
    let mut wakes = false;
    for number in table.by_job.get(job_id).into_iter().flatten() {
        let Some(entry) = table.entries.get_mut(number) else { continue };
        let Some(mailbox) = entry.mailbox.upgrade() else { continue };
        mailbox.push(news, now);
        if matches!(news, News::State(_)) {
            entry.has_pushed = true;
            entry.pause = Duration::ZERO;
            if !entry.is_looked_at {
                table.due.push(Reverse((now, *number)));
                wakes = true;
            }
        }
    }
    if wakes {
        TABLE.1.notify_one();
    }
}

fn start_thread(table: &mut Table) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("ketch events".to_owned());
    thread.spawn(look_at_jobs)?;
    table.threads += 1;
    Ok(())
}

/// What a look needs of an entry.
struct Look {
    number: u64,
    job: Arc<dyn Job>,
    mailbox: Arc<Mailbox>,
    pauses: Option<Pauses>,
}

/// What a thread does next.
enum Next {
    Look(Look),
    /// Wait, at most so long.
    Wait(Duration),
    /// Nobody listens to this one any more; it is dropped without the lock, for that may run code
    /// of a plugin.
    Drop(Entry),
    Again,
    End,
}

/// Looks at jobs until there are none.
fn look_at_jobs() {
    let mut table = table();
    loop {
        match table.next(Instant::now()) {
            Next::Look(look) => {
                if table.idle == 0 && table.threads < MAX_THREADS && table.is_behind() {
                    // Without another thread the jobs are looked at later.
                    let _ = start_thread(&mut table);
                }
                drop(table);
                let start = Instant::now();
                let looked = catch_unwind(AssertUnwindSafe(|| look.at(start)));
                let (has_ended, pauses) = looked.unwrap_or_else(|_| look.gives_up(start));
                let ended = self::table().put_back(&look, has_ended, pauses, start.elapsed());
                drop((look, ended));
                table = self::table();
            }
            Next::Wait(time) => {
                table.idle += 1;
                let waited = TABLE.1.wait_timeout(table, time);
                table = waited.unwrap_or_else(PoisonError::into_inner).0;
                table.idle -= 1;
            }
            Next::Drop(entry) => {
                drop(table);
                drop(entry);
                table = self::table();
            }
            Next::Again => {}
            Next::End => {
                table.threads -= 1;
                drop(table);
                // The other threads have nothing to wait for either.
                TABLE.1.notify_all();
                return;
            }
        }
    }
}

impl Table {
    fn next(&mut self, now: Instant) -> Next {
        if self.entries.is_empty() {
            self.due.clear();
            return Next::End;
        }
        match self.due.peek() {
            Some(Reverse((due, _))) if *due <= now => {}
            Some(Reverse((due, _))) => return Next::Wait(due.duration_since(now)),
            // All are being looked at.
            None => return Next::Wait(PUSHES.longest),
        }
        let Some(Reverse((_, number))) = self.due.pop() else { return Next::Again };
        let Some(entry) = self.entries.get_mut(&number) else { return Next::Again };
        if entry.is_looked_at {
            return Next::Again;
        }
        let Some(mailbox) = entry.mailbox.upgrade() else {
            return self.remove(number).map_or(Next::Again, Next::Drop);
        };
        entry.is_looked_at = true;
        entry.has_pushed = false;
        Next::Look(Look { number, job: Arc::clone(&entry.job), mailbox, pauses: entry.pauses })
    }

    /// Another job is due already.
    fn is_behind(&self) -> bool {
        self.due.peek().is_some_and(|Reverse((due, _))| *due <= Instant::now())
    }

    /// Notes when to look again. What is not looked at any more is for the caller to drop, without
    /// the lock.
    fn put_back(
        &mut self,
        look: &Look,
        has_ended: bool,
        pauses: Pauses,
        took: Duration,
    ) -> Option<Entry> {
        if has_ended {
            return self.remove(look.number);
        }
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let entry = self.entries.get_mut(&look.number)?;
        entry.is_looked_at = false;
        entry.pauses = Some(pauses);
        entry.pause = match entry.has_pushed {
            true => Duration::ZERO,
            false => (entry.pause * 3 / 2).clamp(pauses.shortest, pauses.longest),
        };
        let cost = took.saturating_mul(SHARE.saturating_mul(count)).min(pauses.longest * 4);
        let due = match entry.has_pushed {
            true => Instant::now(),
            false => Instant::now() + entry.pause.max(cost),
        };
        self.due.push(Reverse((due, look.number)));
        None
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        if let Some(numbers) = self.by_job.get_mut(&entry.job_id) {
            numbers.retain(|known| *known != number);
            if numbers.is_empty() {
                self.by_job.remove(&entry.job_id);
            }
        }
        LISTENED.store(self.entries.len(), Ordering::Release);
        Some(entry)
    }
}

impl Look {
    /// Asks the job how it is; whether it has come to its end, and how often to ask it.
    fn at(&self, now: Instant) -> (bool, Pauses) {
        let job = &*self.job;
        // First of all it is told that somebody listens, so that nothing happens in between.
        let pauses = self.pauses.unwrap_or_else(|| listen_to(job));
        let pushes = self.mailbox.pushes();
        let state = match job.status() {
            Ok(state) => state,
            // That says nothing about the job.
            Err(error) if error.is_retryable() => return (false, pauses),
            Err(_) => JobStatus::Error,
        };
        let waits = state == JobStatus::Queued;
        let position = if waits { job.queue_position().ok().flatten() } else { None };
        let progress = if state == JobStatus::Running { progress_of(job) } else { None };
        (self.mailbox.heard(pushes, state, position, progress, now), pauses)
    }

    /// A job that panics cannot be asked.
    fn gives_up(&self, now: Instant) -> (bool, Pauses) {
        let pushes = self.mailbox.pushes();
        (self.mailbox.heard(pushes, JobStatus::Error, None, None, now), SILENT)
    }
}

/// Tells the job that somebody listens, if it can push; how often it is asked all the same.
fn listen_to(job: &dyn Job) -> Pauses {
    let pushes = job.extensions().filter(|extensions| extensions.supports(JOB_EVENT) > 0);
    if let Some(extensions) = pushes
        && extensions.call(JOB_EVENT, Message::default()).is_ok()
    {
        return PUSHES;
    }
    match job.backend().configuration() {
        Ok(configuration) if configuration.local => SILENT,
        _ => REMOTE,
    }
}

fn progress_of(job: &dyn Job) -> Option<Progress> {
    let extensions = job.extensions()?;
    // Of a job without it, this is all that it costs.
    if extensions.supports(PROGRESS) == 0 {
        return None;
    }
    let answer = extensions.call(PROGRESS, Message::default()).ok()?;
    Progress::read(&answer.to_json()?)
}
