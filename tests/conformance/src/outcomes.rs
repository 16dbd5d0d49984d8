//! Checks of counts, names, numbers and registers: what has to be right in every result.

use std::f64::consts::PI;

use ketch_core::{Backend, Circuit, Qobj, RunOptions, RunResult, qobj::Program};
use serde_json::json;

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::{LONG, SHOTS, counts, measured, mostly, run_measured, shots, takes_seeds},
};

fn run(backend: &dyn Backend, qobj: Qobj) -> Result<RunResult, Outcome> {
    Ok(measured(backend.run(qobj, RunOptions::default()))?.result(Some(LONG))?)
}

/// The backend takes as many experiments in a Qobj.
fn takes(backend: &dyn Backend, experiments: u64) -> Check {
    match backend.configuration()?.max_experiments {
        Some(most) if most < experiments => Err(Outcome::not_applicable(format!(
            "it takes {most} experiments, and the check needs {experiments}"
        ))),
        _ => Ok(()),
    }
}

/// As many outcomes are counted as there were shots.
pub fn counts_add_up_to_the_shots(backend: &dyn Backend) -> Check {
    let result = run_measured(backend, vec![Gates::of(backend)?.any("total")?])?;
    let experiment = result.experiment(0)?;
    let (total, run) = (counts(experiment)?.total(), experiment.shots);
    require!(total == run, "{total} outcomes of {run} shots");
    let asked = shots(backend, SHOTS)?;
    let right = run == asked || !experiment.data.is_empty();
    require!(right, "{run} shots were run of {asked}");
    Ok(())
}

/// One shot has one outcome.
pub fn one_shot_gives_one_outcome(backend: &dyn Backend) -> Check {
    let circuit = Gates::of(backend)?.any("once")?;
    let result = run(backend, Qobj::from_circuit(circuit).with_shots(1))?;
    let counts = counts(result.experiment(0)?)?;
    require!((counts.total(), counts.len()) == (1, 1), "one shot gave {counts}");
    Ok(())
}

/// Without a word on shots there are 1024.
pub fn shots_have_a_default(backend: &dyn Backend) -> Check {
    if backend.configuration()?.max_shots.is_some_and(|most| most < 1024) {
        return Err(Outcome::not_applicable("it takes fewer than 1024 shots"));
    }
    let result = run(backend, Qobj::from_circuit(Gates::of(backend)?.any("default")?))?;
    let experiment = result.experiment(0)?;
    let total = counts(experiment)?.total();
    require!(total == 1024 || !experiment.data.is_empty(), "{total} outcomes, expected 1024");
    Ok(())
}

/// Other seeds give other counts, where anything is random.
///
/// Six fair binomials of a thousand agree with a chance below 1e-8, of a hundred below 2e-6.
pub fn other_seeds_give_other_counts(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.measure(gates.h(gates.circuit("random"), gates.first)?);
    takes(backend, 6)?;
    let mut qobj = Qobj::from_circuits(vec![circuit; 6]).with_shots(shots(backend, SHOTS)?);
    for (seed, experiment) in (1..).zip(qobj.experiments_mut()) {
        experiment.config.seed = Some(seed);
    }
    let result = run(backend, qobj)?;
    let first = counts(result.experiment(0)?)?;
    if result.experiments[0].shots < 100 {
        return Err(Outcome::not_applicable("it runs too few shots"));
    }
    for experiment in &result.experiments[1..] {
        if counts(experiment)? != first {
            return Ok(());
        }
    }
    Err(Outcome::failed(format!("six seeds all gave {first}")))
}

/// An experiment's own seed counts, and the same seed gives the same beside whatever else.
pub fn experiments_have_seeds_of_their_own(backend: &dyn Backend) -> Check {
    takes_seeds(backend)?;
    takes(backend, 3)?;
    let circuit = Gates::of(backend)?.any("seeded")?;
    let shots = shots(backend, SHOTS)?;
    let mut qobj = Qobj::from_circuits(vec![circuit; 3]).with_shots(shots).with_seed(1);
    for (experiment, seed) in qobj.experiments_mut().iter_mut().zip([7, 8, 7]) {
        experiment.config.seed = Some(seed);
    }
    let result = run(backend, qobj)?;
    let (first, last) = (counts(result.experiment(0)?)?, counts(result.experiment(2)?)?);
    require!(first == last, "two experiments with seed 7 gave {first} and {last}");
    Ok(())
}

/// A qubit that is measured twice reads the same twice.
pub fn measuring_again_reads_the_same(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.x(gates.circuit("again"), gates.first)?;
    let circuit = circuit.measure(gates.first, 0).measure(gates.first, 1);
    mid_circuit(backend, circuit, "11")
}

/// Runs a circuit that uses a qubit after it was measured. Some take measurements at the end only,
/// and say so before there is a job: not applicable to them.
fn mid_circuit(backend: &dyn Backend, circuit: Circuit, expected: &str) -> Check {
    match run_measured(backend, vec![circuit]) {
        Ok(result) => mostly(result.experiment(0)?, expected),
        Err(Outcome::Failed(how))
            if how.contains("instruction.unsupported") || how.contains("qobj.invalid") =>
        {
            Err(Outcome::not_applicable(how))
        }
        Err(other) => Err(other),
    }
}

/// A clbit into which nothing is measured reads 0, and is there.
pub fn clbits_without_measurement_read_0(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let mut circuit = Circuit::new(gates.circuit("").n_qubits(), 5).named("unread");
    circuit = gates.x(circuit, gates.first)?.measure(gates.first, 3);
    mostly(run_measured(backend, vec![circuit])?.experiment(0)?, "01000")
}

/// Forty clbits are forty characters, the last one on the left.
pub fn outcomes_are_as_wide_as_the_clbits(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = Circuit::new(gates.circuit("").n_qubits(), 40).named("wide");
    let circuit = gates.x(circuit, gates.first)?.measure(gates.first, 39);
    mostly(run_measured(backend, vec![circuit])?.experiment(0)?, &format!("1{}", "0".repeat(39)))
}

/// Registers come back by name and size, and outcomes with a blank between them, the last first.
pub fn registers_come_apart(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let mut circuit = Circuit::new(gates.circuit("").n_qubits(), 0).named("registers");
    let low = circuit.add_creg("low", 2);
    circuit.add_creg("high", 3);
    let circuit = gates.x(circuit, gates.first)?.measure(gates.first, low.0 + 1);
    let registers = circuit.cregs().to_vec();
    let result = run_measured(backend, vec![circuit])?;
    let experiment = result.experiment(0)?;
    let counts = counts(experiment)?;
    require!(counts.registers() == registers, "the registers are {:?}", counts.registers());
    let (label, _) = counts
        .labelled()
        .max_by_key(|(_, count)| *count)
        .ok_or_else(|| Outcome::failed("nothing was counted"))?;
    require!(label == "000 10", "it reads `{label}`, expected `000 10`");
    Ok(())
}

/// A barrier changes nothing.
pub fn a_barrier_does_nothing(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.x(gates.circuit("barrier").barrier(), gates.first)?.barrier();
    mostly(run_measured(backend, vec![gates.measure(circuit)])?.experiment(0)?, "01")
}

/// A flip and a flip back are nothing: gates act in their order.
pub fn two_flips_are_none(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.x(gates.x(gates.circuit("twice"), gates.first)?, gates.first)?;
    mostly(run_measured(backend, vec![gates.measure(circuit)])?.experiment(0)?, "00")
}

/// A measurement reads the state where it stands, not the one at the end.
pub fn a_measurement_reads_what_is_before_it(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.circuit("before").measure(gates.first, 0);
    let circuit = gates.x(circuit, gates.first)?.measure(gates.first, 1);
    mid_circuit(backend, circuit, "10")
}

/// A circuit without a name runs.
pub fn a_circuit_without_a_name_runs(backend: &dyn Backend) -> Check {
    mostly(run_measured(backend, vec![Gates::of(backend)?.one("")?])?.experiment(0)?, "01")
}

/// The names of experiments come back, whatever they are written in.
pub fn names_come_back_in_any_script(backend: &dyn Backend) -> Check {
    const NAME: &str = "Zoë's \"Ψ⟩\", 量子\t\\";
    let result = run_measured(backend, vec![Gates::of(backend)?.one(NAME)?])?;
    let name = &result.experiment(0)?.name;
    require!(name == NAME, "the name came back as {name:?}");
    Ok(())
}

/// Headers are the user's: what is nested in them comes back.
pub fn headers_come_back_whole(backend: &dyn Backend) -> Check {
    let nested = json!({"a": [1, -2.5, null, true], "b": {"ü": "x"}});
    let mut qobj = Qobj::from_circuit(Gates::of(backend)?.one("header")?);
    qobj.config.shots = Some(shots(backend, 10)?);
    qobj.header.insert("nested".to_owned(), nested.clone());
    qobj.experiments_mut()[0].header.insert("nested".to_owned(), nested.clone());
    let result = run(backend, qobj)?;
    let (whole, one) = (&result.header, &result.experiment(0)?.header);
    require!(whole.get("nested") == Some(&nested), "the Qobj's header came back as {whole:?}");
    require!(one.get("nested") == Some(&nested), "the experiment's header came back as {one:?}");
    Ok(())
}

/// One circuit with a parameter runs with each experiment's own number.
pub fn parameters_are_bound_for_each_experiment(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    if !["rx", "ry", "u"].iter().any(|name| gates.has(name)) {
        return Err(Outcome::not_applicable("it has none of the gates rx, ry, u"));
    }
    takes(backend, 2)?;
    let circuit = gates.measure(gates.rotation(gates.circuit("turned"), "angle")?);
    let mut qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 100)?);
    if let Program::Circuits { experiments, .. } = &mut qobj.program {
        *experiments = vec![experiments[0].clone(); 2];
        experiments[0].bindings = vec![0.0];
        experiments[1].bindings = vec![PI];
    }
    let result = run(backend, qobj)?;
    mostly(result.experiment(0)?, "00")?;
    mostly(result.experiment(1)?, "01")
}

/// A hundred experiments come back, all of them.
pub fn a_hundred_experiments_come_back(backend: &dyn Backend) -> Check {
    takes(backend, 100)?;
    let gates = Gates::of(backend)?;
    let circuits: Result<Vec<Circuit>, Outcome> = (0..100)
        .map(|place| match place % 2 {
            0 => Ok(gates.measure(gates.circuit(&format!("n{place}")))),
            _ => gates.one(&format!("n{place}")),
        })
        .collect();
    let result = run(backend, Qobj::from_circuits(circuits?).with_shots(shots(backend, 100)?))?;
    let found = result.experiments.len();
    require!(found == 100, "{found} experiments of 100 came back");
    for (place, experiment) in result.experiments.iter().enumerate() {
        let name = &experiment.name;
        require!(*name == format!("n{place}"), "at place {place} came back `{name}`");
        mostly(experiment, ["00", "01"][place % 2])?;
    }
    Ok(())
}

/// An experiment that succeeded says so, how long it took, and which seed it had.
pub fn an_experiment_says_how_it_went(backend: &dyn Backend) -> Check {
    let circuit = Gates::of(backend)?.any("told")?;
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, 10)?).with_seed(11);
    let result = run(backend, qobj)?;
    let experiment = result.experiment(0)?;
    require!(experiment.success, "it failed: {}", experiment.status);
    require!(!experiment.status.is_empty(), "a success says nothing of itself");
    let took = experiment.time_taken;
    require!(took.is_finite() && took >= 0.0, "it took {took} s");
    let seed = experiment.seed;
    require!(seed.is_none_or(|seed| seed == 11), "it had the seed {seed:?}, not 11");
    Ok(())
}

/// A result that is written in Qiskit's form reads back with the same counts.
pub fn results_survive_json(backend: &dyn Backend) -> Check {
    let result = run_measured(backend, vec![Gates::of(backend)?.any("written")?])?;
    let read = RunResult::from_qiskit_json(&result.to_qiskit_json())
        .map_err(|error| Outcome::failed(format!("the result is not read back: {error}")))?;
    let (before, after) = (counts(result.experiment(0)?)?, counts(read.experiment(0)?)?);
    let same = before.labelled().all(|(label, count)| after.get(&label.replace(' ', "")) == count);
    require!(same && before.total() == after.total(), "{before} reads back as {after}");
    Ok(())
}

/// Memory is kept for the experiments that ask for it, and for no others.
pub fn memory_is_kept_for_those_who_ask(backend: &dyn Backend) -> Check {
    if !backend.configuration()?.memory {
        return Err(Outcome::not_applicable("it keeps no memory"));
    }
    takes(backend, 2)?;
    let gates = Gates::of(backend)?;
    let circuits = vec![gates.one("asks")?, gates.one("does not")?];
    let mut qobj = Qobj::from_circuits(circuits).with_shots(shots(backend, 10)?);
    qobj.experiments_mut()[0].config.memory = Some(true);
    let result = run(backend, qobj)?;
    counts(result.experiment(0)?)?;
    let kept: Vec<bool> = result.experiments.iter().map(|e| e.memory.is_some()).collect();
    require!(kept == [true, false], "memory is kept {kept:?}, asked for [true, false]");
    Ok(())
}
