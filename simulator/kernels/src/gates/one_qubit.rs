//! A 2×2 matrix on one qubit.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, plan, sweep, unit};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Sum, Task};
use crate::threads::Threads;

#[derive(Debug)]
pub struct OneQubit<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) qubit: usize,
    pub(crate) matrix: &'a [[Complex<T>; 2]; 2],
    pub(crate) controls: Controls,
}

impl<T: Real> Task<T> for OneQubit<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, qubit, matrix, controls } = self;
        let target = 1 << qubit;
        let (walk, controls) = plan::<T, S>(state.len(), target, controls);
        let state = Shared::new(state);
        if target >= S::LANES {
            let coefficient = |row: usize, column: usize| {
                Coefficient::by_lane(simd, |lane| match controls.admits(lane) {
                    true => matrix[row][column],
                    false => unit(row == column),
                })
            };
            let matrix = [0, 1].map(|row| [coefficient(row, 0), coefficient(row, 1)]);
            let pass = Across { state, walk, target, matrix };
            sweep(simd, threads, &walk, 2 * S::LANES, &pass);
        } else {
            let coefficient = |flip: usize| {
                Coefficient::by_lane(simd, |lane| match controls.admits(lane) {
                    true => matrix[lane >> qubit & 1][(lane >> qubit & 1) ^ flip],
                    false => unit(flip == 0),
                })
            };
            let (kept, flipped) = (coefficient(0), coefficient(1));
            let pass = Within { state, walk, shuffle: simd.shuffle(target), kept, flipped };
            sweep(simd, threads, &walk, S::LANES, &pass);
        }
    }
}

/// The target tells vectors apart: two vectors make a group.
struct Across<'a, T, V> {
    state: Shared<'a, T>,
    walk: Walk,
    target: usize,
    matrix: [[Coefficient<V>; 2]; 2],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Across<'_, T, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let [[m00, m01], [m10, m11]] = self.matrix;
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes every base a vector of the state that no other group has.
            let low = unsafe { self.state.at(base) };
            // SAFETY: the same with the bit of the target, which is 0 in a base.
            let high = unsafe { self.state.at(base | self.target) };
            // SAFETY: `low` is valid for LANES amplitudes.
            let a = unsafe { simd.load(low) };
            // SAFETY: `high` is valid for LANES amplitudes.
            let b = unsafe { simd.load(high) };
            let new_a = Sum::product(simd, m00, a).and(simd, m01, b).total(simd);
            let new_b = Sum::product(simd, m10, a).and(simd, m11, b).total(simd);
            // SAFETY: `low` is valid for LANES amplitudes.
            unsafe { simd.store(low, new_a) };
            // SAFETY: `high` is valid for LANES amplitudes.
            unsafe { simd.store(high, new_b) };
        }
    }
}

/// The target tells lanes apart: each vector is a group of its own.
struct Within<'a, T, V, F> {
    state: Shared<'a, T>,
    walk: Walk,
    /// Exchanges the lanes that differ in the target.
    shuffle: F,
    kept: Coefficient<V>,
    flipped: Coefficient<V>,
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Within<'_, T, S::Vector, S::Shuffle> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let Self { shuffle, kept, flipped, .. } = *self;
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes every base a vector of the state that no other group has.
            let place = unsafe { self.state.at(base) };
            // SAFETY: `place` is valid for LANES amplitudes.
            let a = unsafe { simd.load(place) };
            let b = simd.permute(a, shuffle);
            let new = Sum::product(simd, kept, a).and(simd, flipped, b).total(simd);
            // SAFETY: `place` is valid for LANES amplitudes.
            unsafe { simd.store(place, new) };
        }
    }
}
