//! `template/basis_simulator` runs circuits that only exchange basis states, exactly.

#![forbid(unsafe_code)]

use ketch_core::{BitString, Counts, circuit::*, prelude::*, qobj::*, result::*};

ketch_core::export_provider! { id: "template", provider: |_host| Ok(provider()) }

/// What the plugin and its tests begin with.
pub fn provider() -> impl Provider {
    Template(Arc::new(BasisSimulator::new()))
}

struct Template(Arc<dyn Backend>);

impl Provider for Template {
    fn name(&self) -> &str {
        "template"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([Arc::clone(&self.0)])
    }
}

#[derive(Clone)]
struct BasisSimulator {
    configuration: Arc<BackendConfiguration>,
    /// Makes jobs of closures and does all that a job must: waiting, time-outs, cancelling.
    jobs: Arc<JobQueue>,
}

impl BasisSimulator {
    fn new() -> Self {
        let mut it =
            BackendConfiguration::simulator("basis_simulator", env!("CARGO_PKG_VERSION"), 64);
        it.basis_gates = ["id", "x", "cx", "ccx", "swap"].map(str::to_owned).to_vec();
        (it.conditional, it.description) = (false, Some("Basis states, exactly".to_owned()));
        Self { configuration: Arc::new(it), jobs: JobQueue::new(1) }
    }
}

impl Backend for BasisSimulator {
    fn name(&self) -> &str {
        &self.configuration.backend_name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        let status = BackendStatus::active(self.name(), &self.configuration.backend_version);
        Ok(BackendStatus { pending_jobs: self.jobs.pending(), ..status })
    }

    /// Refuses what the configuration does not allow, and otherwise returns at once.
    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        check_qobj(&qobj, &self.configuration, &[])?;
        Ok(self.jobs.submit(Arc::new(self.clone()), &options, move |job| {
            let go_on = qobj.experiments().iter().take_while(|_| !job.is_cancelled());
            let experiments = go_on.map(|experiment| run_experiment(&qobj, experiment)).collect();
            let Qobj { qobj_id, header, .. } = qobj;
            Ok(RunResult { qobj_id, header, experiments, success: true, ..Default::default() })
        }))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.jobs.job(job_id)
    }
}

/// What goes wrong in one experiment is written into its result and does not stop the others.
fn run_experiment(qobj: &Qobj, experiment: &Experiment) -> ExperimentResult {
    let mut result = ExperimentResult {
        name: qobj.experiment_name(experiment).to_owned(),
        shots: qobj.shots(experiment),
        header: experiment.header.clone(),
        ..Default::default()
    };
    match qobj.circuits()[experiment.circuit].bind(&experiment.bindings) {
        Err(error) => result.status = error.to_string(),
        Ok(circuit) if circuit.n_clbits() > 64 => result.status = "more than 64 clbits".to_owned(),
        Ok(circuit) => {
            let outcome = final_clbits(&circuit);
            if qobj.memory(experiment) {
                let shot = outcome.words().flat_map(u64::to_le_bytes);
                let shot: Vec<u8> = shot.take(Memory::stride_of(outcome.width())).collect();
                let shots = shot.repeat(result.shots as usize);
                result.memory = Memory::from_bytes(outcome.width(), shots.into());
            }
            result.registers = circuit.cregs().to_vec();
            let counts = result.counts.insert(Counts::new(result.registers.clone()));
            counts.add(outcome, result.shots);
            (result.success, result.status) = (true, "DONE".to_owned());
        }
    }
    result
}

/// Every gate here exchanges basis states, so one bit a qubit is the state, and all shots end alike.
fn final_clbits(circuit: &Circuit) -> BitString {
    let mut state = vec![false; circuit.n_qubits() as usize];
    let mut outcome = BitString::zeros(circuit.n_clbits());
    for Instruction { op, qubits, clbits, .. } in circuit.instructions() {
        let qubits: Vec<usize> = qubits.iter().map(|qubit| qubit.0 as usize).collect();
        match (op.name().as_str(), &*qubits) {
            ("x" | "cx" | "ccx", [controls @ .., target]) => {
                state[*target] ^= controls.iter().all(|control| state[*control]);
            }
            ("swap", [a, b]) => state.swap(*a, *b),
            ("measure", _) => {
                let pairs = clbits.iter().zip(qubits);
                pairs.for_each(|(clbit, qubit)| outcome.set(clbit.0, state[qubit]));
            }
            _ => {} // `id` and `barrier`
        }
    }
    outcome
}
