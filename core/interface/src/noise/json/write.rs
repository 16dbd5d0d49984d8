//! Writing documents.

use serde_json::{Map, Value, json};

use crate::{
    json::matrix_json,
    noise::{ErrorPart, ErrorStep, Mixture, NoiseModel, PauliLindblad, QuantumError, model::arity},
    qobj::json::write_circuit,
};

pub(super) fn model(model: &NoiseModel) -> Value {
    let mut errors = Vec::new();
    for (name, qubits, error) in model.errors() {
        let size = match qubits {
            [] => arity(name).unwrap_or(error.n_qubits()),
            qubits => qubits.len(),
        };
        let nothing = (error.is_identity() && !qubits.is_empty()).then(|| nothing(size));
        for mut entry in parts(error, size).chain(nothing) {
            entry.insert("operations".to_owned(), json!([name]));
            if !qubits.is_empty() {
                entry.insert("gate_qubits".to_owned(), json!([qubits]));
            }
            errors.push(Value::from(entry));
        }
    }
    for (name, qubits, other) in model.non_local_errors() {
        for mut entry in parts(&other.error, other.qubits.len()) {
            entry.insert("operations".to_owned(), json!([name]));
            entry.insert("gate_qubits".to_owned(), json!([qubits]));
            entry.insert("noise_qubits".to_owned(), json!([other.qubits]));
            errors.push(entry.into());
        }
    }
    for (qubits, error) in model.readout_errors() {
        let mut entry = json!({
            "type": "roerror", "operations": ["measure"], "probabilities": error.rows(),
        });
        if !qubits.is_empty() {
            entry["gate_qubits"] = json!([qubits]);
        }
        errors.push(entry);
    }
    let mut document = json!({ "errors": errors });
    if !model.basis_gates().is_empty() {
        document["basis_gates"] = json!(model.basis_gates());
    }
    if !model.x90_gates().is_empty() {
        document["x90_gates"] = json!(model.x90_gates());
    }
    if let Some(seconds) = model.tick() {
        document["dt"] = seconds.into();
    }
    let relaxation: Vec<Value> = model.relaxations().map(relaxation).collect();
    if !relaxation.is_empty() {
        document["relaxation"] = relaxation.into();
    }
    document
}

/// Infinite times are left out: JSON has no number for them.
fn relaxation((qubit, relaxation): (u32, &crate::noise::Relaxation)) -> Value {
    let mut entry = json!({ "qubit": qubit });
    for (name, seconds) in [("T1", relaxation.t1), ("T2", relaxation.t2)] {
        if seconds.is_finite() {
            entry[name] = seconds.into();
        }
    }
    if relaxation.excited != 0.0 {
        entry["excited_state_population"] = relaxation.excited.into();
    }
    entry
}

/// An entry for each part of an error of an instruction with this many qubits.
fn parts(error: &QuantumError, size: usize) -> impl Iterator<Item = Map<String, Value>> {
    error.parts().iter().map(move |part| {
        let (kind, weights, values, circuits) = match part {
            ErrorPart::Channel(step) => ("qerror", "probabilities", json!([1.0]), kraus(step)),
            ErrorPart::Mixture(mixture) => {
                let probabilities: Vec<f64> = mixture.terms().iter().map(|(p, _)| *p).collect();
                ("qerror", "probabilities", json!(probabilities), self::mixture(mixture))
            }
            ErrorPart::PauliLindblad(noise) => {
                let rates: Vec<f64> = noise.generators().iter().map(|(_, rate)| *rate).collect();
                ("plerror", "rates", json!(rates), generators(noise, size))
            }
        };
        let mut entry = Map::new();
        entry.insert("type".to_owned(), kind.into());
        entry.insert("instructions".to_owned(), padded(circuits, size).into());
        entry.insert(weights.to_owned(), values);
        entry
    })
}

/// What takes the place of the noise for all qubits, and does nothing: identity, or two gates that undo
/// each other. Of identities alone it would be no error to Aer, nor to the reader.
fn nothing(size: usize) -> Map<String, Value> {
    let identity = json!([{ "name": "id", "qubits": [0] }]);
    let twice = json!([{ "name": "x", "qubits": [0] }, { "name": "x", "qubits": [0] }]);
    let mut entry = Map::new();
    entry.insert("type".to_owned(), "qerror".into());
    entry.insert("instructions".to_owned(), padded(vec![identity, twice], size).into());
    entry.insert("probabilities".to_owned(), json!([0.5, 0.5]));
    entry
}

/// Aer takes the highest qubit that an error names for its size, which must be the instruction's.
fn padded(mut circuits: Vec<Value>, size: usize) -> Vec<Value> {
    let instructions = circuits.iter().filter_map(Value::as_array).flatten();
    let qubits = instructions.filter_map(|instruction| instruction["qubits"].as_array()).flatten();
    let largest = qubits.filter_map(Value::as_u64).max();
    let last = size.saturating_sub(1);
    if largest.is_none_or(|largest| (largest as usize) < last)
        && let Some(Value::Array(first)) = circuits.first_mut()
    {
        first.push(json!({ "name": "id", "qubits": [last] }));
    }
    circuits
}

fn kraus(step: &ErrorStep) -> Vec<Value> {
    let matrices = step.channel.kraus().iter().map(|k| matrix_json(k.dim(), k.entries()));
    let params: Value = matrices.collect();
    vec![json!([{ "name": "kraus", "qubits": step.places, "params": params }])]
}

fn mixture(mixture: &Mixture) -> Vec<Value> {
    let circuit = |(_, circuit): &(f64, crate::Circuit)| {
        let mut instructions =
            write_circuit(circuit).expect("what a mixture may hold has words in documents");
        for fields in instructions.iter_mut().filter_map(Value::as_object_mut) {
            fields.retain(|_, value| !value.is_null() && value != &json!([]));
        }
        instructions.into()
    };
    mixture.terms().iter().map(circuit).collect()
}

/// Up to this many qubits every letter is written, as Aer does; on more, those that are not `I`.
const ALL_LETTERS: usize = 5;

/// The first string has a letter for the last qubit, so that documents say how many there are.
fn generators(noise: &PauliLindblad, size: usize) -> Vec<Value> {
    let size = size.max(noise.n_qubits() as usize);
    let generator = |(number, (label, _)): (usize, &(String, f64))| {
        let letters = label.chars().rev().chain(std::iter::repeat('I')).take(size).enumerate();
        let is_written = |(place, letter): &(usize, char)| {
            *letter != 'I' || size <= ALL_LETTERS || (number == 0 && place + 1 == size)
        };
        let (mut places, mut string): (Vec<usize>, Vec<char>) = letters.filter(is_written).unzip();
        if places.is_empty() {
            (places, string) = (vec![0], vec!['I']);
        }
        let string: String = string.into_iter().rev().collect();
        json!([{ "name": "pauli", "params": [string], "qubits": places }])
    };
    noise.generators().iter().enumerate().map(generator).collect()
}
