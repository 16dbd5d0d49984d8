//! A Qobj as the command line wants it run.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use ketch::{
    BackendError, Circuit, Qobj,
    circuit::{Clbit, Op, Qubit, Save, SaveKind, SaveSubtype},
    qobj::{Program, seed_experiments},
};

use super::{
    RunArgs, input,
    values::{Observable, OutputForm, SaveWhat},
};
use crate::failure::Failure;

/// Changes a Qobj to what the arguments ask for, and returns what the user should know of it. Seeds
/// that nobody gave are still missing. The program's `inputs` have got their numbers already.
///
/// # Errors
/// If the arguments do not fit the circuits, or nothing would come back.
pub(super) fn prepare(
    qobj: &mut Qobj,
    inputs: &[String],
    args: &RunArgs,
    backend_name: &str,
) -> Result<Vec<String>, Failure> {
    input::refuse_pulses(qobj)?;
    configure(qobj, args);
    args.params.bind(qobj, inputs)?;
    let mut notes = Vec::new();
    let given = given_by(backend_name);
    for circuit in circuits(qobj) {
        if args.measure_all {
            measure_all(circuit);
        }
        let saves: Vec<SaveWhat> =
            args.save.iter().copied().filter(|what| Some(*what) != given).collect();
        let collapses = measures(circuit) && !(saves.is_empty() && args.expval.is_none());
        save(circuit, &saves, args.expval.as_ref())?;
        if collapses && notes.is_empty() {
            notes.push("saved before the measurements at the end".to_owned());
        }
    }
    if given.is_none() {
        refuse_silence(qobj)?;
    }
    if args.report.output.as_ref().is_some_and(|file| file.form == OutputForm::Npy) {
        refuse_several_arrays(qobj, given)?;
    }
    Ok(notes)
}

/// What a backend returns without being asked, by the names that these simulators have had since
/// 2018.
fn given_by(backend_name: &str) -> Option<SaveWhat> {
    match backend_name {
        name if name.starts_with("statevector_simulator") => Some(SaveWhat::Statevector),
        name if name.starts_with("unitary_simulator") => Some(SaveWhat::Unitary),
        _ => None,
    }
}

/// Flags beat the document.
fn configure(qobj: &mut Qobj, args: &RunArgs) {
    if args.shots.is_some() {
        qobj.config.shots = args.shots;
    }
    if args.seed.is_some() {
        qobj.config.seed = args.seed;
    }
    if args.memory {
        qobj.config.memory = Some(true);
    }
    for setting in &args.options {
        qobj.config.options.insert(setting.key.clone(), setting.value.clone());
    }
    for experiment in qobj.experiments_mut() {
        let own = &mut experiment.config;
        own.shots = own.shots.filter(|_| args.shots.is_none());
        own.seed = own.seed.filter(|_| args.seed.is_none());
        own.memory = own.memory.filter(|_| !args.memory);
        args.options.iter().for_each(|setting| {
            own.options.shift_remove(&setting.key);
        });
    }
}

/// Writes a seed into every experiment, a random one where nobody has said which.
pub(super) fn seed(qobj: &mut Qobj) {
    seed_experiments(qobj, random_seed());
}

/// 32 random bits: a number that can be read out and typed again.
fn random_seed() -> u64 {
    // The standard library's hash keys come from the system's random numbers.
    RandomState::new().build_hasher().finish() >> 32
}

fn circuits(qobj: &mut Qobj) -> &mut [Circuit] {
    match &mut qobj.program {
        Program::Circuits { circuits, .. } => circuits,
        Program::Pulse(_) => &mut [],
    }
}

/// Measures into the circuit's own clbits while nothing else is, otherwise into a new register.
fn measure_all(circuit: &mut Circuit) {
    if !measures(circuit) {
        *circuit = std::mem::take(circuit).measure_all();
        return;
    }
    let n_qubits = circuit.n_qubits();
    let taken = |name: &str| circuit.cregs().iter().any(|register| register.name == name);
    let names = std::iter::once("meas".to_owned()).chain((0..).map(|n| format!("meas{n}")));
    let name = { names }.find(|name| !taken(name)).expect("the names do not end");
    let Clbit(first) = circuit.add_creg(name, n_qubits);
    let qubits: Vec<Qubit> = (0..n_qubits).map(Qubit).collect();
    let clbits: Vec<Clbit> = (0..n_qubits).map(|bit| Clbit(first + bit)).collect();
    circuit.push_unchecked(Op::Measure, &qubits, &clbits, &[]);
}

fn measures(circuit: &Circuit) -> bool {
    circuit.instructions().any(|instruction| matches!(instruction.op, Op::Measure))
}

/// Whether the counts show a measurement: one of its own, or what was measured into a variable.
fn shows_measurements(circuit: &Circuit) -> bool {
    let has = |wanted: fn(&Op) -> bool| circuit.instructions().any(|one| wanted(one.op));
    let kept = has(|op| matches!(op, Op::MeasureVar { .. }));
    measures(circuit) || kept && has(|op| matches!(op, Op::StoreClbits(_)))
}

fn save(
    circuit: &mut Circuit,
    saves: &[SaveWhat],
    observable: Option<&Observable>,
) -> Result<(), Failure> {
    let mut kinds: Vec<(SaveKind, SaveSubtype)> = saves.iter().map(|what| what.kind()).collect();
    if let Some(Observable(terms)) = observable {
        let (found, expected) = (terms[0].pauli.len(), circuit.n_qubits() as usize);
        if found != expected {
            let message = format!(
                "--expval: `{}` has {found} letters, the circuit has {expected} qubits",
                terms[0].pauli
            );
            let hint = "one letter a qubit, I for one that is left alone";
            return Err(Failure::usage(message).with_hint(hint));
        }
        kinds.push((SaveKind::ExpectationValue(terms.clone()), SaveSubtype::Average));
    }
    let qubits: Vec<Qubit> = (0..circuit.n_qubits()).map(Qubit).collect();
    for (kind, subtype) in kinds {
        let save = Save { key: kind.default_key().to_owned(), kind, subtype };
        circuit
            .insert_before_final_measurements(Op::Save(Box::new(save)), &qubits)
            .map_err(BackendError::from)?;
    }
    Ok(())
}

fn saves(circuit: &Circuit) -> usize {
    let saves = |op: &Op| matches!(op, Op::Save(_) | Op::Snapshot(_));
    circuit.instructions().filter(|instruction| saves(instruction.op)).count()
}

/// A run without measurement and without anything saved brings nothing back.
fn refuse_silence(qobj: &Qobj) -> Result<(), Failure> {
    let speaks = |circuit: &Circuit| shows_measurements(circuit) || saves(circuit) > 0;
    if qobj.circuits().iter().any(speaks) {
        return Ok(());
    }
    let name = qobj.experiments().first().map_or("", |experiment| qobj.experiment_name(experiment));
    let message = format!("the circuit `{name}` measures nothing, so there are no counts");
    let hint =
        "--measure-all measures every qubit at the end; --save statevector returns the state";
    Err(Failure::new("circuit.no_measurement", message).with_hint(hint))
}

/// A `.npy` file holds one array. The document may save more in loops or by snapshots, so this
/// finds the plain cases before any work is done.
fn refuse_several_arrays(qobj: &Qobj, given: Option<SaveWhat>) -> Result<(), Failure> {
    let circuits = qobj.circuits();
    let arrays: usize = qobj
        .experiments()
        .iter()
        .map(|experiment| saves(&circuits[experiment.circuit]) + usize::from(given.is_some()))
        .sum();
    match arrays {
        1 => Ok(()),
        0 => Err(Failure::usage("an .npy file holds an array, and none is saved")
            .with_hint("add --save statevector, or use -O FILE.csv for counts")),
        several => Err(Failure::usage(format!("an .npy file holds one array, not {several}"))
            .with_hint("use -O FILE.json")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ketch::{circuit::Register, qobj::Experiment};

    use super::*;
    use crate::{
        args::{Cli, Command},
        exit::Exit,
    };

    fn args(line: &str) -> RunArgs {
        let words = ["ketch", "run", "f.qasm"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => args,
            other => panic!("parsed as {other:?}"),
        }
    }

    fn prepared(circuit: Circuit, line: &str) -> Result<(Qobj, Vec<String>), Failure> {
        let mut qobj = Qobj::from_circuit(circuit);
        let notes = prepare(&mut qobj, &[], &args(line), "qasm_simulator")?;
        Ok((qobj, notes))
    }

    fn names(qobj: &Qobj) -> Vec<String> {
        qobj.circuits()[0].instructions().map(|instruction| instruction.op.name()).collect()
    }

    fn bell() -> Circuit {
        Circuit::new(2, 2).h(0).cx(0, 1).measure_all()
    }

    #[test]
    fn flags_beat_the_document() {
        let mut qobj = Qobj::from_circuit(bell()).with_shots(5).with_seed(1).with_option("a", 1);
        let own = &mut qobj.experiments_mut()[0].config;
        (own.shots, own.seed) = (Some(6), Some(2));
        own.options.insert("a".to_owned(), 2.into());

        let mut changed = qobj.clone();
        prepare(&mut changed, &[], &args("-s 7 --seed 3 -o a=3 --memory"), "qasm_simulator")
            .unwrap();
        let experiment = &changed.experiments()[0];
        assert_eq!((changed.shots(experiment), changed.seed(experiment)), (7, Some(3)));
        assert_eq!(changed.option(experiment, "a"), Some(&3.into()));
        assert!(changed.memory(experiment));

        prepare(&mut qobj, &[], &args(""), "qasm_simulator").unwrap();
        let experiment = &qobj.experiments()[0];
        assert_eq!((qobj.shots(experiment), qobj.seed(experiment)), (6, Some(2)));
    }

    #[test]
    fn every_experiment_gets_a_seed() {
        let (mut one, _) = prepared(bell(), "").unwrap();
        let mut two = one.clone();
        let given = |qobj: &mut Qobj| {
            seed(qobj);
            qobj.experiments()[0].config.seed.unwrap()
        };
        let random = given(&mut one);
        assert!(random < 1 << 32);
        // They agree once in 2^32 runs.
        assert_ne!(random, given(&mut two));
        let (mut seeded, _) = prepared(bell(), "--seed 7").unwrap();
        assert_eq!(given(&mut seeded), 7);
    }

    #[test]
    fn saving_stands_before_the_final_measurements() {
        let (qobj, notes) = prepared(bell(), "--save statevector --expval ZZ=1").unwrap();
        assert_eq!(names(&qobj), ["h", "cx", "save_statevector", "save_expval", "measure"]);
        assert_eq!(notes.len(), 1);
        let (qobj, notes) = prepared(Circuit::new(1, 0).h(0), "--save probabilities").unwrap();
        assert_eq!(names(&qobj), ["h", "save_probabilities"]);
        assert!(notes.is_empty());
        assert_eq!(prepared(bell(), "--expval Z=1").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_circuit_that_measures_nothing_needs_a_flag() {
        let silent = || Circuit::new(2, 0).h(0);
        let failure = prepared(silent(), "").unwrap_err();
        assert_eq!(failure.exit, Exit::Input);
        assert!(failure.hint.unwrap().contains("--measure-all"));
        let (qobj, _) = prepared(silent(), "--measure-all").unwrap();
        assert_eq!(names(&qobj), ["h", "measure"]);
        let mut qobj = Qobj::from_circuit(silent());
        prepare(&mut qobj, &[], &args("--save statevector"), "statevector_simulator").unwrap();
        assert_eq!(names(&qobj), ["h"]);
    }

    #[test]
    fn measuring_all_overwrites_nothing() {
        let (qobj, _) = prepared(bell(), "--measure-all").unwrap();
        let registers = [Register::new("c", 0, 2), Register::new("meas", 2, 2)];
        assert_eq!(qobj.circuits()[0].cregs(), registers);
        qobj.circuits()[0].validate().unwrap();
        let (qobj, _) = prepared(Circuit::new(2, 2).h(0), "--measure-all").unwrap();
        assert_eq!(qobj.circuits()[0].cregs().len(), 1);
    }

    #[test]
    fn parameters_are_bound_by_name() {
        let circuit = || Circuit::new(1, 1).rx("theta", 0).rz("phi", 0).measure(0, 0);
        let (qobj, _) = prepared(circuit(), "-p phi=2 -p theta=pi").unwrap();
        assert_eq!(qobj.experiments()[0].bindings, [std::f64::consts::PI, 2.0]);

        let failure = prepared(circuit(), "-p theta=1").unwrap_err();
        assert!(failure.message.ends_with("parameters phi"), "{}", failure.message);
        let failure = prepared(circuit(), "-p teta=1").unwrap_err();
        assert_eq!(failure.hint.unwrap(), "did you mean `theta`?");
        assert_eq!(failure.exit, Exit::Usage);

        let mut qobj = Qobj::from_circuit(circuit());
        qobj.experiments_mut()[0] =
            Experiment { bindings: vec![1.0, 2.0], ..Experiment::default() };
        prepare(&mut qobj, &[], &args("-p phi=3"), "qasm_simulator").unwrap();
        assert_eq!(qobj.experiments()[0].bindings, [1.0, 3.0]);
    }

    #[test]
    fn an_npy_file_needs_one_array() {
        assert!(prepared(bell(), "-O a.npy --save statevector").is_ok());
        assert_eq!(prepared(bell(), "-O a.npy").unwrap_err().exit, Exit::Usage);
        let several = "-O a.npy --save statevector,probabilities";
        assert_eq!(prepared(bell(), several).unwrap_err().exit, Exit::Usage);
    }
}
