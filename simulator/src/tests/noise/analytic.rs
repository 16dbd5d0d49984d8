//! Circuits whose answer is known in closed form.

use ketch_interface::{
    Circuit,
    circuit::{SaveKind, TimeUnit},
    noise::{Channel, NoiseModel, ReadoutError, Relaxation},
};

use super::{channel, density, density_options, insert, misread, one};
use crate::{
    Method, Options, Precision, Saved,
    tests::{options, run},
};

#[test]
fn an_excited_qubit_decays_exponentially() {
    let step = Channel::thermal_relaxation(50.0, 60.0, 5.0, 0.0).unwrap();
    let mut circuit = Circuit::new(1, 0).x(0);
    for n in 1..=20 {
        circuit = channel(circuit, &step, &[0]);
        let one = density(&circuit, Precision::Double).at(1, 1).re;
        assert!((one - (-f64::from(n) * 5.0 / 50.0).exp()).abs() < 1e-12);
    }
}

#[test]
fn a_superposition_loses_its_coherence_with_t2() {
    let mut model = NoiseModel::new();
    model.add_relaxation(0, Relaxation { t1: 50e-6, t2: 30e-6, excited: 0.0 });
    let circuit = Circuit::new(1, 0).h(0).delay(12.0, TimeUnit::Microsecond, 0);
    let rho = density(&insert(&circuit, &model), Precision::Double);
    assert!((rho.at(0, 1).re - 0.5 * (-0.4_f64).exp()).abs() < 1e-12);
    assert!((rho.at(1, 1).re - 0.5 * (-0.24_f64).exp()).abs() < 1e-12);
}

#[test]
fn a_depolarized_bell_pair() {
    let p = 0.12;
    let bell = Circuit::new(2, 2).h(0).cx(0, 1);
    let circuit = channel(bell, &Channel::depolarizing(p, 2).unwrap(), &[0, 1]);
    let options = density_options(Precision::Double);
    let Saved::Reals(found) = one(&circuit, SaveKind::Probabilities, &[0, 1], &options) else {
        panic!("expected probabilities");
    };
    let (same, different) = ((1.0 - p) / 2.0 + p / 4.0, p / 4.0);
    for (found, expected) in found.iter().zip([same, different, different, same]) {
        assert!((found - expected).abs() < 1e-12);
    }
}

#[test]
fn readout_errors_alone_leave_the_state_pure_and_flip_bits() {
    let always_zero = ReadoutError::new(vec![vec![1.0, 0.0], vec![1.0, 0.0]]).unwrap();
    let circuit = misread(Circuit::new(1, 1).x(0).measure(0, 0), &always_zero, &[0]);
    let outcome = run(&circuit, &options());
    assert_eq!(outcome.counts.unwrap().get("0"), 1024);
    assert_eq!((outcome.facts.method, outcome.facts.sampled), (Method::Statevector, true));
    // A qubit that nothing acts on is misread as well.
    let flipped = ReadoutError::of_bit(1.0, 1.0).unwrap();
    let idle = misread(Circuit::new(1, 1).measure(0, 0), &flipped, &[0]);
    assert_eq!(run(&idle, &options()).counts.unwrap().get("1"), 1024);
    // 40,000 shots of 0.1: the spread is 60, so 360 are passed by chance once in 10^8.
    let error = ReadoutError::of_bit(0.1, 0.0).unwrap();
    let some = misread(Circuit::new(1, 1).measure(0, 0), &error, &[0]);
    let counts = run(&some, &Options { shots: 40_000, ..options() }).counts.unwrap();
    assert!(counts.get("1").abs_diff(4000) < 360, "{}", counts.get("1"));
}

#[test]
fn a_bit_is_misread_before_it_is_looked_at() {
    let flipped = ReadoutError::of_bit(1.0, 1.0).unwrap();
    let circuit = misread(Circuit::new(2, 2).measure(0, 0), &flipped, &[0]);
    let circuit = circuit.if_equal(0, 1, |c| c.x(1)).measure(1, 1);
    for method in [Method::Statevector, Method::DensityMatrix] {
        let outcome = run(&circuit, &Options { method, ..options() });
        assert_eq!(outcome.counts.unwrap().get("11"), 1024);
    }
}
