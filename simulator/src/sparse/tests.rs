//! Shots of sparse states come out the same together and alone.

use ketch_interface::Circuit;
use proptest::prelude::*;

use super::{
    lower::SparseLower,
    state::{Limit, State},
};
use crate::{
    Cancel,
    program::{Layout, lower},
    tests::{
        branched::{assert_same_together_and_alone, cat, dynamic, noisy, one_or_two},
        dynamic::random,
    },
};

fn assert_same(circuit: &Circuit) {
    let layout = Layout::active(circuit);
    let n = layout.n_places();
    let program = lower(circuit, layout, true, SparseLower::new(n, true)).unwrap();
    let limit = Limit::new(n, 1 << 30, 1 << 20, &Cancel::new());
    let threads = one_or_two();
    assert_same_together_and_alone(&program, &threads, |_| State::zero(n, limit.clone()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn shots_come_out_the_same_together_and_alone(
        steps in prop::collection::vec((0..8_u32, 0..3_u32, 0..3_u32, -3.0..3.0), 1..20),
        noise in any::<bool>(),
        wide in any::<bool>(),
    ) {
        let (start, on) =
            if wide { (cat(150), [3, 70, 140]) } else { (Circuit::new(3, 3), [0, 1, 2]) };
        let circuit = dynamic(start, on, &steps);
        assert_same(&if noise && !wide { noisy(&circuit) } else { circuit });
    }

    #[test]
    fn shots_of_programs_come_out_the_same_together_and_alone(
        numbers in prop::collection::vec(any::<u32>(), 4..24),
    ) {
        assert_same(&random(&numbers, false));
    }
}
