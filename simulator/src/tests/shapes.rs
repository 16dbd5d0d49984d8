//! The shapes of circuits that simulators have been wrong about, on every method that takes them:
//! more than 64 qubits, strings with an odd number of Y, circuits of identities or of nothing,
//! qubits that are not measured, measurements out of order, several registers.
//!
//! Where a defect of another simulator is public, the test names its report and asserts what is
//! right. Distributions are compared by [`assert_distributed`], which says how often it errs.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Circuit, Complex64,
    circuit::{Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype, TimeUnit},
};
use proptest::prelude::*;

use super::{options, run, sampling::assert_distributed};
use crate::{Cancel, Error, Method, Options, Outcome, Saved, check, choose, reference, simulate};

/// What each method that takes a circuit makes of it, in little memory: states that have too many
/// amplitudes are refused.
fn outcomes(circuit: &Circuit, options: &Options) -> Vec<(Method, Outcome)> {
    let mut outcomes = Vec::new();
    for method in Method::ALL {
        let options = Options { method, max_memory: Some(16 << 20), ..options.clone() };
        let (chosen, _) = choose(circuit, &options);
        // The superoperator of that many qubits takes longer than all else.
        let large = chosen == Method::Superop && circuit.n_qubits() > 3;
        if large
            || check(&Circuit::new(1, 0).x(0), chosen).is_err()
            || check(circuit, chosen).is_err()
        {
            assert_ne!(method, Method::Automatic, "nothing runs\n{circuit:?}");
            continue;
        }
        match simulate(circuit, &options, &Cancel::new()) {
            Ok(outcome) => outcomes.push((method, outcome)),
            Err(Error::InsufficientMemory { .. })
                if chosen.is_dense() || chosen == Method::Sparse => {}
            Err(error) => panic!("{method}: {error}\n{circuit:?}"),
        }
    }
    outcomes
}

/// The counts of each method that has shots.
fn counted(circuit: &Circuit, shots: u64) -> Vec<(Method, ketch_interface::Counts)> {
    let with = Options { shots, ..options() };
    let counted = outcomes(circuit, &with).into_iter();
    let counted: Vec<_> =
        counted.filter_map(|(method, outcome)| Some((method, outcome.counts?))).collect();
    assert!(counted.iter().any(|(method, _)| *method == Method::Automatic), "{circuit:?}");
    for (method, counts) in &counted {
        assert_eq!(counts.total(), shots, "{method}");
    }
    counted
}

fn saving(mut circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Circuit {
    let key = "saved".to_owned();
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    let save = Op::Save(Box::new(Save { kind, key, subtype: SaveSubtype::Single }));
    circuit.push(save, &qubits, &[], &[]).unwrap();
    circuit
}

/// What each method that knows the save makes of it.
fn saved(circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Vec<(Method, Saved)> {
    let circuit = saving(circuit, kind, qubits);
    let outcomes = outcomes(&circuit, &options()).into_iter();
    let found = outcomes.filter_map(|(method, mut o)| Some((method, o.data.remove("saved")?)));
    found.collect()
}

fn pauli(letters: &str) -> SaveKind {
    let coefficient = Complex64::ONE;
    SaveKind::ExpectationValue(vec![PauliTerm { pauli: letters.to_owned(), coefficient }])
}

fn bits(ones: &[u32], width: u32) -> BitString {
    let mut bits = BitString::zeros(width);
    ones.iter().for_each(|&bit| bits.set(bit, true));
    bits
}

/// qiskit-aer issue 2107: counts of more than 64 qubits.
#[test]
fn each_qubit_of_many_is_read_into_its_clbit() {
    for n in [1, 2, 63, 64, 65, 80, 127, 128, 130] {
        let ones: Vec<u32> = (0..n).filter(|i| i % 3 == 0 || i * i % 5 == 4).collect();
        let start = ones.iter().fold(Circuit::new(n, n), |circuit, &i| circuit.x(i));
        let forward = start.clone().measure_all();
        let backward = (0..n).fold(start, |circuit, i| circuit.measure(i, n - 1 - i));
        let mirrored: Vec<u32> = ones.iter().map(|i| n - 1 - i).collect();
        for (circuit, ones) in [(forward, &ones), (backward, &mirrored)] {
            let counted = counted(&circuit, 20);
            assert!(counted.len() >= 2, "{n} qubits: {counted:?}");
            for (method, counts) in counted {
                assert_eq!(counts.of(&bits(ones, n)), 20, "{method}, {n} qubits: {counts:?}");
            }
        }
    }
}

/// mqt-core issues 505 and 575: walls of Hadamard gates on 80 qubits and more.
#[test]
fn walls_of_hadamards_undo_each_other() {
    for n in [80, 200] {
        let wall = |circuit: Circuit| (0..n).fold(circuit, |circuit, i| circuit.h(i));
        let once = wall(Circuit::new(n, 3)).measure(0, 0).measure(n / 2, 1).measure(n - 1, 2);
        let eighth = (0..8).map(|value| (BitString::from_u64(3, value), 0.125)).collect();
        for (_, counts) in counted(&once, 4000) {
            assert_distributed(&counts, &eighth);
        }
        let twice = |between: Option<u32>| {
            let first = wall(Circuit::new(n, n));
            wall(between.into_iter().fold(first, |circuit, i| circuit.z(i))).measure_all()
        };
        for between in [None, Some(0), Some(n - 1)] {
            let ones: Vec<u32> = between.into_iter().collect();
            for (method, counts) in counted(&twice(between), 10) {
                assert_eq!(counts.of(&bits(&ones, n)), 10, "{method}, {n} qubits");
            }
        }
    }
}

/// qsim issue 540: a circuit of identities only.
#[test]
fn circuits_that_do_nothing() {
    for n in [0, 1, 5, 70] {
        let idle = Circuit::new(n, n);
        let ids = (0..n)
            .fold(idle.clone(), |circuit, i| circuit.id(i).delay(10.0, TimeUnit::Nanosecond, i));
        for circuit in [idle, ids.barrier()] {
            for (method, outcome) in outcomes(&circuit, &options()) {
                assert!(outcome.counts.is_none(), "{method}, {n} qubits");
            }
            if n > 0 {
                for (method, counts) in counted(&circuit.clone().measure_all(), 100) {
                    assert_eq!(counts.of(&BitString::zeros(n)), 100, "{method}, {n} qubits");
                }
                for (method, value) in saved(circuit, pauli("Z"), &[n - 1]) {
                    let Saved::Number(value) = value else { panic!("{method}: {value:?}") };
                    assert!((value - 1.0).abs() < 1e-10, "{method}, {n} qubits: {value}");
                }
            }
        }
    }
}

/// qsim issue 662: 4000 shots asked for, 3999 counted.
#[test]
fn no_shot_is_lost() {
    for shots in [1, 7, 63, 64, 65, 1000, 4000] {
        let circuit = Circuit::new(3, 3).h(0).cx(0, 1).h(2).measure_all();
        assert!(counted(&circuit, shots).len() >= 4);
        let uneven = Circuit::new(3, 3).ry(1e-4, 0).ry(0.7, 1).rx(3.1, 2).measure_all();
        assert!(counted(&uneven, shots).len() >= 4);
    }
}

/// qiskit-aer issue 1999: runs of rotations and sx that came out as the opposite bit.
#[test]
fn rotations_about_several_axes_do_not_turn_the_bit() {
    let pi = std::f64::consts::PI;
    for quarter in [-2.0, -1.0, 0.0, 1.0, 2.0] {
        for more in [0.0, 0.5, 1.0] {
            let start = Circuit::new(1, 1).ry(pi * more, 0).rz(pi / 2.0 * quarter, 0).sx(0);
            let circuit = start.rz(pi * more, 0).sx(0).measure_all();
            let expected = reference::distribution(&circuit);
            for (_, counts) in counted(&circuit, 1000) {
                let likely = expected.iter().filter(|(_, p)| **p > 1e-12);
                assert_distributed(&counts, &likely.map(|(b, p)| (b.clone(), *p)).collect());
            }
        }
    }
}

/// qulacs issue 314: strings with an odd number of Y. A product of eigenstates of Y has the value
/// 1 or -1 for every string of Y on it.
#[test]
fn strings_of_y_have_their_sign() {
    for n in [1, 2, 3, 5, 65, 67] {
        let plus = (0..n).fold(Circuit::new(n, 0), |circuit, i| circuit.h(i).s(i));
        let minus = (0..n).fold(Circuit::new(n, 0), |circuit, i| circuit.h(i).sdg(i));
        for k in [1, n / 2, n].into_iter().filter(|&k| k > 0) {
            let on: Vec<u32> = (0..k).map(|i| n - 1 - i).collect();
            for (circuit, sign) in [(&plus, 1.0_f64), (&minus, -1.0)] {
                let found = saved(circuit.clone(), pauli(&"Y".repeat(k as usize)), &on);
                assert!(n > 5 || found.iter().any(|(method, _)| *method == Method::Automatic));
                for (method, value) in found {
                    let Saved::Number(value) = value else { panic!("{method}: {value:?}") };
                    let expected = sign.powi(k as i32);
                    assert!((value - expected).abs() < 1e-10, "{method}, {k} of {n}: {value}");
                }
            }
        }
    }
}

/// qiskit-aer issues 582, 1165 and 2235: amplitudes in the wrong order.
#[test]
fn amplitudes_are_those_that_were_asked_for() {
    let circuit = Circuit::new(4, 0).x(0).ry(0.7, 1).cx(1, 2).ry(0.3, 3).cx(3, 0).swap(2, 0);
    let expected = reference::state(&circuit);
    let order = [9, 3, 0, 15, 6, 12, 1, 2, 4, 5];
    let states: Vec<BitString> = order.iter().map(|&i| BitString::from_u64(4, i)).collect();
    let found = saved(circuit.clone(), SaveKind::Amplitudes(states.clone()), &[]);
    assert!(found.len() >= 3);
    for (method, value) in found {
        let Saved::Vector(found) = value else { panic!("{method}: {value:?}") };
        for (i, amplitude) in order.iter().zip(found.iter()) {
            assert!((amplitude - expected[*i as usize]).norm() < 1e-10, "{method}: {found:?}");
        }
    }
    let found = saved(circuit, SaveKind::AmplitudesSquared(states), &[]);
    assert!(found.len() >= 4);
    for (method, value) in found {
        let Saved::Reals(found) = value else { panic!("{method}: {value:?}") };
        for (i, square) in order.iter().zip(found.iter()) {
            assert!((square - expected[*i as usize].norm_sqr()).abs() < 1e-10, "{method}");
        }
    }
}

/// Long random Clifford circuits, on which Qiskit Aer 0.18.2 with gate fusion returns a state that
/// is orthogonal to the right one: a circuit and its inverse leave |0…0>.
#[test]
fn long_clifford_circuits_are_undone_by_their_inverse() {
    let n = 11;
    let mut draw = 1_u64;
    let mut next = |below: u64| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (draw >> 33) % below
    };
    let forth = (0..800).fold(Circuit::new(n, 0), |circuit, _| {
        let (gate, a) = (next(10), next(u64::from(n)) as u32);
        let b = (a + 1 + next(u64::from(n) - 1) as u32) % n;
        match gate {
            0 => circuit.x(a),
            1 => circuit.y(a),
            2 => circuit.z(a),
            3 => circuit.h(a),
            4 => circuit.s(a),
            5 => circuit.sdg(a),
            6 => circuit.cx(a, b),
            7 => circuit.cy(a, b),
            8 => circuit.cz(a, b),
            _ => circuit.swap(a, b),
        }
    });
    let mut there_and_back = forth.clone();
    for instruction in forth.inverse().unwrap().instructions() {
        let (op, qubits) = (instruction.op.clone(), instruction.qubits);
        there_and_back.push(op, qubits, &[], instruction.params).unwrap();
    }
    let found = counted(&there_and_back.clone().measure_all(), 50);
    assert!(found.len() >= 3);
    for (method, counts) in found {
        assert_eq!(counts.of(&BitString::zeros(n)), 50, "{method}: {counts:?}");
    }
    let state = run(&there_and_back, &Options { final_state: true, ..options() });
    let Some(Saved::Vector(amplitudes)) = state.data.get("statevector") else { panic!("no state") };
    assert!((amplitudes[0].norm() - 1.0).abs() < 1e-10);
}

/// A circuit of `n` qubits in two registers and `n_clbits` clbits in two, all gates Clifford's or
/// not, that measures some qubits into clbits in any order.
fn shaped(
    (n, n_clbits, cut): (u32, u32, u32),
    gates: &[(u32, u32, u32, f64)],
    order: u64,
    clifford: bool,
) -> Circuit {
    let mut circuit = Circuit::default();
    for (name, size) in [("first", cut % n), ("second", n - cut % n)] {
        circuit.add_qreg(name, size);
    }
    for (name, size) in [("low", cut % n_clbits), ("high", n_clbits - cut % n_clbits)] {
        circuit.add_creg(name, size);
    }
    for &(kind, a, b, angle) in gates {
        let (a, b) = (a % n, b % n);
        circuit = match kind {
            0 => circuit.h(a),
            1 => circuit.s(a),
            2 if a != b => circuit.cx(a, b),
            3 if a != b => circuit.cz(a, b),
            4 if a != b => circuit.swap(a, b),
            5 => circuit.y(a),
            6 if !clifford => circuit.u(angle, 0.3, -0.8, a),
            7 if !clifford && a != b => circuit.cp(angle, a, b),
            8 => circuit.id(a).barrier(),
            _ => circuit.x(a),
        };
    }
    let mut pairs: Vec<(u32, u32)> = (0..n).map(|i| (i, (i * 5 + cut) % n_clbits)).collect();
    pairs.sort_by_key(|(qubit, _)| order.wrapping_mul(2 * u64::from(*qubit) + 1) >> 32);
    pairs.truncate(1 + (order % u64::from(n)) as usize);
    pairs.into_iter().fold(circuit, |circuit, (qubit, clbit)| circuit.measure(qubit, clbit))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Unmeasured qubits, any order, several registers, clbits that are written twice or never.
    #[test]
    fn counts_are_those_of_the_reference(
        sizes in (1..6_u32, 1..8_u32, 0..8_u32),
        gates in prop::collection::vec((0..9_u32, 0..6_u32, 0..6_u32, -3.0..3.0), 0..25),
        order in any::<u64>(),
        clifford in any::<bool>(),
    ) {
        let circuit = shaped(sizes, &gates, order, clifford);
        let expected: BTreeMap<_, _> = reference::distribution(&circuit);
        for (method, counts) in counted(&circuit, 2000) {
            prop_assert_eq!(counts.registers(), circuit.cregs(), "{}", method);
            assert_distributed(&counts, &expected);
        }
    }

    /// Exact values: probabilities and Pauli strings with any letters, on qubits in any order.
    #[test]
    fn saved_values_are_those_of_the_reference(
        sizes in (1..6_u32, Just(1_u32), 0..8_u32),
        gates in prop::collection::vec((0..9_u32, 0..6_u32, 0..6_u32, -3.0..3.0), 0..25),
        order in any::<u64>(),
        letters in prop::collection::vec(0..4_usize, 5),
        clifford in any::<bool>(),
    ) {
        let measured = shaped(sizes, &gates, order, clifford);
        let circuit = measured
            .retained(|place| !matches!(measured.instruction(place).op, Op::Measure));
        let state = reference::state(&circuit);
        let mut qubits: Vec<u32> = (0..sizes.0).collect();
        qubits.sort_by_key(|qubit| order.wrapping_mul(2 * u64::from(*qubit) + 1) >> 40);
        qubits.truncate(1 + (order >> 7) as usize % sizes.0 as usize);
        let places: Vec<usize> = qubits.iter().map(|qubit| *qubit as usize).collect();

        let letters: String = letters[..qubits.len()].iter().map(|&l| ["I", "X", "Y", "Z"][l]).collect();
        let image = reference::applied(&reference::pauli(&letters), &places, &state);
        let expected: f64 = state.iter().zip(&image).map(|(a, b)| (a.conj() * b).re).sum();
        let found = saved(circuit.clone(), pauli(&letters), &qubits);
        prop_assert!(found.len() >= 3);
        for (method, value) in found {
            let Saved::Number(value) = value else { panic!("{method}: {value:?}") };
            prop_assert!((value - expected).abs() < 1e-10, "{method}: {value} for {expected}");
        }

        let mut expected = vec![0.0; 1 << places.len()];
        for (index, amplitude) in state.iter().enumerate() {
            let value = places.iter().enumerate().fold(0, |v, (i, &q)| v | (index >> q & 1) << i);
            expected[value] += amplitude.norm_sqr();
        }
        for (method, value) in saved(circuit, SaveKind::Probabilities, &qubits) {
            let Saved::Reals(found) = value else { panic!("{method}: {value:?}") };
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            prop_assert!(off < 1e-10, "{method}: off by {off}");
        }
    }
}
