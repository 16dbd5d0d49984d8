//! Shots of a chain come out the same together and alone, also where much is truncated.

use ketch_interface::Circuit;
use proptest::prelude::*;

use super::{Truncation, chain::Chain, lower::MpsLower, register::State};
use crate::{
    Cancel,
    program::{Layout, lower},
    tests::{
        branched::{assert_same_together_and_alone, cat, dynamic, noisy, one_or_two},
        dynamic::random,
    },
};

fn assert_same(circuit: &Circuit, truncation: Truncation) {
    let layout = Layout::active(circuit);
    let n = layout.n_places();
    let program = lower(circuit, layout, true, MpsLower::new(n, true)).unwrap();
    let threads = one_or_two();
    let start = |threads| {
        let chain = Chain::new(n, truncation, u64::MAX, Cancel::new());
        State::new(chain, threads)
    };
    assert_same_together_and_alone(&program, &threads, start);
}

/// Bonds of two: gates that are merged otherwise are truncated otherwise.
fn coarse() -> Truncation {
    Truncation { max_bond_dimension: Some(2), ..Truncation::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn shots_come_out_the_same_together_and_alone(
        steps in prop::collection::vec((0..8_u32, 0..3_u32, 0..3_u32, -3.0..3.0), 1..20),
        noise in any::<bool>(),
        truncated in any::<bool>(),
    ) {
        let circuit = dynamic(Circuit::new(3, 3), [0, 1, 2], &steps);
        let circuit = if noise { noisy(&circuit) } else { circuit };
        assert_same(&circuit, if truncated { coarse() } else { Truncation::default() });
    }

    #[test]
    fn shots_of_programs_come_out_the_same_together_and_alone(
        numbers in prop::collection::vec(any::<u32>(), 4..24),
    ) {
        assert_same(&random(&numbers, false), Truncation::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn shots_of_many_qubits_come_out_the_same_together_and_alone(
        steps in prop::collection::vec((0..8_u32, 0..3_u32, 0..3_u32, -3.0..3.0), 6..12),
    ) {
        assert_same(&dynamic(cat(70), [3, 35, 67], &steps), Truncation::default());
    }
}
