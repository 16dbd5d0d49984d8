//! What is left out, and what is said of it.

use ketch_interface::Complex64;

use super::{at_most, brickwork, mps, vector};
use crate::{Options, Truncation, tests::run};

#[test]
fn what_is_left_out_is_as_much_as_is_said() {
    let circuit = brickwork(10, 10, 1.0);
    let exact = crate::tests::state(&circuit, crate::Precision::Double);
    for bond in [2, 4, 8, 16, 32] {
        let outcome = run(&circuit, &Options { final_state: true, shots: 1, ..at_most(bond) });
        let (largest, discarded) =
            (outcome.facts.bond_dimension.unwrap(), outcome.facts.discarded_weight.unwrap());
        let found = vector(outcome);
        let overlap: Complex64 = exact.iter().zip(&found).map(|(a, b)| a.conj() * b).sum();
        let lost = 1.0 - overlap.norm_sqr();
        assert!(largest <= bond);
        let norm: f64 = found.iter().map(Complex64::norm_sqr).sum();
        assert!((norm - 1.0).abs() < 1e-9, "norm {norm} at bond {bond}");
        match bond {
            32 => assert!(lost < 1e-12 && discarded < 1e-13, "{lost} {discarded}"),
            // Errors of the steps add up as if they were independent, up to a small factor.
            _ => assert!(
                lost < 3.0 * discarded && (discarded > 0.5 || lost > 0.1 * discarded),
                "bond {bond}: lost {lost}, said {discarded}"
            ),
        }
    }
}

#[test]
fn a_larger_threshold_leaves_out_more() {
    let circuit = brickwork(10, 10, 0.3);
    let bond = |threshold| {
        let truncation = Truncation { threshold, ..Truncation::default() };
        let facts = run(&circuit, &Options { truncation, shots: 1, ..mps() }).facts;
        (facts.bond_dimension.unwrap(), facts.discarded_weight.unwrap())
    };
    let [exact, fine, coarse] = [0.0, 1e-12, 1e-4].map(bond);
    assert!(
        exact.0 <= 32 && fine.0 < exact.0 && coarse.0 < fine.0,
        "{exact:?} {fine:?} {coarse:?}"
    );
    assert!(exact.1 < 1e-25 && fine.1 < coarse.1, "{exact:?} {fine:?} {coarse:?}");
}
