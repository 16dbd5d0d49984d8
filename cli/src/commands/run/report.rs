//! What a run tells: the result for people or programs, files, notes, failures.

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use ketch::{
    Counts, RunResult,
    result::{Data, ExperimentResult},
};
use serde_json::Value;

use super::values::{self, OutputFile, OutputForm};
use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{
        compare, counts, csv,
        file::PendingFile,
        json::RunDocument,
        lines::{LinesFile, Origin},
        npy, number, plot, state,
        table::one_line,
        terminal::{complain, say},
    },
};

/// What comes back of a job, and where to.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Write the results to a file: .json, .csv (counts, or else an array), .npy (one array), or
    /// .jsonl (a line for each experiment as soon as it is finished, schema ketch.experiment/1)
    #[arg(short = 'O', long, value_name = "FILE", value_parser = values::output_file,
          value_hint = clap::ValueHint::FilePath, help_heading = "Results")]
    pub(super) output: Option<OutputFile>,
    /// Draw the counts as a bar chart into an .svg file
    #[arg(long, value_name = "FILE", value_parser = values::plot_file,
          value_hint = clap::ValueHint::FilePath, help_heading = "Results")]
    pub(super) plot: Option<PathBuf>,
    /// Print a document for programs (schema ketch.run/1), one line a file
    #[arg(long, help_heading = "Results")]
    pub(super) json: bool,
    /// What is printed: counts, or Qiskit's Result document as JSON
    #[arg(long, value_enum, default_value = "counts", help_heading = "Results")]
    pub(super) format: ResultFormat,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// Counts and what was saved
    Counts,
    /// Qiskit's Result document, JSON
    Result,
}

impl ReportArgs {
    /// Programs read the output.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.json || self.asks_for_qiskits()
    }

    /// Results are written as lines while they come.
    pub(super) fn asks_for_lines(&self) -> bool {
        self.output.as_ref().is_some_and(|file| file.form == OutputForm::Jsonl)
    }

    /// Qiskit's Result document is to be printed.
    pub(super) fn asks_for_qiskits(&self) -> bool {
        self.format == ResultFormat::Result
    }
}

/// What a result is of.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// The file that was run, or the job.
    pub(crate) title: &'a str,
    /// `provider/backend`.
    pub(crate) backend: &'a str,
    pub(crate) job_id: &'a str,
    /// The file that was run, where it is known.
    pub(crate) file: Option<&'a str>,
    /// How many experiments were written as lines already.
    pub(crate) told: u64,
    /// How long the job took as far as is known, waiting included.
    pub(crate) took: Duration,
    /// What the user should know besides what the result says.
    pub(crate) notes: &'a [String],
    /// The same without noise, to be compared with.
    pub(crate) ideal: Option<&'a RunResult>,
}

/// Where the results of a run go.
pub(crate) struct Report<'a> {
    args: &'a ReportArgs,
    /// Results of several files come in one stream.
    several: bool,
    context: &'a Context,
    output: Option<PendingFile>,
    lines: Option<LinesFile>,
    plot: Option<PendingFile>,
    /// Something was printed already, so that the next result begins with an empty line.
    begun: bool,
}

impl<'a> Report<'a> {
    /// Opens the files that are asked for.
    ///
    /// # Errors
    /// If one of them cannot be written.
    pub(crate) fn new(
        args: &'a ReportArgs,
        several: bool,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let (mut output, mut lines) = (None, None);
        match &args.output {
            Some(file) if file.form == OutputForm::Jsonl => {
                lines = Some(LinesFile::create(&file.path)?);
            }
            Some(file) => output = Some(PendingFile::create(&file.path)?),
            None => {}
        }
        let plot = args.plot.as_ref().map(|path| PendingFile::create(path)).transpose()?;
        Ok(Self { args, several, context, output, lines, plot, begun: false })
    }

    /// Tells of a file that has no result, and how the process is to end for it.
    pub(crate) fn fail(&self, out: &mut dyn Write, file: &str, failure: &Failure) -> Exit {
        self.context.fail(out, self.file(file), failure)
    }

    /// Tells a job's result, and how the process is to end for it.
    ///
    /// # Errors
    /// If something cannot be written.
    pub(crate) fn result(
        &mut self,
        out: &mut dyn Write,
        of: &Subject<'_>,
        result: &RunResult,
    ) -> Result<Exit, Failure> {
        let document = RunDocument::new(self.file(of.title), of.backend, of.job_id, result);
        let document = match of.ideal {
            Some(ideal) => document.beside(result, ideal),
            None => document,
        };
        match self.args.format {
            ResultFormat::Result => writeln!(out, "{}", result.to_qiskit_json())?,
            ResultFormat::Counts if self.args.json => {
                serde_json::to_writer(&mut *out, &document)?;
                writeln!(out)?;
            }
            ResultFormat::Counts => self.print(out, of, result)?,
        }
        out.flush()?;
        self.write_files(of.title, &document, result)?;
        let told = usize::try_from(of.told).unwrap_or(usize::MAX).min(result.experiments.len());
        let origin = Origin { file: of.file, job_id: of.job_id, backend: of.backend };
        self.lines(origin, of.told, &result.experiments[told..])?;
        of.notes.iter().map(String::as_str).chain(notes_of(result)).for_each(|note| {
            say(format_args!("note: {}", one_line(note)));
        });
        Ok(failures(of.title, result))
    }

    /// Writes results as lines, if that is asked for: also of a job that still runs.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn lines(
        &mut self,
        of: Origin<'_>,
        first: u64,
        experiments: &[ExperimentResult],
    ) -> Result<(), Failure> {
        match &mut self.lines {
            Some(lines) => lines.write(of, first, experiments),
            None => Ok(()),
        }
    }

    /// Nothing more will be told.
    ///
    /// # Errors
    /// If a file cannot be completed.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        if let Some(lines) = self.lines.take() {
            say(format_args!("wrote {}", lines.finish()?.display()));
        }
        Ok(())
    }

    /// The file's name in documents, where there are several.
    fn file<'f>(&self, file: &'f str) -> Option<&'f str> {
        self.several.then_some(file)
    }

    fn print(
        &mut self,
        out: &mut dyn Write,
        of: &Subject<'_>,
        result: &RunResult,
    ) -> Result<(), Failure> {
        if self.begun {
            writeln!(out)?;
        }
        self.begun = true;
        let time = number::duration(time_of(of, result));
        let Subject { title, backend, .. } = of;
        let terminal = self.context.terminal;
        match result.experiments.as_slice() {
            [only] => {
                let how = how(only);
                let line = format!("{title} on {backend}: {how}, {time}");
                writeln!(out, "{}", terminal.bold(&one_line(&line)))?;
                self.print_experiment(out, only, of.ideal.and_then(|ideal| counts_of(ideal, 0)))?;
            }
            several => {
                let many = number::count_of(several.len() as u64, "experiment");
                let line = format!("{title} on {backend}: {many}, {time}");
                writeln!(out, "{}", terminal.bold(&one_line(&line)))?;
                for (place, experiment) in several.iter().enumerate() {
                    let line = format!("{}: {}", experiment.name, how(experiment));
                    writeln!(out, "\n{}", terminal.bold(&one_line(&line)))?;
                    let ideal = of.ideal.and_then(|ideal| counts_of(ideal, place));
                    self.print_experiment(out, experiment, ideal)?;
                }
            }
        }
        Ok(())
    }

    fn print_experiment(
        &self,
        out: &mut dyn Write,
        experiment: &ExperimentResult,
        ideal: Option<&Counts>,
    ) -> std::io::Result<()> {
        let terminal = self.context.terminal;
        if !experiment.success {
            return writeln!(out, "  failed: {}", one_line(&experiment.status));
        }
        let counts = experiment.counts.as_ref().filter(|counts| !counts.is_empty());
        match (counts, ideal) {
            (Some(counts), Some(ideal)) => compare::write(out, ideal, counts, terminal)?,
            (Some(counts), None) => counts::write(out, counts, terminal)?,
            (None, _) => {}
        }
        if let Some(memory) = &experiment.memory {
            counts::write_memory(out, experiment, memory, terminal)?;
        }
        for (key, data) in &experiment.data {
            state::write(out, &one_line(key), data, terminal)?;
        }
        for snapshot in &experiment.snapshots {
            let label = one_line(&format!("{} snapshot `{}`", snapshot.kind, snapshot.label));
            let values = Data::List(snapshot.values.clone());
            state::write(out, &label, &values, terminal)?;
        }
        if counts.is_none() && experiment.data.is_empty() && experiment.snapshots.is_empty() {
            writeln!(out, "  nothing was measured")?;
        }
        Ok(())
    }

    fn write_files(
        &mut self,
        title: &str,
        document: &RunDocument<'_>,
        result: &RunResult,
    ) -> Result<(), Failure> {
        if let (Some(pending), Some(file)) = (self.output.take(), &self.args.output) {
            match (file.form, self.args.format) {
                (OutputForm::Json, ResultFormat::Result) => {
                    pending.finish(|out| writeln!(out, "{}", result.to_qiskit_json()))?;
                }
                (OutputForm::Json, ResultFormat::Counts) => pending.finish(|out| {
                    serde_json::to_writer(&mut *out, document)?;
                    Ok::<(), Failure>(writeln!(out)?)
                })?,
                (OutputForm::Jsonl, _) => unreachable!("lines are no pending file"),
                (OutputForm::Csv, _) => pending.finish(|out| {
                    let any = csv::write(out, result)?;
                    if any { Ok(()) } else { Err(nothing_for("a .csv file")) }
                })?,
                (OutputForm::Npy, _) => {
                    let array = the_array(result)?;
                    pending.finish(|out| npy::write(out, array))?;
                }
            }
            say(format_args!("wrote {}", file.path.display()));
        }
        if let (Some(pending), Some(path)) = (self.plot.take(), &self.args.plot) {
            pending.finish(|out| {
                let any = plot::write(out, title, result)?;
                if any { Ok(()) } else { Err(nothing_for("a chart of counts")) }
            })?;
            say(format_args!("wrote {}", path.display()));
        }
        Ok(())
    }
}

/// What an experiment read, if it measured anything.
fn counts_of(result: &RunResult, place: usize) -> Option<&Counts> {
    result.experiments.get(place)?.counts.as_ref().filter(|counts| !counts.is_empty())
}

/// How long the experiments took, by what the backend says; else how long the job did, which
/// includes waiting.
fn time_of(of: &Subject<'_>, result: &RunResult) -> Duration {
    let taken: f64 = result.experiments.iter().map(|experiment| experiment.time_taken).sum();
    let taken = Duration::try_from_secs_f64(taken).ok().filter(|time| !time.is_zero());
    taken.unwrap_or(of.took)
}

/// Shots and seed in words.
fn how(experiment: &ExperimentResult) -> String {
    let shots = number::count_of(experiment.shots, "shot");
    match experiment.seed {
        Some(seed) => format!("{shots}, seed {seed}"),
        None => shots,
    }
}

/// What the backend wants the user to know: `note` or `notes` in the metadata.
fn notes_of(result: &RunResult) -> Vec<&str> {
    let all = result.experiments.iter().map(|experiment| &*experiment.metadata);
    let mut notes = Vec::new();
    for metadata in std::iter::once(&result.metadata).chain(all) {
        let values = ["note", "notes"].into_iter().filter_map(|key| metadata.get(key));
        for value in values {
            match value {
                Value::Array(several) => notes.extend(several.iter().filter_map(Value::as_str)),
                one => notes.extend(one.as_str()),
            }
        }
    }
    // Experiments of one kind say the same.
    notes.dedup();
    notes
}

/// Complains about each experiment that failed.
fn failures(file: &str, result: &RunResult) -> Exit {
    let failed: Vec<&ExperimentResult> = result.experiments.iter().filter(|e| !e.success).collect();
    for experiment in &failed {
        let (name, reason) = (&experiment.name, &experiment.status);
        let message = format!("{file}: experiment `{name}` failed: {reason}");
        complain(&Failure::new("experiment.failed", one_line(&message)));
    }
    if failed.is_empty() && !result.success {
        let message = format!("{file}: the job failed: {}", result.status);
        complain(&Failure::new("job.failed", one_line(&message)));
    }
    if result.success && failed.is_empty() { Exit::Ok } else { Exit::JobFailed }
}

/// The one array of the result.
fn the_array(result: &RunResult) -> Result<&Data, Failure> {
    let arrays: Vec<&Data> = result
        .experiments
        .iter()
        .flat_map(|experiment| experiment.data.values())
        .filter(|data| npy::is_array(data))
        .collect();
    match arrays.as_slice() {
        [only] => Ok(only),
        [] => Err(nothing_for("an .npy file")),
        several => {
            let message = format!("an .npy file holds one array, the result has {}", several.len());
            Err(Failure::new("output.several_arrays", message).with_hint("use -O FILE.json"))
        }
    }
}

fn nothing_for(what: &str) -> Failure {
    Failure::new("output.nothing_to_write", format!("the result has nothing for {what}"))
}
