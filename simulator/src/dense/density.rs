//! Density matrices, held as the amplitudes of twice as many places.
//!
//! Entry (row, column) of a density matrix of `n` places stands at index `row << n | column`: place
//! `p` of a column is index bit `p`, of a row bit `n + p`. A gate U takes ρ to U ρ U†, which is U on
//! the rows and its conjugate on the columns; a channel is a matrix on both at once. So the kernels
//! for state vectors do all the work.

use ketch_interface::Complex64;
use ketch_kernels::{AlignedVec, Controls, Real, Threads};
use num_complex::Complex;

use super::{
    Apply, State,
    apply::{Action, mask},
    state::double,
};
use crate::Error;

impl<'t, T: Real> State<'t, T> {
    /// |0…0><0…0|.
    pub(crate) fn zero_density(n_places: usize, threads: &'t Threads) -> Result<Self, Error> {
        let mut state = Self::zero(2 * n_places, threads)?;
        state.is_density = true;
        Ok(state)
    }

    /// The index bits of these places' rows.
    pub(super) fn rows(&self, places: &[usize]) -> Vec<usize> {
        let n = self.n_places();
        places.iter().map(|place| n + place).collect()
    }

    /// Multiplies index bits by any matrix; for a channel the bits are those of the rows and then
    /// those of the columns of its places.
    pub(crate) fn apply_superop(&mut self, bits: &[usize], entries: &[Complex<T>]) {
        let amplitudes = &mut self.amplitudes;
        self.kernels.apply_matrix(self.threads, amplitudes, bits, entries, Controls::NONE);
    }

    pub(super) fn apply_to_density(&mut self, apply: &Apply<T>) {
        if matches!(apply.action, Action::Phase(_)) && apply.controls == Controls::NONE {
            // A phase and its conjugate are 1.
            return;
        }
        let n = self.n_places();
        apply.mapped(|place| n + place).run(self.kernels, self.threads, &mut self.amplitudes);
        apply.conjugate().run(self.kernels, self.threads, &mut self.amplitudes);
    }

    /// |ψ><ψ| for the amplitudes of ψ.
    pub(super) fn set_pure_density(&mut self, amplitudes: &[Complex64]) {
        let dim = 1 << self.n_places();
        assert_eq!(amplitudes.len(), dim, "amplitudes of a whole state");
        for (row, line) in amplitudes.iter().zip(self.amplitudes.chunks_mut(dim)) {
            for (entry, column) in line.iter_mut().zip(amplitudes) {
                let product = row * column.conj();
                *entry = Complex::new(T::narrow(product.re), T::narrow(product.im));
            }
        }
    }

    pub(super) fn collapse_density(&mut self, place: usize, outcome: bool, probability: f64) {
        let mask = 1 << place | 1 << (self.n_places() + place);
        let value = if outcome { mask } else { 0 };
        let scale = probability.recip();
        self.kernels.collapse(self.threads, &mut self.amplitudes, mask, value, scale);
    }

    pub(super) fn density_at(&self, row: usize, column: usize) -> Complex64 {
        let n = self.n_places();
        let inside = row >> n == 0 && column >> n == 0;
        let entry = inside.then(|| self.amplitudes[row << n | column]);
        entry.map_or(Complex64::ZERO, double)
    }

    pub(super) fn density_probabilities(&self, places: &[usize]) -> Vec<f64> {
        let mut probabilities = vec![0.0; 1 << places.len()];
        for index in 0..1_usize << self.n_places() {
            let part =
                places.iter().enumerate().fold(0, |p, (k, place)| p | (index >> place & 1) << k);
            // Rounding can leave a little less than nothing.
            probabilities[part] += self.density_at(index, index).re.max(0.0);
        }
        probabilities
    }

    /// tr(P ρ), where P takes |c> to i^|x∧z| (−1)^|z∧c| |c ⊕ x>.
    pub(super) fn density_expectation(&self, x: usize, z: usize) -> f64 {
        let i_power = [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I];
        let phase = i_power[(x & z).count_ones() as usize % 4];
        let terms = (0..1_usize << self.n_places()).map(|column| {
            let sign = if (z & column).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            self.density_at(column, column ^ x) * sign
        });
        (phase * terms.sum::<Complex64>()).re
    }

    /// Draws from a vector whose amplitudes are the roots of the probabilities.
    pub(super) fn sample_density_sorted(&self, uniforms: &[f64]) -> Result<Vec<usize>, Error> {
        let mut roots = AlignedVec::<Complex64>::try_zeroed(1 << self.n_places())?;
        for (index, root) in roots.iter_mut().enumerate() {
            *root = Complex64::new(self.density_at(index, index).re.max(0.0).sqrt(), 0.0);
        }
        Ok(self.kernels.sample_sorted(self.threads, &roots, uniforms)?)
    }

    /// The density matrix of some places: the trace over the others.
    pub(super) fn reduced_density(&self, places: &[usize]) -> Vec<Complex64> {
        let dim = 1 << places.len();
        let offset = |value: usize| {
            places.iter().enumerate().fold(0, |at, (bit, place)| at | (value >> bit & 1) << place)
        };
        let offsets: Vec<usize> = (0..dim).map(offset).collect();
        let mask = mask(places);
        let mut entries = vec![Complex64::ZERO; dim * dim];
        for base in (0..1_usize << self.n_places()).filter(|index| index & mask == 0) {
            for (row, line) in offsets.iter().zip(entries.chunks_mut(dim)) {
                for (entry, column) in line.iter_mut().zip(&offsets) {
                    *entry += self.density_at(base | row, base | column);
                }
            }
        }
        entries
    }
}
