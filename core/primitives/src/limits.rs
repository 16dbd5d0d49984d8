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

/// Numbers for parameters, of all experiments of one job.
const MAX_NUMBERS: u64 = 1 << 25;

/// Bytes of all samples of one job, and so of one pub.
const MAX_SAMPLES: u128 = 1 << 33;

/// What a job has come to so far.
#[derive(Debug)]
pub(crate) struct Load {
    experiments: u64,
    most_experiments: u64,
    instructions: u64,
    numbers: u64,
    samples: u128,
}

impl Load {
    pub(crate) fn new(configuration: &BackendConfiguration) -> Self {
        let of_backend = configuration.max_experiments.unwrap_or(u64::MAX);
        let most_experiments = of_backend.clamp(1, MAX_EXPERIMENTS);
        Self { experiments: 0, most_experiments, instructions: 0, numbers: 0, samples: 0 }
    }

    /// Experiments that are about to be added, each with so many numbers for parameters.
    pub(crate) fn add_experiments(&mut self, more: usize, numbers: usize) -> Result<()> {
        self.experiments = self.experiments.saturating_add(more as u64);
        bound("experiments", self.experiments, self.most_experiments)?;
        let numbers = (more as u64).saturating_mul(numbers as u64);
        self.numbers = self.numbers.saturating_add(numbers);
        bound("numbers for parameters", self.numbers, MAX_NUMBERS)
    }

    /// Samples that there are going to be: so many shots of this circuit.
    pub(crate) fn add_samples(
        &mut self,
        circuit: &Circuit,
        places: usize,
        shots: u64,
    ) -> Result<()> {
        self.samples = self.samples.saturating_add(samples(circuit, places, shots));
        let found = u64::try_from(self.samples).unwrap_or(u64::MAX);
        bound("bytes of samples", found, MAX_SAMPLES as u64)
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
    let found = samples(circuit, places, shots);
    let limit = MAX_SAMPLES;
    if found <= limit { Ok(()) } else { Err(PubError::TooManySamples { found, limit }) }
}

/// The bytes of so many shots at so many places.
fn samples(circuit: &Circuit, places: usize, shots: u64) -> u128 {
    // Each register has bytes of its own.
    let stride: u128 = circuit.cregs().iter().map(|creg| u128::from(creg.size.div_ceil(8))).sum();
    (stride * places as u128).saturating_mul(shots.into())
}

/// Refuses a circuit that no engine and no codec would take.
pub(crate) fn check_circuit(circuit: &Circuit) -> Result<(), PubError> {
    circuit.validate().map_err(|error| PubError::Circuit {
        circuit: circuit.name.clone(),
        reason: error.to_string(),
    })
}
