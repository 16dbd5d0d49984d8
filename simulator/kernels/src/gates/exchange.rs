//! X and SWAP: pairs of amplitudes that change places.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::dense::Dense;
use super::pauli::Pauli;
use super::{Shared, plan, sweep, unit};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Pass, Simd, Task};
use crate::threads::Threads;

/// Exchanges the amplitudes that differ by these two offsets: 0 and a qubit for X, two
/// qubits for SWAP.
#[derive(Debug)]
pub struct Exchange<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) pair: [usize; 2],
    pub(crate) controls: Controls,
}

impl<T: Real> Task<T> for Exchange<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, pair, controls } = self;
        let targets = pair[0] | pair[1];
        if (targets | controls.mask()) & (S::LANES - 1) == 0 {
            let (walk, _) = plan::<T, S>(state.len(), targets, controls);
            let pass = Vectors { state: Shared::new(state), walk, pair };
            return sweep(simd, threads, &walk, 2 * S::LANES, &pass);
        }
        // Within a vector a permutation costs no less than the products it spares.
        match pair {
            [0, x_mask] => Pauli { threads, state, x_mask, z_mask: 0, controls }.run(simd),
            _ => {
                let qubits = &pair.map(|target| target.trailing_zeros() as usize);
                let matrix =
                    &std::array::from_fn::<_, 16, _>(|at| unit([0, 6, 9, 15].contains(&at)));
                Dense { threads, state, qubits, matrix, controls }.run(simd);
            }
        }
    }
}

/// Neither a target nor a control tells lanes apart: whole vectors change places.
struct Vectors<'a, T> {
    state: Shared<'a, T>,
    walk: Walk,
    pair: [usize; 2],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Vectors<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let [first, second] = self.pair;
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes a base with bits of the targets a vector of the state
            // that no other group has.
            let one = unsafe { self.state.at(base | first) };
            // SAFETY: as above.
            let other = unsafe { self.state.at(base | second) };
            // SAFETY: `one` is valid for LANES amplitudes.
            let a = unsafe { simd.load(one) };
            // SAFETY: `other` is valid for LANES amplitudes.
            let b = unsafe { simd.load(other) };
            // SAFETY: `one` is valid for LANES amplitudes.
            unsafe { simd.store(one, b) };
            // SAFETY: `other` is valid for LANES amplitudes.
            unsafe { simd.store(other, a) };
        }
    }
}
