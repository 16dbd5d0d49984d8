//! The smallest simulator that every check can be shown on, with a fault if asked for.

mod job;
mod state;

use std::sync::atomic::{AtomicU64, Ordering};

use ketch_core::{
    BitString, Counts,
    prelude::*,
    qobj::{Experiment, Program},
    result::Memory,
};

use job::FaultyJob;

/// Something that breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    ListedTwice,
    FoundByAnyName,
    UnfilteredList,
    ConfigurationOfAnother,
    StatusOfAnother,
    ReversedBits,
    NoEntanglement,
    NoHeader,
    ReversedExperiments,
    SeedIgnored,
    MemoryForgotten,
    MemoryOfOthers,
    OneBadStopsAll,
    RunWaits,
    EndsInError,
    ResultOnlyOnce,
    UntypedTimeOut,
    TimeOutCancels,
    CancelSaysTrue,
    SharedId,
    NoSuchJobFound,
    AcceptsPulses,
    AcceptsOptions,
    NearestForgotten,
    AcceptsInstructions,
    AcceptsQubits,
}

pub(crate) struct Tiny(TinyBackend);

#[derive(Clone)]
struct TinyBackend {
    fault: Option<Fault>,
    configuration: Arc<BackendConfiguration>,
    jobs: Arc<JobQueue>,
}

impl Tiny {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let mut configuration = BackendConfiguration::simulator("tiny", "1.0.0", 4);
        configuration.basis_gates = ["x", "h", "cx"].map(str::to_owned).to_vec();
        if fault == Some(Fault::ConfigurationOfAnother) {
            configuration.backend_name = "another".to_owned();
        }
        Self(TinyBackend { fault, configuration: Arc::new(configuration), jobs: JobQueue::new(2) })
    }
}

impl Provider for Tiny {
    fn name(&self) -> &str {
        "tiny"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let backend: Arc<dyn Backend> = Arc::new(self.0.clone());
        match self.0.fault {
            Some(Fault::ListedTwice) => filter.apply([Arc::clone(&backend), backend]),
            Some(Fault::UnfilteredList) => Ok(vec![backend]),
            _ => filter.apply([backend]),
        }
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        if name == "tiny" || self.0.fault == Some(Fault::FoundByAnyName) {
            return Ok(Arc::new(self.0.clone()));
        }
        Err(Error::BackendNotFound { name: name.to_owned(), known: vec!["tiny".to_owned()] })
    }
}

impl Backend for TinyBackend {
    fn name(&self) -> &str {
        "tiny"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        let another = self.fault == Some(Fault::StatusOfAnother);
        Ok(BackendStatus::active(if another { "another" } else { "tiny" }, "1.0.0"))
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let check = check_qobj(&qobj, &self.configuration, &["method", "precision"]);
        if let Err(error) = check {
            let accepted = match (&error, self.fault) {
                (Error::NotSupported { .. }, Some(Fault::AcceptsPulses))
                | (Error::InvalidOption { .. }, Some(Fault::AcceptsOptions))
                | (Error::UnsupportedInstruction { .. }, Some(Fault::AcceptsInstructions))
                | (Error::TooManyQubits { .. }, Some(Fault::AcceptsQubits)) => true,
                (Error::InvalidOption { name, reason, .. }, Some(Fault::NearestForgotten)) => {
                    let (name, reason) = (name.clone(), reason.clone());
                    return Err(Error::InvalidOption { name, reason, nearest: None });
                }
                _ => false,
            };
            if !accepted {
                return Err(error);
            }
        }
        let fault = self.fault;
        let job = self.jobs.submit(Arc::new(self.clone()), &options, move |running| {
            let go_on = qobj.experiments().iter().take_while(|_| !running.is_cancelled());
            let mut experiments: Vec<_> =
                go_on.map(|experiment| run_experiment(&qobj, experiment, fault)).collect();
            match fault {
                Some(Fault::ReversedExperiments) => experiments.reverse(),
                Some(Fault::OneBadStopsAll) if experiments.iter().any(|e| !e.success) => {
                    let (job, reason) = (running.job_id().to_owned(), "bad".to_owned());
                    return Err(Error::JobFailed { job, reason });
                }
                _ => {}
            }
            let Qobj { qobj_id, mut header, .. } = qobj;
            if fault == Some(Fault::NoHeader) {
                header.clear();
            }
            let success = fault != Some(Fault::EndsInError);
            Ok(RunResult { qobj_id, header, experiments, success, ..Default::default() })
        });
        if self.fault == Some(Fault::RunWaits) {
            let patience = std::time::Duration::from_secs(3);
            // Whatever came of it: that it waited is the fault.
            let _ = job.result(Some(patience));
        }
        Ok(Arc::new(FaultyJob { job, fault }))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        if self.fault == Some(Fault::NoSuchJobFound) {
            return Err(Error::other("who.knows", "no idea"));
        }
        self.jobs.job(job_id)
    }
}

fn run_experiment(qobj: &Qobj, experiment: &Experiment, fault: Option<Fault>) -> ExperimentResult {
    let (name, shots) = (qobj.experiment_name(experiment).to_owned(), qobj.shots(experiment));
    let header = experiment.header.clone();
    let mut result = ExperimentResult { name, shots, header, ..Default::default() };
    if matches!(qobj.program, Program::Pulse(_)) {
        return result;
    }
    let circuit = match qobj.circuits()[experiment.circuit].bind(&experiment.bindings) {
        Ok(circuit) => circuit,
        Err(error) => return ExperimentResult { status: error.to_string(), ..result },
    };
    static OTHER_SEED: AtomicU64 = AtomicU64::new(1);
    let other = || OTHER_SEED.fetch_add(1, Ordering::Relaxed);
    let seed = qobj.seed(experiment).filter(|_| fault != Some(Fault::SeedIgnored));
    let outcomes = state::sample(&circuit, shots, seed.unwrap_or_else(other), fault);
    let mut counts = Counts::new(circuit.cregs().to_vec());
    outcomes.iter().for_each(|&word| counts.add(BitString::from_u64(circuit.n_clbits(), word), 1));
    if qobj.memory(experiment) && fault != Some(Fault::MemoryForgotten) {
        let outcomes = match fault {
            Some(Fault::MemoryOfOthers) => vec![0; outcomes.len()],
            _ => outcomes,
        };
        let bytes: Vec<u8> = outcomes.iter().map(|&word| word as u8).collect();
        result.memory = Memory::from_bytes(circuit.n_clbits(), bytes.into());
    }
    result.counts = Some(counts);
    result.registers = circuit.cregs().to_vec();
    ExperimentResult { success: true, status: "DONE".to_owned(), ..result }
}
