//! `ketch watch`: jobs as they go on, until all have come to their ends.

use std::{
    io::Write,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use ketch::{
    Job, JobStatus, Progress,
    jobs::{JobRecord, Runner, Store},
};
use serde_json::Value;

use super::{each::EachArgs, run::interrupt::Interrupt};
use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{
        job::{self, Pace},
        table::one_line,
        terminal::say,
    },
    store,
};

/// The arguments of `ketch watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal the lines are kept up to date; elsewhere there is a line for each change. The exit
code is 0 if all jobs are DONE and 6 if one is not. Ctrl-C stops watching, not the jobs.")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    jobs: EachArgs,
    /// Print a document for programs (schema ketch.job/1) for each job and with each change, one a
    /// line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How often the store is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often a service is asked.
const ASK: Duration = Duration::from_secs(2);

/// How often progress alone is worth a document.
const OFTEN: Duration = Duration::from_secs(1);

/// How many lines are kept up to date at a time; the others are counted.
const LINES: usize = 10;

/// A job that is watched.
struct Watched {
    record: JobRecord,
    position: Option<u32>,
    progress: Option<Progress>,
    pace: Pace,
    said: String,
    /// The document that was printed last, and when.
    told: Option<(Value, Instant)>,
    /// Where a service's words come from.
    service: Option<Receiver<(JobStatus, Option<u32>)>>,
}

pub(crate) fn execute(
    args: &WatchArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    let ids: Vec<String> =
        args.jobs.ids.iter().map(|id| store.resolve(id)).collect::<Result<_, _>>()?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::new("interrupt.unavailable", "cannot listen to Ctrl-C").caused_by(&error)
    })?;
    let mut watched: Vec<Watched> =
        ids.iter().map(|id| Watched::new(context, &store, id)).collect::<Result<_, _>>()?;
    let mut screen = Screen { shown: 0, live: context.terminal.is_terminal() };
    let mut exit = Exit::Ok;
    store::keep_an_eye_on(context, &store);
    loop {
        for one in &mut watched {
            one.look(&store)?;
        }
        screen.erase(out)?;
        for mut one in watched.extract_if(.., |one| one.record.state.is_final()) {
            match args.json {
                true => one.tell(out)?,
                false => writeln!(out, "{}", one.line(Instant::now()))?,
            }
            if one.record.state != JobStatus::Done {
                exit = Exit::JobFailed;
            }
        }
        if watched.is_empty() {
            return Ok(exit);
        }
        match args.json {
            true => watched.iter_mut().try_for_each(|one| one.tell(out))?,
            false => screen.show(out, &mut watched)?,
        }
        out.flush()?;
        if interrupt.is_pressed() {
            screen.erase(out)?;
            out.flush()?;
            return Err(Failure::new("interrupted", "interrupted; the jobs go on"));
        }
        thread::sleep(LOOK);
    }
}

impl Watched {
    fn new(context: &Context, store: &Arc<Store>, id: &str) -> Result<Self, Failure> {
        let record = store.job(id)?;
        let asks = record.runner == Runner::Service && !record.state.is_final();
        let service = match asks {
            true => Some(ask_again_and_again(store::job(context, store, id)?)),
            false => None,
        };
        let pace = Pace::new(record.completed);
        let said = String::new();
        Ok(Self { record, position: None, progress: None, pace, said, told: None, service })
    }

    /// Reads what is new.
    fn look(&mut self, store: &Store) -> Result<(), Failure> {
        let before = self.record.state.clone();
        self.record = store.job(&self.record.id)?;
        self.progress = job::progress(store, &self.record);
        match &self.service {
            None => self.position = job::position(store, &self.record),
            Some(_) if self.record.state.is_final() => self.position = None,
            Some(service) => {
                let heard = service.try_iter().last();
                let (state, position) = heard.unwrap_or((before, self.position));
                // Only what is written down is an end.
                if !state.is_final() {
                    self.record.state = state;
                }
                self.position = position;
            }
        }
        Ok(())
    }

    /// Prints what is new, for programs.
    fn tell(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        let document = job::whole_document(&self.record, self.position, self.progress);
        if let Some((told, when)) = &self.told {
            let news = ["status", "queue_position", "cancel_requested", "attempts"];
            let is_new = news.iter().any(|name| told[name] != document[name]);
            if !is_new && (*told == document || when.elapsed() < OFTEN) {
                return Ok(());
            }
        }
        writeln!(out, "{document}")?;
        self.told = Some((document, Instant::now()));
        Ok(())
    }

    /// How many experiments are finished, the one that runs in part.
    fn far(&self) -> f64 {
        let told = self.progress.map_or(0.0, |progress| progress.done as f64 + progress.within);
        told.max(self.record.completed as f64)
    }

    fn line(&self, now: Instant) -> String {
        let state = job::state(&self.record, self.position);
        let rest = match (&self.record.error, self.record.state.is_final()) {
            (Some(error), _) => error.line(),
            (None, false) => self.pace.line(self.far(), self.record.experiments, now),
            (None, true) => String::new(),
        };
        let label = self.record.label.as_deref().unwrap_or_default();
        let parts = [self.record.id.as_str(), &state, &rest, label];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        one_line(&parts.join("  "))
    }
}

/// Asks a job's service on a thread of its own, which ends when nobody listens any more.
fn ask_again_and_again(job: impl Job + 'static) -> Receiver<(JobStatus, Option<u32>)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut complained = false;
        loop {
            match job.status() {
                Ok(status) => {
                    complained = false;
                    let position = job.queue_position().ok().flatten();
                    if sender.send((status, position)).is_err() {
                        return;
                    }
                }
                Err(_) if complained => {}
                Err(error) => {
                    complained = true;
                    say(format_args!("warning: the service cannot be asked: {error}"));
                }
            }
            thread::sleep(ASK);
        }
    });
    receiver
}

/// The lines that are kept up to date on a terminal.
struct Screen {
    shown: usize,
    live: bool,
}

impl Screen {
    fn erase(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        if self.shown > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.shown)?;
            self.shown = 0;
        }
        Ok(())
    }

    fn show(&mut self, out: &mut dyn Write, jobs: &mut [Watched]) -> std::io::Result<()> {
        let now = Instant::now();
        if !self.live {
            for one in jobs {
                let said = job::state(&one.record, one.position);
                if said != one.said {
                    writeln!(out, "{} {said}", one.record.id)?;
                    one.said = said;
                }
            }
            return Ok(());
        }
        let width = crate::output::terminal::Terminal::stdout().width.unwrap_or(usize::MAX);
        for one in jobs.iter().take(LINES) {
            // A line that wraps would be two to take back.
            let line: String = one.line(now).chars().take(width.saturating_sub(1)).collect();
            writeln!(out, "{line}")?;
        }
        self.shown = jobs.len().min(LINES);
        if jobs.len() > LINES {
            writeln!(out, "and {} more", jobs.len() - LINES)?;
            self.shown += 1;
        }
        Ok(())
    }
}
