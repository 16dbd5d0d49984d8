//! The smallest simulator that every check can be shown on, with a fault if asked for.

mod documents;
mod job;
mod state;

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use ketch_core::{
    BitString, Counts, Extensions, JobQuery, Message,
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
    GoesBack,
    ResultAfterCancel,
    FoundWithoutResult,
    ListsEverything,
    NoReason,
    AcceptsPulses,
    AcceptsOptions,
    NearestForgotten,
    AcceptsInstructions,
    AcceptsQubits,
    ListGrows,
    KnowsEveryExtension,
    CountsTwice,
    OneSeedForAll,
    MeasuresAtTheEnd,
    NoRegisters,
    NoNames,
    ParametersIgnored,
    HalfOfTheExperiments,
    MemoryForAll,
    GateMissing,
    AcceptsShots,
    AcceptsConditions,
    PanicsAtTheUnusual,
    ResultOfAnother,
    JobsOfEachHandle,
    DiesOfTheUnusual,
    /// No fault: it measures at the end only, and says so.
    RefusesMidCircuit,
}

pub(crate) struct Tiny(TinyBackend);

#[derive(Clone)]
struct TinyBackend {
    fault: Option<Fault>,
    configuration: Arc<BackendConfiguration>,
    properties: Option<Arc<BackendProperties>>,
    jobs: Arc<JobQueue>,
    /// How often the provider was asked for its list.
    asked: Arc<AtomicU64>,
    /// The first result that there was.
    first: Arc<Mutex<Option<RunResult>>>,
}

impl Tiny {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let mut configuration = BackendConfiguration::simulator("tiny", "1.0.0", 4);
        configuration.basis_gates = ["x", "h", "ry", "cx"].map(str::to_owned).to_vec();
        configuration.conditional = false;
        if fault == Some(Fault::ConfigurationOfAnother) {
            configuration.backend_name = "another".to_owned();
        }
        configuration.max_experiments = Some(5_000);
        configuration.basis_gates.extend((fault == Some(Fault::GateMissing)).then(|| "z".into()));
        Self(TinyBackend {
            fault,
            configuration: Arc::new(configuration),
            properties: None,
            jobs: JobQueue::new(2),
            asked: Arc::default(),
            first: Arc::default(),
        })
    }

    pub(crate) fn with(self, fault: Fault) -> Self {
        Self(TinyBackend { fault: Some(fault), ..self.0 })
    }

    /// What it says of itself.
    pub(crate) fn configuration(&self) -> BackendConfiguration {
        (*self.0.configuration).clone()
    }

    /// One without a fault that says something else of itself.
    pub(crate) fn describing_itself(
        configuration: BackendConfiguration,
        properties: Option<BackendProperties>,
    ) -> Self {
        let Self(tiny) = Self::new(None);
        let (configuration, properties) = (Arc::new(configuration), properties.map(Arc::new));
        Self(TinyBackend { configuration, properties, ..tiny })
    }
}

impl Provider for Tiny {
    fn name(&self) -> &str {
        "tiny"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let backend: Arc<dyn Backend> = Arc::new(self.0.clone());
        let asked = self.0.asked.fetch_add(1, Ordering::Relaxed) as usize;
        match self.0.fault {
            Some(Fault::ListGrows) => filter.apply(vec![backend; 1 + asked]),
            Some(Fault::ListedTwice) => filter.apply([Arc::clone(&backend), backend]),
            Some(Fault::UnfilteredList) => Ok(vec![backend]),
            _ => filter.apply([backend]),
        }
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        if self.0.fault == Some(Fault::JobsOfEachHandle) {
            return Ok(Arc::new(TinyBackend { jobs: JobQueue::new(2), ..self.0.clone() }));
        }
        if name == "tiny" || self.0.fault == Some(Fault::FoundByAnyName) {
            return Ok(Arc::new(self.0.clone()));
        }
        Err(Error::BackendNotFound { name: name.to_owned(), known: vec!["tiny".to_owned()] })
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        extensions(self.0.fault)
    }
}

/// Claims to know every extension, and answers all of them.
struct EveryExtension;

impl Extensions for EveryExtension {
    fn supports(&self, _name: &str) -> u32 {
        1
    }

    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        Ok(message)
    }
}

fn extensions(fault: Option<Fault>) -> Option<&'static dyn Extensions> {
    (fault == Some(Fault::KnowsEveryExtension)).then_some(&EveryExtension)
}

impl Backend for TinyBackend {
    fn name(&self) -> &str {
        "tiny"
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(self.properties.clone())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        extensions(self.fault)
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        let another = self.fault == Some(Fault::StatusOfAnother);
        Ok(BackendStatus::active(if another { "another" } else { "tiny" }, "1.0.0"))
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        if self.fault == Some(Fault::GateMissing)
            && qobj.circuits().iter().any(|circuit| circuit.name == "z")
        {
            let (backend, instruction) = ("tiny".to_owned(), "z".to_owned());
            return Err(Error::UnsupportedInstruction { backend, instruction });
        }
        if self.fault == Some(Fault::RefusesMidCircuit)
            && qobj.circuits().iter().any(state::uses_a_measured_qubit)
        {
            let reason = "a qubit is used after its measurement, expected none".to_owned();
            return Err(Error::InvalidQobj { reason, source: None });
        }
        let is_unusual = |circuit: &Circuit| ["pair", "memory"].contains(&circuit.name.as_str());
        if self.fault == Some(Fault::DiesOfTheUnusual) && qobj.circuits().iter().any(is_unusual) {
            return Err(Error::other("plugin.died", "the plugin's process is gone"));
        }
        let check = check_qobj(&qobj, &self.configuration, &["method", "precision"]);
        if let Err(error) = check {
            let accepted = match (&error, self.fault) {
                (Error::NotSupported { .. }, Some(Fault::AcceptsPulses))
                | (Error::InvalidOption { .. }, Some(Fault::AcceptsOptions))
                | (Error::UnsupportedInstruction { .. }, Some(Fault::AcceptsInstructions))
                | (Error::TooManyQubits { .. }, Some(Fault::AcceptsQubits))
                | (
                    Error::InvalidQobj { .. },
                    Some(Fault::AcceptsShots | Fault::PanicsAtTheUnusual),
                ) => true,
                (
                    Error::UnsupportedInstruction { instruction, .. },
                    Some(Fault::AcceptsConditions),
                ) => instruction == "if_else",
                (_, Some(Fault::PanicsAtTheUnusual)) => true,
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
        let first = Arc::clone(&self.first);
        let job = self.jobs.submit(Arc::new(self.clone()), &options, move |running| {
            let usual = qobj.experiments().first().map(|one| qobj.experiment_name(one).to_owned());
            if fault == Some(Fault::PanicsAtTheUnusual) && usual.as_deref() != Some("afterwards") {
                panic!("that is unusual");
            }
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
            if fault == Some(Fault::HalfOfTheExperiments) {
                experiments.truncate(experiments.len().div_ceil(2));
            }
            let success = fault != Some(Fault::EndsInError);
            let result = RunResult { qobj_id, header, experiments, success, ..Default::default() };
            if fault != Some(Fault::ResultOfAnother) {
                return Ok(result);
            }
            let mut first = first.lock().expect("nothing panics under the lock");
            Ok(first.get_or_insert(result).clone())
        });
        if self.fault == Some(Fault::RunWaits) {
            let patience = std::time::Duration::from_secs(3);
            // Whatever came of it: that it waited is the fault.
            let _ = job.result(Some(patience));
        }
        Ok(FaultyJob::shared(job, fault.filter(|one| !one.is_of_found())))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        if self.fault == Some(Fault::NoSuchJobFound) {
            return Err(Error::other("who.knows", "no idea"));
        }
        Ok(FaultyJob::shared(self.jobs.job(job_id)?, self.fault.filter(|one| one.is_of_found())))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        match self.fault {
            Some(Fault::ListsEverything) => Ok(self.jobs.jobs(&JobQuery::default())),
            _ => Ok(self.jobs.jobs(query)),
        }
    }
}

impl Fault {
    /// It is one of jobs that are found again.
    fn is_of_found(self) -> bool {
        self == Self::FoundWithoutResult
    }
}

fn run_experiment(qobj: &Qobj, experiment: &Experiment, fault: Option<Fault>) -> ExperimentResult {
    let (name, shots) = (qobj.experiment_name(experiment).to_owned(), qobj.shots(experiment));
    let header = experiment.header.clone();
    let mut result = ExperimentResult { name, shots, header, ..Default::default() };
    if fault == Some(Fault::NoNames) {
        result.name = "experiment".to_owned();
    }
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
    let seed = if fault == Some(Fault::OneSeedForAll) { Some(1) } else { seed };
    let outcomes = state::sample(&circuit, shots, seed.unwrap_or_else(other), fault);
    let registers = if fault == Some(Fault::NoRegisters) { &[] } else { circuit.cregs() };
    let mut counts = Counts::new(registers.to_vec());
    outcomes.iter().for_each(|&word| counts.add(BitString::from_u64(circuit.n_clbits(), word), 1));
    if fault == Some(Fault::CountsTwice) {
        counts.add(BitString::zeros(circuit.n_clbits()), 1);
    }
    let remembers = qobj.memory(experiment) || fault == Some(Fault::MemoryForAll);
    if remembers && fault != Some(Fault::MemoryForgotten) {
        let outcomes = match fault {
            Some(Fault::MemoryOfOthers) => vec![0; outcomes.len()],
            _ => outcomes,
        };
        let stride = Memory::stride_of(circuit.n_clbits());
        let bytes = outcomes.iter().flat_map(|word| word.to_le_bytes()[..stride].to_vec());
        let bytes: Vec<u8> = bytes.collect();
        result.memory = Memory::from_bytes(circuit.n_clbits(), bytes.into());
    }
    result.counts = Some(counts);
    result.registers = circuit.cregs().to_vec();
    ExperimentResult { success: true, status: "DONE".to_owned(), ..result }
}
