//! Diagonal gates, phases among them: every amplitude stays in its place.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, plan, sweep};
use crate::controls::Controls;
use crate::index::{BitMap, Walk};
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Task};
use crate::threads::Threads;

/// The most qubits whose diagonal is spread into vectors beforehand.
const SPREAD_UP_TO: usize = 6;

/// The consecutive amplitudes of a step of the pass for many qubits: one byte of index.
const STEP: usize = 256;

#[derive(Debug)]
pub struct Diagonal<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) qubits: &'a [usize],
    pub(crate) diagonal: &'a [Complex<T>],
    pub(crate) controls: Controls,
}

impl<T: Real> Task<T> for Diagonal<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        if self.qubits.len() > SPREAD_UP_TO {
            return self.look_up(simd);
        }
        if let ([qubit], [first, _]) = (self.qubits, self.diagonal)
            && *first == Complex::new(T::one(), T::zero())
        {
            // A phase gate is a controlled phase, and touches half the amplitudes.
            let controls = self.controls.and(*qubit, true);
            let (qubits, diagonal) = (&[][..], &self.diagonal[1..]);
            return Diagonal { qubits, diagonal, controls, ..self }.run(simd);
        }
        let across = self.qubits.iter().filter(|&&qubit| 1 << qubit >= S::LANES).count();
        match across {
            0 => self.spread::<S, 1>(simd),
            1 => self.spread::<S, 2>(simd),
            2 => self.spread::<S, 4>(simd),
            3 => self.spread::<S, 8>(simd),
            4 => self.spread::<S, 16>(simd),
            5 => self.spread::<S, 32>(simd),
            _ => self.spread::<S, 64>(simd),
        }
    }
}

impl<T: Real> Diagonal<'_, T> {
    /// Multiplies groups of `ROWS` vectors, one for each value of the qubits that tell
    /// vectors apart.
    fn spread<S: Simd<T>, const ROWS: usize>(self, simd: S) {
        let Self { threads, state, qubits, diagonal, controls } = self;
        let is_across = |qubit: usize| 1 << qubit >= S::LANES;
        // What a row, and what a lane, adds to the index of an amplitude or of the
        // diagonal.
        let mut offsets = [0; ROWS];
        let mut elements = [0; ROWS];
        for row in 0..ROWS {
            let across = qubits.iter().enumerate().filter(|(_, qubit)| is_across(**qubit));
            for (bit, (position, qubit)) in across.enumerate() {
                offsets[row] |= (row >> bit & 1) << qubit;
                elements[row] |= (row >> bit & 1) << position;
            }
        }
        let within = |lane: usize| {
            let within = qubits.iter().enumerate().filter(|(_, qubit)| !is_across(**qubit));
            within.fold(0, |element, (position, qubit)| element | (lane >> qubit & 1) << position)
        };

        let (walk, controls) = plan::<T, S>(state.len(), offsets[ROWS - 1], controls);
        let coefficients = elements.map(|element| {
            Coefficient::by_lane(simd, |lane| match controls.admits(lane) {
                true => diagonal[element | within(lane)],
                false => Complex::new(T::one(), T::zero()),
            })
        });
        let pass = Spread { state: Shared::new(state), walk, offsets, coefficients };
        sweep(simd, threads, &walk, ROWS * S::LANES, &pass);
    }

    /// Looks up the element for each amplitude.
    fn look_up<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, qubits, diagonal, controls } = self;
        // More than six qubits make a state of at least half a step.
        let step = STEP.min(state.len());
        let walk = Walk::new(state.len(), step - 1, 0);
        let elements = BitMap::gather(qubits);
        let pass = LookUp { state: Shared::new(state), walk, step, elements, diagonal, controls };
        sweep(simd, threads, &walk, step, &pass);
    }
}

struct Spread<'a, T, V, const ROWS: usize> {
    state: Shared<'a, T>,
    walk: Walk,
    offsets: [usize; ROWS],
    coefficients: [Coefficient<V>; ROWS],
}

impl<T: Real, S: Simd<T>, const ROWS: usize> Pass<T, S> for Spread<'_, T, S::Vector, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        for base in self.walk.bases(range) {
            for row in 0..ROWS {
                // SAFETY: `plan` makes a base with bits of the targets, and the offsets
                // are made of these, a vector of the state that no other group has.
                let place = unsafe { self.state.at(base | self.offsets[row]) };
                // SAFETY: `place` is valid for LANES amplitudes.
                let vector = unsafe { simd.load(place) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, self.coefficients[row].times(simd, vector)) };
            }
        }
    }
}

struct LookUp<'a, T> {
    state: Shared<'a, T>,
    walk: Walk,
    step: usize,
    elements: BitMap,
    diagonal: &'a [Complex<T>],
    controls: Controls,
}

impl<T: Real, S: Simd<T>> Pass<T, S> for LookUp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(&self, _simd: S, range: Range<usize>) {
        let lowest = self.elements.lowest();
        for base in self.walk.bases(range) {
            // SAFETY: a base is the first of `step` amplitudes of the state that no other
            // group has.
            let amplitudes =
                unsafe { std::slice::from_raw_parts_mut(self.state.at(base), self.step) };
            let element = self.elements.of(base);
            for (low, amplitude) in amplitudes.iter_mut().enumerate() {
                if self.controls.admits(base | low) {
                    *amplitude *= self.diagonal[element | lowest[low]];
                }
            }
        }
    }
}
