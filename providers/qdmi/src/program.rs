//! From a circuit to the program that a device gets, and what to ask of its job afterwards.

use std::ffi::{CString, c_int};

use ketch_core::{
    Circuit, Error, Result,
    circuit::{Instruction, Op, Param, SaveKind, SaveSubtype},
};

use crate::{abi::format, device::Device};

/// What is known of a circuit that was accepted, whatever numbers its parameters get.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The state vector is wanted, under these names.
    pub(crate) saves: Vec<Saved>,
    /// The clbits that something is written to, in ascending order.
    pub(crate) written: Vec<u32>,
}

/// Where a state vector goes in the result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Saved {
    Data { key: String },
    Snapshot { kind: String, label: String },
}

impl Outline {
    /// Checks a circuit that the configuration allows.
    ///
    /// # Errors
    /// Gates on qubits that are not coupled, and saves of what the device does not tell.
    pub(crate) fn new(device: &Device, circuit: &Circuit) -> Result<Self> {
        check_couplings(device, circuit)?;
        Ok(Self { saves: saves(circuit)?, written: written(circuit) })
    }
}

/// Says a circuit in a language.
type Writer = fn(&Circuit) -> Result<String, String>;

/// The program of a circuit whose parameters have numbers: its format and text.
///
/// OpenQASM 2 is tried first: the devices that were met take more of it than of OpenQASM 3.
///
/// # Errors
/// What the languages that the device takes have no words for.
pub(crate) fn program(device: &Device, circuit: &Circuit) -> Result<(c_int, CString), String> {
    let is_left_out = |op: &Op| {
        let barrier = matches!(op, Op::Barrier) && !device.has_barrier;
        barrier || matches!(op, Op::Save(_) | Op::Snapshot(_))
    };
    let told = circuit.retained(|place| !is_left_out(circuit.instruction(place).op));
    let told = in_one_register(device, &told).unwrap_or(told);
    let mut reasons = Vec::new();
    let writers: [(c_int, Writer); 2] = [
        (format::QASM2, |circuit| ketch_qasm::emit_v2(circuit).map_err(|e| e.to_string())),
        (format::QASM3, |circuit| ketch_qasm::emit_v3(circuit).map_err(|e| e.to_string())),
    ];
    for (format, write) in writers.into_iter().filter(|(f, _)| device.formats.contains(f)) {
        let text = write(&told).and_then(|text| CString::new(text).map_err(|e| e.to_string()));
        match text {
            Ok(text) => return Ok((format, text)),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

fn refused(circuit: &Circuit, reason: &str) -> Error {
    let named = match circuit.name.as_str() {
        "" => String::new(),
        name => format!("circuit `{name}`: "),
    };
    Error::InvalidQobj { reason: format!("{named}{reason}"), source: None }
}

/// The clbits that measurements and stores write.
fn written(circuit: &Circuit) -> Vec<u32> {
    let writing = circuit.instructions().filter(|i| i.op.writes_clbits());
    let mut clbits: Vec<u32> = writing.flat_map(|i| i.clbits.iter().map(|c| c.0)).collect();
    clbits.sort_unstable();
    clbits.dedup();
    clbits
}

/// The state vectors that a circuit saves: of all qubits, where nothing but measurements follows
/// and nothing before is random, for a device tells the state at the end and once.
fn saves(circuit: &Circuit) -> Result<Vec<Saved>> {
    let mut saves = Vec::new();
    // What has to stand behind a save if it is there, and what makes it impossible.
    let (mut random, mut measured) = (false, false);
    for (_, instruction) in circuit.block(None) {
        let refuse =
            |why: &str| Err(refused(circuit, &format!("`{}` {why}", instruction.op.name())));
        let saved = match instruction.op {
            Op::Save(save) => match (&save.kind, save.subtype) {
                (SaveKind::Statevector, SaveSubtype::Single) => {
                    Saved::Data { key: save.key.clone() }
                }
                _ => return refuse("is not told by the device; it tells one state vector"),
            },
            Op::Snapshot(snapshot) if snapshot.kind == "statevector" => {
                let (kind, label) = (snapshot.kind.clone(), snapshot.label.clone());
                Saved::Snapshot { kind, label }
            }
            Op::Snapshot(_) => return refuse("of another type than `statevector`"),
            Op::Measure => {
                measured = true;
                continue;
            }
            Op::Barrier => continue,
            op => {
                random |= measured || !matches!(op, Op::Gate(_));
                if !saves.is_empty() {
                    return refuse(
                        "stands behind a save, and the device tells the state at the end",
                    );
                }
                continue;
            }
        };
        let all = instruction.qubits.iter().map(|qubit| qubit.0).eq(0..circuit.n_qubits());
        match () {
            () if !all => {
                return refuse("is of some qubits, and the device tells the state of all");
            }
            () if random => return refuse("stands behind what is random"),
            () => saves.push(saved),
        }
    }
    Ok(saves)
}

/// The circuit with one quantum register `q`, of the device's own width if its qubits differ: only
/// so `q[i]` is sure to be the device's `i`-th site. `None` for circuits with blocks or expressions.
fn in_one_register(device: &Device, circuit: &Circuit) -> Option<Circuit> {
    let numbers =
        |i: Instruction<'_>| i.params.iter().all(|param| matches!(param, Param::Number(_)));
    let plain = !circuit.has_control_flow() && circuit.variables().is_empty();
    if !plain || !circuit.instructions().all(numbers) {
        return None;
    }
    let own = device.configuration.n_qubits().filter(|_| device.coupling.is_some());
    let width = own.unwrap_or_default().max(circuit.n_qubits());
    let mut single = Circuit::new(width, 0).named(circuit.name.as_str());
    single.global_phase = circuit.global_phase;
    for register in circuit.cregs() {
        single.add_creg(register.name.as_str(), register.size);
    }
    for i in circuit.instructions() {
        single.push_unchecked(i.op.clone(), i.qubits, i.clbits, i.params);
    }
    Some(single)
}

/// Refuses gates on qubits that are not coupled, by name.
fn check_couplings(device: &Device, circuit: &Circuit) -> Result<()> {
    let Some(coupling) = &device.coupling else { return Ok(()) };
    for instruction in circuit.instructions() {
        let Op::Gate(gate) = instruction.op else { continue };
        let qubits = instruction.qubits;
        for (place, first) in qubits.iter().enumerate() {
            let apart = |second: u32| {
                !coupling.contains(first.0, second) && !coupling.contains(second, first.0)
            };
            if let Some(second) = qubits[place + 1..].iter().find(|second| apart(second.0)) {
                let backend = &device.configuration.backend_name;
                let reason = format!(
                    "`{}` on qubits {} and {}: `{backend}` does not couple them; compile the \
                     circuit for the device",
                    gate.name(),
                    first.0,
                    second.0
                );
                return Err(refused(circuit, &reason));
            }
        }
    }
    Ok(())
}
