//! Pubs, from the parameters of a request: typed as Python's client writes them, or plain JSON.

use std::error::Error as _;

use ketch::{Circuit, Format, load_text, qpy};
use ketch_primitives::{EstimatorPub, NdArray, Observable, ParameterValues, SamplerPub};
use serde_json::Value;

use crate::{
    answer::Refusal,
    wire::{self, Budget, Wrong},
};

/// All that a request inflates to, in bytes.
pub(crate) const INFLATED: usize = 128 << 20;

/// The deepest list of numbers or of observables.
const DEPTH: usize = 16;

/// # Errors
/// What is wrong, with the pub and the place in it.
pub(super) fn sampler_pubs(params: &Value) -> Result<Vec<SamplerPub>, Refusal> {
    pubs(params, "circuit, parameter_values, shots", |fields, budget| {
        let [circuit, values, shots] = exactly(fields)?;
        let circuit = read_circuit(circuit, budget)?;
        let parameter_values = values_of(&circuit, values, budget)?;
        let shots = match shots {
            Value::Null => None,
            shots => Some(shots.as_u64().ok_or_else(|| format!("shots: {}", described(shots)))?),
        };
        Ok(SamplerPub { circuit, parameter_values, shots })
    })
}

/// # Errors
/// As [`sampler_pubs`].
pub(super) fn estimator_pubs(params: &Value) -> Result<Vec<EstimatorPub>, Refusal> {
    let form = "circuit, observables, parameter_values, precision";
    pubs(params, form, |fields, budget| {
        let [circuit, observables, values, precision] = exactly(fields)?;
        let circuit = read_circuit(circuit, budget)?;
        let mut elements = Vec::new();
        let shape = observables_of(observables, 0, &mut elements)?;
        let observables =
            NdArray::new(shape, elements).map_err(|error| format!("observables: {error}"))?;
        let parameter_values = values_of(&circuit, values, budget)?;
        let precision = match precision {
            Value::Null => None,
            number => {
                Some(number.as_f64().ok_or_else(|| format!("precision: {}", described(number)))?)
            }
        };
        Ok(EstimatorPub { circuit, observables, parameter_values, precision })
    })
}

/// Reads each pub from its fields.
fn pubs<T>(
    params: &Value,
    form: &str,
    read: impl Fn(&[Value], &mut Budget) -> Result<T, Wrong>,
) -> Result<Vec<T>, Refusal> {
    let wrong = |message: String| Refusal::new(400, "params.invalid", message);
    let version = params.get("version").and_then(Value::as_u64);
    if version.is_some_and(|version| version != 2) {
        return Err(wrong("params.version: expected 2".to_owned()));
    }
    let pubs = params.get("pubs").and_then(Value::as_array);
    let pubs = pubs.ok_or_else(|| wrong("params.pubs: expected a list".to_owned()))?;
    let mut budget = Budget::new(INFLATED);
    let each = pubs.iter().enumerate().map(|(index, one)| {
        let fields = match one {
            // A circuit alone is a pub, too.
            Value::String(_) => std::slice::from_ref(one),
            Value::Array(fields) => fields,
            _ => return Err(wrong(format!("pub {index}: expected [{form}]"))),
        };
        read(fields, &mut budget).map_err(|reason| wrong(format!("pub {index}: {reason}")))
    });
    each.collect()
}

/// So many fields, what is left out at the end being null.
fn exactly<const N: usize>(fields: &[Value]) -> Result<[&Value; N], Wrong> {
    if fields.iter().skip(N).any(|field| !field.is_null()) {
        return Err(format!("{} fields, expected at most {N}", fields.len()));
    }
    Ok(std::array::from_fn(|place| fields.get(place).unwrap_or(&Value::Null)))
}

/// What a value is, in a word and perhaps a few letters of it.
fn described(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("cannot be {}…", &text[..end]),
        None => format!("cannot be {text}"),
    }
}

fn read_circuit(value: &Value, budget: &mut Budget) -> Result<Circuit, Wrong> {
    if let Some(text) = value.as_str() {
        return from_qasm(text, budget);
    }
    match wire::of_kind(value, "QuantumCircuit").and_then(Value::as_str) {
        Some(text) => {
            let programs = from_qpy(text, budget).map_err(|reason| format!("circuit: {reason}"))?;
            match <[qpy::Program; 1]>::try_from(programs) {
                Ok([program]) => Ok(program.circuit),
                Err(programs) => Err(format!("circuit: {} circuits, expected one", programs.len())),
            }
        }
        None => Err(format!("circuit: {}", described(value))),
    }
}

/// The programs of a QPY file that was compressed and written down as text.
pub(super) fn from_qpy(text: &str, budget: &mut Budget) -> Result<Vec<qpy::Program>, Wrong> {
    let programs = qpy::read(&budget.inflate(text)?).map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })?;
    programs.iter().try_for_each(|program| budget.count(&program.circuit))?;
    Ok(programs)
}

pub(super) fn from_qasm(text: &str, budget: &mut Budget) -> Result<Circuit, Wrong> {
    let loaded = load_text(text, "circuit").map_err(|error| error.to_string())?;
    if matches!(loaded.format, Format::QobjJson) {
        return Err("circuit: expected OpenQASM".to_owned());
    }
    match loaded.qobj.circuits() {
        [circuit] => {
            budget.count(circuit)?;
            Ok(circuit.clone())
        }
        _ => Err("circuit: expected one".to_owned()),
    }
}

/// Values for the circuit's parameters: an array whose last axis goes over them in the order of their
/// names, or an object of names and values.
fn values_of(
    circuit: &Circuit,
    value: &Value,
    budget: &mut Budget,
) -> Result<ParameterValues, Wrong> {
    let wrong = |reason| format!("parameter_values: {reason}");
    if let Value::Object(named) = value
        && !named.contains_key("__type__")
    {
        let mut values = ParameterValues::none();
        for (name, numbers) in named {
            let numbers = numbers_of(numbers, budget).map_err(wrong)?;
            // `a,b` names the places of a last axis, as Qiskit's BindingsArray has it.
            values = match name.contains(',') {
                true => {
                    let names = name.split(',').map(|name| name.trim().to_owned()).collect();
                    values.and_named(names, numbers)
                }
                false => values.and_one(name, numbers),
            };
        }
        return Ok(values);
    }
    if value.is_null() {
        return Ok(ParameterValues::none());
    }
    let names = in_qiskits_order(circuit);
    let numbers = numbers_of(value, budget).map_err(wrong)?;
    Ok(ParameterValues::named(names, numbers))
}

/// The names of the circuit's parameters as a client of Qiskit's counts them.
pub(super) fn in_qiskits_order(circuit: &Circuit) -> Vec<String> {
    let mut names = circuit.parameters().to_vec();
    names.sort_by(|one, other| place_of(one).cmp(&place_of(other)));
    names
}

/// Where Qiskit sorts a parameter: by its name, the elements of a vector by their numbers.
pub(super) fn place_of(name: &str) -> (&str, u64) {
    let element = name.strip_suffix(']').and_then(|name| {
        let (vector, index) = name.rsplit_once('[')?;
        Some((vector, index.parse().ok()?))
    });
    element.unwrap_or((name, 0))
}

fn numbers_of(value: &Value, budget: &mut Budget) -> Result<NdArray<f64>, Wrong> {
    let (shape, numbers) = match wire::of_kind(value, "ndarray") {
        Some(Value::String(text)) => budget.array(text)?,
        inner => {
            let mut numbers = Vec::new();
            let shape = nested(inner.unwrap_or(value), 0, &mut numbers, &mut |number, into| {
                let found = number.as_f64().ok_or_else(|| described(number))?;
                into.push(found);
                Ok(())
            })?;
            (shape, numbers)
        }
    };
    NdArray::new(shape, numbers).map_err(|error| error.to_string())
}

/// The shape of nested lists, whose leaves are read one by one.
fn nested<T>(
    value: &Value,
    depth: usize,
    into: &mut Vec<T>,
    leaf: &mut impl FnMut(&Value, &mut Vec<T>) -> Result<(), Wrong>,
) -> Result<Vec<usize>, Wrong> {
    let Value::Array(list) = value else {
        leaf(value, into)?;
        return Ok(Vec::new());
    };
    if depth == DEPTH {
        return Err(format!("lists deeper than {DEPTH}"));
    }
    let mut inner: Option<Vec<usize>> = None;
    for element in list {
        let shape = nested(element, depth + 1, into, leaf)?;
        match &inner {
            Some(first) if *first != shape => return Err("lists of different sizes".to_owned()),
            _ => inner = Some(shape),
        }
    }
    let mut shape = vec![list.len()];
    shape.extend(inner.unwrap_or_default());
    Ok(shape)
}

/// Observables: lists of objects of strings and weights, or of strings alone.
fn observables_of(
    value: &Value,
    depth: usize,
    into: &mut Vec<Observable>,
) -> Result<Vec<usize>, Wrong> {
    let value = wire::of_kind(value, "ObservablesArray").unwrap_or(value);
    nested(value, depth, into, &mut |leaf, into| {
        let observable = match leaf {
            Value::String(text) => Observable::new([(text.as_str(), 1.0)]),
            Value::Object(terms) => {
                let terms: Vec<(&str, f64)> = terms
                    .iter()
                    .map(|(string, weight)| {
                        let weight = weight.as_f64().ok_or_else(|| described(weight))?;
                        Ok((string.as_str(), weight))
                    })
                    .collect::<Result<_, Wrong>>()
                    .map_err(|reason| format!("observables: a weight {reason}"))?;
                Observable::new(terms)
            }
            other => return Err(format!("observables: {}", described(other))),
        };
        into.push(observable.map_err(|error| format!("observables: {error}"))?);
        Ok(())
    })
}
