//! [`Service`]: what both APIs can do, in one language.

use std::time::{Instant, SystemTime};

use ketch_core::{
    BackendConfiguration, BackendProperties, BackendStatus, Circuit, Error, JobQuery, JobStatus,
    Qobj, Result, RunResult, circuit::Register, qobj::Experiment,
};
use serde_json::{Map, Value};

/// An account at a service. Every method blocks while the service is asked.
pub(crate) trait Service: Send + Sync {
    /// The names of the devices, in the service's order.
    fn devices(&self) -> Result<Vec<String>>;

    /// The name of the device that was once known by another, if it is such.
    fn alias(&self, _name: &str) -> Option<&'static str> {
        None
    }

    /// The options that a Qobj may have.
    fn options(&self) -> &'static [&'static str];

    fn configuration(&self, device: &str) -> Result<BackendConfiguration>;

    fn properties(&self, device: &str) -> Result<Option<BackendProperties>>;

    fn status(&self, device: &str) -> Result<BackendStatus>;

    /// Whether one program can stand for several experiments there.
    fn repeats(&self, _configuration: &BackendConfiguration) -> bool {
        false
    }

    /// Leaves in the Qobj the seeds that its experiments will have there.
    fn settle_seeds(&self, _configuration: &BackendConfiguration, _qobj: &mut Qobj) {}

    /// Hands over a job, once.
    fn submit(&self, work: &Work<'_>) -> Result<JobRecord>;

    /// The job that was handed over with this key, if it arrived.
    ///
    /// An error if that cannot be known; never `None` then, for the job may be sent again.
    fn find(&self, device: &str, key: &str) -> Result<Option<JobRecord>>;

    /// A job as it is now; the whole record or only what changes.
    fn job(&self, job_id: &str, extent: Extent, deadline: Option<Instant>) -> Result<JobRecord>;

    /// The jobs of all devices that are not at their ends, with one question for so many of them as
    /// the service tells at once. Some may be missing.
    fn unfinished(&self, n_jobs: usize, deadline: Option<Instant>) -> Result<Vec<JobRecord>>;

    /// Its place in the queue, 1 is next; `record` is what is known already.
    fn queue_position(&self, record: &JobRecord) -> Result<Option<u32>>;

    /// The result of a job that is done; without its plan if another process submitted it.
    fn result(
        &self,
        job_id: &str,
        plan: Option<&Plan>,
        deadline: Option<Instant>,
    ) -> Result<RunResult>;

    /// False if it had come to an end.
    fn cancel(&self, job_id: &str) -> Result<bool>;

    /// The jobs of a device, the newest first.
    fn jobs(&self, device: &str, query: &JobQuery) -> Result<Vec<JobRecord>>;
}

/// How much of a job is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Its state.
    State,
    /// All that its methods tell.
    Whole,
}

/// What is handed over.
pub(crate) struct Work<'a> {
    pub(crate) device: &'a str,
    pub(crate) qobj: &'a Qobj,
    /// A word that no other job has, to ask the service by whether the job arrived.
    pub(crate) key: String,
    /// The user's words.
    pub(crate) tags: &'a [String],
    /// What is known here and the service need not know.
    pub(crate) plan: &'a Plan,
}

/// What a service tells of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobRecord {
    pub(crate) id: String,
    /// The device, where the service says it.
    pub(crate) device: Option<String>,
    pub(crate) status: JobStatus,
    pub(crate) created: Option<SystemTime>,
    pub(crate) error: Option<String>,
    pub(crate) position: Option<u32>,
}

impl JobRecord {
    pub(crate) fn new(id: impl Into<String>, status: JobStatus) -> Self {
        let id = id.into();
        Self { id, device: None, status, created: None, error: None, position: None }
    }
}

/// What its submitter knows of the experiments of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) qobj_id: String,
    pub(crate) header: Map<String, Value>,
    pub(crate) experiments: Vec<Planned>,
    /// For how many experiments each program stands that is sent: where the service can repeat one,
    /// the same circuit with the same numbers and shots is sent once, if it stands several times in
    /// a row.
    pub(crate) programs: Vec<usize>,
}

/// One experiment of a [`Plan`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) header: Map<String, Value>,
    pub(crate) seed: Option<u64>,
    pub(crate) memory: bool,
    pub(crate) registers: Vec<Register>,
    /// The names of the registers in the program that was sent. There may be one more: where a
    /// circuit measures nothing, the program has to.
    pub(crate) sent_as: Vec<String>,
}

impl Plan {
    /// The plan of a Qobj for a service that can repeat a program, or cannot.
    pub(crate) fn of(qobj: &Qobj, repeats: bool) -> Self {
        let names: Vec<_> = qobj.circuits().iter().map(register_names).collect();
        let experiments = qobj.experiments().iter().map(|experiment| {
            let circuit = &qobj.circuits()[experiment.circuit];
            Planned {
                name: qobj.experiment_name(experiment).to_owned(),
                header: experiment.header.clone(),
                seed: qobj.seed(experiment),
                memory: qobj.memory(experiment),
                registers: circuit.cregs().to_vec(),
                sent_as: names[experiment.circuit].clone(),
            }
        });
        Self {
            qobj_id: qobj.qobj_id.clone(),
            header: qobj.header.clone(),
            experiments: experiments.collect(),
            programs: if repeats { programs(qobj) } else { vec![1; qobj.experiments().len()] },
        }
    }
}

/// A sampler samples nothing of a circuit that measures nothing, while its clbits read 0: such a
/// circuit measures a qubit into a clbit of its own, which nobody is told of.
pub(crate) fn measuring(mut circuit: Circuit) -> Circuit {
    if measures(&circuit) {
        return circuit;
    }
    let unread = circuit.add_creg("unread", 1);
    circuit.measure(0, unread.0)
}

fn measures(circuit: &Circuit) -> bool {
    circuit.instructions().any(|instruction| instruction.op.writes_clbits())
}

fn register_names(circuit: &Circuit) -> Vec<String> {
    match measures(circuit) || circuit.n_qubits() == 0 {
        true => ketch_qasm::v3::creg_names(circuit),
        false => ketch_qasm::v3::creg_names(&measuring(circuit.clone())),
    }
}

fn programs(qobj: &Qobj) -> Vec<usize> {
    let circuit = |experiment: &Experiment| &qobj.circuits()[experiment.circuit];
    let same = |one: &Experiment, other: &Experiment| {
        one.bindings == other.bindings
            && qobj.shots(one) == qobj.shots(other)
            && (one.circuit == other.circuit || circuit(one) == circuit(other))
    };
    qobj.experiments().chunk_by(same).map(<[Experiment]>::len).collect()
}

/// A date as services write it; `None` if it is something else.
pub(crate) fn date(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// An unknown job, by its id.
pub(crate) fn no_such_job(job_id: &str) -> Error {
    Error::JobNotFound { job: job_id.to_owned() }
}

/// The error for a job that may or may not have arrived.
pub(crate) fn submission_unknown(service: &str, key: &str, source: Error) -> Error {
    Error::Other {
        code: "job.submission_unknown".to_owned(),
        message: format!("cannot tell whether {service} took the job"),
        hint: Some(format!(
            "it was not sent again; before you run it again, look for a job with the tag `{key}`"
        )),
        retryable: false,
        source: Some(std::sync::Arc::new(source)),
    }
}

/// The error for a list that goes on and on without the job that is looked for.
pub(crate) fn too_many_jobs(service: &str, key: &str) -> Error {
    let message = format!("{service} lists more jobs than can be looked through for `{key}`");
    Error::other("job.lookup_incomplete", message)
}

/// A job is looked for in at most so many pages of a list that the service does not filter.
pub(crate) const MAX_PAGES: usize = 40;
