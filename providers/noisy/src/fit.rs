//! Whether a circuit fits a device: its gates in the basis, their qubits coupled.

use ketch_core::{
    Circuit, Error, Matrix, Result,
    circuit::{Controls, GateOp, Instruction, Op, Param, Qubit, Spelling},
};

use crate::document::Device;

/// What to do about a circuit that does not fit.
const FIX: &str = "compile the circuit for the device";

/// Checks the gates of a circuit, those in blocks included.
///
/// # Errors
/// The first gate that is not in the basis, or whose qubits it cannot act on; it is named with its
/// qubits.
pub(crate) fn check(device: &Device, circuit: &Circuit) -> Result<()> {
    circuit.instructions().try_for_each(|instruction| match instruction.op {
        Op::Gate(gate) => check_gate(device, *gate, instruction, &circuit.name),
        _ => Ok(()),
    })
}

fn check_gate(
    device: &Device,
    gate: GateOp,
    instruction: Instruction<'_>,
    circuit: &str,
) -> Result<()> {
    let configuration = &device.configuration;
    let device_name = &configuration.backend_name;
    let qubits: Vec<u32> = instruction.qubits.iter().map(|qubit| qubit.0).collect();
    let refuse = |reason: String| {
        let named =
            if circuit.is_empty() { String::new() } else { format!("circuit `{circuit}`: ") };
        let what = format!("{named}`{}` on {}", gate.name(), list(instruction.qubits));
        Err(Error::InvalidQobj { reason: format!("{what}: {reason}; {FIX}"), source: None })
    };
    let Some(name) = configuration.basis_gates.iter().find(|name| means(name, gate)) else {
        let basis = configuration.basis_gates.join(", ");
        return refuse(format!("the basis gates of `{device_name}` are {basis}"));
    };
    let own = configuration.gates.iter().find(|known| known.name == *name);
    let own = own.and_then(|known| known.coupling_map.as_ref());
    let backwards: Vec<u32> = qubits.iter().rev().copied().collect();
    let symmetric = || qubits.len() == 2 && is_symmetric(gate, instruction.params);
    if let Some(groups) = own {
        return match groups.contains(&qubits) || groups.contains(&backwards) && symmetric() {
            true => Ok(()),
            false if groups.contains(&backwards) => refuse(one_way(device_name, &backwards)),
            false => refuse(format!("`{device_name}` has no `{name}` there")),
        };
    }
    let Some(coupling) = device.coupling.as_ref().filter(|_| qubits.len() > 1) else {
        return Ok(());
    };
    for (place, &first) in qubits.iter().enumerate() {
        for &second in &qubits[place + 1..] {
            let backwards = coupling.contains(second, first);
            if coupling.contains(first, second) || backwards && symmetric() {
                continue;
            }
            return match backwards {
                true => refuse(one_way(device_name, &[second, first])),
                false => refuse(format!("`{device_name}` does not couple them")),
            };
        }
    }
    Ok(())
}

fn one_way(device: &str, way: &[u32]) -> String {
    format!("`{device}` couples them the other way only, from {} to {}", way[0], way[1])
}

/// `qubit 3`, or `qubits 0 and 4`.
fn list(qubits: &[Qubit]) -> String {
    let numbers: Vec<String> = qubits.iter().map(|qubit| qubit.0.to_string()).collect();
    match &numbers[..] {
        [one] => format!("qubit {one}"),
        [most @ .., last] => format!("qubits {} and {last}", most.join(", ")),
        [] => "no qubits".to_owned(),
    }
}

/// Whether a name of the basis means this gate: `cnot` is `cx`.
fn means(name: &str, gate: GateOp) -> bool {
    let Some(spelling) = Spelling::by_name(name) else { return false };
    let controls = match spelling.controls {
        Controls::Exactly(controls) => gate.controls == controls,
        Controls::Any => gate.controls > 0,
    };
    gate.gate == spelling.gate && controls && gate.state.is_all()
}

/// Whether exchanging the two qubits of a gate changes nothing.
fn is_symmetric(gate: GateOp, params: &[Param]) -> bool {
    // For parameters that are not known yet, a generic angle stands.
    let numbers: Vec<f64> = params.iter().map(|param| param.as_number().unwrap_or(0.7)).collect();
    if numbers.len() != gate.gate.info().n_params as usize {
        return false;
    }
    let matrix = gate.matrix(&numbers);
    let exchanged = |i: usize| i >> 1 | (i & 1) << 1;
    let entries = (0..16).map(|i| matrix.at(exchanged(i / 4), exchanged(i % 4))).collect();
    Matrix::new(4, entries).is_some_and(|other| other.distance(&matrix) < 1e-12)
}
