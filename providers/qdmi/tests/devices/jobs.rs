//! Jobs: what comes back, what is refused, what fails, and what does not end.

use std::time::Duration;

use ketch_core::{
    Circuit, JobStatus, Qobj, RunOptions,
    circuit::{Op, Qubit, Save, SaveKind, SaveSubtype, Snapshot},
    result::Data,
};

use crate::lab::{ALIKE, LONG, Lab, NEW, OLD, OLD_ALIKE, circuit, refusal, run};

#[test]
fn counts_memory_and_the_job_of_the_device_come_back() {
    let lab = Lab::new(NEW, &["plain"]);
    let backend = lab.backend("plain");
    let result = run(&*backend, Qobj::from_circuit(circuit()).with_shots(70).with_memory());
    let flips = result.experiment("flips").unwrap();
    assert!(flips.success, "{}", flips.status);
    // The clbit between the two that are written reads 0.
    assert_eq!((flips.shots, flips.counts.as_ref().unwrap().get("101")), (70, 70));
    let memory = flips.memory.as_ref().unwrap();
    assert_eq!((memory.len(), memory.shot(69).unwrap().to_string()), (70, "101".to_owned()));
    assert!(flips.metadata["qdmi_job_id"].as_str().unwrap().starts_with("fake-"));
}

#[test]
fn devices_before_1_4_are_called_as_their_version_asks_for() {
    let lab = Lab::new(OLD, &["plain"]);
    let backend = lab.backend("plain");
    let told = backend.configuration().unwrap();
    assert_eq!((&told.extra["qdmi"]["version"], told.memory), (&"1.3.2".into(), false));
    let result = run(&*backend, Qobj::from_circuit(circuit()).with_shots(7));
    assert_eq!(result.counts("flips").unwrap().get("101"), 7);
    // No such device tells single shots.
    let result = run(&*backend, Qobj::from_circuit(circuit()).with_memory());
    assert!(result.experiments[0].status.contains("single shots"), "{result:?}");
}

#[test]
fn what_a_device_cannot_be_told_is_refused_before_there_is_a_job() {
    let lab = Lab::new(NEW, &["plain"]);
    let backend = lab.backend("plain");
    let told = refusal(&*backend, Circuit::new(5, 0).named("far").cx(0, 3)).to_string();
    let expected = "invalid Qobj: circuit `far`: `cx` on qubits 0 and 3: `plain` does not couple \
                    them; compile the circuit for the device";
    assert_eq!(told, expected);
    let told = refusal(&*backend, Circuit::new(2, 0).h(0)).to_string();
    assert_eq!(told, "backend `plain` does not know the instruction `h`");

    let silent_lab = Lab::new(&["-DVERSION=\"1.4.0\"", "-DNO_PROGRAMS"], &["plain"]);
    let silent = silent_lab.backend("plain");
    let told = refusal(&*silent, circuit()).to_string();
    let expected = "backend `plain` does not support running circuits: it takes no OpenQASM";
    assert_eq!(told, expected);
    assert!(!silent.status().unwrap().operational);
}

/// The operation with its qubits at the end of a circuit.
fn with(mut circuit: Circuit, op: Op) -> Circuit {
    let qubits: Vec<Qubit> = (0..circuit.n_qubits()).map(Qubit).collect();
    circuit.push_unchecked(op, &qubits, &[], &[]);
    circuit
}

fn save(kind: SaveKind) -> Op {
    let key = "psi".to_owned();
    Op::Save(Box::new(Save { kind, key, subtype: SaveSubtype::Single }))
}

#[test]
fn a_state_vector_comes_back_under_its_names() {
    let snapshot =
        Snapshot { kind: "statevector".to_owned(), label: "end".to_owned(), paulis: Vec::new() };
    for defines in [ALIKE, OLD_ALIKE] {
        let lab = Lab::new(defines, &["plain"]);
        let backend = lab.backend("plain");
        let saving = with(Circuit::new(2, 2).x(1), save(SaveKind::Statevector));
        let saving = with(saving, Op::Snapshot(Box::new(snapshot.clone()))).measure(1, 1);
        let result = run(&*backend, Qobj::from_circuit(saving).with_shots(9));
        let one = &result.experiments[0];
        assert!(one.success, "{}", one.status);
        assert_eq!(one.counts.as_ref().unwrap().get("10"), 9);
        let Data::Vector(vector) = &one.data["psi"] else { panic!("{:?}", one.data) };
        let vector: Vec<f64> = vector.iter().map(|amplitude| amplitude.re).collect();
        assert_eq!(vector, [0.0, 0.0, 1.0, 0.0]);
        let [snapshot] = &one.snapshots[..] else { panic!("{:?}", one.snapshots) };
        assert_eq!((snapshot.kind.as_str(), snapshot.label.as_str()), ("statevector", "end"));
        assert_eq!(snapshot.values, [one.data["psi"].clone()]);

        let early = with(Circuit::new(2, 0), save(SaveKind::Statevector)).x(1);
        let told = refusal(&*backend, early).to_string();
        assert!(told.contains("`x` stands behind a save"), "{told}");
        let random = Circuit::new(1, 2).measure(0, 0).x(0);
        let told = refusal(&*backend, with(random, save(SaveKind::Statevector))).to_string();
        assert!(told.contains("`save_statevector` stands behind what is random"), "{told}");
        // This one is refused before the device is asked for it.
        let vast = with(Circuit::new(45, 0).x(0), save(SaveKind::Statevector));
        assert_eq!(refusal(&*backend, vast).code(), "memory.insufficient");
        // Seven qubits are too many for this device.
        let large = with(Circuit::new(7, 0).x(0), save(SaveKind::Statevector));
        let result = run(&*backend, Qobj::from_circuit(large));
        assert_eq!(result.experiments[0].status, "the device has no state vectors");
    }
}

#[test]
fn jobs_that_fail_and_outcomes_that_make_no_sense_are_errors() {
    let lab = Lab::new(NEW, &["fail", "short"]);
    let qobj = || Qobj::from_circuit(circuit());
    let backend = lab.backend("fail");
    let job = backend.run(qobj(), RunOptions::default()).unwrap();
    let result = job.result(LONG).unwrap();
    assert!(result.experiments[0].status.contains("job `fake-"), "{result:?}");
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    let told = job.error_message().unwrap().unwrap();
    assert!(told.contains("experiment `flips` failed: the device's job"), "{told}");

    let result = run(&*lab.backend("short"), qobj());
    let expected = "the device tells outcomes of 1 bits, expected 3";
    assert_eq!(result.experiments[0].status, expected);
}

#[test]
fn a_job_that_does_not_end_times_out_and_is_cancelled() {
    let lab = Lab::new(NEW, &["hang", "stubborn"]);
    for mode in ["hang", "stubborn"] {
        let backend = lab.backend(mode);
        let job = backend.run(Qobj::from_circuit(circuit()), RunOptions::default()).unwrap();
        let early = job.result(Some(Duration::from_millis(30))).unwrap_err();
        assert_eq!(early.code(), "job.timeout");
        assert!(job.cancel().unwrap());
        // Also where the device goes on, and would make whoever frees the job wait.
        let told = job.result(LONG).unwrap_err();
        assert_eq!((told.code(), job.status().unwrap()), ("job.cancelled", JobStatus::Cancelled));
    }
}

#[test]
fn jobs_that_a_device_keeps_are_found_by_another_provider() {
    let lab = Lab::new(NEW, &["keeps", "plain"]);
    let backend = lab.backend("keeps");
    assert!(!backend.configuration().unwrap().local);
    let qobj = Qobj::from_circuits(vec![circuit(), circuit().x(1)]).with_shots(20);
    let job = backend.run(qobj, RunOptions::default()).unwrap();
    let id = job.job_id();
    assert_eq!(id.matches("fake-").count(), 2, "{id}");
    // It is third in the queue, as soon as the device was asked.
    while job.queue_position().unwrap() != Some(3) {
        std::thread::yield_now();
    }
    assert_eq!(job.status().unwrap(), JobStatus::Queued);

    // Given back, the device's jobs run; the process of the first provider may be long gone.
    let found = lab.backend("keeps").retrieve_job(&id).unwrap();
    let result = found.result(LONG).unwrap();
    assert_eq!((result.job_id.as_str(), result.experiments.len()), (id.as_str(), 2));
    let counts = result.counts(1).unwrap();
    assert_eq!((counts.get("101"), counts.total()), (20, 20));

    let told = lab.backend("keeps").retrieve_job("fake-999").err().unwrap();
    assert_eq!(told.code(), "job.not_found");
    assert_eq!(lab.backend("plain").retrieve_job(&id).err().unwrap().code(), "job.not_found");
    assert!(job.cancel().unwrap());
    assert_eq!(job.result(LONG).unwrap_err().code(), "job.cancelled");
}
