//! What jobs are asked for as: the programs `sampler`, `estimator` and `executor`, read from their
//! parameters, planned for a backend, and their results written as clients read them.
//!
//! Nothing is kept but the parameters themselves: what was planned for them is read from them again
//! when the result is asked for.

mod executor;
mod options;
mod read;
mod write;

use ketch::{
    BackendConfiguration, Circuit, Qobj, RunResult,
    circuit::{Gate, GateOp, Op},
};
use ketch_primitives::{
    EstimatorOptions, EstimatorPub, SamplerOptions, SamplerPub, ShapeError, broadcast_shapes,
    estimator, sampler, size,
};
use serde_json::Value;

pub(crate) use self::read::INFLATED;

use self::executor::Passed;
use crate::answer::Refusal;

/// Gates of one matrix and two names.
const TWINS: [(Gate, Gate); 4] =
    [(Gate::U, Gate::U3), (Gate::U3, Gate::U), (Gate::P, Gate::U1), (Gate::U1, Gate::P)];

/// The most bytes of a job's result, before anything is deflated.
pub(crate) const ANSWER: usize = 128 << 20;

/// A program that is known here, with its parameters.
#[derive(Debug)]
pub(crate) enum Program {
    Sampler { pubs: Vec<SamplerPub>, options: SamplerOptions, seeds: Vec<Option<u64>>, form: Form },
    Estimator { pubs: Vec<EstimatorPub>, options: EstimatorOptions, form: Form },
    Executor { pubs: Vec<SamplerPub>, options: SamplerOptions, passed: Passed },
}

/// How a result is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    /// In the types of Python's client, or as plain JSON.
    for_qiskit: bool,
    /// Options that were given and have no effect here.
    without_effect: Vec<String>,
}

/// Why a program is not run.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The request makes no sense: nothing is kept of it.
    Refused(Refusal),
    /// The request makes sense, and no backend here can do it: the job fails.
    Fails(Refusal),
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Program {
    /// Reads a program's parameters.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(id: &str, params: &Value) -> Result<Self, Unread> {
        match id {
            "sampler" => {
                let (pubs, form) = (read::sampler_pubs(params)?, options::form(params)?);
                let (options, seeds) = (options::sampler(params)?, options::seeds(params)?);
                Ok(Self::Sampler { pubs, options, seeds, form })
            }
            "estimator" => {
                let (pubs, form) = (read::estimator_pubs(params)?, options::form(params)?);
                Ok(Self::Estimator { pubs, options: options::estimator(params)?, form })
            }
            "executor" => {
                let (pubs, options, passed) = executor::read(params)?;
                Ok(Self::Executor { pubs, options, passed })
            }
            other => Err(Unread::Refused(
                Refusal::new(404, "program.not_found", format!("no program `{other}`"))
                    .with_solution("there are `sampler`, `estimator` and `executor`"),
            )),
        }
    }

    /// What a backend is to run for it.
    ///
    /// # Errors
    /// What is wrong with a pub.
    pub(crate) fn plan(&self, configuration: &BackendConfiguration) -> Result<Qobj, Refusal> {
        self.check_answer()?;
        self.check_backend(configuration)?;
        let planned = match self {
            Self::Sampler { pubs, options, .. } | Self::Executor { pubs, options, .. } => {
                sampler::plan(pubs, options, configuration)
            }
            Self::Estimator { pubs, options, .. } => estimator::plan(pubs, options, configuration),
        };
        let mut qobj = planned.map_err(refused)?;
        if let Self::Sampler { seeds, .. } = self
            && !seeds.is_empty()
        {
            let (found, expected) = (seeds.len(), qobj.experiments().len());
            if found != expected {
                let message = format!(
                    "options.experimental.seeds: {found}, expected {expected}, one for each place \
                     of each pub"
                );
                return Err(Refusal::new(400, "params.invalid", message));
            }
            for (experiment, seed) in qobj.experiments_mut().iter_mut().zip(seeds) {
                experiment.config.seed = *seed;
            }
        }
        Ok(qobj)
    }

    /// Calls gates by the names that a backend has for them, where nothing but the name differs:
    /// OpenQASM 3 has one word for `u` and `u3`, and one for `p` and `u1`.
    pub(crate) fn speak_as(&mut self, basis: &[String]) {
        let circuits: Vec<&mut Circuit> = match self {
            Self::Sampler { pubs, .. } | Self::Executor { pubs, .. } => {
                pubs.iter_mut().map(|one| &mut one.circuit).collect()
            }
            Self::Estimator { pubs, .. } => pubs.iter_mut().map(|one| &mut one.circuit).collect(),
        };
        let knows = |op: GateOp| basis.contains(&op.name());
        for circuit in circuits {
            for place in 0..circuit.len() {
                let Op::Gate(op) = *circuit.instruction(place).op else { continue };
                let twin = TWINS.iter().find(|(gate, _)| *gate == op.gate);
                let Some(twin) = twin.map(|&(_, gate)| GateOp { gate, ..op }) else { continue };
                if !knows(op) && knows(twin) {
                    circuit.set_op(place, Op::Gate(twin));
                }
            }
        }
    }

    /// The circuits as they came.
    pub(crate) fn circuits(&self) -> Vec<Circuit> {
        match self {
            Self::Sampler { pubs, .. } | Self::Executor { pubs, .. } => {
                pubs.iter().map(|one| one.circuit.clone()).collect()
            }
            Self::Estimator { pubs, .. } => pubs.iter().map(|one| one.circuit.clone()).collect(),
        }
    }

    /// The result of what was planned, as the text that clients read.
    ///
    /// # Errors
    /// If the result is not that of this program.
    pub(crate) fn result(&self, result: RunResult) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Sampler { pubs, options, form, .. } => {
                let samples = sampler::collect(pubs, options, &result).map_err(refused)?;
                drop(result);
                Ok(write::samples(&samples, form))
            }
            Self::Estimator { pubs, options, form } => {
                let estimates = estimator::collect(pubs, options, &result).map_err(refused)?;
                Ok(write::estimates(&estimates, form))
            }
            Self::Executor { pubs, options, passed } => {
                let samples = sampler::collect(pubs, options, &result).map_err(refused)?;
                drop(result);
                Ok(write::text(&executor::written(&samples, passed)))
            }
        }
    }

    /// # Errors
    /// If the backend has no answers of this kind.
    fn check_backend(&self, configuration: &BackendConfiguration) -> Result<(), Refusal> {
        let name = &configuration.backend_name;
        let refused = |code: &str, message: String| Err(Refusal::new(400, code, message));
        let one_shot = configuration.extra.get("one_shot") == Some(&Value::Bool(true));
        match self {
            Self::Sampler { .. } | Self::Executor { .. } if !configuration.memory => {
                let message = format!("`{name}` does not tell the outcome of every shot");
                refused("backend.no_samples", message)
            }
            Self::Sampler { pubs, options, .. } | Self::Executor { pubs, options, .. }
                if one_shot =>
            {
                let shots = pubs.iter().map(|one| one.shots.unwrap_or(options.default_shots));
                match shots.max() {
                    Some(shots @ 2..) => {
                        let message = format!("`{name}` runs one shot, {shots} are asked for");
                        refused("backend.one_shot", message)
                    }
                    _ => Ok(()),
                }
            }
            Self::Estimator { .. } if one_shot && !configuration.memory => {
                let message =
                    format!("`{name}` has neither outcomes nor states to take expectations of");
                refused("backend.no_expectations", message)
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// If the answer would have more than [`ANSWER`] bytes, before anything is deflated.
    fn check_answer(&self) -> Result<(), Refusal> {
        let samples = |pubs: &[SamplerPub], options: &SamplerOptions, each: fn(u32) -> u32| {
            let of_pub = |one: &SamplerPub| {
                let cregs = one.circuit.cregs().iter();
                let of_shot: u128 = cregs.map(|creg| u128::from(each(creg.size))).sum();
                let shots = one.shots.unwrap_or(options.default_shots);
                let of_place = of_shot.saturating_mul(shots.into());
                places(one.parameter_values.shape()).saturating_mul(of_place)
            };
            pubs.iter().map(of_pub).fold(0, u128::saturating_add)
        };
        let packed = |bits: u32| bits.div_ceil(8);
        let found = match self {
            // Behind 0x, in quotes, with a comma.
            Self::Sampler { pubs, options, form, .. } => match form.for_qiskit {
                true => samples(pubs, options, packed),
                false => samples(pubs, options, |bits| bits.div_ceil(4).saturating_add(5)),
            },
            Self::Executor { pubs, options, .. } => samples(pubs, options, packed),
            Self::Estimator { pubs, form, .. } => {
                let of_pub = |one: &EstimatorPub| {
                    let shape = one.parameter_values.shape();
                    places(shape.and_then(|s| broadcast_shapes([&s[..], one.observables.shape()])))
                };
                // Three numbers, as long as one can be.
                let each = if form.for_qiskit { 24 } else { 75 };
                pubs.iter().map(of_pub).sum::<u128>() * each
            }
        };
        if found <= ANSWER as u128 {
            return Ok(());
        }
        let message =
            format!("the result would take {found} bytes, at most {ANSWER} are given for a job");
        Err(Refusal::new(400, "result.too_large", message)
            .with_solution("ask for fewer shots or numbers in a job"))
    }
}

/// How many places a shape has; none if it is wrong, which others say better.
fn places(shape: Result<Vec<usize>, ShapeError>) -> u128 {
    shape.and_then(|shape| size(&shape)).map_or(0, |places| places as u128)
}

fn refused(error: ketch_primitives::Error) -> Refusal {
    let refusal = Refusal::new(400, error.code(), error.to_string());
    match error.hint() {
        Some(hint) => refusal.with_solution(hint),
        None => refusal,
    }
}

#[cfg(test)]
mod tests;
