//! From Qobj to result.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, btree_map, hash_map::Entry},
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ketch_core::{
    Circuit, Error, Qobj, Result, RunOptions, RunResult, Running, check_qobj,
    qobj::{Experiment, Program, seed_experiments},
    result::ExperimentResult,
};
use ketch_simulator::{
    Cancel, Options, Outcome, Threads,
    noise::{Durations, Scheduling, insert, insert_with_idle, waits_for_parameters},
    simulate_on, size, total_memory,
};
use serde_json::{Map, Value, json};

use crate::{
    described,
    document::Device,
    fit,
    options::{Settings, names},
};

/// The bytes up to which experiments run side by side, one thread each.
const SMALL: u128 = 4 << 20;

/// With and without noise, and how idle qubits are found.
type How = (bool, Option<Scheduling>);

/// A Qobj that was accepted, with the noise in its circuits.
#[derive(Debug)]
pub(crate) struct Plan {
    device: Arc<Device>,
    qobj: Qobj,
    /// What runs for each circuit.
    circuits: BTreeMap<(usize, How), Circuit>,
    /// One for each experiment.
    settings: Vec<Settings>,
    threads: usize,
    all_small: bool,
}

impl Plan {
    /// Checks all of a Qobj: gates and couplings, options, instructions, sizes.
    ///
    /// # Errors
    /// The first thing for which it is refused.
    pub(crate) fn new(device: Arc<Device>, mut qobj: Qobj, options: &RunOptions) -> Result<Self> {
        let configuration = &device.configuration;
        let n_qubits = configuration.n_qubits().unwrap_or(0);
        // Before what any backend checks, since this names qubits and says what to do.
        for circuit in qobj.circuits() {
            if circuit.n_qubits() <= n_qubits && circuit.validate().is_ok() {
                fit::check(&device, circuit)?;
            }
        }
        check_qobj(&qobj, configuration, &names())?;
        let mut settings = read_settings(&device, &mut qobj)?;
        bind_delays(&device, &mut qobj, &settings)?;
        let mut threads = options.threads.map_or(0, |threads| threads as usize);
        let mut circuits = BTreeMap::new();
        let mut sizes = HashMap::new();
        for (experiment, settings) in qobj.experiments().iter().zip(&mut settings) {
            let engine = &mut settings.engine;
            threads = match (threads, engine.threads) {
                (0, own) => own,
                (budget, 0) => budget,
                (budget, own) => budget.min(own),
            };
            engine.max_memory = options.memory;
            let circuit = &qobj.circuits()[experiment.circuit];
            if experiment.bindings.len() != circuit.parameters().len() {
                circuit.bind(&experiment.bindings)?;
            }
            let noise = (settings.noise, settings.scheduling);
            let noisy = match circuits.entry((experiment.circuit, noise)) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(place) => {
                    place.insert(with_noise(&device, circuit, noise)?)
                }
            };
            // All that the size depends on: thousands of experiments that run one circuit are
            // looked at once.
            let how = (engine.method, engine.precision, engine.shots <= 1);
            if let Entry::Vacant(size) = sizes.entry((experiment.circuit, noise, how)) {
                size.insert(check_size(noisy, engine)?);
            }
        }
        let all_small = sizes.values().all(|size| *size <= SMALL);
        Ok(Self { device, qobj, circuits, settings, threads, all_small })
    }

    /// Runs all experiments. One that fails leaves the others alone.
    pub(crate) fn run(self, running: &Running) -> Result<RunResult> {
        let cancel = Cancel::from(running.cancel_flag());
        let n = self.settings.len();
        let threads = Threads::new(self.threads)
            .map_err(|error| Error::caused("thread.unavailable", "cannot start threads", error))?;
        let done = AtomicUsize::new(0);
        let one = |threads: &Threads, place: usize, cancel: &Cancel| {
            let result = self.experiment(place, threads, cancel);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            running.progress(done as u64, n as u64, 0.0);
            result
        };
        let experiments: Vec<ExperimentResult> = match self.all_small && n > 1 {
            true => threads.map(n, |place| one(&Threads::serial(), place, &cancel)),
            false => {
                let within = |place: usize| {
                    let reporter = running.reporter();
                    let report = move |share| reporter.progress(place as u64, n as u64, share);
                    cancel.clone().reporting(report)
                };
                (0..n).map(|place| one(&threads, place, &within(place))).collect()
            }
        };
        if cancel.is_cancelled() {
            return Err(Error::Cancelled { job: running.job_id().to_owned() });
        }
        let failed = experiments.iter().filter(|experiment| !experiment.success).count();
        Ok(RunResult {
            backend_name: self.device.name().to_owned(),
            backend_version: self.device.configuration.backend_version.clone(),
            qobj_id: self.qobj.qobj_id.clone(),
            success: failed == 0,
            status: match failed {
                0 => "COMPLETED".to_owned(),
                _ => format!("{failed} of {n} experiments failed"),
            },
            header: self.qobj.header.clone(),
            experiments,
            ..RunResult::default()
        })
    }

    fn experiment(&self, place: usize, threads: &Threads, cancel: &Cancel) -> ExperimentResult {
        let started = Instant::now();
        let experiment = &self.qobj.experiments()[place];
        let Settings { engine, noise, scheduling, .. } = &self.settings[place];
        let circuit = &self.circuits[&(experiment.circuit, (*noise, *scheduling))];
        let mut result = ExperimentResult {
            name: self.qobj.experiment_name(experiment).to_owned(),
            shots: engine.shots,
            seed: Some(engine.seed),
            registers: circuit.cregs().to_vec(),
            header: experiment.header.clone(),
            ..ExperimentResult::default()
        };
        let bound = match experiment.bindings.is_empty() && circuit.parameters().is_empty() {
            true => Ok(Cow::Borrowed(circuit)),
            false => circuit.bind(&experiment.bindings).map(Cow::Owned),
        };
        let outcome = bound.map_err(|error| described(&error)).and_then(|circuit| {
            simulate_on(threads, &circuit, engine, cancel).map_err(|error| described(&error))
        });
        match outcome {
            Ok(outcome) => fill(&mut result, outcome, (*noise, *scheduling)),
            Err(reason) => result.status = reason,
        }
        result.time_taken = started.elapsed().as_secs_f64();
        result
    }
}

/// Binds the circuits whose qubits relax for as long as parameters say, which differs from one
/// experiment to the next.
fn bind_delays(device: &Device, qobj: &mut Qobj, settings: &[Settings]) -> Result<()> {
    let Program::Circuits { circuits, experiments } = &mut qobj.program else { return Ok(()) };
    let waits = |circuit: &Circuit| waits_for_parameters(circuit, &device.noise);
    let waiting: Vec<bool> = circuits.iter().map(waits).collect();
    for (experiment, settings) in experiments.iter_mut().zip(settings) {
        if settings.noise && waiting[experiment.circuit] {
            let bindings = std::mem::take(&mut experiment.bindings);
            let bound = circuits[experiment.circuit].bind(&bindings)?;
            experiment.circuit = circuits.len();
            circuits.push(bound);
        }
    }
    Ok(())
}

/// The circuit that the device runs.
fn with_noise(device: &Device, circuit: &Circuit, (noise, scheduling): How) -> Result<Circuit> {
    let Some(scheduling) = scheduling.filter(|_| noise) else {
        if !noise {
            return Ok(circuit.clone());
        }
        return insert(circuit, &device.noise).map_err(|error| Error::InvalidQobj {
            reason: format!("the noise of circuit `{}`: {error}", circuit.name),
            source: None,
        });
    };
    let refuse = |reason: String| Error::InvalidOption {
        name: "scheduling_method".to_owned(),
        reason,
        nearest: None,
    };
    let durations = Durations::from_device(&device.configuration, &device.properties)
        .map_err(|error| refuse(format!("{}: {error}", device.source())))?;
    insert_with_idle(circuit, &device.noise, &durations, scheduling)
        .map_err(|error| refuse(described(&error)))
}

/// The settings of all experiments, seeds included.
fn read_settings(device: &Device, qobj: &mut Qobj) -> Result<Vec<Settings>> {
    let read = |experiment: &Experiment| Settings::read(qobj, experiment);
    let mut settings = qobj.experiments().iter().map(read).collect::<Result<Vec<_>>>()?;
    if let Some(seed) = settings.iter().find_map(|settings| settings.seed) {
        // Given as an option, so it counts more than what the host wrote.
        qobj.config.seed = Some(seed);
        qobj.experiments_mut().iter_mut().for_each(|experiment| experiment.config.seed = None);
    }
    let random = RandomState::new().build_hasher().finish();
    seed_experiments(qobj, random);
    let limit = device.configuration.max_shots.unwrap_or(u64::MAX);
    for (experiment, settings) in qobj.experiments().iter().zip(&mut settings) {
        let shots = settings.shots.unwrap_or_else(|| qobj.shots(experiment));
        if !(1..=limit).contains(&shots) {
            return Err(Error::InvalidOption {
                name: "shots".to_owned(),
                reason: format!("found {shots}, expected 1 to {limit}"),
                nearest: None,
            });
        }
        let engine = &mut settings.engine;
        engine.shots = shots;
        engine.memory = settings.memory.unwrap_or_else(|| qobj.memory(experiment));
        engine.seed = qobj.seed(experiment).unwrap_or(random);
    }
    Ok(settings)
}

/// The bytes that a circuit takes on one thread, if they are there.
fn check_size(circuit: &Circuit, engine: &Options) -> Result<u128> {
    let size = size(circuit, engine, 1).map_err(|error| match error {
        ketch_simulator::Error::InvalidCircuit(error) => Error::from(error),
        other => Error::InvalidQobj { reason: described(&other), source: None },
    })?;
    let needed = size.bytes;
    // What is free now may differ from what is free when it runs; what there is will not.
    let available = engine.max_memory.or_else(total_memory).unwrap_or(u64::MAX);
    if needed > u128::from(available) {
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        return Err(Error::OutOfMemory { needed, available });
    }
    Ok(needed)
}

fn fill(result: &mut ExperimentResult, outcome: Outcome, (noise, scheduling): How) {
    result.success = true;
    result.status = "DONE".to_owned();
    result.counts = outcome.counts;
    result.memory = outcome.memory;
    let facts = outcome.facts;
    let scheduling = scheduling.filter(|_| noise).map(|scheduling| match scheduling {
        Scheduling::AsLateAsPossible => "alap",
        Scheduling::AsSoonAsPossible => "asap",
    });
    let metadata: [(&str, Value); 10] = [
        ("method", json!(facts.method.name())),
        ("method_reason", json!(facts.reason)),
        ("precision", json!(facts.precision.name())),
        ("noise", json!(noise)),
        ("scheduling_method", json!(scheduling)),
        ("threads", json!(facts.threads)),
        ("measure_sampling", json!(facts.sampled)),
        ("active_qubits", json!(facts.n_qubits)),
        ("state_bytes", json!(facts.bytes)),
        ("notes", json!(facts.notes)),
    ];
    let fields = metadata.into_iter().map(|(name, value)| (name.to_owned(), value));
    result.metadata = Arc::new(fields.collect::<Map<_, _>>());
}
