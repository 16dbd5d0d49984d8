//! What stands behind the service: a machine that runs circuits on ordinary bits, shot by shot.

use std::sync::Arc;

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, BitString, Circuit, Counts, Job, JobQueue, Qobj,
    Result, RunOptions, RunResult, Running, check_qobj,
    circuit::Instruction,
    qobj::Experiment,
    result::{ExperimentResult, Memory},
};

#[derive(Clone)]
pub struct BitMachine {
    configuration: Arc<BackendConfiguration>,
    jobs: Arc<JobQueue>,
}

impl BitMachine {
    pub fn new() -> Self {
        let mut it = BackendConfiguration::simulator("bit_machine", "1.0.0", 5);
        it.basis_gates = ["id", "x", "cx"].map(str::to_owned).to_vec();
        (it.local, it.conditional) = (false, false);
        it.description = Some("Ordinary bits, shot by shot".to_owned());
        (it.max_shots, it.max_experiments) = (Some(10_000), Some(20));
        Self { configuration: Arc::new(it), jobs: JobQueue::new(1) }
    }
}

impl Backend for BitMachine {
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

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        check_qobj(&qobj, &self.configuration, &[])?;
        Ok(self.jobs.submit(Arc::new(self.clone()), &options, move |job| {
            let experiments = qobj.experiments().iter();
            let experiments = experiments.map(|experiment| run(&qobj, experiment, job)).collect();
            let Qobj { qobj_id, header, .. } = qobj;
            Ok(RunResult { qobj_id, header, experiments, success: true, ..Default::default() })
        }))
    }
}

fn run(qobj: &Qobj, experiment: &Experiment, job: &Running) -> ExperimentResult {
    let circuit = &qobj.circuits()[experiment.circuit];
    let mut counts = Counts::new(circuit.cregs().to_vec());
    let mut memory = Vec::new();
    for _ in (0..qobj.shots(experiment)).take_while(|_| !job.is_cancelled()) {
        let outcome = shot(circuit);
        if qobj.memory(experiment) {
            let bytes = outcome.words().flat_map(u64::to_le_bytes);
            memory.extend(bytes.take(Memory::stride_of(outcome.width())));
        }
        counts.add(outcome, 1);
    }
    let wanted = qobj.memory(experiment);
    ExperimentResult {
        name: qobj.experiment_name(experiment).to_owned(),
        shots: qobj.shots(experiment),
        header: experiment.header.clone(),
        memory: wanted.then(|| Memory::from_bytes(circuit.n_clbits(), memory.into())).flatten(),
        registers: circuit.cregs().to_vec(),
        counts: Some(counts),
        success: true,
        status: "DONE".to_owned(),
        ..Default::default()
    }
}

/// The clbits after one run of the circuit.
fn shot(circuit: &Circuit) -> BitString {
    let mut bits = vec![false; circuit.n_qubits() as usize];
    let mut outcome = BitString::zeros(circuit.n_clbits());
    for Instruction { op, qubits, clbits, .. } in circuit.instructions() {
        match (&*op.name(), qubits) {
            ("x", [target]) => bits[target.0 as usize] ^= true,
            ("cx", [control, target]) => {
                bits[target.0 as usize] ^= bits[control.0 as usize];
            }
            ("measure", qubits) => {
                for (clbit, qubit) in clbits.iter().zip(qubits) {
                    outcome.set(clbit.0, bits[qubit.0 as usize]);
                }
            }
            _ => {} // `id` and `barrier`
        }
    }
    outcome
}
