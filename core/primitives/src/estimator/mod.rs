//! The estimator: expectation values of observables, and their standard errors.
//!
//! Where a backend offers expectation values (`save_expval`) and every shot of the circuit ends in
//! the same state, the backend is asked for them: exact for precision 0, and otherwise with normal
//! noise of that standard deviation, as Qiskit's simulating estimators do it. Everywhere else the
//! observables are measured: strings that commute qubit by qubit together, `ceil(1 / precision²)`
//! shots for each group of them, with the standard errors that the outcomes themselves show.

mod asked;
mod collect;
mod group;
mod means;
mod noise;
mod plan;
mod rotation;
mod way;

use std::time::Duration;

use ketch_interface::{Backend, Circuit};
use serde_json::{Map, Value};

pub use self::{collect::collect, plan::plan};
use crate::{
    EstimatorPubResult, NdArray, Observable, ParameterValues, PrimitiveResult, Result, run::run,
};

/// What the estimator runs: a circuit, observables of its last state, and values for its parameters;
/// the shapes of observables and values are broadcast together.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorPub {
    /// The circuit. It may measure on its way, and depend on it.
    pub circuit: Circuit,
    /// What is estimated, with one letter for each qubit of the circuit.
    pub observables: NdArray<Observable>,
    /// Values for the circuit's parameters.
    pub parameter_values: ParameterValues,
    /// The standard error that is wanted; 0: the exact value; `None`: what the options say.
    pub precision: Option<f64>,
}

impl EstimatorPub {
    /// A circuit without parameters.
    #[must_use]
    pub fn new(circuit: Circuit, observables: impl Into<NdArray<Observable>>) -> Self {
        let observables = observables.into();
        Self { circuit, observables, parameter_values: ParameterValues::none(), precision: None }
    }

    /// With values for its parameters.
    #[must_use]
    pub fn with_parameters(mut self, values: impl Into<ParameterValues>) -> Self {
        self.parameter_values = values.into();
        self
    }

    /// With a precision of its own.
    #[must_use]
    pub fn with_precision(mut self, precision: f64) -> Self {
        self.precision = Some(precision);
        self
    }
}

/// What holds for all pubs of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorOptions {
    /// The precision of a pub that does not say which.
    pub default_precision: f64,
    /// The seed of all random choices; `None`: another one each time.
    pub seed: Option<u64>,
    /// The backend's own options, such as `noise_model`.
    pub backend: Map<String, Value>,
    /// How values are found.
    pub by: By,
}

impl Default for EstimatorOptions {
    /// Precision 1/64, which is 4096 shots, as IBM's estimator has it.
    fn default() -> Self {
        let default_precision = 1.0 / 64.0;
        Self { default_precision, seed: None, backend: Map::new(), by: By::Automatic }
    }
}

/// How an estimator finds its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// By the backend's expectation values where it has them, the circuit leaves nothing to chance,
    /// and there is no noise (or precision 0 is asked for); otherwise by measurement.
    #[default]
    Automatic,
    /// By the backend's expectation values, or not at all. They are those of the state: errors of
    /// the readout are not in them.
    ExpectationValues,
    /// By measurement, also where the backend could say the value.
    Measurement,
}

/// An estimator on a backend.
#[derive(Clone)]
pub struct Estimator<'b> {
    backend: &'b dyn Backend,
    /// What holds for all pubs.
    pub options: EstimatorOptions,
}

impl<'b> Estimator<'b> {
    /// On this backend, with the default options. Circuits are run as they are: what a device needs
    /// compiled must be compiled before.
    #[must_use]
    pub fn new(backend: &'b dyn Backend) -> Self {
        Self { backend, options: EstimatorOptions::default() }
    }

    /// With this precision for each pub that does not say otherwise; 0 is exact.
    #[must_use]
    pub fn with_precision(mut self, precision: f64) -> Self {
        self.options.default_precision = precision;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// With values found this way.
    #[must_use]
    pub fn by(mut self, by: By) -> Self {
        self.options.by = by;
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
    /// As [`plan`](plan()), [`Backend::run`], [`Job::result`](ketch_interface::Job::result) and
    /// [`collect`](collect()).
    pub fn run(
        &self,
        pubs: &[EstimatorPub],
        timeout: Option<Duration>,
    ) -> Result<PrimitiveResult<EstimatorPubResult>> {
        let qobj = plan(pubs, &self.options, &*self.backend.configuration()?)?;
        let result = run(self.backend, qobj, timeout)?;
        collect(pubs, &self.options, &result)
    }
}

impl std::fmt::Debug for Estimator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = self.backend.name();
        let mut text = f.debug_struct("Estimator");
        text.field("backend", &backend).field("options", &self.options).finish()
    }
}

#[cfg(test)]
mod tests;
