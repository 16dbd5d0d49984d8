//! The ways to the same counts: small circuits in one pass and by program, shots together and one
//! by one.

use ketch_interface::{BitString, Circuit, Counts, circuit::Gate, result::Memory};
use ketch_kernels::Threads;
use proptest::prelude::*;

use super::{DenseProgram, State, deferred::Deferred, simulate::lowered, small};
use crate::{
    Cancel, Error, Method, Options, Outcome,
    program::Layout,
    records::Budget,
    run::{Run, Shape, branched},
    simulate::{Work, run_generally},
    simulate_bound, simulate_on,
    tests::branched::{dynamic, noisy},
};

fn options() -> Options {
    Options { shots: 500, seed: 5, memory: true, ..Options::default() }
}

fn shape(per_walk: u64, most_states: usize) -> Shape {
    Shape { per_walk, most_states, room: u64::MAX }
}

/// Counts and memory of a circuit whose shots are put together in a certain way.
fn branch(circuit: &Circuit, options: &Options, shape: Shape) -> (Counts, Option<Memory>) {
    let (threads, cancel) = (Threads::new(2).unwrap(), Cancel::new());
    let work = Work { threads: &threads, circuit, options, cancel: &cancel };
    let layout = Layout::active(circuit);
    let n_places = layout.n_places();
    let program: DenseProgram<'_, f64> = lowered(work, Method::Statevector, layout).unwrap();
    let budget = Budget::new(None);
    let run = Run { program: &program, cancel: &cancel, budget: &budget };
    let start = Deferred::new(State::zero(n_places, &threads).unwrap(), &cancel);
    let ran = branched(&run, start, &threads, options, shape).unwrap();
    ran.outcomes.finish(circuit.cregs())
}

/// Gates of the table, some with controls, on 5 of 7 qubits.
fn gates(steps: &[(usize, u32, f64)]) -> Circuit {
    let table = [Gate::H, Gate::Rx, Gate::U3, Gate::T, Gate::Swap, Gate::Ecr, Gate::Rzz, Gate::X];
    let mut circuit = Circuit::new(7, 5);
    for &(kind, at, angle) in steps {
        let gate = table[kind % table.len()];
        let controls = (kind / table.len() % 3) as u16;
        let n = gate.info().n_qubits + u32::from(controls);
        let qubits: Vec<u32> = (0..n).map(|i| (at + 2 * i) % 5 + 1).collect();
        let angles: Vec<f64> = (0..gate.info().n_params).map(|i| angle + f64::from(i)).collect();
        circuit = circuit.gate(gate, controls, &angles, &qubits);
    }
    circuit
}

fn both(circuit: &Circuit, options: &Options) -> (Outcome, Outcome) {
    let (threads, cancel) = (Threads::serial(), Cancel::new());
    let small = small::run(circuit, &[], options, &cancel).unwrap().unwrap();
    (small, run_generally(&threads, circuit, options, &cancel).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The random numbers of a shot are its own: so whoever it is run with, it comes out the same.
    #[test]
    fn shots_come_out_the_same_together_and_alone(
        steps in prop::collection::vec((0..8_u32, 0..3_u32, 0..3_u32, -3.0..3.0), 1..14),
        noise in any::<bool>(),
    ) {
        let circuit = dynamic(Circuit::new(3, 3), [0, 1, 2], &steps);
        let circuit = if noise { noisy(&circuit) } else { circuit };
        let alone = shape(1, 1);
        let expected = branch(&circuit, &options(), alone);
        for (per_walk, most_states) in [(500, 1), (500, 2), (500, 20), (77, 20), (77, 3)] {
            let together = shape(per_walk, most_states);
            prop_assert_eq!(&branch(&circuit, &options(), together), &expected);
        }
    }

    /// Also where they go through loops, and compute.
    #[test]
    fn shots_of_programs_come_out_the_same_together_and_alone(
        numbers in prop::collection::vec(any::<u32>(), 4..24),
    ) {
        let circuit = crate::tests::dynamic::random(&numbers, false);
        let alone = shape(1, 1);
        let expected = branch(&circuit, &options(), alone);
        for (per_walk, most_states) in [(500, 2), (500, 20), (77, 3)] {
            let together = shape(per_walk, most_states);
            prop_assert_eq!(&branch(&circuit, &options(), together), &expected);
        }
    }

    #[test]
    fn small_circuits_come_out_the_same_in_one_pass(
        steps in prop::collection::vec((0..24_usize, 0..5_u32, -3.0..3.0), 1..25),
        clbits in prop::collection::vec((0..7_u32, 0..5_u32), 0..8),
        final_state in any::<bool>(),
    ) {
        let mut circuit = gates(&steps);
        circuit.global_phase = 0.3;
        for (qubit, clbit) in clbits {
            circuit = circuit.measure(qubit, clbit);
        }
        let options = Options { final_state, method: Method::Statevector, ..options() };
        let (small, general) = both(&circuit, &options);
        prop_assert_eq!(small.counts, general.counts);
        prop_assert_eq!(small.memory, general.memory);
        prop_assert_eq!(small.facts.n_gates, general.facts.n_gates);
        prop_assert_eq!(small.facts.notes, general.facts.notes);
        prop_assert_eq!(small.data.keys().collect::<Vec<_>>(), general.data.keys().collect::<Vec<_>>());
        for (key, value) in &small.data {
            let (crate::Saved::Vector(a), crate::Saved::Vector(b)) = (value, &general.data[key])
            else { panic!("expected states") };
            let distance = a.iter().zip(b.iter()).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
            prop_assert!(distance < 1e-12, "{distance}");
        }
    }
}

/// A split needs a state for each part but one; with too few, parts are walked again.
#[test]
fn many_parts_fit_into_few_states() {
    let mut circuit = Circuit::new(4, 4);
    for _ in 0..4 {
        for qubit in 0..4 {
            circuit = circuit.h(qubit).measure(qubit, qubit).ry(0.4, qubit);
        }
        circuit = circuit.cx(0, 1).cx(2, 3);
    }
    let circuit = noisy(&circuit.measure_all());
    let plenty = branch(&circuit, &options(), shape(500, 30));
    for most_states in 1..5 {
        let few = branch(&circuit, &options(), shape(500, most_states));
        assert_eq!(few, plenty);
    }
}

#[test]
fn the_walks_depend_on_the_shots_only() {
    for shots in [1, 2, 7, 8, 100, 1000, 1_000_000] {
        let Shape { per_walk, .. } = Shape::new(shots, true, 5);
        assert!((1..=MOST).contains(&per_walk));
        assert!(shots.div_ceil(per_walk) >= shots.min(4), "{shots} shots, {per_walk} a walk");
    }
    const MOST: u64 = 1 << 14;
    assert_eq!(Shape::new(0, true, 5).per_walk, 1);
}

#[test]
fn a_cancelled_tree_is_left() {
    let cancel = Cancel::new();
    cancel.cancel();
    let circuit = noisy(&Circuit::new(2, 2).h(0).cx(0, 1).measure_all());
    let result = simulate_on(&Threads::serial(), &circuit, &options(), &cancel);
    assert!(matches!(result, Err(Error::Cancelled)));
}

#[test]
fn parameters_are_bound_without_a_copy() {
    let circuit = Circuit::new(2, 2).ry("a", 0).cx(0, 1).rz("b", 1).h(1);
    let circuit = circuit.measure_all();
    let (threads, cancel) = (Threads::serial(), Cancel::new());
    for numbers in [[0.1, 0.2], [2.0, -1.0], [-0.3, 5.0]] {
        let swept = simulate_bound(&threads, &circuit, &numbers, &options(), &cancel).unwrap();
        let bound = circuit.bind(&numbers).unwrap();
        let expected = run_generally(&threads, &bound, &options(), &cancel).unwrap();
        assert_eq!(swept.counts, expected.counts);
        // By the general way, in single precision, the copy is made.
        let single = Options { precision: crate::Precision::Single, ..options() };
        let copied = simulate_bound(&threads, &circuit, &numbers, &single, &cancel).unwrap();
        assert_eq!(copied.counts.unwrap().total(), 500);
    }
    for numbers in [&[][..], &[1.0], &[1.0, 2.0, 3.0], &[1.0, f64::NAN]] {
        assert!(simulate_bound(&threads, &circuit, numbers, &options(), &cancel).is_err());
    }
}

#[test]
fn what_small_circuits_may_not_have_is_left_to_the_general_way() {
    let by = |circuit: &Circuit, options: &Options| {
        small::run(circuit, &[], options, &Cancel::new()).unwrap().is_some()
    };
    let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
    assert!(by(&bell, &options()));
    assert!(!by(&bell, &Options { method: Method::DensityMatrix, ..options() }));
    assert!(!by(&bell, &Options { max_memory: Some(100), ..options() }));
    assert!(!by(&bell.clone().h(0), &options()));
    assert!(!by(&bell.clone().reset(0), &options()));
    let ghz = (1..9).fold(Circuit::new(9, 9).h(0), |circuit, qubit| circuit.cx(0, qubit));
    assert!(!by(&ghz.measure_all(), &options()));
    // Nine qubits of which eight are acted on.
    let eight = (1..8).fold(Circuit::new(9, 9).h(0), |circuit, qubit| circuit.cx(0, qubit));
    let (small, general) = both(&eight.measure_all(), &options());
    assert_eq!(small.counts, general.counts);
    assert!(small.counts.unwrap().of(&BitString::zeros(9)) > 200);
}
