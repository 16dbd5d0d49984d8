//! From Qobj to result.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ketch_core::{
    Circuit, Error, Qobj, Result, RunOptions, RunResult, Running,
    circuit::Op,
    noise::Coverage,
    qobj::{Experiment, Program, seed_experiments},
    result::{ExperimentResult, SnapshotResult},
};
use ketch_simulator::{
    Cancel, Facts, Options, Outcome, Size, Threads, check, choose, simulate_bound, size,
    total_memory,
};

use crate::{
    backends::{MAX_SHOTS, Row},
    metadata::Metadata,
    noise::insert_models,
    options::Settings,
    values::data,
};

/// The bytes up to which experiments run side by side, one thread each.
const SMALL: u128 = 4 << 20;

/// Circuits from which on it pays to start threads to check them: each takes some microseconds, a
/// thread some tens.
const MANY_KINDS: usize = 128;

/// Experiments that a thread takes at once where they are many and small: their results lie
/// together, and only the whole is put in order.
const TOGETHER: usize = 32;

/// Up to these, a circuit takes less than [`SMALL`] by any method, and nobody needs to ask how much.
const FEW_QUBITS: u32 = 6;
const FEW_CLBITS: u32 = 64;
const FEW_SHOTS: u64 = 1 << 14;

/// A Qobj that was accepted: nothing is left to refuse but what shows while it runs.
#[derive(Debug)]
pub(crate) struct Plan {
    row: &'static Row,
    qobj: Qobj,
    /// One for each experiment.
    settings: Vec<Settings>,
    /// What of each experiment's circuit has noise, in the order of experiments; empty for a Qobj
    /// without experiments.
    coverages: Vec<Option<Arc<Coverage>>>,
    /// The bytes that the largest experiment takes on one thread.
    largest: u128,
    threads: usize,
}

impl Plan {
    /// Checks all of a Qobj: options, instructions, sizes.
    ///
    /// # Errors
    /// The first thing for which it is refused.
    pub(crate) fn new(
        row: &'static Row,
        n_qubits: u32,
        mut qobj: Qobj,
        options: &RunOptions,
    ) -> Result<Self> {
        if let Program::Pulse(_) = qobj.program {
            let instruction = "pulse".to_owned();
            return Err(Error::UnsupportedInstruction {
                backend: row.name.to_owned(),
                instruction,
            });
        }
        let mut settings = read_settings(row, &mut qobj)?;
        let coverages = insert_models(row, &mut qobj)?;
        let mut threads = options.threads.map_or(0, |threads| threads as usize);
        for settings in &mut settings {
            let engine = &mut settings.engine;
            engine.max_memory = match (engine.max_memory, options.memory) {
                (Some(own), Some(budget)) => Some(own.min(budget)),
                (own, budget) => own.or(budget),
            };
            threads = match (threads, engine.threads) {
                (0, own) => own,
                (budget, 0) => budget,
                (budget, own) => budget.min(own),
            };
        }
        let (kinds, sizes) = sizes(row, &qobj, &settings, threads)?;
        for (place, (experiment, settings)) in qobj.experiments().iter().zip(&settings).enumerate()
        {
            let circuit = circuit_of(&qobj, experiment)?;
            let size = sizes[kinds[place]].clone()?;
            check_size(row, n_qubits, circuit, size, settings.engine.max_memory)?;
            let (found, expected) = (experiment.bindings.len(), circuit.parameters().len());
            if found != expected {
                bound(circuit, experiment)?;
            }
        }
        let largest = sizes.iter().flatten().map(|size| size.bytes).max().unwrap_or(0);
        Ok(Self { row, qobj, settings, coverages, largest, threads })
    }

    /// Runs all experiments. One that fails leaves the others alone.
    pub(crate) fn run(self, running: &Running) -> Result<RunResult> {
        let n = self.settings.len();
        let cancel = Cancel::from(running.cancel_flag());
        let all_small = self.largest <= SMALL;
        let side_by_side = self.settings.iter().map(|settings| settings.side_by_side);
        let allowed = side_by_side.filter(|&n| n > 0).min().unwrap_or(usize::MAX);
        let threads = threads(self.threads)?;
        let metadata = Metadata::default();
        let done = AtomicUsize::new(0);
        let one = |threads: &Threads, place: usize, cancel: &Cancel| {
            let result = self.experiment(place, threads, &metadata, cancel);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            running.progress(done as u64, n as u64, 0.0);
            result
        };
        let experiments: Vec<ExperimentResult> = if all_small && n > 1 && allowed > 1 {
            let serial = Threads::serial();
            let workers = self::threads(threads.count().min(allowed))?;
            let together = (n / (4 * workers.count())).clamp(1, TOGETHER);
            let some = |part: usize| {
                let places = part * together..((part + 1) * together).min(n);
                places.map(|place| one(&serial, place, &cancel)).collect::<Vec<_>>()
            };
            let mut all = Vec::with_capacity(n);
            let parts = workers.map(n.div_ceil(together), some);
            parts.into_iter().for_each(|mut part| all.append(&mut part));
            all
        } else {
            let within = |place: usize| {
                let reporter = running.reporter();
                let report = move |share| reporter.progress(place as u64, n as u64, share);
                cancel.clone().reporting(report)
            };
            (0..n).map(|place| one(&threads, place, &within(place))).collect()
        };
        if cancel.is_cancelled() {
            return Err(Error::Cancelled { job: running.job_id().to_owned() });
        }
        let success = experiments.iter().all(|experiment| experiment.success);
        let failed = experiments.iter().filter(|experiment| !experiment.success).count();
        Ok(RunResult {
            backend_name: self.row.name.to_owned(),
            backend_version: env!("CARGO_PKG_VERSION").to_owned(),
            qobj_id: self.qobj.qobj_id.clone(),
            success,
            status: match failed {
                0 => "COMPLETED".to_owned(),
                _ => format!("{failed} of {n} experiments failed"),
            },
            header: self.qobj.header.clone(),
            experiments,
            ..RunResult::default()
        })
    }

    fn experiment(
        &self,
        place: usize,
        threads: &Threads,
        metadata: &Metadata,
        cancel: &Cancel,
    ) -> ExperimentResult {
        let started = Instant::now();
        let experiment = &self.qobj.experiments()[place];
        let settings = &self.settings[place];
        let circuit = &self.qobj.circuits()[experiment.circuit];
        let mut result = ExperimentResult {
            name: self.qobj.experiment_name(experiment).to_owned(),
            shots: settings.engine.shots,
            seed: Some(settings.engine.seed),
            registers: circuit.cregs().to_vec(),
            header: experiment.header.clone(),
            ..ExperimentResult::default()
        };
        let engine = &settings.engine;
        let outcome = simulate_bound(threads, circuit, &experiment.bindings, engine, cancel)
            .map_err(|error| described(&error));
        match outcome {
            Ok(outcome) => {
                let coverage = self.coverages.get(place).and_then(Option::as_ref);
                let facts = fill(&mut result, outcome);
                result.metadata = metadata.of(facts, &settings.ignored, coverage);
            }
            Err(reason) => result.status = reason,
        }
        result.time_taken = started.elapsed().as_secs_f64();
        result
    }
}

/// The settings of all experiments, seeds included.
fn read_settings(row: &'static Row, qobj: &mut Qobj) -> Result<Vec<Settings>> {
    // Mostly no experiment has options of its own.
    let mut common: Option<Settings> = None;
    let read = |experiment: &Experiment| match &common {
        Some(common) if experiment.config.options.is_empty() => Ok(common.clone()),
        _ => {
            let settings = Settings::read(row, qobj, experiment)?;
            if experiment.config.options.is_empty() {
                common = Some(settings.clone());
            }
            Ok(settings)
        }
    };
    let mut settings = qobj.experiments().iter().map(read).collect::<Result<Vec<_>>>()?;
    if let Some(seed) = settings.iter().find_map(|settings| settings.seed) {
        // Given as an option, so it counts more than what the host wrote.
        qobj.config.seed = Some(seed);
        qobj.experiments_mut().iter_mut().for_each(|experiment| experiment.config.seed = None);
    }
    let random = RandomState::new().build_hasher().finish();
    seed_experiments(qobj, random);
    for (experiment, settings) in qobj.experiments().iter().zip(&mut settings) {
        let shots = settings.shots.unwrap_or_else(|| qobj.shots(experiment));
        if shots > MAX_SHOTS {
            return Err(Error::InvalidOption {
                name: "shots".to_owned(),
                reason: format!("found {shots}, expected at most {MAX_SHOTS}"),
                nearest: None,
            });
        }
        let engine = &mut settings.engine;
        engine.shots = if row.final_state { 1 } else { shots };
        engine.memory = settings.memory.unwrap_or_else(|| qobj.memory(experiment));
        engine.seed = qobj.seed(experiment).unwrap_or(random);
    }
    Ok(settings)
}

fn circuit_of<'q>(qobj: &'q Qobj, experiment: &Experiment) -> Result<&'q Circuit> {
    qobj.circuits().get(experiment.circuit).ok_or_else(|| Error::InvalidQobj {
        reason: format!(
            "an experiment names circuit {}, there are {}",
            experiment.circuit,
            qobj.circuits().len()
        ),
        source: None,
    })
}

/// What the circuits take, or why they are refused, each kind once: the kind of each experiment, up
/// to the first that names no circuit, and each kind's answer.
fn sizes(
    row: &Row,
    qobj: &Qobj,
    settings: &[Settings],
    threads: usize,
) -> Result<(Vec<usize>, Vec<Result<Size>>)> {
    let mut known = HashMap::new();
    let mut of_kind = Vec::new();
    let mut kinds = Vec::with_capacity(settings.len());
    for (experiment, settings) in qobj.experiments().iter().zip(settings) {
        let Ok(circuit) = circuit_of(qobj, experiment) else { break };
        let engine = &settings.engine;
        // All that the size depends on, so that thousands of experiments that run one circuit
        // are looked at once.
        let key = (
            experiment.circuit,
            (engine.method, engine.precision, engine.shots <= 1),
            (engine.final_state, engine.truncate, engine.initial_state.is_some()),
        );
        kinds.push(*known.entry(key).or_insert_with(|| {
            of_kind.push((circuit, engine));
            of_kind.len() - 1
        }));
    }
    let threads = match of_kind.len() {
        MANY_KINDS.. => self::threads(threads)?,
        _ => Threads::serial(),
    };
    let size = |kind: usize| {
        let (circuit, engine) = of_kind[kind];
        size_of(circuit, engine).map_err(|error| refused(row, error))
    };
    Ok((kinds, threads.map(of_kind.len(), size)))
}

fn size_of(circuit: &Circuit, engine: &Options) -> Result<Size, ketch_simulator::Error> {
    let few = circuit.n_qubits() <= FEW_QUBITS
        && circuit.n_clbits() <= FEW_CLBITS
        && engine.shots <= FEW_SHOTS
        && !engine.memory;
    let plenty = engine.max_memory.is_none_or(|most| u128::from(most) >= SMALL);
    let saves = |op: &Op| matches!(op, Op::Save(_) | Op::Snapshot(_));
    if few && plenty && !circuit.instructions().any(|i| saves(i.op)) {
        check(circuit, choose(circuit, engine).0)?;
        return Ok(Size { qubits: circuit.n_qubits(), bytes: SMALL });
    }
    size(circuit, engine, 1)
}

fn check_size(
    row: &Row,
    limit: u32,
    circuit: &Circuit,
    size: Size,
    max_memory: Option<u64>,
) -> Result<()> {
    let needed = size.qubits;
    if needed > limit {
        return Err(Error::TooManyQubits {
            backend: row.name.to_owned(),
            circuit: circuit.name.clone(),
            needed,
            limit,
        });
    }
    // What is free now may differ from what is free when it runs; what there is will not.
    let needed = size.bytes;
    if needed <= SMALL && max_memory.is_none() {
        return Ok(());
    }
    let available = max_memory.or_else(total_memory).unwrap_or(u64::MAX);
    if needed > u128::from(available) {
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        return Err(Error::OutOfMemory { needed, available });
    }
    Ok(())
}

/// The circuit with the experiment's numbers for its parameters.
fn bound<'q>(circuit: &'q Circuit, experiment: &Experiment) -> Result<Cow<'q, Circuit>> {
    if experiment.bindings.is_empty() && circuit.parameters().is_empty() {
        return Ok(Cow::Borrowed(circuit));
    }
    Ok(Cow::Owned(circuit.bind(&experiment.bindings)?))
}

fn threads(count: usize) -> Result<Threads> {
    Threads::new(count)
        .map_err(|error| Error::caused("thread.unavailable", "cannot start threads", error))
}

/// An engine's refusal in the words of the interface.
fn refused(row: &Row, error: ketch_simulator::Error) -> Error {
    use ketch_simulator::Error as Engine;
    match error {
        Engine::UnsupportedInstruction { instruction, .. } => {
            Error::UnsupportedInstruction { backend: row.name.to_owned(), instruction }
        }
        Engine::InvalidCircuit(error) => error.into(),
        other => Error::InvalidQobj { reason: described(&other), source: None },
    }
}

/// An error and its causes in one line.
pub(crate) fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Everything but the metadata, which is made of the facts that are left.
fn fill(result: &mut ExperimentResult, outcome: Outcome) -> Facts {
    result.success = true;
    result.status = "DONE".to_owned();
    result.counts = outcome.counts;
    result.memory = outcome.memory;
    result.data = outcome.data.into_iter().map(|(key, value)| (key, data(value))).collect();
    let snapshots = outcome.snapshots.into_iter().map(|snapshot| SnapshotResult {
        kind: snapshot.kind,
        label: snapshot.label,
        values: snapshot.values.into_iter().map(data).collect(),
    });
    result.snapshots = snapshots.collect();
    outcome.facts
}
