//! Real matrices on pairs of amplitudes, and phases between them, several for one pass through
//! the registers.

mod phases;
mod run;
mod schedule;

use num_complex::Complex;

pub(crate) use self::run::SweepTile;
use self::{phases::cis_at, run::Round};
use crate::dispatch::{Arch, Kernels};
use crate::real::Real;

/// An operation on a tile, real but for phases. Matrices are row-major, act on the amplitudes
/// (first, second) of a pair, and need not be orthogonal.
///
/// One fused multiply-add for each real number: `[[1, -t], [t, 1]]` and
/// `[[c, -1], [1, c]]`, the rotation by a tangent or a cotangent up to a factor, and
/// `[[1, t], [t, -1]]` and `[[c, 1], [1, -c]]`, the reflections (a Hadamard gate with
/// `t` = 1). Other matrices take a product more, and so do the second of each kind on the
/// bits of the lanes, and a pair of matrices of different kinds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rotation {
    /// A matrix on one bit: the pairs are (0, 1).
    One {
        /// The bit of the tile's index.
        bit: usize,
        /// What becomes of a pair.
        matrix: [[f64; 2]; 2],
    },
    /// A matrix on two bits that mixes 00 with 11 and 01 with 10.
    Two {
        /// The bits of the tile's index, the first as the low one.
        bits: [usize; 2],
        /// On the pairs (00, 11).
        even: [[f64; 2]; 2],
        /// On the pairs (01, 10): in the first amplitude of a pair, `bits[0]` is 1.
        odd: [[f64; 2]; 2],
    },
    /// A phase: for amplitudes that pass through the registers together only, where it costs less
    /// than a [`PhasePass`](crate::PhasePass) of its own.
    Phase {
        /// The bits of the tile's index that are both 1 where the phase is. May be the same.
        bits: [usize; 2],
        /// In radians.
        angle: f64,
    },
    /// A factor for every amplitude.
    Scale(f64),
}

impl Rotation {
    /// The bits that the rotation acts on.
    fn mask(&self) -> usize {
        match *self {
            Self::One { bit, .. } => 1 << bit,
            Self::Two { bits: [a, b], .. } | Self::Phase { bits: [a, b], .. } => 1 << a | 1 << b,
            Self::Scale(_) => 0,
        }
    }
}

/// Rotations made ready for tiles of a size. They are done as if in the order given;
/// those on different bits commute, and share a pass through the registers: four bits
/// beside those of the lanes of a vector with AVX-512, three with AVX2.
#[derive(Clone, Debug)]
pub struct Sweep<T> {
    n_tile_bits: usize,
    arch: Arch,
    rounds: Vec<Round<T>>,
    /// For tiles that are too small for vectors.
    plain: Vec<Rotation>,
}

impl<T: Real> Sweep<T> {
    /// Makes `rotations` ready for `kernels` and tiles of `n_tile_bits`.
    ///
    /// # Panics
    /// When a bit lies beyond the tile or a rotation names a bit twice.
    pub fn compile(kernels: Kernels, rotations: &[Rotation], n_tile_bits: usize) -> Self {
        for rotation in rotations {
            let mask = rotation.mask();
            assert!(mask >> n_tile_bits == 0, "{rotation:?} on a tile of {n_tile_bits} bits");
            if let Rotation::Two { bits: [a, b], .. } = rotation {
                assert_ne!(a, b, "a rotation on a bit and itself");
            }
        }
        let (mut rounds, mut plain) = (Vec::new(), Vec::new());
        match T::registers(kernels.isa, 1 << n_tile_bits) {
            None => plain = rotations.to_vec(),
            Some(registers) => {
                for (slots, rotations) in schedule::rounds(rotations, n_tile_bits, registers) {
                    rounds.push(Round::new(slots, &rotations, registers));
                }
            }
        }
        Self { n_tile_bits, arch: kernels.arch(), rounds, plain }
    }

    /// The bits that one round can mix: the lowest `.0` of a tile, and `.1` others.
    pub fn reach(kernels: Kernels, n_tile_bits: usize) -> (usize, usize) {
        let registers = T::registers(kernels.isa, 1 << n_tile_bits);
        registers.map_or((0, 0), |registers| (registers.lane_bits, registers.slots))
    }

    /// How often the tile passes through the registers.
    pub fn n_rounds(&self) -> usize {
        self.rounds.len() + self.plain.len()
    }
}

impl Kernels {
    /// Applies the rotations to a tile.
    ///
    /// # Panics
    /// When `sweep` was made for tiles of another size or another instruction set.
    pub fn sweep<T: Real>(self, tile: &mut [Complex<T>], sweep: &Sweep<T>) {
        assert_eq!(tile.len(), 1 << sweep.n_tile_bits, "a tile of another size");
        assert_eq!(self.arch(), sweep.arch, "a sweep for another instruction set");
        for rotation in &sweep.plain {
            plainly(tile, rotation);
        }
        for round in &sweep.rounds {
            T::sweep(self.isa, SweepTile { tile: &mut *tile, round });
        }
    }
}

/// One pair at a time, for tiles that are too small for vectors.
fn plainly<T: Real>(tile: &mut [Complex<T>], rotation: &Rotation) {
    let len = tile.len();
    let mut mix = |first: usize, second: usize, matrix: &[[f64; 2]; 2]| {
        let [[a, b], [c, d]] = matrix.map(|row| row.map(T::narrow));
        let (x, y) = (tile[first], tile[second]);
        tile[first] = x.scale(a) + y.scale(b);
        tile[second] = x.scale(c) + y.scale(d);
    };
    match rotation {
        Rotation::Scale(factor) => {
            let factor = T::narrow(*factor);
            tile.iter_mut().for_each(|amplitude| *amplitude = amplitude.scale(factor));
        }
        Rotation::Phase { bits: [a, b], angle } => {
            let (mask, factor) = (1 << a | 1 << b, cis_at::<T>(*angle));
            for index in (0..len).filter(|index| index & mask == mask) {
                tile[index] *= factor;
            }
        }
        Rotation::One { bit, matrix } => {
            for first in (0..len).filter(|index| index >> bit & 1 == 0) {
                mix(first, first | 1 << bit, matrix);
            }
        }
        Rotation::Two { bits: [a, b], even, odd } => {
            let (low, high) = (1 << a, 1 << b);
            for base in (0..len).filter(|index| index & (low | high) == 0) {
                mix(base, base | low | high, even);
                mix(base | low, base | high, odd);
            }
        }
    }
}
