//! Counts: the right distribution, and the same for any number of threads.

use std::collections::BTreeMap;

use ketch_interface::{BitString, Circuit, Counts};
use proptest::prelude::*;

use super::{counts, options, run};
use crate::{Method, Options, Precision, reference};

/// Pearson's chi-square test of counts.
///
/// The bound is the mean plus 6 standard deviations plus 40. Outcomes that are expected fewer than
/// 20 times are taken together, so that even one cell passes the bound by chance less often than
/// once in 10^7 tests (Poisson tail at mean 20).
pub(super) fn assert_distributed(counts: &Counts, expected: &BTreeMap<BitString, f64>) {
    let total = counts.total() as f64;
    let mut rare = (0.0, 0.0);
    let (mut chi_square, mut cells) = (0.0, 0.0);
    for (outcome, probability) in expected {
        let (found, expected) = (counts.of(outcome) as f64, probability * total);
        if expected < 20.0 {
            rare = (rare.0 + found, rare.1 + expected);
        } else {
            chi_square += (found - expected).powi(2) / expected;
            cells += 1.0;
        }
    }
    if rare.1 >= 20.0 {
        chi_square += (rare.0 - rare.1).powi(2) / rare.1;
        cells += 1.0;
    }
    for (outcome, _) in counts.iter() {
        let probability = expected.get(outcome).copied().unwrap_or(0.0);
        assert!(probability > 1e-12, "{outcome} cannot come out");
    }
    let freedom: f64 = (cells - 1.0_f64).max(0.0);
    let bound = freedom + 6.0 * (2.0 * freedom).sqrt() + 40.0;
    assert!(chi_square < bound, "chi-square {chi_square} of {freedom} degrees of freedom");
}

fn scrambled(n: u32) -> Circuit {
    let mut circuit = Circuit::new(n, n);
    for layer in 0..3 {
        for qubit in 0..n {
            circuit = circuit.u(0.4 + f64::from(qubit + layer), 0.3, 1.0, qubit);
        }
        for qubit in 1..n {
            circuit = circuit.cx(qubit - 1, qubit);
        }
    }
    circuit
}

#[test]
fn sampled_counts_are_distributed_as_they_should_be() {
    for n in [1, 2, 5, 9] {
        let circuit = scrambled(n).measure_all();
        let outcome = run(&circuit, &Options { shots: 20_000, ..options() });
        assert!(outcome.facts.sampled);
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
    }
}

#[test]
fn shots_that_are_run_are_distributed_as_they_should_be() {
    let circuit = scrambled(3).measure(0, 0).h(0).measure(0, 1).reset(1).cx(0, 1).measure(1, 2);
    let outcome = run(&circuit, &Options { shots: 20_000, ..options() });
    assert!(!outcome.facts.sampled);
    assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
}

#[test]
fn clbits_get_the_qubits_they_are_told() {
    let circuit = Circuit::new(3, 4).x(0).x(2).measure(0, 3).measure(1, 2).measure(2, 0);
    assert_eq!(counts(&circuit, 10).get("1001"), 10);
    // The later measurement into a clbit stands.
    let circuit = Circuit::new(2, 1).x(0).measure(0, 0).measure(1, 0);
    assert_eq!(counts(&circuit, 10).get("0"), 10);
    // Measured twice without anything between.
    let twice = Circuit::new(1, 2).h(0).measure(0, 0).measure(0, 1);
    let outcome = run(&twice, &options());
    let counts = outcome.counts.unwrap();
    assert!(outcome.facts.sampled);
    assert_eq!(counts.get("00") + counts.get("11"), 1024);
}

#[test]
fn classical_registers_may_be_wider_than_a_word() {
    let mut circuit = Circuit::new(3, 130).x(0).x(2);
    for (qubit, clbit) in [(0, 0), (0, 64), (2, 129), (1, 7)] {
        circuit = circuit.measure(qubit, clbit);
    }
    for (circuit, sampled) in [(circuit.clone(), true), (circuit.reset(0), false)] {
        let options = Options { shots: 100, memory: true, ..options() };
        let outcome = run(&circuit, &options);
        assert_eq!(outcome.facts.sampled, sampled);
        let counts = outcome.counts.unwrap();
        let mut expected = BitString::zeros(130);
        [0, 64, 129].into_iter().for_each(|bit| expected.set(bit, true));
        assert_eq!((counts.of(&expected), counts.len()), (100, 1));
        let memory = outcome.memory.unwrap();
        assert!(memory.len() == 100 && memory.iter().all(|shot| shot == expected));
    }
}

#[test]
fn threads_change_neither_counts_nor_memory() {
    let sampled = scrambled(7).measure_all();
    let by_shot =
        scrambled(4).measure(0, 0).h(0).measure(0, 1).measure(3, 2).reset(2).h(2).measure(2, 3);
    // Enough amplitudes for one shot to use several threads.
    let large = scrambled(17).measure(0, 0).h(0).measure(0, 1);
    for (circuit, shots) in [(sampled, 3000), (by_shot, 1000), (large, 5)] {
        for precision in Precision::ALL {
            let with = |threads| {
                let options = Options { shots, threads, memory: true, precision, ..options() };
                let outcome = run(&circuit, &options);
                (outcome.counts, outcome.memory)
            };
            let one = with(1);
            assert_eq!(one.1.as_ref().unwrap().len() as u64, shots);
            assert_eq!(one, with(2));
            assert_eq!(one, with(3));
        }
    }
}

#[test]
fn more_shots_begin_with_the_same_ones() {
    let by_shot = scrambled(3).measure(0, 0).h(0).measure(0, 1).measure(2, 2);
    let drawn_one_by_one = scrambled(11).measure_all();
    for circuit in [drawn_one_by_one, by_shot] {
        let shots = |shots| {
            let options = Options { shots, memory: true, ..options() };
            run(&circuit, &options).memory.unwrap().iter().collect::<Vec<_>>()
        };
        assert_eq!(shots(300)[..100], shots(100)[..]);
        assert!(shots(0).is_empty());
    }
}

#[test]
fn seeds_matter_and_repeat() {
    let circuit = scrambled(6).measure_all();
    let with = |seed| run(&circuit, &Options { seed, ..options() }).counts.unwrap();
    assert_eq!(with(5), with(5));
    assert_ne!(with(5), with(6));
}

/// Few outcomes and many, and clbits in another order than qubits: the memory changes no counts.
#[test]
fn counts_and_memory_agree() {
    let reversed = |n: u32| (0..n).fold(scrambled(n), |c, qubit| c.measure(qubit, n - 1 - qubit));
    let circuits = [scrambled(5).measure_all(), reversed(7), reversed(11), wide(&[3, 70])];
    for (circuit, method) in circuits.iter().flat_map(|circuit| {
        use Method::{Automatic, DensityMatrix, Sparse, Statevector};
        [Automatic, DensityMatrix, Sparse, Statevector].map(|method| (circuit, method))
    }) {
        if method == Method::DensityMatrix && circuit.n_qubits() > 9 {
            continue;
        }
        let options = Options { method, shots: 3000, ..options() };
        let without = run(circuit, &options);
        let with = run(circuit, &Options { memory: true, ..options });
        let shots = with.memory.unwrap();
        let shots = shots.iter().map(|shot| (shot, 1));
        let counted = Counts::from_outcomes(circuit.cregs().to_vec(), shots);
        assert_eq!(with.counts.unwrap(), counted, "{method}");
        assert_eq!(without.counts.unwrap(), counted, "{method}");
    }
}

/// Two entangled qubits, read into these of 80 clbits.
fn wide(clbits: &[u32]) -> Circuit {
    let circuit = Circuit::new(2, 80).ry(1.0, 0).cx(0, 1);
    clbits.iter().zip(0..).fold(circuit, |circuit, (&clbit, qubit)| circuit.measure(qubit, clbit))
}

/// More shots than are drawn from one sorted list, of more outcomes than are shared out.
#[test]
fn many_outcomes_are_distributed_as_they_should_be() {
    let (angle, clbit) = (|qubit: u32| 0.9 + 0.1 * f64::from(qubit), |qubit| (5 * qubit + 3) % 12);
    let circuit = (0..12).fold(Circuit::new(12, 12), |c, qubit| c.ry(angle(qubit), qubit));
    let circuit = (0..12).fold(circuit, |c, qubit| c.measure(qubit, clbit(qubit)));
    let probability = |value: u64| {
        let factors = (0..12).map(|qubit| match value >> clbit(qubit) & 1 {
            0 => (angle(qubit) / 2.0).cos().powi(2),
            _ => (angle(qubit) / 2.0).sin().powi(2),
        });
        (BitString::from_u64(12, value), factors.product())
    };
    let options = Options { shots: 1_500_000, method: Method::Statevector, ..options() };
    let counts = run(&circuit, &options).counts.unwrap();
    assert_eq!(counts.total(), 1_500_000);
    assert_distributed(&counts, &(0..1 << 12).map(probability).collect());
}

#[test]
fn a_circuit_that_measures_nothing_has_no_counts() {
    assert!(run(&Circuit::new(2, 2).h(0), &options()).counts.is_none());
    assert!(run(&Circuit::new(0, 0), &options()).counts.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Random order of gates, measurements, resets and conditions: 4000 shots against all branches.
    #[test]
    fn random_dynamic_circuits_are_distributed_as_they_should_be(
        seed in any::<u64>(),
        steps in prop::collection::vec((0..7, 0..3_u32, 0..3_u32, -3.0..3.0), 1..14),
    ) {
        let mut circuit = Circuit::new(3, 3);
        for (kind, a, b, angle) in steps {
            circuit = match kind {
                0 | 1 => circuit.u(angle, 0.3, 0.4, a),
                2 if a != b => circuit.cx(a, b),
                3 => circuit.measure(a, b),
                4 => circuit.reset(a),
                5 => circuit.if_equal(0, u64::from(b), |inside| inside.ry(angle, a)),
                6 => circuit.initialize(super::generic_state(1), &[a]),
                _ => circuit.h(a),
            };
        }
        let circuit = circuit.measure(2, 2);
        let outcome = run(&circuit, &Options { shots: 4000, seed, ..options() });
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
    }
}
