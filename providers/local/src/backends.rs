//! The backends: what each is called, what it runs, how large.

use std::sync::Arc;

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, Error, Job, JobQuery, JobQueue, Qobj, Result,
    RunOptions, circuit::SPELLINGS, device::GateConfig,
};
use ketch_simulator::{Method, total_memory};
use serde_json::{Value, json};

use crate::run::Plan;

/// One row of the table of backends.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The methods that it may be told to use; the first is its own choice.
    pub(crate) methods: &'static [Method],
    /// It runs each experiment once and gives its final state.
    pub(crate) final_state: bool,
    /// Index bits of the state for each qubit.
    bits_per_qubit: u32,
    /// What it runs beside gates.
    instructions: &'static [&'static [&'static str]],
}

const ALWAYS: &[&str] =
    &["barrier", "delay", "measure", "unitary", "diagonal", "multiplexer", "pauli"];
const DYNAMIC: &[&str] = &[
    "reset",
    "initialize",
    "if_else",
    "for_loop",
    "while_loop",
    "switch_case",
    "break_loop",
    "continue_loop",
    "store",
    "snapshot",
    "set_statevector",
];
const SAVES: &[&str] = &[
    "save_state",
    "save_statevector",
    "save_statevector_dict",
    "save_density_matrix",
    "save_probabilities",
    "save_probabilities_dict",
    "save_expval",
    "save_expval_var",
    "save_amplitudes",
    "save_amplitudes_sq",
];
const FORMS: &[&str] = &["save_stabilizer", "save_clifford", "save_matrix_product_state"];
const NOISE: &[&str] =
    &["kraus", "superop", "roerror", "set_density_matrix", "save_superop", "set_superop"];
const UNITARY: &[&str] = &["snapshot", "save_state", "save_unitary", "set_unitary"];

static BACKENDS: [Row; 3] = [
    Row {
        name: "qasm_simulator",
        description: "Shots of circuits with measurements, conditions, loops and noise",
        methods: &[
            Method::Automatic,
            Method::Statevector,
            Method::Unitary,
            Method::DensityMatrix,
            Method::Stabilizer,
            Method::MatrixProductState,
            Method::Sparse,
            Method::Superop,
        ],
        final_state: false,
        bits_per_qubit: 1,
        instructions: &[ALWAYS, DYNAMIC, SAVES, FORMS, NOISE],
    },
    Row {
        name: "statevector_simulator",
        description: "The state at the end of one shot; the one before measurements that are last",
        methods: &[Method::Statevector],
        final_state: true,
        bits_per_qubit: 1,
        instructions: &[ALWAYS, DYNAMIC, SAVES],
    },
    Row {
        name: "unitary_simulator",
        description: "The unitary of a circuit; measurements that are last are left out",
        methods: &[Method::Unitary],
        final_state: true,
        bits_per_qubit: 2,
        instructions: &[ALWAYS, UNITARY],
    },
];

/// Another name of a backend.
#[derive(Debug)]
pub struct Alias {
    /// The other name.
    pub name: &'static str,
    /// The backend that it stands for.
    pub backend: &'static str,
    /// What to tell who uses it.
    pub note: &'static str,
}

const AER: &str = "the name is Qiskit Aer's";
const PYTHON: &str = "the Python simulator of Qiskit 0.6 and this one are one here";
const DEPRECATED: &str = "the name was deprecated in Qiskit 0.6";
const CLIFFORD: &str = "Clifford circuits run on it, wide ones by the stabilizer method";

/// The names that Qiskit knew these simulators by.
#[rustfmt::skip]
pub static ALIASES: &[Alias] = &[
    Alias { name: "aer_simulator", backend: "qasm_simulator", note: AER },
    Alias { name: "aer_simulator_statevector", backend: "qasm_simulator", note: AER },
    Alias { name: "qasm_simulator_py", backend: "qasm_simulator", note: PYTHON },
    Alias { name: "clifford_simulator", backend: "qasm_simulator", note: CLIFFORD },
    Alias { name: "local_qasm_simulator", backend: "qasm_simulator", note: DEPRECATED },
    Alias { name: "local_qasm_simulator_cpp", backend: "qasm_simulator", note: DEPRECATED },
    Alias { name: "local_qasm_simulator_py", backend: "qasm_simulator", note: DEPRECATED },
    Alias { name: "local_qiskit_simulator", backend: "qasm_simulator", note: DEPRECATED },
    Alias { name: "statevector_simulator_py", backend: "statevector_simulator", note: PYTHON },
    Alias { name: "local_statevector_simulator", backend: "statevector_simulator", note: DEPRECATED },
    Alias { name: "local_statevector_simulator_cpp", backend: "statevector_simulator", note: DEPRECATED },
    Alias { name: "local_statevector_simulator_py", backend: "statevector_simulator", note: DEPRECATED },
    Alias { name: "unitary_simulator_py", backend: "unitary_simulator", note: PYTHON },
    Alias { name: "local_unitary_simulator", backend: "unitary_simulator", note: DEPRECATED },
    Alias { name: "local_unitary_simulator_py", backend: "unitary_simulator", note: DEPRECATED },
];

/// The definitions of the gates that OpenQASM programs use most, from `U` and `CX` (qelib1.inc of
/// arXiv:1707.03429).
#[rustfmt::skip]
const DEFINITIONS: &[(&str, &[&str], &str)] = &[
    ("u1", &["lambda"], "gate u1(lambda) q { U(0, 0, lambda) q; }"),
    ("u2", &["phi", "lambda"], "gate u2(phi, lambda) q { U(pi/2, phi, lambda) q; }"),
    ("u3", &["theta", "phi", "lambda"], "gate u3(theta, phi, lambda) q { U(theta, phi, lambda) q; }"),
    ("cx", &[], "gate cx c, t { CX c, t; }"),
    ("id", &[], "gate id q { U(0, 0, 0) q; }"),
    ("x", &[], "gate x q { U(pi, 0, pi) q; }"),
    ("y", &[], "gate y q { U(pi, pi/2, pi/2) q; }"),
    ("z", &[], "gate z q { U(0, 0, pi) q; }"),
    ("h", &[], "gate h q { U(pi/2, 0, pi) q; }"),
    ("s", &[], "gate s q { U(0, 0, pi/2) q; }"),
    ("sdg", &[], "gate sdg q { U(0, 0, -pi/2) q; }"),
    ("t", &[], "gate t q { U(0, 0, pi/4) q; }"),
    ("tdg", &[], "gate tdg q { U(0, 0, -pi/4) q; }"),
    ("cz", &[], "gate cz a, b { U(pi/2, 0, pi) b; CX a, b; U(pi/2, 0, pi) b; }"),
    ("swap", &[], "gate swap a, b { CX a, b; CX b, a; CX a, b; }"),
];

/// The most shots of an experiment.
pub(crate) const MAX_SHOTS: u64 = 10_000_000;

/// One of the simulators. Clones are the same backend.
#[derive(Clone, Debug)]
pub struct LocalBackend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    row: &'static Row,
    configuration: Arc<BackendConfiguration>,
    queue: Arc<JobQueue>,
}

impl LocalBackend {
    pub(crate) fn all() -> Vec<Self> {
        let jobs_at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let backend = |row: &'static Row| {
            let configuration = Arc::new(configuration(row));
            let queue = JobQueue::new(jobs_at_once);
            Self(Arc::new(Inner { row, configuration, queue }))
        };
        BACKENDS.iter().map(backend).collect()
    }

    pub(crate) fn shared(&self) -> Arc<dyn Backend> {
        Arc::new(self.clone())
    }
}

impl Backend for LocalBackend {
    fn name(&self) -> &str {
        self.0.row.name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.0.configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus {
            backend_name: self.name().to_owned(),
            backend_version: self.0.configuration.backend_version.clone(),
            operational: true,
            pending_jobs: self.0.queue.pending(),
            status_msg: "active".to_owned(),
            extra: serde_json::Map::new(),
        })
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let limit = self.0.configuration.n_qubits().unwrap_or(u32::MAX);
        let plan = Plan::new(self.0.row, limit, qobj, &options)?;
        let work = move |running: &ketch_core::Running| plan.run(running);
        Ok(self.0.queue.submit(self.shared(), &options, work))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>, Error> {
        self.0.queue.job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        Ok(self.0.queue.jobs(query))
    }
}

fn configuration(row: &Row) -> BackendConfiguration {
    let memory = total_memory().unwrap_or(1 << 32);
    let version = env!("CARGO_PKG_VERSION");
    let mut configuration =
        BackendConfiguration::simulator(row.name, version, n_qubits(memory, row.bits_per_qubit));
    configuration.description = Some(row.description.to_owned());
    configuration.max_shots = Some(MAX_SHOTS);
    // A unitary has neither outcomes nor anything that depends on them.
    let measures = !row.final_state || row.bits_per_qubit == 1;
    configuration.conditional = measures;
    configuration.memory = measures;
    let mut names: Vec<String> = SPELLINGS.iter().map(|gate| gate.name.to_owned()).collect();
    names.dedup();
    configuration.basis_gates = names.clone();
    names.extend(row.instructions.concat().iter().map(|&name| name.to_owned()));
    configuration.supported_instructions = Some(names);
    configuration.gates = DEFINITIONS
        .iter()
        .map(|(name, parameters, definition)| GateConfig::new(*name, parameters, *definition))
        .collect();
    let aliases = ALIASES.iter().filter(|alias| alias.backend == row.name);
    let aliases: Vec<Value> =
        aliases.map(|alias| json!({"name": alias.name, "note": alias.note})).collect();
    configuration.extra.insert("aliases".to_owned(), aliases.into());
    let methods: Vec<&str> = row.methods.iter().map(|method| method.name()).collect();
    configuration.extra.insert("methods".to_owned(), methods.into());
    if row.final_state {
        // Whatever number is asked for: the state of one is the answer.
        configuration.extra.insert("one_shot".to_owned(), true.into());
    }
    configuration
}

/// The largest circuit whose state, in double precision, fits the machine's memory.
fn n_qubits(memory: u64, bits_per_qubit: u32) -> u32 {
    (memory / 16).max(2).ilog2() / bits_per_qubit
}
