//! The amplitudes and what is done to them: a thin layer over the kernels.

use std::any::Any;

use ketch_interface::{Array, Complex64};
use ketch_kernels::{AlignedVec, Kernels, Real, Scratch, Threads};
use num_complex::Complex;

use super::{Apply, apply::mask};
use crate::{Cancel, Error, stage::Staged};

/// `2^n` amplitudes; index bit `p` is place `p`.
#[derive(Debug)]
pub(crate) struct State<'t, T: Real> {
    pub(super) amplitudes: AlignedVec<Complex<T>>,
    pub(super) kernels: Kernels,
    pub(super) threads: &'t Threads,
    /// Memory for stages, had when the first is run.
    pub(super) scratch: Option<Scratch<T>>,
}

impl<'t, T: Real> State<'t, T> {
    /// |0…0>.
    pub(crate) fn zero(n_places: usize, threads: &'t Threads) -> Result<Self, Error> {
        let mut state = Self::empty(n_places, threads)?;
        state.amplitudes[0] = Complex::new(T::one(), T::zero());
        Ok(state)
    }

    /// The identity on `n_qubits` qubits, row-major.
    pub(crate) fn identity(
        n_qubits: usize,
        threads: &'t Threads,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let mut state = Self::empty(2 * n_qubits, threads)?;
        for row in 0..1 << n_qubits {
            // The rows of a large one bring in all of its pages, one or more each.
            cancel.poll()?;
            state.amplitudes[row << n_qubits | row] = Complex::new(T::one(), T::zero());
        }
        Ok(state)
    }

    fn empty(n_places: usize, threads: &'t Threads) -> Result<Self, Error> {
        /// Bytes up to which all threads bring a state in at once. Larger ones come in as passes get
        /// to them, which can be cancelled.
        const AT_ONCE: usize = 64 << 20;
        let len = 1 << n_places;
        let amplitudes = match len <= AT_ONCE / size_of::<Complex<T>>() {
            true => AlignedVec::try_zeroed_on(threads, len)?,
            false => AlignedVec::try_zeroed(len)?,
        };
        Ok(Self { amplitudes, kernels: Kernels::detect(), threads, scratch: None })
    }

    /// A copy that works with other threads.
    pub(crate) fn copy<'u>(&self, threads: &'u Threads) -> Result<State<'u, T>, Error> {
        let amplitudes = AlignedVec::try_from_slice(&self.amplitudes)?;
        Ok(State { amplitudes, kernels: self.kernels, threads, scratch: None })
    }

    /// Becomes a copy of another state of as many places.
    pub(crate) fn copy_from(&mut self, other: &State<'_, T>) {
        self.amplitudes.copy_from_slice(&other.amplitudes);
    }

    /// The part in which the places of a mask have these values, as a state of the other places in
    /// their order; its norm is what is left of this one's.
    pub(crate) fn part<'u>(
        &self,
        read: usize,
        values: usize,
        threads: &'u Threads,
    ) -> Result<State<'u, T>, Error> {
        let left = (self.amplitudes.len() - 1) & !read;
        let mut part = State::empty(left.count_ones() as usize, threads)?;
        // Below the first place that was read, amplitudes stay together.
        let together = (1 << read.trailing_zeros().min(usize::BITS - 1)).min(self.amplitudes.len());
        let beyond = left & !(together - 1);
        let mut at = 0_usize;
        for run in part.amplitudes.chunks_mut(together) {
            let from = at | values;
            run.copy_from_slice(&self.amplitudes[from..from + run.len()]);
            // The next number whose bits are among those beyond.
            at = at.wrapping_sub(beyond) & beyond;
        }
        Ok(part)
    }

    pub(crate) fn amplitudes(&self) -> &[Complex<T>] {
        &self.amplitudes
    }

    pub(crate) fn n_places(&self) -> usize {
        self.amplitudes.len().trailing_zeros() as usize
    }

    pub(crate) fn apply_unitary(&mut self, apply: &Apply<T>) {
        apply.run(self.kernels, self.threads, &mut self.amplitudes);
    }

    /// Applies a run of unitaries to a state vector.
    pub(crate) fn apply_staged(&mut self, staged: &Staged<T>) -> Result<(), Error> {
        staged.run(self.kernels, self.threads, &mut self.amplitudes, &mut self.scratch)
    }

    /// Replaces all amplitudes.
    ///
    /// # Panics
    /// If there are not as many.
    pub(crate) fn set(&mut self, amplitudes: &[Complex64]) {
        assert_eq!(amplitudes.len(), self.amplitudes.len(), "amplitudes of a whole state");
        for (to, from) in self.amplitudes.iter_mut().zip(amplitudes) {
            *to = Complex::new(T::narrow(from.re), T::narrow(from.im));
        }
    }

    /// Sets places that are |0> to a state.
    pub(crate) fn prepare(&mut self, places: &[usize], prepared: &[Complex<T>]) {
        let offset = |value: usize| {
            places.iter().enumerate().fold(0, |at, (bit, place)| at | (value >> bit & 1) << place)
        };
        let offsets: Vec<usize> = (0..prepared.len()).map(offset).collect();
        let mask = mask(places);
        for base in (0..self.amplitudes.len()).filter(|index| index & mask == 0) {
            let amplitude = self.amplitudes[base];
            for (offset, factor) in offsets.iter().zip(prepared) {
                self.amplitudes[base | offset] = amplitude * factor;
            }
        }
    }

    /// Measures a place: 1 if `uniform` is below the probability of 1.
    pub(crate) fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        let [zero, one] = self.probabilities(&[place])?[..] else {
            unreachable!("one place has two probabilities")
        };
        // The norm is 1 up to rounding, so divide by what it is.
        let outcome = uniform * (zero + one) < one;
        self.collapse(place, outcome, if outcome { one } else { zero });
        Ok(outcome)
    }

    /// Keeps the part that reads `outcome` at a place, whose weight is given, and makes its norm 1.
    pub(crate) fn collapse(&mut self, place: usize, outcome: bool, weight: f64) {
        let value = if outcome { 1 << place } else { 0 };
        let scale = weight.sqrt().recip();
        self.kernels.collapse(self.threads, &mut self.amplitudes, 1 << place, value, scale);
    }

    /// Sets a place to |0> by measuring it and turning it back.
    pub(crate) fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        if self.measure(place, uniform)? {
            let controls = ketch_kernels::Controls::NONE;
            self.kernels.apply_x(self.threads, &mut self.amplitudes, place, controls);
        }
        Ok(())
    }

    /// The probabilities of the values of these places; the first is the lowest bit.
    pub(crate) fn probabilities(&self, places: &[usize]) -> Result<Vec<f64>, Error> {
        Ok(self.kernels.probabilities(self.threads, &self.amplitudes, places)?)
    }

    /// Makes the norm 1 again: drawn Kraus operators may leave less. Measurements and draws do not
    /// need it, since they compare with the norm that there is.
    pub(crate) fn normalize(&mut self) -> Result<(), Error> {
        if self.n_places() == 0 {
            return Ok(());
        }
        let norm: f64 = self.probabilities(&[0])?.iter().sum();
        let factor = Complex::new(T::narrow(norm.sqrt().recip()), T::zero());
        let none = ketch_kernels::Controls::NONE;
        self.kernels.apply_phase(self.threads, &mut self.amplitudes, factor, none);
        Ok(())
    }

    /// The probability of one basis state.
    pub(crate) fn probability(&self, index: usize) -> f64 {
        self.amplitudes.get(index).map_or(0.0, |a| double(*a).norm_sqr())
    }

    /// The expectation value of the Pauli string with these masks.
    pub(crate) fn expectation(&self, x: usize, z: usize) -> f64 {
        self.kernels.expectation_pauli(self.threads, &self.amplitudes, x, z)
    }

    /// The basis states that ascending uniform numbers fall on.
    pub(crate) fn sample_sorted(&self, uniforms: &[f64]) -> Result<Vec<usize>, Error> {
        Ok(self.kernels.sample_sorted(self.threads, &self.amplitudes, uniforms)?)
    }

    /// The weights of the blocks of amplitudes that are sampled together.
    pub(crate) fn block_weights(&self) -> Vec<f64> {
        self.kernels.block_probabilities(self.threads, &self.amplitudes)
    }

    /// As [`State::sample_sorted`], where the weights of the blocks are known.
    pub(crate) fn sample_in_blocks(
        &self,
        blocks: &[f64],
        uniforms: &[f64],
    ) -> Result<Vec<usize>, Error> {
        let len = self.amplitudes.len() / blocks.len();
        let total: f64 = blocks.iter().sum();
        let mut drawn = Vec::with_capacity(uniforms.len());
        for uniform in uniforms {
            let (block, beyond) = within(blocks, uniform * total);
            let amplitudes = &self.amplitudes[block * len..][..len];
            let serial = &Threads::serial();
            let index = self.kernels.sample_sorted(serial, amplitudes, &[beyond])?[0];
            drawn.push(block * len + index);
        }
        Ok(drawn)
    }

    /// All amplitudes in double precision.
    pub(crate) fn to_array(&self) -> Result<Array<Complex64>, Error> {
        Ok(Array::from_owner(widened(&self.amplitudes)?))
    }

    /// The amplitudes for the result, without a copy in double precision.
    pub(crate) fn into_array(self) -> Result<Array<Complex64>, Error> {
        let any: Box<dyn Any> = Box::new(self.amplitudes);
        match any.downcast::<AlignedVec<Complex64>>() {
            Ok(double) => Ok(Array::from_owner(*double)),
            Err(single) => {
                let single = single.downcast::<AlignedVec<Complex<f32>>>();
                Ok(Array::from_owner(widened(&single.expect("a precision is single or double"))?))
            }
        }
    }

    /// The density matrix of these places, row-major; the first is the lowest bit of its indices.
    pub(crate) fn density_matrix(&self, places: &[usize]) -> Vec<Complex64> {
        let dim = 1 << places.len();
        let offset = |value: usize| {
            places.iter().enumerate().fold(0, |at, (bit, place)| at | (value >> bit & 1) << place)
        };
        let offsets: Vec<usize> = (0..dim).map(offset).collect();
        let mask = mask(places);
        let mut entries = vec![Complex64::ZERO; dim * dim];
        let mut part = vec![Complex64::ZERO; dim];
        // The sum over all states of the other places of |part><part|.
        for base in (0..self.amplitudes.len()).filter(|index| index & mask == 0) {
            for (amplitude, offset) in part.iter_mut().zip(&offsets) {
                let from = self.amplitudes[base | offset];
                *amplitude = Complex64::new(from.re.widen(), from.im.widen());
            }
            for (row, line) in part.iter().zip(entries.chunks_mut(dim)) {
                for (entry, column) in line.iter_mut().zip(&part) {
                    *entry += row * column.conj();
                }
            }
        }
        entries
    }
}

/// The block that a number below the sum of all weights falls on, and which share of it is passed
/// there. What rounding leaves beyond the sum belongs to the last block with weight.
fn within(blocks: &[f64], number: f64) -> (usize, f64) {
    let (mut before, mut last) = (0.0, (0, 0.0));
    for (block, &weight) in blocks.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let share = ((number - before) / weight).clamp(0.0, 1.0 - f64::EPSILON / 2.0);
        last = (block, share);
        before += weight;
        if number < before {
            break;
        }
    }
    last
}

fn widened<T: Real>(amplitudes: &[Complex<T>]) -> Result<AlignedVec<Complex64>, Error> {
    let mut double = AlignedVec::try_zeroed(amplitudes.len())?;
    for (to, from) in double.iter_mut().zip(amplitudes) {
        *to = Complex64::new(from.re.widen(), from.im.widen());
    }
    Ok(double)
}

pub(super) fn double<T: Real>(amplitude: Complex<T>) -> Complex64 {
    Complex64::new(amplitude.re.widen(), amplitude.im.widen())
}
