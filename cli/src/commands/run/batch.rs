//! The jobs of one `ketch run`: begun a few at a time, told as they complete, gone on with where an
//! earlier run stopped.

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write,
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ketch::{Job, Registry, RunResult, jobs::digest_of};

use super::{
    RunArgs, compare, fitted,
    input::Input,
    keep::{Earlier, Keeping},
    noise::Noise,
    options, prepare,
    report::{Report, Subject},
    wait::{GivingUp, Jobs, Submitted},
};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{lines::Origin, number, progress::Done, terminal::say},
};

/// What is run, and what has come of it.
pub(super) struct Batch<'a, 'r> {
    pub(super) args: &'a RunArgs,
    pub(super) keeping: &'a Keeping<'a>,
    registry: &'a Registry,
    noise: Option<&'a Noise>,
    /// What was not begun yet, with its place among the files.
    inputs: VecDeque<(usize, Input)>,
    report: &'a mut Report<'r>,
    out: &'a mut dyn Write,
    /// One for each file.
    exits: &'a mut [Exit],
    done: Done,
    /// The jobs that were begun.
    ids: Vec<String>,
    /// The same without noise, by the place of the file, if that is to be compared.
    ideals: BTreeMap<usize, Arc<dyn Job>>,
}

/// How many jobs of this process are begun for each processor before the first has come to its end:
/// enough that none has to wait for work.
const AT_ONCE: usize = 2;

impl<'a, 'r> Batch<'a, 'r> {
    pub(super) fn new(
        args: &'a RunArgs,
        keeping: &'a Keeping<'a>,
        registry: &'a Registry,
        inputs: Vec<(usize, Input)>,
        report: &'a mut Report<'r>,
        out: &'a mut dyn Write,
        exits: &'a mut [Exit],
    ) -> Self {
        let of = inputs.iter().map(|(_, input)| input.qobj.experiments().len() as u64).sum();
        let done = Done { of, ..Done::default() };
        let inputs = inputs.into();
        let (ids, ideals) = (Vec::new(), BTreeMap::new());
        Self { args, keeping, registry, noise: None, inputs, report, out, exits, done, ids, ideals }
    }

    /// With the noise that is simulated.
    pub(super) fn with_noise(mut self, noise: Option<&'a Noise>) -> Self {
        self.noise = noise;
        self
    }

    /// How many jobs are begun before the first has come to its end. A service has a queue of its
    /// own, in which all of them may wait.
    pub(super) fn at_once(&self) -> usize {
        match self.keeping.is_local() {
            true => AT_ONCE * thread::available_parallelism().map_or(1, NonZeroUsize::get),
            false => usize::MAX,
        }
    }

    /// What the user should know when all is over.
    pub(super) fn notes(&self) {
        if self.args.resume {
            let Done { earlier, of, .. } = self.done;
            say(match earlier {
                0 => "note: there was nothing to go on with: no earlier run of this command has \
                      finished anything"
                    .to_owned(),
                _ => format!("note: {earlier} of {of} experiments were finished earlier"),
            });
        }
    }

    fn begin(&mut self, place: usize, input: Input) -> Result<Submitted, Failure> {
        let (args, keeping) = (self.args, self.keeping);
        let (title, mut qobj) = (input.name, input.qobj);
        let mut notes =
            prepare::prepare(&mut qobj, &input.inputs, args, keeping.backend.backend.name())?;
        // Before the digest: with other noise, it is another job.
        if let Some(noise) = self.noise {
            noise.put_into(&mut qobj);
        }
        let experiments = qobj.experiments().len() as u64;
        let words = self.words(place);
        let words = words.each_ref().map(String::as_str);
        let digest = digest_of(&keeping.backend.name, &qobj, &words);
        let earlier = if args.resume { keeping.earlier(&digest)? } else { None };
        let started = Instant::now();
        let in_parts = keeping.in_parts(experiments);
        let mut told = 0;
        let job = match earlier {
            Some(Earlier::Done(record, job)) => {
                self.done.earlier += record.completed;
                Arc::new(job)
            }
            Some(Earlier::Begun(record)) => {
                let (qobj, finished) = keeping.of_earlier(&record.id)?;
                let job = keeping.run(qobj, options(args), digest, Some(&record))?;
                told = record.completed;
                self.done.done += told as f64;
                self.done.earlier += told;
                if let Some(finished) = finished {
                    let (job_id, backend) = (job.job_id(), &keeping.backend.name);
                    let of = Origin { file: Some(&title), job_id: &job_id, backend };
                    self.report.lines(of, 0, &finished.experiments)?;
                }
                job
            }
            None => {
                prepare::seed(&mut qobj);
                let (qobj, compiled) = fitted(args, keeping.backend, self.noise, qobj)?;
                notes.extend(compiled);
                if args.compare {
                    let ideal = compare::start(self.registry, &qobj, options(args))?;
                    self.ideals.insert(place, ideal);
                }
                keeping.run(qobj, options(args), digest, None)?
            }
        };
        self.ids.push(job.job_id());
        Ok(Submitted { place, title, job, started, notes, experiments, told, in_parts })
    }

    /// What tells a file's job from others of the same circuits: which file it is, the how manieth
    /// time that it is named, and whether it is compiled.
    fn words(&self, place: usize) -> [String; 3] {
        let files = &self.args.files;
        let file = match files[place].as_path() {
            stdin if stdin == Path::new("-") => stdin.to_owned(),
            file => std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        };
        let time = files[..place].iter().filter(|one| **one == files[place]).count();
        let compiled = if self.args.no_compile { "as it is" } else { "compiled" };
        [file.to_string_lossy().into_owned(), time.to_string(), compiled.to_owned()]
    }

    fn fail(&mut self, place: usize, name: &str, failure: Failure) {
        let failure = if self.args.files.len() > 1 { failure.about(name) } else { failure };
        self.exits[place] = self.report.fail(self.out, name, &failure);
    }
}

impl Jobs for Batch<'_, '_> {
    fn next(&mut self) -> Result<Option<Submitted>, Failure> {
        while let Some((place, input)) = self.inputs.pop_front() {
            let (name, experiments) = (input.name.clone(), input.qobj.experiments().len() as u64);
            match self.begin(place, input) {
                Ok(job) => return Ok(Some(job)),
                Err(failure) if failure.code == "output.unwritable" => return Err(failure),
                Err(failure) => self.fail(place, &name, failure),
            }
            self.done.done += experiments as f64;
        }
        Ok(None)
    }

    fn part(
        &mut self,
        job: &Submitted,
        count: u64,
        result: Option<&RunResult>,
    ) -> Result<(), Failure> {
        self.done.done += count as f64;
        let Some(result) = result else { return Ok(()) };
        let (job_id, backend) = (job.job.job_id(), &self.keeping.backend.name);
        let of = Origin { file: Some(&job.title), job_id: &job_id, backend };
        self.report.lines(of, job.told, &result.experiments)
    }

    fn end(
        &mut self,
        mut job: Submitted,
        result: Result<Arc<RunResult>, Failure>,
    ) -> Result<(), Failure> {
        self.done.done += job.experiments.saturating_sub(job.told) as f64;
        let job_id = job.job.job_id();
        let result = result.and_then(|result| {
            let ideal = self.ideals.remove(&job.place);
            // Both began together, and have the same time.
            let left = self.args.timeout.map(|all| all.saturating_sub(job.started.elapsed()));
            let ideal = ideal.map(|ideal| compare::finish(&*ideal, left));
            Ok((result, ideal.transpose()?))
        });
        self.exits[job.place] = match result {
            Ok((result, ideal)) => {
                job.notes.extend(self.keeping.note(&job_id));
                let of = Subject {
                    title: &job.title,
                    backend: &self.keeping.backend.name,
                    job_id: &job_id,
                    file: Some(&job.title),
                    told: job.told,
                    took: job.started.elapsed(),
                    notes: &job.notes,
                    ideal: ideal.as_deref(),
                };
                self.report.result(self.out, &of, &result)?
            }
            Err(failure) => self.report.fail(self.out, &job.title, &failure),
        };
        Ok(())
    }

    fn out_of_time(&mut self, after: Duration) {
        while let Some((place, input)) = self.inputs.pop_front() {
            let failure = GivingUp::Cancels.timed_out(&input.name, after);
            self.fail(place, &input.name, failure);
        }
    }

    fn done(&self) -> Done {
        self.done
    }

    fn wind_down(&mut self) {
        self.keeping.wind_down();
    }

    fn interrupted(&mut self, left: usize) -> Failure {
        let kept: u64 = self.ids.iter().map(|id| self.keeping.completed(id)).sum();
        if kept == 0 {
            let jobs = number::count_of(left as u64, "job");
            return Failure::new("interrupted", format!("interrupted; cancelled {jobs}"));
        }
        let of = self.done.of;
        let message = format!("interrupted; {kept} of {of} experiments are finished and kept");
        let hint = "the same command with --resume runs the others";
        Failure::new("interrupted", message).with_hint(hint)
    }
}
