//! Why a circuit cannot be made to fit a device.

use ketch_interface::{circuit::CircuitError, device::TooManyCouplings};

/// Why a circuit cannot be made to fit, or does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum CompileError {
    /// The circuit is not well formed.
    #[error("the circuit is not valid")]
    Circuit(#[from] CircuitError),
    /// The device's couplings cannot be spelt out.
    #[error("the coupling map of `{backend}` is not usable")]
    Couplings { backend: String, source: TooManyCouplings },
    /// A coupling names a qubit that the device does not have.
    #[error(
        "the coupling map of `{backend}` names qubit {qubit}, but the backend has {n_qubits} \
         qubits"
    )]
    NoSuchQubit { backend: String, qubit: u32, n_qubits: u32 },
    /// The device is larger than the compiler's tables.
    #[error("`{backend}` has {n_qubits} coupled qubits; circuits are routed on at most {limit}")]
    DeviceTooLarge { backend: String, n_qubits: u32, limit: u32 },
    /// The device is too small.
    #[error("`{backend}` has {limit} qubits, the circuit `{circuit}` needs {needed}")]
    TooManyQubits { backend: String, circuit: String, needed: u32, limit: u32 },
    /// The device falls into parts, none of which holds the circuit.
    #[error(
        "the circuit `{circuit}` has {needed} qubits that interact; the largest connected part of \
         `{backend}` has {largest}"
    )]
    Disconnected { backend: String, circuit: String, needed: u32, largest: u32 },
    /// The circuit was to be taken as it is, but has an instruction that the device has not.
    #[error(
        "`{gate}` on {} is not in the basis of `{backend}` ({})",
        qubits_text(qubits),
        basis.join(", ")
    )]
    OutsideBasis { backend: String, gate: String, qubits: Vec<u32>, basis: Vec<String> },
    /// The circuit was to be taken as it is, but has a gate on qubits that are not coupled.
    #[error("`{gate}` on {}: `{backend}` does not couple them{}", qubits_text(qubits), hint(*reversed))]
    OutsideMap { backend: String, gate: String, qubits: Vec<u32>, reversed: bool },
    /// The basis has no gates that make every one-qubit unitary.
    #[error(
        "cannot make `{gate}` from the basis of `{backend}` ({}): it lacks {lacks}",
        basis.join(", ")
    )]
    PoorBasis { backend: String, gate: String, lacks: &'static str, basis: Vec<String> },
    /// An instruction has no translation.
    #[error(
        "`{instruction}` on {} cannot be translated for `{backend}`: {reason}",
        qubits_text(qubits)
    )]
    Untranslatable { backend: String, instruction: String, qubits: Vec<u32>, reason: String },
    /// The translation would fill the memory.
    #[error("the circuit becomes larger than {limit} operations at `{instruction}`")]
    TooLarge { instruction: String, limit: usize },
}

fn qubits_text(qubits: &[u32]) -> String {
    let numbers: Vec<String> = qubits.iter().map(u32::to_string).collect();
    match numbers.len() {
        0 => "no qubit".to_owned(),
        1 => format!("qubit {}", numbers[0]),
        _ => format!("qubits {}", numbers.join(", ")),
    }
}

fn hint(reversed: bool) -> &'static str {
    if reversed { " in this order, only the other way round" } else { "" }
}
