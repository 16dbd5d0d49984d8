//! Checks of what a run comes back with.

use std::collections::BTreeMap;
use std::time::Duration;

use ketch_core::{
    Backend, Circuit, Counts, JobStatus, Qobj, RunOptions, RunResult, qobj::Program,
    result::ExperimentResult,
};

use crate::{
    Gates, Outcome,
    report::{Check, require},
};

/// A job of the checks that takes longer than this has hung.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) const SHOTS: u64 = 1000;

/// As many shots as are wished for, or as the backend runs at most.
pub(crate) fn shots(backend: &dyn Backend, wished: u64) -> Result<u64, Outcome> {
    Ok(wished.min(backend.configuration()?.max_shots.unwrap_or(u64::MAX)))
}

/// Runs to a result.
pub(crate) fn run(backend: &dyn Backend, qobj: Qobj) -> Result<RunResult, Outcome> {
    Ok(backend.run(qobj, RunOptions::default())?.result(Some(LONG))?)
}

/// Submits; not applicable on a backend that does not measure.
pub(crate) fn submit(
    backend: &dyn Backend,
    qobj: Qobj,
) -> Result<std::sync::Arc<dyn ketch_core::Job>, Outcome> {
    measured(backend.run(qobj, RunOptions::default()))
}

/// The counts of an experiment; not applicable on a backend that returns something else instead,
/// as simulators of states and unitaries do.
pub(crate) fn counts(experiment: &ExperimentResult) -> Result<&Counts, Outcome> {
    let name = &experiment.name;
    require!(experiment.success, "experiment `{name}` failed: {}", experiment.status);
    match &experiment.counts {
        Some(counts) => Ok(counts),
        None if !experiment.data.is_empty() => {
            let keys: Vec<&str> = experiment.data.keys().map(String::as_str).collect();
            let keys = keys.join(", ");
            Err(Outcome::not_applicable(format!("it returns {keys} and no counts")))
        }
        None => Err(Outcome::failed(format!("experiment `{name}` has neither counts nor data"))),
    }
}

/// Runs measured circuits; not applicable on a backend that does not measure.
pub(crate) fn run_measured(
    backend: &dyn Backend,
    circuits: Vec<Circuit>,
) -> Result<RunResult, Outcome> {
    let shots = shots(backend, SHOTS)?;
    let qobj = Qobj::from_circuits(circuits).with_shots(shots).with_seed(7);
    measured(backend.run(qobj, RunOptions::default()))?.result(Some(LONG)).map_err(Outcome::from)
}

pub(crate) fn measured<T>(answer: ketch_core::Result<T>) -> Result<T, Outcome> {
    answer.map_err(|error| match error {
        ketch_core::Error::UnsupportedInstruction { instruction, .. }
            if instruction == "measure" =>
        {
            Outcome::not_applicable("it does not measure")
        }
        error => error.into(),
    })
}

/// More than half of the shots gave this outcome.
pub(crate) fn mostly(experiment: &ExperimentResult, expected: &str) -> Check {
    let counts = counts(experiment)?;
    let (seen, total) = (counts.get(expected), counts.total());
    let name = &experiment.name;
    require!(2 * seen > total, "`{name}` gave {counts}, expected mostly {expected}");
    require!(total == experiment.shots, "{} shots, {total} outcomes", experiment.shots);
    Ok(())
}

/// Clbit 0 is the rightmost character: a flipped first qubit reads `01`, a flipped second `10`.
pub fn outcomes_have_the_right_bit_order(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let none = gates.measure(gates.circuit("none"));
    let first = gates.one("first")?;
    let mut circuits = vec![none, first];
    if let Some(second) = gates.second {
        circuits.push(gates.measure(gates.x(gates.circuit("second"), second)?));
    }
    let result = run_measured(backend, circuits)?;
    for (experiment, expected) in result.experiments.iter().zip(["00", "01", "10"]) {
        mostly(experiment, expected)?;
    }
    Ok(())
}

/// The two qubits of a Bell pair read the same, as often 0 as 1.
///
/// `00` and `11` must each have a quarter of the shots and together three quarters: on an exact
/// simulator a false alarm has a chance below 1e-50.
pub fn bell_pair_is_correlated(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let circuit = gates.h(gates.circuit("bell"), gates.first)?;
    let result = run_measured(backend, vec![gates.measure(gates.cx(circuit)?)])?;
    let experiment = result.experiment(0)?;
    let counts = counts(experiment)?;
    if experiment.shots < 100 {
        return Err(Outcome::not_applicable("it runs too few shots"));
    }
    let (zeros, ones, total) = (counts.get("00"), counts.get("11"), counts.total());
    let right = 4 * zeros > total && 4 * ones > total && 4 * (zeros + ones) > 3 * total;
    require!(right, "a Bell pair gave {counts}");
    Ok(())
}

/// The result names backend, job and Qobj, keeps the headers and the circuit's registers.
pub fn results_name_what_was_run(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let mut qobj = Qobj::from_circuit(gates.any("probe")?).with_shots(shots(backend, 10)?);
    qobj.qobj_id = "qobj of the checks".to_owned();
    qobj.header.insert("note".to_owned(), "kept".into());
    qobj.experiments_mut()[0].header.insert("note".to_owned(), "kept too".into());
    let circuit = qobj.circuits()[0].clone();
    let job = measured(backend.run(qobj.clone(), RunOptions::default()))?;
    let result = job.result(Some(LONG))?;
    require!(result.success, "the result says of itself: {}", result.status);
    let named = &result.backend_name;
    require!(named == backend.name(), "the result is of backend `{named}`");
    let (told, is) = (&result.job_id, job.job_id());
    require!(*told == is, "the result is of job `{told}`, not `{is}`");
    require!(result.qobj_id == qobj.qobj_id, "the result is of Qobj `{}`", result.qobj_id);
    require!(result.header == qobj.header, "the header came back as {:?}", result.header);
    require!(result.experiments.len() == 1, "{} experiments", result.experiments.len());
    let experiment = result.experiment("probe")?;
    let header = &experiment.header;
    let note = header.get("note").and_then(|note| note.as_str());
    require!(note == Some("kept too"), "the experiment's header came back as {header:?}");
    require!(experiment.success, "the experiment failed: {}", experiment.status);
    if let Some(counts) = &experiment.counts {
        let registers = counts.registers();
        require!(registers == circuit.cregs(), "the counts have the registers {registers:?}");
        for (outcome, _) in counts.iter() {
            let (width, expected) = (outcome.width(), circuit.n_clbits());
            require!(width == expected, "`{outcome}` has {width} bits, expected {expected}");
        }
    }
    Ok(())
}

/// The experiments of one Qobj come back in order, each under its name, with its own shots.
pub fn experiments_come_back_in_order(backend: &dyn Backend) -> Check {
    let gates = Gates::of(backend)?;
    let none = gates.measure(gates.circuit("none"));
    let (many, few) = (shots(backend, 200)?, shots(backend, 100)?);
    let mut qobj = Qobj::from_circuits(vec![none, gates.one("one")?]).with_shots(many);
    // The same circuit again, under another name and with shots of its own.
    let mut again = qobj.experiments()[0].clone();
    again.header.insert("name".to_owned(), "again".into());
    again.config.shots = Some(few);
    if let Program::Circuits { experiments, .. } = &mut qobj.program {
        experiments.push(again);
    }
    if backend.configuration()?.max_experiments.is_some_and(|most| most < 3) {
        return Err(Outcome::not_applicable("it takes fewer than three experiments"));
    }
    let result = measured(backend.run(qobj, RunOptions::default()))?.result(Some(LONG))?;
    let names: Vec<&str> = result.experiments.iter().map(|e| e.name.as_str()).collect();
    require!(names == ["none", "one", "again"], "experiments came back as {names:?}");
    let expected = [("00", many), ("01", many), ("00", few)];
    for (experiment, (outcome, shots)) in result.experiments.iter().zip(expected) {
        mostly(experiment, outcome)?;
        let total = counts(experiment)?.total();
        // A simulator of states runs one shot, however many are asked for.
        let right = total == shots || !experiment.data.is_empty();
        require!(right, "`{}` has {total} outcomes of {shots}", experiment.name);
    }
    Ok(())
}

/// Seeds decide the counts of simulators; a backend whose configuration says `"seeds": false` is
/// one that cannot be told any.
pub(crate) fn takes_seeds(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    match configuration.extra.get("seeds").and_then(serde_json::Value::as_bool) {
        _ if !configuration.simulator => Err(Outcome::not_applicable("it is no simulator")),
        Some(false) => Err(Outcome::not_applicable("it declares that it takes no seeds")),
        _ => Ok(()),
    }
}

/// A seed decides the counts of a simulator, whatever else is in the Qobj's other experiments.
pub fn same_seed_gives_same_counts(backend: &dyn Backend) -> Check {
    takes_seeds(backend)?;
    let circuit = Gates::of(backend)?.any("random")?;
    let shots = shots(backend, SHOTS)?;
    let counted = |threads: Option<u32>| -> Result<Counts, Outcome> {
        let qobj = Qobj::from_circuit(circuit.clone()).with_shots(shots).with_seed(42);
        let options = RunOptions { threads, ..RunOptions::default() };
        let result = measured(backend.run(qobj, options))?.result(Some(LONG))?;
        counts(result.experiment(0)?).cloned()
    };
    let (first, again, one) = (counted(None)?, counted(None)?, counted(Some(1))?);
    require!(first == again, "seed 42 gave {first}, then {again}");
    require!(first == one, "seed 42 gave {first}, on one thread {one}");
    Ok(())
}

/// The outcomes of the shots, where they are kept, are those that were counted; where they were
/// not asked for, they are not there.
pub fn memory_matches_the_counts(backend: &dyn Backend) -> Check {
    if !backend.configuration()?.memory {
        return Err(Outcome::not_applicable("it keeps no memory"));
    }
    let circuit = Gates::of(backend)?.any("remembered")?;
    let qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, SHOTS)?).with_seed(3);
    let without = measured(backend.run(qobj.clone(), RunOptions::default()))?.result(Some(LONG))?;
    let experiment = without.experiment(0)?;
    counts(experiment)?;
    require!(experiment.memory.is_none(), "it keeps memory that nobody asked for");

    let result = run(backend, qobj.with_memory())?;
    let experiment = result.experiment(0)?;
    let counts = counts(experiment)?;
    let Some(memory) = &experiment.memory else {
        return Err(Outcome::failed("it was asked for memory and gave none"));
    };
    require!(memory.len() as u64 == counts.total(), "{} shots are kept", memory.len());
    let mut tally = BTreeMap::new();
    memory.iter().for_each(|outcome| *tally.entry(outcome).or_insert(0_u64) += 1);
    let counted: BTreeMap<_, _> =
        counts.iter().map(|(bits, count)| (bits.clone(), count)).collect();
    require!(tally == counted, "memory holds {tally:?}, counted were {counts}");
    Ok(())
}

/// An experiment that fails leaves the others' results alone; the job's status is ERROR, and its
/// message names the experiment.
///
/// Not applicable on a backend that refuses each of the bad experiments before there is a job.
pub fn a_bad_experiment_stops_no_other(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    if configuration.max_experiments.is_some_and(|most| most < 3) {
        return Err(Outcome::not_applicable("it takes fewer than three experiments"));
    }
    let gates = Gates::of(backend)?;
    let qobj =
        Qobj::from_circuits(vec![gates.one("before")?, gates.one("bad")?, gates.one("after")?])
            .with_shots(shots(backend, 10)?);

    let mut bad = Vec::new();
    if let Ok(rotation) = gates.rotation(gates.circuit("bad"), "angle") {
        let mut no_number = qobj.clone();
        if let Program::Circuits { circuits, experiments } = &mut no_number.program {
            circuits[1] = gates.measure(rotation);
            experiments[1].bindings = vec![f64::NAN];
        }
        bad.push(no_number);
    }
    let mut bound_too_often = qobj.clone();
    bound_too_often.experiments_mut()[1].bindings = vec![1.0];
    bad.push(bound_too_often);
    let mut no_shots = qobj;
    no_shots.experiments_mut()[1].config.shots = Some(0);
    bad.push(no_shots);

    for bad in bad {
        let Ok(job) = backend.run(bad, RunOptions::default()) else { continue };
        let result = job.result(Some(LONG))?;
        if result.success {
            // What was bad to us is not to this backend.
            continue;
        }
        let success: Vec<bool> = result.experiments.iter().map(|e| e.success).collect();
        require!(success == [true, false, true], "of good, bad, good came back {success:?}");
        let status = job.status()?;
        require!(status == JobStatus::Error, "the job's status is {status}");
        let message = job.error_message()?.unwrap_or_default();
        require!(message.contains("bad"), "the job's message does not name it: {message:?}");
        let cause = &result.experiments[1].status;
        let says_why = !cause.is_empty() && message.contains(cause.as_str());
        require!(says_why, "the job's message {message:?} does not say why: {cause:?}");
        return Ok(());
    }
    Err(Outcome::not_applicable("it refuses bad experiments before there is a job"))
}
