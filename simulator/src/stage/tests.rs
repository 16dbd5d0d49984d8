//! Runs of unitaries in stages against the same unitaries one by one.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{ControlState, GATES, Gate, GateOp},
};
use ketch_kernels::{AlignedVec, Controls, Kernels, Real, Threads};
use num_complex::Complex;
use proptest::prelude::*;

use super::{Plan, Shape, Staged};
use crate::{Cancel, dense::Apply, dense::apply::Action};

/// A state without any symmetry that could hide a mistake.
fn generic<T: Real>(n_places: usize) -> AlignedVec<Complex<T>> {
    let raw: Vec<Complex64> = (0..1_u32 << n_places)
        .map(|i| Complex64::new((f64::from(i) * 0.7 + 0.3).sin(), (f64::from(i) * 1.3).cos()))
        .collect();
    let norm = raw.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
    let all: Vec<_> = raw
        .into_iter()
        .map(|a| Complex::new(T::narrow(a.re / norm), T::narrow(a.im / norm)))
        .collect();
    AlignedVec::try_from_slice(&all).unwrap()
}

fn plainly(run: &[Apply<f64>], n_places: usize) -> AlignedVec<Complex64> {
    let mut state = generic(n_places);
    for apply in run {
        apply.run(Kernels::detect(), &Threads::serial(), &mut state);
    }
    state
}

/// How far the stages are from the unitaries one by one.
fn off<T: Real>(run: &[Apply<f64>], shape: Shape, expected: &[Complex64]) -> f64 {
    let staged = Staged::<T>::with_shape(run, shape, &Cancel::new());
    let mut state = generic(shape.n_places);
    let threads = Threads::new(2).unwrap();
    staged.run(Kernels::detect(), &threads, &mut state, &mut None).unwrap();
    let wide = |a: &Complex<T>| Complex64::new(a.re.widen(), a.im.widen());
    state.iter().zip(expected).map(|(a, b)| (wide(a) - b).norm()).fold(0.0, f64::max)
}

fn check(run: &[Apply<f64>], shape: Shape) -> Result<(), TestCaseError> {
    let expected = plainly(run, shape.n_places);
    let double = off::<f64>(run, shape, &expected);
    prop_assert!(double < 1e-10, "off by {double:e} with {shape:?}");
    let single = off::<f32>(run, shape, &expected);
    prop_assert!(single < 1e-4, "off by {single:e} in single precision with {shape:?}");
    Ok(())
}

/// A gate of the table by number, on places by lot, with up to three controls.
fn gate(n_places: usize, (gate, order, angles): (usize, u64, [f64; 4])) -> Option<Apply<f64>> {
    let info = &GATES[gate % GATES.len()];
    let n_targets = info.n_qubits as usize;
    let mut places: Vec<usize> = (0..n_places).collect();
    places.sort_by_key(|&place| order.wrapping_mul(2 * place as u64 + 1) >> 32);
    let spare = n_places.checked_sub(n_targets)?;
    let n_controls = ((order % 7).saturating_sub(3) as usize).min(spare);
    let params = &angles[..info.n_params as usize];
    let pattern = order >> 8 & ((1 << n_controls) - 1);
    let state = ControlState::new(n_controls as u16, pattern)?;
    let op = GateOp { gate: info.gate, controls: n_controls as u16, state };
    Apply::of_gate(op, params, &places[..n_controls + n_targets])
}

fn gates() -> impl Strategy<Value = Vec<(usize, u64, [f64; 4])>> {
    let special = prop_oneof![
        Just(0.0),
        Just(std::f64::consts::PI),
        Just(-std::f64::consts::FRAC_PI_2),
        Just(std::f64::consts::FRAC_PI_4),
    ];
    let angle = prop_oneof![-7.0..7.0, special];
    let angles = prop::array::uniform4(angle);
    prop::collection::vec((any::<usize>(), any::<u64>(), angles), 0..120)
}

fn shape(n_places: usize, n_local: usize, n_low: usize) -> Shape {
    let n_local = n_local.min(n_places);
    Shape { n_places, n_local, n_low: n_low.min(n_local.saturating_sub(2)) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_gates_of_the_whole_table_agree(
        n_places in 1_usize..=10,
        n_local in 2_usize..=10,
        n_low in 0_usize..=3,
        gates in gates(),
    ) {
        let run: Vec<_> = gates.into_iter().filter_map(|lot| gate(n_places, lot)).collect();
        check(&run, shape(n_places, n_local, n_low))?;
    }

    #[test]
    fn random_gates_of_a_small_set_agree(
        n_places in 2_usize..=10,
        n_local in 2_usize..=10,
        n_low in 0_usize..=3,
        gates in prop::collection::vec((0_usize..9, 0_usize..10, 1_usize..10, -4.0..4.0), 0..200),
    ) {
        let run: Vec<_> = gates
            .into_iter()
            .filter_map(|(kind, a, step, angle)| {
                let a = a % n_places;
                let b = (a + 1 + step % (n_places - 1)) % n_places;
                match kind {
                    0 => Apply::of_gate(GateOp::new(Gate::H, 0), &[], &[a]),
                    1 => Apply::of_gate(GateOp::new(Gate::X, 0), &[], &[a]),
                    2 | 3 => Apply::of_gate(GateOp::new(Gate::X, 1), &[], &[a, b]),
                    4 => Apply::of_gate(GateOp::new(Gate::Rz, 0), &[angle], &[a]),
                    5 => Apply::of_gate(GateOp::new(Gate::Swap, 0), &[], &[a, b]),
                    6 => Apply::of_gate(GateOp::new(Gate::P, 1), &[angle], &[a, b]),
                    7 => Apply::of_gate(GateOp::new(Gate::Ry, 0), &[angle], &[a]),
                    _ => Apply::of_gate(GateOp::new(Gate::Y, 0), &[], &[a]),
                }
            })
            .collect();
        check(&run, shape(n_places, n_local, n_low))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn states_of_many_tiles_agree(
        n_places in 17_usize..=18,
        gates in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 150),
    ) {
        let run: Vec<_> = gates.into_iter().filter_map(|lot| gate(n_places, lot)).collect();
        let plan = Plan { n_places, alone: false, cancel: Cancel::new() };
        check(&run, super::shape::<f64>(&plan))?;
    }
}

#[test]
fn matrices_diagonals_and_strings_agree() {
    let u = Gate::U.matrix(&[0.4, 1.2, -0.7]);
    let three = Gate::Rccx.matrix(&[]).product(&Gate::H.matrix(&[]).controlled(2, 1));
    let phases: Vec<Complex64> = (0..8).map(|i| Complex64::cis(f64::from(i * i) * 0.3)).collect();
    let none = Controls::NONE;
    let string = Apply { action: Action::Pauli { x: 0b110, z: 0b1010 }, controls: none };
    let run = [
        Apply::of_matrix(&three, &[4, 1, 6], none).unwrap(),
        Apply::of_matrix(&u, &[3], none.and(5, false).and(0, true)).unwrap(),
        Apply::of_matrix(&Matrix::diagonal(&phases), &[6, 0, 5], none).unwrap(),
        string,
        Apply::of_matrix(&Matrix::diagonal(&phases), &[1, 2, 3], none.and(6, false)).unwrap(),
        Apply::of_matrix(&u, &[6], none).unwrap(),
        Apply::of_matrix(&u.controlled(1, 0), &[2, 5], none.and(4, true)).unwrap(),
        Apply::of_matrix(&Matrix::diagonal(&phases[3..4]), &[], none).unwrap(),
    ];
    for n_local in 2..=7 {
        check(&run, shape(7, n_local, 1)).unwrap();
    }
}

#[test]
fn a_matrix_that_is_not_quite_unitary_is_left_as_it_is() {
    let almost = Matrix::from_rows([
        [Complex64::new(1.0 + 1e-9, 0.0), Complex64::ZERO],
        [Complex64::ZERO, Complex64::new(1.0 - 1e-9, 0.0)],
    ]);
    let run = [Apply::of_matrix(&almost, &[1], Controls::NONE).unwrap()];
    let expected = plainly(&run, 3);
    assert!(off::<f64>(&run, shape(3, 2, 1), &expected) < 1e-15);
}

#[test]
fn a_run_of_nothing_does_nothing() {
    for n_places in 0..4 {
        check(&[], shape(n_places, 3, 1)).unwrap();
    }
}

#[test]
fn stages_stop_when_they_are_cancelled() {
    let cancel = Cancel::new();
    let run = [Apply::of_matrix(&Gate::H.matrix(&[]), &[1], Controls::NONE).unwrap()];
    let staged = Staged::<f64>::with_shape(&run, shape(3, 2, 1), &cancel);
    cancel.cancel();
    let mut state = generic(3);
    let ran = staged.run(Kernels::detect(), &Threads::serial(), &mut state, &mut None);
    assert!(matches!(ran, Err(crate::Error::Cancelled)));
}
