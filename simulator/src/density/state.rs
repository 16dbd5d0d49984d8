//! The state: one real number for each string of I, X, Y and Z.

use ketch_interface::{Array, Complex64, Matrix};
use ketch_kernels::{AlignedVec, Kernels, MapStage, Real, Threads};
use num_complex::Complex;

use super::{
    basis,
    channel::Transfer,
    plan::{self, Bits},
};
use crate::{
    Cancel, Error,
    dense::{
        Apply,
        apply::{bits, mask},
    },
};

/// Values times maps between two looks at the token that stops a run: about 20 ms of one thread.
const BETWEEN_POLLS: usize = 1 << 25;

/// A density matrix of `n` places: tr(P ρ) for every Pauli string P, at the index whose bit `p` says
/// that there is a Z at place `p` and bit `n + p` that there is an X; Y has both. Index bits above
/// those of the places number matrices that share one fate.
#[derive(Debug)]
pub(crate) struct PauliState<'t, T: Real> {
    values: AlignedVec<T>,
    bits: Bits,
    kernels: Kernels,
    threads: &'t Threads,
    /// A run of stages takes long, so the state looks at it itself.
    cancel: Cancel,
}

impl<'t, T: Real> PauliState<'t, T> {
    /// |0…0><0…0|.
    pub(crate) fn zero(
        n_places: usize,
        threads: &'t Threads,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let mut state = Self::empty(Bits { n_places, n_bits: 2 * n_places }, threads, cancel)?;
        // Strings of I and Z, which are the first.
        state.values[..1 << n_places].fill(T::one());
        Ok(state)
    }

    /// Every string in a matrix of its own: what becomes of them is the superoperator of what is
    /// done to them, as a Pauli transfer matrix. The string of index `s` is in matrix `s`.
    pub(crate) fn identity(
        n_places: usize,
        threads: &'t Threads,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let mut state = Self::empty(Bits { n_places, n_bits: 4 * n_places }, threads, cancel)?;
        for s in 0..1 << (2 * n_places) {
            // The matrices of a large one bring in all of its pages, one or more each.
            cancel.poll()?;
            state.values[s << (2 * n_places) | s] = T::one();
        }
        Ok(state)
    }

    fn empty(bits: Bits, threads: &'t Threads, cancel: &Cancel) -> Result<Self, Error> {
        let values = AlignedVec::try_zeroed(1 << bits.n_bits)?;
        Ok(Self { values, bits, kernels: Kernels::detect(), threads, cancel: cancel.clone() })
    }

    /// A copy that works with other threads.
    pub(crate) fn copy<'u>(&self, threads: &'u Threads) -> Result<PauliState<'u, T>, Error> {
        let values = AlignedVec::try_from_slice(&self.values)?;
        let Self { bits, kernels, ref cancel, .. } = *self;
        Ok(PauliState { values, bits, kernels, threads, cancel: cancel.clone() })
    }

    /// Becomes a copy of another state of as many places.
    pub(crate) fn copy_from(&mut self, other: &PauliState<'_, T>) {
        self.values.copy_from_slice(&other.values);
    }

    pub(crate) fn n_places(&self) -> usize {
        self.bits.n_places
    }

    /// It holds what becomes of every string.
    pub(crate) fn is_superop(&self) -> bool {
        self.bits.n_bits > 2 * self.bits.n_places
    }

    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val::<[T]>(&self.values) as u64
    }

    /// Runs stages made for as many bits.
    pub(crate) fn run(&mut self, stages: &[MapStage<T>]) -> Result<(), Error> {
        for stage in stages {
            let tiles = stage.tiles(self.values.len());
            let of_tile = (self.values.len() / tiles).saturating_mul(stage.n_maps().max(1));
            let at_once = (BETWEEN_POLLS / of_tile).max(self.threads.count());
            for first in (0..tiles).step_by(at_once) {
                self.cancel.poll()?;
                let tiles = first..(first + at_once).min(tiles);
                self.kernels.apply_stage(self.threads, &mut self.values, stage, tiles)?;
            }
        }
        Ok(())
    }

    /// Applies one gate or channel.
    pub(crate) fn apply_transfer(&mut self, transfer: Transfer) -> Result<(), Error> {
        let stages = plan::stages(vec![transfer], self.bits);
        self.run(&stages)
    }

    /// Applies a unitary on any number of places: as matrices of its places, one for each string
    /// of the others.
    pub(crate) fn apply_wide(&mut self, apply: &Apply<T>) -> Result<(), Error> {
        let mask = apply.mask();
        let n = self.bits.n_places;
        let places: Vec<usize> = bits(mask).collect();
        let k = places.len();
        let place_of = |place: usize| places.iter().position(|&p| p == place);
        let small = apply.mapped(|place| place_of(place).expect("one of its places"));
        let (rows, columns) = (small.mapped(|place| k + place), small.conjugate());
        let offsets = self.offsets(&places);
        let mut matrix = AlignedVec::<Complex<T>>::try_zeroed(1 << (2 * k))?;
        let own = mask | mask << n;
        for base in (0..self.values.len()).filter(|index| index & own == 0) {
            self.cancel.poll()?;
            let values = &mut self.values;
            basis::entries(
                k,
                |string| Complex64::new(values[base | offsets[string]].widen(), 0.0),
                |row, column, entry| {
                    matrix[row << k | column] =
                        Complex::new(T::narrow(entry.re), T::narrow(entry.im));
                },
            );
            rows.run(self.kernels, self.threads, &mut matrix);
            columns.run(self.kernels, self.threads, &mut matrix);
            basis::coefficients(
                k,
                |row, column| {
                    let entry = matrix[row << k | column];
                    Complex64::new(entry.re.widen(), entry.im.widen())
                },
                |string, value| values[base | offsets[string]] = T::narrow(value.re),
            );
        }
        Ok(())
    }

    /// The index of every string of some places, in the order of [`basis`].
    fn offsets(&self, places: &[usize]) -> Vec<usize> {
        let (n, k) = (self.bits.n_places, places.len());
        let spread = |value: usize| {
            places.iter().enumerate().fold(0, |at, (bit, place)| at | (value >> bit & 1) << place)
        };
        let dim = 1 << k;
        (0..dim * dim).map(|string| spread(string / dim) << n | spread(string % dim)).collect()
    }

    /// |ψ><ψ| for the amplitudes of ψ.
    ///
    /// # Panics
    /// If there are not `2^n`.
    pub(crate) fn set_pure(&mut self, amplitudes: &[Complex64]) {
        let n = self.bits.n_places;
        assert_eq!(amplitudes.len(), 1 << n, "amplitudes of a whole state");
        let entry = |row: usize, column: usize| amplitudes[row] * amplitudes[column].conj();
        let values = &mut self.values;
        basis::coefficients(n, entry, |index, value| values[index] = T::narrow(value.re));
    }

    /// The state of this density matrix, row-major.
    ///
    /// # Panics
    /// If it has not `4^n` entries.
    pub(crate) fn set(&mut self, entries: &[Complex64]) {
        let n = self.bits.n_places;
        assert_eq!(entries.len(), 1 << (2 * n), "a density matrix of all places");
        let values = &mut self.values;
        basis::coefficients(
            n,
            |row, column| entries[row << n | column],
            |index, value| values[index] = T::narrow(value.re),
        );
    }

    /// Sets places to a state, whatever they were.
    pub(crate) fn prepare(&mut self, places: &[usize], prepared: &[Complex<T>]) {
        let k = places.len();
        let offsets = self.offsets(places);
        let amplitude = |i: usize| Complex64::new(prepared[i].re.widen(), prepared[i].im.widen());
        let mut factors = vec![(0, T::zero()); offsets.len()];
        basis::coefficients(
            k,
            |row, column| amplitude(row) * amplitude(column).conj(),
            |string, value| factors[string] = (offsets[string], T::narrow(value.re)),
        );
        let own = mask(places) | mask(places) << self.bits.n_places;
        for base in (0..self.values.len()).filter(|index| index & own == 0) {
            let rest = self.values[base];
            for (offset, factor) in &factors {
                self.values[base | offset] = rest * *factor;
            }
        }
    }

    /// The weights of reading 0 and 1 at a place.
    pub(crate) fn weights(&self, place: usize) -> [f64; 2] {
        let (whole, z) = (self.values[0].widen(), self.values[1 << place].widen());
        let one = ((whole - z) / 2.0).clamp(0.0, whole);
        [whole - one, one]
    }

    /// Measures a place: 1 if `uniform` is below the probability of 1.
    pub(crate) fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        let [zero, one] = self.weights(place);
        // The trace is 1 up to rounding, so compare with what it is.
        let outcome = uniform * (zero + one) < one;
        let probability = if outcome { one } else { zero };
        self.apply_transfer(Transfer::collapse(place, outcome, probability))?;
        Ok(outcome)
    }

    /// The probabilities of the values of these places; the first is the lowest bit.
    pub(crate) fn probabilities(&self, places: &[usize]) -> Vec<f64> {
        let at = |z: usize| {
            places.iter().enumerate().fold(0, |at, (bit, place)| at | (z >> bit & 1) << place)
        };
        basis::probabilities(places.len(), |z| self.values[at(z)])
    }

    /// The probabilities of all basis states.
    pub(crate) fn all_probabilities(&self) -> Vec<f64> {
        basis::probabilities(self.bits.n_places, |z| self.values[z])
    }

    /// The expectation value of the Pauli string with these masks.
    pub(crate) fn expectation(&self, x: usize, z: usize) -> f64 {
        self.values[x << self.bits.n_places | z].widen()
    }

    /// The density matrix of these places, row-major: the trace over the others. The first place
    /// is the lowest bit of its indices.
    pub(crate) fn density_matrix(&self, places: &[usize]) -> Result<AlignedVec<Complex64>, Error> {
        let k = places.len();
        let offsets = self.offsets(places);
        let mut matrix = AlignedVec::try_zeroed(1 << (2 * k))?;
        basis::entries(
            k,
            |string| Complex64::new(self.values[offsets[string]].widen(), 0.0),
            |row, column, entry| matrix[row << k | column] = entry,
        );
        Ok(matrix)
    }

    /// The density matrix of all places, row-major.
    pub(crate) fn to_array(&self) -> Result<Array<Complex64>, Error> {
        let n = self.bits.n_places;
        let mut matrix = AlignedVec::try_zeroed(1 << (2 * n))?;
        basis::entries(
            n,
            |string| Complex64::new(self.values[string].widen(), 0.0),
            |row, column, entry| matrix[row << n | column] = entry,
        );
        Ok(Array::from_owner(matrix))
    }

    /// The superoperator of what was done to [`PauliState::identity`], column-stacking.
    pub(crate) fn superop(&self) -> Result<Array<Complex64>, Error> {
        let n = self.bits.n_places;
        let n_strings = 1_usize << (2 * n);
        let (dim, mut entries) = (n_strings, AlignedVec::try_zeroed(n_strings * n_strings)?);
        // Each string's image as a matrix, at its entry (row, column) of the stacked columns.
        for string in 0..n_strings {
            self.cancel.poll()?;
            let values = &self.values[string << (2 * n)..];
            basis::entries(
                n,
                |index| Complex64::new(values[index].widen(), 0.0),
                |row, column, entry| entries[(column << n | row) * dim + string] = entry,
            );
        }
        // |a><b| is the sum of <b|P|a> P / 2^n: to go from images of strings to images of |a><b|
        // is to go from coefficients to the entry (b, a) of a matrix. Both ways divide by 2^n,
        // where a transfer matrix has been divided once.
        let scale = (1_usize << n) as f64;
        let mut images = vec![Complex64::ZERO; dim];
        for line in entries.chunks_mut(dim) {
            images.copy_from_slice(line);
            let image = |string: usize| images[string] * scale;
            basis::entries(n, image, |b, a, entry| line[b << n | a] = entry);
        }
        Ok(Array::from_owner(entries))
    }

    /// Makes the superoperator, column-stacking, what was done so far.
    pub(crate) fn set_superop(&mut self, superop: &Matrix) -> Result<(), Error> {
        let n = self.bits.n_places;
        let dim = 1_usize << (2 * n);
        let mut images = AlignedVec::<Complex64>::try_from_slice(superop.entries())?;
        for line in images.chunks_mut(dim) {
            let found = line.to_vec();
            basis::coefficients(n, |b, a| found[b << n | a], |string, sum| line[string] = sum);
        }
        let scale = 1.0 / (1_usize << n) as f64;
        for (string, values) in self.values.chunks_mut(dim).enumerate() {
            self.cancel.poll()?;
            basis::coefficients(
                n,
                |row, column| images[(column << n | row) * dim + string],
                |index, sum| values[index] = T::narrow(sum.re * scale),
            );
        }
        Ok(())
    }
}
