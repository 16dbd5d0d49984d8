//! Where the events of one job lie until somebody reads them.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ketch_interface::JobStatus;

use super::{JobEvent, News, Progress};
use crate::Level;

/// Progress is told at most so often: ten times a second.
pub(crate) const BETWEEN_PROGRESS: Duration = Duration::from_millis(100);

/// So many lines wait to be read; a line has at most so many bytes.
const MAX_LINES: usize = 1000;
const MAX_LINE: usize = 4096;

/// So many states wait to be read. No job has as many, unless its provider makes them up.
const MAX_STATES: usize = 64;

/// Tells a reader which of its mailboxes have something in them.
#[derive(Debug, Default)]
pub(super) struct Bell {
    places: Mutex<VecDeque<usize>>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self, place: usize) {
        lock(&self.places).push_back(place);
        self.rung.notify_one();
    }

    /// Waits for news, at most until then; the place of the mailbox that they are in.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<usize> {
        let mut places = lock(&self.places);
        loop {
            if let Some(place) = places.pop_front() {
                return Some(place);
            }
            let Some(deadline) = deadline else {
                places = self.rung.wait(places).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.rung.wait_timeout(places, left);
            places = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Holds at most one progress and one position, the newest, and never drops a state.
#[derive(Debug)]
pub(super) struct Mailbox {
    bell: Arc<Bell>,
    place: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    queue: VecDeque<JobEvent>,
    /// The bell was rung, and nobody came yet.
    has_rung: bool,
    state: Option<JobStatus>,
    position: Option<u32>,
    progress: Option<Progress>,
    /// When progress was told last.
    told: Option<Instant>,
    /// Progress that came too soon after that.
    withheld: Option<Progress>,
    /// How many lines nobody could read.
    missing_lines: u64,
    pushes: Pushes,
}

/// How often a job pushed a state, and progress: what it was asked for before that is old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pushes {
    states: u64,
    progress: u64,
}

impl Mailbox {
    pub(super) fn new(bell: Arc<Bell>, place: usize) -> Self {
        Self { bell, place, inside: Mutex::default() }
    }

    /// What the job pushed. A final state is not believed: the job is asked.
    pub(super) fn push(&self, news: &News, now: Instant) {
        let mut inside = self.lock();
        match news {
            News::State(state) => {
                inside.pushes.states += 1;
                if !state.is_final() {
                    inside.state(state.clone());
                }
            }
            News::Progress(progress) => {
                inside.pushes.progress += 1;
                inside.progress(progress.bounded(), now);
            }
            News::Log { level, line } => inside.line(*level, line),
        }
        self.ring(inside);
    }

    /// What the job has pushed so far: to be known before it is asked.
    pub(super) fn pushes(&self) -> Pushes {
        self.lock().pushes
    }

    /// What the job said when it was asked after so many pushes; true if that was its end.
    pub(super) fn heard(
        &self,
        pushes: Pushes,
        state: JobStatus,
        position: Option<u32>,
        progress: Option<Progress>,
        now: Instant,
    ) -> bool {
        let mut inside = self.lock();
        if let Some(progress) = progress.filter(|_| pushes.progress == inside.pushes.progress) {
            inside.progress(progress.bounded(), now);
        }
        if inside.told.is_none_or(|told| now.duration_since(told) >= BETWEEN_PROGRESS) {
            inside.tell_withheld(now);
        }
        let is_final = state.is_final();
        if is_final || pushes.states == inside.pushes.states {
            inside.state(state);
            if let Some(position) = position
                && inside.position != Some(position)
            {
                inside.position = Some(position);
                inside.queue.retain(|event| !matches!(event, JobEvent::Position(_)));
                inside.queue.push_back(JobEvent::Position(position));
            }
        }
        self.ring(inside);
        is_final
    }

    /// The oldest event, and whether it is the job's last.
    pub(super) fn take(&self) -> (Option<JobEvent>, bool) {
        let mut inside = self.lock();
        inside.has_rung = false;
        let mut event = inside.queue.pop_front();
        if matches!(event, Some(JobEvent::Log { .. })) && inside.missing_lines > 0 {
            let missing = std::mem::take(&mut inside.missing_lines);
            inside.queue.extend(event.take());
            inside.queue.rotate_right(1);
            let line = format!("{missing} lines are missing here: nobody read them in time");
            event = Some(JobEvent::Log { level: Level::Warn, line });
        }
        let is_last = matches!(&event, Some(JobEvent::State(state)) if state.is_final());
        self.ring(inside);
        (event, is_last)
    }

    fn ring(&self, mut inside: MutexGuard<'_, Inside>) {
        if !inside.queue.is_empty() && !std::mem::replace(&mut inside.has_rung, true) {
            drop(inside);
            self.bell.ring(self.place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        lock(&self.inside)
    }
}

impl Inside {
    fn has_ended(&self) -> bool {
        self.state.as_ref().is_some_and(JobStatus::is_final)
    }

    fn state(&mut self, state: JobStatus) {
        if self.has_ended() || self.state.as_ref() == Some(&state) {
            return;
        }
        if state == JobStatus::Done && self.state == Some(JobStatus::Queued) {
            // It ran in between, and was faster than the news of it.
            self.state(JobStatus::Running);
        }
        if state.is_final() {
            self.withheld = None;
        }
        if state != JobStatus::Queued {
            self.position = None;
        }
        let is_state = |event: &JobEvent| matches!(event, JobEvent::State(_));
        if self.queue.iter().filter(|event| is_state(event)).count() >= MAX_STATES
            && let Some(oldest) = self.queue.iter().position(is_state)
        {
            self.queue.remove(oldest);
        }
        self.state = Some(state.clone());
        self.queue.push_back(JobEvent::State(state));
    }

    fn progress(&mut self, progress: Progress, now: Instant) {
        if self.has_ended() || self.progress == Some(progress) {
            return;
        }
        self.progress = Some(progress);
        self.withheld = Some(progress);
        if self.told.is_none_or(|told| now.duration_since(told) >= BETWEEN_PROGRESS) {
            self.tell_withheld(now);
        }
    }

    fn tell_withheld(&mut self, now: Instant) {
        if let Some(progress) = self.withheld.take() {
            self.told = Some(now);
            self.queue.retain(|event| !matches!(event, JobEvent::Progress(_)));
            self.queue.push_back(JobEvent::Progress(progress));
        }
    }

    fn line(&mut self, level: Level, line: &str) {
        if self.has_ended() {
            return;
        }
        let is_line = |event: &JobEvent| matches!(event, JobEvent::Log { .. });
        if self.queue.len() >= MAX_LINES
            && let Some(oldest) = self.queue.iter().position(is_line)
        {
            self.queue.remove(oldest);
            self.missing_lines += 1;
        }
        let line = line[..line.floor_char_boundary(MAX_LINE)].to_owned();
        self.queue.push_back(JobEvent::Log { level, line });
    }
}

/// No panic happens while a lock is held, and if one did, the state would still be whole: every change
/// is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
