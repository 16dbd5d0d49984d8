//! Files of JSON lines: one experiment a line (`ketch.experiment/1`), written as results come.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use ketch::result::ExperimentResult;
use serde::Serialize;

use super::json::ExperimentDocument;
use crate::failure::Failure;

/// A file that gets a line for each experiment. What stood in it stays until the first of them.
#[derive(Debug)]
pub(crate) struct LinesFile {
    path: PathBuf,
    writer: BufWriter<File>,
    begun: bool,
}

/// Whose experiments lines are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The circuit file, where it is known.
    pub(crate) file: Option<&'a str>,
    pub(crate) job_id: &'a str,
    /// `provider/backend`.
    pub(crate) backend: &'a str,
}

#[derive(Serialize)]
struct LineDocument<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    index: u64,
    job_id: &'a str,
    backend: &'a str,
    #[serde(flatten)]
    experiment: ExperimentDocument<'a>,
}

impl LinesFile {
    /// Opens the file, so that one that cannot be written is found out before any work is done.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| Failure::unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), writer: BufWriter::new(file), begun: false })
    }

    /// Writes the lines of some experiments, the first of which has this place in its job. When
    /// this returns, the system has them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write(
        &mut self,
        of: Origin<'_>,
        first: u64,
        experiments: &[ExperimentResult],
    ) -> Result<(), Failure> {
        self.begin()?;
        let Origin { file, job_id, backend } = of;
        let lines = (first..).zip(experiments).try_for_each(|(index, experiment)| {
            let experiment = ExperimentDocument::new(experiment);
            let schema = "ketch.experiment/1";
            let line = LineDocument { schema, file, index, job_id, backend, experiment };
            serde_json::to_writer(&mut self.writer, &line)?;
            self.writer.write_all(b"\n")
        });
        let written = lines.and_then(|()| self.writer.flush());
        written.map_err(|error| Failure::unwritable(&self.path, &error))
    }

    /// The file is complete. Where it lies.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(mut self) -> Result<PathBuf, Failure> {
        self.begin()?;
        Ok(self.path)
    }

    /// Empties the file, once. A pipe or a device has nothing to be emptied of.
    fn begin(&mut self) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.begun, true) {
            let file = self.writer.get_ref();
            let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
            let emptied = if is_file { file.set_len(0) } else { Ok(()) };
            emptied.map_err(|error| Failure::unwritable(&self.path, &error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::output::counts::tests::bell;

    #[test]
    fn each_experiment_is_a_line_and_what_was_there_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jsonl");
        fs::write(&path, "{\"schema\":\"ketch.experiment/1\",\"file\":\"cut").unwrap();
        let mut file = LinesFile::create(&path).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("cut"));
        let of = Origin { file: Some("a.qasm"), job_id: "j", backend: "b/c" };
        file.write(of, 0, &[bell()]).unwrap();
        file.write(Origin { file: None, ..of }, 7, &[bell(), bell()]).unwrap();
        assert_eq!(file.finish().unwrap(), path);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let expected = concat!(
            r#"{"schema":"ketch.experiment/1","file":"a.qasm","index":0,"job_id":"j","#,
            r#""backend":"b/c","name":"bell","shots":1024,"seed":7,"success":true,"#,
            r#""counts":{"00":510,"11":514},"time_taken":0.0,"metadata":{}}"#
        );
        assert_eq!(lines[0], expected);
        assert!(lines[2].starts_with(r#"{"schema":"ketch.experiment/1","index":8,"job_id""#));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_file_without_experiments_is_empty_in_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jsonl");
        fs::write(&path, "old").unwrap();
        LinesFile::create(&path).unwrap().finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        let missing = directory.path().join("missing/a.jsonl");
        assert_eq!(LinesFile::create(&missing).unwrap_err().code, "output.unwritable");
    }
}
