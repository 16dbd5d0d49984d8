//! Random noise models on random circuits: every way to run them gives the same distribution.
//!
//! Counts are compared with the density matrix by a chi-square test that raises a false alarm less
//! often than once in 10^7 comparisons; seeds of random cases differ from run to run.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::Gate,
    noise::{Channel, NoiseModel, QuantumError, ReadoutError},
};
use proptest::prelude::*;

use super::{density, insert, oracle};
use crate::{
    Method, Options, Precision,
    tests::{options, run, sampling::assert_distributed},
};

const N: u32 = 4;

/// A gate, its qubits as numbers to be taken modulo what is left, and an angle.
type Drawn = (usize, u32, u32, f64);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    prop::collection::vec((0..64_usize, 0..N, 1..N, -3.0..3.0), 1..16)
}

fn circuit(steps: &[Drawn], clifford: bool) -> Circuit {
    let any = |circuit: Circuit, &(kind, a, by, angle): &Drawn| {
        let b = (a + by) % N;
        match kind % if clifford { 4 } else { 7 } {
            0 => circuit.h(a),
            1 => circuit.cx(a, b),
            2 => circuit.gate(Gate::Sx, 0, &[], &[a]),
            3 => circuit.cz(b, a),
            4 => circuit.u(angle, 0.3, -angle, a),
            5 => circuit.gate(Gate::Rzz, 0, &[angle], &[a, b]),
            _ => circuit.gate(Gate::T, 0, &[], &[a]),
        }
    };
    steps.iter().fold(Circuit::new(N, N), any).measure_all()
}

/// How strong each kind of noise is.
#[derive(Clone, Copy, Debug)]
struct Strength {
    depolarizing: f64,
    damping: f64,
    /// T2 over T1.
    coherence: f64,
    readout: f64,
}

fn strength() -> impl Strategy<Value = Strength> {
    let half = prop_oneof![Just(0.0), 0.0..0.3];
    (half.clone(), half.clone(), 0.1..2.0, half).prop_map(
        |(depolarizing, damping, coherence, readout)| Strength {
            depolarizing,
            damping,
            coherence,
            readout,
        },
    )
}

/// Depolarizing and then relaxation of each qubit, as one channel or as several.
fn model(strength: Strength, together: bool) -> NoiseModel {
    let Strength { depolarizing, damping, coherence, readout } = strength;
    let relaxation = Channel::thermal_relaxation(1.0, coherence, damping, 0.1).unwrap();
    let one = Channel::depolarizing(depolarizing / 3.0, 1).unwrap();
    let one = match together {
        true => QuantumError::from(one.then(&relaxation)),
        false => QuantumError::from(one).then(relaxation.clone(), &[0]),
    };
    let two = QuantumError::from(Channel::depolarizing(depolarizing, 2).unwrap());
    let two = two.then(relaxation.clone(), &[1]).then(relaxation, &[0]);
    let mut model = NoiseModel::new();
    ["h", "sx", "u", "t"].into_iter().for_each(|name| model.add(name, one.clone()));
    ["cx", "cz", "rzz"].into_iter().for_each(|name| model.add(name, two.clone()));
    model.add_readout(ReadoutError::of_bit(readout, readout / 2.0).unwrap());
    model.add_readout_on(1, ReadoutError::of_bit(0.0, readout).unwrap());
    model
}

fn distribution(circuit: &Circuit) -> BTreeMap<BitString, f64> {
    let mut distribution = oracle::run(circuit).distribution();
    // What rounding leaves of nothing is nothing.
    distribution.retain(|_, probability| *probability > 1e-14);
    distribution
}

fn by(method: Method, shots: u64) -> Options {
    Options { method, shots, memory: true, ..options() }
}

/// The matrix is positive: Cholesky's method takes it apart.
fn is_positive(rho: &Matrix) -> bool {
    let dim = rho.dim();
    let mut left: Vec<Complex64> = rho.entries().to_vec();
    for pivot in 0..dim {
        let root = left[pivot * dim + pivot].re;
        if root < -1e-12 {
            return false;
        }
        if root < 1e-10 {
            continue;
        }
        let column: Vec<Complex64> = (0..dim).map(|row| left[row * dim + pivot]).collect();
        for row in 0..dim {
            for other in 0..dim {
                left[row * dim + other] -= column[row] * column[other].conj() / root;
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_method_is_distributed_as_the_definition_says(
        steps in drawn(), strength in strength(), together: bool
    ) {
        let noisy = insert(&circuit(&steps, false), &model(strength, together));
        let expected = distribution(&noisy);
        for method in [Method::DensityMatrix, Method::Statevector, Method::Sparse] {
            assert_distributed(&run(&noisy, &by(method, 4000)).counts.unwrap(), &expected);
        }
        let counts = run(&noisy, &by(Method::MatrixProductState, 1000)).counts.unwrap();
        assert_distributed(&counts, &expected);
    }

    #[test]
    fn frames_and_tableaus_are_distributed_as_the_definition_says(
        steps in drawn(), strength in strength(), frames: bool
    ) {
        // Relaxation takes a qubit off its Pauli string where T2 is below T1.
        let damping = if frames { 0.0 } else { strength.damping };
        let strength = Strength { damping, coherence: strength.coherence.min(1.0), ..strength };
        let noisy = insert(&circuit(&steps, true), &model(strength, false));
        let counts = run(&noisy, &by(Method::Stabilizer, 4000)).counts.unwrap();
        assert_distributed(&counts, &distribution(&noisy));
    }

    #[test]
    fn density_matrices_stay_positive_and_of_trace_one(
        steps in drawn(), strength in strength(), together: bool
    ) {
        let noisy = insert(&circuit(&steps, false), &model(strength, together));
        let rho = density(&noisy, Precision::Double);
        let trace: Complex64 = (0..rho.dim()).map(|i| rho.at(i, i)).sum();
        prop_assert!((trace - 1.0).norm() < 1e-12, "trace {trace}");
        prop_assert!(rho.distance(&rho.adjoint()) < 1e-13);
        prop_assert!(is_positive(&rho));
    }

    #[test]
    fn noise_of_no_strength_changes_no_shot(steps in drawn(), seed: u64) {
        let none = Strength { depolarizing: 0.0, damping: 0.0, coherence: 1.3, readout: 0.0 };
        let clifford = circuit(&steps, true);
        let same = insert(&clifford, &model(none, true));
        for method in [Method::Automatic, Method::Statevector, Method::DensityMatrix, Method::Sparse,
            Method::Stabilizer, Method::MatrixProductState]
        {
            let options = Options { seed, ..by(method, 200) };
            let (ideal, noisy) = (run(&clifford, &options), run(&same, &options));
            prop_assert_eq!(ideal.counts, noisy.counts);
            prop_assert_eq!(ideal.memory, noisy.memory);
        }
    }
}

/// So many shots that threads have much to share, and qubits enough for stages.
#[test]
fn threads_do_not_change_shots_of_full_models() {
    let strength = Strength { depolarizing: 0.03, damping: 0.02, coherence: 1.4, readout: 0.05 };
    let model = model(strength, false);
    for n in [6, 13] {
        let layers = (0..3).fold(Circuit::new(n, n), |circuit, layer| {
            let circuit = (0..n).fold(circuit, |c, q| c.u(0.4 + f64::from(q + layer), 0.3, 0.1, q));
            (layer % 2..n - 1).step_by(2).fold(circuit, |circuit, q| circuit.cx(q, q + 1))
        });
        let noisy = insert(&layers.measure_all(), &model);
        let with_threads = |threads| {
            let options = Options { threads, ..by(Method::Statevector, 1500) };
            let outcome = run(&noisy, &options);
            (outcome.counts, outcome.memory)
        };
        let alone = with_threads(1);
        assert_eq!(alone, with_threads(2));
        assert_eq!(alone, with_threads(3));
    }
}
