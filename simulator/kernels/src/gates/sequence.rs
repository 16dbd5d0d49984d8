//! Matrices on one qubit each, one after the other: for states that fit the first cache, where to
//! begin a pass takes longer than the pass.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, unit};
use crate::controls::Controls;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Sum, Task};

/// A 2×2 matrix on a qubit, where the controls are met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneQubitGate<T> {
    /// The qubit.
    pub qubit: usize,
    /// The matrix, row by row.
    pub matrix: [[Complex<T>; 2]; 2],
    /// Where it acts.
    pub controls: Controls,
}

#[derive(Debug)]
pub struct Sequence<'a, T> {
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) gates: &'a [OneQubitGate<T>],
}

impl<T: Real> Task<T> for Sequence<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { state, gates } = self;
        let last = state.len() - 1;
        simd.vectorize(&Each { state: Shared::new(state), last, gates }, 0..gates.len());
    }
}

/// The passes of all gates; the groups are the gates.
struct Each<'a, T> {
    state: Shared<'a, T>,
    /// The index of the last amplitude: all bits of an index.
    last: usize,
    gates: &'a [OneQubitGate<T>],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Each<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        for gate in &self.gates[range] {
            match 1 << gate.qubit >= S::LANES {
                true => self.across(simd, gate),
                false => self.within(simd, gate),
            }
        }
    }
}

impl<T: Real> Each<'_, T> {
    /// The target tells vectors apart: two vectors make a group.
    #[inline(always)]
    fn across<S: Simd<T>>(&self, simd: S, gate: &OneQubitGate<T>) {
        let (target, controls) = (1 << gate.qubit, within::<T, S>(gate.controls));
        let coefficient = |row: usize, column: usize| {
            let entry = gate.matrix[row][column];
            match controls == Controls::NONE {
                true => Coefficient { re: simd.splat(entry.re), im: simd.splat(entry.im) },
                false => Coefficient::by_lane(simd, |lane| match controls.admits(lane) {
                    true => entry,
                    false => unit(row == column),
                }),
            }
        };
        let [m00, m01] = [coefficient(0, 0), coefficient(0, 1)];
        let [m10, m11] = [coefficient(1, 0), coefficient(1, 1)];
        self.each_base::<S>(target, gate.controls, |base| {
            // SAFETY: `base` is the index of an amplitude: its bits are bits of `last`.
            let low = unsafe { self.state.at(base) };
            // SAFETY: the same with the bit of the target, which was checked to be one of `last`.
            let high = unsafe { self.state.at(base | target) };
            // SAFETY: indices with 0 in the bits of the lanes are followed by LANES - 1 others, so
            // `low` is valid for LANES amplitudes.
            let a = unsafe { simd.load(low) };
            // SAFETY: as above, for `high`.
            let b = unsafe { simd.load(high) };
            let new_a = Sum::product(simd, m00, a).and(simd, m01, b).total(simd);
            let new_b = Sum::product(simd, m10, a).and(simd, m11, b).total(simd);
            // SAFETY: `low` is valid for LANES amplitudes.
            unsafe { simd.store(low, new_a) };
            // SAFETY: `high` is valid for LANES amplitudes.
            unsafe { simd.store(high, new_b) };
        });
    }

    /// The target tells lanes apart: each vector is a group of its own.
    #[inline(always)]
    fn within<S: Simd<T>>(&self, simd: S, gate: &OneQubitGate<T>) {
        let (target, controls) = (1 << gate.qubit, within::<T, S>(gate.controls));
        let coefficient = |flip: usize| {
            Coefficient::by_lane(simd, |lane| match controls.admits(lane) {
                true => gate.matrix[lane >> gate.qubit & 1][(lane >> gate.qubit & 1) ^ flip],
                false => unit(flip == 0),
            })
        };
        let (kept, flipped) = (coefficient(0), coefficient(1));
        let shuffle = simd.shuffle(target);
        self.each_base::<S>(0, gate.controls, |base| {
            // SAFETY: `base` is the index of an amplitude: its bits are bits of `last`.
            let place = unsafe { self.state.at(base) };
            // SAFETY: `base` has 0 in the bits of the lanes, so LANES amplitudes begin there.
            let a = unsafe { simd.load(place) };
            let b = simd.permute(a, shuffle);
            let new = Sum::product(simd, kept, a).and(simd, flipped, b).total(simd);
            // SAFETY: `place` is valid for LANES amplitudes.
            unsafe { simd.store(place, new) };
        });
    }

    /// The first amplitudes of the vectors that meet the controls, without those that have `target`:
    /// their bits are bits of `last`, and 0 in the lanes and in `target`.
    #[inline(always)]
    fn each_base<S: Simd<T>>(&self, target: usize, controls: Controls, mut on: impl FnMut(usize)) {
        let lanes = S::LANES - 1;
        let free = self.last & !(lanes | target | controls.mask());
        let set = controls.value() & !lanes;
        // Through all subsets of the free bits, ascending.
        let mut bits = 0;
        loop {
            on(bits | set);
            if bits == free {
                break;
            }
            bits = bits.wrapping_sub(free) & free;
        }
    }
}

/// The controls that tell lanes apart.
#[inline(always)]
fn within<T: Real, S: Simd<T>>(controls: Controls) -> Controls {
    let lanes = S::LANES - 1;
    Controls::new(controls.mask() & lanes, controls.value() & lanes)
}
