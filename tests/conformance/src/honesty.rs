//! Checks that a backend runs what its configuration declares and refuses what it does not.

use std::{collections::BTreeSet, time::Duration};

use ketch_core::{
    Backend, BackendConfiguration, Circuit, Error, Qobj, RunOptions,
    circuit::{Controls, Gate, Op, SPELLINGS, Spelling},
};

use crate::{
    Gates, Outcome,
    input::is_broken,
    report::{Check, require},
    results::{LONG, counts, measured, mostly, run, run_measured, shots},
};

/// The angles of a gate that is tried out: none of them makes it the identity or Clifford.
const ANGLES: [f64; 4] = [0.3, 0.7, 1.1, 1.3];

/// A simulator on this machine is not asked for more qubits at once: each doubles its memory, and
/// other checks run beside this one.
const MOST_SIMULATED: u32 = 24;

/// So many qubits are enough to try any gate on.
const MOST_QUBITS: u32 = 5;

/// A state of all qubits of a simulator may take much longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many couplings are tried.
const MOST_COUPLINGS: usize = 64;

/// A gate of the backend, and the qubits on which it is tried.
struct Use {
    name: String,
    gate: Gate,
    controls: u16,
    qubits: Vec<u32>,
}

impl Use {
    fn on(&self, circuit: Circuit) -> Circuit {
        let params = &ANGLES[..self.gate.info().n_params as usize];
        circuit.gate(self.gate, self.controls, params, &self.qubits)
    }

    /// A circuit that the qubits fit into, two clbits wide.
    fn circuit(&self) -> Circuit {
        let largest = self.qubits.iter().max().map_or(1, |largest| largest + 1);
        Circuit::new(largest.max(2), 2).named(self.name.as_str())
    }
}

/// The basis gates that Ketch knows, each with qubits for it.
fn uses(backend: &dyn Backend) -> Result<Vec<Use>, Outcome> {
    let configuration = backend.configuration()?;
    let uses = configuration.basis_gates.iter().filter_map(|name| {
        let spelling = Spelling::by_name(name)?;
        let targets = spelling.gate.info().n_qubits;
        let controls = match spelling.controls {
            Controls::Exactly(controls) => controls,
            Controls::Any => 2,
        };
        let qubits = qubits_for(&configuration, name, targets + u32::from(controls))?;
        (targets > 0).then(|| Use { name: name.clone(), gate: spelling.gate, controls, qubits })
    });
    Ok(uses.collect())
}

/// Qubits on which a gate may act, by the gate's own map or the device's.
fn qubits_for(configuration: &BackendConfiguration, name: &str, width: u32) -> Option<Vec<u32>> {
    let described = configuration.gates.iter().find(|gate| gate.name == name);
    let own = described.and_then(|gate| gate.coupling_map.as_ref());
    let fits =
        |map: &Vec<Vec<u32>>| map.iter().find(|group| group.len() == width as usize).cloned();
    match (own, &configuration.coupling_map) {
        (Some(own), _) => fits(own),
        (None, Some(couplings)) if width > 1 => fits(couplings),
        _ => (width <= configuration.n_qubits().unwrap_or(u32::MAX).min(MOST_QUBITS))
            .then(|| (0..width).collect()),
    }
}

/// Whether a failure is a refusal that names the instruction: as one that the backend does not
/// know, or as one that makes the Qobj unfit for the device.
fn is_refusal(how: &str, instruction: &str) -> bool {
    how.contains("instruction.unsupported")
        || how.contains("qobj.invalid") && how.contains(&format!("`{instruction}`"))
}

/// Whether a circuit runs; false if its one gate, which it is named after, is refused by name.
fn accepted(backend: &dyn Backend, circuit: Circuit) -> Result<bool, Outcome> {
    let name = circuit.name.clone();
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 10)?);
    let job = match backend.run(qobj, RunOptions::default()).map_err(Outcome::from) {
        Ok(job) => job,
        Err(Outcome::Failed(how)) if is_refusal(&how, &name) => return Ok(false),
        Err(other) => return Err(other),
    };
    let result = job.result(Some(LONG))?;
    let experiment = result.experiment(0)?;
    require!(experiment.success, "`{name}` failed: {}", experiment.status);
    Ok(true)
}

/// Every basis gate that Ketch knows is run.
pub fn every_basis_gate_runs(backend: &dyn Backend) -> Check {
    let all = uses(backend)?;
    if all.is_empty() {
        return Err(Outcome::not_applicable("Ketch knows none of its basis gates"));
    }
    for gate in all {
        let accepted = accepted(backend, gate.on(gate.circuit()))?;
        require!(accepted, "the basis gate `{}` is refused on {:?}", gate.name, gate.qubits);
    }
    Ok(())
}

/// A basis gate and what undoes it leave the outcome as it was, where both are basis gates.
pub fn basis_gates_are_undone_by_their_inverses(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let all = uses(backend)?;
    let mut circuits = Vec::new();
    for gate in &all {
        let Some(inverse) = gate.on(gate.circuit()).inverse() else { continue };
        let names = inverse.instructions().map(|instruction| instruction.op.name());
        if !names.into_iter().all(|name| gates.has(&name)) {
            continue;
        }
        let mut circuit = gates.x(gate.circuit(), gate.qubits[0])?;
        circuit = gate.on(circuit);
        for instruction in inverse.instructions() {
            circuit.push_unchecked(
                instruction.op.clone(),
                instruction.qubits,
                instruction.clbits,
                instruction.params,
            );
        }
        circuits.push(circuit.measure(gate.qubits[0], 0));
    }
    if circuits.is_empty() {
        return Err(Outcome::not_applicable("no basis gate has an inverse among them"));
    }
    for circuit in circuits {
        mostly(run_measured(backend, vec![circuit])?.experiment(0)?, "01")?;
    }
    Ok(())
}

/// A gate that is declared in no way is refused by its name.
pub fn other_gates_are_refused(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let names = configuration.supported_instructions.iter().flatten();
    let declared: Vec<&Spelling> = names
        .chain(&configuration.basis_gates)
        .filter_map(|name| Spelling::by_name(name))
        .collect();
    let is_declared = |gate: Gate, controls: u16| {
        declared.iter().any(|known| {
            known.gate == gate
                && match known.controls {
                    Controls::Exactly(exactly) => exactly == controls,
                    Controls::Any => controls > 0,
                }
        })
    };
    let room = configuration.n_qubits().unwrap_or(u32::MAX);
    let mut tried = BTreeSet::new();
    for spelling in SPELLINGS {
        let Controls::Exactly(controls) = spelling.controls else { continue };
        let width = spelling.gate.info().n_qubits + u32::from(controls);
        if is_declared(spelling.gate, controls) || width == 0 || width > room {
            continue;
        }
        let qubits = (0..width).collect();
        let name = spelling.name.to_owned();
        let gate = Use { name, gate: spelling.gate, controls, qubits };
        let accepted = accepted(backend, gate.on(gate.circuit()))?;
        require!(!accepted, "`{}` is run and declared nowhere", gate.name);
        tried.insert(gate.name);
    }
    if tried.is_empty() {
        return Err(Outcome::not_applicable("it declares every gate that there is"));
    }
    Ok(())
}

fn conditional(gates: &Gates) -> Result<Circuit, Outcome> {
    let second = gates.second()?;
    let circuit = gates.x(gates.circuit("conditional"), gates.first)?.measure(gates.first, 0);
    let mut flipped = Ok(());
    let circuit = circuit.if_equal(0, 1, |body| match gates.x(body.clone(), second) {
        Ok(body) => body,
        Err(outcome) => {
            flipped = Err(outcome);
            body
        }
    });
    flipped?;
    Ok(circuit.measure(second, 1))
}

/// Where `conditional` is declared, a gate that depends on a measured value runs; where it is not,
/// it is refused by name.
pub fn conditional_gates_are_as_declared(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = conditional(&gates)?;
    if backend.configuration()?.conditional {
        return mostly(run_measured(backend, vec![circuit])?.experiment(0)?, "11");
    }
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 10)?);
    let job = measured(backend.run(qobj, RunOptions::default()));
    match job {
        Err(Outcome::Failed(how)) if is_refusal(&how, "if_else") => Ok(()),
        Err(Outcome::Failed(how)) if how.contains("not_supported") => Ok(()),
        Err(other) => Err(other),
        Ok(_) => Err(Outcome::failed("a conditional gate is accepted and declared nowhere")),
    }
}

/// Memory that is not declared is refused or left out.
pub fn memory_is_as_declared(backend: &dyn Backend) -> Check {
    if backend.configuration()?.memory {
        return Err(Outcome::not_applicable("it keeps memory"));
    }
    let circuit = Gates::of(backend)?.one("memory")?;
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 10)?).with_memory();
    // A refusal is as good as an answer without.
    let job = unless_refused(backend.run(qobj, RunOptions::default()))?;
    let Some(job) = job else { return Ok(()) };
    let result = job.result(Some(LONG))?;
    let memory = result.experiment(0)?.memory.is_some();
    require!(!memory, "it keeps memory and does not declare it");
    Ok(())
}

/// A Qobj of this many shots or experiments is refused as invalid, before there is a job.
fn refused_as_invalid(backend: &dyn Backend, qobj: Qobj, what: &str) -> Check {
    match backend.run(qobj, RunOptions::default()) {
        Err(Error::InvalidQobj { .. } | Error::InvalidOption { .. }) => Ok(()),
        Err(error) => Err(Outcome::failed(format!(
            "{what}: expected qobj.invalid, found {}: {error}",
            error.code()
        ))),
        Ok(job) => {
            job.cancel()?;
            Err(Outcome::failed(format!("{what} were accepted")))
        }
    }
}

/// One shot more than the declared limit is refused.
pub fn more_shots_than_declared_are_refused(backend: &dyn Backend) -> Check {
    let Some(most) = backend.configuration()?.max_shots else {
        return Err(Outcome::not_applicable("it declares no limit"));
    };
    let gates = Gates::of(backend)?;
    let circuit = gates.x(gates.circuit("shots"), gates.first)?;
    let qobj = Qobj::from_circuit(circuit).with_shots(most.saturating_add(1));
    refused_as_invalid(backend, qobj, &format!("{} shots", most.saturating_add(1)))
}

/// The declared limit of shots itself is accepted.
pub fn as_many_shots_as_declared_are_accepted(backend: &dyn Backend) -> Check {
    let Some(most) = backend.configuration()?.max_shots else {
        return Err(Outcome::not_applicable("it declares no limit"));
    };
    let circuit = Gates::of(backend)?.one("shots")?;
    let qobj = Qobj::from_circuit(circuit).with_shots(most);
    let job = measured(backend.run(qobj, RunOptions::default()))?;
    job.cancel()?;
    Ok(())
}

/// One experiment more than the declared limit is refused.
pub fn more_experiments_than_declared_are_refused(backend: &dyn Backend) -> Check {
    // More than that nobody submits at once.
    const SENSIBLE: u64 = 100_000;
    let Some(most) = backend.configuration()?.max_experiments.filter(|most| *most < SENSIBLE)
    else {
        return Err(Outcome::not_applicable("it declares no limit"));
    };
    let gates = Gates::of(backend)?;
    let mut qobj = Qobj::from_circuit(gates.x(gates.circuit("many"), gates.first)?).with_shots(1);
    if let ketch_core::qobj::Program::Circuits { experiments, .. } = &mut qobj.program {
        *experiments = vec![experiments[0].clone(); most as usize + 1];
    }
    refused_as_invalid(backend, qobj, &format!("{} experiments", most + 1))
}

/// The last of the declared qubits can be used. Not asked of simulators that would fill this machine.
pub fn the_last_qubit_can_be_used(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let Some(n_qubits) = configuration.n_qubits().filter(|n| *n < 1 << 16) else {
        return Err(Outcome::not_applicable("it has no limit"));
    };
    let Some(last) = n_qubits.checked_sub(1) else {
        return Err(Outcome::not_applicable("it has no qubits"));
    };
    if configuration.simulator && configuration.local && n_qubits > MOST_SIMULATED {
        return Err(Outcome::not_applicable(format!("{n_qubits} qubits would fill this machine")));
    }
    let gates = Gates::of(backend)?;
    if configuration.simulator && configuration.local {
        // A unitary, say, has twice as many places as qubits; there is nothing to count either.
        let few = run(backend, Qobj::from_circuit(gates.any("few")?).with_shots(1))?;
        counts(few.experiment(0)?)?;
    }
    let circuit = gates.x(Circuit::new(n_qubits, 2).named("last"), last)?;
    let qobj = Qobj::from_circuit(circuit.measure(last, 1)).with_shots(shots(backend, 50)?);
    let lacks_memory = |how: &str| Outcome::not_applicable(format!("it lacks memory: {how}"));
    let job = match backend.run(qobj, RunOptions::default()) {
        Err(error @ Error::OutOfMemory { .. }) => return Err(lacks_memory(&error.to_string())),
        answer => measured(answer)?,
    };
    let result = match job.result(Some(PATIENCE)) {
        Err(Error::Timeout { .. }) => {
            job.cancel()?;
            return Err(Outcome::not_applicable("a circuit of all its qubits takes it too long"));
        }
        Err(error @ Error::OutOfMemory { .. }) => return Err(lacks_memory(&error.to_string())),
        answer => answer?,
    };
    let experiment = result.experiment(0)?;
    match experiment.status.contains("iB free") {
        true => Err(lacks_memory(&experiment.status)),
        false => mostly(experiment, "10"),
    }
}

/// A gate on two qubits for a pair of them.
fn on_pair(gates: &Gates, pair: (u32, u32)) -> Result<Circuit, Outcome> {
    let circuit = Circuit::new(pair.0.max(pair.1) + 1, 2).named("pair");
    Ok(match () {
        () if gates.has("cx") || gates.has("CX") => circuit.cx(pair.0, pair.1),
        () if gates.has("cz") => circuit.cz(pair.0, pair.1),
        () if gates.has("ecr") => circuit.ecr(pair.0, pair.1),
        () => return Err(Outcome::not_applicable("it has none of the gates cx, cz, ecr")),
    })
}

/// Every coupling of the map takes the gate on two qubits, in the direction in which it stands.
pub fn every_coupling_can_be_used(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let Some(map) = backend.configuration()?.coupling_map.clone() else {
        return Err(Outcome::not_applicable("all its qubits are coupled"));
    };
    let pairs = map.iter().filter_map(|group| Some((*group.first()?, *group.get(1)?)));
    for pair in pairs.take(MOST_COUPLINGS) {
        let circuit = on_pair(&gates, pair)?.measure(pair.0, 0);
        let job = measured(
            backend.run(Qobj::from_circuit(circuit).with_shots(1), RunOptions::default()),
        )?;
        let result = job.result(Some(LONG))?;
        require!(result.success, "the coupling {pair:?}: {}", result.status);
    }
    Ok(())
}

/// Qubits that are not coupled do not take a gate on two.
pub fn qubits_that_are_not_coupled_are_refused(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let coupling = configuration.coupling().map_err(|error| Outcome::failed(error.to_string()))?;
    let (Some(coupling), Some(n_qubits)) = (coupling, configuration.n_qubits()) else {
        return Err(Outcome::not_applicable("all its qubits are coupled"));
    };
    let apart = |pair: &(u32, u32)| {
        !coupling.contains(pair.0, pair.1) && !coupling.contains(pair.1, pair.0)
    };
    let mut pairs = (1..n_qubits).map(|second| (0, second));
    let Some(pair) = pairs.find(apart) else {
        return Err(Outcome::not_applicable("all its qubits are coupled"));
    };
    let circuit = on_pair(&Gates::of(backend)?, pair)?.measure(pair.0, 0);
    let qobj = Qobj::from_circuit(circuit).with_shots(1);
    let job = backend.run(qobj, RunOptions::default());
    if let Some(result) = unless_refused(job.and_then(|job| job.result(Some(LONG))))? {
        require!(!result.success, "a gate on {pair:?} ran, and they are not coupled");
    }
    Ok(())
}

/// `None` for a refusal; a panic, a dead plugin and no answer at all are none.
fn unless_refused<T>(answer: ketch_core::Result<T>) -> Result<Option<T>, Outcome> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_broken(&error) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// A reset is run where it is declared, and refused by name where it is not.
pub fn reset_is_as_declared(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let mut names =
        configuration.supported_instructions.iter().flatten().chain(&configuration.basis_gates);
    let declared = names.any(|name| *name == Op::Reset.name());
    let gates = Gates::of(backend)?;
    let circuit = gates.x(gates.circuit("reset"), gates.first)?.reset(gates.first);
    match (declared, run_measured(backend, vec![gates.measure(circuit)])) {
        (true, result) => mostly(result?.experiment(0)?, "00"),
        (false, Err(Outcome::Failed(how))) if is_refusal(&how, "reset") => Ok(()),
        (false, Err(other)) => Err(other),
        (false, Ok(_)) => Err(Outcome::failed("`reset` is run and declared nowhere")),
    }
}
