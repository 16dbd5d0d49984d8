//! A unitary on two qubits in real rotations and phases: two thirds of the arithmetic of its matrix.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::{Complex, Complex64};

use super::dense::Dense;
use super::{Shared, plan, sweep};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Task};
use crate::threads::Threads;

/// In this order: a rotation on each qubit, phases, rotations between 00 and 11 and between 10 and
/// 01, phases. Up to phases and what acts on one qubit before it, that is any unitary on two qubits.
///
/// Rotations are given by their tangents t, as [[1, -t], [t, 1]]; what is missing to a rotation
/// stands in `scales`. The value of the first qubit is the low bit of a basis state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interaction {
    /// The rotation on each qubit.
    pub turns: [f64; 2],
    /// The phases of 11 and of 10 (the first qubit 0) in between, in radians.
    pub phases: [f64; 2],
    /// The rotations of the pairs (00, 11) and (10, 01).
    pub mixes: [f64; 2],
    /// The factors for both pairs.
    pub scales: [f64; 2],
    /// The phases of 01 (the first qubit 1), 10 and 11 at the end.
    pub after: [f64; 3],
}

/// The pairs that the last rotations mix.
const PAIRS: [[usize; 2]; 2] = [[0, 3], [2, 1]];

impl Interaction {
    /// The factor of each basis state at the end.
    fn factors(&self) -> [Complex64; 4] {
        let [a, b, c] = self.after.map(Complex64::cis);
        let [even, odd] = self.scales;
        [Complex64::from(even), a * odd, b * odd, c * even]
    }

    /// The same as a matrix, row by row.
    #[must_use]
    pub fn matrix(&self) -> [[Complex64; 4]; 4] {
        let mut rows = [[Complex64::ZERO; 4]; 4];
        (0..4).for_each(|row| rows[row][row] = Complex64::ONE);
        let turn = |rows: &mut [[Complex64; 4]; 4], pair: [usize; 2], tangent: f64| {
            let [first, second] = rows.get_disjoint_mut(pair).expect("two different rows");
            for (x, y) in first.iter_mut().zip(second) {
                (*x, *y) = (*x - *y * tangent, *y + *x * tangent);
            }
        };
        let [low, high] = self.turns;
        turn(&mut rows, [0, 1], low);
        turn(&mut rows, [2, 3], low);
        turn(&mut rows, [0, 2], high);
        turn(&mut rows, [1, 3], high);
        for (row, phase) in [3, 2].into_iter().zip(self.phases) {
            rows[row] = rows[row].map(|entry| entry * Complex64::cis(phase));
        }
        for (pair, tangent) in PAIRS.into_iter().zip(self.mixes) {
            turn(&mut rows, pair, tangent);
        }
        let factors = self.factors();
        std::array::from_fn(|row| rows[row].map(|entry| entry * factors[row]))
    }
}

#[derive(Debug)]
pub struct Interact<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) qubits: [usize; 2],
    pub(crate) interaction: &'a Interaction,
}

impl<T: Real> Task<T> for Interact<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, qubits, interaction } = self;
        if qubits.iter().any(|qubit| 1 << qubit < S::LANES) {
            // Within a vector, each rotation takes shuffles of its own.
            let narrow = |c: Complex64| Complex::new(T::narrow(c.re), T::narrow(c.im));
            let matrix = interaction.matrix().map(|row| row.map(narrow));
            let (qubits, matrix) = (&qubits[..], matrix.as_flattened());
            let controls = Controls::NONE;
            return Dense { threads, state, qubits, matrix, controls }.run(simd);
        }
        let [low, high] = qubits.map(|qubit| 1 << qubit);
        let (walk, _) = plan::<T, S>(state.len(), low | high, Controls::NONE);
        let real = |number: f64| simd.splat(T::narrow(number));
        let both = |number: f64| [real(-number), real(number)];
        let complex = |c: Complex64| Coefficient { re: real(c.re), im: real(c.im) };
        let [scale, after @ ..] = interaction.factors();
        let pass = Rotate {
            state: Shared::new(state),
            walk,
            offsets: [0, low, high, low | high],
            turns: interaction.turns.map(both),
            phases: interaction.phases.map(|phase| complex(Complex64::cis(phase))),
            mixes: interaction.mixes.map(both),
            scale: real(scale.re),
            after: after.map(complex),
        };
        sweep(simd, threads, &walk, 6 * S::LANES, &pass);
    }
}

struct Rotate<'a, T, V> {
    state: Shared<'a, T>,
    walk: Walk,
    /// What each basis state adds to the index.
    offsets: [usize; 4],
    /// Each tangent: its negative, itself.
    turns: [[V; 2]; 2],
    phases: [Coefficient<V>; 2],
    mixes: [[V; 2]; 2],
    scale: V,
    after: [Coefficient<V>; 3],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Rotate<'_, T, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let Self { turns, phases, mixes, scale, after, .. } = *self;
        let turn = |x: &mut S::Vector, y: &mut S::Vector, [minus, plus]: [S::Vector; 2]| {
            (*x, *y) = (simd.mul_add(minus, *y, *x), simd.mul_add(plus, *x, *y));
        };
        let times =
            |factor: Coefficient<S::Vector>, vector| simd.complex_mul(factor.re, factor.im, vector);
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes a base with 0 in the bits of both qubits, of which the offsets
            // are made: a vector of the state that no other group has.
            let places = self.offsets.map(|offset| unsafe { self.state.at(base | offset) });
            // SAFETY: each place is valid for LANES amplitudes.
            let [mut a, mut b, mut c, mut d] = places.map(|place| unsafe { simd.load(place) });
            turn(&mut a, &mut b, turns[0]);
            turn(&mut c, &mut d, turns[0]);
            turn(&mut a, &mut c, turns[1]);
            turn(&mut b, &mut d, turns[1]);
            d = times(phases[0], d);
            c = times(phases[1], c);
            turn(&mut a, &mut d, mixes[0]);
            turn(&mut c, &mut b, mixes[1]);
            let done =
                [simd.mul(scale, a), times(after[0], b), times(after[1], c), times(after[2], d)];
            for (place, vector) in places.into_iter().zip(done) {
                // SAFETY: as for the load of the same place.
                unsafe { simd.store(place, vector) };
            }
        }
    }
}
