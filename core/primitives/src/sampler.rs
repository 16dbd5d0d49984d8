//! The sampler: the outcome of every shot, for each classical register.

use std::time::Duration;

use ketch_interface::{
    Backend, BackendConfiguration, BitString, Circuit, Qobj, RunResult,
    qobj::{Experiment, Program},
    result::{ExperimentResult, Memory},
};
use serde_json::{Map, Value};

use crate::{
    Error, ParameterValues, PrimitiveResult, PubError, Result, SamplerPubResult,
    array::shape_text,
    bit_array::{Columns, stride},
    limits::{Load, check_circuit, check_samples, check_shots},
    parameters::Bindings,
    run::run,
};

/// What the sampler runs: a circuit that measures, at each place of an array of parameter values.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplerPub {
    /// The circuit. It may measure anywhere and depend on what it measured.
    pub circuit: Circuit,
    /// Values for its parameters.
    pub parameter_values: ParameterValues,
    /// How often the circuit is run at each place; `None`: as often as the options say.
    pub shots: Option<u64>,
}

impl SamplerPub {
    /// A circuit without parameters.
    #[must_use]
    pub fn new(circuit: Circuit) -> Self {
        Self { circuit, parameter_values: ParameterValues::none(), shots: None }
    }

    /// With values for its parameters.
    #[must_use]
    pub fn with_parameters(mut self, values: impl Into<ParameterValues>) -> Self {
        self.parameter_values = values.into();
        self
    }

    /// With a number of shots of its own.
    #[must_use]
    pub fn with_shots(mut self, shots: u64) -> Self {
        self.shots = Some(shots);
        self
    }

    /// Checked: the shots, and the numbers at each place.
    fn checked(&self, options: &SamplerOptions) -> Result<(u64, Bindings<'_>), PubError> {
        check_circuit(&self.circuit)?;
        if !self.circuit.instructions().any(|instruction| instruction.op.writes_clbits()) {
            return Err(PubError::NothingMeasured { circuit: self.circuit.name.clone() });
        }
        let bindings = self.parameter_values.bindings(&self.circuit)?;
        if bindings.n_places == 0 {
            return Err(PubError::Empty { shape: shape_text(&bindings.shape) });
        }
        let shots = self.shots.unwrap_or(options.default_shots);
        check_samples(&self.circuit, bindings.n_places, shots)?;
        Ok((shots, bindings))
    }
}

/// What holds for all pubs of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplerOptions {
    /// The shots of a pub that does not say how many.
    pub default_shots: u64,
    /// The seed of all random choices; `None`: another one each time.
    pub seed: Option<u64>,
    /// The backend's own options, such as `noise_model`.
    pub backend: Map<String, Value>,
}

impl Default for SamplerOptions {
    /// 4096 shots, as IBM's sampler has it.
    fn default() -> Self {
        Self { default_shots: 4096, seed: None, backend: Map::new() }
    }
}

/// What a backend is to run for these pubs: one experiment for each place of each pub, in order.
///
/// # Errors
/// What is wrong with a pub, naming it; or too many shots for the backend, or too much altogether.
pub fn plan(
    pubs: &[SamplerPub],
    options: &SamplerOptions,
    configuration: &BackendConfiguration,
) -> Result<Qobj> {
    if pubs.is_empty() {
        return Err(Error::NoPubs);
    }
    let mut load = Load::new(configuration);
    let (mut circuits, mut experiments) = (Vec::new(), Vec::new());
    for (index, one) in pubs.iter().enumerate() {
        let in_pub = Error::of_pub(index);
        let (shots, bindings) = one.checked(options).map_err(&in_pub)?;
        check_shots(shots, configuration).map_err(&in_pub)?;
        load.add_circuit(one.circuit.len())?;
        load.add_experiments(bindings.n_places, one.circuit.parameters().len())?;
        load.add_samples(&one.circuit, bindings.n_places, shots)?;
        circuits.push(one.circuit.clone());
        experiments.extend((0..bindings.n_places).map(|place| {
            let mut experiment = Experiment {
                circuit: index,
                bindings: bindings.at(place),
                ..Experiment::default()
            };
            experiment.config.shots = Some(shots);
            experiment
        }));
    }
    let mut qobj = Qobj::from_circuits(Vec::new());
    qobj.program = Program::Circuits { circuits, experiments };
    qobj.config.seed = options.seed;
    qobj.config.memory = Some(configuration.memory);
    qobj.config.options = options.backend.clone();
    Ok(qobj)
}

/// The outcomes of these pubs, from the result of what was [planned](plan) for them.
///
/// # Errors
/// An experiment that failed, with the reason, or a result that is not that of these pubs.
pub fn collect(
    pubs: &[SamplerPub],
    options: &SamplerOptions,
    result: &RunResult,
) -> Result<PrimitiveResult<SamplerPubResult>> {
    let mut first = 0;
    let mut collected = Vec::with_capacity(pubs.len());
    for (index, one) in pubs.iter().enumerate() {
        let in_pub = Error::of_pub(index);
        let (shots, bindings) = one.checked(options).map_err(&in_pub)?;
        let range = first..first + bindings.n_places;
        first = range.end;
        let Some(experiments) = result.experiments.get(range.clone()) else {
            break;
        };
        let results = range.zip(experiments);
        collected.push(outcomes(&one.circuit, shots, bindings.shape, results).map_err(&in_pub)?);
    }
    if first != result.experiments.len() || collected.len() != pubs.len() {
        let found = result.experiments.len();
        return Err(Error::OtherResult { found, expected: expected(pubs, options)? });
    }
    Ok(PrimitiveResult::new(collected))
}

fn expected(pubs: &[SamplerPub], options: &SamplerOptions) -> Result<usize> {
    let places = |(index, one): (usize, &SamplerPub)| {
        one.checked(options).map(|(_, bindings)| bindings.n_places).map_err(Error::of_pub(index))
    };
    pubs.iter().enumerate().map(places).sum()
}

/// The outcomes at each place of a pub.
fn outcomes<'r>(
    circuit: &Circuit,
    shots: u64,
    shape: Vec<usize>,
    results: impl ExactSizeIterator<Item = (usize, &'r ExperimentResult)>,
) -> Result<SamplerPubResult, PubError> {
    let n_shots = usize::try_from(shots).expect("as many shots as fit the memory");
    let mut columns = Columns::new(circuit.cregs(), results.len() * n_shots);
    let mut in_order = true;
    for (experiment, result) in results {
        if !result.success {
            return Err(PubError::Failed { experiment, status: result.status.clone() });
        }
        let differs = |what, found, expected| {
            if found == expected {
                return Ok(());
            }
            Err(PubError::Differs { experiment, what, found, expected })
        };
        let n_clbits = u64::from(circuit.n_clbits());
        if let Some(memory) = &result.memory {
            differs("clbits", u64::from(memory.width()), n_clbits)?;
            differs("shots", memory.len() as u64, shots)?;
            let stride = Memory::stride_of(memory.width());
            memory.bytes().chunks_exact(stride).for_each(|shot| columns.push(shot));
            continue;
        }
        let Some(counts) = &result.counts else {
            let what = "memory and no counts".to_owned();
            return Err(PubError::Lacks { experiment, what });
        };
        in_order = false;
        differs("shots", counts.total(), shots)?;
        for (outcome, count) in counts.iter() {
            differs("clbits", u64::from(outcome.width()), n_clbits)?;
            let bytes = le_bytes(outcome);
            (0..count).for_each(|_| columns.push(&bytes));
        }
    }
    let mut metadata = Map::new();
    metadata.insert("shots".to_owned(), shots.into());
    if !in_order {
        metadata.insert("shots_in_order".to_owned(), false.into());
    }
    let registers = columns.finish(&shape, n_shots);
    Ok(SamplerPubResult { shape, registers, metadata })
}

fn le_bytes(outcome: &BitString) -> Vec<u8> {
    let mut bytes: Vec<u8> = outcome.words().flat_map(u64::to_le_bytes).collect();
    bytes.truncate(stride(outcome.width()));
    bytes
}

/// A sampler on a backend.
#[derive(Clone)]
pub struct Sampler<'b> {
    backend: &'b dyn Backend,
    /// What holds for all pubs.
    pub options: SamplerOptions,
}

impl<'b> Sampler<'b> {
    /// On this backend, with the default options. Circuits are run as they are: what a device needs
    /// compiled must be compiled before.
    #[must_use]
    pub fn new(backend: &'b dyn Backend) -> Self {
        Self { backend, options: SamplerOptions::default() }
    }

    /// With this many shots for each pub that does not say otherwise.
    #[must_use]
    pub fn with_shots(mut self, shots: u64) -> Self {
        self.options.default_shots = shots;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// With one of the backend's options.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.backend.insert(name.into(), value.into());
        self
    }

    /// Runs the pubs in one job and waits for it, at most for `timeout` (`None`: without end); the
    /// job is cancelled then. Blocks.
    ///
    /// # Errors
    /// As [`plan`], [`Backend::run`], [`Job::result`](ketch_interface::Job::result) and [`collect`].
    pub fn run(
        &self,
        pubs: &[SamplerPub],
        timeout: Option<Duration>,
    ) -> Result<PrimitiveResult<SamplerPubResult>> {
        let qobj = plan(pubs, &self.options, &*self.backend.configuration()?)?;
        let result = run(self.backend, qobj, timeout)?;
        collect(pubs, &self.options, &result)
    }
}

impl std::fmt::Debug for Sampler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = self.backend.name();
        f.debug_struct("Sampler")
            .field("backend", &backend)
            .field("options", &self.options)
            .finish()
    }
}

#[cfg(test)]
mod tests;
