//! Shots of stabilizer states come out the same together and alone.

use ketch_interface::Circuit;
use proptest::prelude::*;

use super::{lower::StabilizerLower, register::Stabilizers, tableau::Tableau};
use crate::{
    program::{Layout, lower},
    tests::{
        branched::{
            assert_same_together_and_alone, cat, dynamic_clifford, noisy_clifford, one_or_two,
        },
        dynamic::random,
    },
};

fn assert_same(circuit: &Circuit) {
    let layout = Layout::active(circuit);
    let n = layout.n_places();
    let program = lower(circuit, layout, true, StabilizerLower::default()).unwrap();
    let threads = one_or_two();
    assert_same_together_and_alone(&program, &threads, |_| Stabilizers {
        tableau: Tableau::zero(n).unwrap(),
        max_memory: None,
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn shots_come_out_the_same_together_and_alone(
        steps in prop::collection::vec((0..8_u32, 0..3_u32, 0..3_u32, 0.0..1.0), 1..20),
        noise in any::<bool>(),
        wide in any::<bool>(),
    ) {
        let (start, on) =
            if wide { (cat(150), [3, 70, 140]) } else { (Circuit::new(3, 3), [0, 1, 2]) };
        let circuit = dynamic_clifford(start, on, &steps);
        assert_same(&if noise { noisy_clifford(&circuit) } else { circuit });
    }

    #[test]
    fn shots_of_programs_come_out_the_same_together_and_alone(
        numbers in prop::collection::vec(any::<u32>(), 4..24),
    ) {
        assert_same(&random(&numbers, true));
    }
}
