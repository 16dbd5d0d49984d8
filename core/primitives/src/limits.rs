//! How much is run at once; what is more is refused before memory is taken for it.

use ketch_interface::{BackendConfiguration, Circuit};

use crate::{Error, Result, error::PubError};

/// Experiments of one job.
pub(crate) const MAX_EXPERIMENTS: u64 = 1 << 20;

/// Instructions of all circuits of one job.
const MAX_INSTRUCTIONS: u64 = 1 << 24;

/// Terms of an observable.
pub(crate) const MAX_TERMS: usize = 1 << 18;

/// Different strings of the observables at one set of numbers, if they are measured.
pub(crate) const MAX_GROUPED_TERMS: usize = 1 << 17;

/// Comparisons of strings with groups, for all pubs of a job: some seconds.
pub(crate) const MAX_COMPARISONS: u64 = 1 << 30;

/// Letters of all groups of such strings.
pub(crate) const MAX_GROUP_CELLS: usize = 1 << 28;

/// Bytes of all samples of one pub.
const MAX_SAMPLES: u128 = 1 << 33;

/// What a job has come to so far.
#[derive(Debug)]
pub(crate) struct Load {
    experiments: u64,
    most_experiments: u64,
    instructions: u64,
}

impl Load {
    pub(crate) fn new(configuration: &BackendConfiguration) -> Self {
        let of_backend = configuration.max_experiments.unwrap_or(u64::MAX);
        let most_experiments = of_backend.clamp(1, MAX_EXPERIMENTS);
        Self { experiments: 0, most_experiments, instructions: 0 }
    }

    /// Experiments that are about to be added.
    pub(crate) fn add_experiments(&mut self, more: usize) -> Result<()> {
        self.experiments = self.experiments.saturating_add(more as u64);
        bound("experiments", self.experiments, self.most_experiments)
    }

    /// A circuit of so many instructions that is about to be added.
    pub(crate) fn add_circuit(&mut self, instructions: usize) -> Result<()> {
        self.instructions = self.instructions.saturating_add(instructions as u64);
        bound("instructions", self.instructions, MAX_INSTRUCTIONS)
    }
}

fn bound(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found <= limit { Ok(()) } else { Err(Error::TooMuch { what, found, limit }) }
}

/// Refuses more shots than a backend runs.
pub(crate) fn check_shots(
    shots: u64,
    configuration: &BackendConfiguration,
) -> Result<(), PubError> {
    let limit = configuration.max_shots.unwrap_or(u64::MAX);
    match shots {
        0 => Err(PubError::NoShots),
        _ if shots > limit => {
            let backend = configuration.backend_name.clone();
            Err(PubError::TooManyShots { found: shots, backend, limit })
        }
        _ => Ok(()),
    }
}

/// Refuses samples that would not fit the memory.
pub(crate) fn check_samples(circuit: &Circuit, places: usize, shots: u64) -> Result<(), PubError> {
    // Each register has bytes of its own.
    let stride: u128 = circuit.cregs().iter().map(|creg| u128::from(creg.size.div_ceil(8))).sum();
    let found = stride * places as u128 * u128::from(shots);
    let limit = MAX_SAMPLES;
    if found <= limit { Ok(()) } else { Err(PubError::TooManySamples { found, limit }) }
}

/// Refuses a circuit that no engine and no codec would take.
pub(crate) fn check_circuit(circuit: &Circuit) -> Result<(), PubError> {
    circuit.validate().map_err(|error| PubError::Circuit {
        circuit: circuit.name.clone(),
        reason: error.to_string(),
    })
}
