//! The golden provider: everything that crosses ABI 1, in one small plugin.
//!
//! Two backends that only exchange basis states: a simulator, and a device with a coupling map and
//! a calibration. Extensions under `golden.`: messages, numbers, objects, errors, panics, and what
//! the host says when it is asked.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ketch_core::{
    Array, BitString, Buffer, Complex64, Counts, Extensions, JobQuery, Message, TextCause,
    circuit::*, device::*, prelude::*, qobj::*, result::*,
};
use serde_json::json;

ketch_core::export_provider! {
    id: "golden",
    provider: |host| Ok(Golden::new(host)),
    manifest: r#""status":"static","capabilities":["golden.echo/3"]"#,
}

struct Golden {
    host: Host,
    backends: [Arc<dyn Backend>; 2],
}

impl Golden {
    fn new(host: Host) -> Self {
        host.log(Level::Info, "the golden provider was made");
        let machine = |device| -> Arc<dyn Backend> { Arc::new(Machine::new(&host, device)) };
        Self { backends: [machine(false), machine(true)], host }
    }
}

impl Provider for Golden {
    fn name(&self) -> &str {
        "golden"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply(self.backends.clone())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Golden {
    fn supports(&self, name: &str) -> u32 {
        match name {
            "golden.echo" => 3,
            "golden.numbers" | "golden.counter" | "golden.busy" | "golden.panic"
            | "golden.host" => 1,
            _ => 0,
        }
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        match name {
            "golden.echo" => Ok(message),
            // A buffer of 8 MB, and where it lies.
            "golden.numbers" => {
                let numbers: Array<f64> = (0..1_000_000).map(f64::from).collect::<Vec<_>>().into();
                let mut answer = Message::json(&json!({"length": numbers.len()}));
                answer.buffers.push(Buffer::Reals(numbers));
                Ok(answer)
            }
            "golden.busy" => Err(Error::Other {
                code: "golden.busy".to_owned(),
                message: "the golden machine is busy".to_owned(),
                hint: Some("ask again".to_owned()),
                retryable: true,
                source: TextCause::chain(&["the fridge is warm".into(), "it is summer".into()]),
            }),
            "golden.panic" => panic!("golden panic"),
            // What the host answers when this side asks.
            "golden.host" => {
                let document = message.to_json().unwrap_or_default();
                let name = document["name"].as_str().unwrap_or_default();
                let host = self.host.extensions();
                let answer = host.call(name, Message::json(&document));
                let (said, refused) = match answer {
                    Ok(answer) => (answer.to_json(), None),
                    Err(error) => (None, Some(error.code().to_owned())),
                };
                let supports = host.supports(name);
                let answer = json!({"supports": supports, "said": said, "refused": refused});
                Ok(Message::json(&answer))
            }
            _ => Err(Error::not_supported("golden", name)),
        }
    }

    fn open(&self, name: &str, _message: Message) -> Result<Arc<dyn Extensions>> {
        match name {
            "golden.counter" => Ok(Arc::new(Counter::default())),
            _ => Err(Error::not_supported("golden", name)),
        }
    }
}

/// Counts how often it was called.
#[derive(Default)]
struct Counter(AtomicU64);

impl Extensions for Counter {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == "golden.next")
    }

    fn call(&self, _name: &str, _message: Message) -> Result<Message> {
        Ok(Message::json(&json!({"next": self.0.fetch_add(1, Ordering::Relaxed)})))
    }
}

#[derive(Clone)]
struct Machine {
    host: Host,
    configuration: Arc<BackendConfiguration>,
    properties: Option<Arc<BackendProperties>>,
    jobs: Arc<JobQueue>,
}

impl Machine {
    fn new(host: &Host, device: bool) -> Self {
        let name = if device { "basis_device" } else { "basis_simulator" };
        let n_qubits = if device { 3 } else { 64 };
        let mut it = BackendConfiguration::simulator(name, "1.0.0", n_qubits);
        it.basis_gates = ["id", "x", "cx", "ccx", "swap"].map(str::to_owned).to_vec();
        it.conditional = false;
        if device {
            it.simulator = false;
            it.coupling_map = Some(vec![vec![0, 1], vec![1, 2]]);
        }
        Self {
            host: host.clone(),
            properties: device.then(|| Arc::new(properties(name))),
            configuration: Arc::new(it),
            jobs: JobQueue::new(2),
        }
    }
}

fn properties(name: &str) -> BackendProperties {
    const DATE: &str = "2018-07-06T11:13:20Z";
    let number = |name, value, unit| Nduv::new(name, value, unit, DATE);
    let gate = GateProperties {
        qubits: vec![0, 1],
        gate: "cx".to_owned(),
        parameters: vec![number("gate_error", 0.01, ""), number("gate_length", 300.0, "ns")],
        name: Some("cx0_1".to_owned()),
        extra: Default::default(),
    };
    BackendProperties {
        backend_name: name.to_owned(),
        backend_version: "1.0.0".to_owned(),
        last_update_date: DATE.to_owned(),
        qubits: vec![vec![number("T1", 50.0, "µs"), number("readout_error", 0.02, "")]; 3],
        gates: vec![gate],
        general: vec![number("temperature", 0.015, "K")],
        extra: Default::default(),
    }
}

impl Backend for Machine {
    fn name(&self) -> &str {
        &self.configuration.backend_name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.configuration))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(self.properties.clone())
    }

    fn status(&self) -> Result<BackendStatus> {
        let status = BackendStatus::active(self.name(), &self.configuration.backend_version);
        Ok(BackendStatus { pending_jobs: self.jobs.pending(), ..status })
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        check_qobj(&qobj, &self.configuration, &["wait"])?;
        let host = self.host.clone();
        Ok(self.jobs.submit(Arc::new(self.clone()), &options, move |job| {
            host.log(Level::Info, &format!("running {}", job.job_id()));
            host.progress(job.job_id(), 0.5);
            let wait =
                Some(true) == qobj.config.options.get("wait").and_then(|wait| wait.as_bool());
            while wait && !job.is_cancelled() {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            let go_on = qobj.experiments().iter().take_while(|_| !job.is_cancelled());
            let experiments = go_on.map(|experiment| run_experiment(&qobj, experiment)).collect();
            let Qobj { qobj_id, header, .. } = qobj;
            Ok(RunResult { qobj_id, header, experiments, success: true, ..Default::default() })
        }))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.jobs.job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        Ok(self.jobs.jobs(query))
    }
}

/// What goes wrong in one experiment is written into its result and does not stop the others.
fn run_experiment(qobj: &Qobj, experiment: &Experiment) -> ExperimentResult {
    let mut result = ExperimentResult {
        name: qobj.experiment_name(experiment).to_owned(),
        shots: qobj.shots(experiment),
        seed: qobj.seed(experiment),
        header: experiment.header.clone(),
        ..Default::default()
    };
    match qobj.circuits()[experiment.circuit].bind(&experiment.bindings) {
        Err(error) => result.status = error.to_string(),
        Ok(circuit) if circuit.n_clbits() > 64 => result.status = "more than 64 clbits".to_owned(),
        Ok(circuit) => {
            let (state, outcome) = run_circuit(&circuit);
            if qobj.memory(experiment) {
                let shot = outcome.words().flat_map(u64::to_le_bytes);
                let shot: Vec<u8> = shot.take(Memory::stride_of(outcome.width())).collect();
                let shots = shot.repeat(result.shots as usize);
                result.memory = Memory::from_bytes(outcome.width(), shots.into());
            }
            if state.len() <= 16 {
                let place: usize = (0..state.len()).map(|q| usize::from(state[q]) << q).sum();
                let mut amplitudes = vec![Complex64::ZERO; 1 << state.len()];
                amplitudes[place] = Complex64::ONE;
                result.data.insert("statevector".to_owned(), Data::Vector(amplitudes.into()));
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
fn run_circuit(circuit: &Circuit) -> (Vec<bool>, BitString) {
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
    (state, outcome)
}
