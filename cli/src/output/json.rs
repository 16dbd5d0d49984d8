//! The document `ketch.run/1`: results for programs.
//!
//! Numbers are written as they stream by, so that a large state needs no second copy in memory.

use std::collections::BTreeMap;

use ketch::{
    Complex64, Counts, RunResult,
    circuit::Register,
    result::{Data, ExperimentResult, Memory, SnapshotResult},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::compare::Distance;

/// The results of one file.
#[derive(Serialize)]
pub(crate) struct RunDocument<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    job_id: &'a str,
    backend: &'a str,
    status: &'a str,
    experiments: Vec<ExperimentDocument<'a>>,
}

/// The result of one experiment.
#[derive(Serialize)]
pub(crate) struct ExperimentDocument<'a> {
    name: &'a str,
    shots: u64,
    seed: Option<u64>,
    success: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<BTreeMap<&'a str, DataJson<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    snapshots: Vec<SnapshotDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonDocument<'a>>,
    time_taken: f64,
    metadata: &'a Map<String, Value>,
}

/// The same experiment without noise, and how far away it is.
#[derive(Serialize)]
struct ComparisonDocument<'a> {
    ideal: CountsJson<'a>,
    #[serde(flatten)]
    distance: Option<Distance>,
}

#[derive(Serialize)]
struct SnapshotDocument<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    label: &'a str,
    values: Vec<DataJson<'a>>,
}

impl<'a> RunDocument<'a> {
    /// The document of a job's result; `file` where there are several.
    pub(crate) fn new(
        file: Option<&'a str>,
        backend: &'a str,
        job_id: &'a str,
        result: &'a RunResult,
    ) -> Self {
        Self {
            schema: "ketch.run/1",
            file,
            job_id,
            backend,
            status: if result.success { "DONE" } else { "ERROR" },
            experiments: result.experiments.iter().map(ExperimentDocument::new).collect(),
        }
    }

    /// With the same experiments without noise beside them.
    pub(crate) fn beside(mut self, result: &'a RunResult, ideal: &'a RunResult) -> Self {
        let pairs = result.experiments.iter().zip(&ideal.experiments);
        for (document, (noisy, ideal)) in self.experiments.iter_mut().zip(pairs) {
            document.comparison =
                noisy.counts.as_ref().zip(ideal.counts.as_ref()).map(|(noisy, ideal)| {
                    let distance = Distance::between(ideal, noisy);
                    ComparisonDocument { ideal: CountsJson(ideal), distance }
                });
        }
        self
    }
}

impl<'a> ExperimentDocument<'a> {
    /// The document of one experiment's result.
    pub(crate) fn new(experiment: &'a ExperimentResult) -> Self {
        let data: BTreeMap<_, _> =
            experiment.data.iter().map(|(key, data)| (key.as_str(), DataJson(data))).collect();
        let registers = &experiment.registers;
        Self {
            name: &experiment.name,
            shots: experiment.shots,
            seed: experiment.seed,
            success: experiment.success,
            status: (!experiment.success).then_some(experiment.status.as_str()),
            counts: experiment.counts.as_ref().map(CountsJson),
            memory: experiment.memory.as_ref().map(|memory| MemoryJson { memory, registers }),
            data: (!data.is_empty()).then_some(data),
            snapshots: experiment.snapshots.iter().map(SnapshotDocument::new).collect(),
            comparison: None,
            time_taken: experiment.time_taken,
            metadata: &experiment.metadata,
        }
    }
}

impl<'a> SnapshotDocument<'a> {
    fn new(snapshot: &'a SnapshotResult) -> Self {
        let values = snapshot.values.iter().map(DataJson).collect();
        Self { kind: &snapshot.kind, label: &snapshot.label, values }
    }
}

/// Outcomes in the order of their values, as an object.
struct CountsJson<'a>(&'a Counts);

impl Serialize for CountsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (outcome, count) in self.0.labelled() {
            object.serialize_entry(&outcome, &count)?;
        }
        object.end()
    }
}

/// Every shot's outcome, written as the keys of the counts are.
struct MemoryJson<'a> {
    memory: &'a Memory,
    registers: &'a [Register],
}

impl Serialize for MemoryJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shots = self.memory.iter().map(|shot| shot.to_register_string(self.registers));
        serializer.collect_seq(shots)
    }
}

/// What was saved: complex numbers as `[re, im]`, matrices as lists of rows.
struct DataJson<'a>(&'a Data);

impl Serialize for DataJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Data::Number(number) => number.serialize(serializer),
            Data::Reals(numbers) => serializer.collect_seq(numbers.iter()),
            Data::Vector(amplitudes) => ComplexesJson(amplitudes).serialize(serializer),
            Data::Matrix { dim, entries } => {
                serializer.collect_seq(entries.chunks((*dim).max(1)).map(ComplexesJson))
            }
            Data::List(items) => serializer.collect_seq(items.iter().map(DataJson)),
            Data::Json(value) => value.serialize(serializer),
            other => serializer.serialize_str(&format!("{other:?}")),
        }
    }
}

struct ComplexesJson<'a>(&'a [Complex64]);

impl Serialize for ComplexesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|amplitude| [amplitude.re, amplitude.im]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::counts::tests::bell;

    #[test]
    fn the_document_has_the_promised_shape() {
        let mut experiment = bell();
        experiment.memory = Memory::from_bytes(2, vec![0, 3].into());
        let amplitudes = vec![Complex64::ONE, Complex64::new(0.0, -0.5)];
        experiment.data.insert("statevector".to_owned(), Data::Vector(amplitudes.clone().into()));
        let matrix = Data::Matrix { dim: 1, entries: vec![Complex64::I].into() };
        experiment.data.insert("unitary".to_owned(), matrix);
        let result =
            RunResult { success: true, experiments: vec![experiment], ..Default::default() };
        let document = RunDocument::new(None, "local/qasm_simulator", "job-1", &result);
        let text = serde_json::to_string(&document).unwrap();
        let expected = concat!(
            r#"{"schema":"ketch.run/1","job_id":"job-1","backend":"local/qasm_simulator","#,
            r#""status":"DONE","experiments":[{"name":"bell","shots":1024,"seed":7,"#,
            r#""success":true,"counts":{"00":510,"11":514},"memory":["00","11"],"#,
            r#""data":{"statevector":[[1.0,0.0],[0.0,-0.5]],"unitary":[[[0.0,1.0]]]},"#,
            r#""time_taken":0.0,"metadata":{}}]}"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_failed_experiment_says_why() {
        let failed = ExperimentResult { status: "too deep".to_owned(), ..Default::default() };
        let result = RunResult { experiments: vec![failed], ..RunResult::default() };
        let document = RunDocument::new(Some("a.qasm"), "b", "j", &result);
        let value = serde_json::to_value(&document).unwrap();
        assert_eq!(value["file"], "a.qasm");
        assert_eq!(value["status"], "ERROR");
        assert_eq!(value["experiments"][0]["success"], false);
        assert_eq!(value["experiments"][0]["status"], "too deep");
        assert!(value["experiments"][0].get("counts").is_none());
    }
}
