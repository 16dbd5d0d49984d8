//! All the diagonal gates of a stretch of a circuit in one pass.

use std::marker::PhantomData;

use num_complex::{Complex, Complex64};

use super::TileBits;
use crate::dispatch::Kernels;
use crate::real::Real;

/// A diagonal whose phase is a quadratic polynomial in the bits `x` of the index:
/// exp i(constant + Σ `linear[i]` x_i + Σ angle x_i x_j), in radians. Products of Rz, P,
/// CZ, CP, Rzz and S, T, Z are of this form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phases {
    /// The phase of every amplitude.
    pub constant: f64,
    /// For each bit of the state, the phase where it is 1. Bits beyond the end have none.
    pub linear: Vec<f64>,
    /// Two different bits of the state and the phase where both are 1.
    pub pairs: Vec<(usize, usize, f64)>,
}

impl Phases {
    /// The factor of amplitude `index`, term by term.
    pub fn factor(&self, index: usize) -> Complex64 {
        let is_set = |bit: usize| index >> bit & 1 == 1;
        let linear = self.linear.iter().enumerate().filter(|(bit, _)| is_set(*bit));
        let pairs = self.pairs.iter().filter(|(a, b, _)| is_set(*a) && is_set(*b));
        let phase = self.constant
            + linear.map(|(_, phase)| phase).sum::<f64>()
            + pairs.map(|(_, _, phase)| phase).sum::<f64>();
        Complex64::cis(phase)
    }
}

/// [`Phases`] made ready for the tiles of a pass.
#[derive(Clone, Debug)]
pub struct PhasePass<T> {
    phases: Phases,
    bits: TileBits,
    real: PhantomData<T>,
}

impl<T: Real> PhasePass<T> {
    /// Makes `phases`, whose bits are those of the state when the tiles are read, ready
    /// for `kernels` and tiles over `bits`.
    ///
    /// # Panics
    /// When a term has a bit beyond the state, or twice the same bit.
    pub fn compile(kernels: Kernels, phases: &Phases, bits: &TileBits) -> Self {
        let _ = kernels;
        let n = bits.n_qubits();
        assert!(phases.linear.len() <= n, "{} linear phases on {n} bits", phases.linear.len());
        for &(a, b, _) in &phases.pairs {
            assert!(a.max(b) < n, "a phase on bits {a} and {b} of {n}");
            assert_ne!(a, b, "a phase on a bit and itself");
        }
        Self { phases: phases.clone(), bits: bits.clone(), real: PhantomData }
    }
}

impl Kernels {
    /// Multiplies each amplitude of a tile by its phase; `base` is that of the tile.
    ///
    /// # Panics
    /// When the tile is not of the size that `pass` was made for.
    pub fn phases<T: Real>(self, tile: &mut [Complex<T>], pass: &PhasePass<T>, base: usize) {
        assert_eq!(tile.len(), 1 << pass.bits.n_tile_bits(), "a tile of another size");
        for (index, amplitude) in tile.iter_mut().enumerate() {
            let local = pass.bits.gather().iter().enumerate();
            let index = local.fold(base, |at, (j, bit)| at | (index >> j & 1) << bit);
            let factor = pass.phases.factor(index);
            *amplitude *= Complex::new(T::narrow(factor.re), T::narrow(factor.im));
        }
    }
}
