//! The official schemas and examples, a validator for them, and comparison of JSON as values.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use ketch_interface::qobj::QobjDialect;
use ketch_interface::result::{ExperimentResult, ResultDialect};
use ketch_interface::{Qobj, RunResult};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The folder with one subfolder per release of Qiskit.
pub(crate) fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/qiskit-schemas")
}

/// The text of a file of the golden folder.
pub(crate) fn read(path: &str) -> String {
    let path = golden().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
}

/// The JSON of a file of the golden folder.
pub(crate) fn read_json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path} is not JSON: {e}"))
}

/// Checks a document against a schema of the golden folder; the error lists every fault.
///
/// `format` is not checked, as Qiskit never did: its own examples' dates are not RFC 3339.
pub(crate) fn validate(schema_path: &str, document: &Value) -> Result<(), String> {
    let mut schema = read_json(schema_path);
    repair_pointers(&mut schema);
    let validator = jsonschema::draft4::options()
        .should_validate_formats(false)
        .build(&schema)
        .unwrap_or_else(|e| panic!("{schema_path} is not a schema: {e}"));
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|fault| format!("{schema_path} at {:?}: {fault}", fault.instance_path().to_string()))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Some published schemas say `#definitions/x` where JSON pointers need `#/definitions/x`; see
/// the NOTICE beside them. The files stay as published, so the slash is put in here.
fn repair_pointers(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(pointer) if key == "$ref" => {
                        if let Some(rest) = pointer.strip_prefix("#definitions/") {
                            *pointer = format!("#/definitions/{rest}");
                        }
                    }
                    other => repair_pointers(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(repair_pointers),
        _ => {}
    }
}

/// Checks that `written` says everything that `original` says; it may say more.
///
/// Objects may gain fields; lists must keep their length and order. Numbers are compared as
/// numbers: 60 and 60.0 are the same JSON number.
pub(crate) fn says_all_of(written: &Value, original: &Value) -> Result<(), String> {
    let differ = || Err(format!(": {original} became {written}"));
    match (original, written) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let kept = after.get(key).ok_or_else(|| format!(".{key}: lost"))?;
                says_all_of(kept, value).map_err(|at| format!(".{key}{at}"))?;
            }
            Ok(())
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (value, kept)) in before.iter().zip(after).enumerate() {
                says_all_of(kept, value).map_err(|at| format!("[{index}]{at}"))?;
            }
            Ok(())
        }
        (Value::Number(before), Value::Number(after)) => {
            let same = before == after || before.as_f64() == after.as_f64();
            if same { Ok(()) } else { differ() }
        }
        _ if original == written => Ok(()),
        _ => differ(),
    }
}

/// Loads a text, writes it, loads it again, checks that both loads are equal, and returns what
/// was written. For types that are their own codec; others have a function of the same form.
pub(crate) fn reload<T>(text: &str) -> Result<Value, String>
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let first: T = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let written = serde_json::to_string(&first).map_err(|e| e.to_string())?;
    let second: T = serde_json::from_str(&written).map_err(|e| e.to_string())?;
    if first != second {
        return Err(format!("loaded {first:?}, reloaded {second:?}"));
    }
    serde_json::from_str(&written).map_err(|e| e.to_string())
}

/// Documents that are kept as they are, such as pulse defaults.
pub(crate) fn reload_opaque(text: &str) -> Result<Value, String> {
    reload::<Map<String, Value>>(text)
}

/// Reads a Qobj, writes it and reads it again; the circuits must be equal, and what is written the
/// second time must be what was written the first time.
fn reload_qobj_as(text: &str, dialect: QobjDialect) -> Result<Value, String> {
    let first = Qobj::from_json(text).map_err(|e| e.to_string())?;
    let written = first.to_json_as(dialect).map_err(|e| e.to_string())?;
    let second = Qobj::from_json(&written.to_string()).map_err(|e| e.to_string())?;
    for (index, (before, after)) in first.circuits().iter().zip(second.circuits()).enumerate() {
        if before != after {
            return Err(format!("circuit {index}: {before:?} became {after:?}"));
        }
    }
    let again = second.to_json_as(dialect).map_err(|e| e.to_string())?;
    if again != written || first.circuits().len() != second.circuits().len() {
        return Err(format!("wrote {written}, then {again}"));
    }
    Ok(written)
}

/// [`reload_qobj_as`] in the newest dialect.
pub(crate) fn reload_qobj(text: &str) -> Result<Value, String> {
    reload_qobj_as(text, QobjDialect::V1)
}

/// [`reload_qobj_as`] in the dialect of Qiskit 0.6.
pub(crate) fn reload_qobj_06(text: &str) -> Result<Value, String> {
    reload_qobj_as(text, QobjDialect::Terra06)
}

/// The Qobj examples of 0.7.0 and 0.18.3 ask for one memory slot where the second experiment has
/// three; the specification wants the largest of the experiments.
pub(crate) fn repair_memory_slots(document: &mut Value) {
    let Some(experiments) = document["experiments"].as_array() else { return };
    let slots = experiments.iter().filter_map(|one| one["header"]["memory_slots"].as_u64()).max();
    if let (Some(slots), Some(said)) = (slots, document.pointer_mut("/config/memory_slots")) {
        *said = slots.into();
    }
}

/// Reads a result, writes it and reads it again; what is written the second time must be what was
/// written the first time.
fn reload_result_as(text: &str, dialect: ResultDialect) -> Result<Value, String> {
    let document: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let first = RunResult::from_qiskit_json(&document).map_err(|e| e.to_string())?;
    let written = first.to_qiskit_json_as(dialect);
    let text = written.to_string();
    let parsed: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let second = RunResult::from_qiskit_json(&parsed).map_err(|e| e.to_string())?;
    let values = |result: &RunResult| {
        let values = |e: &ExperimentResult| (e.counts.clone(), e.memory.clone(), e.data.clone());
        result.experiments.iter().map(values).collect::<Vec<_>>()
    };
    if values(&first) != values(&second) || second.to_qiskit_json_as(dialect) != written {
        return Err(format!("loaded {first:?}, reloaded {second:?}"));
    }
    Ok(written)
}

/// [`reload_result_as`] in the newest dialect.
pub(crate) fn reload_result(text: &str) -> Result<Value, String> {
    reload_result_as(text, ResultDialect::V1)
}

/// [`reload_result_as`] in the dialect of Qiskit 0.6.
pub(crate) fn reload_result_06(text: &str) -> Result<Value, String> {
    reload_result_as(text, ResultDialect::Terra06)
}
