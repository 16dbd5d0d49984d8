//! Instructions whose parameters are more than numbers: matrices, states, channels, Pauli sums.

use num_complex::Complex64;
use serde_json::{Value, json};

use crate::{
    BitString, Matrix,
    circuit::{
        Initialize, Labelled, Op, PauliTerm, Save, SaveKind, SaveSubtype, SetState, Snapshot,
        TimeUnit,
    },
    json::{Mistyped, Node, complex_json, matrix_json, vector_json},
};

type Read<T> = Result<T, Mistyped>;

/// The operation with this name if it is one of those, for `n_qubits` qubits.
pub(super) fn read(name: &str, node: &Node<'_, '_>, n_qubits: u32) -> Read<Option<Op>> {
    Ok(Some(match name {
        "unitary" => {
            let params = node.require("params")?;
            let label = node.get("label").map(|label| label.text()).transpose()?;
            let value = only_matrix(&params)?;
            Op::Unitary(Box::new(Labelled { label: label.map(str::to_owned), value }))
        }
        "diagonal" => Op::Diagonal(node.require("params")?.vector()?.into()),
        "multiplexer" => {
            Op::Multiplexer(node.require("params")?.list(|node| node.matrix())?.into())
        }
        "kraus" => Op::Kraus(node.require("params")?.list(|node| node.matrix())?.into()),
        "superop" => Op::Superop(Box::new(only_matrix(&node.require("params")?)?)),
        "pauli" => Op::Pauli(only(&node.require("params")?, |node| node.text_owned())?.into()),
        "initialize" => Op::Initialize(Box::new(initialize(&node.require("params")?)?)),
        "roerror" => {
            if let Some(registers) = node.get("register")
                && registers.items()?.len() > 0
            {
                return Err(registers.expected("no registers: readout errors act on memory"));
            }
            let rows = match node.get("probabilities") {
                Some(rows) => rows.list(|row| row.list(|node| node.number()))?,
                None => node.require("params")?.list(|row| row.list(|node| node.number()))?,
            };
            Op::ReadoutError(rows.into())
        }
        "delay" => Op::Delay(unit(node)?),
        "snapshot" => Op::Snapshot(Box::new(snapshot(node)?)),
        "set_statevector" => set(SetState::Statevector(only(&state(node)?, |node| node.vector())?)),
        "set_density_matrix" => set(SetState::DensityMatrix(only_matrix(&state(node)?)?)),
        "set_unitary" => set(SetState::Unitary(only_matrix(&state(node)?)?)),
        "set_superop" => set(SetState::Superop(only_matrix(&state(node)?)?)),
        _ => match save_kind(name, node, n_qubits)? {
            Some(kind) => Op::Save(Box::new(save(kind, node)?)),
            None => return Ok(None),
        },
    }))
}

/// The parameters, as documents hold them; `None` for an operation of numbers only.
///
/// # Errors
/// What a document has no words for.
pub(super) fn write(op: &Op) -> Result<Option<Value>, String> {
    let matrices = |matrices: &[Matrix]| matrices.iter().map(matrix).collect::<Value>();
    Ok(Some(match op {
        Op::Unitary(unitary) => json!({"params": [matrix(&unitary.value)], "label": unitary.label}),
        Op::Diagonal(diagonal) => json!({"params": vector_json(diagonal)}),
        Op::Multiplexer(list) => json!({"params": matrices(list)}),
        Op::Kraus(list) => json!({"params": matrices(list)}),
        Op::Superop(superop) => json!({"params": [matrix(superop)]}),
        Op::Pauli(letters) => json!({"params": [letters]}),
        Op::Initialize(state) => match &**state {
            Initialize::Amplitudes(amplitudes) => json!({"params": vector_json(amplitudes)}),
            Initialize::Labels(labels) => {
                let letters: Vec<String> = labels.chars().map(String::from).collect();
                json!({"params": letters})
            }
        },
        Op::ReadoutError(rows) => json!({"params": rows, "probabilities": rows}),
        Op::Snapshot(snapshot) => {
            let terms = snapshot.paulis.iter().map(snapshot_term);
            // Qiskit called the type `type` up to 0.7, and `snapshot_type` later.
            json!({
                "label": snapshot.label,
                "type": snapshot.kind,
                "snapshot_type": snapshot.kind,
                "params": terms.collect::<Value>(),
            })
        }
        Op::SetState(state) => match &**state {
            SetState::Statevector(amplitudes) => json!({"params": [vector_json(amplitudes)]}),
            SetState::DensityMatrix(value)
            | SetState::Unitary(value)
            | SetState::Superop(value) => {
                json!({"params": [matrix(value)]})
            }
        },
        Op::Save(save) => {
            let mut fields = json!({"label": save.key, "snapshot_type": save.subtype});
            match &save.kind {
                SaveKind::ExpectationValue(terms) | SaveKind::ExpectationValueVariance(terms) => {
                    let terms: Result<Value, String> = terms.iter().map(save_term).collect();
                    fields["params"] = terms?;
                }
                SaveKind::Amplitudes(states) | SaveKind::AmplitudesSquared(states) => {
                    let index = |bits: &BitString| bits.to_u64().map(Value::from);
                    let index = |bits| index(bits).unwrap_or_else(|| bits.to_hex().into());
                    fields["params"] = states.iter().map(index).collect();
                }
                _ => {}
            }
            fields
        }
        _ => return Ok(None),
    }))
}

fn matrix(matrix: &Matrix) -> Value {
    matrix_json(matrix.dim(), matrix.entries())
}

fn snapshot_term(term: &PauliTerm) -> Value {
    json!([complex_json(&term.coefficient), term.pauli])
}

/// Aer's form: the string, its real weight, and its weight in the square of the sum, which is
/// left to the reader.
fn save_term(term: &PauliTerm) -> Result<Value, String> {
    match term.coefficient {
        Complex64 { re, im: 0.0 } => Ok(json!([term.pauli, [re, 0.0]])),
        weight => Err(format!("an expectation value with the complex weight {weight}")),
    }
}

fn set(state: SetState) -> Op {
    Op::SetState(Box::new(state))
}

fn state<'v, 'p>(node: &'p Node<'v, 'p>) -> Read<Node<'v, 'p>> {
    node.require("params")
}

/// The one item of a list.
fn only<T>(list: &Node<'_, '_>, read: impl Fn(&Node<'_, '_>) -> Read<T>) -> Read<T> {
    let mut items = list.items()?;
    match (items.next(), items.next()) {
        (Some(item), None) => read(&item),
        _ => Err(list.expected("a list of 1")),
    }
}

/// A matrix, alone in a list or, as Aer 0.1 wrote it, on its own.
fn only_matrix(list: &Node<'_, '_>) -> Read<Matrix> {
    if list.items()?.len() == 1 { only(list, |node| node.matrix()) } else { list.matrix() }
}

fn initialize(params: &Node<'_, '_>) -> Read<Initialize> {
    let is_text = |value: &Value| value.is_string();
    let texts = params.value.as_array().is_some_and(|items| items.iter().all(is_text));
    if texts && params.items()?.len() > 0 {
        return Ok(Initialize::Labels(params.list(|node| node.text_owned())?.concat()));
    }
    params.vector().map(Initialize::Amplitudes)
}

fn unit(node: &Node<'_, '_>) -> Read<TimeUnit> {
    let Some(unit) = node.get("unit") else { return Ok(TimeUnit::Tick) };
    let known = serde_json::from_value(unit.value.clone());
    known.map_err(|_| unit.expected("one of s, ms, us, ns, ps, dt"))
}

fn snapshot(node: &Node<'_, '_>) -> Read<Snapshot> {
    let kind = node.get_any(&["snapshot_type", "type"]).map(|kind| kind.text()).transpose()?;
    let kind = match kind.unwrap_or_default() {
        "" => "statevector",
        kind => kind,
    };
    let label = node.get("label").map(|label| label.text()).transpose()?;
    let mut label = label.unwrap_or_default().to_owned();
    let mut paulis = Vec::new();
    if let Some(params) = node.get("params") {
        if kind.starts_with("expectation_value_pauli") {
            paulis = params.list(|term| {
                let mut parts = term.items()?;
                match (parts.next(), parts.next(), parts.next()) {
                    (Some(weight), Some(pauli), None) => {
                        Ok(PauliTerm { pauli: pauli.text_owned()?, coefficient: weight.complex()? })
                    }
                    _ => Err(term.expected("a weight and a Pauli string")),
                }
            })?;
        } else if params.items()?.len() > 0 {
            // Qiskit 0.6 numbers its snapshots with the parameter and leaves the label empty.
            let slot = only(&params, |node| node.whole())?;
            if label.is_empty() {
                label = slot.to_string();
            }
        }
    }
    Ok(Snapshot { kind: kind.to_owned(), label, paulis })
}

fn save(kind: SaveKind, node: &Node<'_, '_>) -> Read<Save> {
    let key = node.get("label").map(|label| label.text()).transpose()?;
    let key = key.unwrap_or(kind.default_key()).to_owned();
    let subtype = match node.get("snapshot_type") {
        Some(subtype) => serde_json::from_value(subtype.value.clone()).map_err(|_| {
            subtype.expected(
                "one of single, list, average, accum, c_single, c_list, c_average, c_accum",
            )
        })?,
        None => SaveSubtype::default(),
    };
    Ok(Save { kind, key, subtype })
}

fn save_kind(name: &str, node: &Node<'_, '_>, n_qubits: u32) -> Read<Option<SaveKind>> {
    let terms = || node.require("params")?.list(expectation_term);
    let states = || node.require("params")?.list(|index| basis_state(index, n_qubits));
    Ok(Some(match name {
        "save_state" => SaveKind::State,
        "save_statevector" => SaveKind::Statevector,
        "save_statevector_dict" => SaveKind::StatevectorDict,
        "save_density_matrix" => SaveKind::DensityMatrix,
        "save_probabilities" => SaveKind::Probabilities,
        "save_probabilities_dict" => SaveKind::ProbabilitiesDict,
        "save_expval" => SaveKind::ExpectationValue(terms()?),
        "save_expval_var" => SaveKind::ExpectationValueVariance(terms()?),
        "save_amplitudes" => SaveKind::Amplitudes(states()?),
        "save_amplitudes_sq" => SaveKind::AmplitudesSquared(states()?),
        "save_matrix_product_state" => SaveKind::MatrixProductState,
        "save_stabilizer" => SaveKind::Stabilizer,
        "save_clifford" => SaveKind::Clifford,
        "save_unitary" => SaveKind::Unitary,
        "save_superop" => SaveKind::Superop,
        _ => return Ok(None),
    }))
}

/// `["XX", weight]`, or `["XX", [weight, weight in the square]]` as Aer writes it.
fn expectation_term(term: &Node<'_, '_>) -> Read<PauliTerm> {
    let mut parts = term.items()?;
    let (Some(pauli), Some(weight)) = (parts.next(), parts.next()) else {
        return Err(term.expected("a Pauli string and its weight"));
    };
    let coefficient = match weight.value.as_f64() {
        Some(weight) => weight,
        None => weight.complex()?.re,
    };
    Ok(PauliTerm { pauli: pauli.text_owned()?, coefficient: coefficient.into() })
}

fn basis_state(index: &Node<'_, '_>, n_qubits: u32) -> Read<BitString> {
    let wrong = || index.expected(format!("a basis state of {n_qubits} qubits"));
    if let Some(number) = index.value.as_u64() {
        let fits = n_qubits >= 64 || number >> n_qubits == 0;
        return fits.then(|| BitString::from_u64(n_qubits, number)).ok_or_else(wrong);
    }
    BitString::from_hex(n_qubits, index.text()?).map_err(|_| wrong())
}
