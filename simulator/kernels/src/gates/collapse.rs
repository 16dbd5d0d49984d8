//! The projection on an outcome of a measurement.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, plan, sweep};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Task};
use crate::threads::Threads;

#[derive(Debug)]
pub struct Collapse<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) outcome: Controls,
    pub(crate) scale: T,
}

impl<T: Real> Task<T> for Collapse<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, outcome, scale } = self;
        let (walk, _) = plan::<T, S>(state.len(), 0, Controls::NONE);
        let lanes = S::LANES - 1;
        let (mask, value) = (outcome.mask(), outcome.value());
        let weights = Coefficient::by_lane(simd, |lane| {
            let kept = lane & mask & lanes == value & lanes;
            Complex::new(if kept { scale } else { T::zero() }, T::zero())
        });
        let pass = Project {
            state: Shared::new(state),
            walk,
            outcome: Controls::new(mask & !lanes, value & !lanes),
            weights: weights.re,
        };
        sweep(simd, threads, &walk, S::LANES, &pass);
    }
}

struct Project<'a, T, V> {
    state: Shared<'a, T>,
    walk: Walk,
    /// The part of the outcome that tells vectors apart.
    outcome: Controls,
    /// The scale or 0, by lane.
    weights: V,
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Project<'_, T, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let zero = simd.splat(T::zero());
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes every base a vector of the state that no other group has.
            let place = unsafe { self.state.at(base) };
            let new = if self.outcome.admits(base) {
                // SAFETY: `place` is valid for LANES amplitudes.
                simd.mul(self.weights, unsafe { simd.load(place) })
            } else {
                zero
            };
            // SAFETY: `place` is valid for LANES amplitudes.
            unsafe { simd.store(place, new) };
        }
    }
}
