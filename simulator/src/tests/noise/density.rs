//! The density matrix method against the definition.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, PauliTerm, SaveKind, SaveSubtype, SetState},
    noise::{Channel, ReadoutError},
};

use super::{channel, channels, density, density_options, misread, noisy, one, oracle, real, with};
use crate::{
    Cancel, Error, Method, Options, Precision, Saved, check, choose, reference, simulate,
    tests::{options, run, sampling::assert_distributed},
};

const TOLERANCES: [(Precision, f64); 2] = [(Precision::Double, 1e-12), (Precision::Single, 1e-5)];

/// A mixed state of `n` qubits without symmetry.
fn mixed(n: u32) -> Circuit {
    let mut circuit = Circuit::new(n, n);
    for qubit in 0..n {
        circuit = circuit.u(0.5 + f64::from(qubit), 0.2, 1.1 * f64::from(qubit), qubit);
        circuit = channel(circuit, &Channel::amplitude_damping(0.2).unwrap(), &[qubit]);
    }
    (1..n).fold(circuit, |circuit, qubit| circuit.cx(qubit - 1, qubit).rx(0.4, qubit))
}

#[test]
fn every_gate_agrees_with_its_matrix_on_both_sides() {
    let params = [0.3, -1.1, 2.3, 0.7];
    for info in GATES {
        let params = &params[..info.n_params as usize];
        for n_controls in 0..=2_u32.min(4 - info.n_qubits) {
            let k = n_controls + info.n_qubits;
            for order in [(0..k).collect::<Vec<_>>(), (4 - k..4).rev().collect()] {
                let (controls, targets) = order.split_at(n_controls as usize);
                let circuit = mixed(4).controlled(info.gate, 0, params, controls, targets);
                let expected = oracle::run(&circuit).rho;
                for (precision, tolerance) in TOLERANCES {
                    let off = density(&circuit, precision).distance(&expected);
                    assert!(off < tolerance, "{} on {order:?}: off by {off}", info.name);
                }
            }
        }
    }
}

#[test]
fn every_channel_agrees_with_its_kraus_operators() {
    for next in channels() {
        for a in 0..4 {
            for b in (0..4).filter(|b| *b != a) {
                let on = if next.n_qubits() == 1 { vec![a] } else { vec![a, b] };
                let kraus = channel(mixed(4), &next, &on);
                let superop = with(mixed(4), Op::Superop(Box::new(next.superop())), &on);
                for circuit in [kraus, superop] {
                    let off =
                        density(&circuit, Precision::Double).distance(&oracle::run(&circuit).rho);
                    assert!(off < 1e-12, "on {on:?}: off by {off}");
                }
            }
        }
    }
}

#[test]
fn noisy_circuits_agree_with_the_definition() {
    for variant in 0..12 {
        let circuit = noisy(variant);
        let expected = oracle::run(&circuit).rho;
        for (precision, tolerance) in TOLERANCES {
            let off = density(&circuit, precision).distance(&expected);
            assert!(off < tolerance, "variant {variant}: off by {off}");
        }
    }
}

#[test]
fn fused_or_not_the_state_is_the_same() {
    // With a jump in the program nothing is fused.
    let jumping = |variant| {
        let circuit = noisy(variant).if_equal(0, 0, |circuit| circuit.z(0));
        circuit.if_equal(0, 1, |circuit| circuit.x(1))
    };
    for variant in 0..6 {
        let fused = noisy(variant).z(0);
        let rho = density(&jumping(variant), Precision::Double);
        let off = rho.distance(&density(&fused, Precision::Double));
        assert!(off < 1e-13, "variant {variant}: off by {off}");
        let passes = |circuit| run(circuit, &density_options(Precision::Double)).facts.n_passes;
        assert!(passes(&fused) < passes(&jumping(variant)));
    }
}

#[test]
fn shots_are_drawn_from_the_diagonal_and_misread() {
    let one_bit = ReadoutError::of_bit(0.1, 0.25).unwrap();
    let two_bits = ReadoutError::new(vec![
        vec![0.7, 0.1, 0.1, 0.1],
        vec![0.0, 0.8, 0.2, 0.0],
        vec![0.05, 0.05, 0.9, 0.0],
        vec![0.3, 0.0, 0.0, 0.7],
    ]);
    for variant in 0..4 {
        let circuit = noisy(variant).measure_all();
        let circuit = misread(circuit, &one_bit, &[2]);
        let circuit = misread(circuit, two_bits.as_ref().unwrap(), &[3, 0]);
        let options = Options { shots: 20_000, memory: true, ..density_options(Precision::Double) };
        let outcome = run(&circuit, &options);
        assert!(outcome.facts.sampled);
        let counts = outcome.counts.unwrap();
        assert_distributed(&counts, &oracle::run(&circuit).distribution());
        let memory = outcome.memory.unwrap();
        let ones = memory.iter().filter(|bits| bits.get(0)).count();
        let expected: u64 =
            counts.iter().filter(|(bits, _)| bits.get(0)).map(|(_, count)| count).sum();
        assert_eq!(ones as u64, expected);
    }
}

#[test]
fn measurements_in_the_middle_collapse_the_matrix() {
    let circuit = Circuit::new(3, 4).h(0).ry(0.8, 1).cx(0, 2).measure(0, 0).h(0).measure(0, 1);
    let circuit = circuit.if_equal(0, 3, |c| c.x(1)).reset(2).cx(1, 2).measure(1, 2).measure(2, 3);
    let options = Options { shots: 20_000, ..density_options(Precision::Double) };
    let outcome = run(&circuit, &options);
    assert!(!outcome.facts.sampled);
    assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
}

#[test]
fn saves_see_the_mixed_state() {
    let circuit = noisy(1);
    let rho = oracle::run(&circuit).rho;
    let options = density_options(Precision::Double);
    let Saved::Reals(found) = one(&circuit, SaveKind::Probabilities, &[2, 0], &options) else {
        panic!("expected numbers");
    };
    for (value, found) in found.iter().enumerate() {
        let same = |i: usize| (i >> 2 & 1 | (i & 1) << 1) == value;
        let expected: f64 = (0..16).filter(|i| same(*i)).map(|i| rho.at(i, i).re).sum();
        assert!((found - expected).abs() < 1e-12);
    }
    let term =
        |pauli: &str, weight| PauliTerm { pauli: pauli.to_owned(), coefficient: real(weight) };
    let terms = vec![term("YXZY", 0.7), term("IZIX", -1.5), term("YIII", 2.0), term("YYYX", 1.0)];
    let expected: Complex64 = terms
        .iter()
        .map(|term| {
            let product = reference::pauli(&term.pauli).product(&rho);
            term.coefficient * (0..16).map(|i| product.at(i, i)).sum::<Complex64>()
        })
        .sum();
    let kind = SaveKind::ExpectationValue(terms);
    let found = one(&circuit, kind, &[0, 1, 2, 3], &options);
    assert!(matches!(found, Saved::Number(found) if (found - expected.re).abs() < 1e-12));
    let Saved::Matrix { dim, entries } = one(&circuit, SaveKind::DensityMatrix, &[3, 1], &options)
    else {
        panic!("expected a matrix");
    };
    let place =
        |i: usize, rest: usize| (i & 1) << 3 | (i >> 1) << 1 | (rest & 1) | (rest >> 1) << 2;
    let traced = |row: usize, column: usize| -> Complex64 {
        (0..4).map(|rest| rho.at(place(row, rest), place(column, rest))).sum()
    };
    let expected = (0..16).map(|i| traced(i / 4, i % 4)).collect();
    let found = Matrix::new(dim, entries.to_vec()).unwrap();
    assert!(found.distance(&Matrix::new(4, expected).unwrap()) < 1e-12);
    let indices = vec![ketch_interface::BitString::from_u64(4, 5)];
    let found = one(&circuit, SaveKind::AmplitudesSquared(indices), &[0, 1, 2, 3], &options);
    assert!(matches!(found, Saved::Reals(p) if (p[0] - rho.at(5, 5).re).abs() < 1e-12));
    let whole = one(&circuit, SaveKind::State, &[], &options);
    assert!(matches!(whole, Saved::Matrix { dim: 16, .. }));
}

#[test]
fn a_density_matrix_can_be_set() {
    let rho = oracle::run(&mixed(3)).rho;
    let set = Op::SetState(Box::new(SetState::DensityMatrix(rho.clone())));
    let circuit = with(Circuit::new(3, 3), set, &[0, 1, 2]).h(1);
    let expected = oracle::run(&mixed(3).h(1)).rho;
    assert!(density(&circuit, Precision::Double).distance(&expected) < 1e-12);
    assert_eq!(choose(&circuit, &Options::default()).0, Method::DensityMatrix);
    let twice = Matrix::diagonal(&[real(0.5), real(0.5), real(0.5), real(0.5)]);
    let set = Op::SetState(Box::new(SetState::DensityMatrix(twice)));
    let refused = check(&with(Circuit::new(2, 0), set, &[0, 1]), Method::DensityMatrix);
    assert!(refused.unwrap_err().to_string().contains("the trace is 2"));
}

#[test]
fn the_method_is_chosen_by_noise_size_and_measurement() {
    let damped = |circuit| channel(circuit, &Channel::amplitude_damping(0.1).unwrap(), &[0]);
    let method = |circuit: &Circuit| choose(circuit, &Options::default());
    assert_eq!(method(&Circuit::new(2, 2).h(0).measure_all()).0, Method::Statevector);
    let few = damped(Circuit::new(30, 30).h(0)).cx(0, 29).measure(0, 0).measure(29, 1);
    assert_eq!(method(&few), (Method::DensityMatrix, "noise on few qubits is run exactly"));
    assert_eq!(run(&few, &options()).facts.n_qubits, 2);
    let many = (0..11).fold(damped(Circuit::new(11, 11)), Circuit::h).measure_all();
    assert_eq!(method(&many).0, Method::Statevector);
    let middle = damped(Circuit::new(1, 1).measure(0, 0)).measure(0, 0);
    assert!(method(&middle).1.contains("not last"), "{}", method(&middle).1);
    let amplitudes = with(damped(Circuit::new(1, 1)), super::save(SaveKind::Statevector), &[0]);
    assert_eq!(method(&amplitudes).0, Method::Statevector);
}

#[test]
fn what_a_mixed_state_has_not_is_refused() {
    let refusal = |circuit: Circuit| {
        let options = density_options(Precision::Double);
        simulate(&circuit, &options, &Cancel::new()).unwrap_err().to_string()
    };
    let saved = refusal(with(Circuit::new(1, 0), super::save(SaveKind::Statevector), &[0]));
    assert!(saved.contains("a mixed state has no amplitudes"), "{saved}");
    let twice = Op::Kraus([Gate::X.matrix(&[]), Gate::X.matrix(&[])].into());
    let kraus = refusal(with(Circuit::new(1, 0), twice, &[0]));
    assert!(kraus.contains("`kraus`: the channel does not keep the trace"), "{kraus}");
    let large = density_options(Precision::Double);
    let large = Options { max_memory: Some(1 << 20), ..large };
    let circuit = (0..9).fold(Circuit::new(9, 9), Circuit::h).measure_all();
    let found = simulate(&circuit, &large, &Cancel::new());
    assert!(matches!(found, Err(Error::InsufficientMemory { .. })));
}

#[test]
fn averages_of_mixed_states_are_kept() {
    let average = ketch_interface::circuit::Save {
        kind: SaveKind::State,
        key: "saved".to_owned(),
        subtype: SaveSubtype::Average,
    };
    let circuit = with(mixed(2), Op::Save(Box::new(average)), &[0, 1]);
    let outcome = run(&circuit, &density_options(Precision::Double));
    assert!(matches!(outcome.data["saved"], Saved::Matrix { dim: 4, .. }));
}
