//! The simulator as a backend, for tests.

use std::{sync::Arc, time::Duration};

use ketch_interface::{
    Backend, BackendConfiguration, BackendStatus, Job, JobStatus, Qobj, Result, RunOptions,
    RunResult,
    qobj::seed_experiments,
    result::{Data, ExperimentResult},
};
use ketch_simulator::{Cancel, Options, Saved, simulate_bound};

/// Runs a Qobj on the simulator's own engines, with noise if there is a model.
pub(crate) fn execute(mut qobj: Qobj) -> RunResult {
    seed_experiments(&mut qobj, 0);
    let threads = ketch_simulator::Threads::serial();
    let run = |experiment: &ketch_interface::qobj::Experiment| {
        let circuit = &qobj.circuits()[experiment.circuit];
        let options = Options {
            shots: qobj.shots(experiment),
            seed: qobj.seed(experiment).expect("experiments are seeded"),
            memory: qobj.memory(experiment),
            ..Options::default()
        };
        let name = qobj.experiment_name(experiment).to_owned();
        let mut result = ExperimentResult {
            name,
            shots: options.shots,
            seed: Some(options.seed),
            registers: circuit.cregs().to_vec(),
            ..ExperimentResult::default()
        };
        let bindings = &experiment.bindings;
        match simulate_bound(&threads, circuit, bindings, &options, &Cancel::new()) {
            Ok(outcome) => {
                result.success = true;
                result.counts = outcome.counts;
                result.memory = outcome.memory;
                let number = |(key, saved)| match saved {
                    Saved::Number(number) => (key, Data::Number(number)),
                    other => panic!("{key} is {other:?}"),
                };
                result.data = outcome.data.into_iter().map(number).collect();
            }
            Err(error) => result.status = error.to_string(),
        }
        result
    };
    let experiments: Vec<ExperimentResult> = qobj.experiments().iter().map(run).collect();
    let success = experiments.iter().all(|experiment| experiment.success);
    RunResult { success, experiments, ..RunResult::default() }
}

/// The configuration of a simulator that runs these instructions beside gates.
pub(crate) fn configuration(instructions: &[&str]) -> BackendConfiguration {
    let mut configuration = BackendConfiguration::simulator("engine", "1.0.0", None);
    configuration.basis_gates = ["h", "sdg", "cx", "u"].map(str::to_owned).to_vec();
    configuration.supported_instructions =
        Some(instructions.iter().map(|&name| name.to_owned()).collect());
    configuration
}

/// The simulator as a backend whose jobs are over when they are submitted.
pub(crate) struct Engine(pub(crate) BackendConfiguration);

impl Backend for Engine {
    fn name(&self) -> &str {
        &self.0.backend_name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::new(self.0.clone()))
    }

    fn status(&self) -> Result<BackendStatus> {
        Err(ketch_interface::Error::not_supported("the engine", "telling its status"))
    }

    fn run(&self, qobj: Qobj, _: RunOptions) -> Result<Arc<dyn Job>> {
        Ok(Arc::new(Done { of: self.0.clone(), result: execute(qobj) }))
    }
}

struct Done {
    of: BackendConfiguration,
    result: RunResult,
}

impl Job for Done {
    fn job_id(&self) -> String {
        "1".to_owned()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Engine(self.of.clone()))
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(JobStatus::Done)
    }

    fn result(&self, _: Option<Duration>) -> Result<RunResult> {
        Ok(self.result.clone())
    }

    fn cancel(&self) -> Result<bool> {
        Ok(false)
    }
}
