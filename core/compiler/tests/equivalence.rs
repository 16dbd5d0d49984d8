//! A compiled circuit does what the original does, phase included.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{BASES, Dice, assert_same, both, maps, random_circuit, target};
use ketch_compiler::{Options, compile};
use ketch_interface::{
    Circuit, Matrix,
    circuit::{ControlState, GATES, GateOp, Op, Param, Qubit},
};

use proptest::prelude::*;

fn line(n: u32) -> Vec<(u32, u32)> {
    both(&(0..n - 1).map(|q| (q, q + 1)).collect::<Vec<_>>())
}

#[test]
fn every_gate_in_every_basis() {
    for basis in BASES {
        for info in GATES {
            for controls in 0..=2_u16 {
                let n = info.n_qubits + u32::from(controls);
                if n == 0 || n > 5 {
                    continue;
                }
                let mut circuit = Circuit::new(n, 0);
                let qubits: Vec<Qubit> = (0..n).rev().map(Qubit).collect();
                let angles = [0.3, -1.1, 2.3, 0.7];
                let params: Vec<Param> =
                    angles[..info.n_params as usize].iter().copied().map(Param::Number).collect();
                let op = Op::Gate(GateOp::new(info.gate, controls));
                circuit.push(op, &qubits, &[], &params).unwrap();
                assert_same(&circuit, &target(n, basis, None), &Options::default());
                assert_same(
                    &circuit,
                    &target(n.max(2), basis, Some(line(n.max(2)))),
                    &Options::default(),
                );
            }
        }
    }
}

#[test]
fn many_and_open_controls() {
    use ketch_interface::circuit::Gate;
    let target = target(9, BASES[1], None);
    let no_qubit_to_borrow = |n: u32| n + 1;
    let one_to_borrow = |n: u32| n + 2;
    for n in 3..=6_u32 {
        for width in [no_qubit_to_borrow(n), one_to_borrow(n), 2 * n - 1] {
            if width > 9 {
                continue;
            }
            let all: Vec<u32> = (0..=n).collect();
            let circuit = Circuit::new(width, 0).gate(Gate::X, n as u16, &[], &all);
            assert_same(&circuit, &target, &Options::default());
        }
        let all: Vec<u32> = (0..=n).collect();
        for (gate, params) in [(Gate::P, vec![0.3]), (Gate::Ry, vec![1.3]), (Gate::H, vec![])] {
            let circuit = Circuit::new(n + 1, 0).gate(gate, n as u16, &params, &all);
            assert_same(&circuit, &target, &Options::default());
        }
    }
    let mut open = Circuit::new(4, 0);
    let state = ControlState::new(3, 0b010).unwrap();
    let op = Op::Gate(GateOp { gate: Gate::X, controls: 3, state });
    open.push(op, &[3, 0, 2, 1].map(Qubit), &[], &[]).unwrap();
    assert_same(&open, &target, &Options::default());
}

#[test]
fn random_circuits_on_every_map() {
    let mut dice = Dice(7);
    for (name, n_physical, map) in maps() {
        for round in 0..40 {
            let n = 2 + dice.below(4) as u32;
            let length = 3 + dice.below(25);
            let circuit = random_circuit(n, length, &mut dice).named(name);
            let basis = BASES[round % BASES.len()];
            let target = target(n_physical, basis, Some(map.clone()));
            for optimise in [true, false] {
                let mut options = Options::default();
                options.seed = round as u64;
                options.optimise = optimise;
                assert_same(&circuit, &target, &options);
            }
        }
    }
}

#[test]
fn matrices_diagonals_multiplexers_and_paulis() {
    use ketch_interface::circuit::{Gate, Labelled};
    let target = target(5, BASES[0], Some(line(5)));
    let u = |a: f64, b: f64| Gate::U.matrix(&[a, b, a - b]);
    let two = u(0.3, 0.1).controlled(1, 0).product(&Gate::XxPlusYy.matrix(&[0.3, 1.0]));
    let mut circuit = Circuit::new(5, 0).unitary(u(1.0, 2.0), &[3]).unitary(two, &[4, 1]);
    let q = |qubits: &[u32]| qubits.iter().copied().map(Qubit).collect::<Vec<_>>();
    let phases: Vec<_> =
        (0..8).map(|i| ketch_interface::Complex64::cis(f64::from(i * i))).collect();
    circuit.push(Op::Diagonal(phases.into()), &q(&[2, 0, 3]), &[], &[]).unwrap();
    let matrices: Vec<Matrix> = (0..8).map(|i| u(f64::from(i), 0.2)).collect();
    circuit.push(Op::Multiplexer(matrices.into()), &q(&[1, 4, 2, 0]), &[], &[]).unwrap();
    circuit.push(Op::Pauli("XYZ".into()), &q(&[1, 4, 2]), &[], &[]).unwrap();
    assert_same(&circuit, &target, &Options::default());
    let bad = Matrix::from_rows([[1.0, 1.0], [0.0, 1.0]].map(|row| row.map(Into::into)));
    let mut bad_circuit = Circuit::new(1, 0);
    let op = Op::Unitary(Box::new(Labelled { label: None, value: bad }));
    bad_circuit.push(op, &q(&[0]), &[], &[]).unwrap();
    let error = compile(&bad_circuit, &target, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("not unitary"), "{error}");
}

#[test]
fn unitaries_and_multiplexers_of_any_size() {
    use ketch_interface::circuit::Gate;
    let mut dice = Dice(3);
    let target = target(5, BASES[1], Some(line(5)));
    for n in 3..=5_u32 {
        // A product of gates on all pairs is as general as any.
        let parts = random_circuit(n, 30, &mut dice);
        let dim = 1_usize << n;
        let columns: Vec<Vec<_>> = (0..dim)
            .map(|x| {
                let mut state = vec![ketch_interface::Complex64::ZERO; dim];
                state[x] = ketch_interface::Complex64::ONE;
                common::apply_all(&parts, &mut state);
                state
            })
            .collect();
        let entries = (0..dim * dim).map(|k| columns[k % dim][k / dim]).collect();
        let matrix = Matrix::new(dim, entries).unwrap();
        let qubits: Vec<u32> = (0..n).rev().collect();
        assert_same(&Circuit::new(n, 0).unitary(matrix, &qubits), &target, &Options::default());
    }
    let matrices = [Gate::Iswap.matrix(&[]), Gate::Rxx.matrix(&[0.4])];
    let mut circuit = Circuit::new(3, 0);
    let qubits = [2, 0, 1].map(Qubit);
    circuit.push(Op::Multiplexer(matrices.into()), &qubits, &[], &[]).unwrap();
    assert_same(&circuit, &target, &Options::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// On any connected map: a random tree, some more pairs, any directions.
    #[test]
    fn random_circuits_on_random_maps(seed: u64, n in 2_u32..6, spare in 0_u32..3, basis in 0..15_usize) {
        let mut dice = Dice(seed);
        let n_physical = n + spare;
        let mut map: Vec<(u32, u32)> =
            (1..n_physical).map(|q| (q, dice.below(q as usize) as u32)).collect();
        for _ in 0..dice.below(4) {
            let pair = dice.distinct(2, n_physical);
            map.push((pair[0].0, pair[1].0));
        }
        for pair in &mut map {
            if dice.below(2) == 0 {
                *pair = (pair.1, pair.0);
            }
        }
        let length = 1 + dice.below(30);
        let circuit = random_circuit(n, length, &mut dice);
        let mut options = Options::default();
        options.seed = seed;
        assert_same(&circuit, &target(n_physical, BASES[basis], Some(map)), &options);
    }
}
