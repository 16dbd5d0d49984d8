//! All the diagonal gates of a stretch of a circuit in one pass.

mod layout;
mod run;

use num_complex::{Complex, Complex64};

use self::layout::Layout;
pub(super) use self::layout::Table;
pub(crate) use self::run::PhaseTile;
pub(super) use self::run::load;
use super::TileBits;
use crate::dispatch::{Arch, Kernels};
use crate::real::Real;

/// The most bits of a tile.
const MAX_TILE_BITS: usize = 39;

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
        cis(phase)
    }
}

/// exp(i phase), exact for multiples of a right angle.
pub(super) fn cis(phase: f64) -> Complex64 {
    if phase == 0.0 {
        return Complex64::ONE;
    }
    let quarters = phase / std::f64::consts::FRAC_PI_2;
    let nearest = quarters.round();
    // Twice the rounding of the quotient.
    if (quarters - nearest).abs() > 2.0 * f64::EPSILON * nearest.abs() {
        return Complex64::cis(phase);
    }
    match nearest.rem_euclid(4.0) as u8 {
        0 => Complex64::ONE,
        1 => Complex64::I,
        2 => -Complex64::ONE,
        _ => -Complex64::I,
    }
}

/// [`Phases`] made ready for the tiles of a pass.
#[derive(Clone, Debug)]
pub struct PhasePass<T> {
    arch: Arch,
    n_tile_bits: usize,
    way: Way<T>,
}

#[derive(Clone, Debug)]
enum Way<T> {
    Vectors(Box<Layout<T>>),
    /// For tiles that are too small for vectors.
    Plain(Phases, TileBits),
}

impl<T: Real> PhasePass<T> {
    /// Makes `phases`, whose bits are those of the state when the tiles are read, ready
    /// for `kernels` and tiles over `bits`.
    ///
    /// # Panics
    /// When a term has a bit beyond the state, or twice the same bit, or when the tiles
    /// have more than 39 bits.
    pub fn compile(kernels: Kernels, phases: &Phases, bits: &TileBits) -> Self {
        let (n, n_tile_bits) = (bits.n_qubits(), bits.n_tile_bits());
        assert!(n_tile_bits <= MAX_TILE_BITS, "a tile of {n_tile_bits} bits");
        assert!(phases.linear.len() <= n, "{} linear phases on {n} bits", phases.linear.len());
        for &(a, b, _) in &phases.pairs {
            assert!(a.max(b) < n, "a phase on bits {a} and {b} of {n}");
            assert_ne!(a, b, "a phase on a bit and itself");
        }
        let way = match T::registers(kernels.isa, 1 << n_tile_bits) {
            Some(registers) => Way::Vectors(Box::new(Layout::new(phases, bits, registers))),
            None => Way::Plain(phases.clone(), bits.clone()),
        };
        Self { arch: kernels.arch(), n_tile_bits, way }
    }
}

impl Kernels {
    /// Multiplies each amplitude of a tile by its phase; `base` is that of the tile.
    ///
    /// # Panics
    /// When `pass` was made for tiles of another size or another instruction set.
    pub fn phases<T: Real>(self, tile: &mut [Complex<T>], pass: &PhasePass<T>, base: usize) {
        assert_eq!(tile.len(), 1 << pass.n_tile_bits, "a tile of another size");
        assert_eq!(self.arch(), pass.arch, "phases for another instruction set");
        match &pass.way {
            Way::Vectors(layout) => {
                let on_tile = layout.on_tile(base);
                if !on_tile.is_identity() {
                    T::phases(self.isa, PhaseTile { tile, layout, on_tile });
                }
            }
            Way::Plain(phases, bits) => {
                for (index, amplitude) in tile.iter_mut().enumerate() {
                    let local = bits.gather().iter().enumerate();
                    let index = local.fold(base, |at, (j, bit)| at | (index >> j & 1) << bit);
                    let factor = phases.factor(index);
                    *amplitude *= Complex::new(T::narrow(factor.re), T::narrow(factor.im));
                }
            }
        }
    }
}
