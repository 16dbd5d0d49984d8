//! How many bits an experiment has, and in which registers, from what its document says.

use serde_json::{Map, Value};

use super::QobjJsonError;
use crate::{
    Circuit,
    circuit::{MAX_QUBITS, Register},
    json::{Mistyped, Node},
};

/// The header's fields for registers of qubits: their sizes, a label for each bit.
pub(super) const QUBIT_FIELDS: [&str; 2] = ["qreg_sizes", "qubit_labels"];
/// The same for clbits.
pub(crate) const CLBIT_FIELDS: [&str; 2] = ["creg_sizes", "clbit_labels"];

/// An empty circuit of the experiment's size.
///
/// Sizes come from the experiment's header, else from its configuration, else from the Qobj's, and
/// where nothing says them from the highest index that an instruction names.
pub(super) fn circuit(
    experiment: &Node<'_, '_>,
    qobj: &Node<'_, '_>,
) -> Result<Circuit, QobjJsonError> {
    let n_qubits = match said(experiment, qobj, &["n_qubits", "number_of_qubits"])? {
        Some(size) => size,
        None => used(experiment, &["qubits"])?,
    };
    let n_clbits = match said(experiment, qobj, &["memory_slots", "number_of_clbits"])? {
        Some(size) => size,
        None => used(experiment, &["memory", "clbits"])?,
    };
    let none = Map::new();
    let header = experiment.value.get("header").and_then(Value::as_object).unwrap_or(&none);
    let mut circuit = Circuit::default();
    for register in registers(header, QUBIT_FIELDS, "q", n_qubits) {
        circuit.add_qreg(register.name, register.size);
    }
    for register in registers(header, CLBIT_FIELDS, "c", n_clbits) {
        circuit.add_creg(register.name, register.size);
    }
    Ok(circuit)
}

fn said(
    experiment: &Node<'_, '_>,
    qobj: &Node<'_, '_>,
    names: &[&str],
) -> Result<Option<u32>, Mistyped> {
    let places = [(experiment, "header"), (experiment, "config"), (qobj, "config")];
    for (node, part) in places {
        let Some(part) = node.get(part) else { continue };
        if let Some(size) = part.get_any(names) {
            return size.below(MAX_QUBITS + 1, "a number of bits").map(Some);
        }
    }
    Ok(None)
}

/// One more than the highest index in these fields of any instruction.
fn used(experiment: &Node<'_, '_>, fields: &[&str]) -> Result<u32, Mistyped> {
    let mut size = 0;
    for instruction in experiment.require("instructions")?.items()? {
        let Some(bits) = instruction.get_any(fields) else { continue };
        if bits.value.is_number() {
            size = size.max(bits.below(MAX_QUBITS, "a bit")? + 1);
        } else {
            for bit in bits.items()? {
                size = size.max(bit.below(MAX_QUBITS, "a bit")? + 1);
            }
        }
    }
    Ok(size)
}

/// The registers that the header gives `n_bits` bits: from sizes, or from a label for each bit.
/// Qiskit 0.6 wrote sizes where labels belong. One register if nothing fits.
pub(crate) fn registers(
    header: &Map<String, Value>,
    [sizes, labels]: [&str; 2],
    name: &str,
    n_bits: u32,
) -> Vec<Register> {
    let sizes = header.get(sizes).and_then(pairs);
    let labels = header.get(labels).and_then(pairs);
    let by_label = || labels.as_deref().and_then(|labels| from_labels(labels, n_bits));
    let found = sizes.as_deref().and_then(|sizes| from_sizes(sizes, n_bits));
    let found = found.or_else(by_label);
    let found = found.or_else(|| labels.as_deref().and_then(|sizes| from_sizes(sizes, n_bits)));
    match found {
        Some(registers) => registers,
        None if n_bits == 0 => Vec::new(),
        None => vec![Register::new(name, 0, n_bits)],
    }
}

/// `[["name", number], …]`, or nothing.
fn pairs(list: &Value) -> Option<Vec<(&str, u32)>> {
    fn pair(item: &Value) -> Option<(&str, u32)> {
        let [name, number] = item.as_array()?.as_slice() else { return None };
        Some((name.as_str()?, u32::try_from(number.as_u64()?).ok()?))
    }
    list.as_array()?.iter().map(pair).collect()
}

fn from_sizes(sizes: &[(&str, u32)], n_bits: u32) -> Option<Vec<Register>> {
    let mut start = 0_u32;
    let mut registers = Vec::new();
    for (name, size) in sizes {
        registers.push(Register::new(*name, start, *size));
        start = start.checked_add(*size)?;
    }
    (start == n_bits).then_some(registers)
}

fn from_labels(labels: &[(&str, u32)], n_bits: u32) -> Option<Vec<Register>> {
    let mut registers: Vec<Register> = Vec::new();
    for (place, (name, index)) in (0..).zip(labels) {
        match registers.last_mut() {
            Some(last) if last.name == *name && *index == last.size => last.size += 1,
            _ if *index == 0 => registers.push(Register::new(*name, place, 1)),
            _ => return None,
        }
    }
    (labels.len() == n_bits as usize).then_some(registers)
}
