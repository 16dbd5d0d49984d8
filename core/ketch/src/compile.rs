//! Circuits that fit the backend they are sent to.

use std::collections::BTreeMap;

use ketch_compiler::{CompileError, Options, Target, check, compile};

use crate::{
    Backend, BackendConfiguration, BackendError, BackendProperties, Circuit, Qobj, qobj::Program,
};

/// What compiling a Qobj came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The Qobj with circuits that fit.
    pub qobj: Qobj,
    /// What was done to each circuit, in the Qobj's order: `bell: +3 SWAP, layout 0→4`. Empty if
    /// the backend takes circuits as they are.
    pub notes: Vec<String>,
}

/// A circuit that cannot be made to fit, or does not fit as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The backend could not be asked what it is.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The circuit does not fit.
    #[error("circuit `{circuit}` does not fit backend `{backend}`")]
    Circuit {
        /// The circuit's name.
        circuit: String,
        /// The backend's name.
        backend: String,
        /// Why.
        source: CompileError,
    },
}

impl FitError {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Backend(error) => error.code(),
            Self::Circuit { .. } => "circuit.unfit",
        }
    }
}

/// Makes every circuit of a Qobj fit its backend, unless that is a simulator of this machine without
/// couplings: those take what they take, and the Qobj is returned as it is.
///
/// The same seed gives the same circuits. Blocks while the backend is asked, and works for some
/// milliseconds on usual circuits.
///
/// # Errors
/// If a circuit cannot be made to fit, or the backend cannot be asked.
pub fn fit(qobj: Qobj, backend: &dyn Backend, seed: u64) -> Result<Fitted, FitError> {
    match target_of(backend)? {
        Some(target) => compiled(qobj, backend.name(), &target, seed),
        None => Ok(Fitted { qobj, notes: Vec::new() }),
    }
}

/// Makes every circuit of a Qobj fit a device that is known by its documents only, such as one that
/// is to be simulated.
///
/// # Errors
/// If a circuit cannot be made to fit.
pub fn fit_to(
    qobj: Qobj,
    configuration: &BackendConfiguration,
    properties: &BackendProperties,
    seed: u64,
) -> Result<Fitted, FitError> {
    let name = &configuration.backend_name;
    compiled(qobj, name, &target(name, configuration, Some(properties))?, seed)
}

/// Checks that every circuit of a Qobj fits a backend as it is.
///
/// # Errors
/// The first gate outside the basis or the couplings, with its qubits.
pub fn check_fit(qobj: &Qobj, backend: &dyn Backend) -> Result<(), FitError> {
    match target_of(backend)? {
        Some(target) => checked(qobj, backend.name(), &target),
        None => Ok(()),
    }
}

/// Checks that every circuit of a Qobj fits a device that is known by its documents only.
///
/// # Errors
/// As [`check_fit`].
pub fn check_fit_to(
    qobj: &Qobj,
    configuration: &BackendConfiguration,
    properties: &BackendProperties,
) -> Result<(), FitError> {
    let name = &configuration.backend_name;
    checked(qobj, name, &target(name, configuration, Some(properties))?)
}

fn compiled(mut qobj: Qobj, name: &str, target: &Target, seed: u64) -> Result<Fitted, FitError> {
    let mut notes = Vec::new();
    if let Program::Circuits { circuits, .. } = &mut qobj.program {
        for circuit in circuits {
            let compiled = compile(circuit, target, &Options::seeded(seed))
                .map_err(|source| unfit(circuit, name, source))?;
            notes.push(format!("{}: {}", named(circuit), compiled.summary()));
            *circuit = compiled.circuit;
        }
    }
    relabel(&mut qobj);
    Ok(Fitted { qobj, notes })
}

fn checked(qobj: &Qobj, name: &str, target: &Target) -> Result<(), FitError> {
    qobj.circuits().iter().try_for_each(|circuit| {
        check(circuit, target).map_err(|source| unfit(circuit, name, source))
    })
}

/// What circuits must fit; `None` for a simulator that takes them as they are.
fn target_of(backend: &dyn Backend) -> Result<Option<Target>, FitError> {
    let configuration = backend.configuration()?;
    if configuration.simulator && configuration.local && configuration.coupling_map.is_none() {
        return Ok(None);
    }
    let properties = backend.properties()?;
    target(backend.name(), &configuration, properties.as_deref()).map(Some)
}

fn target(
    name: &str,
    configuration: &BackendConfiguration,
    properties: Option<&BackendProperties>,
) -> Result<Target, FitError> {
    let target = Target::new(configuration).map_err(|source| FitError::Circuit {
        circuit: String::new(),
        backend: name.to_owned(),
        source,
    })?;
    Ok(match properties {
        Some(properties) => target.with_properties(properties),
        None => target,
    })
}

/// The sizes and labels of qubits in the headers were those of the circuits before.
fn relabel(qobj: &mut Qobj) {
    let n_qubits: BTreeMap<usize, u32> =
        qobj.circuits().iter().map(Circuit::n_qubits).enumerate().collect();
    for experiment in qobj.experiments_mut() {
        for stale in ["qubit_labels", "qreg_sizes", "number_of_qubits", "compiled_circuit_qasm"] {
            experiment.header.shift_remove(stale);
        }
        if let (Some(size), Some(n_qubits)) =
            (experiment.header.get_mut("n_qubits"), n_qubits.get(&experiment.circuit))
        {
            *size = (*n_qubits).into();
        }
    }
}

fn unfit(circuit: &Circuit, backend: &str, source: CompileError) -> FitError {
    let (circuit, backend) = (named(circuit).to_owned(), backend.to_owned());
    FitError::Circuit { circuit, backend, source }
}

fn named(circuit: &Circuit) -> &str {
    if circuit.name.is_empty() { "circuit" } else { &circuit.name }
}
