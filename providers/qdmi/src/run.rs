//! From a Qobj to device jobs, and from these to a result.

use std::{
    borrow::Cow,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ketch_core::{
    BitString, Circuit, Counts, Error, Qobj, Result, RunOptions, RunResult, Running, check_qobj,
    circuit::Register,
    qobj::Experiment,
    result::{Data, ExperimentResult, Memory, SnapshotResult},
};
use serde_json::{Map, json};

use crate::{
    abi::result,
    device::Device,
    outcomes::{amplitudes, outcomes, parsed, texts},
    printed,
    program::{Outline, Saved, program},
    ticket::{State, Ticket},
    watch::Watch,
};

/// A Qobj that was accepted.
#[derive(Debug)]
pub(crate) struct Plan {
    qobj: Qobj,
    /// One for each circuit.
    outlines: Vec<Outline>,
}

/// An experiment of it.
struct Wanted<'p> {
    name: &'p str,
    experiment: &'p Experiment,
    circuit: &'p Circuit,
    outline: &'p Outline,
    shots: u64,
    memory: bool,
    seeded: bool,
}

/// The first pause between two looks at a job; each is longer by half.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause between two looks at a job.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whoever cancels waits at most this long.
const TICK: Duration = Duration::from_millis(20);

impl Plan {
    /// Checks a Qobj, each circuit once.
    ///
    /// # Errors
    /// The first thing for which it is refused.
    pub(crate) fn new(device: &Device, qobj: Qobj, options: &RunOptions) -> Result<Self> {
        let configuration = &device.configuration;
        if device.formats.is_empty() {
            let what = format!("backend `{}`", configuration.backend_name);
            return Err(Error::not_supported(what, "running circuits: it takes no OpenQASM"));
        }
        check_qobj(&qobj, configuration, &[])?;
        if qobj.experiments().is_empty() {
            let reason = "it has no experiments".to_owned();
            return Err(Error::InvalidQobj { reason, source: None });
        }
        for experiment in qobj.experiments() {
            let circuit = &qobj.circuits()[experiment.circuit];
            if experiment.bindings.len() != circuit.parameters().len() {
                circuit.bind(&experiment.bindings)?;
            }
        }
        let outlines = qobj.circuits().iter().map(|circuit| Outline::new(device, circuit));
        let outlines: Vec<Outline> = outlines.collect::<Result<_>>()?;
        for (circuit, outline) in qobj.circuits().iter().zip(&outlines) {
            if !outline.saves.is_empty() {
                check_memory(circuit.n_qubits(), options)?;
            }
        }
        Ok(Self { qobj, outlines })
    }

    fn wanted(&self) -> impl Iterator<Item = Wanted<'_>> {
        self.qobj.experiments().iter().map(|experiment| Wanted {
            name: self.qobj.experiment_name(experiment),
            experiment,
            circuit: &self.qobj.circuits()[experiment.circuit],
            outline: &self.outlines[experiment.circuit],
            shots: self.qobj.shots(experiment),
            memory: self.qobj.memory(experiment),
            seeded: self.qobj.seed(experiment).is_some(),
        })
    }

    /// Hands all programs to a device that keeps jobs. Blocks while it takes them.
    ///
    /// # Errors
    /// If the device does not take one; those before are cancelled then.
    pub(crate) fn submit(&self, device: &Device) -> Result<Vec<Ticket>> {
        let mut tickets = Vec::new();
        for wanted in self.wanted() {
            match wanted.submit(device, wanted.shots) {
                Ok(ticket) => tickets.push(ticket),
                Err(reason) => {
                    tickets.into_iter().for_each(Ticket::cancel);
                    let message = format!("experiment `{}`: {reason}", wanted.name);
                    return Err(Error::other("qdmi.submit", message));
                }
            }
        }
        Ok(tickets)
    }

    /// Runs all experiments; those that were handed over already are waited for. One that fails
    /// leaves the others alone.
    pub(crate) fn run(
        self,
        device: &Device,
        tickets: Vec<Ticket>,
        watch: &Watch,
        running: &Running,
    ) -> Result<RunResult> {
        let n = self.qobj.experiments().len() as u64;
        let mut tickets = tickets.into_iter();
        let mut experiments = Vec::with_capacity(self.qobj.experiments().len());
        for (place, wanted) in self.wanted().enumerate() {
            running.progress(place as u64, n, 0.0);
            let began = Instant::now();
            let mut result = wanted.frame();
            let told = wanted.told(device, tickets.next(), watch, running, &mut result);
            match told {
                Ok(()) => {
                    result.success = true;
                    result.status = "DONE".to_owned();
                }
                Err(Stopped::Failed(reason)) => result.status = reason,
                Err(Stopped::Cancelled) => {
                    tickets.for_each(Ticket::cancel);
                    return Err(Error::Cancelled { job: running.job_id().to_owned() });
                }
            }
            result.time_taken = began.elapsed().as_secs_f64();
            experiments.push(result);
        }
        let failed = experiments.iter().filter(|experiment| !experiment.success).count();
        Ok(RunResult {
            backend_name: device.configuration.backend_name.clone(),
            backend_version: device.configuration.backend_version.clone(),
            qobj_id: self.qobj.qobj_id,
            success: failed == 0,
            status: match failed {
                0 => "COMPLETED".to_owned(),
                _ => format!("{failed} of {n} experiments failed"),
            },
            header: self.qobj.header,
            experiments,
            ..RunResult::default()
        })
    }
}

/// Refuses a state vector that does not fit the memory twice: as the device tells it, and as it is
/// handed on.
fn check_memory(n_qubits: u32, options: &RunOptions) -> Result<()> {
    let needed = 1_u64.checked_shl(n_qubits).and_then(|n| n.checked_mul(32)).unwrap_or(u64::MAX);
    let available = options.memory.or_else(free_memory).unwrap_or(u64::MAX - 1);
    match needed > available {
        true => Err(Error::OutOfMemory { needed, available }),
        false => Ok(()),
    }
}

/// The bytes that programs can have, as the system says.
fn free_memory() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

/// Why there is no result of an experiment.
enum Stopped {
    Cancelled,
    Failed(String),
}

impl From<String> for Stopped {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// The results of a job of an earlier process, of which only the device's ids are known.
pub(crate) fn collect(
    device: &Device,
    tickets: Vec<(String, Ticket)>,
    watch: &Watch,
    running: &Running,
) -> Result<RunResult> {
    let mut experiments = Vec::new();
    let mut tickets = tickets.into_iter();
    while let Some((id, ticket)) = tickets.next() {
        let mut result = ExperimentResult { name: id, ..ExperimentResult::default() };
        let told = wait(ticket, watch, running).and_then(|ticket| {
            let outcomes = outcomes(&ticket)?.ok_or("the device tells no outcomes".to_owned())?;
            let width = outcomes.first().map_or(0, |(bits, _)| bits.width());
            result.registers = vec![Register::new("c", 0, width)];
            let counts = Counts::from_outcomes(result.registers.clone(), outcomes);
            result.shots = counts.total();
            result.counts = Some(counts);
            Ok(())
        });
        match told {
            Ok(()) => (result.success, result.status) = (true, "DONE".to_owned()),
            Err(Stopped::Failed(reason)) => result.status = reason,
            Err(Stopped::Cancelled) => {
                tickets.for_each(|(_, ticket)| ticket.cancel());
                return Err(Error::Cancelled { job: running.job_id().to_owned() });
            }
        }
        experiments.push(result);
    }
    let success = experiments.iter().all(|experiment| experiment.success);
    let backend_name = device.configuration.backend_name.clone();
    let backend_version = device.configuration.backend_version.clone();
    let status = if success { "COMPLETED" } else { "not all experiments succeeded" }.to_owned();
    let about =
        RunResult { backend_name, backend_version, success, status, ..RunResult::default() };
    Ok(RunResult { experiments, ..about })
}

/// Waits for the end of a job, and cancels it if nobody wants it any more.
fn wait(ticket: Ticket, watch: &Watch, running: &Running) -> Result<Ticket, Stopped> {
    let mut pause = FIRST_PAUSE;
    loop {
        let state = ticket
            .state()
            .map_err(|failure| format!("the device does not tell how its job is: {failure}"))?;
        match state {
            State::Done => return Ok(ticket),
            State::Cancelled => return Err(Stopped::Cancelled),
            State::Failed => {
                let id = ticket.id().map(|id| format!(" `{id}`")).unwrap_or_default();
                let said = printed::since(ticket.printed);
                let said = said.unwrap_or_else(|| "QDMI has no words for why".to_owned());
                return Err(format!("the device's job{id} failed: {said}").into());
            }
            State::Waiting => watch.waits(ticket.jobs_before()),
            State::Running => watch.runs(),
        }
        let until = Instant::now() + pause;
        loop {
            if running.is_cancelled() {
                ticket.cancel();
                return Err(Stopped::Cancelled);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(TICK));
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

impl Wanted<'_> {
    fn submit(&self, device: &Device, shots: u64) -> Result<Ticket, String> {
        let bindings = &self.experiment.bindings;
        let bound = match bindings.is_empty() {
            true => Cow::Borrowed(self.circuit),
            false => Cow::Owned(self.circuit.bind(bindings).map_err(|error| error.to_string())?),
        };
        let (format, text) = program(device, &bound)?;
        Ticket::submit(&device.session, format, &text, shots).map_err(|refused| refused.to_string())
    }

    /// The result without anything that was run.
    fn frame(&self) -> ExperimentResult {
        ExperimentResult {
            name: self.name.to_owned(),
            shots: self.shots,
            registers: self.circuit.cregs().to_vec(),
            header: self.experiment.header.clone(),
            ..ExperimentResult::default()
        }
    }

    fn told(
        &self,
        device: &Device,
        ticket: Option<Ticket>,
        watch: &Watch,
        running: &Running,
        into: &mut ExperimentResult,
    ) -> Result<(), Stopped> {
        if running.is_cancelled() {
            ticket.into_iter().for_each(Ticket::cancel);
            return Err(Stopped::Cancelled);
        }
        let ticket = match ticket {
            Some(ticket) => ticket,
            None => self.submit(device, self.shots)?,
        };
        let ticket = wait(ticket, watch, running)?;
        let mut metadata = Map::new();
        metadata.insert("qdmi_job_id".to_owned(), json!(ticket.id()));
        if self.seeded {
            metadata.insert("notes".to_owned(), json!(["QDMI has no seeds: this one was ignored"]));
        }
        into.metadata = Arc::new(metadata);
        // Without clbits there is nothing to count.
        if self.width() > 0 {
            match outcomes(&ticket)? {
                Some(outcomes) => into.counts = Some(self.counts(outcomes)?),
                None if self.outline.saves.is_empty() => {
                    return Err("the device tells no outcomes of its job".to_owned().into());
                }
                None => {}
            }
        }
        if self.memory && self.width() > 0 {
            let shots = texts(&ticket, result::SHOTS)?;
            let shots =
                shots.ok_or("the device does not tell the outcomes of single shots".to_owned())?;
            into.memory = Some(self.memory_of(&shots)?);
        }
        if !self.outline.saves.is_empty() {
            self.save(device, &ticket, watch, running, into)?;
        }
        Ok(())
    }

    fn counts(&self, outcomes: Vec<(BitString, u64)>) -> Result<Counts, String> {
        let registers = self.circuit.cregs().to_vec();
        let placed = outcomes.into_iter().map(|(bits, count)| Ok((self.placed(&bits)?, count)));
        Ok(Counts::from_outcomes(registers, placed.collect::<Result<Vec<_>, String>>()?))
    }

    fn memory_of(&self, shots: &[String]) -> Result<Memory, String> {
        let width = self.width();
        let mut bytes = Vec::with_capacity(shots.len() * Memory::stride_of(width));
        for shot in shots {
            let bits = self.placed(&parsed(shot)?)?;
            let words: Vec<u8> = bits.words().flat_map(u64::to_le_bytes).collect();
            bytes.extend_from_slice(&words[..Memory::stride_of(width)]);
        }
        Ok(Memory::from_bytes(width, bytes.into()).expect("as many bytes as the strides make"))
    }

    fn width(&self) -> u32 {
        self.circuit.n_clbits()
    }

    /// An outcome as the circuit's clbits: devices tell all of them, or those that are written.
    fn placed(&self, told: &BitString) -> Result<BitString, String> {
        let (width, written) = (self.width(), &self.outline.written);
        if written.is_empty() {
            // Whatever such a device reads out, no clbit holds it.
            return Ok(BitString::zeros(width));
        }
        if told.width() == width {
            return Ok(told.clone());
        }
        if told.width() as usize != written.len() {
            let found = told.width();
            return Err(format!("the device tells outcomes of {found} bits, expected {width}"));
        }
        let mut bits = BitString::zeros(width);
        for (place, clbit) in written.iter().enumerate() {
            bits.set(*clbit, told.get(place as u32));
        }
        Ok(bits)
    }

    /// Puts the state vector where the circuit saves it. Devices that tell it of jobs without shots
    /// only get such a job.
    fn save(
        &self,
        device: &Device,
        ticket: &Ticket,
        watch: &Watch,
        running: &Running,
        into: &mut ExperimentResult,
    ) -> Result<(), Stopped> {
        let state = |ticket: &Ticket| {
            let told = ticket.result(result::STATE);
            told.map_err(|failure| format!("the device does not tell the state vector: {failure}"))
        };
        let state = match state(ticket)? {
            Some(state) => Some(state),
            None => state(&wait(self.submit(device, 0)?, watch, running)?)?,
        };
        let state = state.ok_or("the device has no state vectors".to_owned())?;
        let amplitudes = amplitudes(&state);
        let (found, qubits) = (amplitudes.len(), self.circuit.n_qubits());
        if u32::try_from(found).ok() != 1_u32.checked_shl(qubits) {
            let reason = format!("the device tells {found} amplitudes of {qubits} qubits");
            return Err(reason.into());
        }
        let vector = Data::Vector(amplitudes.into());
        for saved in &self.outline.saves {
            match saved.clone() {
                Saved::Data { key } => drop(into.data.insert(key, vector.clone())),
                Saved::Snapshot { kind, label } => {
                    let values = vec![vector.clone()];
                    into.snapshots.push(SnapshotResult { kind, label, values });
                }
            }
        }
        Ok(())
    }
}
