//! Results as Qiskit's Result documents.
//!
//! A document does not say what type its data have: what is not named `statevector`, `unitary`,
//! `density_matrix`, `superop` or `probabilities` comes back as JSON.

use serde_json::{Map, Value, json};

use super::{Counts, Data, ExperimentResult, Memory, RunResult, SnapshotResult};
use crate::{
    BitString,
    circuit::{MAX_QUBITS, Register},
    json::{Mistyped, Node, matrix_json, vector_json},
    qobj::json::{CLBIT_FIELDS, registers},
};

/// Which generation of readers a result document is written for. All of them are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultDialect {
    /// Qiskit 0.6: the seed is a text, and state vectors and unitaries stand in one more list.
    Terra06,
    /// From Qiskit 0.7 on.
    #[default]
    V1,
}

/// Where fields that we have no place for are kept in the metadata, to be written again.
const KEPT: &str = "document_fields";

/// Outcomes of a document take at most this many bytes: a short text must not ask for much memory.
const MAX_OUTCOME_BYTES: usize = 1 << 28;

impl RunResult {
    /// The result as a Qiskit Result document of the newest dialect.
    #[must_use]
    pub fn to_qiskit_json(&self) -> Value {
        self.to_qiskit_json_as(ResultDialect::default())
    }

    /// The result as a Qiskit Result document.
    #[must_use]
    pub fn to_qiskit_json_as(&self, dialect: ResultDialect) -> Value {
        let results = self.experiments.iter().map(|experiment| write(experiment, dialect));
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("backend_name", self.backend_name.as_str().into());
        set("backend_version", self.backend_version.as_str().into());
        set("qobj_id", self.qobj_id.as_str().into());
        set("job_id", self.job_id.as_str().into());
        if let Some(date) = &self.date {
            set("date", date.as_str().into());
        }
        set("success", self.success.into());
        set("status", self.status.as_str().into());
        set("header", self.header.clone().into());
        set("results", results.collect());
        add_metadata(&mut fields, &self.metadata);
        fields.into()
    }

    /// Reads a Qiskit Result document.
    ///
    /// What pulse experiments measure at levels 0 and 1 stays JSON, under the key `memory`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn from_qiskit_json(document: &Value) -> Result<Self, Mistyped> {
        let root = Node::root(document);
        root.object()?;
        let text = |name| root.get(name).map(|text| text.text_owned()).transpose();
        let success = root.require("success")?.truth()?;
        let results = root.require("results")?;
        let known = [
            "backend_name",
            "backend_version",
            "qobj_id",
            "job_id",
            "date",
            "success",
            "status",
            "header",
            "results",
            "metadata",
        ];
        Ok(Self {
            backend_name: text("backend_name")?.unwrap_or_default(),
            backend_version: text("backend_version")?.unwrap_or_default(),
            qobj_id: text("qobj_id")?.unwrap_or_default(),
            job_id: text("job_id")?.unwrap_or_default(),
            date: text("date")?,
            success,
            status: text("status")?.unwrap_or_default(),
            header: object(&root, "header")?,
            experiments: results.list(|result| read(result))?,
            metadata: metadata(&root, &known)?,
        })
    }
}

fn write(experiment: &ExperimentResult, dialect: ResultDialect) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("header", header(experiment).into());
    set("shots", experiment.shots.into());
    if let Some(seed) = experiment.seed {
        let as_text = dialect == ResultDialect::Terra06;
        set("seed", if as_text { seed.to_string().into() } else { seed.into() });
    }
    set("success", experiment.success.into());
    set("status", experiment.status.as_str().into());
    set("time_taken", experiment.time_taken.into());
    if experiment.counts.is_some() || experiment.memory.is_some() {
        set("meas_level", 2.into());
    }
    let mut data = Map::new();
    if let Some(counts) = &experiment.counts {
        let counts = counts.iter().map(|(outcome, count)| (outcome.to_hex(), count.into()));
        data.insert("counts".to_owned(), counts.collect::<Map<_, _>>().into());
    }
    if let Some(memory) = &experiment.memory {
        let shots = memory.iter().map(|outcome| outcome.to_hex());
        data.insert("memory".to_owned(), shots.collect());
    }
    for (key, value) in &experiment.data {
        let wrapped = dialect == ResultDialect::Terra06
            && matches!(value, Data::Vector(_) | Data::Matrix { .. });
        let value = write_data(value);
        data.insert(key.clone(), if wrapped { json!([value]) } else { value });
    }
    let mut snapshots = Map::new();
    for snapshot in &experiment.snapshots {
        let kind = snapshots.entry(&snapshot.kind).or_insert_with(|| json!({}));
        let values = &mut kind[&snapshot.label];
        if values.is_null() {
            *values = json!([]);
        }
        if let Value::Array(values) = values {
            values.extend(snapshot.values.iter().map(write_data));
        }
    }
    if !snapshots.is_empty() {
        data.insert("snapshots".to_owned(), snapshots.into());
    }
    fields.insert("data".to_owned(), data.into());
    add_metadata(&mut fields, &experiment.metadata);
    fields.into()
}

/// The experiment's header with what a reader needs to put spaces between registers.
fn header(experiment: &ExperimentResult) -> Map<String, Value> {
    let mut header = experiment.header.clone();
    let mut add = |name: &str, value: Value| {
        header.entry(name).or_insert(value);
    };
    if !experiment.name.is_empty() {
        add("name", experiment.name.as_str().into());
    }
    let registers = &experiment.registers;
    let memory_slots: u32 = registers.iter().map(|register| register.size).sum();
    let sizes = registers.iter().map(|register| json!([register.name, register.size]));
    let label = |register: &Register| {
        let name = register.name.clone();
        (0..register.size).map(move |index| json!([name, index])).collect::<Vec<_>>()
    };
    add("memory_slots", memory_slots.into());
    add("creg_sizes", sizes.collect());
    add("clbit_labels", registers.iter().flat_map(label).collect());
    header
}

fn write_data(data: &Data) -> Value {
    match data {
        Data::Number(number) => (*number).into(),
        Data::Reals(values) => values.to_vec().into(),
        Data::Vector(values) => vector_json(values),
        Data::Matrix { dim, entries } => matrix_json(*dim, entries),
        Data::List(items) => items.iter().map(write_data).collect(),
        Data::Json(value) => value.clone(),
    }
}

fn add_metadata(fields: &mut Map<String, Value>, metadata: &Map<String, Value>) {
    let mut metadata = metadata.clone();
    if let Some(Value::Object(kept)) = metadata.remove(KEPT) {
        fields.extend(kept);
    }
    if !metadata.is_empty() {
        fields.insert("metadata".to_owned(), metadata.into());
    }
}

/// The metadata and, in them, the fields that nothing else holds.
fn metadata(node: &Node<'_, '_>, known: &[&str]) -> Result<Map<String, Value>, Mistyped> {
    let mut metadata = object(node, "metadata")?;
    let unknown = node.object()?.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let kept: Map<_, _> = unknown.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !kept.is_empty() {
        metadata.insert(KEPT.to_owned(), kept.into());
    }
    Ok(metadata)
}

fn object(node: &Node<'_, '_>, name: &str) -> Result<Map<String, Value>, Mistyped> {
    node.get(name).map_or_else(|| Ok(Map::new()), |object| object.object().cloned())
}

fn read(node: &Node<'_, '_>) -> Result<ExperimentResult, Mistyped> {
    let header = object(node, "header")?;
    let success = node.require("success")?.truth()?;
    let status = node.get("status").map(|status| status.text_owned()).transpose()?;
    let default_status = if success { "DONE" } else { "ERROR" };
    let name = header.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (shots, is_range) = read_shots(&node.require("shots")?)?;
    let mut known = vec!["header", "success", "status", "seed", "time_taken", "data", "metadata"];
    if !is_range {
        known.push("shots");
    }
    if node.value.get("meas_level") == Some(&2.into()) {
        known.push("meas_level");
    }
    let metadata = metadata(node, &known)?;
    let data = node.require("data")?;
    data.object()?;
    let memory = data.get("memory").filter(|memory| is_outcomes(memory.value));
    let width = width_of(node, &data, memory.as_ref())?;
    let mut experiment = ExperimentResult {
        name,
        shots,
        seed: node.get("seed").map(|seed| read_seed(&seed)).transpose()?,
        success,
        status: status.unwrap_or_else(|| default_status.to_owned()),
        registers: registers(&header, CLBIT_FIELDS, "c", width),
        time_taken: node.get("time_taken").map_or(Ok(0.0), |seconds| seconds.number())?,
        header,
        metadata: metadata.into(),
        ..ExperimentResult::default()
    };
    if let Some(counts) = data.get("counts") {
        experiment.counts = Some(read_counts(&counts, width, &experiment.registers)?);
    }
    if let Some(memory) = memory {
        experiment.memory = read_memory(&memory, width)?;
    }
    if let Some(snapshots) = data.get("snapshots") {
        experiment.snapshots = read_snapshots(&snapshots)?;
    }
    for key in data.object()?.keys() {
        let taken = match key.as_str() {
            "counts" | "snapshots" => true,
            "memory" => experiment.memory.is_some(),
            _ => false,
        };
        if let Some(value) = data.get(key).filter(|_| !taken) {
            experiment.data.insert(key.clone(), read_data(key, &value));
        }
    }
    Ok(experiment)
}

/// The number of shots, and whether it was given as the first and last of a longer run.
fn read_shots(shots: &Node<'_, '_>) -> Result<(u64, bool), Mistyped> {
    let Some(range) = shots.value.as_array() else { return Ok((shots.whole()?, false)) };
    let ends: Option<Vec<u64>> = range.iter().map(Value::as_u64).collect();
    match ends.as_deref() {
        Some(&[first, last]) if first <= last => Ok(((last - first).saturating_add(1), true)),
        _ => Err(shots.expected("a number, or the first and the last shot")),
    }
}

fn read_seed(seed: &Node<'_, '_>) -> Result<u64, Mistyped> {
    let text = seed.value.as_str().and_then(|text| text.parse().ok());
    text.or(seed.value.as_u64()).ok_or_else(|| seed.expected("a whole number from 0"))
}

fn is_outcomes(memory: &Value) -> bool {
    let is_outcome = |outcome: &Value| outcome.as_str().is_some_and(|text| text.starts_with("0x"));
    memory.as_array().is_some_and(|shots| shots.iter().all(is_outcome))
}

/// The number of clbits: what the header says, else what the outcomes need.
fn width_of(
    node: &Node<'_, '_>,
    data: &Node<'_, '_>,
    memory: Option<&Node<'_, '_>>,
) -> Result<u32, Mistyped> {
    let mut n_outcomes = 0;
    let mut width = 0;
    let mut note = |outcome: &str| {
        n_outcomes += 1;
        let digits = outcome.strip_prefix("0x").map(|digits| digits.trim_start_matches('0'));
        let bits = match digits {
            Some(digits) => {
                let top = digits.chars().next().and_then(|digit| digit.to_digit(16)).unwrap_or(0);
                (4 * digits.len()).saturating_sub(top.leading_zeros() as usize - 28)
            }
            None => outcome.bytes().filter(|byte| *byte != b' ').count(),
        };
        width = width.max(bits);
    };
    if let Some(counts) = data.get("counts") {
        counts.object()?.keys().for_each(|outcome| note(outcome));
    }
    if let Some(memory) = memory {
        memory.items()?.filter_map(|shot| shot.value.as_str()).for_each(&mut note);
    }
    let header = node.get("header");
    let said = header.as_ref().and_then(|header| header.get("memory_slots"));
    let width = match said {
        Some(said) => said.below(MAX_QUBITS + 1, "a number of bits")?,
        None if n_outcomes == 0 => 0,
        None => u32::try_from(width.max(1))
            .ok()
            .filter(|width| *width <= MAX_QUBITS)
            .ok_or_else(|| data.expected(format!("outcomes of at most {MAX_QUBITS} bits")))?,
    };
    if Memory::stride_of(width).saturating_mul(n_outcomes) > MAX_OUTCOME_BYTES {
        return Err(data.expected(format!("outcomes of at most {MAX_OUTCOME_BYTES} bytes")));
    }
    Ok(width)
}

fn read_counts(
    counts: &Node<'_, '_>,
    width: u32,
    registers: &[Register],
) -> Result<Counts, Mistyped> {
    let mut total = 0_u64;
    let mut outcomes = Vec::new();
    for key in counts.object()?.keys() {
        let Some(count) = counts.get(key) else { continue };
        let bits = match key.starts_with("0x") {
            true => BitString::from_hex(width, key),
            false => key.parse(),
        };
        let bits =
            bits.map_err(|_| count.expected(format!("an outcome of {width} bits as key")))?;
        let number = count.whole()?;
        total = total.checked_add(number).ok_or_else(|| count.expected("a sum below 2^64"))?;
        outcomes.push((bits, number));
    }
    Ok(Counts::from_outcomes(registers.to_vec(), outcomes))
}

/// Nothing if shots have no bits.
fn read_memory(memory: &Node<'_, '_>, width: u32) -> Result<Option<Memory>, Mistyped> {
    let stride = Memory::stride_of(width);
    let mut bytes = Vec::with_capacity(memory.items()?.len() * stride);
    for shot in memory.items()? {
        let outcome = BitString::from_hex(width, shot.text()?);
        let outcome = outcome.map_err(|_| shot.expected(format!("an outcome of {width} bits")))?;
        bytes.extend(outcome.words().flat_map(u64::to_le_bytes).take(stride));
    }
    Ok(Memory::from_bytes(width, bytes.into()))
}

/// By type, then by label.
fn read_snapshots(snapshots: &Node<'_, '_>) -> Result<Vec<SnapshotResult>, Mistyped> {
    let mut read = Vec::new();
    for kind in snapshots.object()?.keys() {
        let Some(labels) = snapshots.get(kind) else { continue };
        for label in labels.object()?.keys() {
            let Some(values) = labels.get(label) else { continue };
            let values = match values.items() {
                Ok(values) => values.map(|value| read_data(kind, &value)).collect(),
                Err(_) => vec![read_data(kind, &values)],
            };
            read.push(SnapshotResult { kind: kind.clone(), label: label.clone(), values });
        }
    }
    Ok(read)
}

/// What a key's data are known to be; anything else stays JSON.
fn read_data(key: &str, value: &Node<'_, '_>) -> Data {
    let vector = |node: &Node<'_, '_>| node.vector().map(|v| Data::Vector(v.into()));
    let matrix = |node: &Node<'_, '_>| {
        let matrix = node.matrix()?;
        let (dim, entries) = (matrix.dim(), matrix.entries().to_vec().into());
        Ok(Data::Matrix { dim, entries })
    };
    let reals = |node: &Node<'_, '_>| {
        let reals = node.list(|number| number.number())?;
        Ok(Data::Reals(reals.into()))
    };
    let read = match key {
        "statevector" => one_or_list(value, vector),
        "unitary" | "density_matrix" | "superop" => one_or_list(value, matrix),
        "probabilities" => one_or_list(value, reals),
        _ => value.number().ok().map(Data::Number),
    };
    read.unwrap_or_else(|| Data::Json(value.value.clone()))
}

/// A value, alone in a list or not, or a list of several.
fn one_or_list(
    node: &Node<'_, '_>,
    read: impl Fn(&Node<'_, '_>) -> Result<Data, Mistyped>,
) -> Option<Data> {
    if let Ok(one) = read(node) {
        return Some(one);
    }
    let mut items = node.list(|item| read(item)).ok()?;
    if items.len() == 1 { items.pop() } else { Some(Data::List(items)) }
}
