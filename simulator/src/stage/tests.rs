//! Runs of unitaries in stages against the same unitaries one by one.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{ControlState, GATES, Gate, GateOp},
};
use ketch_kernels::{AlignedVec, Controls, Kernels, Real, Threads};
use num_complex::Complex;
use proptest::prelude::*;

use super::{Plan, Shape, Staged, compile::Pass};
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

fn zero<T: Real>(n_places: usize) -> AlignedVec<Complex<T>> {
    let mut state = AlignedVec::try_zeroed(1 << n_places).unwrap();
    state[0] = Complex::from(T::one());
    state
}

fn plainly(run: &[Apply<f64>], mut state: AlignedVec<Complex64>) -> AlignedVec<Complex64> {
    for apply in run {
        apply.run(Kernels::detect(), &Threads::serial(), &mut state);
    }
    state
}

/// How far the stages are from the unitaries one by one, on a generic state or on |0…0>.
fn off<T: Real>(run: &[Apply<f64>], shape: Shape, from_zero: bool, expected: &[Complex64]) -> f64 {
    let staged = Staged::<T>::with_shape(run, shape, from_zero, &Cancel::new());
    let mut state = if from_zero { zero(shape.n_places) } else { generic(shape.n_places) };
    let threads = Threads::new(2).unwrap();
    staged.run(Kernels::detect(), &threads, &mut state, &mut None).unwrap();
    let wide = |a: &Complex<T>| Complex64::new(a.re.widen(), a.im.widen());
    state.iter().zip(expected).map(|(a, b)| (wide(a) - b).norm()).fold(0.0, f64::max)
}

fn check(run: &[Apply<f64>], shape: Shape) -> Result<(), TestCaseError> {
    for from_zero in [false, true] {
        let state = if from_zero { zero(shape.n_places) } else { generic(shape.n_places) };
        let expected = plainly(run, state);
        let double = off::<f64>(run, shape, from_zero, &expected);
        prop_assert!(double < 1e-10, "off by {double:e} with {shape:?}, {from_zero}");
        let single = off::<f32>(run, shape, from_zero, &expected);
        prop_assert!(single < 1e-4, "off by {single:e} in single precision with {shape:?}");
    }
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
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every strength, and those where a rotation is turned into its complement and an exchange by
    /// name; on pairs that share places, among X and SWAP that are names too.
    #[test]
    fn interactions_between_local_unitaries_agree(
        n_places in 2_usize..=10,
        n_local in 2_usize..=10,
        gates in prop::collection::vec(
            (0_usize..8, any::<u64>(), prop::array::uniform3(0_usize..12), -4.0..4.0), 0..40),
    ) {
        let gate = |name, params: &[f64], places: &[usize]| {
            Apply::of_gate(GateOp::new(name, 0), params, places)
        };
        let strengths = [0.0, 0.1, 0.7, 1.2, 1.5, 2.0, -0.4, -0.9, -1.3, -2.2];
        let eighth = std::f64::consts::FRAC_PI_4;
        let strength = |lot: usize, angle: f64| match lot {
            10 => eighth * angle.round(),
            11 => angle,
            lot => 2.0 * strengths[lot],
        };
        let run = gates.into_iter().flat_map(|(kind, lot, lots, angle)| {
            let a = lot as usize % n_places;
            let b = (a + 1 + (lot >> 32) as usize % (n_places - 1)) % n_places;
            let [x, y, z] = lots.map(|lot| strength(lot, angle));
            match kind {
                0 => vec![gate(Gate::X, &[], &[a])],
                1 => vec![gate(Gate::Swap, &[], &[a, b])],
                _ => vec![
                    gate(Gate::U, &[x - angle, y, 0.3], &[a]),
                    gate(Gate::U, &[angle, 0.3, z], &[b]),
                    gate(Gate::Rxx, &[x], &[a, b]),
                    gate(Gate::Ryy, &[y], &[a, b]),
                    gate(Gate::Rzz, &[z], &[a, b]),
                ],
            }
        });
        let run: Vec<_> = run.flatten().collect();
        check(&run, shape(n_places, n_local, 1))?;
    }
}

/// Fourier transforms and their inverse, with exchanges before, between and after them.
#[test]
fn fourier_transforms_agree() {
    let h = |place| Apply::of_gate(GateOp::new(Gate::H, 0), &[], &[place]);
    let phase = |a, b, angle| Apply::of_gate(GateOp::new(Gate::P, 1), &[angle], &[a, b]);
    let swap = |a, b| Apply::of_gate(GateOp::new(Gate::Swap, 0), &[], &[a, b]);
    for n in 2..=11 {
        let turned = (0..n).map(|place| {
            let angle = 0.3 + 0.2 * place as f64;
            Apply::of_gate(GateOp::new(Gate::Ry, 0), &[angle], &[place])
        });
        let rows = (0..n).rev().flat_map(|row| {
            let angle =
                move |below: usize| std::f64::consts::PI / f64::from(1_u32 << (row - below));
            let phases = (0..row).map(move |below| phase(row, below, angle(below)));
            std::iter::once(h(row)).chain(phases)
        });
        let transform: Vec<Apply<f64>> =
            turned.chain(rows).chain((0..n / 2).map(|a| swap(a, n - 1 - a))).flatten().collect();
        let run: Vec<Apply<f64>> = transform
            .iter()
            .chain(&swap(0, n - 1))
            .chain(transform.iter().rev())
            .chain(&transform)
            .cloned()
            .collect();
        for n_local in 2..=n {
            check(&transform, shape(n, n_local, n_local / 3)).unwrap();
            check(&run, shape(n, n_local, n_local / 3)).unwrap();
        }
    }
}

#[test]
fn only_the_first_tile_has_anything_to_do_at_first() {
    let h = |place| Apply::of_gate(GateOp::new(Gate::H, 0), &[], &[place]).unwrap();
    let run: Vec<_> = (0..8).map(h).collect();
    let tiles = |from_zero| -> Vec<usize> {
        let staged = Staged::<f64>::with_shape(&run, shape(8, 4, 0), from_zero, &Cancel::new());
        let n_tiles = |pass: &Pass<f64>| match pass {
            Pass::Tiles { tiles, .. } => tiles.n_tiles(),
            Pass::Whole(apply) => panic!("{apply:?} moves one place"),
        };
        staged.passes.iter().map(n_tiles).collect()
    };
    assert_eq!(tiles(false), [16, 16]);
    assert_eq!(tiles(true), [1, 16]);
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
    let expected = plainly(&run, generic(3));
    assert!(off::<f64>(&run, shape(3, 2, 1), false, &expected) < 1e-15);
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
    let staged = Staged::<f64>::with_shape(&run, shape(3, 2, 1), false, &cancel);
    cancel.cancel();
    let mut state = generic(3);
    let ran = staged.run(Kernels::detect(), &Threads::serial(), &mut state, &mut None);
    assert!(matches!(ran, Err(crate::Error::Cancelled)));
}
